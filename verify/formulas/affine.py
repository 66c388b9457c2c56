"""InfoNCE over affine maps f(x) = Aᵀx + c."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, pair_mean, r, w
from thmverify.proofs.expressions import Col, Expr, Mat, exp, forall, log, mean, total, tr, var

c = var("c", Col(r))


def affine_infonce(mixture: Mixture, X: Expr, offset: Expr) -> Expr:
    """−E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), f(x) = Xᵀx + offset, pairs of bias δ, y ~ F independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return tr((A.T @ x + c).T @ (A.T @ y + c))

    def partition(x: Expr) -> Expr:
        return total(K, lambda l: w(l) * mean(Sigma(l), lambda eta: exp(score(x, mu(l) + eta))))

    body = -pair_mean(score) + total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))
    define = mixture.script.define("AffineInfoNCE", (d, K, r, w, mu, Sigma, delta, A, c), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, X, offset)


def minimises_affine(mixture: Mixture, X: Expr, offset: Expr) -> Expr:
    """(X, offset) minimises the loss over the affine maps into as many dimensions."""
    own = Mixture(mixture.script)
    body = forall(Mat(d, r), lambda Y: forall(Col(r), lambda e: affine_infonce(own, A, c) <= affine_infonce(own, Y, e)))
    define = mixture.script.define("MinimisesAffine", (d, K, r, w, mu, Sigma, delta, A, c), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, X, offset)
