"""Formulas written in Python: operators make the terms of the kernel's grammar (verify/kernel/FORMAT.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from thmverify.kernel.strict import MAX_SIZE
from thmverify.rationals import Number, rational

Node: TypeAlias = Any  # text, or a list that begins with an operation


@dataclass(frozen=True, eq=False)
class Expression:
    """A term or a formula: `==`, `<`, `&`, `|`, `~` make formulas, `*` and `@` the same product, `X[i, j]` an entry.

    >>> (name("x") ** 2 <= 2).node
    ['<=', ['^', 'x', '2'], '2']
    """

    node: Node

    def __add__(self, other: Operand) -> Expression:
        return _made("+", self, other)

    def __radd__(self, other: Operand) -> Expression:
        return _made("+", other, self)

    def __sub__(self, other: Operand) -> Expression:
        return _made("-", self, other)

    def __rsub__(self, other: Operand) -> Expression:
        return _made("-", other, self)

    def __mul__(self, other: Operand) -> Expression:
        return _made("*", self, other)

    def __rmul__(self, other: Operand) -> Expression:
        return _made("*", other, self)

    def __matmul__(self, other: Operand) -> Expression:
        return _made("*", self, other)

    def __truediv__(self, other: Operand) -> Expression:
        return _made("/", self, other)

    def __rtruediv__(self, other: Operand) -> Expression:
        return _made("/", other, self)

    def __pow__(self, other: Operand) -> Expression:
        return _made("^", self, other)

    def __neg__(self) -> Expression:
        return _made("-", self)

    def __eq__(self, other: Operand) -> Expression:  # type: ignore[override]
        return _made("=", self, other)

    def __ne__(self, other: Operand) -> Expression:  # type: ignore[override]
        return ~(self == other)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: Operand) -> Expression:
        return _made("<", self, other)

    def __le__(self, other: Operand) -> Expression:
        return _made("<=", self, other)

    def __gt__(self, other: Operand) -> Expression:
        return _made("<", other, self)

    def __ge__(self, other: Operand) -> Expression:
        return _made("<=", other, self)

    def __and__(self, other: Expression) -> Expression:
        return _made("and", self, other)

    def __or__(self, other: Expression) -> Expression:
        return _made("or", self, other)

    def __invert__(self) -> Expression:
        return _made("not", self)

    def __getitem__(self, place: tuple[Operand, Operand]) -> Expression:
        return _made("entry", self, *place)

    def __bool__(self) -> NoReturn:
        raise TypeError("a formula has no truth value in Python: write & | ~ for and, or, not, and ask `certify`")

    @property
    def T(self) -> Expression:
        """The transpose."""
        return _made("transpose", self)

    def inverse(self) -> Expression:
        """Return the inverse of a matrix."""
        return _made("inverse", self)

    def column(self, j: Operand) -> Expression:
        """Return the column j, counted from 0, as a matrix."""
        return _made("column", self, j)


Operand: TypeAlias = Expression | Number


def _made(op: str, *arguments: Operand) -> Expression:
    first, *rest = (x.node if isinstance(x, Expression) else number(x).node for x in arguments)
    if op in ("+", "*", "and", "or") and first[0] == op and len(first) < MAX_SIZE:  # (a + b) + c is a + b + c
        return Expression([*first, *rest])
    return Expression([op, first, *rest])


def number(value: Number) -> Expression:
    """Return a rational number as a term. Raises InputError for floats."""
    return Expression(str(rational("number", value)))


def name(field: str) -> Expression:
    """Return what the instance, a definition or a binder calls by this name."""
    return Expression(field)


def matrix(rows: Sequence[Sequence[Number]]) -> Expression:
    """Return a matrix of numbers."""
    return Expression(["matrix", _numbers(rows, "matrix")])


def identity(size: int | str) -> Expression:
    """Return the identity; its size is a number, or the name of one in the instance."""
    return Expression(["identity", str(size)])


def exp(x: Operand) -> Expression:
    """Return the exponential of a number."""
    return _made("exp", x)


def log(x: Operand) -> Expression:
    """Return the logarithm of a number."""
    return _made("log", x)


def trace(X: Expression) -> Expression:
    """Return the trace; of a 1 × 1 matrix, its entry."""
    return _made("trace", X)


def determinant(X: Expression) -> Expression:
    """Return the determinant."""
    return _made("determinant", X)


def rank(X: Expression) -> Expression:
    """Return the rank."""
    return _made("rank", X)


def member(family: Expression, k: Operand) -> Expression:
    """Return the matrix number k, from 0, of a family such as `covariances`."""
    return _made("member", family, k)


def is_within(X: Expression, Y: Expression) -> Expression:
    """Return the formula Col(X) ⊆ Col(Y)."""
    return _made("within", X, Y)


def is_definite(X: Expression) -> Expression:
    """Return the formula vᵀXv > 0 for all v ≠ 0."""
    return _made("definite", X)


def is_semidefinite(X: Expression) -> Expression:
    """Return the formula vᵀXv ≥ 0 for all v."""
    return _made("semidefinite", X)


def expected_softmax(B: Expression) -> Expression:
    """Return E p (K × 1) over the instance's mixture, p_k ∝ w_k exp(b_k·x), b_k the columns of B (d × K)."""
    return _made("expected_softmax", B)


def expected_softmax_moment(B: Expression) -> Expression:
    """Return the matrix with the columns E p_k x (d × K)."""
    return _made("expected_softmax_moment", B)


def expected_logsumexp(B: Expression) -> Expression:
    """Return E log Σ_k w_k exp(b_k·x)."""
    return _made("expected_logsumexp", B)


def sum_of(count: Operand, body: Callable[[Expression], Expression], index: str = "k") -> Expression:
    """Return Σ over index = 0, …, count − 1.

    >>> sum_of("3", lambda k: k**2).node
    ['sum', 'k', '3', ['^', 'k', '2']]
    """
    return _bound("sum", count, body, index)


def all_of(count: Operand, body: Callable[[Expression], Expression], index: str = "k") -> Expression:
    """Return the formula that the body holds for index = 0, …, count − 1."""
    return _bound("all", count, body, index)


def any_of(count: Operand, body: Callable[[Expression], Expression], index: str = "k") -> Expression:
    """Return the formula that the body holds for one of index = 0, …, count − 1."""
    return _bound("any", count, body, index)


def _bound(op: str, count: Operand, body: Callable[[Expression], Expression], index: str) -> Expression:
    bound = count if isinstance(count, Expression) else number(count)
    return Expression([op, index, bound.node, body(name(index)).node])


def record(**values: Any) -> dict[str, Any]:
    """Return an instance of named numbers, columns (sequences), matrices (rows) and families of matrices.

    >>> record(L=2, x=["0.5", 1])
    {'model': 'record', 'values': {'L': '2', 'x': ['1/2', '1']}}
    """
    return {"model": "record", "values": {field: _numbers(value, field) for field, value in values.items()}}


def _numbers(value: Any, field: str) -> Any:
    if isinstance(value, list | tuple):
        return [_numbers(x, field) for x in value]
    return str(rational(field, value))
