"""InfoNCE of features of degree two, f(x) = Σ_i (xᵀB_ix) e_i + Aᵀx + c."""

from __future__ import annotations

from thmverify.formulas.affine import c
from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, mu, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Real,
    conj,
    exists,
    exp,
    forall,
    mean,
    total,
    tr,
    unit,
    var,
)

B = var("B", Family(r, Mat(d, d)))
x = var("x", Col(d))
FUNCTION = Fun(Col(d), Real)


@named("QuadraticPart", (d, r, B, x), B, x)
def quadratic_part(_: Mixture, B: Expr, x: Expr) -> Expr:
    """Σ_i (xᵀB_ix) e_i: the part of degree two of the features."""
    return total(r, lambda i: tr(x.T @ B(i) @ x) * unit(i))


@named("QuadraticFeature", (d, r, B, A, c, x), B, A, c, x)
def quadratic_feature(mixture: Mixture, B: Expr, A: Expr, c: Expr, x: Expr) -> Expr:
    """f(x) = Σ_i (xᵀB_ix) e_i + Aᵀx + c."""
    return quadratic_part(mixture, B, x) + A.T @ x + c


@named("InfiniteNegatives", (d, K, r, w, mu, Sigma, B, A, c), B, A, c)
def infinite_negatives(mixture: Mixture, B: Expr, A: Expr, c: Expr) -> Expr:
    """E_x log E_y exp f(x)ᵀf(y) = +∞: some t(x) ≤ log E_y exp f(x)ᵀf(y) has as large a mean as one likes.

    That t(x) is below says that exp t(x) is at most the mean of some s(y) ≤ exp f(x)ᵀf(y), one for each component.
    """

    def score(x: Expr, y: Expr) -> Expr:
        return tr(quadratic_feature(mixture, B, A, c, x).T @ quadratic_feature(mixture, B, A, c, y))

    def expected(s: Expr) -> Expr:
        return total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: s(k)(mu(k) + xi)))

    def below(t: Expr, x: Expr) -> Expr:
        return exists(
            Family(K, FUNCTION),
            lambda s: conj(
                forall(Index(K), lambda k: forall(Col(d), lambda y: s(k)(y) <= exp(score(x, y)))),
                exp(t(x)) <= expected(s),
            ),
        )

    def large(t: Expr, level: Expr) -> Expr:
        return level <= total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: t(mu(k) + xi)))

    return forall(
        Real,
        lambda level: exists(FUNCTION, lambda t: conj(large(t, level), forall(Col(d), lambda x: below(t, x)))),
    )
