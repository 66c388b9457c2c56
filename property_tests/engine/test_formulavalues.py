"""Formulas computed in rationals say what SymPy says of them, operation by operation and hypothesis by hypothesis."""

from __future__ import annotations

import pytest
from flint import fmpq, fmpq_mat
from sympy import (
    Abs,
    Add,
    And,
    Determinant,
    Eq,
    Identity,
    Inverse,
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
    sqrt,
)
from sympy.core.relational import Relational

from thmverify.formulavalues import _OPERATIONS, meaning
from thmverify.hypotheses import Hypothesis
from thmverify.models import Instance, Record
from thmverify.theorems import REGISTRY
from thmverify.vocabulary import (
    EntriesNonnegative,
    EntriesPositive,
    PositiveDefinite,
    _by_sympy,
    _cases,
    _expanded,
    components,
    evaluate,
)

x, y = Symbol("x"), Symbol("y")
M, N = MatrixSymbol("M", 2, 2), MatrixSymbol("N", 2, 2)
VALUES = {
    x: fmpq(3, 2),
    y: fmpq(-2, 3),
    M: fmpq_mat(2, 2, [2, 1, 1, fmpq(1, 3)]),
    N: fmpq_mat(2, 2, [fmpq(5, 2), -1, -1, 4]),
}


def equal(left: object, right: object) -> Eq:
    return Eq(left, right, evaluate=False)


FORMULAS = [
    x + y - 1 > 0,
    x * y <= -1,
    x**2 >= Rational(9, 4),
    x**-2 < Rational(1, 2),
    equal(x, 3),
    Ne(x, y, evaluate=False),
    equal(M + N, N + M),
    equal(M * N, N * M),
    equal(x * M * N, M * N * x),
    equal(M.T, M),
    equal(Inverse(N) * M, Identity(2)),
    Trace(M * N) > 6,
    Determinant(M) < 0,
    equal(M - M, ZeroMatrix(2, 2)),
    equal(OneMatrix(2, 2), M),
    And(x > 0, y > 0),
    Or(x > 0, y > 0),
    Not(And(x > 0, y > 0)),
    PositiveDefinite(M),
    PositiveDefinite(N),
    EntriesNonnegative(M),
    EntriesNonnegative(N),
    EntriesPositive(M),
    EntriesPositive(N),
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_it_says_what_sympy_says(formula: object) -> None:
    decided = meaning(formula)
    assert decided is not None
    assert decided(VALUES) is bool(_by_sympy(formula, VALUES))


def test_each_operation_is_compared() -> None:
    used = {type(node) for formula in FORMULAS for node in _nodes(formula)}
    assert {kind.__name__ for kind in _OPERATIONS} <= {kind.__name__ for kind in used}
    assert {Add, Mul, Pow, MatAdd, MatMul, Transpose, Inverse} <= used


def _nodes(formula: object) -> list[object]:
    return [formula, *(node for part in formula.args for node in _nodes(part))]


@pytest.mark.parametrize("formula", [sqrt(x) > 1, Abs(y) > 0, x**y > 0], ids=str)
def test_what_has_no_row_is_left_to_sympy(formula: Relational) -> None:
    assert meaning(formula) is None


def test_dividing_by_nothing_is_left_to_sympy() -> None:
    given = Instance(Record(x=0))
    with pytest.raises(TypeError):
        evaluate(equal(1 / x, 1) & (1 / x > 0), given)


def hypotheses() -> list[tuple[Hypothesis, list[Instance]]]:
    """Each hypothesis of a statement, with the instances on record that are about it."""
    found: dict[Hypothesis, list[Instance]] = {}
    for statement in REGISTRY.values():
        if isinstance(statement.witness.model, Record):
            continue
        for hypothesis in (*statement.hypotheses, *statement.redundant):
            given = found.setdefault(hypothesis, [statement.witness])
            given += [b.instance for b in statement.breaks if b.hypothesis == hypothesis.name and len(given) < 4]
    return list(found.items())


@pytest.mark.parametrize(("hypothesis", "given"), hypotheses(), ids=lambda part: getattr(part, "name", ""))
def test_a_hypothesis_is_decided_in_rationals_as_by_sympy(hypothesis: Hypothesis, given: list[Instance]) -> None:
    for instance in given:
        formula = _expanded(hypothesis.formula, components(instance))
        assert meaning(formula) is not None
        expected = all(bool(_by_sympy(formula, case)) for case in _cases(formula, instance))
        assert hypothesis.holds(instance) is expected
