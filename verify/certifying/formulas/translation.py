"""From a SymPy relation to the kernel's grammar: what is printed by SymPy is what the kernel evaluates."""

from __future__ import annotations

from typing import Any

import sympy
from sympy.matrices import expressions as mat

from thmverify.certifying.formulas.expressions import Expression, Node
from thmverify.errors import InputError

_CALLS = {
    sympy.exp: "exp",
    sympy.log: "log",
    mat.Transpose: "transpose",
    mat.Inverse: "inverse",
    mat.Trace: "trace",
    mat.Determinant: "determinant",
    sympy.Eq: "=",
    sympy.Lt: "<",
    sympy.Le: "<=",
    sympy.And: "and",
    sympy.Or: "or",
    sympy.Not: "not",
    sympy.Add: "+",
    mat.MatAdd: "+",
    sympy.Mul: "*",
    mat.MatMul: "*",
    mat.MatPow: "^",
}


def from_sympy(formula: Any) -> Expression:
    """Return a SymPy relation, or a term, in the kernel's grammar; symbols stand for the instance's fields by name.

    Raises InputError for floats, roots, and what the grammar has no operation for.

    >>> x = sympy.Symbol("x")
    >>> from_sympy(sympy.exp(x) > 1 + x).node
    ['<', ['+', '1', 'x'], ['exp', 'x']]
    """
    return Expression(_node(sympy.sympify(formula)))


def _node(e: Any) -> Node:  # noqa: PLR0912 (a case for each kind)
    match e:
        case sympy.Rational():
            return str(e)
        case sympy.Symbol() | mat.MatrixSymbol():
            return str(e.name)
        case sympy.MatrixBase():
            return ["matrix", [[_rational(x) for x in row] for row in e.tolist()]]
        case mat.Identity():
            return ["identity", _node(e.shape[0])]
        case mat.ZeroMatrix():
            return _node(sympy.ImmutableMatrix(e.as_explicit()))
        case mat.matexpr.MatrixElement():
            return ["entry", *map(_node, e.args)]
        case sympy.Gt() | sympy.Ge():
            return _node(e.reversed)
        case sympy.Ne():
            return ["not", _node(sympy.Eq(*e.args, evaluate=False))]
        case sympy.Implies():
            return ["or", ["not", _node(e.args[0])], _node(e.args[1])]
        case sympy.Add() if any(_is_negative(x) for x in e.args):
            plus = [x for x in e.args if not _is_negative(x)]
            found = _node(sympy.Add(*plus)) if plus else None
            for x in e.args:
                if _is_negative(x):
                    found = ["-", _node(-x)] if found is None else ["-", found, _node(-x)]
            return found
        case sympy.Mul() if e.args[0] == -1:
            return ["-", _node(-e)]
        case sympy.Mul() if e.as_numer_denom()[1] != 1 and not isinstance(e.as_numer_denom()[1], sympy.Rational):
            above, below = e.as_numer_denom()
            return ["/", _node(above), _node(below)]
        case sympy.logic.boolalg.BooleanAtom():
            raise InputError(
                "formula", str(e), "is decided by SymPy without an instance", "write it with evaluate=False"
            )
        case sympy.Pow():
            if e.base is sympy.E:
                return ["exp", _node(e.exp)]
            if isinstance(e.exp, sympy.Rational) and not e.exp.is_Integer:
                raise InputError("formula", str(e), "has a power that is not an integer", "write exp(log(x)/2) for √x")
            return ["^", _node(e.base), _node(e.exp)]
        case sympy.Sum() if len(e.limits) == 1 and e.limits[0][1] == 0:
            ((index, _, last),) = e.limits
            return ["sum", str(index), _node(last + 1), _node(e.function)]
    for kind, op in _CALLS.items():
        if isinstance(e, kind):
            return [op, *map(_node, e.args)] if kind is not mat.Inverse else [op, _node(e.args[0])]
    raise InputError(
        "formula", str(e), "is nothing that a formula may hold", "see the grammar in verify/kernel/FORMAT.md"
    )


def _is_negative(x: Any) -> bool:
    return isinstance(x, sympy.Mul | sympy.Rational) and bool(x.as_coeff_Mul()[0] < 0)


def _rational(x: Any) -> str:
    if not isinstance(x, sympy.Rational):
        raise InputError(
            "formula", str(x), "is an entry that is not rational", "write rationals, and symbols for the rest"
        )
    return str(x)
