"""SimSiam: stationary points with an invertible predictor.

With η > 0 the equations G₁ = PAᵀRA − AᵀCA + ηP and G₂ = RAPᵀP − CAP + ηA satisfy PᵀG₁ − G₂ᵀA = η(PᵀP − AᵀA). So for
invertible P they vanish exactly when G₂ = 0 and AᵀA = PᵀP, that is, for A = UP, when

    RUPPᵀ − CUP + ηU = 0  and  UᵀU = I.                                                                     (*)

P is invertible by itself: for Pw = 0 the first, times wᵀUᵀR⁻¹ and w, says |Pᵀw|² + η (Uw)ᵀR⁻¹(Uw) = 0, so w = 0.
"""

from __future__ import annotations

from flint import arb, arb_mat, fmpq_mat

from verify.kernel.linear import identity, null_space, precision, rank, within
from verify.kernel.models import Pairs
from verify.kernel.parse import Rejected, integer, matrix, rational, record
from verify.kernel.rules.finding import PROVED, REFUTED, Finding

MAX_BITS = 1000
MAX_UNKNOWNS = 100
_DOUBLINGS = 4
_BITS = 1024


def simsiam_exact(pairs: Pairs) -> Finding:
    """η = 0: A = R⁻¹CAP(PᵀP)⁻¹. η > 0: there may be no stationary (A, P) at all, see `_vacuous`.

    And if Σ̄ preserves span μ, the part A' of A across it satisfies R'A'PᵀP + ηA' = 0 with R' ≻ 0, so A' = 0, and
    span μ = S_F.
    """
    mixture = pairs.mixture
    mu = mixture.means
    if pairs.decay == 0:
        proved = within(mixture.R.inv() * pairs.C, mixture.fisher)
    else:
        proved = (within(mixture.sigma * mu, mu) and within(mu, mixture.fisher)) or _vacuous(pairs)
    if proved:
        return PROVED
    raise Rejected("it is not proved that no stationary point with an invertible predictor leaves S_F")


def _vacuous(pairs: Pairs) -> bool:
    """Decide, if it is clear, that (*) has no solution: r > rank C, or the r largest eigenvalues of E have product < 1.

    PAᵀCA = PAᵀRAPᵀ + ηPPᵀ, symmetric, and E = CR⁻¹C/4η. For X = APᵀ completing the square in XᵀRX − AᵀCX + ηPPᵀ = 0
    gives PPᵀ ⪯ AᵀEA = Pᵀ(UᵀEU)P, so det UᵀEU ≥ 1. The n-th power of the product is at most the r-th coefficient of
    the characteristic polynomial of Eⁿ.
    """
    C, d, r = pairs.C, pairs.C.nrows(), pairs.columns
    if r > rank(C):
        return True
    with precision(_BITS):
        E = arb_mat(C * pairs.mixture.R.inv() * C / (4 * pairs.decay))
        for _ in range(_DOUBLINGS):
            E = E * E
        return bool(abs(E.charpoly()[d - r]) < 1)


def simsiam_leak(pairs: Pairs, hints: object) -> Finding:
    """Interval Newton: a box of (U, P) around the hints holds a solution of (*), and all its U lie outside S_F.

    Unknown are U and P on and above the diagonal, which is all of them up to A ↦ AQ, P ↦ QᵀPQ; P below stays as given.
    On the box X around x let J enclose the derivative of F entry by entry. If every matrix in J is invertible and
    x − J⁻¹F(x) ⊂ X, then y ↦ x − J(y)⁻¹F(x), with J(y) ∈ J the mean of F' between x and y, maps X into itself; it has
    a fixed point by Brouwer, and there F(y) = F(x) + J(y)(y − x) = 0.
    """
    bits, U_text, P_text, radius_text = record(hints, "hints", ("precision", "U", "P", "radius"))
    d, r, radius = pairs.mixture.means.nrows(), pairs.columns, rational(radius_text, "radius")
    unknowns = unknown_entries(d + r, r)
    x = fmpq_mat([*matrix(U_text, "U", d, r).tolist(), *matrix(P_text, "P", r, r).tolist()])
    if not (pairs.decay > 0 and radius > 0 and len(unknowns) <= MAX_UNKNOWNS):
        raise Rejected("the rule is for η > 0, a positive radius and few unknowns")
    with precision(integer(bits, "precision", 32, MAX_BITS)):
        around, box = arb(0, arb(radius)), arb_mat(x)
        for i, j in unknowns:
            box[i, j] += around
        try:
            step = derivative(pairs, box, unknowns).solve(equations(pairs, arb_mat(x)))
        except ZeroDivisionError:
            raise Rejected("the derivative is not certainly invertible on the box") from None
        if not all(around.contains(s) for s in step.entries()):
            raise Rejected("Newton's step leads out of the box")
        across = arb_mat(null_space(pairs.mixture.fisher.transpose()).transpose()) * _parts(box)[0]
        if not any(abs(y) > 0 for y in across.entries()):
            raise Rejected("the stationary point is not certainly outside S_F")
    return REFUTED


def unknown_entries(rows: int, r: int) -> list[tuple[int, int]]:
    """Return the entries of x, the rows of U and then those of P, that are not below the diagonal of P."""
    return [(i, j) for i in range(rows) for j in range(r) if i <= rows - r + j]


def equations(pairs: Pairs, x: arb_mat) -> arb_mat:
    """Return the left less the right-hand sides of (*) as a column; x has the rows of U, then those of P."""
    U, P = _parts(x)
    R, C, eta = arb_mat(pairs.mixture.R), arb_mat(pairs.C), arb(pairs.decay)
    along = R * U * P * P.transpose() - C * U * P + U * eta
    return arb_mat([[y] for y in _flat(along, U.transpose() * U - arb_mat(identity(P.nrows())))])


def derivative(pairs: Pairs, x: arb_mat, unknowns: list[tuple[int, int]]) -> arb_mat:
    """Return the derivative of `equations`, a column for each unknown entry of x."""
    U, P = _parts(x)
    R, C, eta, Pt = arb_mat(pairs.mixture.R), arb_mat(pairs.C), arb(pairs.decay), P.transpose()
    columns = []
    for i, j in unknowns:
        unit = arb_mat(x.nrows(), x.ncols())
        unit[i, j] = 1
        H, Z = _parts(unit)
        along = R * (H * P * Pt + U * (Z * Pt + P * Z.transpose())) - C * (H * P + U * Z) + H * eta
        columns.append(_flat(along, H.transpose() * U + U.transpose() * H))
    return arb_mat(columns).transpose()


def _parts(x: arb_mat) -> tuple[arb_mat, arb_mat]:
    """Return U and P."""
    rows, r = x.tolist(), x.ncols()
    return arb_mat(rows[:-r]), arb_mat(rows[-r:])


def _flat(a: arb_mat, b: arb_mat) -> list[arb]:
    """Return the entries of a, and those of the symmetric b on and above the diagonal."""
    return a.entries() + [b[i, j] for j in range(b.ncols()) for i in range(j + 1)]
