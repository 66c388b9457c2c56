"""The spectral contrastive loss of linear maps (HaoChen et al. 2021), M = AAᵀ.

L(M) = −2E[f(x)ᵀf(x̂)] + E_{x,y}[(f(x)ᵀf(y))²] = −2⟨C, M⟩ + tr(M R M R), R = E xxᵀ: exact, and ∇L(M) = −2C + 2RMR.
The second expectation is of the square, which the article among the sources drops in its last lines.
"""

from __future__ import annotations

from thmverify import exact
from thmverify.losses.expressions import GradientExpression, Loss, ValueExpression, gram_matrix
from thmverify.maps import LinearMap
from thmverify.models import Instance


class Spectral(Loss):
    """The population spectral contrastive loss."""

    name = "spectral"
    title = "Spectral contrastive"

    def value(self, instance: Instance, linear_map: LinearMap) -> ValueExpression:
        """Return L(M)."""
        pairs = instance.pairs
        M = gram_matrix(self.name, linear_map, pairs.mixture.dimension)
        spread = M * pairs.mixture.R
        return ValueExpression(exact.trace(spread * spread) - 2 * exact.inner(pairs.C, M))

    def gradient(self, instance: Instance, linear_map: LinearMap) -> dict[str, GradientExpression]:
        """Return ∇L(M) (d × d, symmetric)."""
        pairs = instance.pairs
        M = gram_matrix(self.name, linear_map, pairs.mixture.dimension)
        R = pairs.mixture.R
        return {"M": GradientExpression((R * M * R - pairs.C) * 2)}
