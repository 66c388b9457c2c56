"""What proofs about samples speak of: another loss L̂ of maps, its minimisers, and how far it deviates from InfoNCE."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import Expr, Fun, Mat, Real, conj, eq, exists, forall, num, real, tr, var

MAP = Mat(d, r)
LHAT, SAMPLE_MAP, TOLERANCE = var("Lhat", Fun(MAP, Real)), var("Ahat", MAP), var("epsilon", Real)
COLUMNS_ALL = real(d) <= real(r)


@named("MinimisesSample", (d, r, LHAT, SAMPLE_MAP), LHAT, SAMPLE_MAP)
def minimises_sample(_: Mixture, loss: Expr, A: Expr) -> Expr:
    """The map minimises L̂, any function of the maps with as many columns."""
    return forall(MAP, lambda Y: loss(A) <= loss(Y))


@named("GramDistance", (d, K, r, w, Sigma, SAMPLE_MAP, A), SAMPLE_MAP, A)
def gram_distance(mixture: Mixture, B: Expr, A: Expr) -> Expr:
    """‖ÂÂᵀ − AAᵀ‖² = tr(DΣ̄DΣ̄), D = ÂÂᵀ − AAᵀ."""
    gap = B @ B.T - A @ A.T
    return tr(gap @ mixture.sigma_bar @ gap @ mixture.sigma_bar)


@named("Deviates", (d, K, r, w, mu, Sigma, delta, LHAT, SAMPLE_MAP, A, TOLERANCE), LHAT, SAMPLE_MAP, A, TOLERANCE)
def deviates(mixture: Mixture, loss: Expr, B: Expr, A: Expr, tolerance: Expr) -> Expr:
    """L̂ − L, L InfoNCE, is less at Â by ε‖ÂÂᵀ − AAᵀ‖ at most, as where its slope in M is at most ε."""

    def within(length: Expr) -> Expr:
        gap = (loss(A) - mixture.infonce(A)) - (loss(B) - mixture.infonce(B))
        return conj(num(0) <= length, eq(length * length, gram_distance(mixture, B, A)), gap <= tolerance * length)

    return exists(Real, within)
