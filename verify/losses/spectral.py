"""The spectral contrastive loss of linear maps (HaoChen et al. 2021), M = AAᵀ.

L(M) = −2E[f(x)ᵀf(x̂)] + E_{x,y}[(f(x)ᵀf(y))²] = −2⟨C, M⟩ + tr(M R M R), R = E xxᵀ: exact, and ∇L(M) = −2C + 2RMR.
The second expectation is of the square, which the article among the sources drops in its last lines.
"""

from __future__ import annotations

from thmverify import exact
from thmverify.losses.expressions import GradientExpression, ValueExpression, gram_matrix
from thmverify.losses.record import Loss, Row, Sense, deferred
from thmverify.maps import Encoder, Gram, LinearMap
from thmverify.models import Instance


def value(instance: Instance, linear_map: LinearMap) -> ValueExpression:
    """Return L(M)."""
    pairs = instance.pairs
    M = gram_matrix("spectral", linear_map, pairs.mixture.dimension)
    spread = M * pairs.mixture.R
    return ValueExpression(exact.trace(spread * spread) - 2 * exact.inner(pairs.C, M))


def gradient(instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
    """Return ∇L(M) (d × d, symmetric)."""
    pairs = instance.pairs
    M = gram_matrix("spectral", linear_map, pairs.mixture.dimension)
    R = pairs.mixture.R
    return {"M": GradientExpression((R * M * R - pairs.C) * 2)}


LOSS = Loss(
    name="spectral",
    title="Spectral contrastive",
    formula=r"-2\,\mathbb{E}\, f(x)^T f(\hat{x}) + \mathbb{E}_{x,y} (f(x)^T f(y))^2",
    sense=Sense.MINIMISED,
    normalisation="that of HaoChen et al. 2021, the second expectation over independent x and y",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    value=value,
    gradient=gradient,
    example=("gmm.json", "encoder.json"),
    rows=(Row("spectral", "Spectral"),),
    minimiser=deferred("minimize.closed_forms:minimise_spectral"),
    polisher=deferred("minimize.polishing:polish_spectral"),
)
