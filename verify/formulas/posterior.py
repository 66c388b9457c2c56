"""The posterior of a mixture, given a point and given its projection on the columns of a map."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, mu, r, w
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Real,
    eq,
    exp,
    fn,
    forall,
    inv,
    mean,
    minv,
    num,
    total,
    tr,
    var,
)

x, k = var("x", Col(d)), var("k", Index(K))


def _named(mixture: Mixture, X: Expr, name: str, body: Expr) -> Expr:
    define = mixture.script.define(name, (d, K, r, w, mu, Sigma, A), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, X)


def density(mixture: Mixture, point: Expr, j: Expr) -> Expr:
    """w_j exp(−½(x − μ_j)ᵀΣ_j⁻¹(x − μ_j)): the density of component j at x, up to (2π)^{d/2} det(Σ_j)^{1/2}."""
    apart = point - mixture.mu(j)
    return mixture.w(j) * exp(num("-1/2") * tr(apart.T @ minv(mixture.Sigma(j)) @ apart))


def posterior(mixture: Mixture, point: Expr, j: Expr) -> Expr:
    """Pr(z = j | x), for covariances that have one determinant, as a shared covariance does."""
    own = Mixture(mixture.script)
    body = density(own, x, k) * inv(total(K, lambda j: density(own, x, j)))
    define = mixture.script.define("Posterior", (d, K, w, mu, Sigma, x, k), body)
    return define(mixture.d, mixture.K, mixture.w, mixture.mu, mixture.Sigma, point, j)


def projected(mixture: Mixture, X: Expr) -> Mixture:
    """The mixture {w_k, Xᵀμ_k, XᵀΣ_kX}."""
    means = fn(Index(mixture.K), lambda k: X.T @ mixture.mu(k))
    covariances = fn(Index(mixture.K), lambda k: X.T @ mixture.Sigma(k) @ X)
    return Mixture(mixture.script, X.cols, mixture.K, mixture.w, means, covariances)


def projects_to_mixture(mixture: Mixture, X: Expr) -> Expr:
    """Given component k, Xᵀx has the law N(Xᵀμ_k, XᵀΣ_kX): E t(Xᵀx) is the mean of t over it, for every function t."""
    body = forall(
        Index(K),
        lambda k: forall(
            Fun(Col(r), Real),
            lambda t: eq(
                mean(Sigma(k), lambda xi: t(A.T @ (mu(k) + xi))),
                mean(A.T @ Sigma(k) @ A, lambda eta: t(A.T @ mu(k) + eta)),
            ),
        ),
    )
    return _named(mixture, X, "ProjectsToMixture", body)


def preserves_posterior(mixture: Mixture, X: Expr) -> Expr:
    """Pr(z = k | x) = Pr(z = k | Xᵀx) for every x and k."""
    own = Mixture(mixture.script)
    given = projected(own, A)
    body = forall(Col(d), lambda x: forall(Index(K), lambda k: eq(posterior(own, x, k), posterior(given, A.T @ x, k))))
    return _named(mixture, X, "PreservesPosterior", body)
