"""What the proof of infonce-equality-vanishing speaks of: the bias below which InfoNCE learns all of S_F.

1/δ₀² = 4(1 + λ)(3 + κ²/4)ηω²τ², where μ_kᵀΣ̄⁻¹μ_k ≤ κ² and μ_kμ_kᵀ ⪯ ηS for all k, Σ̄ ⪯ λS on S_F, Σ_k w_kc_kμ_kμ_kᵀ ⪯
ωΣ̄ for numbers c_k ≥ ½ with exp z ≤ 1 + z + c_kz² for all z ≤ log 1/w_k, and τ = tr(Σ̄⁻¹SR⁻¹S), R = E xxᵀ.
"""

from __future__ import annotations

from thmverify.formulas.mixtures import Mixture
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Real,
    conj,
    exists,
    exp,
    forall,
    minv,
    num,
    total,
    tr,
)


def tau(mix: Mixture) -> Expr:
    """τ = tr(Σ̄⁻¹SR⁻¹S)."""
    return tr(minv(mix.sigma_bar) @ mix.S @ minv(mix.R) @ mix.S)


def threshold(mix: Mixture, height: Expr, ratio: Expr, share: Expr, bend: Expr) -> Expr:
    """1/δ₀² = 4(1 + λ)(3 + κ²/4)ηω²τ² for the numbers κ², λ, η and ω."""
    square = tau(mix) * tau(mix)
    return 4 * (1 + ratio) * (3 + num("1/4") * height) * (share * bend * bend) * square


def high(mix: Mixture, height: Expr) -> Expr:
    """μ_kᵀΣ̄⁻¹μ_k ≤ κ² for all k."""
    return forall(Index(mix.K), lambda k: tr(mix.mu(k).T @ minv(mix.sigma_bar) @ mix.mu(k)) <= height)


def wide(mix: Mixture, ratio: Expr) -> Expr:
    """Σ̄ ⪯ λS on S_F: uᵀΣ̄u ≤ λuᵀSu for u in S_F."""
    return forall(
        Col(mix.d), lambda u: mix.within_fisher(u) >> (tr(u.T @ mix.sigma_bar @ u) <= ratio * tr(u.T @ mix.S @ u))
    )


def shared(mix: Mixture, share: Expr) -> Expr:
    """μ_kμ_kᵀ ⪯ ηS for all k: no component has more than η times the mean square of means in any direction."""

    def within(k: Expr, u: Expr) -> Expr:
        return tr(u.T @ mix.mu(k)) * tr(u.T @ mix.mu(k)) <= share * tr(u.T @ mix.S @ u)

    return forall(Index(mix.K), lambda k: forall(Col(mix.d), lambda u: within(k, u)))


def bent(mix: Mixture, c: Expr, zeta: Expr) -> Expr:
    """½ ≤ c_k and exp ζ_k ≤ 1 + ζ_k + c_kζ_k² for some ζ_k ≥ log 1/w_k: so exp z ≤ 1 + z + c_kz² for z ≤ log 1/w_k."""

    def of(k: Expr) -> Expr:
        below = exp(zeta(k)) <= 1 + zeta(k) + c(k) * zeta(k) * zeta(k)
        return conj(num("1/2") <= c(k), num(0) <= zeta(k), num(1) <= mix.w(k) * exp(zeta(k)), below)

    return forall(Index(mix.K), of)


def gathered(mix: Mixture, c: Expr, bend: Expr) -> Expr:
    """Σ_k w_kc_kμ_kμ_kᵀ ⪯ ωΣ̄."""

    def within(y: Expr) -> Expr:
        square = total(mix.K, lambda k: mix.w(k) * c(k) * (tr(y.T @ mix.mu(k)) * tr(y.T @ mix.mu(k))))
        return square <= bend * tr(y.T @ mix.sigma_bar @ y)

    return forall(Col(mix.d), within)


def bias_small(mix: Mixture) -> Expr:
    """δ < δ₀: for some bounds κ², λ, η, ω and numbers c_k, δ²·4(1 + λ)(3 + κ²/4)ηω²τ² < 1."""
    family = Family(mix.K, Real)

    def below(c: Expr, zeta: Expr, *known: Expr) -> Expr:
        height, ratio, share, bend = known
        return conj(
            *(high(mix, height), num(0) <= ratio, wide(mix, ratio), num(0) <= share, shared(mix, share)),
            *(num(0) <= bend, bent(mix, c, zeta), gathered(mix, c, bend)),
            mix.delta * mix.delta * threshold(mix, height, ratio, share, bend) < 1,
        )

    def numbers(*known: Expr) -> Expr:
        if len(known) == len(SORTS):
            return exists(family, lambda c: exists(family, lambda zeta: below(c, zeta, *known)))
        return exists(Real, lambda x: numbers(*known, x))

    return numbers()


SORTS = ("κ²", "λ", "η", "ω")  # the numbers that bound a mixture
