"""SimSiam: stationary points with an invertible predictor (PROOFS.md, 6). For η > 0 they are the A = UP with

RUPPᵀ − CUP + ηU = 0  and  UᵀU = I.                                                                           (*)
"""

from flint import arb, arb_mat, ctx, fmpq_mat, fmpq_poly

from thmverify.kernel.linear import beside, changes, diagonal, null_space, product, solve
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.parse import bits, check_work, rational, read
from thmverify.kernel.rules.ranks import alike
from thmverify.kernel.rules.spectral import rank_of_C
from thmverify.kernel.strict import Rejected

MAX_UNKNOWNS = 100
_DOUBLINGS = 4


def simsiam_exact(pairs: Pairs) -> Finding:
    """η = 0: A = R⁻¹CAP(PᵀP)⁻¹, and R⁻¹Col(C) ⊆ S_F. η > 0: Σ̄ preserves span μ = S_F, or (*) has no solution."""
    if pairs.decay == 0 or pairs.mixture.invariant or _vacuous(pairs) or (pairs.columns == 1 and _rootless(pairs)):
        return Finding("proved")
    raise Rejected("it is not proved that no stationary point with an invertible predictor leaves S_F")


def simsiam_equality(pairs: Pairs) -> Finding:
    """η = 0: A = 0 is stationary with P = I, and Col(A) ⊆ S_F always."""
    if pairs.decay > 0:
        raise Rejected("the rule is for η = 0")
    return Finding("refuted" if pairs.mixture.m else "proved")


def simsiam_top(pairs: Pairs) -> Finding:
    """η = 0, δ > 0: each Col(A) of r dimensions that R⁻¹C preserves in S_F is stationary, and some are not best."""
    if pairs.decay > 0 or pairs.bias == 0:
        raise Rejected("the rule is for η = 0 and δ > 0")
    return Finding("proved" if pairs.columns >= pairs.mixture.m or alike(pairs.on_fisher.mixture) else "refuted")


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


def determinant(pairs: Pairs) -> fmpq_poly:
    """Return det N(p)/det R, N(p) = p²R − pC + ηI: p > 0 and U are a solution for r = 1 when N(p)U = 0."""
    d = pairs.mixture.dimension
    law = pairs.mixture.R.solve(beside(diagonal([-pairs.decay] * d), pairs.C))
    check_work("R⁻¹", (2 * d) ** 4, [law.entries()])
    return fmpq_mat([*beside(fmpq_mat(d, d), diagonal([1] * d)).tolist(), *law.tolist()]).charpoly()


def sturm(f: fmpq_poly) -> list[fmpq_poly]:
    """Return Sturm's chain: f has as many different roots in (a, b] as it has fewer changes of sign at b than at a."""
    chain = [f, f.derivative()]
    while rest := chain[-2] % chain[-1]:
        chain.append(-rest / abs(rest.leading_coefficient()))
    return chain


def _rootless(pairs: Pairs) -> bool:
    chain = sturm(determinant(pairs))
    return changes(g(0) for g in chain) == changes(g.leading_coefficient() for g in chain)


def simsiam_root(pairs: Pairs, hints: object) -> Finding:
    """r = 1: det N changes its sign between two p > 0, and at none from one to the other N(p)U = 0 for a U of S_F."""
    digits, low, high = read(hints, precision=bits, low=rational, high=rational)
    mixture, eta = pairs.mixture, pairs.decay
    f = determinant(pairs)
    if not (pairs.columns == 1 and eta > 0 and 0 < low < high and f(low) * f(high) < 0):
        raise Rejected("the rule is for one column, η > 0 and an interval where a sign changes")
    away = null_space(mixture.basis.transpose()).transpose() * mixture.sigma * mixture.basis
    with ctx.workprec(digits):
        p = arb(low).union(arb(high))
        at = arb_mat(mixture.R) * (p * p) - arb_mat(pairs.C) * p + arb_mat(diagonal([eta] * mixture.dimension))
        inside = at * arb_mat(mixture.basis * null_space(away))
        if not (inside.transpose() * inside).det() > 0:
            raise Rejected("the stationary point is not certainly outside S_F")
    return Finding("refuted")


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
