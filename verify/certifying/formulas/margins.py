"""Margins of a formula on a batch of records, in float64: at most 0 where it holds, no verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import ArrayLike

from thmverify.certifying.formulas.expressions import Expression, Node
from thmverify.certifying.formulas.proposing import check_shapes
from thmverify.errors import InputError
from thmverify.kernel.formulas.grammar import Reader
from thmverify.models import Floats

_RANK = 1e-9  # relative size of a singular value that counts as 0
_TINY = 1e-300


def margins(
    formula: Expression, batch: Mapping[str, ArrayLike], definitions: Mapping[str, Expression] | None = None
) -> Floats:
    """Return the margin of a formula for each record of a batch (N): ≤ 0 where it looks true, > 0 where it looks false.

    The fields of the batch have the records on their first axis: numbers (N), columns (N × n), matrices (N × m × n),
    families (N × K × m × n). a < b has the margin a − b, a = b |a − b|, definite −λ_min, within the part of the first
    matrix that is outside, relatively. What is undefined in floats is nan. Raises InputError for expectations, and for
    an index or a count that is not the same in all records.

    >>> from thmverify.certifying.formulas.expressions import name
    >>> margins(name("x") ** 2 <= 2, {"x": [1.0, 2.0]})
    array([-1.,  2.])
    """
    values = {field: _shaped(np.asarray(x, dtype=np.float64)) for field, x in batch.items()}
    records = max((x.shape[0] for x in values.values() if x.ndim), default=1)
    meant = [[field, term.node] for field, term in (definitions or {}).items()]
    check_shapes(Reader({field: _stand_in(x) for field, x in values.items()}, None), formula.node, meant)
    try:
        with np.errstate(all="ignore"):
            for field, node in meant:
                values[field] = _value(node, values)
            return np.broadcast_to(np.asarray(_margin(formula.node, values), dtype=np.float64), (records,)).copy()
    except IndexError as error:
        raise InputError("formula", str(formula.node), f"has an {error}", "count from 0") from None


def _shaped(x: Floats) -> Floats:
    """Return a field with the axes that values have: (N), (N, m, n), (N, K, m, n)."""
    return x[:, :, None] if x.ndim == 2 else x


def _stand_in(x: Floats) -> Any:
    """Return something exact of the shape that the field has in each record; where it is one integer, that."""
    match x.shape:
        case (_,):
            same = x.size and np.all(x == x[0]) and float(x[0]).is_integer()
            return fmpq(int(x[0]) if same else 0)
        case (_, m, n):
            return fmpq_mat(m, n)
        case (_, K, m, n) if K:
            return [fmpq_mat(m, n)] * K
    raise InputError("batch", str(x.shape), "is no shape of a batch", "write N, N × n, N × m × n or N × K × m × n")


def _margin(node: Node, values: dict[str, Floats]) -> Floats:
    op, *parts = node if isinstance(node, list) else (None,)
    match op:
        case "and" | "or":
            return reduce(np.maximum if op == "and" else np.minimum, [_margin(x, values) for x in parts])
        case "not":
            return -_margin(parts[0], values)
        case "all" | "any":
            return reduce(np.maximum if op == "all" else np.minimum, _each(parts, values, _margin))
        case "=" | "<" | "<=":
            apart = _value(parts[0], values) - _value(parts[1], values)
            return apart if op != "=" else np.abs(apart).reshape(len(apart), -1).max(axis=1, initial=0.0)
        case "definite" | "semidefinite":
            X = _value(parts[0], values)
            return np.asarray(-np.linalg.eigvalsh((X + np.swapaxes(X, 1, 2)) / 2)[:, 0])
        case "within":
            X, Y = (_value(x, values) for x in parts)
            outside = X - Y @ (np.linalg.pinv(Y, rcond=_RANK) @ X)
            return np.asarray(_norm(outside) / np.maximum(_norm(X), _TINY))
    if isinstance(node, str) and node in values:  # a definition that is a formula
        return values[node]
    raise InputError("formula", str(node), "has no margin in floating point", "write comparisons without expectations")


def _value(node: Node, values: dict[str, Floats]) -> Floats:
    """Return the value of a term (N or 1 on the first axis), or the margin of a formula."""
    if isinstance(node, str):
        return values[node] if node in values else np.array([float(Fraction(node))])
    op, *parts = node
    match op:
        case "matrix":
            return np.array([[[float(Fraction(x)) for x in row] for row in parts[0]]])
        case "identity":
            return np.eye(_whole(parts[0], values))[None]
        case "sum":
            return reduce(np.add, _each(parts, values, _value))
        case "entry" | "column" | "member":
            x, places = _value(parts[0], values), [_whole(part, values) for part in parts[1:]]
            if op == "column":
                return x[:, :, places[0], None]
            return np.asarray(x[:, places[0], places[1]] if op == "entry" else x[:, places[0]])
        case "^":
            x = _value(parts[0], values)
            return x ** _value(parts[1], values) if x.ndim == 1 else np.linalg.matrix_power(x, _whole(parts[1], values))
        case "+" | "*":
            return reduce(np.add if op == "+" else _product, [_value(part, values) for part in parts])
        case "-":
            return -_value(parts[0], values) if len(parts) == 1 else _value(parts[0], values) - _value(parts[1], values)
        case "/":
            return _product(_value(parts[0], values), 1 / _value(parts[1], values))
    if op in _UNARY:
        return np.asarray(_UNARY[op](_value(parts[0], values)))
    return _margin(node, values)


def _norm(x: Floats) -> Floats:
    return np.asarray(np.linalg.norm(x, axis=(1, 2)))


def _inverse(x: Floats) -> Floats:
    """Return the inverses; nan for what is singular."""
    singular = np.linalg.det(x) == 0
    found = np.linalg.inv(np.where(singular[:, None, None], np.eye(x.shape[1]), x))
    return np.where(singular[:, None, None], np.nan, found)


_UNARY: dict[str, Any] = {
    "exp": np.exp,
    "log": np.log,
    "transpose": lambda x: np.swapaxes(x, 1, 2),
    "inverse": _inverse,
    "trace": lambda x: np.trace(x, axis1=1, axis2=2),
    "determinant": np.linalg.det,
    "rank": lambda x: np.linalg.matrix_rank(x).astype(np.float64),
}


def _product(x: Floats, y: Floats) -> Floats:
    if x.ndim == y.ndim:
        return np.asarray(x @ y if x.ndim == 3 else x * y)
    return np.asarray(x[:, None, None] * y if x.ndim == 1 else x * y[:, None, None])


def _whole(node: Node, values: dict[str, Floats]) -> int:
    """Return an integer that all records share."""
    found = _value(node, values)
    if not (found.size and np.all(found == found[0]) and float(found[0]).is_integer()):
        raise InputError("formula", str(node), "is not one integer for all records", "write a batch for each value")
    return int(found[0])


def _each(parts: list[Node], values: dict[str, Floats], evaluated: Callable[[Node, dict[str, Floats]], Floats]) -> Any:
    index, count, body = parts
    found = [evaluated(body, values | {index: np.array([float(i)])}) for i in range(_whole(count, values))]
    if not found:
        raise InputError("formula", str(count), "is an empty range in the batch", "write at least one summand")
    return found
