"""Linear algebra: decisions over the rationals, and enclosures in balls.

A ball comparison such as `x > y` is true only when it is certain; "not certain" is never taken for the opposite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from verify.kernel.parse import Rejected


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Set the working precision of balls, which is global to the process, for a block: the only place that does."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


# ---------------------------------------------------------------------------------------------------- rationals


def identity(n: int) -> fmpq_mat:
    """Return I_n."""
    return diagonal([fmpq(1)] * n)


def diagonal(entries: Sequence[fmpq]) -> fmpq_mat:
    """Return the diagonal matrix with these entries."""
    n = len(entries)
    return fmpq_mat(n, n, [entries[i] if i == j else fmpq(0) for i in range(n) for j in range(n)])


def column(m: fmpq_mat, j: int) -> fmpq_mat:
    """Return column j."""
    return select(m, range(m.nrows()), [j])


def select(m: fmpq_mat, rows: Sequence[int], columns: Sequence[int]) -> fmpq_mat:
    """Return the submatrix of these rows and columns."""
    return fmpq_mat(len(rows), len(columns), [m[i, j] for i in rows for j in columns])


def beside(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return [a b]."""
    rows = range(a.nrows())
    both = [[m[i, j] for m in (a, b) for j in range(m.ncols())] for i in rows]
    return fmpq_mat(a.nrows(), a.ncols() + b.ncols(), [x for row in both for x in row])


def trace(m: fmpq_mat) -> fmpq:
    """Return the trace."""
    return sum((m[i, i] for i in range(m.nrows())), fmpq(0))


def symmetric(m: fmpq_mat) -> fmpq_mat:
    """Return (m + mᵀ)/2."""
    return (m + m.transpose()) / 2


def is_zero(m: fmpq_mat) -> bool:
    """Decide m = 0."""
    return all(x == 0 for x in m.entries())


def rank(m: fmpq_mat) -> int:
    """Return the rank."""
    return int(m.rref()[1])


def column_basis(m: fmpq_mat) -> fmpq_mat:
    """Return the columns of m that are independent of those before them."""
    reduced, r = m.rref()
    pivots = [next(j for j in range(m.ncols()) if reduced[i, j] != 0) for i in range(r)]
    return select(m, range(m.nrows()), pivots)


def null_space(m: fmpq_mat) -> fmpq_mat:
    """Return columns that are a basis of {x : m x = 0}."""
    reduced, r = m.rref()
    pivots = [next(j for j in range(m.ncols()) if reduced[i, j] != 0) for i in range(r)]
    free = [j for j in range(m.ncols()) if j not in pivots]
    basis = fmpq_mat(m.ncols(), len(free))
    for n, j in enumerate(free):
        basis[j, n] = fmpq(1)
        for i, p in enumerate(pivots):
            basis[p, n] = -reduced[i, j]
    return basis


def within(a: fmpq_mat, b: fmpq_mat) -> bool:
    """Decide Col(a) ⊆ Col(b)."""
    return rank(beside(b, a)) == rank(b)


def positive_eigenvalues(m: fmpq_mat) -> int:
    """Return how many eigenvalues of a symmetric m are positive.

    By Descartes' rule that is the number of sign changes of the characteristic polynomial: its roots are all real.
    """
    signs = [c > 0 for c in m.charpoly().coeffs() if c != 0]
    return sum(before != after for before, after in pairwise(signs))


def is_positive_definite(m: fmpq_mat) -> bool:
    """Decide m ≻ 0 for a symmetric m."""
    return positive_eigenvalues(m) == m.nrows()


def is_semidefinite(m: fmpq_mat) -> bool:
    """Decide m ⪰ 0 for a symmetric m."""
    return positive_eigenvalues(m * -1) == 0


# -------------------------------------------------------------------------------------------------------- balls


def cholesky(m: arb_mat) -> arb_mat:
    """Return the lower triangular L with L Lᵀ = m, for the symmetric matrices with lower triangle in m.

    Success proves every one of them positive definite.
    """
    n = m.nrows()
    L = arb_mat(n, n)
    for j in range(n):
        pivot = m[j, j] - sum((L[j, i] * L[j, i] for i in range(j)), arb(0))
        if not pivot > 0:
            raise Rejected("a matrix is not certainly positive definite at this precision")
        L[j, j] = pivot.sqrt()
        for i in range(j + 1, n):
            L[i, j] = (m[i, j] - sum((L[i, k] * L[j, k] for k in range(j)), arb(0))) / L[j, j]
    return L


def certainly_definite(m: arb_mat) -> bool:
    """Return True when every symmetric matrix with lower triangle in m is certainly positive definite."""
    try:
        cholesky(m)
    except Rejected:
        return False
    return True


def ball_inverse(m: arb_mat) -> arb_mat:
    """Return the inverse of a matrix that is certainly invertible."""
    try:
        return m.inv()
    except ZeroDivisionError:
        raise Rejected("a matrix is not certainly invertible at this precision") from None


def dual_norm_squared(E: arb_mat, left: fmpq_mat, right: fmpq_mat) -> arb:
    """Return tr(left⁻¹ E right⁻¹ Eᵀ), the square of the norm dual to ‖H‖² = tr(left H right Hᵀ)."""
    product = arb_mat(left.inv()) * E * arb_mat(right.inv()) * E.transpose()
    return sum((product[i, i] for i in range(product.nrows())), arb(0))
