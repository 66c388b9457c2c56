"""Random rational points at which matrix expressions are evaluated, beside their normal forms: a second opinion."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from flint import fmpq, fmpq_mat
from sympy import (
    Add,
    Basic,
    Identity,
    Integer,
    Inverse,
    MatAdd,
    MatMul,
    MatPow,
    MatrixSymbol,
    Mul,
    Pow,
    Rational,
    Symbol,
    Trace,
    Transpose,
    ZeroMatrix,
)
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify import exact

POINTS = 1 << 32  # random entries are drawn from this many integers


def factors(product: Any) -> tuple[Any, ...]:
    """Return the factors of a product or of a power of a matrix.

    Raises TypeError for a power that is not an integer.
    """
    if not isinstance(product, MatPow):
        return tuple(product.args)
    if not product.exp.is_Integer:
        raise TypeError(f"{product} is not an expression of the matrix algebra")
    return (product.base if product.exp > 0 else product.base.I,) * abs(int(product.exp))


class Point:
    """A random rational point: an integer matrix for each free letter, an integer for each opaque scalar.

    Values are drawn as they are asked for and kept, so that an expression has one value.
    """

    def __init__(
        self, definitions: Mapping[MatrixSymbol, Any], sizes: Mapping[Symbol, int], rng: random.Random
    ) -> None:
        self._definitions = definitions
        self._sizes = {Integer(1): 1, **sizes}
        self._rng = rng
        self._matrices: dict[str, fmpq_mat] = {}
        self._scalars: dict[Basic, fmpq] = {}

    def value(self, expression: Any) -> fmpq_mat | fmpq:
        """Return the exact value of a matrix expression or of a scalar."""
        return self._matrix(expression) if isinstance(expression, MatrixExpr) else self._scalar(expression)

    def _entry(self) -> fmpq:
        return fmpq(self._rng.randrange(-POINTS // 2, POINTS // 2))

    def _size(self, matrix: Any) -> tuple[int, int]:
        rows, columns = matrix.shape
        return self._sizes[rows], self._sizes[columns]

    def _matrix(self, matrix: Any) -> fmpq_mat:
        match matrix:
            case MatrixSymbol() if matrix in self._definitions:
                return self._matrix(self._definitions[matrix])
            case MatrixSymbol():
                if matrix.name not in self._matrices:
                    rows, columns = self._size(matrix)
                    drawn = fmpq_mat(rows, columns, [self._entry() for _ in range(rows * columns)])
                    self._matrices[matrix.name] = drawn
                return self._matrices[matrix.name]
            case Inverse():
                return self._matrix(matrix.arg).inv()
            case Identity():
                return exact.identity(self._size(matrix)[0])
            case ZeroMatrix():
                return exact.zeros(*self._size(matrix))
            case Transpose():
                return self._matrix(matrix.arg).transpose()
            case MatAdd():
                total = exact.zeros(*self._size(matrix))
                for term in matrix.args:
                    total = total + self._matrix(term)
                return total
            case MatMul() | MatPow():
                product = exact.identity(self._size(matrix)[0])
                for factor in factors(matrix):
                    product = product * self.value(factor)
                return product
            case _:
                raise TypeError(f"{matrix} is not an expression of the matrix algebra")

    def _scalar(self, scalar: Any) -> fmpq:
        match scalar:
            case Rational():
                return fmpq(int(scalar.p), int(scalar.q))
            case Trace():
                return exact.trace(self._matrix(scalar.arg))
            case Add():
                return sum((self._scalar(term) for term in scalar.args), fmpq(0))
            case Mul():
                product = fmpq(1)
                for factor in scalar.args:
                    product = product * self._scalar(factor)
                return product
            case Pow() if scalar.exp.is_Integer and scalar.exp > 0:
                return self._scalar(scalar.base) ** int(scalar.exp)
            case _ if scalar in self._sizes:
                return fmpq(self._sizes[scalar])
            case _:
                if scalar not in self._scalars:
                    self._scalars[scalar] = self._entry()
                return self._scalars[scalar]

    def degree(self, expression: Any) -> tuple[int, int]:
        """Return bounds on the degrees of numerator and denominator of an expression in the values drawn."""
        match expression:
            case MatrixSymbol() if expression in self._definitions:
                return self.degree(self._definitions[expression])
            case Identity() | ZeroMatrix() | Rational():
                return 0, 0
            case Inverse():
                above, below = self.degree(expression.arg)
                n = self._size(expression.arg)[0]
                return below + (n - 1) * above, n * above
            case Transpose() | Trace():
                return self.degree(expression.arg)
            case MatAdd() | Add():
                parts = [self.degree(term) for term in expression.args]
                below = sum(b for _, b in parts)
                return max(a + below - b for a, b in parts), below
            case MatMul() | MatPow() | Mul():
                parts = [self.degree(factor) for factor in factors(expression)]
                return sum(a for a, _ in parts), sum(b for _, b in parts)
            case Pow() if expression.exp.is_Integer and expression.exp > 0:
                above, below = self.degree(expression.base)
                return above * int(expression.exp), below * int(expression.exp)
            case _:
                return 1, 0
