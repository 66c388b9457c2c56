"""The second opinion on boxes contains what it is to contain."""

from __future__ import annotations

import ast
import random
from fractions import Fraction
from pathlib import Path

import mpmath

from property_tests.kernel import box_opinion
from property_tests.kernel.box_opinion import exp, parameter, sqrt


def test_what_moves_contains_its_values_and_is_narrower_than_intervals():
    rng, box = random.Random(5), ((Fraction(1), Fraction(6, 5)), (Fraction(1, 2), Fraction(3, 5)))
    sides = tuple((high - low) / 2 for low, high in box)
    x, y = (parameter(low, high, i, sides) for i, (low, high) in enumerate(box))
    functions = {
        "cancels": lambda a, b, e, r: (a - b) * (a + b) - a * a,
        "quotient": lambda a, b, e, r: (a * b + 1) / (2 * a - b),
        "softmax": lambda a, b, e, r: e(a * b) / (e(a * b) + e(-a) + 1),
        "root": lambda a, b, e, r: r(a * a + b) - a,
    }
    for name, function in functions.items():
        found = function(x, y, exp, sqrt)
        plain = function(x.plain, y.plain, exp, sqrt)
        assert found.hi - found.lo < plain.hi - plain.lo, name
        for _ in range(20):
            point = [low + (high - low) * Fraction(rng.randint(0, 64), 64) for low, high in box]
            with mpmath.workdps(30):
                a, b = (mpmath.mpf(t.numerator) / t.denominator for t in point)
                value = function(a, b, mpmath.exp, mpmath.sqrt)
                assert mpmath.mpf(found.lo.numerator) / found.lo.denominator <= value + mpmath.mpf(10) ** -25, name
                assert value <= mpmath.mpf(found.hi.numerator) / found.hi.denominator + mpmath.mpf(10) ** -25, name


def test_it_shares_nothing_with_what_it_checks():
    tree = ast.parse(Path(box_opinion.__file__).read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(str(name).startswith(("thmverify", "flint")) for name in names)
