"""InfoNCE with a key bias: a learnt number for each key, which is added to the scores of pairs and negatives alike."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, pair_mean, r, w
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Mat,
    Real,
    conj,
    eq,
    exists,
    exp,
    forall,
    log,
    mean,
    minv,
    num,
    total,
    tr,
    var,
)

b = var("b", Fun(Col(d), Real))
Q = var("Q", Fun(Index(K), Index(K), Real))
u = var("u", Col(d))


def key_bias_infonce(mixture: Mixture, X: Expr, bias: Expr) -> Expr:
    """−E[f(x)ᵀf(x̂) + b(x̂)] + E_x log E_y exp(f(x)ᵀf(y) + b(y)), f(x) = Xᵀx, pairs of bias δ, y ~ F independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return tr(x.T @ A @ A.T @ y) + b(y)

    def partition(x: Expr) -> Expr:
        return total(K, lambda l: w(l) * mean(Sigma(l), lambda eta: exp(score(x, mu(l) + eta))))

    body = -pair_mean(score) + total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))
    define = mixture.script.define("KeyBiasInfoNCE", (d, K, r, w, mu, Sigma, delta, A, b), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, X, bias)


def potential(mixture: Mixture, bias: Expr) -> Expr:
    """b is continuous, b(y) ≥ −C(1 + |y|²) for some C, and for each ε > 0 b(y) ≤ C + ε|y|² for some C.

    So every mean in the loss is an integral, whatever the map is; the best bias of a map is such a function.
    """

    def square(y: Expr) -> Expr:
        return tr(y.T @ y)

    def near(y: Expr, z: Expr, room: Expr, gap: Expr) -> Expr:
        return (square(z - y) < gap) >> ((b(z) - b(y)) * (b(z) - b(y)) < room)

    continuous = forall(
        Col(d),
        lambda y: forall(
            Real,
            lambda room: (
                (num(0) < room)
                >> exists(Real, lambda gap: conj(num(0) < gap, forall(Col(d), lambda z: near(y, z, room, gap))))
            ),
        ),
    )
    below = exists(Real, lambda c: forall(Col(d), lambda y: -c * (1 + square(y)) <= b(y)))
    above = forall(
        Real,
        lambda e: (num(0) < e) >> exists(Real, lambda c: forall(Col(d), lambda y: b(y) <= c + e * square(y))),
    )
    return mixture.script.define("KeyBias", (d, b), conj(continuous, below, above))(mixture.d, bias)


def minimises_key_bias(mixture: Mixture, X: Expr) -> Expr:
    """X, with some key bias, minimises the loss over the maps with as many columns and all key biases."""
    own = Mixture(mixture.script)
    best = exists(
        b.sort,
        lambda best: conj(
            potential(own, best),
            forall(
                Mat(d, r),
                lambda Y: forall(
                    b.sort,
                    lambda other: (
                        potential(own, other) >> (key_bias_infonce(own, A, best) <= key_bias_infonce(own, Y, other))
                    ),
                ),
            ),
        ),
    )
    define = mixture.script.define("MinimisesKeyBias", (d, K, r, w, mu, Sigma, delta, A), best)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, X)


def coupling(mixture: Mixture, shares: Expr) -> Expr:
    """Q_jk > 0 with both marginals w: Σ_k Q_jk = w_j and Σ_j Q_jk = w_k."""
    positive = forall(Index(K), lambda j: forall(Index(K), lambda k: num(0) < Q(j, k)))
    rows = forall(Index(K), lambda j: eq(total(K, lambda k: Q(j, k)), w(j)))
    columns = forall(Index(K), lambda k: eq(total(K, lambda j: Q(j, k)), w(k)))
    define = mixture.script.define("Coupling", (K, w, Q), conj(positive, rows, columns))
    return define(mixture.K, mixture.w, shares)


def rises_across(mixture: Mixture, shares: Expr, direction: Expr) -> Expr:
    """δ Σ_k w_k a_k² + (1 − δ)(Σ_k w_k a_k)² ≤ Σ_jk Q_jk a_j a_k, a_k = uᵀμ_k: the slope along uuᵀ is not negative."""

    def a(k: Expr) -> Expr:
        return tr(u.T @ mu(k))

    average = total(K, lambda k: w(k) * a(k))
    aligned = delta * total(K, lambda k: w(k) * a(k) * a(k)) + (1 - delta) * average * average
    body = aligned <= total(K, lambda j: total(K, lambda k: Q(j, k) * a(j) * a(k)))
    define = mixture.script.define("RisesAcross", (d, K, w, mu, delta, Q, u), body)
    return define(mixture.d, mixture.K, mixture.w, mixture.mu, mixture.delta, shares, direction)


def within_lda(mixture: Mixture, X: Expr) -> Expr:
    """Col(X) ⊆ S_LDA: X = Σ_kl Σ̄⁻¹(μ_k − μ_l) c_klᵀ for some columns c_kl."""
    own = Mixture(mixture.script)
    sigma = own.sigma_bar

    def written(c: Expr) -> Expr:
        return eq(A, total(K, lambda k: total(K, lambda l: minv(sigma) @ (mu(k) - mu(l)) @ c(k, l).T)))

    body = exists(Family(K, Family(K, Col(r))), written)
    define = mixture.script.define("WithinLDA", (d, K, r, w, mu, Sigma, A), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, X)
