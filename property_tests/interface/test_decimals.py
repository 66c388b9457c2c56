"""Decimals that are printed contain what was enclosed, and say no more than is known."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thmverify.decimals import outward, rounded

rationals = st.one_of(
    st.fractions(),
    st.builds(lambda n, e: Fraction(n) * Fraction(10) ** e, st.integers(), st.integers(-600, 600)),
)


@given(rationals, st.one_of(st.just(Fraction(0)), rationals.map(abs)), st.integers(1, 60))
def test_the_decimals_contain_the_interval(lower, width, digits):
    decimals = outward(lower, lower + width, digits)
    low, value, high = (Fraction(text) for text in (decimals.lower, decimals.value, decimals.upper))
    assert low <= lower
    assert lower + width <= high
    assert low <= value <= high


@given(rationals, rationals.map(abs), st.integers(1, 60))
def test_rounding_adds_a_fifth_of_the_width_or_the_last_digit(lower, width, digits):
    decimals = outward(lower, lower + width, digits)
    middle = lower + width / 2
    last_digit = abs(middle) / Fraction(10) ** (digits - 1)
    allowed = max(width / 10, last_digit)
    assert lower - Fraction(decimals.lower) <= allowed
    assert Fraction(decimals.upper) - (lower + width) <= allowed


@given(rationals.filter(bool), st.integers(1, 60))
def test_there_are_no_more_digits_than_asked_for(x, digits):
    mantissa = outward(x, x, digits).value.partition("E")[0].lstrip("-")
    assert len(mantissa.replace(".", "").lstrip("0")) <= digits + 1  # 9.99 may round to 10.0


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1, 2), "0.5"),
        (Fraction(-3), "-3"),
        (Fraction(93, 100), "0.93"),
        (Fraction(100), "100"),
        (Fraction(1, 10**9), "1E-9"),
    ],
)
def test_a_short_decimal_is_printed_exactly(x, text):
    decimals = outward(x, x, 30)
    assert (decimals.lower, decimals.value, decimals.upper) == (text, text, text)


def test_a_third_has_two_neighbours():
    decimals = outward(Fraction(1, 3), Fraction(1, 3), 5)
    assert (decimals.lower, decimals.value, decimals.upper) == ("0.33333", "0.33333", "0.33334")
    decimals = outward(Fraction(-1, 3), Fraction(-1, 3), 5)
    assert (decimals.lower, decimals.value, decimals.upper) == ("-0.33334", "-0.33333", "-0.33333")


def test_digits_that_are_not_known_are_not_printed():
    decimals = outward(Fraction("0.123456"), Fraction("0.123556"), 30)
    assert (decimals.lower, decimals.value, decimals.upper) == ("0.12345", "0.12351", "0.12356")
    assert outward(Fraction(-1), Fraction(1), 30).value == "0.0"


@given(st.lists(rationals), st.integers(1, 60))
def test_rounded_numbers_are_within_half_a_last_place_of_the_largest(numbers, digits):
    largest = max((abs(x) for x in numbers), default=0)
    for x, text in zip(numbers, rounded(numbers, digits), strict=True):
        assert abs(Fraction(text) - x) <= largest / Fraction(10) ** (digits - 1) / 2


def test_rounded_numbers_share_a_last_place():
    assert rounded([Fraction(2, 3), Fraction(-1, 300), Fraction(0)], 4) == ["0.6667", "-0.0033", "0"]
    assert rounded([Fraction(0)], 4) == ["0"]
    assert rounded([], 4) == []
