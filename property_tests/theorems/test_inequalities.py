"""Inequalities proved by exact definiteness: rational matrices, and polynomials that are sums of squares."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import Eq, Ge, Gt, Integer, MatrixSymbol, Rational, Symbol, expand, symbols

from verify.proofs import Algebra, Check, Checker, Given, Proof, Step
from verify.proofs.sos import (
    Gram,
    PositiveSemidefinite,
    RationalMatrix,
    SumOfSquares,
    halves,
    monomials,
    rational_matrix,
    search,
    vanishing,
)
from verify.vocabulary import PositiveDefinite

x, y, z = symbols("x y z", real=True)
MOTZKIN = x**4 * y**2 + x**2 * y**4 + 1 - 3 * x**2 * y**2


def found(claim: Any, rule: Check, *given_claims: Any) -> Any:
    facts = tuple(Given(f"given-{i}", fact, "") for i, fact in enumerate(given_claims))
    checker = Checker(Proof((), Algebra(), (), Symbol("P"), facts))
    return checker.report(Step("step", "", claim, tuple(f.name for f in facts), rule))


def accepted(claim: Any, rule: Check, *given_claims: Any) -> bool:
    return bool(found(claim, rule, *given_claims).passed)


# --- matrices of rationals -----------------------------------------------------------------------------------------


def definite(rows: Any) -> Any:
    return PositiveDefinite(rational_matrix(rows), evaluate=False)


def semidefinite(rows: Any) -> Any:
    return PositiveSemidefinite(rational_matrix(rows))


HILBERT = [[Fraction(1, i + j + 1) for j in range(6)] for i in range(6)]


@pytest.mark.parametrize(
    "claim",
    [definite([[2, 1], [1, 2]]), definite(HILBERT), semidefinite([[1, 1], [1, 1]]), semidefinite([[0, 0], [0, 3]])],
)
def test_definite_matrices_are_accepted(claim: Any) -> None:
    report = found(claim, RationalMatrix())
    assert report.passed
    assert "LDLᵀ" in report.how


BARELY_NOT = [
    [row[j] - (Fraction(1, 500_000) if i == j == 5 else 0) for j in range(6)] for i, row in enumerate(HILBERT)
]


@pytest.mark.parametrize(
    "claim",
    [
        definite([[1, 1], [1, 1]]),
        definite(BARELY_NOT),
        semidefinite([[1, 2], [2, 1]]),
        semidefinite([[0, 1], [1, 0]]),
        semidefinite([[1, 1], [0, 1]]),
        semidefinite([[1, 0, 0], [0, 1, 0]]),
        PositiveSemidefinite(rational_matrix([[1, 0], [0, 1]]) * x),
        PositiveSemidefinite(MatrixSymbol("X", 2, 2)),
        Ge(x, 0),
    ],
)
def test_others_are_refused(claim: Any) -> None:
    assert not accepted(claim, RationalMatrix())


# --- sums of squares -----------------------------------------------------------------------------------------------

FOUND = {
    "a square": (x**2 + y**2 - 2 * x * y, {"": vanishing((x, y), [{x: 1, y: 1}])}),
    "a quartic": (x**4 + y**4 + 1 - x * y - x**2 * y, {"": monomials((x, y), 2)}),
    "Motzkin's polynomial, multiplied": (
        expand((x**2 + y**2 + 1) * MOTZKIN),
        {"": vanishing(halves(expand((x**2 + y**2 + 1) * MOTZKIN)), [{x: a, y: b} for a in (1, -1) for b in (1, -1)])},
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_the_search_finds_certificates_that_the_check_accepts(name: str) -> None:
    p, bases = FOUND[name]
    certificate = search(p, bases)
    assert certificate is not None
    report = found(Ge(p, 0), certificate)
    assert report.passed, report.how
    assert "rational sum of" in report.how


def test_inequalities_between_weights() -> None:
    # On the simplex p + q + s = 1, p q ≤ ¼(p + q)²: a fourth of (p − q)².
    assert accepted(Ge((x + y) ** 2, 4 * x * y), SumOfSquares({"": Gram((x - y,), ((Fraction(1),),))}))


def test_premises_multiply_squares() -> None:
    one = Gram((Integer(1),), ((Fraction(1),),))
    # x ≥ 0 and 1 − x ≥ 0 give x + (1 − x) > 0 and, with y ≥ 0 too, no more than what is cited.
    assert accepted(Ge(x + 1 - x + y, 0), SumOfSquares({"given-0": one, "": one}), Ge(y, 0))
    assert accepted(Gt(y + 1, 0), SumOfSquares({"given-0": one}, slack=Fraction(1)), Ge(y, 0))
    assert not accepted(Gt(y, 0), SumOfSquares({"given-0": one}), Ge(y, 0))
    assert not accepted(Ge(y, 0), SumOfSquares({"given-0": one}), Gt(x, 0))
    assert not accepted(Ge(y, 0), SumOfSquares({"elsewhere": one}), Ge(y, 0))


def test_equations_multiply_anything() -> None:
    # On the circle x² + y² = 1: 1 − x = ½((1 − x)² + y²).
    half = ((Fraction(1, 2), Fraction(0)), (Fraction(0), Fraction(1, 2)))
    certificate = SumOfSquares({"": Gram((1 - x, y), half)}, {"given-0": -Rational(1, 2)})
    assert accepted(Ge(1 - x, 0), certificate, Eq(x**2 + y**2, 1))
    assert not accepted(Ge(1 - x, 0), certificate, Ge(x**2 + y**2, 1))
    assert not accepted(Ge(1 - x, 0), certificate, Eq(x**2 + y**2, 2))


def test_a_premise_can_make_the_difference() -> None:
    p = x + Rational(1, 10)
    factors = {"given-0": x, "given-1": 1 - x}
    assert search(p, {"": (Integer(1), x)}) is None
    certificate = search(p, {"": (Integer(1),), "given-0": (Integer(1),), "given-1": (Integer(1),)}, factors)
    assert certificate is not None
    assert accepted(Ge(p, 0), certificate, Ge(x, 0), Ge(1 - x, 0))
    assert not accepted(Ge(p, 0), certificate, Ge(1 - x, 0), Ge(x, 0))


@pytest.mark.parametrize("p", [MOTZKIN, x**2 - y**2, -(x**2) - 1, x**3 + x], ids=str)
def test_what_is_no_sum_of_squares_is_not_found(p: Any) -> None:
    assert search(p, {"": monomials((x, y), 3)}) is None


def test_the_newton_polytope_bounds_the_monomials() -> None:
    assert set(halves(MOTZKIN)) == {Integer(1), x * y, x**2 * y, x * y**2}
    assert set(halves(x**2 + y**2)) == {x, y}


@pytest.fixture(scope="module")
def certificate() -> SumOfSquares:
    p, bases = FOUND["a quartic"]
    made = search(p, bases)
    assert made is not None
    return made


def test_one_changed_entry_is_refused(certificate: SumOfSquares) -> None:
    p, _ = FOUND["a quartic"]
    gram = certificate.squares[""]
    n = len(gram.basis)
    for i in range(n):
        for j in range(n):
            rows = [list(row) for row in gram.entries]
            rows[i][j] += Fraction(1, 10**9)
            changed = replace(gram, entries=tuple(map(tuple, rows)))
            assert not accepted(Ge(p, 0), replace(certificate, squares={"": changed}))


def test_wrong_claims_are_refused(certificate: SumOfSquares) -> None:
    p, _ = FOUND["a quartic"]
    assert not accepted(Ge(p - 1, 0), certificate)
    assert not accepted(Ge(-p, 0), certificate)
    assert not accepted(Gt(p, 0), certificate)
    assert not accepted(Eq(p, 0), certificate)
    assert not accepted(Ge(p, 0), replace(certificate, slack=Fraction(-1)))


def test_an_indefinite_gram_matrix_is_refused() -> None:
    gram = Gram((x, y), ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(-1))))
    assert not accepted(Ge(x**2 - y**2, 0), SumOfSquares({"": gram}))
    ragged = Gram((x, y), ((Fraction(1),), (Fraction(0), Fraction(1))))
    assert not accepted(Ge(x**2 + y**2, 0), SumOfSquares({"": ragged}))


def test_only_real_numbers_have_nonnegative_squares() -> None:
    c = Symbol("c")  # complex: c² may be negative
    one = ((Fraction(1),),)
    assert not accepted(Ge(c**2, 0, evaluate=False), SumOfSquares({"": Gram((c,), one)}))
    assert accepted(Ge(x**2 + z**2, 0, evaluate=False), SumOfSquares({"": Gram((x, z), ((1, 0), (0, 1)))}))


@given(st.integers(0, 10**6))
def test_what_is_accepted_is_nonnegative(seed: int) -> None:
    """A random Gram matrix, definite or not: an accepted claim is never negative at a random point."""
    rng = random.Random(seed)
    basis = (Integer(1), x, y, x * y)
    factor = [[rng.randint(-3, 3) for _ in range(4)] for _ in range(4)]
    square = [[sum(factor[i][m] * factor[j][m] for m in range(4)) for j in range(4)] for i in range(4)]
    square[0][0] += rng.choice((-5, 0, 1))
    gram = Gram(basis, tuple(tuple(map(Fraction, row)) for row in square))
    p = gram.polynomial
    values = [p.subs({x: Rational(rng.randint(-9, 9), 4), y: Rational(rng.randint(-9, 9), 4)}) for _ in range(8)]
    if p.free_symbols and accepted(Ge(p, 0, evaluate=False), SumOfSquares({"": gram})):
        assert min(values) >= 0
