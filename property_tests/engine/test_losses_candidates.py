"""Losses of many candidates: InfoNCE with N negatives, decoupled and supervised, at each level and on samples."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq, fmpq_mat

from property_tests.engine.definitions import DEFINITIONS
from property_tests.engine.support import contains, interval, overlap
from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate import candidates_enclosure, candidates_float64, candidates_multiprecision
from thmverify.integrate.candidates import Anchor, Candidates, Group
from thmverify.integrate.scores import Pair, Scores
from thmverify.integrate.scores_enclosure import enclose_softplus
from thmverify.losses import LOSSES, Loss
from thmverify.losses.levels import enclose, enclosed_gradient, float64_gradient, float64_value, multiprecision_value
from thmverify.maps import Encoder
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Posed, Seeded, posed

MANY = {
    "infonce-finite": {"negatives": Fraction(4)},
    "dcl": {"negatives": Fraction(3)},
    "supcon": {"batch": Fraction(5)},
}
every_loss = pytest.mark.parametrize("name", MANY)
HALF = fmpq(1, 2)
BATCHES = 40


def many(name: str) -> Loss:
    return LOSSES[name].at(MANY[name])


def question(name: str, seed: int, columns: int = 1) -> Posed:
    source = Seeded(random.Random(seed))
    return posed(source, name, (1, 2), (columns, 2), columns, 2, None, hostile=False)


def column(*entries) -> fmpq_mat:
    return fmpq_mat([[fmpq(x)] for x in entries])


def problem(groups: tuple[Group, ...], rho: int = 1) -> Candidates:
    """One anchor, and two targets, in ρ dimensions."""
    one = exact.identity(rho)
    anchor = Anchor(fmpq(1), column(*[fmpq(1, 3)] * rho), one * fmpq(3, 4), groups)
    return Candidates((anchor,), ((column(*[1] * rho), one * HALF), (column(*[-HALF] * rho), one)))


FIRST, SECOND, BOTH = (fmpq(1), fmpq(0)), (fmpq(0), fmpq(1)), (HALF, HALF)
TWO = (Group(FIRST, 1), Group(SECOND, 1))


def of_two(rho: int) -> tuple[fmpq, fmpq]:
    """Ends of E log(e^{z_1} + e^{z_2}) = E z_1 + E softplus(z_2 − z_1) for the two of `problem`, by another rule."""
    found = problem(TWO, rho)
    (b, H), (c, J) = found.targets
    anchor = found.anchors[0]
    pair = Pair(fmpq(1), anchor.mean, anchor.covariance, c - b, H + J)
    ball, first = enclose_softplus(Scores(fmpq(0), (pair,)), 20), exact.inner(anchor.mean, b)
    return first + ball.lower, first + ball.upper


# ------------------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize("digits", [2, 5, 8])
def test_two_candidates_are_a_softplus(digits: int) -> None:
    found, (low, high) = candidates_enclosure.enclose_logarithm(problem(TWO), digits), of_two(1)
    assert found.reached
    assert found.width <= fmpq(1, 10**digits) * 2
    assert found.lower <= low
    assert high <= found.upper


@pytest.mark.parametrize("rho", [1, 2])
def test_two_candidates_are_a_softplus_in_floats(rho: int) -> None:
    found, (low, _) = candidates_float64.expected_logarithm(problem(TWO, rho)), of_two(rho)
    assert abs(found.value - float(exact.to_fraction(low))) <= found.error
    assert found.error < 1e-8


@pytest.mark.parametrize("count", [3, 40])
def test_candidates_that_are_alike_may_be_grouped_or_not(count: int) -> None:
    whole = problem((Group(BOTH, count),))
    parts = problem((Group(BOTH, count - 1), Group(BOTH, 1)))
    found = [candidates_enclosure.enclose_logarithm(p, 4) for p in (whole, parts)]
    assert all(x.reached for x in found)
    assert overlap(*found)
    values = [candidates_float64.expected_logarithm(p) for p in (whole, parts)]
    assert values[0].value == pytest.approx(values[1].value, abs=1e-11)
    assert contains(found[0], values[0].value, Fraction(values[0].error))


def test_shifted_candidates_shift_the_value() -> None:
    """q ↦ q + c adds E p·c."""
    start = problem((Group(BOTH, 3), Group(FIRST, 1)))
    told = replace(start, targets=tuple((b + column(fmpq(5, 4)), H) for b, H in start.targets))
    first, second = (candidates_enclosure.enclose_logarithm(p, 5) for p in (start, told))
    shift = fmpq(5, 12)
    assert overlap(replace(first, lower=first.lower + shift, upper=first.upper + shift), second)


def test_an_anchor_far_to_either_side_is_enclosed() -> None:
    for mean in (-6, 6):
        start = problem((Group(BOTH, 3),))
        told = replace(start, anchors=(replace(start.anchors[0], mean=column(mean)),))
        found = candidates_enclosure.enclose_logarithm(told, 4)
        estimate = candidates_float64.expected_logarithm(told)
        assert found.reached
        assert contains(found, estimate.value, Fraction(estimate.error))


def test_more_than_a_dimension_is_bounded_by_convexity_alone() -> None:
    found = candidates_enclosure.enclose_logarithm(problem((Group(BOTH, 3),), 2), 8)
    estimate = candidates_float64.expected_logarithm(problem((Group(BOTH, 3),), 2))
    assert not found.reached
    assert "rank 2" in found.note
    assert contains(found, estimate.value, Fraction(estimate.error))


def test_scores_beyond_the_rules_are_bounded_by_the_largest() -> None:
    """E log Σ ≥ E max, which grows as the scores do; so does the bound, and not as their squares."""
    start = problem((Group(BOTH, 3),))
    steep = fmpq(10) ** 20
    told = replace(start, targets=tuple((b * steep, H * steep * steep) for b, H in start.targets))
    found = candidates_enclosure.enclose_logarithm(told, 8)
    assert not found.reached
    assert found.width < 10 * steep
    assert candidates_float64.expected_logarithm(told).value == math.inf


def test_the_digits_that_the_work_allows_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates_enclosure, "BUDGET", 500_000)
    found = candidates_enclosure.enclose_logarithm(problem((Group(BOTH, 3),)), 20)
    assert not found.reached
    assert "digits" in found.note
    assert found.width < fmpq(1, 10**4)


def test_no_candidate_differs_where_the_map_is_0() -> None:
    nothing = fmpq_mat(0, 1)
    anchor = Anchor(fmpq(1), nothing, fmpq_mat(0, 0), (Group((fmpq(1),), 7),))
    empty = Candidates((anchor,), ((nothing, fmpq_mat(0, 0)),))
    found = candidates_enclosure.enclose_logarithm(empty, 20)
    assert found.reached
    assert contains(found, math.log(7), Fraction(1, 10**14))
    assert candidates_float64.moments(empty).zeroth.tolist() == [[1.0]]
    assert candidates_enclosure.enclose_moments(empty, 20).reached


def test_the_second_opinion_agrees() -> None:
    start = problem((Group(BOTH, 3), Group(FIRST, 1)))
    estimate = candidates_float64.expected_logarithm(start)
    assert float(candidates_multiprecision.expected_logarithm(start, 4)) == pytest.approx(estimate.value, abs=1e-4)
    with pytest.raises(ValueError, match="no second opinion"):
        candidates_multiprecision.expected_logarithm(problem(TWO, 2), 6)
    with pytest.raises(ValueError, match="no second opinion"):
        candidates_multiprecision.moments(start, 6)


@pytest.mark.parametrize("rho", [1, 2])
def test_the_softmax_adds_up_and_is_within_its_balls(rho: int) -> None:
    start = problem((Group(BOTH, 3), Group(FIRST, 2)), rho)
    found, balls = candidates_float64.moments(start), candidates_enclosure.enclose_moments(start, 10)
    assert float(found.zeroth.sum()) == pytest.approx(1, abs=1e-9)
    assert np.allclose(found.left.sum(axis=1), 0, atol=1e-9)
    for name in ("zeroth", "left", "right", "both"):
        pairs = zip(getattr(found, name).flat, getattr(balls, name).flat, strict=True)
        assert all(contains(interval(arb(ball)), float(x), Fraction(found.error)) for x, ball in pairs)
    assert not balls.reached


# ------------------------------------------------------------------------------------------------ losses


@every_loss
@pytest.mark.parametrize("columns", [1, 2])
def test_it_is_its_definition_on_samples(name: str, columns: int) -> None:
    loss, asked = many(name), question(name, 3, columns)
    rng = np.random.default_rng(5)
    drawn = np.array([DEFINITIONS[name].batch(loss, asked, rng)[0] for _ in range(BATCHES)])
    found = float64_value(loss, asked.instance, asked.linear_map)
    assert found.error < 1e-7
    assert abs(drawn.mean() - found.value) <= 6 * drawn.std(ddof=1) / math.sqrt(BATCHES)


@every_loss
def test_its_levels_agree(name: str) -> None:
    loss, asked = many(name), question(name, 4)
    truth = enclose(loss, asked.instance, asked.linear_map, 5)
    assert truth.reached, truth.note
    estimate = float64_value(loss, asked.instance, asked.linear_map)
    assert contains(truth, estimate.value, Fraction(estimate.error))
    value = multiprecision_value(loss, asked.instance, asked.linear_map, 4)
    assert float(value) == pytest.approx(estimate.value, abs=1e-3)


@pytest.mark.parametrize(("name", "columns"), [*((name, 1) for name in MANY), ("infonce-finite", 2)])
def test_its_gradient_is_the_derivative_of_its_value(name: str, columns: int) -> None:
    loss, asked = many(name), question(name, 6, columns)
    A = asked.linear_map.A
    rng = np.random.default_rng(1)
    B = exact.matrix([[Fraction(int(x), 8) for x in row] for row in rng.integers(-8, 9, (A.nrows(), A.ncols()))])
    step = fmpq(1, 2**12)
    ends = [float64_value(loss, asked.instance, Encoder(A + B * t)).value for t in (step, -step)]
    gradient = float64_gradient(loss, asked.instance, asked.linear_map)
    along = 2 * np.sum(gradient.derivatives["M"] * exact.to_floats(B * A.transpose()))
    assert (ends[0] - ends[1]) * 2**11 == pytest.approx(along, rel=1e-4, abs=1e-5)
    balls, reached = enclosed_gradient(loss, asked.instance, asked.linear_map, 6)
    assert not reached
    for ball, x in zip(balls["M"].flat, gradient.derivatives["M"].flat, strict=True):
        assert contains(interval(ball), float(x), Fraction(gradient.error))


def test_many_negatives_tend_to_infonce() -> None:
    """L_N − log N falls short of, and tends to, the population loss: by O(1/N)."""
    asked = question("infonce-finite", 3)
    limit = float64_value(LOSSES["infonce"], asked.instance, asked.linear_map).value
    gaps = []
    for N in (50, 400):
        loss = LOSSES["infonce-finite"].at({"negatives": Fraction(N)})
        gaps.append(abs(float64_value(loss, asked.instance, asked.linear_map).value - math.log(N) - limit))
    assert gaps[1] < gaps[0] / 4
    assert gaps[1] < 0.05


def test_one_negative_is_the_logistic_loss_and_one_decoupled_is_rational() -> None:
    asked = question("infonce-finite", 8)
    one, two = (enclose(LOSSES[n], asked.instance, asked.linear_map, 20) for n in ("infonce-finite", "logistic"))
    assert overlap(one, two)
    linear = enclose(LOSSES["dcl"].at({"negatives": Fraction(1)}), asked.instance, asked.linear_map, 20)
    mixture, M = asked.instance.pairs.mixture, asked.linear_map.M
    assert (
        linear.lower == linear.upper == exact.inner(M, mixture.mean * mixture.mean.transpose() - asked.instance.pairs.C)
    )


def test_a_rank_beyond_the_rules_is_refused_in_one_line() -> None:
    third = Fraction(1, 3)
    means = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    instance = Instance(AugmentedPairs(SharedGMM((third,) * 3, means)), 3)
    with pytest.raises(InputError, match="is more than 2, as far as losses"):
        float64_value(many("dcl"), instance, Encoder(exact.identity(3)))
    with pytest.raises(InputError, match="must be a whole number"):
        LOSSES["infonce-finite"].at({"negatives": Fraction(5, 2)})


def test_a_minimiser_with_three_negatives_stays_inside() -> None:
    instance = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((1, 0), (-1, 0)))), 1)
    found = minimise(LOSSES["infonce-finite"].at({"negatives": Fraction(3)}), instance)
    assert found.converged, found.note
    assert found.spaces[0].angles.max() < 1e-4
