"""What the proof of infonce-equality-vanishing speaks of: the bias below which InfoNCE learns all of S_F.

1/δ₀² = λ(1 + λ)(3 + κ²/4)κ⁶τ², where μ_kᵀΣ̄⁻¹μ_k ≤ κ² for all k, Σ̄ ⪯ λS on S_F, and τ = tr(Σ̄⁻¹SR⁻¹S), R = E xxᵀ.
"""

from __future__ import annotations

from verify.formulas.spectral import Spectral
from verify.proofs.expressions import Col, Expr, Index, Real, conj, exists, forall, minv, num, tr


def tau(spec: Spectral) -> Expr:
    """τ = tr(Σ̄⁻¹SR⁻¹S)."""
    mix = spec.mixture
    return tr(minv(mix.sigma_bar) @ mix.S @ minv(spec.R) @ mix.S)


def threshold(spec: Spectral, height: Expr, ratio: Expr) -> Expr:
    """1/δ₀² = λ(1 + λ)(3 + κ²/4)κ⁶τ² for the numbers κ² and λ."""
    square = tau(spec) * tau(spec)
    return ratio * (1 + ratio) * (3 + num("1/4") * height) * (height * height * height) * square


def high(spec: Spectral, height: Expr) -> Expr:
    """μ_kᵀΣ̄⁻¹μ_k ≤ κ² for all k."""
    mix = spec.mixture
    return forall(Index(mix.K), lambda k: tr(mix.mu(k).T @ minv(mix.sigma_bar) @ mix.mu(k)) <= height)


def wide(spec: Spectral, ratio: Expr) -> Expr:
    """Σ̄ ⪯ λS on S_F: uᵀΣ̄u ≤ λuᵀSu for u in S_F."""
    mix = spec.mixture
    return forall(
        Col(mix.d), lambda u: mix.within_fisher(u) >> (tr(u.T @ mix.sigma_bar @ u) <= ratio * tr(u.T @ mix.S @ u))
    )


def bias_small(spec: Spectral) -> Expr:
    """δ < δ₀: for some bounds κ² and λ ≥ 0, δ²·λ(1 + λ)(3 + κ²/4)κ⁶τ² < 1."""
    delta = spec.mixture.delta

    def below(height: Expr, ratio: Expr) -> Expr:
        bounds = (high(spec, height), num(0) <= ratio, wide(spec, ratio))
        return conj(*bounds, delta * delta * threshold(spec, height, ratio) < 1)

    return exists(Real, lambda height: exists(Real, lambda ratio: below(height, ratio)))
