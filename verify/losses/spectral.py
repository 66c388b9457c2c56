"""The spectral contrastive loss of linear maps (HaoChen et al. 2021), M = AAᵀ.

L(M) = −2E[f(x)ᵀf(x̂)] + E_{x,y}[(f(x)ᵀf(y))²] = −2⟨C, M⟩ + tr(M R M R), R = E xxᵀ: exact, and ∇L(M) = −2C + 2RMR.
The second expectation is of the square, which the article among the sources drops in its last lines.
"""

from __future__ import annotations

from typing import Any

from thmverify.losses.expectations import Matrix, from_formula, of_gram
from thmverify.losses.record import Row, Sense, Settings, deferred
from thmverify.maps import Encoder, Gram
from thmverify.models import Instance


def formula(instance: Instance, _: Settings, M: Matrix) -> Any:
    """Return L(M)."""
    pairs = instance.pairs
    spread = M @ pairs.mixture.R
    return (spread @ spread).trace() - 2 * (M @ pairs.C).trace()


LOSS = from_formula(
    formula,
    of_gram,
    name="spectral",
    title="Spectral contrastive",
    formula=r"-2\,\mathbb{E}\, f(x)^T f(\hat{x}) + \mathbb{E}_{x,y} (f(x)^T f(y))^2",
    sense=Sense.MINIMISED,
    normalisation="that of HaoChen et al. 2021, the second expectation over independent x and y",
    models=("shared-gmm", "gmm"),
    maps=(Encoder, Gram),
    map_shape='{"A": …} (d × r) or {"M": …} (d × d)',
    example=("gmm.json", "encoder.json"),
    rows=(Row("spectral", "Spectral"),),
    minimiser=deferred("minimize.closed_forms:minimise_spectral"),
    polisher=deferred("minimize.polishing:polish_spectral"),
)
