"""Rational numbers and matrices, drawn from a source of choices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat
from hypothesis.strategies import SearchStrategy

from thmverify import exact
from thmverify.testing.sources import Source, Span, choose, size_in, strategy


def rational(source: Source, size: int = 3, denominators: Sequence[int] = (1, 2, 3, 5)) -> Fraction:
    """Return a rational in [−size, size] with one of these denominators."""
    denominator = choose(source, denominators)
    return Fraction(source.integer(-size * denominator, size * denominator), denominator)


def rational_matrix(source: Source, rows: int, columns: int, size: int = 3) -> fmpq_mat:
    """Return a rows × columns matrix of small rationals; a third of them have integer entries only."""
    denominators = choose(source, ((1,), (1, 2), (1, 2, 3, 5)))
    entries = [exact.to_fmpq(rational(source, size, denominators)) for _ in range(rows * columns)]
    return fmpq_mat(rows, columns, entries)


def invertible_matrix(source: Source, n: int) -> fmpq_mat:
    """Return an invertible n × n matrix with small entries: permutation · unit lower · upper triangular."""
    lower, upper = exact.identity(n), exact.zeros(n, n)
    for i in range(n):
        upper[i, i] = fmpq(choose(source, (1, -1, 2, -3)), choose(source, (1, 2)))
        for j in range(i):
            lower[i, j] = fmpq(source.integer(-2, 2))
            upper[j, i] = fmpq(source.integer(-2, 2))
    return permutation_matrix(permutation(source, n)) * lower * upper


def rational_orthogonal_matrix(source: Source, n: int) -> fmpq_mat:
    """Return a rational T with TᵀT = I: a product of up to n reflections I − 2vvᵀ/vᵀv along integer vectors."""
    product = exact.identity(n)
    for _ in range(source.integer(0, n)):
        v = exact.column([source.integer(-3, 3) for _ in range(n)])
        if not exact.is_zero(v):
            product = product - (product * v) * v.transpose() * (fmpq(2) / exact.inner(v, v))
    return product


def orthonormal_columns(source: Source, rows: int, columns: int) -> fmpq_mat:
    """Return A (rows × columns) with AᵀA = I."""
    return exact.submatrix(rational_orthogonal_matrix(source, rows), range(rows), range(columns))


def permutation(source: Source, n: int) -> list[int]:
    """Return a permutation of 0 … n−1."""
    order = list(range(n))
    for i in range(n - 1):
        j = source.integer(i, n - 1)
        order[i], order[j] = order[j], order[i]
    return order


def permutation_matrix(order: Sequence[int]) -> fmpq_mat:
    """Return the matrix with (Px)_i = x_{order[i]}."""
    return exact.submatrix(exact.identity(len(order)), order, range(len(order)))


def positive_definite(source: Source, n: int, hostile: bool = True) -> fmpq_mat:
    """Return a symmetric positive definite n × n matrix, LDLᵀ; when hostile, one pivot may be as small as 10⁻⁶."""
    kind = source.integer(0, 3 if hostile else 2)
    pivots = [fmpq(choose(source, (1, 2, 3)), choose(source, (1, 2))) if kind else fmpq(1) for _ in range(n)]
    lower = exact.identity(n)
    if kind >= 2:
        for i in range(n):
            for j in range(i):
                lower[i, j] = fmpq(source.integer(-2, 2), 2)
    if kind == 3:
        pivots[source.integer(0, n - 1)] = fmpq(1, 10 ** source.integer(1, 6))
    return lower * exact.diagonal(pivots) * lower.transpose()


def rationals(size: int = 3, denominators: Sequence[int] = (1, 2, 3, 5)) -> SearchStrategy[Fraction]:
    """Rationals in [−size, size]; see `rational`."""
    return strategy(lambda source: rational(source, size, denominators))


def rational_matrices(rows: Span, columns: Span) -> SearchStrategy[fmpq_mat]:
    """Matrices of small rationals; see `rational_matrix`."""
    return strategy(lambda source: rational_matrix(source, size_in(source, rows), size_in(source, columns)))


def invertible_matrices(n: Span) -> SearchStrategy[fmpq_mat]:
    """Invertible n × n matrices; see `invertible_matrix`."""
    return strategy(lambda source: invertible_matrix(source, size_in(source, n)))


def rational_orthogonal_matrices(n: Span) -> SearchStrategy[fmpq_mat]:
    """Orthogonal n × n matrices with rational entries; see `rational_orthogonal_matrix`."""
    return strategy(lambda source: rational_orthogonal_matrix(source, size_in(source, n)))


def positive_definite_matrices(n: Span, hostile: bool = True) -> SearchStrategy[fmpq_mat]:
    """Covariances; see `positive_definite`."""
    return strategy(lambda source: positive_definite(source, size_in(source, n), hostile))


def permutations(n: Span) -> SearchStrategy[list[int]]:
    """Permutations of 0 … n−1."""
    return strategy(lambda source: permutation(source, size_in(source, n)))
