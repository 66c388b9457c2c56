"""What proofs about samples speak of: another loss L̂ of maps, its minimisers, how far it deviates from InfoNCE.

And InfoNCE of n pairs, given as two families of points.
"""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Mat,
    Real,
    Size,
    conj,
    eq,
    exists,
    forall,
    inv,
    lse,
    num,
    real,
    total,
    tr,
    var,
)

MAP = Mat(d, r)
LHAT, SAMPLE_MAP, TOLERANCE = var("Lhat", Fun(MAP, Real)), var("Ahat", MAP), var("epsilon", Real)
COLUMNS_ALL = real(d) <= real(r)
n, RADIUS = var("n", Size), var("rho", Real)
POINTS, PARTNERS = var("x", Family(n, Col(d))), var("xhat", Family(n, Col(d)))


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


@named("SampleInfoNCE", (d, r, n, POINTS, PARTNERS, A), A)
def sample_infonce(_: Mixture, A: Expr) -> Expr:
    """(1/n) Σ_i [log (1/n) Σ_j exp(f(x_i)ᵀf(x̂_j)) − f(x_i)ᵀf(x̂_i)], f(x) = Aᵀx: the loss of n pairs."""
    share = inv(real(n))

    def score(i: Expr, j: Expr) -> Expr:
        return tr(POINTS(i).T @ A @ A.T @ PARTNERS(j))

    return total(n, lambda i: share * (lse(n, lambda _: share, lambda j: score(i, j)) - score(i, i)))


@named("MinimisesSampleInfoNCE", (d, r, n, POINTS, PARTNERS, A), A)
def minimises_sample_infonce(mixture: Mixture, A: Expr) -> Expr:
    """The map minimises InfoNCE of the n pairs, over the maps with as many columns."""
    return forall(MAP, lambda Y: sample_infonce(mixture, A) <= sample_infonce(mixture, Y))


@named("RisesAround", (d, K, r, n, w, Sigma, POINTS, PARTNERS, RADIUS, A), A)
def rises_around(mixture: Mixture, A: Expr) -> Expr:
    """InfoNCE of the n pairs is larger than at A at every B with ‖BBᵀ − AAᵀ‖ = ρ."""
    return forall(
        MAP,
        lambda B: (
            eq(gram_distance(mixture, B, A), RADIUS * RADIUS)
            >> (sample_infonce(mixture, A) < sample_infonce(mixture, B))
        ),
    )
