"""No minimiser of InfoNCE lies inside a subspace U: a point across its border has a smaller loss than all inside.

When Σ_k ⪰ κΣ̄ for all k, L is κ-strongly convex in ‖H‖² = tr(HΣ̄HΣ̄). Inside, no loss is less than at M̃ = XVVᵀXᵀ by more
than ζ‖M̃‖ + (ε + ζ)²/2κ; at M' = WWᵀ it is less by at least ⟨∇L(M'), M̃ − M'⟩ + κ‖M̃ − M'‖²/2 (PROOFS.md, 7). For CLIP
κ = κ_V + κ_T and ‖H‖² = tr(Σ̄_V H Σ̄_T Hᵀ); there is no cone, and inside no loss is less by more than ε²/2κ.
"""

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel.enclosure import clip_gradient, infonce_gradient, slack
from thmverify.kernel.integrals import Grids, read_grids
from thmverify.kernel.linear import dual_norm_squared, inertia, null_space, semidefinite, trace
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import Kind, bits, rational, read, vector
from thmverify.kernel.strict import Rejected, exactly


def nonshared_border(pairs: Pairs, hints: object) -> Finding:
    """The border of S_F."""
    return _across(pairs, pairs.mixture.fisher, fmpq(0), hints)


def top_border(pairs: Pairs, hints: object) -> Finding:
    """The border of U, the one space of at most r dimensions that is optimal for J: near X (m × r), P with XᵀΣP = 0.

    T = Σ^{-1/2}SΣ^{-1/2} has whitened blocks T_XX ≥ a, T_PP ≤ b < a; the sine of its angle is ≤ η = ‖T_PX‖/(a − b).
    """
    pairs = pairs.on_fisher
    mixture, r = pairs.mixture, pairs.columns
    X, (a, b), border = read(hints, X=(mixture.m, r), levels=vector, border=lambda value, _: value)
    P = null_space(X.transpose() * mixture.sigma)
    along = X.transpose() * (mixture.S - mixture.sigma * a) * X
    across = P.transpose() * (mixture.sigma * b - mixture.S) * P
    if not (X.rank() == r and P.ncols() > 0 and a > b and semidefinite(along) and semidefinite(across)):
        raise Rejected("the levels do not separate the eigenvalues on X from those across it")
    G, H, mixed = X.transpose() * mixture.sigma * X, P.transpose() * mixture.sigma * P, X.transpose() * mixture.S * P
    return _across(pairs, X, trace(G.inv() * mixed * H.inv() * mixed.transpose()) / (a - b) ** 2, border)


def _across(pairs: Pairs, X: fmpq_mat, eta2: fmpq, hints: object) -> Finding:
    """Check the module's inequality; eta2 is η², the modulus κ, N makes Z."""
    n, d = X.ncols(), X.nrows()
    points: dict[str, Kind] = {"V": (n,), "N": (n,), "grids": read_grids, "W": (d,), "grids_across": read_grids}
    digits, kappa, V, seed, grids, W, grids_across = read(hints, precision=bits, modulus=rational, **points)
    _check_modulus(pairs.mixture, kappa)
    if W.ncols() > pairs.columns:
        raise Rejected("W has more than r columns")
    with ctx.workprec(digits):
        fall = largest_fall(pairs, X, eta2, kappa, V, seed, grids)
        if not least_rise(pairs, kappa, W, X * V, grids_across) > fall:
            raise Rejected("the point across the border is not certainly better than all inside")
    return Finding("refuted")


def largest_fall(pairs: Pairs, X: fmpq_mat, eta2: fmpq, kappa: fmpq, V: fmpq_mat, seed: fmpq_mat, grids: Grids) -> arb:
    """Return ζ‖M̃‖ + (ε + ζ)²/2κ ≥ L(M̃) − L(M), ε = ‖g_XX − Z‖, ζ = 2η‖g_XP‖ + η²‖g_PP‖, g = ∇L(M̃), for all M inside."""
    sigma, inside = pairs.mixture.sigma, X * V
    P, M = null_space(X.transpose() * sigma), inside * inside.transpose()
    G, H = X.transpose() * sigma * X, P.transpose() * sigma * P
    left, right, eta = arb_mat(X.transpose()), arb_mat(P), arb(eta2).upper().sqrt()
    g = infonce_gradient(pairs.mixture, pairs.C, inside, grids)
    rest = slack(left * g * left.transpose(), G, V, seed)[-1]
    epsilon = dual_norm_squared(rest, G, G).upper().sqrt()
    mixed, outer = dual_norm_squared(left * g * right, G, H), dual_norm_squared(right.transpose() * g * right, H, H)
    zeta = 2 * mixed.upper().sqrt() * eta + outer.upper().sqrt() * eta**2
    return zeta * arb(trace(M * sigma * M * sigma)).sqrt() + (epsilon + zeta) ** 2 / (2 * arb(kappa))


def least_rise(pairs: Pairs, kappa: fmpq, start: fmpq_mat, end: fmpq_mat, grids: Grids) -> arb:
    """Return ⟨∇L(M'), M̃ − M'⟩ + κ‖M̃ − M'‖²/2 ≤ L(M̃) − L(M') for M' = start·startᵀ and M̃ = end·endᵀ."""
    step, sigma = end * end.transpose() - start * start.transpose(), pairs.mixture.sigma
    slope = infonce_gradient(pairs.mixture, pairs.C, start, grids) * arb_mat(step)
    return slope.trace() + arb(kappa * trace(step * sigma * step * sigma) / 2)


def clip_border(pairs: Pairs, hints: object) -> Finding:
    """The border of S_{V,F} and S_{T,F}: the best W inside is near B_V·left·rightᵀB_Tᵀ, a better one W_V W_Tᵀ."""
    (vision, text), (m, n) = pairs.modalities, pairs.sizes
    inside: dict[str, Kind] = {"left": (m,), "right": (n,), "grids": _both_grids}
    across: dict[str, Kind] = {"W_V": (vision.dimension,), "W_T": (text.dimension,), "grids_across": _both_grids}
    digits, moduli, *points = read(hints, precision=bits, moduli=vector, **inside, **across)
    left, right, grids, W_V, W_T, grids_across = points
    if len(moduli) != 2 or left.ncols() != right.ncols() or W_V.ncols() != W_T.ncols():
        raise Rejected("there are not two moduli, or two factors do not have as many columns")
    for mixture, kappa in zip(pairs.modalities, moduli, strict=True):
        _check_modulus(mixture, kappa)
    if W_V.ncols() > pairs.columns:
        raise Rejected("W has more than r columns")
    factors = vision.fisher * left, text.fisher * right
    step = factors[0] * factors[1].transpose() - W_V * W_T.transpose()
    size: fmpq = trace(vision.sigma * step * text.sigma * step.transpose())
    with ctx.workprec(digits):
        kappa = arb(sum(moduli, fmpq(0)))
        g = arb_mat(vision.fisher.transpose()) * clip_gradient(pairs, *factors, grids) * arb_mat(text.fisher)
        metrics = [x.fisher.transpose() * x.sigma * x.fisher for x in pairs.modalities]
        fall = dual_norm_squared(g, *metrics) / (2 * kappa)
        slope = (clip_gradient(pairs, W_V, W_T, grids_across) * arb_mat(step.transpose())).trace()
        if not slope + kappa * arb(size) / 2 > fall:
            raise Rejected("the point across the border is not certainly better than all inside")
    return Finding("refuted")


def _both_grids(value: object, name: str) -> tuple[Grids, Grids]:
    """Return the grids of the images and of the texts."""
    first, second = (read_grids(part, name) for part in exactly(2, value, name))
    return first, second


def _check_modulus(mixture: Mixture, kappa: fmpq) -> None:
    """Check that κ > 0 and Σ_k ⪰ κΣ̄ for all k."""
    if not kappa > 0 or any(inertia(part - mixture.sigma * kappa)[1] for part in mixture.covariances):
        raise Rejected("the modulus is not one of strong convexity")
