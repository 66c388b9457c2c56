"""A global minimiser, enclosed by its optimality conditions, and the bounds on its rank that follow.

In coordinates t = (BQ)ᵀx, B the basis of S_F and Q a hint, M = BQYQᵀBᵀ and the loss is a convex function of Y. All of
it is rational; any invertible Q is right, and one with t nearly white keeps the balls narrow. The norms are ‖H‖² =
tr(HGHG) for matrices like Y and, dual to it, ‖E‖² = tr(EG⁻¹EG⁻¹) for gradients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from flint import arb, arb_mat, fmpq, fmpq_mat

from verify.kernel.integrals import Grids, read_grids, softmax_points
from verify.kernel.linear import (
    ball_inverse,
    beside,
    certainly_definite,
    column,
    dual_norm_squared,
    identity,
    precision,
    symmetric,
    trace,
)
from verify.kernel.models import Mixture, Paired, Pairs, cross_moment, hint
from verify.kernel.parse import Rejected, integer, record

MAX_BITS = 2000
_BITS = 256


@dataclass(frozen=True)
class Enclosed:
    """‖Y* − Ỹ‖ ≤ ε, with VᵀGV, NᵀGN, Γ = NᵀgN, g, ‖g‖² and Λ of `enclose_infonce`."""

    inner: arb_mat
    outer: arb_mat
    Gamma: arb_mat
    gradient: arb_mat
    gradient2: arb
    epsilon: arb
    Lambda: arb


def enclose_infonce(pairs: Pairs, hints: object) -> Enclosed:
    """Return the enclosure of Y* for InfoNCE with a shared covariance and r ≥ m; hints: precision, Q, grids, V, N.

    L(Y) = −⟨C,Y⟩ + ½tr(YGY(G+S)) + E log Σ_k w_k exp(tᵀYτ_k) over Y ⪰ 0, whose Hessian lies between ‖H‖² and Λ‖H‖²:
    tr(HGH(G+S)) ≤ (1+T)‖H‖², T = tr(G⁻¹S), and the softmax variance of tᵀHτ_k is at most a quarter of its squared
    range, hence of diam²·tr(HGH(G+S)), diam the largest G⁻¹-distance of two τ_k: Λ = (1+T)(1+diam²/4).

    Take Ỹ = VVᵀ, N with VᵀGN = 0, Γ = NᵀgN ≻ 0 for g = ∇L(Ỹ), and Z = GN(NᵀGN)⁻¹Γ(NᵀGN)⁻¹NᵀG ⪰ 0, so ZỸ = 0. With
    ε = ‖g − Z‖, adding 0 ≤ −⟨∇L(Y*), Y*−Ỹ⟩ and 0 ≤ ⟨Z, Y*⟩ to strong monotonicity gives ‖Y*−Ỹ‖² ≤ ε‖Y*−Ỹ‖.
    """
    bits, Q, grids, V_text, N_text = record(hints, "hints", ("precision", "Q", "grids", "V", "N"))
    m = pairs.mixture.m
    law = pairs.mixture.reduced(hint(Q, "Q", rows=m, columns=m))
    G = law.sigma
    V, seed = hint(V_text, "V", rows=m), hint(N_text, "N", rows=m)
    with precision(integer(bits, "precision", 32, MAX_BITS)):
        g = infonce_gradient(law, cross_moment(law, law, pairs.bias), V, read_grids(grids))
        inner, outer, Gamma, epsilon = slack(g, G, V, seed)
        Lambda = arb((1 + trace(G.inv() * law.S)) * (1 + _diameter_squared(law) / 4))
        return Enclosed(inner, outer, Gamma, g, dual_norm_squared(g, G, G), epsilon, Lambda)


def infonce_gradient(law: Mixture, C: fmpq_mat, V: fmpq_mat, grids: Grids) -> arb_mat:
    """Return ∇L(M) at M = VVᵀ for t ~ law: with the softmax p_k ∝ w_k exp(tᵀMτ_k + ½tᵀMG_kMt) and q = Vᵀt it is

    −C + sym[ RMG_1 + Σ_k E[p_k t]τ_kᵀ + Σ_k E[p_k t qᵀ]Vᵀ(G_k − G_1) ], since Σ_k p_k = 1.
    """
    first, factors = law.covariances[0], law.means
    bends: list[fmpq_mat] = []
    if not law.shared:
        bends = [V.transpose() * (sigma - first) * V for sigma in law.covariances]
        blocks = [beside(column(law.means, k), (sigma - first) * V) for k, sigma in enumerate(law.covariances)]
        factors = reduce(beside, blocks)
    points = softmax_points(law, V, V.transpose() * law.offsets, grids, bends)
    drift = points * arb_mat(factors.transpose())
    return arb_mat(symmetric(law.R * V * V.transpose() * first) - C) + (drift + drift.transpose()) / 2


def slack(g: arb_mat, G: fmpq_mat, V: fmpq_mat, seed: fmpq_mat) -> tuple[arb_mat, arb_mat, arb_mat, arb]:
    """Return VᵀGV, NᵀGN, Γ = NᵀgN ≻ 0 and ‖g − Z‖ for the Z of `enclose_infonce`; VᵀGN = 0, Col[V N] = Col[V seed]."""
    inner = arb_mat(V.transpose() * G * V)
    N = arb_mat(seed) - arb_mat(V) * ball_inverse(inner) * arb_mat(V.transpose() * G * seed)
    outer, Gamma = N.transpose() * arb_mat(G) * N, N.transpose() * g * N
    if not certainly_definite(Gamma):
        raise Rejected("the gradient is not certainly positive definite on N")
    lift = arb_mat(G) * N * ball_inverse(outer)
    epsilon = dual_norm_squared(g - lift * Gamma * lift.transpose(), G, G).upper().sqrt()
    return inner, outer, Gamma, epsilon.upper()


def rank_bounds(e: Enclosed, m: int) -> tuple[int, int]:
    """Return bounds of rank Y*.

    L is convex and its gradient Λ-Lipschitz, so ‖∇L(Y*) − g‖² ≤ Λ⟨∇L(Y*) − g, Y* − Ỹ⟩ (Baillon and Haddad), which is at
    most −Λ⟨g, Y* − Ỹ⟩ ≤ Λε‖Y* − Ỹ‖ ≤ Λε². And Y*∇L(Y*) = 0.

    VᵀGV ≻ ε     ⟹ rank Y* ≥ ρ (the eigenvalues of Ỹ move by at most ε);
    Γ ≻ √Λε·NᵀGN ⟹ rank Y* ≤ m − n (∇L moves by at most √Λε);
    ‖g‖ > √Λε    ⟹ rank Y* ≤ m − 1 (∇L(Y*) ≠ 0).
    """
    rho, n = e.inner.nrows(), e.outer.nrows()
    low = rho if certainly_definite(e.inner - arb_mat(identity(rho)) * e.epsilon) else 0
    high = m - 1 if e.gradient2 > e.Lambda * e.epsilon**2 else m
    if certainly_definite(e.Gamma - e.outer * (e.Lambda.sqrt() * e.epsilon)):
        high = min(high, m - n)
    return low, high


def _diameter_squared(law: Mixture) -> fmpq:
    """Return max_{j,k} (τ_j − τ_k)ᵀG⁻¹(τ_j − τ_k)."""
    gram, K = law.means.transpose() * law.sigma.inv() * law.means, len(law.weights)
    return max(gram[j, j] + gram[k, k] - 2 * gram[j, k] for j in range(K) for k in range(K))


@dataclass(frozen=True)
class EnclosedPair:
    """‖Y° − Ỹ‖² ≤ ε², with Ỹ, U, G_V and G_T of `enclose_clip`."""

    Y: fmpq_mat
    U: fmpq_mat
    G_V: fmpq_mat
    G_T: fmpq_mat
    epsilon2: arb


def enclose_clip(paired: Paired, hints: object) -> EnclosedPair:
    """Return the enclosure of Y° for CLIP, Y° its minimiser over all W = B_V Y B_Tᵀ; hints: left, right, U, …

    L(Y) = −2⟨C,Y⟩ + ½tr(Yᵀ(G_V+S_V)YG_T) + ½tr(YᵀG_VY(G_T+S_T)) + two log-sum-exps is 2-strongly convex in the norm
    ‖H‖² = tr(G_V H G_T Hᵀ), and there is no cone: ‖Y° − Ỹ‖ ≤ ‖∇L(Ỹ)‖/2 =: ε for any Ỹ = left·rightᵀ.
    """
    fields = ("precision", "Q_V", "Q_T", "vision_grids", "text_grids", "left", "right", "U")
    bits, Q_V, Q_T, vision_grids, text_grids, left_text, right_text, U_text = record(hints, "hints", fields)
    m, n = paired.vision.m, paired.text.m
    vision = paired.vision.reduced(hint(Q_V, "Q_V", rows=m, columns=m))
    text = paired.text.reduced(hint(Q_T, "Q_T", rows=n, columns=n))
    left, right = hint(left_text, "left", rows=m), hint(right_text, "right", rows=n)
    if left.ncols() != right.ncols():
        raise Rejected("left and right do not have as many columns")
    U, Y = hint(U_text, "U", rows=n), left * right.transpose()
    G_V, G_T = vision.sigma, text.sigma
    with precision(integer(bits, "precision", 32, MAX_BITS)):
        rational = vision.R * Y * G_T + G_V * Y * text.R - cross_moment(vision, text, paired.bias) * 2
        forward = softmax_points(vision, left, right.transpose() * text.offsets, read_grids(vision_grids))
        backward = softmax_points(text, right, left.transpose() * vision.offsets, read_grids(text_grids))
        g = arb_mat(rational) + forward * arb_mat(text.means.transpose())
        g += arb_mat(vision.means) * backward.transpose()
        return EnclosedPair(Y, U, G_V, G_T, (dual_norm_squared(g, G_V, G_T) / 4).upper())


def clip_rank(e: EnclosedPair) -> int:
    """Return a lower bound of rank Y°.

    When UᵀỸᵀG_VỸU ≻ ε²UᵀG_T⁻¹U, Ỹ has at least as many singular values above ε as U has columns, and so Y° that rank.
    """
    image: fmpq_mat = e.Y * e.U
    with precision(_BITS):
        above = arb_mat(image.transpose() * e.G_V * image) - arb_mat(e.U.transpose() * e.G_T.inv() * e.U) * e.epsilon2
        if not certainly_definite(above):
            raise Rejected("the singular values are not certainly above the error bound")
    return int(e.U.ncols())
