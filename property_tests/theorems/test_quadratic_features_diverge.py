"""Features of degree two: where E exp f(x)ᵀf(y) is infinite, and the bound of the proof where it is not."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from thmverify.theorems.encoders.quadratic_features_diverge import (
    STATEMENT,
    Features,
    infinite_at,
    margin,
    sample,
    steepness,
)
from thmverify.verdicts import Outcome

seeds = st.integers(0, 10**9)
ONE = fmpq_mat([[1]])


@settings(max_examples=25)
@given(seeds)
def test_there_is_a_point_where_the_mean_is_infinite(seed: int) -> None:
    instance = sample(random.Random(seed))
    assert margin(instance) < 0
    assert STATEMENT.examine(instance).outcome is Outcome.UNDECIDED


def on_a_line(square: Fraction) -> Features:
    """Return f(x) = square·x² + x/3 − 1/5 on the line."""
    return Features((ONE * fmpq(square.numerator, square.denominator),), ONE / 3, -ONE / 5)


def integral(score: float, slope: float, constant: float, reach: float) -> float:
    """Return the logarithm of E exp(score·y² + slope·y + constant) over |y| ≤ reach, y standard normal."""
    step = 0.01
    grid = [i * step for i in range(-int(reach / step), int(reach / step) + 1)]
    logs = [score * y * y + slope * y + constant - y * y / 2 for y in grid]
    top = max(logs)
    return top + math.log(sum(math.exp(z - top) for z in logs) * step / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("place", [1, 3, 6, 12])
def test_the_criterion_is_that_of_the_integral(place: int) -> None:
    f = on_a_line(Fraction(1, 10))
    value = float(Fraction(str(f(ONE * place)[0, 0])))
    near, far = (integral(value / 10, value / 3, -value / 5, reach) for reach in (20, 40))
    if steepness(f, ONE, ONE * place, ONE) > 1:
        assert far > near + 50
    else:
        assert far == pytest.approx(near, abs=1e-9)


@pytest.mark.parametrize("shift", [-2.0, -0.5, 0.0, 0.7, 3.0])
def test_the_bound_of_the_proof_is_below_where_the_mean_is_finite(shift: float) -> None:
    """Log E_y exp f(x)f(y) ≥ f(x)(f(yv) + tr BΣ) − ½y²κ for every y, at v = 1 and Σ = 1."""
    f = on_a_line(Fraction(1, 10))
    for place in (-4, 0, 2, 5):
        value = float(Fraction(str(f(ONE * place)[0, 0])))
        bound = value * (shift * shift / 10 + shift / 3 - 0.2 + 0.1) - shift * shift / 2
        assert bound <= integral(value / 10, value / 3, -value / 5, 40) + 1e-9


def test_an_affine_map_is_infinite_nowhere() -> None:
    affine = on_a_line(Fraction(0))
    assert infinite_at(affine, ONE, ONE) is None
    assert infinite_at(on_a_line(Fraction(1, 10**9)), ONE, ONE) is not None
