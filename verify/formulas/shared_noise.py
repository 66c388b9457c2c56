"""Augmented pairs that share noise: x = μ_k + Uψ and x̂ = μ_k + Vψ with one Gaussian ψ ~ N(Ψ)."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, r, w
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Mat,
    Size,
    conj,
    eq,
    exists,
    exp,
    forall,
    log,
    mean,
    minv,
    psd,
    total,
    tr,
    var,
)

p = var("p", Size)
Psi, U, V = var("Psi", Mat(p, p)), var("U", Mat(d, p)), var("V", Mat(d, p))
NOISE = (p, Psi, U, V)
SHARED = U @ Psi @ V.T + V @ Psi @ U.T  # Γ + Γᵀ, Γ = Cov(x, x̂) given the component


def _named(mixture: Mixture, X: Expr, name: str, body: Expr) -> Expr:
    define = mixture.script.define(name, (d, K, r, w, mu, Sigma, delta, *NOISE, A), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, *NOISE, X)


def infonce_shared(mixture: Mixture, X: Expr) -> Expr:
    """InfoNCE of f(x) = Xᵀx: with probability δ a pair has one component and shares noise, else it is independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return tr(x.T @ A @ A.T @ y)

    matched = total(K, lambda k: w(k) * mean(Psi, lambda psi: score(mu(k) + U @ psi, mu(k) + V @ psi)))
    mixed = total(
        K,
        lambda k: total(
            K,
            lambda l: (
                w(k) * w(l) * mean(Sigma(k), lambda xi: mean(Sigma(l), lambda eta: score(mu(k) + xi, mu(l) + eta)))
            ),
        ),
    )

    def partition(x: Expr) -> Expr:
        return total(K, lambda l: w(l) * mean(Sigma(l), lambda eta: exp(score(x, mu(l) + eta))))

    negatives = total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))
    return _named(mixture, X, "SharedNoiseInfoNCE", -(delta * matched + (1 - delta) * mixed) + negatives)


def minimises_shared(mixture: Mixture, X: Expr) -> Expr:
    """X minimises the loss over the maps with as many columns."""
    own = Mixture(mixture.script)
    body = forall(Mat(d, r), lambda Y: infonce_shared(own, A) <= infonce_shared(own, Y))
    return _named(mixture, X, "MinimisesSharedNoise", body)


def within_shared(mixture: Mixture, X: Expr) -> Expr:
    """Col(X) ⊆ S_F + Σ̄⁻¹Col(Γ + Γᵀ): X = Σ_k Σ̄⁻¹μ_k c_kᵀ + Σ̄⁻¹(Γ + Γᵀ)E for some c_k and E."""
    own = Mixture(mixture.script)
    inverse = minv(own.sigma_bar)

    def written(c: Expr, E: Expr) -> Expr:
        return eq(A, total(K, lambda k: inverse @ mu(k) @ c(k).T) + inverse @ SHARED @ E)

    body = exists(Family(K, Col(r)), lambda c: exists(Mat(d, r), lambda E: written(c, E)))
    return _named(mixture, X, "WithinShared", body)


SHARED_NOISE = conj(
    psd(Psi),
    forall(Index(K), lambda k: eq(U @ Psi @ U.T, Sigma(k))),
    forall(Index(K), lambda k: eq(V @ Psi @ V.T, Sigma(k))),
)
HYPOTHESES: dict[str, Expr] = {"shared-noise": SHARED_NOISE}
