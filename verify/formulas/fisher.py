"""The Fisher discriminant of a map, and its largest value."""

from __future__ import annotations

from thmverify.formulas.mixtures import MAP, A, Mixture
from thmverify.formulas.names import named
from thmverify.proofs.expressions import Expr, minv, tr


@named("FisherDiscriminant", MAP, A)
def discriminant(mixture: Mixture, A: Expr) -> Expr:
    """J(A) = tr[(AᵀΣ̄A)⁻¹ AᵀSA], for A with independent columns."""
    return tr(minv(A.T @ mixture.sigma_bar @ A) @ A.T @ mixture.S @ A)


def bound(mixture: Mixture) -> Expr:
    """tr(Σ̄⁻¹S)."""
    return tr(minv(mixture.sigma_bar) @ mixture.S)
