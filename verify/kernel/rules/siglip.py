"""SigLIP: bounds on the rank of the best M, from a point (M̃, b) near the minimisers (PROOFS.md, 11).

L(M, b) = E log(1 + e^{−z}) + E log(1 + e^{z'}) for scores z = xᵀMy + b of pairs and of independent points. By log(1 +
e^{−z}) = log(1 + e^z) − z it is 2E_Q log(1 + e^z) − ⟨C,M⟩ − b, where Q_kl, half of each, are the weights of the
components k of x and l of y. ‖(H, h)‖² = tr(HGHR_j) + (h + τ_jᵀHτ_j)² is E (xᵀHy + h)² for both in component j.
"""

from typing import NamedTuple

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel import integrals
from thmverify.kernel.enclosure import slack
from thmverify.kernel.integrals import Grids, Whitened, check_grids, read_grids
from thmverify.kernel.linear import certainly_definite, cholesky, diagonal, dual_norm_squared, select, trace
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.parse import bits, rational, read
from thmverify.kernel.rules.ranks import Bounds
from thmverify.kernel.strict import Rejected


class Near(NamedTuple):
    """Where `low` is definite, rank M° ≥ ρ; where `high` is, rank M° ≤ m − n.

    low = VᵀGV − (ε²/κ)(VᵀR_jV)⁻¹, high = Nᵀ∇_M L N − margin, margin = εNᵀFN/√2; L is κ-strongly convex near the point.
    """

    low: arb_mat
    high: arb_mat
    margin: arb_mat
    outer: arb_mat

    def bounds(self, m: int) -> Bounds:
        """Return the bounds of rank M°."""
        low, high = self.low.nrows() * certainly_definite(self.low), m
        return low, high - self.high.nrows() * certainly_definite(self.high)


def enclosed(pairs: Pairs, hints: object) -> Bounds:
    """The bounds that a point near the minimisers gives."""
    return localised(pairs, hints).bounds(pairs.mixture.m)


def localised(pairs: Pairs, hints: object) -> Near:
    """Return what follows from the hints: M̃ = VVᵀ in coordinates t = (BQ)ᵀx."""
    m = pairs.mixture.m
    digits, Q, grids, V, seed, b, kappa = read(
        hints, precision=bits, Q=(m, m), grids=read_grids, V=(m,), N=(m,), offset=rational, modulus=rational
    )
    with ctx.workprec(digits):
        law = pairs.on_fisher.mixture.reduced(Q)
        g, e = slopes(law, components(pairs), V, b, grids)
        C = Q.transpose() * pairs.on_fisher.C * Q
        return near(law, components(pairs), (g - arb_mat(C), e - 1), (V, seed, b), kappa)


def near(
    law: Mixture, joint: fmpq_mat, slope: tuple[arb_mat, arb], at: tuple[fmpq_mat, fmpq_mat, fmpq], kappa: fmpq
) -> Near:
    """Return what follows from ∇_M L and ∂_b L at (VVᵀ, b), and N, where κ is certainly a modulus around it.

    ε² = ‖∇L − (Z, 0)‖²/κ for the Z of `slack`, the minimisers are within ε/√κ, and on 3ε/√κ (Dφ)² has the weight
    2Q_jj E_jj σ'(z) ≥ 2Q_jj σ'(B)/2, B² = 2·81·E_jj z².
    """
    (g, e), (V, seed, b), G, w = slope, at, law.sigma, law.weights
    j = w.index(max(w))
    centre = select(law.means, range(G.nrows()), [j])
    square = centre * centre.transpose()
    R, M = G + square * 2, V * V.transpose()
    N, _, rest = slack(g - arb_mat(square) * e, G, V, seed)
    epsilon = ((dual_norm_squared(rest, G, R) + e * e) / kappa).upper().sqrt().upper()
    size = arb(trace(M * G * M * R) + (b + trace(M * square)) ** 2).sqrt()
    reach = arb(162).sqrt() * (size + 3 * epsilon / arb(kappa).sqrt())
    if not (kappa > 0 and arb(kappa) < arb(joint[j, j]) / (2 + 2 * reach.cosh())):
        raise Rejected("the modulus is not certainly one of strong convexity near the point")
    inner, inner_R = (arb_mat(V.transpose() * form * V) for form in (G, R))
    margin = N.transpose() * curvature(law, joint) * N * (epsilon / arb(2).sqrt())
    return Near(
        inner - inner_R.inv() * (epsilon**2 / kappa),
        N.transpose() * g * N - margin,
        margin,
        N.transpose() * arb_mat(G) * N,
    )


def components(pairs: Pairs) -> fmpq_mat:
    """Return Q = ½(δ diag(w) + (1−δ)wwᵀ) + ½wwᵀ (K × K)."""
    w = fmpq_mat(len(pairs.mixture.weights), 1, pairs.mixture.weights)
    return (diagonal(w.entries()) * pairs.bias + w * w.transpose() * (2 - pairs.bias)) / 2


def curvature(law: Mixture, joint: fmpq_mat) -> arb_mat:
    """Return F = Σ_kl √Q_kl (R_k + R_l)/2, R_k = G + τ_kτ_kᵀ: vᵀFv ≥ √E_Q (vᵀx)²(vᵀy)²."""
    sums = [sum((arb(x).sqrt() for x in row), arb(0)) for row in joint.tolist()]
    scaled = arb_mat([[x * s for x in point] for point, s in zip(law.means.transpose().tolist(), sums, strict=True)])
    return arb_mat(law.sigma) * sum(sums, arb(0)) + arb_mat(law.means) * scaled


def slopes(law: Mixture, joint: fmpq_mat, V: fmpq_mat, b: fmpq, grids: Grids) -> tuple[arb_mat, arb]:
    """Return 2E_Q σ(z) ½(xyᵀ + yxᵀ) and 2E_Q σ(z), z = xᵀVVᵀy + b and σ(z) = 1/(1 + e^{−z}); a grid for each k, l.

    With q = Vᵀx = Ls and T_k = [τ_k  GVL⁻ᵀ] as in `integrals`, E_kl[σ xyᵀ] = T_k E[σ ũũ'ᵀ] T_lᵀ, and σ is the
    second softmax weight for the logits 0 and sᵀLᵀLs', with the weights 1 and e^b.
    """
    K, rho, G = len(law.weights), V.ncols(), law.sigma
    if not rho or K == 1:
        raise Rejected("V has no columns, or there is one component, where M° is 0")
    check_grids(grids, K * K)
    L = cholesky(arb_mat(V.transpose() * G * V))
    turned, centres = L.solve(arb_mat(V.transpose() * G)).tolist(), L.solve(arb_mat(V.transpose() * law.means))
    frames = [arb_mat([row, *turned]) for row in law.means.transpose().tolist()]  # T_kᵀ
    middles, block, none = centres.transpose().tolist(), (L.transpose() * L).tolist(), [arb(0)] * rho
    bend = arb_mat([*([*none, *row] for row in block), *([*row, *none] for row in block)])
    units = [tuple(int(i == a) for i in range(1, 1 + rho)) for a in range(1 + rho)]
    g, e, weights, flat = arb_mat(G.nrows(), G.nrows()), arb(0), [arb(1), arb(b).exp()], arb_mat(2, 2 * rho)
    for n, grid in enumerate(grids):
        k, l = divmod(n, K)
        mirrored = k != l and isinstance(grid, list) and grids[l * K + k] == grid[rho:] + grid[:rho]
        if not (mirrored and k > l):  # else the part of k, l is that of l, k transposed, and counts twice there
            whitened = Whitened(weights, [*middles[k], *middles[l]], flat, [bend * 0, bend], 2)
            moments, share = integrals.component_moments(whitened, grid), joint[k, l] * (2 + 2 * mirrored)
            found = arb_mat([[moments[first + second][1] for second in units] for first in units]) * share
            g, e = g + frames[k].transpose() * found * frames[l], e + found[0, 0]
    return (g + g.transpose()) / 2, e
