"""Linear algebra: decisions over the rationals, and enclosures in balls.

A comparison of balls such as `x > y` is true only when it is certain; "not certain" is never taken for the opposite.
"""

from collections.abc import Sequence
from itertools import pairwise

from flint import arb, arb_mat, fmpq, fmpq_mat

from thmverify.kernel.strict import Rejected


def diagonal(entries: Sequence[fmpq | int]) -> fmpq_mat:
    """Return the diagonal matrix with these entries."""
    n = len(entries)
    return fmpq_mat(n, n, [entries[i] if i == j else 0 for i in range(n) for j in range(n)])


def select(m: fmpq_mat, rows: Sequence[int], columns: Sequence[int]) -> fmpq_mat:
    """Return the submatrix of these rows and columns."""
    return fmpq_mat(len(rows), len(columns), [m[i, j] for i in rows for j in columns])


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
    signs = [c > 0 for c in m.charpoly().coeffs() if c != 0]
    positive = sum(before != after for before, after in pairwise(signs))
    return positive, m.rank() - positive


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


def dual_norm_squared(E: arb_mat, left: fmpq_mat, right: fmpq_mat) -> arb:
    """Return tr(left⁻¹ E right⁻¹ Eᵀ), the square of the norm dual to ‖H‖² = tr(left H right Hᵀ)."""
    return (arb_mat(left.inv()) * E * arb_mat(right.inv()) * E.transpose()).trace()


def least_dual_norm_squared(E: arb_mat, left: fmpq_mat, right: fmpq_mat) -> arb:
    """Return ⟨E, H⟩²/tr(left H right H) for one symmetric H, a lower bound of the square of the dual norm of E ≠ 0."""
    first, second = arb_mat(left.inv()), arb_mat(right.inv())
    H = first * E * second + second * E * first
    return (E * H).trace() ** 2 / (arb_mat(left) * H * arb_mat(right) * H).trace()
