"""Exact linear algebra over the rationals.

Matrices are `flint.fmpq_mat`; what enters and leaves is rows of `fractions.Fraction`. Nothing here rounds, so every
answer, a rank, an inclusion, a definiteness, is a decision. What the kernel needs as well is the kernel's.
"""

from __future__ import annotations

import copyreg
import functools
import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import overload

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat, fmpz, fmpz_mat
from numpy.typing import NDArray

from thmverify.kernel.linear import certainly_definite, diagonal, is_zero, null_space, trace
from thmverify.kernel.linear import select as submatrix

FLOATS_FAIL = (ArithmeticError, ValueError)  # how floats end where numbers are beyond them; NumPy's LinAlgError is one
Rows = tuple[tuple[Fraction, ...], ...]


class Diagonal(Sequence[tuple[Fraction, ...]]):
    """The rows of a diagonal matrix, each made when it is asked for: n numbers in the place of n²."""

    def __init__(self, entries: Sequence[Fraction]) -> None:
        self.entries = tuple(entries)

    @overload
    def __getitem__(self, i: int) -> tuple[Fraction, ...]: ...
    @overload
    def __getitem__(self, i: slice) -> tuple[tuple[Fraction, ...], ...]: ...
    def __getitem__(self, i: int | slice) -> tuple[Fraction, ...] | tuple[tuple[Fraction, ...], ...]:
        n, at = len(self.entries), range(len(self.entries))[i]
        if isinstance(at, range):
            return tuple(self[j] for j in at)
        return (*(_ZERO,) * at, self.entries[at], *(_ZERO,) * (n - at - 1))

    def __len__(self) -> int:
        return len(self.entries)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Diagonal):
            return self.entries == other.entries
        return isinstance(other, tuple) and len(other) == len(self) and all(map(operator.eq, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Diagonal({self.entries})"


_ZERO = Fraction(0)
MAX_EXPONENT = 2**23  # of a power of two that becomes a rational


def _reduce(m: fmpq_mat) -> tuple[type[fmpq_mat], tuple[int, int, list[fmpq]]]:
    return fmpq_mat, (m.nrows(), m.ncols(), m.entries())


copyreg.pickle(fmpq_mat, _reduce)  # flint's matrices do not pickle by themselves; models and maps go to other processes


def to_fmpq(value: Fraction | int) -> fmpq:
    """Return the same rational as a flint number."""
    return fmpq(value.numerator, value.denominator)


def to_fraction(value: fmpq) -> Fraction:
    """Return the same rational as a `Fraction`."""
    return Fraction(int(value.p), int(value.q))


def to_float(value: fmpq) -> float:
    """Return the nearest float. Raises OverflowError beyond the range of floats."""
    return int(value.p) / int(value.q)  # Python's division of integers rounds correctly


def from_ball(point: arb) -> fmpq:
    """Return the middle of a ball: all of it where the ball is exact.

    Raises OverflowError where it is not finite, and for a number of more than a megabyte: balls hold e^(10^30), and
    GMP ends the process over it.
    """
    if not point.mid().is_finite():
        raise OverflowError(f"{point} is not finite")
    mantissa, exponent = point.mid().man_exp()
    if abs(int(exponent)) > MAX_EXPONENT:
        raise OverflowError(f"2^{exponent} is beyond what rationals are written out for")
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def to_floats(m: fmpq_mat) -> NDArray[np.float64]:
    """Return the nearest float64 matrix.

    Raises OverflowError when an entry is beyond the range of floats.
    """
    return np.array([to_float(x) for x in m.entries()], dtype=np.float64).reshape(m.nrows(), m.ncols())


def matrix(rows: Sequence[Sequence[Fraction | int]], columns: int | None = None) -> fmpq_mat:
    """Return the matrix with these rows; `columns` gives the width when there may be no row."""
    if isinstance(rows, Diagonal):
        return diagonal([to_fmpq(x) for x in rows.entries])
    width = len(rows[0]) if rows else (columns or 0)
    return fmpq_mat(len(rows), width, [to_fmpq(x) for row in rows for x in row])


def to_rows(m: fmpq_mat) -> Rows:
    """Return the rows of `m` as tuples of `Fraction`."""
    return tuple(tuple(to_fraction(m[i, j]) for j in range(m.ncols())) for i in range(m.nrows()))


def column(entries: Sequence[Fraction | int]) -> fmpq_mat:
    """Return the n × 1 matrix with these entries."""
    return matrix([[x] for x in entries], columns=1)


def identity(n: int) -> fmpq_mat:
    """Return I_n."""
    return diagonal([1] * n)


def symmetrise(m: fmpq_mat) -> fmpq_mat:
    """Return (m + mᵀ)/2."""
    return (m + m.transpose()) / 2


def zeros(rows: int, columns: int) -> fmpq_mat:
    """Return the zero matrix."""
    return fmpq_mat(rows, columns)


def inner(a: fmpq_mat, b: fmpq_mat) -> fmpq:
    """Return ⟨a, b⟩ = Σ a_ij b_ij."""
    return sum((x * y for x, y in zip(a.entries(), b.entries(), strict=True)), fmpq(0))


def is_symmetric(m: fmpq_mat) -> bool:
    """Decide m = mᵀ."""
    return m.nrows() == m.ncols() and m == m.transpose()


def hstack(blocks: Iterable[fmpq_mat], rows: int) -> fmpq_mat:
    """Return the blocks side by side; `rows` is their common height."""
    parts = list(blocks)
    m = fmpq_mat(rows, sum(b.ncols() for b in parts))
    at = 0
    for b in parts:
        for j in range(b.ncols()):
            for i in range(rows):
                m[i, at + j] = b[i, j]
        at += b.ncols()
    return m


def pivot_columns(m: fmpq_mat) -> list[int]:
    """Return the indices of the first columns of `m` that are independent of those before them."""
    reduced, rank = m.rref()
    pivots = []
    for i in range(rank):
        pivots.append(next(j for j in range(m.ncols()) if reduced[i, j] != 0))
    return pivots


@dataclass(frozen=True)
class LDL:
    """m = L diag(pivots) Lᵀ with L (n × rank) of full column rank and positive pivots."""

    factor: fmpq_mat
    pivots: tuple[fmpq, ...]
    eliminated: fmpz_mat | None = None  # [D'Lᵀ  D"L⁻¹], D' the leading minors and D" those before them

    @property
    def inverse(self) -> fmpq_mat:
        """L⁻¹, for a positive definite m."""
        if self.eliminated is None:
            return self.factor.inv()
        U, n = self.eliminated, self.factor.nrows()
        before = [fmpz(1), *(U[i, i] for i in range(n))]
        return fmpq_mat(n, n, [fmpq(U[i, n + j], before[i]) if j <= i else 0 for i in range(n) for j in range(n)])


def ldl(m: fmpq_mat) -> LDL | None:
    """Return a rational LDLᵀ of the symmetric matrix `m`, or None when m is not positive semidefinite.

    At each step the next positive diagonal entry of the Schur complement is the pivot. When none is left, m ⪰ 0
    exactly if the complement is zero, since a positive semidefinite matrix with zero diagonal is zero.
    """
    definite = _ldl_of_minors(m)
    if definite is not None:
        return definite
    n = m.nrows()
    rest = m * fmpq(1)
    columns: list[fmpq_mat] = []
    pivots: list[fmpq] = []
    while True:
        if any(rest[i, i] < 0 for i in range(n)):
            return None
        at = next((i for i in range(n) if rest[i, i] > 0), None)
        if at is None:
            return LDL(hstack(columns, n), tuple(pivots)) if is_zero(rest) else None
        pivot = rest[at, at]
        step = fmpq_mat(n, 1, [rest[i, at] / pivot for i in range(n)])
        rest = rest - step * step.transpose() * pivot
        columns.append(step)
        pivots.append(pivot)


_BITS = (128, 1024, 8192)  # precisions at which definiteness is looked for in balls
_COMMON = 2**18  # n times the bits of the common denominator, up to which integers are quicker than rationals


def _ldl_of_minors(m: fmpq_mat) -> LDL | None:
    """Return the LDLᵀ of a positive definite matrix by elimination without fractions, None when this does not apply."""
    n, (whole, scale) = m.nrows(), m.numer_denom()
    if n == 0 or n * int(scale).bit_length() > _COMMON:
        return None
    wide = fmpz_mat([[*row, *(int(i == j) for j in range(n))] for i, row in enumerate(whole.tolist())])
    order, _, _, U = wide.fflu()
    minors = [U[i, i] for i in range(n)]
    if not (order.is_one() and all(x > 0 for x in minors)):
        return None
    before = [fmpz(1), *minors]
    factor = fmpq_mat(n, n, [fmpq(U[j, i], minors[j]) if j <= i else 0 for i in range(n) for j in range(n)])
    return LDL(factor, tuple(fmpq(x, y * scale) for x, y in zip(minors, before, strict=False)), U)


def is_positive_definite(m: fmpq_mat) -> bool:
    """Decide m ≻ 0 for a symmetric matrix.

    A Cholesky factor in balls proves it, quickly whatever the denominators, and a pivot that is certainly negative
    disproves it; where neither is found the leading minors decide.
    """
    for bits in _BITS:
        with ctx.workprec(bits):
            balls = arb_mat(m)
            if certainly_definite(balls):
                return True
            if _certainly_not_definite(balls):
                return False
    scales = [functools.reduce(math.lcm, (int(x.q) for x in row), 1) for row in m.tolist()]
    whole = fmpz_mat(
        [[int((x * a * b).p) for x, b in zip(r, scales, strict=True)] for a, r in zip(scales, m.tolist(), strict=True)]
    )
    order, _, _, U = whole.fflu()
    return bool(order.is_one()) and all(U[i, i] > 0 for i in range(m.nrows()))


def _certainly_not_definite(m: arb_mat) -> bool:
    """Return True when elimination in balls meets a pivot that is certainly negative."""
    rows = m.tolist()
    for j, row in enumerate(rows):
        if row[j] < 0 or not row[j] > 0:
            return bool(row[j] < 0)
        for below in rows[j + 1 :]:
            factor = below[j] / row[j]
            for k in range(j, len(rows)):
                below[k] -= factor * row[k]
    return False


def is_positive_semidefinite(m: fmpq_mat) -> bool:
    """Decide m ⪰ 0 for a symmetric matrix."""
    return ldl(m) is not None


__all__ = [
    "FLOATS_FAIL",
    "LDL",
    "Diagonal",
    "Rows",
    "column",
    "diagonal",
    "from_ball",
    "hstack",
    "identity",
    "inner",
    "is_positive_definite",
    "is_positive_semidefinite",
    "is_symmetric",
    "is_zero",
    "ldl",
    "matrix",
    "null_space",
    "pivot_columns",
    "submatrix",
    "symmetrise",
    "to_floats",
    "to_fmpq",
    "to_fraction",
    "to_rows",
    "trace",
    "zeros",
]


def centred(weights: Sequence[Fraction], means: Rows) -> Rows:
    """Return the means (K × d) less their weighted mean."""
    average = [
        sum((w * x for w, x in zip(weights, axis, strict=True)), Fraction(0)) for axis in zip(*means, strict=True)
    ]
    return tuple(tuple(x - a for x, a in zip(row, average, strict=True)) for row in means)
