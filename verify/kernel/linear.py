"""Linear algebra: decisions over the rationals, and enclosures in balls.

A comparison of balls such as `x > y` is true only when it is certain; "not certain" is never taken for the opposite.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat, nmod, nmod_mat

from thmverify.kernel.parse import check_work
from thmverify.kernel.strict import Rejected

PRIMES = (2**61 - 1, 2**62 - 57, 2**63 - 25)
PRECISIONS = (128, 1024, 8192, 32768)  # at which definiteness is looked for


class Diagonal(NamedTuple):
    """A diagonal matrix by its entries."""

    entries: list[fmpq]


Covariance = fmpq_mat | Diagonal
M = TypeVar("M", fmpq_mat, arb_mat)


def dense(m: Covariance) -> fmpq_mat:
    """Return the matrix with all its entries."""
    return diagonal(m.entries) if isinstance(m, Diagonal) else m


def times(m: Covariance, x: fmpq_mat) -> fmpq_mat:
    """Return m x."""
    if not isinstance(m, Diagonal):
        return m * x
    rows = [[s * y for y in row] for s, row in zip(m.entries, x.tolist(), strict=True)]
    return fmpq_mat(x.nrows(), x.ncols(), [y for row in rows for y in row])


def solve(m: Covariance, x: fmpq_mat) -> fmpq_mat:
    """Return m⁻¹x for a definite m."""
    if isinstance(m, Diagonal):
        return times(Diagonal([1 / s for s in m.entries]), x)
    check_work("a system of equations", m.nrows() ** 3 * x.ncols(), beside(m, x).tolist())
    return m.solve(x)


def definite(m: Covariance) -> bool:
    """Decide whether a symmetric m is positive definite; one that no precision shows to be so is not taken for it."""
    if isinstance(m, Diagonal):
        return all(x > 0 for x in m.entries)
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            if certainly_definite(arb_mat(m)):
                return True
    return False


def decided_definite(m: fmpq_mat) -> bool:
    """Decide whether a symmetric m is positive definite: by balls where they can tell, else by its inertia."""
    if definite(m):
        return True
    check_work("a matrix that may be singular", m.nrows() ** 4, m.tolist())
    return inertia(m)[0] == m.nrows()


def product(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return ab, when that is not too much work."""
    check_work("a product", a.nrows() * a.ncols() * b.ncols(), [*a.tolist(), *b.transpose().tolist()])
    return a * b


def independent(m: fmpq_mat, null: Sequence[fmpq] = ()) -> tuple[list[int], list[int]]:
    """Return rows I and columns J of m with m_IJ invertible, as many as m has rank (PROOFS.md, 1.6).

    J are the columns that are independent of those before them modulo the first of PRIMES that sees the rank. When
    `null` ≠ 0 is given and is a null vector of m, no other has to be found for rank m = K − 1.
    """
    for p in PRIMES:
        there = modulo(m, p)
        if there is None:
            continue
        columns = _pivots(there)
        rows = _pivots(nmod_mat([[there[i, j] for i in range(m.nrows())] for j in columns], p)) if columns else []
        rest = [j for j in range(m.ncols()) if j not in columns]
        if not rest or len(rows) == m.nrows() or (len(rest) == 1 and any(null) and not any(images(m, null))):
            return rows, columns
        if coefficients(m, (rows, columns), select(m, range(m.nrows()), rest)) is not None:
            return rows, columns
    raise Rejected("no prime sees the rank of the means")


def vanishes(a: fmpq_mat, b: fmpq_mat, c: fmpq_mat) -> bool:
    """Decide whether abc = 0: what is not 0 modulo a prime is not 0."""
    for p in PRIMES:
        x, y, z = (modulo(m, p) for m in (a, b, c))
        if x is not None and y is not None and z is not None and any(int(e) for e in (x * y * z).entries()):
            return False
    return is_zero(product(product(a, b), c))


def modulo(m: fmpq_mat, p: int) -> nmod_mat | None:
    """Return m modulo p, or None when p divides a denominator."""
    try:
        return nmod_mat(m.nrows(), m.ncols(), [nmod(x, p) for x in m.entries()], p)
    except ZeroDivisionError:
        return None


def _pivots(m: nmod_mat) -> list[int]:
    """Return the columns that are independent of those before them."""
    reduced, r = m.rref()
    return [next(j for j in range(m.ncols()) if int(reduced[i, j])) for i in range(r)]


def images(m: fmpq_mat, x: Sequence[fmpq]) -> list[fmpq]:
    """Return m x, row by row: a common denominator may be much longer than what is left."""
    return [sum((a * b for a, b in zip(row, x, strict=True)), fmpq(0)) for row in m.tolist()]


def coefficients(m: fmpq_mat, pivots: tuple[list[int], list[int]], target: fmpq_mat) -> fmpq_mat | None:
    """Return the X with m_J X = target, or None when there is none; (I, J) are those of `independent`."""
    rows, columns = pivots
    basis = select(m, range(m.nrows()), columns)
    there = modulo(beside(basis, target), PRIMES[0])
    if there is not None and there.rank() > len(columns):
        return None
    X = solve(select(m, rows, columns), select(target, rows, range(target.ncols())))
    return X if product(basis, X) == target else None


def diagonal(entries: Sequence[fmpq | int]) -> fmpq_mat:
    """Return the diagonal matrix with these entries."""
    n = len(entries)
    return fmpq_mat(n, n, [entries[i] if i == j else 0 for i in range(n) for j in range(n)])


def select(m: M, rows: Sequence[int], columns: Sequence[int]) -> M:
    """Return the submatrix of these rows and columns."""
    return type(m)(len(rows), len(columns), [m[i, j] for i in rows for j in columns])


def beside(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return [a b]."""
    both = [m[i, j] for i in range(a.nrows()) for m in (a, b) for j in range(m.ncols())]
    return fmpq_mat(a.nrows(), a.ncols() + b.ncols(), both)


def kronecker(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return a ⊗ b."""
    rows = [[x * y for x in p for y in q] for p in a.tolist() for q in b.tolist()]
    return fmpq_mat(a.nrows() * b.nrows(), a.ncols() * b.ncols(), [x for row in rows for x in row])


def trace(m: fmpq_mat) -> fmpq:
    """Return the trace."""
    return sum((m[i, i] for i in range(m.nrows())), fmpq(0))


def is_zero(m: fmpq_mat) -> bool:
    """Decide m = 0."""
    return not any(m.entries())


def echelon(m: fmpq_mat) -> tuple[fmpq_mat, list[int]]:
    """Return the reduced row echelon form, and the columns of m that are independent of those before them."""
    reduced, r = m.rref()
    return reduced, [next(j for j in range(m.ncols()) if reduced[i, j] != 0) for i in range(r)]


def column_basis(m: fmpq_mat) -> fmpq_mat:
    """Return the columns of m that are independent of those before them."""
    return select(m, range(m.nrows()), echelon(m)[1])


def null_space(m: fmpq_mat) -> fmpq_mat:
    """Return columns that are a basis of {x : m x = 0}."""
    basis, n = m.numer_denom()[0].nullspace()
    return select(fmpq_mat(basis), range(m.ncols()), range(n))


def within(a: fmpq_mat, b: fmpq_mat) -> bool:
    """Decide Col(a) ⊆ Col(b)."""
    return beside(b, a).rank() == b.rank()


def inertia(m: fmpq_mat) -> tuple[int, int]:
    """Return how many eigenvalues of a symmetric m are positive, and how many negative, by Descartes' rule."""
    positive = changes(m.charpoly().coeffs())
    return positive, m.rank() - positive


def changes(values: Iterable[fmpq]) -> int:
    """Return how often the sign changes, zeros left out."""
    return sum(before != after for before, after in pairwise(x > 0 for x in values if x != 0))


def cholesky(m: arb_mat) -> arb_mat:
    """Return the lower triangular L with LLᵀ = m for every symmetric matrix in m; each of them is proved definite."""
    n = m.nrows()
    L = arb_mat(n, n)
    for j in range(n):
        for i in range(j, n):
            rest = m[i, j] - sum((L[i, k] * L[j, k] for k in range(j)), arb(0))
            if i == j and not rest > 0:
                raise Rejected("a matrix is not certainly positive definite at this precision")
            L[i, j] = rest.sqrt() if i == j else rest / L[j, j]
    return L


def certainly_definite(m: arb_mat) -> bool:
    """Return True when every symmetric matrix with lower triangle in m is certainly positive definite."""
    try:
        cholesky(m)
    except Rejected:
        return False
    return True


def semidefinite(m: fmpq_mat | arb_mat) -> bool:
    """Decide whether a symmetric m is positive semidefinite; of balls it has to be certain that they are definite."""
    return inertia(m)[1] == 0 if isinstance(m, fmpq_mat) else certainly_definite(m)


def dual_norm_squared(E: arb_mat, left: fmpq_mat, right: fmpq_mat | arb_mat) -> arb:
    """Return tr(left⁻¹ E right⁻¹ Eᵀ), the square of the norm dual to ‖H‖² = tr(left H right Hᵀ)."""
    return (arb_mat(left.inv()) * E * arb_mat(right.inv()) * E.transpose()).trace()


def least_dual_norm_squared(E: arb_mat, left: fmpq_mat, right: fmpq_mat | arb_mat) -> arb:
    """Return ⟨E, H⟩²/tr(left H right H) for one symmetric H, a lower bound of the square of the dual norm of E ≠ 0."""
    first, second = arb_mat(left.inv()), arb_mat(right.inv())
    H = first * E * second + second * E * first
    return (E * H).trace() * (E * H).trace() / (arb_mat(left) * H * arb_mat(right) * H).trace()
