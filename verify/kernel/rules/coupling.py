"""InfoNCE with a key bias: two bounds of the loss show that no minimiser has all of S_LDA (PROOFS.md, 13).

A coupling π of F with itself bounds L from below for all M ⪰ 0, by −KL(π | F×F) where E_π ½(xyᵀ + yxᵀ) ⪰ C. An M that
is not ⪰ 0, with some bias, has less.
"""

from collections.abc import Sequence
from itertools import pairwise

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify.kernel import integrals
from thmverify.kernel.integrals import Grids, check_grids, gauss, read_grids, whiten
from thmverify.kernel.linear import certainly_definite, diagonal, is_zero, select, solve, trace
from thmverify.kernel.models import Finding, Mixture, Pairs
from thmverify.kernel.parse import Kind, bits, rational, read, vector
from thmverify.kernel.strict import Rejected, exactly

MAX_STRIPS = 300  # whose squares are exponentials: four seconds at most


def unaided(pairs: Pairs) -> Finding:
    """Where S_LDA is 0 so is every minimiser; each reaches it at δ = 1 if r ≥ m, none without δ Cov(μ) or if r < m."""
    if (reached := pairs.informative and pairs.columns >= pairs.mixture.m) and pairs.bias != 1:
        raise Rejected("the gradient at 0 is not 0, r ≥ dim S_LDA, and δ < 1")
    return Finding("proved" if reached or not pairs.mixture.m else "refuted")


def key_bias(pairs: Pairs, hints: object) -> Finding:
    """The bound from below exceeds that from above."""
    least, found = losses(pairs, hints)
    if not least - found > 0:
        raise Rejected("the loss of M is not certainly below that of all M ⪰ 0")
    return Finding("refuted")


def losses(pairs: Pairs, hints: object) -> tuple[arb, arb]:
    """Return −KL(π | F×F) and L(M, b), for centred pairs, in coordinates t = (BQ)ᵀx."""
    m, K = pairs.mixture.m, len(pairs.mixture.weights)
    cut: dict[str, Kind] = {"u": (m, 1), "edges": vector, "slope": rational, "potentials": vector}
    bias: dict[str, Kind] = {"M": (m, m), "weights": vector, "centres": (m, K), "grids": _three_grids}
    digits, Q, *coupling, M, weights, centres, grids = read(hints, precision=bits, Q=(m, m), **cut, **bias)
    if not (is_zero(M - M.transpose()) and len(weights) == K and all(w > 0 for w in weights)):
        raise Rejected("M is not symmetric, or the weights are not positive, one for each component")
    with ctx.workprec(digits):
        law, C = pairs.on_fisher.mixture.reduced(Q), Q.transpose() * pairs.on_fisher.C * Q
        return below(law, C, *coupling), above(law, C, M, weights, centres, grids)


def _three_grids(value: object, name: str) -> list[Grids]:
    return [read_grids(part, name) for part in exactly(3, value, name)]


def below(law: Mixture, C: fmpq_mat, u: fmpq_mat, edges: list[fmpq], slope: fmpq, potentials: list[fmpq]) -> arb:
    """Return −Σ T_ab log T_ab/(p_ap_b), where T joins the strips of uᵀt between edges, of masses p_a and means n_a.

    T_ab = p_ap_b exp(slope·uᵀn_a·uᵀn_b + f_a + f_b) + ρ_aρ_b/Σρ, ρ > 0 what the first part leaves of p.
    """
    rising = any(u.entries()) and all(y > x for x, y in pairwise(edges))
    if not (rising and len(potentials) == len(edges) + 1 and len(edges) < MAX_STRIPS):
        raise Rejected(
            f"the edges do not rise, or there are more than {MAX_STRIPS} strips, or not a potential for each"
        )
    masses, means = strips(law, u, edges)
    n = arb_mat(means)
    pairs = (n * arb_mat(u) * arb_mat(u).transpose() * n.transpose() * arb(slope)).tolist()
    scale = [p * arb(f).exp() for p, f in zip(masses, potentials, strict=True)]
    joint = [[x * y * z.exp() for y, z in zip(scale, row, strict=True)] for x, row in zip(scale, pairs, strict=True)]
    rest = [p - sum(row, arb(0)) for p, row in zip(masses, joint, strict=True)]
    if not all(x > 0 for x in rest):
        raise Rejected("the coupling does not certainly leave a part of each strip")
    left = arb_mat([[x] for x in rest])
    T = arb_mat(joint) + left * left.transpose() / sum(rest, arb(0))
    D = n.transpose() * T * n - arb_mat(C)
    if not certainly_definite((D + D.transpose()) / 2):
        raise Rejected("the coupling does not certainly agree more than pairs do")
    logs = [p.log() for p in masses]
    known = sum((x * p for x, p in zip(logs, masses, strict=True)), arb(0)) * 2
    return known - sum((t * t.log() for t in T.entries()), arb(0))


def strips(law: Mixture, u: fmpq_mat, edges: Sequence[fmpq]) -> tuple[list[arb], list[list[arb]]]:
    """Return the masses, and the means (m of each), of the strips of uᵀt between the edges."""
    spread = law.sigma * u
    sigma, N = arb((u.transpose() * spread)[0, 0]).sqrt(), len(edges) + 1
    masses, moments = arb_mat(N, 1), arb_mat(N, u.nrows())
    for w, place, mean in zip(
        law.weights, (u.transpose() * law.means).entries(), law.means.transpose().tolist(), strict=True
    ):
        ends = [arb(edge - place) / sigma for edge in edges]
        below = [arb(0), *((-z / arb(2).sqrt()).erfc() / 2 for z in ends), arb(1)]
        density = [arb(0), *(gauss(z) / sigma for z in ends), arb(0)]
        mass, drift = (arb_mat([[y - x] for x, y in pairwise(part)]) * w for part in (below, density))
        masses += mass
        moments += mass * arb_mat([mean]) - drift * arb_mat(spread.transpose())
    found = masses.entries()
    return found, [[x / p for x in row] for row, p in zip(moments.tolist(), found, strict=True)]


def above(
    law: Mixture, C: fmpq_mat, M: fmpq_mat, weights: list[fmpq], centres: fmpq_mat, grids: Sequence[Grids]
) -> arb:
    """Return L(M, b), e^b = Σ_k v_k N(c_k, G) / Σ_k w_k N(τ_k, G), v the weights and c_k the centres."""
    G = law.sigma
    scores = log_sum(law, weights, M * centres, None, grids[0])
    bias = [
        log_sum(law, v, solve(G, c), c, grid)
        for v, c, grid in ((weights, centres, grids[1]), (law.weights, law.means, grids[2]))
    ]
    return scores - bias[0] + bias[1] + arb(trace(M * (G * M * law.R / 2 - C)))


def log_sum(law: Mixture, weights: Sequence[fmpq], b: fmpq_mat, c: fmpq_mat | None, grids: Grids) -> arb:
    """Return E log Σ_k w_k exp(b_k·t − ½b_k·c_k), t ~ law of mean 0; c_k = 0 where c is None."""
    m, K = b.nrows(), b.ncols()
    check_grids(grids, K)
    first = select(b, range(m), [0] * K)
    levels = (b.transpose() * c).entries()[:: K + 1] if c is not None else [fmpq(0)] * K
    factors = [w * (arb(-x) / 2).exp() for w, x in zip(weights, levels, strict=True)]
    total = sum(factors, arb(0))
    shares, found = [x / total for x in factors], total.log()
    for j, (w, grid) in enumerate(zip(law.weights, grids, strict=True)):
        part = whiten(law, j, diagonal([1] * m), b - first)[1]
        found += integrals.log_mean(part._replace(weights=shares), grid) * w
    return found
