"""InfoNCE with a key bias: a learnt number for each key, which is added to the scores of pairs and negatives alike."""

from __future__ import annotations

from thmverify.formulas.mixtures import MAP, PAIRED_MAP, A, K, Mixture, Sigma, d, mu, pair_mean, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
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
    moderate,
    total,
    tr,
    var,
)

b = var("b", Fun(Col(d), Real))


@named("KeyBiasInfoNCE", (*PAIRED_MAP, b), A, b)
def key_bias_infonce(_: Mixture, A: Expr, b: Expr) -> Expr:
    """−E[f(x)ᵀf(x̂) + b(x̂)] + E_x log E_y exp(f(x)ᵀf(y) + b(y)), f(x) = Aᵀx, pairs of bias δ, y ~ F independent."""

    def score(x: Expr, y: Expr) -> Expr:
        return tr(x.T @ A @ A.T @ y) + b(y)

    def partition(x: Expr) -> Expr:
        return total(K, lambda l: w(l) * mean(Sigma(l), lambda eta: exp(score(x, mu(l) + eta))))

    return -pair_mean(score) + total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: log(partition(mu(k) + xi))))


@named("KeyBias", (d, b), b)
def potential(_: Mixture, b: Expr) -> Expr:
    """b is measurable, −exp(c(1 + |y|)) ≤ b(y) for some c, and b(y) ≤ c + lᵀy for some c and l.

    So every mean in the loss is an integral, whatever the map is. The best bias of a map is such a function: it is
    concave, and at least −c(1 + |y|²).
    """

    def below(c: Expr, l: Expr) -> Expr:
        return forall(Col(d), lambda y: b(y) <= c + tr(l.T @ y))

    return conj(moderate(b), exists(Real, lambda c: exists(Col(d), lambda l: below(c, l))))


@named("MinimisesKeyBias", PAIRED_MAP, A)
def minimises_key_bias(mixture: Mixture, A: Expr) -> Expr:
    """A, with some key bias, minimises the loss over the maps with as many columns and all key biases."""
    return exists(
        b.sort,
        lambda best: conj(
            potential(mixture, best),
            forall(
                Mat(d, r),
                lambda Y: forall(
                    b.sort,
                    lambda other: (
                        potential(mixture, other)
                        >> (key_bias_infonce(mixture, A, best) <= key_bias_infonce(mixture, Y, other))
                    ),
                ),
            ),
        ),
    )


@named("WithinLDA", MAP, A)
def within_lda(mixture: Mixture, A: Expr) -> Expr:
    """Col(A) ⊆ S_LDA: A = Σ_kl Σ̄⁻¹(μ_k − μ_l) c_klᵀ for some columns c_kl."""
    sigma = mixture.sigma_bar

    def written(c: Expr) -> Expr:
        return eq(A, total(K, lambda k: total(K, lambda l: minv(sigma) @ (mu(k) - mu(l)) @ c(k, l).T)))

    return exists(Family(K, Family(K, Col(r))), written)
