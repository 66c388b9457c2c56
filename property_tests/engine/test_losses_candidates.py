"""Losses of many candidates: InfoNCE with N negatives, decoupled and supervised, at each level and on samples."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq, fmpq_mat

from property_tests.engine.changes import columns_of, in_coordinates, in_order, shifted, with_features
from property_tests.engine.definitions import DEFINITIONS
from property_tests.engine.optimality import rational
from property_tests.engine.support import contains, interval, overlap
from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate import (
    candidates_enclosure,
    candidates_float64,
    candidates_multiprecision,
    candidates_sampled,
)
from thmverify.integrate.candidates import Anchor, Candidates, Group, ReducedCandidates, reduce_candidates
from thmverify.integrate.scores import Pair, Scores
from thmverify.integrate.scores_enclosure import enclose_softplus
from thmverify.losses import LOSSES, Loss
from thmverify.losses.levels import enclose, enclosed_gradient, float64_gradient, float64_value, multiprecision_value
from thmverify.maps import CLIPFactors, Encoder
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Posed, Seeded, posed

MANY = {
    "infonce-finite": {"negatives": Fraction(4)},
    "dcl": {"negatives": Fraction(3)},
    "supcon": {"batch": Fraction(5)},
    "ntxent-unnormalised": {"pairs": Fraction(3)},
    "clip-batch": {"batch": Fraction(3)},
}
every_loss = pytest.mark.parametrize("name", MANY)
HALF, HALF_F = fmpq(1, 2), Fraction(1, 2)
BATCHES = 40


def many(name: str) -> Loss:
    return LOSSES[name].at(MANY[name])


def question(name: str, seed: int, columns: int = 1) -> Posed:
    source = Seeded(random.Random(seed))
    dimension = (2, 2) if name == "clip-batch" else (columns, 2)
    while True:
        asked = posed(source, name, (1, 2), dimension, columns, 2, None, hostile=False)
        if columns_of(asked.linear_map).rank() == columns:
            return asked


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


APART = Group(BOTH, 2, ((HALF * HALF, HALF * HALF), (HALF * HALF, HALF * HALF)))
TOGETHER = Group(BOTH, 2, ((HALF, fmpq(0)), (fmpq(0), HALF)))


def test_a_pair_of_independent_candidates_is_two() -> None:
    whole, parts = problem((Group(FIRST, 1), APART)), problem((Group(FIRST, 1), Group(BOTH, 4)))
    assert whole.anchors[0].expected == parts.anchors[0].expected == (fmpq(3), fmpq(2))
    found = [candidates_enclosure.enclose_logarithm(p, 3) for p in (whole, parts)]
    assert all(x.reached for x in found)
    assert overlap(*found)
    values = [candidates_float64.expected_logarithm(p) for p in (whole, parts)]
    assert values[0].value == pytest.approx(values[1].value, abs=1e-12)
    one, two = (candidates_float64.moments(p) for p in (whole, parts))
    assert one.both == pytest.approx(two.both, abs=1e-11)


def test_a_pair_of_one_component_is_neither_nor() -> None:
    """One pair of one component: the mean over components of E log of the two, as if drawn by themselves."""
    start = problem((Group(BOTH, 1, TOGETHER.joint),))
    found = candidates_enclosure.enclose_logarithm(start, 4)
    singly = [candidates_float64.expected_logarithm(problem((Group(law, 2),))).value for law in (FIRST, SECOND)]
    apart = candidates_float64.expected_logarithm(problem((Group(BOTH, 2),))).value
    assert found.reached
    assert contains(found, sum(singly) / 2, Fraction(1, 10**11))
    assert abs(sum(singly) / 2 - apart) > 1e-3
    assert candidates_float64.expected_logarithm(start).value == pytest.approx(sum(singly) / 2, abs=1e-11)


def test_samples_come_near() -> None:
    reduced = reduce_candidates(
        tuple((fmpq(1, 2), column(*m), exact.identity(2), (Group(FIRST, 1), TOGETHER)) for m in ((1, 0), (-1, 1))),
        ((column(1, 0), exact.identity(2)), (column(-1, HALF), exact.identity(2) * HALF)),
        fmpq_mat([[HALF, 0], [fmpq(1, 4), HALF]]),
    )
    value = candidates_float64.expected_logarithm(reduced.problem).value
    assert candidates_sampled.expected_logarithm(reduced) == pytest.approx(value, abs=0.02)
    step, gradient = fmpq(1, 2**10), candidates_sampled.outer(reduced)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        told = []
        for t in (step, -step):
            W = fmpq_mat(reduced.scores)
            W[i, j] += t
            told.append(candidates_sampled.expected_logarithm(replace(reduced, scores=W)))
        # of what is sampled: the mean score is that of the problem, which `replace` leaves
        mean = sum(float(exact.to_fraction(a.weight)) * mean_outer(reduced, a)[i, j] for a in reduced.problem.anchors)
        assert (told[0] - told[1]) * 2**9 == pytest.approx(gradient[i, j] - mean, abs=1e-4)


def mean_outer(reduced: ReducedCandidates, anchor: Anchor) -> np.ndarray:
    """Return E x E[y]ᵀ for an anchor, y any of its candidates."""
    at = reduced.problem.anchors.index(anchor)
    expected = [float(exact.to_fraction(x)) / anchor.count for x in anchor.expected]
    means = np.array([exact.to_floats(nu)[:, 0] for nu, _ in reduced.targets])
    return np.outer(exact.to_floats(reduced.sources[at][0])[:, 0], expected @ means)


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


@pytest.mark.parametrize("sigma", [fmpq(1, 100), fmpq(1, 20), fmpq(1, 8)])
def test_a_series_over_close_scores_meets_the_sum_over_them(sigma: fmpq) -> None:
    rule = candidates_enclosure._Inner(0.25, 1.5, -120, 16, (), 24.5)
    terms = candidates_enclosure._terms(float(sigma), rule.nats)
    assert 0 < terms <= 12
    with ctx.workprec(128):
        series, left = candidates_enclosure._series(arb(fmpq(2, 3)), arb(sigma), rule, terms)
        sums, error = candidates_enclosure._sums(arb(fmpq(2, 3)), arb(sigma), rule, 7.0, 0.75)
        apart = [x - y + arb(0, (left + error).upper()) for x, y in zip(series, sums, strict=True)]
        assert all(x.contains(0) and x.rad() < 1e-9 for x in apart)
        assert candidates_enclosure._terms(0.5, rule.nats) == 0


def test_the_second_opinion_agrees() -> None:
    start = problem((Group(FIRST, 2), TOGETHER))
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


@pytest.mark.parametrize(
    ("name", "columns"), [*((name, 1) for name in MANY), ("infonce-finite", 2), ("ntxent-unnormalised", 2)]
)
def test_its_gradient_is_the_derivative_of_its_value(name: str, columns: int) -> None:
    loss, asked = many(name), question(name, 6, columns)
    A = columns_of(asked.linear_map)
    rng = np.random.default_rng(1)
    B = exact.matrix([[Fraction(int(x), 8) for x in row] for row in rng.integers(-8, 9, (A.nrows(), A.ncols()))])
    step = fmpq(1, 2**12)
    ends = [float64_value(loss, asked.instance, shifted(asked.linear_map, B * t)).value for t in (step, -step)]
    gradient = float64_gradient(loss, asked.instance, asked.linear_map)
    ((key, derivative),) = gradient.derivatives.items()
    other, factor = (A, 2) if key == "M" else (asked.linear_map.A_T, 1)
    along = factor * np.sum(derivative * exact.to_floats(B * other.transpose()))
    assert (ends[0] - ends[1]) * 2**11 == pytest.approx(along, rel=1e-4, abs=1e-5)
    balls, reached = enclosed_gradient(loss, asked.instance, asked.linear_map, 6)
    assert not reached
    for ball, x in zip(balls[key].flat, derivative.flat, strict=True):
        assert contains(interval(ball), float(x), Fraction(gradient.error))


@every_loss
def test_order_coordinates_and_rotations_are_immaterial(name: str) -> None:
    loss, asked = many(name), question(name, 11, 2)
    K = asked.instance.model.vision.components if name == "clip-batch" else asked.instance.pairs.mixture.components
    T, turn = fmpq_mat([[2, 1], [1, 1]]), fmpq_mat([[fmpq(3, 5), fmpq(-4, 5)], [fmpq(4, 5), fmpq(3, 5)]])
    value = float64_value(loss, asked.instance, asked.linear_map).value
    for told in (
        in_order(asked, list(range(K))[::-1]),
        in_coordinates(asked, T, T.transpose()),
        replace(asked, linear_map=with_features(asked.linear_map, turn)),
    ):
        assert float64_value(loss, told.instance, told.linear_map).value == pytest.approx(value, abs=1e-8)


ONE = Instance(AugmentedPairs(SharedGMM((1,), ((1, 2),), ((2, 1), (1, 1))), Fraction(1, 3)), 1)
SAME = Instance(AugmentedPairs(SharedGMM((Fraction(1, 4), Fraction(3, 4)), ((1, 2),) * 2, ((2, 1), (1, 1)))), 1)


@every_loss
def test_at_the_map_0_and_where_components_agree(name: str) -> None:
    """The map 0: the logarithm of the number of candidates. Equal means are one component, whatever the pairs are."""
    loss = many(name)
    if name == "clip-batch":
        both, one = (Instance(CLIPGMM(i.shared, i.shared, i.pairs.bias), 1) for i in (SAME, ONE))
        zero, at = CLIPFactors(fmpq_mat(2, 1), fmpq_mat(2, 1)), CLIPFactors(column(1, HALF), column(HALF, 1))
    else:
        both, one = SAME, ONE
        zero, at = Encoder(fmpq_mat(2, 1)), Encoder(column(HALF, fmpq(1, 4)))
    if name != "supcon":  # whose components are labels
        known = {"infonce-finite": math.log(5), "dcl": math.log(3), "ntxent-unnormalised": math.log(5)}
        assert float64_value(loss, one, zero).value == pytest.approx(known.get(name, 2 * math.log(3)), abs=1e-13)
        assert float64_value(loss, both, at).value == pytest.approx(float64_value(loss, one, at).value, abs=1e-11)
    elif name == "supcon":
        assert float64_value(loss, one, zero).value == pytest.approx(math.log(4), abs=1e-13)


def test_pairs_that_do_not_match_are_independent_negatives() -> None:
    """δ = 0: NT-Xent of B pairs is InfoNCE with 2B − 2 negatives; at δ = 1 it is not."""
    asked = question("ntxent-unnormalised", 5, 2)
    loss, other = many("ntxent-unnormalised"), LOSSES["infonce-finite"].at({"negatives": Fraction(4)})
    for bias, same in ((Fraction(0), True), (Fraction(1), False)):
        told = Instance(AugmentedPairs(SharedGMM((HALF_F,) * 2, ((1, 0), (-2, 1))), bias), 2)
        one, two = (float64_value(x, told, asked.linear_map).value for x in (loss, other))
        assert (abs(one - two) < 1e-11) is same


def test_the_logarithm_of_a_batch_of_clip_tends_to_clip() -> None:
    asked = question("clip-batch", 3)
    limit = float64_value(LOSSES["clip"], asked.instance, asked.linear_map).value
    gaps = []
    for n in (50, 400):
        loss = LOSSES["clip-batch"].at({"batch": Fraction(n)})
        gaps.append(abs(float64_value(loss, asked.instance, asked.linear_map).value - 2 * math.log(n) - limit))
    assert gaps[1] < gaps[0] / 3
    assert gaps[1] < 0.05


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


LINE = Instance(AugmentedPairs(SharedGMM((HALF_F,) * 2, ((1, 0), (-1, 0)))), 1)


@pytest.mark.parametrize("name", [name for name in MANY if name not in ("dcl", "clip-batch")])
def test_a_minimiser_among_many_stays_inside(name: str) -> None:
    found = minimise(many(name), LINE)
    assert found.converged, found.note
    assert found.rank == 1
    assert found.spaces[0].angles.max() < 1e-4
    assert found.kkt_residual < 1e-8
    for t in (0.95, 1.05):  # nothing better along it
        assert float64_value(many(name), LINE, Encoder(rational(t * found.maps["A"]))).value > found.value


def test_a_minimiser_of_two_columns_among_many() -> None:
    triangle = Instance(AugmentedPairs(SharedGMM((Fraction(1, 3),) * 3, ((2, 0), (-1, 1), (-1, -1)))), 2)
    loss = many("infonce-finite")
    found = minimise(loss, triangle)
    assert found.converged, found.note
    assert found.rank == 2
    gradient = float64_gradient(loss, triangle, Encoder(rational(found.maps["A"])))
    assert np.abs(gradient.derivatives["M"] @ found.maps["A"]).max() < 1e-8
