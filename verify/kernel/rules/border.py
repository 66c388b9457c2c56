"""No minimiser of InfoNCE lies inside a subspace U: a point across its border has a smaller loss than all inside.

L(M) = −⟨C,M⟩ + E_x log Σ_k w_k exp ℓ_k with ℓ_k = xᵀMμ_k + ½xᵀMΣ_kMx, all convex in M. When Σ_k ⪰ κΣ̄ for all k,

    D²L[H,H] ≥ E Σ_k p_k xᵀHΣ_kHx ≥ κ E xᵀHΣ̄Hx = κ tr(HΣ̄HR) ≥ κ‖H‖²,   ‖H‖² = tr(HΣ̄HΣ̄),

so L is κ-strongly convex on the symmetric M, and has a minimiser over the M ⪰ 0 of rank ≤ r.

*Inside.* Take a rational X (d × n), P with XᵀΣ̄P = 0, and write whitened matrices in blocks along X and P. On an
orthonormal basis [c; s] of U let ‖s‖ ≤ η; η = 0 when U = Col(X). Take M̃ = XỸXᵀ, Ỹ = VVᵀ, g = ∇L(M̃), and Z ⪰ 0 with
ZỸ = 0. Each M ⪰ 0 with Col(M) ⊆ U has ‖M_XP‖ ≤ η‖M‖ and ‖M_PP‖ ≤ η²‖M‖. So for ε = ‖g_XX − Z‖ and
ζ = 2η‖g_XP‖ + η²‖g_PP‖,

    ⟨g, M − M̃⟩ ≥ ⟨Z, M_XX⟩ − ε‖M − M̃‖ − ζ‖M‖ ≥ −(ε + ζ)‖M − M̃‖ − ζ‖M̃‖,
    L(M) ≥ L(M̃) − ζ‖M̃‖ − (ε + ζ)²/2κ.

*Across.* Take M' = WWᵀ, W with at most r columns. Strong convexity at M' says

    L(M̃) ≥ L(M') + ⟨∇L(M'), M̃ − M'⟩ + κ‖M̃ − M'‖²/2.

If the rise from M' to M̃ exceeds the possible fall from M̃ to M, L(M') < L(M) for all M inside. Such an M' is there
whenever the gradient across the border is not 0 at the best point inside: the rise is of first order in the step.
"""

from __future__ import annotations

from flint import arb, arb_mat, fmpq, fmpq_mat

from verify.kernel.enclosure import MAX_BITS, infonce_gradient, slack
from verify.kernel.integrals import Grids, read_grids
from verify.kernel.linear import dual_norm_squared, is_semidefinite, null_space, precision, rank, trace
from verify.kernel.models import Pairs, hint
from verify.kernel.parse import Rejected, array, integer, rational, record
from verify.kernel.rules.finding import REFUTED, Finding, shared


def nonshared_border(pairs: Pairs, hints: object) -> Finding:
    """The border of S_F."""
    _check_border(pairs, pairs.mixture.fisher, fmpq(0), hints)
    return REFUTED


def infonce_top_border(pairs: Pairs, hints: object) -> Finding:
    """The border of U, the one column space of at most r dimensions that is optimal for J; hints: X, levels, border.

    In the whitened blocks of X (d × r) and P, T = Σ^{-1/2}SΣ^{-1/2} has T_XX ≥ a and T_PP ≤ b < a at the levels a, b.
    By interlacing T has r eigenvalues ≥ a and the others ≤ b: U, spanned by the first r, is the one maximiser of J
    (Ky Fan; a > b ≥ 0, so no smaller space reaches it). On an orthonormal basis [c; s] of U, T is some K ≥ a and
    sK − T_PP s = T_PX c, so (a − b)‖s‖ ≤ ‖T_PX‖, which is η.
    """
    mixture, r = shared(pairs), pairs.columns
    space, levels, border = record(hints, "hints", ("X", "levels", "border"))
    X = hint(space, "X", rows=mixture.means.nrows(), columns=r)
    P = null_space(X.transpose() * mixture.sigma)
    a, b = (rational(x, "levels") for x in array(levels, "levels", 2))
    along = X.transpose() * (mixture.S - mixture.sigma * a) * X
    across = P.transpose() * (mixture.sigma * b - mixture.S) * P
    if not (rank(X) == r and P.ncols() > 0 and a > b and is_semidefinite(along) and is_semidefinite(across)):
        raise Rejected("the levels do not separate the eigenvalues on X from those across it")
    mixed, G, H = (
        u.transpose() * m * v for u, m, v in ((X, mixture.S, P), (X, mixture.sigma, X), (P, mixture.sigma, P))
    )
    _check_border(pairs, X, trace(G.inv() * mixed * H.inv() * mixed.transpose()) / (a - b) ** 2, border)
    return REFUTED


def _check_border(pairs: Pairs, X: fmpq_mat, eta2: fmpq, hints: object) -> None:
    """Check the module's inequality; eta2 is η². Hints: precision, modulus κ, V, N (for Z), W, grids for each point."""
    fields = ("precision", "modulus", "V", "N", "grids", "W", "grids_across")
    bits, modulus, V_text, N_text, grids, W_text, grids_across = record(hints, "hints", fields)
    V, seed = hint(V_text, "V", rows=X.ncols()), hint(N_text, "N", rows=X.ncols())
    W, kappa = hint(W_text, "W", rows=X.nrows()), rational(modulus, "modulus")
    if not (kappa > 0 and all(is_semidefinite(s - pairs.mixture.sigma * kappa) for s in pairs.mixture.covariances)):
        raise Rejected("the modulus is not one of strong convexity")
    if W.ncols() > pairs.columns:
        raise Rejected("W has more than r columns")
    with precision(integer(bits, "precision", 32, MAX_BITS)):
        fall = largest_fall(pairs, X, eta2, kappa, V, seed, read_grids(grids))
        if not least_rise(pairs, kappa, W, X * V, read_grids(grids_across)) > fall:
            raise Rejected("the point across the border is not certainly better than all inside")


def largest_fall(pairs: Pairs, X: fmpq_mat, eta2: fmpq, kappa: fmpq, V: fmpq_mat, seed: fmpq_mat, grids: Grids) -> arb:
    """Return ζ‖M̃‖ + (ε + ζ)²/2κ ≥ L(M̃) − L(M) for all M inside."""
    sigma, inside = pairs.mixture.sigma, X * V
    P, M = null_space(X.transpose() * sigma), inside * inside.transpose()
    G, H = X.transpose() * sigma * X, P.transpose() * sigma * P
    left, right, eta = arb_mat(X.transpose()), arb_mat(P), arb(eta2).sqrt()
    g = infonce_gradient(pairs.mixture, pairs.C, inside, grids)
    epsilon = slack(left * g * left.transpose(), G, V, seed)[-1]
    mixed = dual_norm_squared(left * g * right, G, H).upper().sqrt()
    outer = dual_norm_squared(right.transpose() * g * right, H, H).upper().sqrt()
    zeta = 2 * mixed * eta + outer * eta**2
    return zeta * arb(trace(M * sigma * M * sigma)).sqrt() + (epsilon + zeta) ** 2 / (2 * arb(kappa))


def least_rise(pairs: Pairs, kappa: fmpq, start: fmpq_mat, end: fmpq_mat, grids: Grids) -> arb:
    """Return ⟨∇L(M'), M̃ − M'⟩ + κ‖M̃ − M'‖²/2 ≤ L(M̃) − L(M') for M' = start·startᵀ and M̃ = end·endᵀ."""
    step, sigma = end * end.transpose() - start * start.transpose(), pairs.mixture.sigma
    slope = infonce_gradient(pairs.mixture, pairs.C, start, grids) * arb_mat(step)
    return sum((slope[i, i] for i in range(slope.nrows())), arb(kappa * trace(step * sigma * step * sigma) / 2))
