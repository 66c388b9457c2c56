"""SimSiam: stationary points with an invertible predictor (PROOFS.md, 6). For η > 0 they are the A = UP with

RUPPᵀ − CUP + ηU = 0  and  UᵀU = I.                                                                           (*)
"""

from flint import arb, arb_mat, ctx, fmpq_mat

from thmverify.kernel.linear import beside, diagonal, null_space, product, solve
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.parse import bits, check_work, rational, read
from thmverify.kernel.rules.spectral import rank_of_C
from thmverify.kernel.strict import Rejected

MAX_UNKNOWNS = 100
_DOUBLINGS = 4
_ROOTS = 512  # bits of the roots


def simsiam_exact(pairs: Pairs) -> Finding:
    """η = 0: A = R⁻¹CAP(PᵀP)⁻¹, and R⁻¹Col(C) ⊆ S_F. η > 0: Σ̄ preserves span μ = S_F, or (*) has no solution."""
    if pairs.decay == 0 or pairs.mixture.invariant or _vacuous(pairs):
        return Finding("proved")
    raise Rejected("it is not proved that no stationary point with an invertible predictor leaves S_F")


def _vacuous(pairs: Pairs) -> bool:
    """(*) needs det UᵀEU ≥ 1, E = CR⁻¹C/4η: not for r > rank C, nor when a coefficient for a power of E is below 1.

    The eigenvalues of E that are not 0 are those of an m × m matrix (PROOFS.md, 6.4).
    """
    r, basis, law, C = pairs.columns, pairs.mixture.basis, pairs.on_fisher.mixture, pairs.on_fisher.C
    if r > rank_of_C(pairs):
        return True
    with ctx.workprec(1024):
        inner = C * solve(law.R, C) / (4 * pairs.decay)
        E = arb_mat(solve(law.sigma, solve(law.sigma, inner).transpose()) * product(basis.transpose(), basis))
        for _ in range(_DOUBLINGS):
            E = E * E
        return bool(abs(E.charpoly()[law.m - r]) < 1)


def simsiam_roots(pairs: Pairs) -> Finding:
    """r = 1, η > 0: P = p > 0 and N(p)U = 0 with N(p) = p²R − pC + ηI. No such p, or one whose U are not in S_F."""
    mixture, d = pairs.mixture, pairs.mixture.dimension
    if not (pairs.columns == 1 and pairs.decay > 0):
        raise Rejected("the rule is for η > 0 and one column")
    law = mixture.R.solve(beside(diagonal([-pairs.decay] * d), pairs.C))
    check_work("R⁻¹", (2 * d) ** 4, [law.entries()])
    first = beside(fmpq_mat(d, d), diagonal([1] * d))
    powers = fmpq_mat([*first.tolist(), *law.tolist()]).charpoly()
    away = null_space(mixture.basis.transpose()).transpose() * mixture.sigma * mixture.basis
    inner = mixture.basis * null_space(away)
    with ctx.workprec(_ROOTS):
        roots = [p for p, _ in powers.complex_roots() if not (p.imag != 0 or p.real < 0)]
        if not roots:
            return Finding("proved")
        for p in (root.real for root in roots if root.imag == 0 and root.real > 0):
            along = (arb_mat(mixture.R) * (p * p) - arb_mat(pairs.C) * p + arb_mat(diagonal([pairs.decay] * d))) * inner
            if (along.transpose() * along).det() > 0:
                return Finding("refuted")
    raise Rejected("it is not certain that a stationary point is outside S_F")


def simsiam_leak(pairs: Pairs, hints: object) -> Finding:
    """Interval Newton: a box of (U, P) holds a solution of (*), P below its diagonal as given; all its U leave S_F."""
    d, r = pairs.mixture.means.nrows(), pairs.columns
    digits, U, P, radius = read(hints, precision=bits, U=(d, r), P=(r, r), radius=rational)
    unknowns = unknown_entries(d + r, r)
    if not (pairs.decay > 0 and radius > 0 and len(unknowns) <= MAX_UNKNOWNS):
        raise Rejected("the rule is for η > 0, a positive radius and few unknowns")
    x = fmpq_mat([*U.tolist(), *P.tolist()])
    with ctx.workprec(digits):
        around, box = arb(0, arb(radius)), arb_mat(x)
        for i, j in unknowns:
            box[i, j] += around
        step = derivative(pairs, box, unknowns).solve(equations(pairs, arb_mat(x)))
        if not all(around.contains(s) for s in step.entries()):
            raise Rejected("Newton's step leads out of the box")
        across = arb_mat(null_space(pairs.mixture.fisher.transpose()).transpose()) * _parts(box)[0]
        if not any(abs(y) > 0 for y in across.entries()):
            raise Rejected("the stationary point is not certainly outside S_F")
    return Finding("refuted")


def unknown_entries(rows: int, r: int) -> list[tuple[int, int]]:
    """Return the entries of x, the rows of U and then those of P, that are not below the diagonal of P."""
    return [(i, j) for i in range(rows) for j in range(r) if i <= rows - r + j]


def equations(pairs: Pairs, x: arb_mat) -> arb_mat:
    """Return the left less the right-hand sides of (*) as a column; x has the rows of U, then those of P."""
    U, P = _parts(x)
    along = arb_mat(pairs.mixture.R) * U * P * P.transpose() - arb_mat(pairs.C) * U * P + U * arb(pairs.decay)
    return arb_mat([[y] for y in _flat(along, U.transpose() * U - arb_mat(diagonal([1] * P.nrows())))])


def derivative(pairs: Pairs, x: arb_mat, unknowns: list[tuple[int, int]]) -> arb_mat:
    """Return the derivative of `equations`, a column for each unknown entry of x."""
    U, P = _parts(x)
    R, C, eta = arb_mat(pairs.mixture.R), arb_mat(pairs.C), arb(pairs.decay)
    columns = []
    for i, j in unknowns:
        unit = arb_mat(x.nrows(), x.ncols())
        unit[i, j] = 1
        H, Z = _parts(unit)
        squares = H * P * P.transpose() + U * (Z * P.transpose() + P * Z.transpose())
        along = R * squares - C * (H * P + U * Z) + H * eta
        columns.append(_flat(along, H.transpose() * U + U.transpose() * H))
    return arb_mat(columns).transpose()


def _parts(x: arb_mat) -> tuple[arb_mat, arb_mat]:
    """Return U and P."""
    rows, r = x.tolist(), x.ncols()
    return arb_mat(rows[:-r]), arb_mat(rows[-r:])


def _flat(a: arb_mat, b: arb_mat) -> list[arb]:
    """Return the entries of a, and those of the symmetric b on and above the diagonal."""
    return a.entries() + [b[i, j] for j in range(b.ncols()) for i in range(j + 1)]
