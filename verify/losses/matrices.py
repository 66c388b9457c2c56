"""Rational matrix functions with their derivatives: what a loss is written in, besides expectations.

A `Matrix` holds its value and how a derivative with respect to it passes on to what it was made from, so that the
gradient of a function follows from the function. The entries are exact rationals; a derivative is carried back through
them as rationals, floats, mpf or balls, whatever the expectations at its start are.

Example: with M = A @ A.T, `(C @ M).trace()` has the gradient 2CA with respect to A, for a symmetric C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify import exact
from thmverify.errors import InputError

Array: TypeAlias = NDArray[Any]  # an object array of rationals, mpf or balls, or float64
Convert: TypeAlias = Callable[[fmpq_mat], Array]
Pull: TypeAlias = Callable[[Array, Convert], Array]  # of the derivative with respect to the result
Number: TypeAlias = int | Fraction | fmpq


@dataclass(frozen=True, eq=False)
class Matrix:
    """A rational matrix, and the matrices it was made from, each with how a derivative is pulled back to it.

    Operations: +, −, @ (product), * and / (entry by entry; a number or a 1 × 1 matrix goes with every entry), `T`,
    `inverse()`, `trace()`, `diagonal()` and `total()`. Raises InputError for shapes that do not fit, and for a division
    by 0 or the inverse of a singular matrix, where the function is not defined.
    """

    value: fmpq_mat
    parents: tuple[tuple[Matrix, Pull], ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns."""
        return self.value.nrows(), self.value.ncols()

    @property
    def T(self) -> Matrix:
        """The transpose."""
        return Matrix(self.value.transpose(), ((self, lambda g, _: g.T),))

    @property
    def scalar(self) -> fmpq:
        """The entry of a 1 × 1 matrix."""
        if self.shape != (1, 1):
            raise InputError("expression", _size(self.value), "is not a number", "a loss is a 1 × 1 matrix")
        return self.value[0, 0]

    def __add__(self, other: Any) -> Any:
        right = as_matrix(other)
        if right is None:
            return NotImplemented
        one, two = _spread(self, right)
        return Matrix(one.value + two.value, ((one, _same), (two, _same)))

    __radd__ = __add__

    def __neg__(self) -> Matrix:
        negative: Matrix = self * -1
        return negative

    def __sub__(self, other: Any) -> Any:
        right = as_matrix(other)
        return NotImplemented if right is None else self + (right * -1)

    def __rsub__(self, other: Any) -> Any:
        return (self * -1) + other

    def __matmul__(self, other: Any) -> Any:
        factor = as_matrix(other)
        if factor is None:
            return NotImplemented
        left, right = self.value, factor.value
        if left.ncols() != right.nrows():
            raise InputError("expression", f"{_size(left)} by {_size(right)}", "do not multiply", "check the shapes")
        return Matrix(
            left * right,
            ((self, lambda g, c: g @ c(right).T), (factor, lambda g, c: c(left).T @ g)),
        )

    def __rmatmul__(self, other: Any) -> Any:
        factor = as_matrix(other)
        return NotImplemented if factor is None else factor @ self

    def __mul__(self, other: Any) -> Any:
        right = as_matrix(other)
        if right is None:
            return NotImplemented
        one, two = _spread(self, right)
        left_value, right_value = one.value, two.value
        entries = [x * y for x, y in zip(left_value.entries(), right_value.entries(), strict=True)]
        return Matrix(
            fmpq_mat(*one.shape, entries),
            ((one, lambda g, c: g * c(right_value)), (two, lambda g, c: g * c(left_value))),
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        right = as_matrix(other)
        return NotImplemented if right is None else self * right.reciprocal()

    def __rtruediv__(self, other: Any) -> Any:
        return self.reciprocal() * other

    def reciprocal(self) -> Matrix:
        """Return 1/x for every entry x."""
        if any(x == 0 for x in self.value.entries()):
            raise InputError("map", _size(self.value), "makes a denominator of the loss 0", "no column may be 0")
        inverted = fmpq_mat(*self.shape, [1 / x for x in self.value.entries()])
        slope = fmpq_mat(*self.shape, [-x * x for x in inverted.entries()])
        return Matrix(inverted, ((self, lambda g, c: g * c(slope)),))

    def inverse(self) -> Matrix:
        """Return the inverse."""
        n = self.shape[0]
        if self.shape != (n, n) or self.value.rank() < n:
            raise InputError("map", _size(self.value), "makes a matrix of the loss singular", "check its columns")
        inverse = self.value.inv()
        turned = -inverse.transpose()
        return Matrix(inverse, ((self, lambda g, c: c(turned) @ g @ c(inverse.transpose())),))

    def diagonal(self) -> Matrix:
        """Return the diagonal of an n × n matrix as a column."""
        n = self.shape[0]
        column = fmpq_mat(n, 1, [self.value[i, i] for i in range(n)])
        mask = exact.identity(n)
        return Matrix(column, ((self, lambda g, c: g * c(mask)),))

    def total(self) -> Matrix:
        """Return the sum of the entries, 1 × 1."""
        rows, columns = self.shape
        ones = fmpq_mat(rows, columns, [1] * (rows * columns))
        return Matrix(fmpq_mat([[sum(self.value.entries(), fmpq(0))]]), ((self, lambda g, c: g * c(ones)),))

    def trace(self) -> Matrix:
        """Return the trace, 1 × 1."""
        return self.diagonal().total()


def as_matrix(x: Any) -> Matrix | None:
    """Return x as a constant matrix: a Matrix, an fmpq_mat, or a rational number; None for anything else."""
    if isinstance(x, Matrix):
        return x
    if isinstance(x, fmpq_mat):
        return Matrix(x)
    if isinstance(x, int | Fraction):
        return Matrix(fmpq_mat([[exact.to_fmpq(Fraction(x))]]))
    return Matrix(fmpq_mat([[x]])) if isinstance(x, fmpq) else None


def beside(parts: Sequence[Matrix]) -> Matrix:
    """Return matrices with the same number of rows side by side."""
    rows = parts[0].shape[0]
    starts = np.cumsum([0, *(part.shape[1] for part in parts)])
    pulls = []
    for part, start, stop in zip(parts, starts, starts[1:], strict=False):
        pulls.append((part, lambda g, _, start=start, stop=stop: g[:, start:stop]))
    return Matrix(exact.hstack([part.value for part in parts], rows), tuple(pulls))


def pulled_back(starts: Sequence[tuple[Matrix, Array]], convert: Convert) -> Mapping[int, Array]:
    """Return the derivative with respect to every matrix behind the starts, by its `id`.

    starts: matrices, each with the derivative of a function with respect to it.
    """
    found: dict[int, Array] = {}
    for matrix, derivative in starts:
        found[id(matrix)] = found[id(matrix)] + derivative if id(matrix) in found else derivative
    for matrix in _results_first([matrix for matrix, _ in starts]):
        for parent, pull in matrix.parents:
            passed = pull(found[id(matrix)], convert)
            found[id(parent)] = found[id(parent)] + passed if id(parent) in found else passed
    return found


def _results_first(roots: Sequence[Matrix]) -> list[Matrix]:
    """Return all that the roots were made from, each after everything made from it."""
    order: list[Matrix] = []
    seen: set[int] = set()
    stack = [(root, False) for root in roots]
    while stack:
        matrix, done = stack.pop()
        if done:
            order.append(matrix)
        elif id(matrix) not in seen:
            seen.add(id(matrix))
            stack.append((matrix, True))
            stack.extend((parent, False) for parent, _ in matrix.parents)
    return order[::-1]


def _same(g: Array, _: Convert) -> Array:
    return g


def _spread(left: Matrix, right: Matrix) -> tuple[Matrix, Matrix]:
    """Return the two with the same shape; a 1 × 1 matrix is repeated."""
    if left.shape == right.shape:
        return left, right
    if right.shape == (1, 1):
        return left, _repeated(right, left.shape)
    if left.shape == (1, 1):
        return _repeated(left, right.shape), right
    raise InputError("expression", f"{_size(left.value)} and {_size(right.value)}", "differ in shape", "check them")


def _repeated(number: Matrix, shape: tuple[int, int]) -> Matrix:
    value = fmpq_mat(*shape, [number.scalar] * (shape[0] * shape[1]))
    return Matrix(value, ((number, lambda g, _: np.sum(g, keepdims=True)),))


def _size(m: fmpq_mat) -> str:
    return f"{m.nrows()} × {m.ncols()}"
