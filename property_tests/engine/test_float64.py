"""The float64 engine against closed forms, ball arithmetic and independent rules: values, moments, and their errors."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from thmverify import exact
from thmverify.integrate.enclosure import enclose_value
from thmverify.integrate.float64 import BUDGET, expected_value, softmax_moments, softmax_sums
from thmverify.integrate.moments import enclose_moments
from thmverify.integrate.problem import LogSumExp
from thmverify.integrate.rules import Lattice, plan_lattice, sobol
from thmverify.testing import Seeded, examples, invertible_matrix, positive_definite, rational_matrix


def linear_problem(seed: int, K: int, rho: int, steepness: int = 2, distance: int = 2) -> LogSumExp:
    source = Seeded(random.Random(seed))
    shares = [source.integer(1, 9) for _ in range(K)]
    slopes = rational_matrix(source, rho, K, steepness)
    for i in range(rho):
        slopes[i, 0] = fmpq(0)
    return LogSumExp(
        tuple(fmpq(x, sum(shares)) for x in shares),
        rational_matrix(source, rho, K, distance),
        (positive_definite(source, rho, hostile=False),),
        slopes,
    )


def curved_problem(seed: int, K: int, rho: int) -> LogSumExp:
    plain = linear_problem(seed, K, rho)
    source = Seeded(random.Random(seed + 1))
    covariances = tuple(positive_definite(source, rho, hostile=False) for _ in range(K))
    bends = [exact.zeros(rho, rho)]
    for _ in range(K - 1):
        A = rational_matrix(source, rho, rho, 1)
        bends.append(exact.symmetrise(A * A.transpose()) * fmpq(1, 2))
    return LogSumExp(plain.weights, plain.centres, covariances, plain.linear, tuple(bends))


def panels(width: float = 0.25, reach: float = 12.0, degree: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Composite Gauss–Legendre for the standard normal measure on the line: another rule, no Gaussian structure."""
    nodes, weights = np.polynomial.legendre.leggauss(degree)
    centres = np.arange(-reach + width / 2, reach, width)
    points = (centres[:, None] + width / 2 * nodes).ravel()
    return points, np.tile(weights * width / 2, len(centres)) * np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)


def by_panels(problem: LogSumExp) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Value and moments of a one- or two-dimensional problem by panels, straight from the definition."""
    points, weights = panels(0.5 if problem.dimension == 2 else 0.05)
    grid = np.stack(np.meshgrid(*[points] * problem.dimension, indexing="ij"), -1).reshape(-1, problem.dimension)
    density = weights if problem.dimension == 1 else np.outer(weights, weights).ravel()
    w = np.array([float(Fraction(int(x.p), int(x.q))) for x in problem.weights])
    value, p, first, second = 0.0, [], [], []
    for j in range(problem.components):
        H, m = floats(problem.covariance(j)), floats(problem.centre(j))[:, 0]
        q = m + grid @ np.linalg.cholesky(H).T
        logits = np.log(w) + q @ floats(problem.linear)
        for k in range(problem.components):
            logits[:, k] += 0.5 * np.einsum("na,ab,nb->n", q, floats(problem.curvature(k)), q)
        top = logits.max(axis=1)
        share = np.exp(logits - top[:, None])
        value += w[j] * float(density @ (top + np.log(share.sum(axis=1))))
        share *= (density / share.sum(axis=1))[:, None]
        p.append(share.sum(axis=0))
        first.append(share.T @ (q - m))
        second.append(np.einsum("nk,na,nb->kab", share, q - m, q - m))
    return value, np.array(p), np.array(first), np.array(second)


def floats(m: fmpq_mat) -> np.ndarray:
    return np.array([[float(x) for x in row] for row in exact.to_rows(m)]).reshape(m.nrows(), m.ncols())


def midpoint(enclosed: tuple[fmpq, fmpq]) -> Fraction:
    return exact.to_fraction((enclosed[0] + enclosed[1]) / 2)


# ------------------------------------------------------------------------------------------------ steep, far clusters


def steep_problem(slope: int, centre: Fraction) -> LogSumExp:
    half = fmpq(1, 2)
    return LogSumExp(
        (half, half),
        fmpq_mat(1, 2, [exact.to_fmpq(centre)] * 2),
        (exact.identity(1),),
        fmpq_mat(1, 2, [0, slope]),
    )


def test_a_steep_sigmoid_far_out_is_found_where_gauss_hermite_misses_it() -> None:
    moments = softmax_moments(steep_problem(60, Fraction(-27, 10)))
    points, weights = panels(0.01)
    truth = float(weights @ expit(60 * (points - 2.7)))
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    hermite = float(shares @ expit(60 * (nodes - 2.7)) / shares.sum())
    assert truth == pytest.approx(3.5e-3, abs=5e-5)
    assert abs(hermite - truth) > 2e-3
    assert abs(moments.p[0, 1] - truth) <= moments.error <= 1e-12


@pytest.mark.parametrize(("slope", "error"), [(1, 1e-12), (30, 1e-10), (1000, 1e-9), (10**6, 1e-1)])
def test_steeper_and_steeper_slopes_stay_within_the_reported_error(slope: int, error: float) -> None:
    problem = steep_problem(slope, Fraction(-3, 2))
    estimate = expected_value(problem)
    truth = enclose_value(problem, 10)
    distance = abs(Fraction(estimate.value) - midpoint((truth.lower, truth.upper)))
    assert distance <= estimate.error + float(exact.to_fraction(truth.width))
    assert estimate.error <= error


def test_logits_hundreds_apart_do_not_overflow() -> None:
    problem = linear_problem(3, 3, 2, steepness=40, distance=400)
    estimate = expected_value(problem)
    assert math.isfinite(estimate.value)
    value, p, _, _ = by_panels(problem)
    assert estimate.value == pytest.approx(value, rel=1e-3)
    assert softmax_moments(problem).p == pytest.approx(p, abs=2e-2)


# ------------------------------------------------------------------------------------------------ errors are honest


@settings(max_examples=examples(25))
@given(st.integers(0, 10**6), st.integers(2, 4), st.sampled_from([1, 3, 10]), st.sampled_from([1, 5, 30]))
def test_values_in_one_dimension_lie_within_their_error(seed: int, K: int, steepness: int, distance: int) -> None:
    problem = linear_problem(seed, K, 1, steepness, distance)
    estimate = expected_value(problem)
    truth = enclose_value(problem, 18)
    assert truth.reached
    assert abs(Fraction(estimate.value) - midpoint((truth.lower, truth.upper))) <= estimate.error
    assert estimate.error <= 1e-11 * (1 + abs(estimate.value))


@settings(max_examples=examples(8))
@given(st.integers(0, 10**6), st.sampled_from([1, 3]))
def test_values_in_two_dimensions_lie_within_their_error(seed: int, steepness: int) -> None:
    problem = linear_problem(seed, 3, 2, steepness)
    estimate = expected_value(problem)
    assert abs(estimate.value - by_panels(problem)[0]) <= estimate.error + 1e-13
    assert estimate.error <= 3e-12


@settings(max_examples=examples(10))
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_moments_lie_within_their_error_of_ball_arithmetic(seed: int, K: int) -> None:
    problem = linear_problem(seed, K, 1)
    moments, balls = softmax_moments(problem, 2), enclose_moments(problem, 18, 2)
    for mine, theirs in ((moments.p, balls.p), (moments.first, balls.first), (moments.second, balls.second)):
        middle = np.array([float(ball.mid()) for ball in np.ravel(theirs)]).reshape(np.shape(theirs))
        assert np.abs(mine - middle).max() <= moments.error
    assert moments.error <= 1e-11


@pytest.mark.parametrize(("seed", "K", "rho"), [(1, 2, 1), (2, 3, 1), (3, 2, 2), (4, 3, 2)])
def test_quadratic_exponents_agree_with_panels(seed: int, K: int, rho: int) -> None:
    problem = curved_problem(seed, K, rho)
    estimate, moments = expected_value(problem), softmax_moments(problem, 2)
    value, p, first, second = by_panels(problem)
    assert abs(estimate.value - value) <= estimate.error + 1e-12
    for mine, truth in ((moments.p, p), (moments.first, first), (moments.second, second)):
        assert np.abs(mine - truth).max() <= moments.error + 1e-12
    assert moments.error <= 1e-10


def independent_axes(count: int, steepness: int) -> tuple[LogSumExp, list[LogSumExp]]:
    """A problem in `count` dimensions whose log-sum-exp is a sum of one-dimensional ones, which are returned too."""
    lines = [linear_problem(seed + 10, 2, 1, steepness) for seed in range(count)]
    labels = [tuple(code >> i & 1 for i in range(count)) for code in range(2**count)]
    weights = tuple(math.prod((line.weights[k[i]] for i, line in enumerate(lines)), start=fmpq(1)) for k in labels)
    scales = [line.covariance(0)[0, 0] for line in lines]
    centres = fmpq_mat(count, len(labels), [line.centres[0, k[i]] for i, line in enumerate(lines) for k in labels])
    slopes = fmpq_mat(count, len(labels), [line.linear[0, k[i]] for i, line in enumerate(lines) for k in labels])
    return LogSumExp(weights, centres, (exact.diagonal(scales),), slopes), lines


@pytest.mark.parametrize(("count", "error"), [(2, 1e-11), (3, 1e-10), (4, 1e-4), (5, 3e-2)])
def test_many_dimensions_report_what_they_reach(count: int, error: float) -> None:
    problem, lines = independent_axes(count, 1)
    budget = BUDGET if count < 4 else 2**17
    estimate = expected_value(problem, budget=budget)
    truth = sum(expected_value(line).value for line in lines)
    assert abs(estimate.value - truth) <= estimate.error <= error


@pytest.mark.parametrize("budget", [2**8, 2**12, 2**16])
def test_a_small_budget_gives_a_larger_error_and_still_an_honest_one(budget: int) -> None:
    problem = linear_problem(5, 4, 3, steepness=3)
    truth = expected_value(problem)
    rough = expected_value(problem, budget=budget)
    assert truth.error < rough.error
    assert abs(rough.value - truth.value) <= rough.error + truth.error


# ------------------------------------------------------------------------------------------------ closed forms


def rotated(points: list[tuple[int, int]]) -> fmpq_mat:
    """Rational points on the unit circle, as the columns of a 2 × K matrix."""
    columns = [(fmpq(a * a - b * b, a * a + b * b), fmpq(2 * a * b, a * a + b * b)) for a, b in points]
    return fmpq_mat(2, len(columns), [c[i] for i in range(2) for c in columns])


def test_the_true_posterior_averages_to_the_weights_and_the_means() -> None:
    """With H = I and centres equally long the exponents m_k·q are the posterior's: E p_k = w_k, E p_k q = w_k m_k."""
    weights = (fmpq(1, 2), fmpq(1, 3), fmpq(1, 6))
    centres = rotated([(1, 1), (2, 1), (1, -3)]) * 2
    first = exact.submatrix(centres, [0, 1], [0])
    problem = LogSumExp(weights, centres, (exact.identity(2),), centres - first * fmpq_mat(1, 3, [1, 1, 1]))
    moments, w, m = softmax_moments(problem), np.array([1 / 2, 1 / 3, 1 / 6]), floats(centres)
    assert w @ moments.p == pytest.approx(w, abs=1e-14)
    means = np.einsum("j,jk,aj->ka", w, moments.p, m) + np.einsum("j,jka->ka", w, moments.first)
    assert means == pytest.approx((m * w).T, abs=1e-13)


def test_the_true_posterior_of_separate_covariances_averages_to_the_weights_and_covariances() -> None:
    """Covariances of equal determinant about 0: the exponents −½qᵀH_k⁻¹q are the posterior's."""
    weights = (fmpq(1, 4), fmpq(3, 4))
    covariances = (exact.diagonal([fmpq(2), fmpq(1, 2)]), exact.diagonal([fmpq(1, 3), fmpq(3)]))
    bends = (exact.zeros(2, 2), covariances[0].inv() - covariances[1].inv())
    problem = LogSumExp(weights, exact.zeros(2, 2), covariances, exact.zeros(2, 2), bends)
    moments, w = softmax_moments(problem, 2), np.array([1 / 4, 3 / 4])
    assert w @ moments.p == pytest.approx(w, abs=1e-12)
    for k in range(2):
        assert np.einsum("j,jab->ab", w, moments.second[:, k]) == pytest.approx(
            w[k] * floats(covariances[k]), abs=1e-12
        )


def test_softmax_shares_sum_to_one_and_moments_to_the_component() -> None:
    problem = linear_problem(8, 4, 3)
    moments = softmax_moments(problem, 2, budget=2**18)
    assert moments.p.sum(axis=1) == pytest.approx(np.ones(4), abs=moments.error)
    assert moments.first.sum(axis=1) == pytest.approx(np.zeros((4, 3)), abs=4 * moments.error)
    H = np.broadcast_to(floats(problem.covariance(0)), (4, 3, 3))
    assert moments.second.sum(axis=1) == pytest.approx(H, abs=4 * moments.error)


def test_exponents_that_do_not_vary_need_no_integral() -> None:
    weights = (fmpq(1, 3), fmpq(2, 3))
    empty = LogSumExp(weights, fmpq_mat(0, 2), (fmpq_mat(0, 0),), fmpq_mat(0, 2))
    assert expected_value(empty).value == pytest.approx(0, abs=1e-15)
    assert softmax_moments(empty).p == pytest.approx(np.array([[1 / 3, 2 / 3]] * 2), abs=1e-15)
    one = LogSumExp((fmpq(1),), fmpq_mat(1, 1, [5]), (exact.identity(1),), fmpq_mat(1, 1))
    assert expected_value(one).value == pytest.approx(0, abs=1e-15)


# ------------------------------------------------------------------------------------------------ invariance, batches


@settings(max_examples=examples(15))
@given(st.integers(0, 10**6), st.integers(1, 2))
def test_linear_changes_of_coordinates_change_nothing(seed: int, rho: int) -> None:
    problem = linear_problem(seed, 3, rho)
    T = invertible_matrix(Seeded(random.Random(seed)), rho)
    moved = problem.transformed(T)
    one, other = expected_value(problem), expected_value(moved)
    assert abs(one.value - other.value) <= one.error + other.error
    there, back = softmax_moments(moved, 2), softmax_moments(problem, 2)
    t = floats(T)
    assert there.first == pytest.approx(back.first @ t.T, abs=1e-11 * (1 + np.linalg.norm(t)))
    assert there.second == pytest.approx(t @ back.second @ t.T, abs=1e-11 * (1 + np.linalg.norm(t) ** 2))


def test_an_ill_conditioned_covariance_costs_no_accuracy() -> None:
    """A shear of condition 10²⁴ in exact coordinates leaves the value as it is."""
    problem = linear_problem(4, 3, 2)
    shear = fmpq_mat(2, 2, [1, 10**6, 0, fmpq(1, 10**6)])
    assert expected_value(problem.transformed(shear)).value == pytest.approx(expected_value(problem).value, abs=1e-13)


def test_a_batch_equals_its_members() -> None:
    rng = np.random.default_rng(1)
    offsets, slopes = rng.standard_normal((5, 3, 3)), rng.standard_normal((5, 3, 2))
    rule = Lattice(plan_lattice(np.ptp(slopes, axis=1).max(axis=0), 2, 1e-12))
    together = softmax_sums(offsets, slopes, rule, order=2, pairs=True)
    for i in range(5):
        alone = softmax_sums(offsets[i], slopes[i], rule, order=2, pairs=True)
        for name in ("value", "moments", "pairs"):
            assert getattr(together, name)[i] == pytest.approx(getattr(alone, name), abs=1e-14)


def test_pair_moments_are_those_of_products_of_shares() -> None:
    """Σ_l E[p_k p_l m] = E[p_k m], and E[p_1 p_2] = E p_1 − E p_1² by hand on one node."""
    rng = np.random.default_rng(2)
    offsets, slopes = rng.standard_normal((2, 3)), rng.standard_normal((3, 1))
    rule = Lattice(plan_lattice(np.ptp(slopes, axis=0), 2, 1e-13))
    sums = softmax_sums(offsets, slopes, rule, order=2, pairs=True)
    k, el = np.triu_indices(3)
    full = np.zeros((2, 3, 3, 3))
    full[:, k, el] = full[:, el, k] = sums.pairs
    assert full.sum(axis=2) == pytest.approx(sums.moments, abs=1e-13)


def test_steep_and_mild_routes_agree() -> None:
    """Offsets that spread beyond e^±300 take each component's own maximum; adding them to one component shows both."""
    rng = np.random.default_rng(3)
    offsets, slopes = rng.standard_normal((2, 3)), rng.standard_normal((3, 2))
    rule = Lattice(plan_lattice(np.ptp(slopes, axis=0), 2, 1e-12))
    mild = softmax_sums(offsets, slopes, rule, order=1)
    steep = softmax_sums(np.concatenate([offsets, [[0.0, 500.0, -500.0]]]), slopes, rule, order=1)
    assert steep.value[:2] == pytest.approx(mild.value, abs=1e-13)
    assert steep.moments[:2] == pytest.approx(mild.moments, abs=1e-14)
    assert steep.value[2] == pytest.approx(500.0, abs=1e-12)


# ------------------------------------------------------------------------------------------------ rules


def whole(rule: Lattice) -> tuple[np.ndarray, np.ndarray]:
    chunks = list(rule.chunks(100))
    return np.concatenate([nodes for nodes, _ in chunks]), np.concatenate([weights for _, weights in chunks])


@pytest.mark.parametrize("spreads", [(0.0,), (2.0, 0.3), (5.0, 1.0, 0.1)])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-13])
def test_a_lattice_has_the_normal_moments(spreads: tuple[float, ...], tolerance: float) -> None:
    rule = Lattice(plan_lattice(np.array(spreads), 2, tolerance))
    nodes, weights = whole(rule)
    assert weights.sum() == pytest.approx(1, abs=rule.error + 1e-14)
    assert np.einsum("n,na,nb->ab", weights, nodes, nodes) == pytest.approx(
        np.eye(len(spreads)), abs=rule.error + 1e-13
    )
    assert rule.error <= 10 * tolerance
    assert len(weights) == pytest.approx(rule.plan.size, rel=0.5)


def test_a_shifted_lattice_integrates_the_same() -> None:
    plan = plan_lattice(np.array([2.0]), 1, 1e-12)
    (nodes, weights), (moved, others) = whole(Lattice(plan)), whole(Lattice(plan, 0.5))
    assert weights @ np.tanh(nodes[:, 0] + 0.3) == pytest.approx(others @ np.tanh(moved[:, 0] + 0.3), abs=2e-12)
    assert not np.isin(moved, nodes).any()


def test_randomised_points_are_normal_and_reproducible() -> None:
    rule = sobol(3, 10, seed=4)
    assert np.array_equal(rule.nodes, sobol(3, 10, seed=4).nodes)
    assert not np.array_equal(rule.nodes, sobol(3, 10, seed=5).nodes)
    assert np.cov(rule.nodes.T) == pytest.approx(np.eye(3), abs=0.05)


@pytest.mark.parametrize("far", [10**4, 10**6, 10**8, 10**10])
def test_exponents_that_are_large_and_agree_widen_the_error(far):
    """Two logits that differ by a constant, both `far`²/3: rounding one of them moves the softmax."""
    linear = fmpq_mat(1, 3, [0, fmpq(far, 3), fmpq(far, 3) + fmpq(1, far)])
    weights = (fmpq(1, 10), fmpq(2, 10), fmpq(7, 10))
    posed = LogSumExp(weights, fmpq_mat(1, 3, [0, far, far]), (fmpq_mat(1, 1, [1]),), linear)
    found, balls = softmax_moments(posed), enclose_moments(posed, 25)
    assert balls.reached
    apart = max(abs(float(x) - y) for x, y in zip(balls.p.flat, found.p.flat, strict=True))
    assert apart <= found.error
    assert apart > 1e-11
