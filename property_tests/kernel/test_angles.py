"""Normalised features: both losses against quadrature and samples of their definition, and hints that are refused."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx
from scipy.integrate import quad
from scipy.special import ndtr

from property_tests.kernel.library import LINE, PANCAKES, SKEW, TRIANGLE, shared
from thmverify.certifying import decide
from thmverify.certifying.normalised import TEMPERATURES, Line, Strip
from thmverify.certifying.writing import instance_fields
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected, check
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules.angles import (
    MAX_NODES,
    loss_across,
    loss_inside,
    losses,
    normalised_exact,
    normalised_losses,
)
from thmverify.testing import MULTIPLIER
from thmverify.verdicts import Outcome

CLAIM = "simclr-normalised-inclusion"
OPPOSITE = shared("1/2 1/2", "1 0, -1 0", rank=2)
UNEVEN = shared("1/5 3/10 1/2", "2 1, -1 -1/2, 1/2 1/4", covariance=SKEW, bias="1/2", rank=2)
HINTS = {"precision": "96", "temperature": "1", "tilt": "3/10", "width": "1/5", "nodes": "200"}


def pairs_of(fields):
    return kernel_instance(json.loads(json.dumps(instance_fields(parse_instance(fields)))))


def line_of(fields):
    line = Line.of(pairs_of(fields))
    return line.weights, line.centres, line.bias


# ------------------------------------------------------------------------------------ the losses, by their definitions


def by_quadrature(weights, centres, bias, tau, tilt, count=1201):
    """L of the features (x₁, tilt·x₂) by Simpson sums over angles, whose density is an integral over radii."""
    theta = np.linspace(0, 2 * np.pi, count)
    radii = np.linspace(0, 12 + np.abs(centres).max(), 4001)
    simpson = np.where(np.arange(4001) % 2, 4, 2) * (radii[1] - radii[0]) / 3  # the ends carry nothing
    outer = np.where(np.arange(count) % 2, 4.0, 2.0) * (theta[1] - theta[0]) / 3
    outer[[0, -1]] /= 2
    c, s = np.cos(theta)[:, None], np.sin(theta)[:, None] / tilt
    parts = [
        (radii * np.exp(-((radii * c - n) ** 2 + (radii * s) ** 2) / 2) * simpson).sum(1) / (2 * np.pi * tilt)
        for n in centres
    ]
    g = weights @ np.array(parts)
    means = np.array([(outer * part * np.cos(theta)).sum() for part in parts])
    h = np.exp(np.cos(theta[:, None] - theta) / tau) @ (outer * g)
    aligned = bias * weights @ means**2 + (1 - bias) * (weights @ means) ** 2
    return (outer * g * np.log(h)).sum() - aligned / tau


@pytest.mark.parametrize("fields", [OPPOSITE, UNEVEN, {**LINE, "bias": "0"}], ids=["opposite", "uneven", "unmatched"])
@pytest.mark.parametrize(("tau", "tilt"), [(1, Fraction(3, 10)), (Fraction(1, 2), Fraction(1)), (2, Fraction(3, 2))])
def test_the_loss_across_by_quadrature_of_its_definition(fields, tau, tilt):
    weights, centres, bias = line_of(fields)
    strip = Strip.best(Line(weights, centres, bias), float(tau), float(tilt), 30.0)
    hints = {**HINTS, "temperature": str(tau), "tilt": str(tilt), "width": str(strip.width), "nodes": str(strip.nodes)}
    across, _ = losses(pairs_of(fields), hints)
    assert float(across.rad()) < 1e-11
    expected = by_quadrature(weights, centres, bias, float(tau), float(tilt))
    assert float(across.mid()) == pytest.approx(expected, abs=1e-8)
    assert Line(weights, centres, bias).across(float(tau), float(tilt)) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("fields", [OPPOSITE, UNEVEN, {**LINE, "bias": "0"}], ids=["opposite", "uneven", "unmatched"])
def test_the_loss_inside_by_its_definition(fields):
    """By the four ways in which the signs of x and x̂, and of x and y, fall."""
    weights, centres, bias = line_of(fields)
    up = ndtr(centres)
    pair = bias * (weights @ (2 * up - 1) ** 2) + (1 - bias) * (weights @ (2 * up - 1)) ** 2
    p = weights @ up
    value = sum(q * math.log(q * math.e + (1 - q) / math.e) for q in (p, 1 - p)) - pair
    assert float(losses(pairs_of(fields), HINTS)[1].mid()) == pytest.approx(value, abs=1e-12)


def test_samples_agree():
    weights, centres, bias = line_of(UNEVEN)
    rng = np.random.default_rng(0)
    k, j = (rng.choice(3, 200_000, p=weights) for _ in range(2))
    paired = np.where(rng.random(200_000) < bias, k, j)

    def angles(components):
        return np.arctan2(
            0.3 * rng.standard_normal(len(components)), rng.standard_normal(len(components)) + centres[components]
        )

    x, y = angles(k), angles(rng.choice(3, 3000, p=weights))
    averages = np.log(np.exp(np.cos(x[:3000, None] - y)).mean(1))
    value = averages.mean() - np.cos(x - angles(paired)).mean()
    assert float(losses(pairs_of(UNEVEN), HINTS)[0].mid()) == pytest.approx(value, abs=0.02)


# ------------------------------------------------------------------------------------------- the derivative across S_F


def slope(n, tau):
    """dL/dε(0⁺) for ±n, by quadrature: u = |x₂|t, E|x₂| = √(2/π)."""

    def integrand(t):
        c = np.cosh(abs(t) / math.sqrt(1 + t * t) / tau) / np.cosh(1 / tau)
        return math.log(c) + c - 1

    return math.exp(-n * n / 2) / math.pi * 2 * quad(integrand, 0, math.inf)[0]


@pytest.mark.parametrize(
    ("n", "tau", "bias", "expected"),
    [
        (1, 1, "1", -0.4683),
        (1, 1, "0", -0.4683),
        (2, 0.5, "1", -0.2657),
        (0.5, 0.2, "7/10", -4.208),
        (3, 1, "1", -0.00858),
    ],
)
def test_the_slope_at_no_tilt(n, tau, bias, expected):
    """Difference quotients of the enclosed loss tend to it like ε log 1/ε."""
    assert slope(n, tau) == pytest.approx(expected, rel=1e-3)
    pairs = pairs_of(shared("1/2 1/2", f"{Fraction(n)} 0, {-Fraction(n)} 0", rank=2, bias=bias))
    errors = []
    for tilt in (Fraction(1, 20), Fraction(1, 80)):
        strip = Strip.best(Line.of(pairs), float(tau), float(tilt), 30.0)
        with ctx.workprec(96):
            centres, exactly = [arb(n), arb(-n)], arb(tau)
            across = loss_across(
                pairs,
                centres,
                exactly,
                arb(tilt.numerator) / tilt.denominator,
                arb(strip.width.numerator) / strip.width.denominator,
                strip.nodes,
            )
            quotient = (across - loss_inside(pairs, centres, exactly)) / float(tilt)
        errors.append(abs(float(quotient.mid()) - slope(n, tau)))
    assert errors[1] < errors[0] / 2
    assert errors[1] < 0.25 * abs(slope(n, tau))


# ---------------------------------------------------------------------------------------------------- accept and refuse


@pytest.mark.parametrize(
    "change",
    [
        {"tilt": "0"},
        {"tilt": "-3/10"},
        {"temperature": "0"},
        {"temperature": "-1"},
        {"width": "0"},
        {"width": "1"},
        {"width": "31/100"},
        {"nodes": "0"},
        {"nodes": "12"},
        {"nodes": str(MAX_NODES + 1)},
        {"precision": "31"},
        {"tilt": "30"},
        {"temperature": "1/100"},
        {"more": "1"},
    ],
    ids=str,
)
def test_other_hints_are_refused(change):
    assert normalised_losses(pairs_of(OPPOSITE), HINTS).verdict == "refuted"
    with pytest.raises(Rejected):
        normalised_losses(pairs_of(OPPOSITE), {**HINTS, **change})


def test_a_map_that_is_no_better_is_refused():
    """At n = 3 a tilt of 1/100 gains and one of 3/10 loses."""
    far = pairs_of(shared("1/2 1/2", "3 0, -3 0", rank=2))
    good = {**HINTS, "tilt": "1/100", "width": "3/500", "nodes": "8000"}
    assert normalised_losses(far, good).verdict == "refuted"
    with pytest.raises(Rejected, match="not certainly smaller"):
        normalised_losses(far, {**HINTS, "nodes": "400"})


@pytest.mark.parametrize("fields", [TRIANGLE, {**OPPOSITE, "rank": 1}, shared("1/2 1/2", "1, -1", rank=2)])
def test_it_is_about_lines_in_larger_spaces(fields):
    with pytest.raises(Rejected, match="not a line"):
        normalised_losses(pairs_of(fields), HINTS)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        (OPPOSITE, "refuted"),
        ({**OPPOSITE, "bias": "0"}, "refuted"),
        ({**OPPOSITE, "rank": 1}, "proved"),
        ({**OPPOSITE, "rank": 1, "bias": "0"}, "refuted"),
        (shared("1/3 2/3", "0 0, 0 0", rank=1), "refuted"),
        (shared("1/2 1/2", "1 0, 0 1", rank=1), "proved"),
        (shared("1/2 1/2", "1 0, -2 0", rank=2), None),
        (shared("1/3 2/3", "1 0, -1 0", rank=2), None),
        (shared("1/2 1/2", "1 0, 1 0", rank=2), None),
        (shared("1/4 1/4 1/2", "2 0, -2 0, 0 0", rank=2), None),
        (shared("1/2 1/2", "1 0 0, 0 1 0", rank=2), None),
    ],
    ids=str,
)
def test_what_is_decided_exactly(fields, verdict):
    if verdict:
        assert normalised_exact(pairs_of(fields)).verdict == verdict
    else:
        with pytest.raises(Rejected):
            normalised_exact(pairs_of(fields))


@pytest.mark.parametrize("n", ["1/10", "1/2", "1", "2"])
@pytest.mark.parametrize("bias", ["0", "1/2", "1"])
def test_both_rules_agree(n, bias):
    """What is refuted by symmetry for every temperature has a map that is better, at each of them."""
    pairs = pairs_of(shared("1/2 1/2", f"{n} 0, -{n} 0", rank=2, bias=bias))
    line = Line.of(pairs)
    for temperature in TEMPERATURES:
        assert line.gains(float(temperature)).max() > 1e-6
    assert normalised_exact(pairs).verdict == "refuted"


@pytest.mark.parametrize("seed", range(6 * MULTIPLIER))
def test_lines_are_decided_and_the_direction_of_the_noise_is_of_no_matter(seed):
    source = random.Random(seed)
    steps = [Fraction(source.randint(-8, 8), 4) for _ in range(3)]
    fields = shared("1/5 3/10 1/2", ", ".join(f"{s} {s / 2}" for s in steps or [1]), covariance=SKEW, rank=2)
    verdict, data = decide(CLAIM, parse_instance(fields))
    assert verdict.outcome is Outcome.REFUTED
    assert check(data).finding.verdict == "refuted"
    if verdict.margin is not None:
        assert 0 < verdict.margin[0] <= verdict.margin[1]


def test_other_coordinates_leave_the_losses_alone():
    turned = {**UNEVEN, "means": [[str(Fraction(b)), str(Fraction(a))] for a, b in UNEVEN["means"]]}
    turned["covariance"] = [row[::-1] for row in SKEW[::-1]]
    for one, other in zip(losses(pairs_of(UNEVEN), HINTS), losses(pairs_of(turned), HINTS), strict=True):
        assert one.overlaps(other)


def test_pancakes_are_refuted_for_two_columns_alone():
    assert [decide(CLAIM, parse_instance({**PANCAKES, "rank": r}))[0].outcome for r in (1, 2)] == [
        Outcome.PROVED,
        Outcome.REFUTED,
    ]
