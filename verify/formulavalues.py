"""The value of a SymPy formula in rationals: SymPy says what the formula is, flint computes.

SymPy's own arithmetic on explicit matrices says the same, a hundred times more slowly; what has no row in the table
here is left to it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from typing import Any, TypeAlias

from flint import fmpq, fmpq_mat
from sympy import (
    Add,
    And,
    Basic,
    Determinant,
    Eq,
    Ge,
    Gt,
    Identity,
    Indexed,
    Integer,
    Inverse,
    Le,
    Lt,
    MatAdd,
    MatMul,
    MatrixSymbol,
    Mul,
    Ne,
    Not,
    OneMatrix,
    Or,
    Pow,
    Rational,
    Symbol,
    Trace,
    Transpose,
    ZeroMatrix,
    false,
    true,
)

from thmverify import exact

Value: TypeAlias = fmpq | fmpq_mat
Meaning: TypeAlias = Callable[[Mapping[Basic, Value]], Any]


@lru_cache(maxsize=1024)
def meaning(formula: Basic) -> Meaning | None:
    """Return a formula as a function of the values of its symbols: a number, a matrix, or whether it is true.

    None where an operation in it is not among those here. The function raises ZeroDivisionError where it divides by 0,
    and ValueError where shapes do not fit.

    >>> x = Symbol("x")
    >>> meaning((x + 1) ** 2 > 2)({x: fmpq(1, 2)})
    True
    """
    try:
        return _meaning(formula)
    except KeyError:
        return None


def _meaning(node: Any) -> Meaning:
    if isinstance(node, Symbol | MatrixSymbol | Indexed):
        return lambda values: values[node]
    if node in (true, false):
        truth = bool(node)
        return lambda _: truth
    if isinstance(node, Rational):
        number = fmpq(int(node.p), int(node.q))
        return lambda _: number
    if isinstance(node, Pow):
        return _power(node)
    operation = getattr(node, "of", None) or _OPERATIONS[type(node)]
    parts = [_meaning(part) for part in node.args]
    return lambda values: operation(*[part(values) for part in parts])


def _power(node: Any) -> Meaning:
    base, exponent = node.args
    if not isinstance(exponent, Integer):
        raise KeyError(node)  # no rational in general
    inner, power = _meaning(base), int(exponent)
    return lambda values: inner(values) ** power


def _sum(*terms: Any) -> Any:
    return reduce(operator.add, terms)


def _product(*factors: Any) -> Any:
    return reduce(operator.mul, factors)


def _filled(rows: fmpq, columns: fmpq, entry: int) -> fmpq_mat:
    m, n = int(rows), int(columns)
    return fmpq_mat(m, n, [entry] * (m * n))


_OPERATIONS: dict[type, Callable[..., Any]] = {
    Add: _sum,
    MatAdd: _sum,
    Mul: _product,
    MatMul: _product,
    Transpose: fmpq_mat.transpose,
    Inverse: lambda m, _exponent: m.inv(),
    Trace: exact.trace,
    Determinant: fmpq_mat.det,
    Identity: lambda n: exact.identity(int(n)),
    ZeroMatrix: lambda rows, columns: _filled(rows, columns, 0),
    OneMatrix: lambda rows, columns: _filled(rows, columns, 1),
    Eq: operator.eq,
    Ne: operator.ne,
    Gt: operator.gt,
    Ge: operator.ge,
    Lt: operator.lt,
    Le: operator.le,
    And: lambda *parts: all(parts),
    Or: lambda *parts: any(parts),
    Not: operator.not_,
}
