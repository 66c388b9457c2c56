"""Numbers as people write them: what is read, exactly, and what is refused, with the remedy."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import fmpq

from thmverify.errors import InputError
from thmverify.models import GMM, AugmentedPairs, SharedGMM
from thmverify.rationals import MAX_DIGITS, rational, rows, vector

HALF = Fraction(1, 2)
READ = [
    (3, Fraction(3)),
    ("93/100", Fraction(93, 100)),
    ("-0.5", -HALF),
    (".5", HALF),
    ("5.", Fraction(5)),
    ("1e-3", Fraction(1, 1000)),
    ("-2.5E+2", Fraction(-250)),
    (Decimal("0.5"), HALF),
    (sympy.Rational(1, 2), HALF),
    (sympy.Integer(-4), Fraction(-4)),
    (np.int64(7), Fraction(7)),
    (fmpq(1, 2), HALF),
]
REFUSED = [
    (0.5, "is a float"),
    (np.float64(0.5), "is a float"),
    (sympy.Float(0.5), "is a float"),
    (sympy.sqrt(2), "is not a number"),
    (Decimal("nan"), "is not a number"),
    (Decimal("1e100000"), "is not a number"),
    (True, "is not a number"),
    (None, "is not a number"),
    ("50%", 'write "1/2"'),
    ("0,5", 'write "0.5", with a point'),
    ("1/0", "has denominator 0"),
    ("1e5000", "exponent beyond"),
    ("1_000", "is not a rational number"),
    ("0x10", "is not a rational number"),
    ("1/2e3", "is not a rational number"),
    ("٣", "is not a rational number"),
    ("1" * (MAX_DIGITS + 1), "more than"),
]


@pytest.mark.parametrize(("given", "meant"), READ, ids=[repr(x) for x, _ in READ])
def test_a_number_is_read_exactly(given, meant):
    assert rational("x", given) == meant


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[repr(x)[:20] for x, _ in REFUSED])
def test_what_is_no_rational_is_refused_with_its_field(given, said):
    with pytest.raises(InputError, match=r"^x: ") as refused:
        rational("x", given)
    assert said in str(refused.value)


def test_sequences_and_arrays_of_integers():
    assert vector("w", ("1/2", HALF)) == (HALF, HALF)
    assert rows("A", np.array([[1, 2], [3, 4]])) == rows("A", sympy.Matrix([[1, 2], [3, 4]])) == ((1, 2), (3, 4))
    for wrong in (3, "1/2", None):
        with pytest.raises(InputError, match="is not a sequence of"):
            rows("A", wrong)
    with pytest.raises(InputError, match=r"A\[0\]\[1\]: 0.5: is a float"):
        rows("A", np.array([[1, 0.5], [3, 4]], dtype=object))


def test_models_take_numbers_as_people_have_them():
    plain = SharedGMM((HALF, HALF), ((1, 0), (-1, 0)), ((1, 0), (0, 1)))
    assert plain == SharedGMM(("1/2", "0.5"), np.array([[1, 0], [-1, 0]]), sympy.eye(2))
    assert AugmentedPairs(plain, "7/10").bias == Fraction(7, 10)
    assert GMM(["1/2", Decimal("0.5")], [[1], [2]], [[[1]], [["2.5"]]]).covariances[1] == ((Fraction(5, 2),),)
    with pytest.raises(InputError, match=r"^means\[0\]\[1\]: 0.1: is a float"):
        SharedGMM((1,), ((1, 0.1),))
