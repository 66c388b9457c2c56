"""InfoNCE over affine maps f(x) = Aᵀx + c: the one minimiser (M°, β°) over M = AAᵀ ⪰ 0 and β = Ac (PROOFS.md, 12).

A shift of x is one of c, so the mixture may have mean 0, and then S_F is span{Σ⁻¹(μ_k − μ_l)}. In coordinates t of it
L(M, β) = −⟨C,M⟩ + ½tr(MGMR) + ½βᵀGβ + E log Σ_k w_k exp((Mt + β)ᵀτ_k), and ‖(H, h)‖² = tr(HGHR) + hᵀGh.
"""

from flint import arb, arb_mat, ctx, fmpq_mat

from thmverify.kernel.enclosure import Enclosed, enclosed, infonce_rank, slack
from thmverify.kernel.integrals import Grids, read_grids, softmax_moments
from thmverify.kernel.linear import select
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import bits, read
from thmverify.kernel.rules.ranks import Bounds
from thmverify.kernel.strict import Rejected


def centred(pairs: Pairs) -> Pairs:
    """Return the pairs of x − μ̄."""
    law, K = pairs.mixture, len(pairs.mixture.weights)
    moved = Mixture(law.weights, law.means - law.mean * fmpq_mat(1, K, [1] * K), law.given)
    return Pairs([moved], pairs.bias, pairs.columns, pairs.decay)


def bounds(pairs: Pairs, hints: object) -> Bounds:
    """Return bounds of rank M°, for centred pairs."""
    return infonce_rank(localised(pairs, hints)[0], pairs.mixture.m)


def on_a_line(pairs: Pairs) -> Finding:
    """Maps reach (M°, β°) where S_F is a line at most, since M° > 0 there, or where M° = 0 and β° = 0."""
    if pairs.mixture.m > 1 and pairs.informative:
        raise Rejected("the minimiser is not 0, and dim S_F > 1")
    return Finding("proved")


def existence(pairs: Pairs, hints: object) -> Finding:
    """With r ≥ m columns maps come near to (M°, β°), and reach it exactly when β° ∈ Col M°."""
    if pairs.columns < pairs.mixture.m:
        raise Rejected("the rule is for r ≥ dim S_F")
    found, apart = localised(pairs, hints)
    if infonce_rank(found, pairs.mixture.m)[0] == pairs.mixture.m:
        return Finding("proved")
    if not apart > 0:
        raise Rejected("β is not certainly outside the column space of the minimiser")
    return Finding("refuted")


def localised(pairs: Pairs, hints: object) -> tuple[Enclosed, arb]:
    """Return what a point (VVᵀ, β) shows of (M°, β°), with the ε of both; and a number that is ≤ 0 if β° ∈ Col M°.

    ∇_M L differs from that at (M°, β°), g° ⪰ 0 with g°M° = 0, by at most √Λε, and β from β° by ε.
    """
    m = pairs.mixture.m
    digits, Q, grids, V, seed, beta = read(
        hints, precision=bits, Q=(m, m), grids=read_grids, V=(m,), N=(m,), offset=(m, 1)
    )
    with ctx.workprec(digits):
        law = pairs.on_fisher.mixture.reduced(Q)
        G, R = law.sigma, law.R
        g, h = gradient(law, Q.transpose() * pairs.on_fisher.C * Q, V, beta, grids)
        found = enclosed(g, slack(g, G, V, seed), G, *map(arb_mat, (R, V, law.means)))
        column, inverse = arb_mat(beta), arb_mat(G.inv())
        epsilon = (found.epsilon**2 + (h.transpose() * inverse * h)[0, 0]).upper().sqrt().upper()
        drift = found.Lambda.sqrt() * epsilon
        sizes, along = ((column.transpose() * x * column)[0, 0] for x in (arb_mat(G), g))
        least = along - drift * (sizes * (column.transpose() * arb_mat(R) * column)[0, 0]).sqrt()
        steepest = (inverse * g).trace() + drift * (inverse * arb_mat(R)).trace().sqrt()
        return found._replace(epsilon=epsilon), least - epsilon**2 * steepest


def gradient(law: Mixture, C: fmpq_mat, V: fmpq_mat, beta: fmpq_mat, grids: Grids) -> tuple[arb_mat, arb_mat]:
    """Return ∇_M L and ∇_β L at (VVᵀ, β): the moments are of (t, 1), and p_k ∝ w_k exp(βᵀτ_k) exp(tᵀVVᵀτ_k)."""
    G, m, K = law.sigma, law.means.nrows(), len(law.weights)
    still = fmpq_mat(m + 1, m + 1, [G[i, j] if max(i, j) < m else 0 for i in range(m + 1) for j in range(m + 1)])
    lifted = Mixture(law.weights, fmpq_mat([*law.means.tolist(), [1] * K]), [still] * K)
    targets = [fmpq_mat([row]) for row in law.offsets.transpose().tolist()]
    tilts = [arb(x).exp() for x in (beta.transpose() * law.offsets).entries()]
    D = fmpq_mat(m + 1, V.ncols(), [*V.entries(), *([0] * V.ncols())])
    found = softmax_moments(lifted, D, V.transpose() * law.offsets, targets, grids, (), tilts)
    *rows, last = (found + arb_mat(lifted.mean * select(law.means, range(m), [0]).transpose())).tolist()
    g = arb_mat(rows) + arb_mat(G * V * V.transpose() * law.R)
    return (g + g.transpose()) / 2 - arb_mat(C), arb_mat([[x] for x in last]) + arb_mat(G * beta)
