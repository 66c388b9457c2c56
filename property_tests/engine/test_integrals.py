"""Log-sum-exp integrals: enclosures against closed forms, exact identities and mpmath; float errors against enclosures.

A problem is E log Σ_k w_k exp(b_k·q + ½ qᵀc_k q) under a Gaussian mixture, and its softmax moments.
"""

from __future__ import annotations

import math
import random
import warnings
from fractions import Fraction
from functools import cache

import flint
import mpmath
import numpy as np
import pytest
from flint import arb, ctx, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from property_tests.engine.support import contains, encloses, exactly, interval, log_sum_exp, overlap, plus, to_mpf
from thmverify import exact
from thmverify.integrate import cells
from thmverify.integrate.bounds import jensen_bounds
from thmverify.integrate.enclosure import Enclosure, enclose_value
from thmverify.integrate.float64 import expected_value, softmax_moments
from thmverify.integrate.moments import enclose_moments
from thmverify.integrate.multiprecision import expected_value as mp_value
from thmverify.integrate.multiprecision import softmax_moments as mp_moments
from thmverify.integrate.problem import LogSumExp
from thmverify.testing import (
    Seeded,
    Source,
    examples,
    invertible_matrix,
    mixture_weights,
    permutations,
    positive_definite,
    rational_matrix,
    rational_orthogonal_matrix,
    strategy,
)

HALVES = (Fraction(1, 2), Fraction(1, 2))


def problem(source: Source, dimension: int, curved: bool = False, hostile: bool = True) -> LogSumExp:
    """Return a problem of this dimension: K up to dimension + 2, spreads up to about 6; curved: its own H_j and c_k."""
    K = source.integer(max(2, dimension + 1), dimension + 2)
    weights = tuple(exact.to_fmpq(w) for w in mixture_weights(source, K, hostile))
    centres = rational_matrix(source, dimension, K)
    linear = rational_matrix(source, dimension, K, size=2)
    for i in range(dimension):
        linear[i, 0] = fmpq(0)
    H = tuple(_unit_scale(positive_definite(source, dimension, hostile)) for _ in range(K if curved else 1))
    bends = tuple(exact.symmetrise(rational_matrix(source, dimension, dimension)) * fmpq(k > 0, 4) for k in range(K))
    return LogSumExp(weights, centres, H, linear, bends if curved else ())


def _unit_scale(H: fmpq_mat) -> fmpq_mat:
    """Return H divided by a power of 2 near its largest entry, so that dimension 2 stays cheap."""
    largest = float(exact.to_fraction(max(H.entries())))
    return H * fmpq(2) ** -math.ceil(math.log2(largest))


def problems(dimension: int, curved: bool = False, hostile: bool = True) -> st.SearchStrategy[LogSumExp]:
    return strategy(lambda source: problem(source, dimension, curved, hostile))


# ---------------------------------------------------------------------------------- what is known without an integral


def test_no_dimension_means_no_integral():
    nothing = LogSumExp((fmpq(1, 3), fmpq(2, 3)), fmpq_mat(0, 2), (fmpq_mat(0, 0),), fmpq_mat(0, 2))
    assert enclose_value(nothing, 30) == Enclosure(fmpq(0), fmpq(0))
    assert expected_value(nothing).value == pytest.approx(0, abs=1e-15)
    assert mp_value(nothing, 30) == 0
    moments = enclose_moments(nothing, 30)
    assert interval(moments.p[0, 1]).width < fmpq(1, 10**15)
    assert interval(moments.p[0, 1]).lower <= fmpq(2, 3) <= interval(moments.p[0, 1]).upper


@pytest.mark.parametrize("curved", [False, True])
@pytest.mark.parametrize("dimension", [1, 2])
def test_probabilities_sum_to_one_and_first_moments_to_zero(dimension, curved):
    """Σ_k p_k = 1 turns sums over k into Gaussian moments: 1, 0 and H_j, exact rationals that the balls must hold."""
    digits = 12 if dimension == 1 else 6
    for seed in range(examples(6 if dimension == 1 else 2)):
        posed = problem(Seeded(random.Random(seed)), dimension, curved)
        moments = enclose_moments(posed, digits, order=2)
        assert moments.reached
        for j in range(posed.components):
            assert sum(moments.p[j], arb(0)).contains(1)
            H = posed.covariance(j)
            for a in range(dimension):
                assert sum(moments.first[j, :, a], arb(0)).contains(0)
                for b in range(dimension):
                    assert sum(moments.second[j, :, a, b], arb(0)).contains(H[a, b])


_UNIT = fmpq_mat(2, 2, [1, 0, 0, 1])
_EVEN = (fmpq(1, 2), fmpq(1, 2))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("far", [fmpq(10) ** 30, fmpq(10) ** 200])
def test_a_far_mean_asks_for_bits_not_for_an_error(far, order):
    """The logits near a mean at `far` have no digits at the first precision that floats plan with."""
    posed = LogSumExp(_EVEN, fmpq_mat(2, 2, [0, far, 0, 1]), (_UNIT,), fmpq_mat(2, 2, [0, 1, 0, 0]))
    moments = enclose_moments(posed, 10, order)
    assert moments.reached
    assert moments.p[0, 1].contains(fmpq(1, 2))  # by symmetry
    assert moments.p[1, 1].contains(1)  # but for e^−far


@pytest.mark.parametrize(
    "posed",
    [
        LogSumExp(_EVEN, fmpq_mat(2, 2, [0, 1, 0, 1]), (_UNIT,), fmpq_mat(2, 2, [0, fmpq(10) ** 200, 0, 1])),
        LogSumExp(_EVEN, fmpq_mat(2, 2, [0, fmpq(10) ** 400, 0, 1]), (_UNIT,), fmpq_mat(2, 2, [0, 1, 0, 0])),
        LogSumExp(
            _EVEN,
            fmpq_mat(1, 2, [0, fmpq(10) ** 9]),
            (fmpq_mat(1, 1, [1]),),
            fmpq_mat(1, 2, [0, fmpq(10) ** 9]),
            constants=(fmpq(0), fmpq(10) ** 400),
        ),
    ],
)
def test_numbers_beyond_floats_leave_finite_bounds(posed):
    """Where floats cannot choose nodes, or the kernel takes none that they choose, the trivial bounds are left."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        moments = enclose_moments(posed, 10)
    assert not moments.reached
    assert moments.note
    assert all(x.is_finite() for x in (*moments.p.flat, *moments.first.flat))


def bayes(source: Source, dimension: int) -> LogSumExp:
    """Return a problem whose softmax is the true posterior: m_k of equal length on a sphere, logits H⁻¹(m_k − m_1)."""
    K = source.integer(2, dimension + 1)
    start = exact.column([Fraction(3, 2)] + [0] * (dimension - 1))
    columns = exact.hstack([rational_orthogonal_matrix(source, dimension) * start for _ in range(K)], dimension)
    differences = columns - exact.submatrix(columns, range(dimension), [0]) * fmpq_mat(1, K, [1] * K)
    weights = tuple(exact.to_fmpq(w) for w in mixture_weights(source, K))
    sphere = LogSumExp(weights, columns, (exact.identity(dimension),), differences)
    return sphere.transformed(invertible_matrix(source, dimension))


@given(strategy(lambda source: bayes(source, source.integer(1, 2))))
@settings(max_examples=examples(12))
def test_posteriors_average_to_the_weights(posed):
    """E p_k = w_k exactly when p is the posterior: an identity that no one-sided error survives."""
    moments = enclose_moments(posed, 10)
    assert moments.reached
    estimate = softmax_moments(posed)
    w = np.array([float(exact.to_fraction(x)) for x in posed.weights])
    for k, weight in enumerate(posed.weights):
        total = sum((arb(v) * moments.p[j, k] for j, v in enumerate(posed.weights)), arb(0))
        assert total.contains(weight)
        assert float(total.rad()) < 1e-9
        assert abs(w @ estimate.p[:, k] - w[k]) <= estimate.error


@given(problems(1, hostile=False))
@settings(max_examples=examples(20))
def test_jensen_holds(posed):
    """Σ_k w_k E ℓ_k ≤ E log Σ_k w_k exp ℓ_k ≤ log Σ_jk w_j w_k E_j exp ℓ_k, in exact rationals and one logarithm."""
    value = enclose_value(posed, 15)
    low, high = fmpq(0), arb(0)
    H = posed.covariance(0)
    for j, v in enumerate(posed.weights):
        for k, w in enumerate(posed.weights):
            mean = exact.inner(posed.slope(k), posed.centre(j))
            low += v * w * mean
            high += arb(v * w) * arb(mean + exact.inner(posed.slope(k), H * posed.slope(k)) / 2).exp()
    assert value.upper >= low
    assert arb(value.lower) < high.log() + arb(1) / 10**12


@given(st.one_of(problems(1), problems(1, curved=True), problems(2)))
@settings(max_examples=examples(30))
def test_bounds_without_an_integral_hold_the_value(posed):
    low, high = jensen_bounds(posed)
    value = enclose_value(posed, 6)
    assert low <= value.upper
    assert value.lower <= high


EXTREME = {
    "slope": log_sum_exp(HALVES, [["-2.7", 1]], [[[1]]], [[0, 10**400]]),
    "weight": log_sum_exp((1 - Fraction(1, 10**400), Fraction(1, 10**400)), [[0, 1]], [[[1]]], [[0, 3]]),
    "outweighed": log_sum_exp((Fraction(1, 10**30), 1 - Fraction(1, 10**30)), [[100, 1]], [[[1]]], [[0, -50]]),
    "variance": log_sum_exp(HALVES, [[0, 1]], [[[10**400]]], [[0, Fraction(1, 10**195)]]),
}


@pytest.mark.parametrize("name", EXTREME)
def test_numbers_beyond_any_float_are_enclosed(name):
    low, high = jensen_bounds(EXTREME[name])
    value = enclose_value(EXTREME[name], 10)
    assert low <= high
    assert value.lower <= value.upper
    assert max(low, value.lower) <= min(high, value.upper)
    assert value.reached or value.note


# --------------------------------------------------------------------------------------------- the sigmoid of the docs


def bell(x: mpmath.mpf) -> mpmath.mpf:
    """Return e^{−x²/2}: √2π is the integral's, not each node's."""
    return mpmath.exp(-x * x / 2)


def sigmoid_mean(slope: int, at: Fraction, digits: int) -> mpmath.mpf:
    """Return E σ(slope (s − at)), s standard normal, as Φ plus an odd remainder on the scale 1/slope."""
    with mpmath.workdps(digits + 15):
        centre = mpmath.mpf(at.numerator) / at.denominator

        def remainder(u):  # σ(−u) (φ(at − u/slope) − φ(at + u/slope)) / slope on u > 0
            return (bell(centre + u / slope) - bell(centre - u / slope)) / (1 + mpmath.exp(u))

        panels = range(0, 2 * digits + 60, 4)
        return mpmath.ncdf(-centre) - mpmath.quad(remainder, list(panels)) / slope / mpmath.sqrt(2 * mpmath.pi)


def sigmoid_problem(slope: int, at: Fraction) -> LogSumExp:
    return log_sum_exp(HALVES, [[-at, at]], [[[1]]], [[0, slope]])


@pytest.mark.parametrize("digits", [10, 30, 60])
@pytest.mark.parametrize(("slope", "at"), [(60, Fraction(27, 10)), (1, Fraction(1, 3)), (1000, Fraction(-4))])
def test_the_sigmoid_is_right_to_all_digits(slope, at, digits):
    truth = sigmoid_mean(slope, at, digits)
    moments = enclose_moments(sigmoid_problem(slope, at), digits)
    assert moments.reached
    ball = interval(moments.p[0, 1])
    assert ball.width < fmpq(2) / fmpq(10) ** digits
    assert contains(ball, truth, fmpq(1, 10 ** (digits + 5)))


def test_the_sigmoid_that_gauss_hermite_misses():
    """E σ(60(s − 2.7)) = 3.5e-3: 40 Gauss–Hermite nodes are off by more than half of it."""
    truth = float(sigmoid_mean(60, Fraction(27, 10), 20))
    assert truth == pytest.approx(3.5e-3, abs=5e-5)
    x, weight = np.polynomial.hermite_e.hermegauss(40)
    hermite = weight @ expit(60 * (x - 2.7)) / weight.sum()
    assert abs(hermite - truth) > 1e-3
    estimate = softmax_moments(sigmoid_problem(60, Fraction(27, 10)))
    assert abs(estimate.p[0, 1] - truth) <= estimate.error < 1e-10


@pytest.mark.parametrize(("slope", "at"), [(60, Fraction(27, 10)), (3, Fraction(0)), (500, Fraction(1, 2))])
def test_the_softplus_is_right_to_all_digits(slope, at):
    """E log(½ + ½ e^{z}), z = slope·(s − at), by integrating the smooth remainder log1p(e^{−|z|}) on its own scale."""
    with mpmath.workdps(45):
        centre = mpmath.mpf(at.numerator) / at.denominator

        def remainder(u):
            density = mpmath.npdf(centre + u / slope) + mpmath.npdf(centre - u / slope)
            return density * mpmath.log1p(mpmath.exp(-u)) / slope

        ramp = slope * (mpmath.npdf(centre) - centre * mpmath.ncdf(-centre))  # E (z)₊
        truth = ramp - mpmath.log(2) + mpmath.quad(remainder, list(range(0, 140, 4)))
    one = log_sum_exp(HALVES, [[-at, -at]], [[[1]]], [[0, slope]])
    value = enclose_value(one, 35)
    assert value.reached
    assert contains(value, truth, fmpq(1, 10**38))
    estimate = expected_value(one)
    assert abs(estimate.value - float(truth)) <= estimate.error


# ------------------------------------------------------------------------------------------------------- containment


@given(st.one_of(problems(1), problems(1, curved=True)), st.integers(2, 12))
@settings(max_examples=examples(40))
def test_few_digits_hold_many_on_the_line(posed, digits):
    rough, fine = enclose_value(posed, digits), enclose_value(posed, 40)
    assert fine.reached
    assert fine.width <= max(abs(fine.upper), fmpq(1)) / fmpq(10) ** 40
    assert encloses(rough, fine)


@given(st.one_of(problems(2), problems(2, curved=True, hostile=False)))
@settings(max_examples=examples(8))
def test_few_digits_hold_many_in_the_plane(posed):
    rough, fine = enclose_value(posed, 3), enclose_value(posed, 9)
    assert overlap(rough, fine)
    assert fine.reached
    assert contains(rough, (fine.lower + fine.upper) / 2, fine.width)


@given(st.one_of(problems(1), problems(1, curved=True)))
@settings(max_examples=examples(20))
def test_moments_with_few_digits_hold_those_with_many(posed):
    rough, fine = enclose_moments(posed, 5, order=2), enclose_moments(posed, 25, order=2)
    assert fine.reached
    for a, b in ((rough.p, fine.p), (rough.first, fine.first), (rough.second, fine.second)):
        assert all(encloses(interval(x), interval(y)) for x, y in zip(a.flat, b.flat, strict=True))


@given(st.one_of(problems(1), problems(1, curved=True)))
@settings(max_examples=examples(6))
def test_mpmath_lies_in_the_enclosure(posed):
    digits = 15
    slack = fmpq(1, 10**digits)
    assert contains(enclose_value(posed, 30), mp_value(posed, digits), slack)
    balls, (p, first, second) = enclose_moments(posed, 30, order=2), mp_moments(posed, digits, order=2)
    for a, b in ((balls.p, p), (balls.first, first), (balls.second, second)):
        assert all(contains(interval(x), y, slack) for x, y in zip(a.flat, b.flat, strict=True))


def meet(a, b):
    """Return whether two arrays of balls have a point in common, entry by entry."""
    return all(x.overlaps(y) for x, y in zip(a.flat, b.flat, strict=True))


@pytest.mark.parametrize(("dimension", "digits"), [(2, 12), (3, 5)])
@given(data=st.data())
@settings(max_examples=examples(4))
def test_balls_of_nodes_meet_boxes(dimension, digits, data):
    """First moments by Stein's identity over balls, and as they stand over boxes, which the second ones ask for."""
    posed = data.draw(problems(dimension, hostile=False))
    pairs, whole = enclose_moments(posed, digits), enclose_moments(posed, digits, order=2)
    assert pairs.reached
    assert whole.reached
    assert meet(pairs.p, whole.p)
    assert meet(pairs.first, whole.first)


@pytest.mark.parametrize("far", [fmpq(7), fmpq(10) ** 30])
@pytest.mark.parametrize("curved", [False, True])
def test_moments_about_the_centre_do_not_see_where_it_is(curved, far):
    """All centres moved by `far`, the logits with them: what q tells of the components is the same."""
    posed = problem(Seeded(random.Random(11)), 1, curved, hostile=False)
    K = posed.terms
    bent = [posed.curvature(k)[0, 0] for k in range(K)]
    slopes = [posed.slope(k)[0, 0] for k in range(K)]
    moved = LogSumExp(
        posed.weights,
        posed.centres + fmpq_mat(1, posed.components, [far] * posed.components),
        posed.covariances,
        fmpq_mat(1, K, [b - c * far for b, c in zip(slopes, bent, strict=True)]),
        posed.quadratic,
        posed.law,
        tuple(c * far**2 / 2 - b * far for b, c in zip(slopes, bent, strict=True)),
    )
    here, there = enclose_moments(posed, 10, order=2), enclose_moments(moved, 10, order=2)
    assert here.reached
    assert there.reached
    for a, b in ((here.p, there.p), (here.first, there.first), (here.second, there.second)):
        assert meet(a, b)


@pytest.mark.parametrize("dimension", [5, 6])
def test_moments_in_five_and_six_dimensions(dimension):
    """Σ_k p_k = 1 and Σ_k E[p_k u] = 0 hold in the balls, and so does the float engine's number."""
    posed = problem(Seeded(random.Random(dimension)), dimension, hostile=False)
    posed = LogSumExp(posed.weights, posed.centres, posed.covariances, posed.linear * fmpq(1, 8))
    balls, floats = enclose_moments(posed, 3), softmax_moments(posed)
    assert balls.reached
    for j in range(posed.components):
        assert sum(balls.p[j], arb(0)).contains(1)
        assert all(sum(balls.first[j, :, a], arb(0)).contains(0) for a in range(dimension))
    for x, y in zip(balls.p.flat, floats.p.flat, strict=True):
        assert contains(interval(x), float(y), Fraction(floats.error))


@given(problems(1), permutations(3))
@settings(max_examples=examples(15))
def test_coordinates_and_labels_are_immaterial(posed, order):
    """T q for q, and components in any order (with the first exponent taken off again)."""
    value = enclose_value(posed, 20)
    assert overlap(value, enclose_value(posed.transformed(fmpq_mat([[fmpq(-7, 3)]])), 20))
    order = [k for k in order if k < posed.components] + list(range(3, posed.components))
    first = posed.slope(order[0])
    linear = exact.hstack([posed.slope(k) - first for k in order], 1)
    weights = tuple(posed.weights[k] for k in order)
    shuffled = LogSumExp(weights, exact.hstack([posed.centre(k) for k in order], 1), posed.covariances, linear)
    mean = sum((w * posed.centre(j)[0, 0] for j, w in enumerate(posed.weights)), fmpq(0)) * first[0, 0]
    assert overlap(value, plus(enclose_value(shuffled, 20), Enclosure(mean, mean)))


@pytest.mark.parametrize("prec", [24, 53, 400])
def test_the_working_precision_is_left_as_it_was(prec):
    posed = log_sum_exp(HALVES, [[0, 1], [1, 0]], [[[1, 0], [0, 1]], [[2, 1], [1, 2]]], [[0, 1], [0, 1]])
    truth = enclose_value(posed, 12)
    with flint.ctx.workprec(prec), mpmath.workprec(prec):
        assert overlap(enclose_value(posed, 8), truth)
        enclose_moments(posed, 4)
        mp_moments(log_sum_exp(HALVES, [[0, 1]], [[[1]]], [[0, 1]]), 5)
        assert (flint.ctx.prec, mpmath.mp.prec) == (prec, prec)


# -------------------------------------------------------------------------------------------------------- adversaries

TINY = Fraction(1, 10**40)
NEARLY_ONE = 1 - TINY
THIRDS = (Fraction(1, 3),) * 3
UNIT = [[1, 0], [0, 1]]

HOSTILE = {
    "steep": log_sum_exp(HALVES, [["-2.7", 1]], [[[1]]], [[0, 10**3]]),
    "steeper": log_sum_exp(HALVES, [["-2.7", 1]], [[[1]]], [[0, 10**6]]),
    "steepest": log_sum_exp(HALVES, [["-2.7", 1]], [[[1]]], [[0, 10**12]]),
    "three steps": log_sum_exp(THIRDS, [[-3, 0, 3]], [[[1]]], [[0, 40, -55]]),
    "flat": log_sum_exp(HALVES, [["-2.7", 1]], [[[1]]], [[0, Fraction(1, 10**60)]]),
    "tiny weight first": log_sum_exp((TINY, NEARLY_ONE), [[-3, 1]], [[[1]]], [[0, 30]]),
    "tiny weight last": log_sum_exp((NEARLY_ONE, TINY), [[-3, 1]], [[[1]]], [[0, 30]]),
    "tiny weight decides": log_sum_exp((NEARLY_ONE, TINY), [[0, 100]], [[[1]]], [[0, 92]]),
    "far": log_sum_exp(HALVES, [[-(10**3), 10**3]], [[[1]]], [[0, 1]]),
    "farther": log_sum_exp(HALVES, [[-(10**6), 10**6]], [[[1]]], [[0, 1]]),
    "near": log_sum_exp(HALVES, [[1, 1 + TINY]], [[[1]]], [[0, 1]]),
    "tiny variance": log_sum_exp(HALVES, [["-0.3", 1]], [[[TINY]]], [[0, 3]]),
    "large variance": log_sum_exp(HALVES, [["-0.3", 1]], [[[10**12]]], [[0, 3]]),
    "bent up": log_sum_exp(HALVES, [[-1, 1]], [[[1]], [[2]]], [[0, 1]], [[[0]], [[300]]]),
    "bent down": log_sum_exp(HALVES, [[-1, 1]], [[[1]], [[2]]], [[0, 1]], [[[0]], [[-300]]]),
    "unlike variances": log_sum_exp(HALVES, [[-1, 1]], [[[Fraction(1, 10**6)]], [[10**3]]], [[0, 1]], [[[0]], [[1]]]),
    "barely bent": log_sum_exp(THIRDS, [[0, 0, "1/70"]], [[["1/800"]], [["1/1600"]], [["1/400"]]],
                               [[0, 1, "33/8"]], [[[0]], [[-31]], [[24]]]),
    "nearly singular": log_sum_exp(
        (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)),
        [[0, 1, 2], [0, 1, 5]],
        [[[1, NEARLY_ONE], [NEARLY_ONE, 1]]],
        [[0, 1, 2], [0, 2, -1]],
    ),
    "far in the plane": log_sum_exp(THIRDS, [[-1000, 1000, 0], [3, 500, 1000]], [UNIT], [[0, 1, 2], [0, 3, 4]]),
    "steep in the plane": log_sum_exp(THIRDS, [[-1, 1, 0], [0, 2, 1]], [UNIT], [[0, 40, 10], [0, 5, 60]]),
    "a step in the plane": log_sum_exp(THIRDS, [[-1, 1, 0], [0, 2, 1]], [UNIT], [[0, 20, 2], [0, 1, 3]]),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_are_enclosed_and_their_float_errors_honest(name):
    posed = HOSTILE[name]
    value = enclose_value(posed, 12)
    assert value.reached, value.note
    assert value.width <= max(abs(value.upper), fmpq(1)) / fmpq(10) ** 12
    estimate = expected_value(posed)
    assert math.isfinite(estimate.error)
    assert contains(value, estimate.value, Fraction(estimate.error))
    if posed.dimension == 1:
        with mpmath.workdps(30):
            assert contains(value, asymptotic_free(name), abs(value.upper) / fmpq(10) ** 14 + fmpq(1, 10**14))


STEEP = [name for name, posed in HOSTILE.items() if posed.dimension == 1 and "variance" not in name]


@pytest.mark.parametrize("name", STEEP)
def test_cells_hold_the_values_of_steep_integrals(name):
    """The rule for the steepest integrals, whichever rule `enclose_value` prefers."""
    posed = HOSTILE[name]
    plan = cells.plan_cells(posed, 25.0)
    assert plan is not None
    with ctx.workprec(160):
        ball = cells.value(posed, plan)
    with mpmath.workdps(30):
        truth = asymptotic_free(name)
    size = 1 + abs(exactly(truth))
    assert contains(interval(ball), truth, size / fmpq(10) ** 14)
    assert interval(ball).width < size / fmpq(10) ** 8


@cache
def asymptotic_free(name: str) -> mpmath.mpf:
    """Return the value on the line by mpmath on panels round every crossing of two logits, at every scale."""
    posed, total = HOSTILE[name], mpmath.mpf(0)
    weights = [to_mpf(w) for w in posed.weights]
    K = range(posed.components)
    for j in K:
        m, sd = to_mpf(posed.centre(j)[0, 0]), mpmath.sqrt(to_mpf(posed.covariance(j)[0, 0]))
        b = [to_mpf(posed.slope(k)[0, 0]) for k in K]
        c = [to_mpf(posed.curvature(k)[0, 0]) for k in K]
        # ℓ_k at m + sd·s = a0 + a1 s + a2 s²
        a0 = [mpmath.log(weights[k]) + b[k] * m + c[k] * m * m / 2 for k in K]
        a1 = [(b[k] + c[k] * m) * sd for k in K]
        a2 = [c[k] * sd * sd / 2 for k in K]
        breaks = {mpmath.mpf(x) for x in range(-14, 15)}
        for k in K:
            for l in range(k):
                for root in real_roots(a2[k] - a2[l], a1[k] - a1[l], a0[k] - a0[l]):
                    steep = abs(a1[k] - a1[l] + 2 * (a2[k] - a2[l]) * root) + 1
                    breaks |= {root + n / steep for n in range(-80, 81, 5)}

        def f(s, a0=a0, a1=a1, a2=a2):
            logits = [x + s * (y + s * z) for x, y, z in zip(a0, a1, a2, strict=True)]
            top = max(logits)
            near = (x - top for x in logits if x - top > -80)  # others are lost in the digits
            return bell(s) * (top + mpmath.log(mpmath.fsum(mpmath.exp(x) for x in near)))

        total += weights[j] * mpmath.quad(f, sorted(x for x in breaks if abs(x) <= 14), method="gauss-legendre")
    return total / mpmath.sqrt(2 * mpmath.pi)


def real_roots(a, b, c):
    if a == 0:
        return [-c / b] if b != 0 else []
    inside = b * b - 4 * a * c
    if inside < 0:
        return [-b / (2 * a)]
    q = -(b + mpmath.sign(b) * mpmath.sqrt(inside)) / 2 if b != 0 else mpmath.sqrt(inside) / 2
    return [q / a] + ([c / q] if q != 0 else [])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_moments_are_enclosed_and_their_float_errors_honest(name):
    posed = HOSTILE[name]
    if posed.covariance(0)[0, 0] > 10**6:
        return  # first moments of size 10⁶ have an absolute error to match; the values above are relative
    digits = 10 if posed.dimension == 1 else 5
    balls, estimate = enclose_moments(posed, digits), softmax_moments(posed)
    assert balls.reached, balls.note
    for a, b in ((balls.p, estimate.p), (balls.first, estimate.first)):
        for x, y in zip(a.flat, b.flat, strict=True):
            assert contains(interval(x), float(y), Fraction(estimate.error))


@given(st.one_of(problems(1), problems(1, curved=True)), st.integers(0, 6))
@settings(max_examples=examples(60))
def test_float_errors_are_honest_at_every_steepness(posed, exponent):
    """The same problem with its logits scaled by 1 … 10⁶: nothing warns the float engine."""
    scale = fmpq(10) ** exponent
    steep = LogSumExp(
        posed.weights, posed.centres, posed.covariances, posed.linear * scale, tuple(c * scale for c in posed.quadratic)
    )
    value, estimate = enclose_value(steep, 12), expected_value(steep)
    assert value.reached, value.note
    assert contains(value, estimate.value, Fraction(estimate.error))


@given(problems(2))
@settings(max_examples=examples(15))
def test_float_errors_are_honest_in_the_plane(posed):
    value, estimate = enclose_value(posed, 10), expected_value(posed)
    assert contains(value, estimate.value, Fraction(estimate.error))
    balls, moments = enclose_moments(posed, 5), softmax_moments(posed)
    for a, b in ((balls.p, moments.p), (balls.first, moments.first)):
        for x, y in zip(a.flat, b.flat, strict=True):
            assert contains(interval(x), float(y), Fraction(moments.error))


def test_float_errors_are_small_where_the_problem_is_tame():
    """An error estimate that is honest because it is huge would be useless."""
    for seed in range(20):
        estimate = expected_value(problem(Seeded(random.Random(seed)), 1 + seed % 2, hostile=False))
        assert estimate.error < 1e-11


@pytest.mark.parametrize("dimension", [3, 4])
def test_beyond_the_plane_the_answer_is_true_if_wide(dimension):
    """Monte Carlo of the integral itself, against the enclosure that says what it reached."""
    posed = problem(Seeded(random.Random(dimension)), dimension, hostile=False)
    value = enclose_value(posed, 3 if dimension == 3 else 1)
    assert value.reached or value.note
    rng = np.random.default_rng(dimension)
    w = np.array([float(exact.to_fraction(x)) for x in posed.weights])
    centres, slopes, H = (
        np.array(exact.to_rows(m), dtype=float) for m in (posed.centres, posed.linear, posed.covariance(0))
    )
    labels = rng.choice(len(w), 400_000, p=w)
    q = centres.T[labels] + rng.standard_normal((len(labels), dimension)) @ np.linalg.cholesky(H).T
    samples = np.log(np.exp(q @ slopes) @ w)
    error = 6 * samples.std() / math.sqrt(len(samples))
    assert contains(value, float(samples.mean()), Fraction(error))
    estimate = expected_value(posed)
    assert contains(value, estimate.value, Fraction(estimate.error))
