"""The posterior of a mixture, given a point and given its projection on the columns of a map."""

from __future__ import annotations

from thmverify.formulas.mixtures import MAP, A, K, Mixture, Sigma, d, mu, r, w
from thmverify.formulas.names import named
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


def density(mixture: Mixture, point: Expr, j: Expr) -> Expr:
    """w_j exp(−½(x − μ_j)ᵀΣ_j⁻¹(x − μ_j)): the density of component j at x, up to (2π)^{d/2} det(Σ_j)^{1/2}."""
    apart = point - mixture.mu(j)
    return mixture.w(j) * exp(num("-1/2") * tr(apart.T @ minv(mixture.Sigma(j)) @ apart))


@named("Posterior", (d, K, w, mu, Sigma, x, k), x, k)
def posterior(mixture: Mixture, x: Expr, k: Expr) -> Expr:
    """Pr(z = k | x), for covariances that have one determinant, as a shared covariance does."""
    return density(mixture, x, k) * inv(total(K, lambda j: density(mixture, x, j)))


def projected(mixture: Mixture, X: Expr) -> Mixture:
    """The mixture {w_k, Xᵀμ_k, XᵀΣ_kX}."""
    means = fn(Index(mixture.K), lambda k: X.T @ mixture.mu(k))
    covariances = fn(Index(mixture.K), lambda k: X.T @ mixture.Sigma(k) @ X)
    return Mixture(mixture.script, X.cols, mixture.K, mixture.w, means, covariances)


@named("ProjectsToMixture", MAP, A)
def projects_to_mixture(_: Mixture, A: Expr) -> Expr:
    """Given component k, Aᵀx has the law N(Aᵀμ_k, AᵀΣ_kA): E t(Aᵀx) is the mean of t over it, for every function t."""
    return forall(
        Index(K),
        lambda k: forall(
            Fun(Col(r), Real),
            lambda t: eq(
                mean(Sigma(k), lambda xi: t(A.T @ (mu(k) + xi))),
                mean(A.T @ Sigma(k) @ A, lambda eta: t(A.T @ mu(k) + eta)),
            ),
        ),
    )


@named("PreservesPosterior", MAP, A)
def preserves_posterior(mixture: Mixture, A: Expr) -> Expr:
    """Pr(z = k | x) = Pr(z = k | Aᵀx) for every x and k."""
    given = projected(mixture, A)

    def same(x: Expr, k: Expr) -> Expr:
        return eq(posterior(mixture, x, k), posterior(given, A.T @ x, k))

    return forall(Col(d), lambda x: forall(Index(K), lambda k: same(x, k)))
