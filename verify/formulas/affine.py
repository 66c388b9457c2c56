"""InfoNCE over affine maps f(x) = Aᵀx + c."""

from __future__ import annotations

from thmverify.formulas.mixtures import PAIRED_MAP, A, K, Mixture, Sigma, d, mu, pair_mean, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import Col, Expr, Mat, exp, forall, log, mean, total, tr, var

c = var("c", Col(r))


@named("AffineInfoNCE", (*PAIRED_MAP, c), A, c)
def affine_infonce(_: Mixture, A: Expr, c: Expr) -> Expr:
    """−E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), f(x) = Aᵀx + c, pairs of bias δ, y ~ F independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return tr((A.T @ x + c).T @ (A.T @ y + c))

    def partition(x: Expr) -> Expr:
        return total(K, lambda l: w(l) * mean(Sigma(l), lambda eta: exp(score(x, mu(l) + eta))))

    return -pair_mean(score) + total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))


@named("MinimisesAffine", (*PAIRED_MAP, c), A, c)
def minimises_affine(mixture: Mixture, A: Expr, c: Expr) -> Expr:
    """(A, c) minimises the loss over the affine maps into as many dimensions."""

    def no_better(Y: Expr, e: Expr) -> Expr:
        return affine_infonce(mixture, A, c) <= affine_infonce(mixture, Y, e)

    return forall(Mat(d, r), lambda Y: forall(Col(r), lambda e: no_better(Y, e)))
