"""The parts that a formula is made of: matrices with derivatives, log-sum-exps with a law of their own, scores."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
import scipy
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.engine.support import contains, floats, interval
from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate import scores_enclosure, scores_float64, scores_multiprecision
from thmverify.integrate.scores import Pair, Scores
from thmverify.losses import LOSSES, Loss, Sense
from thmverify.losses.expectations import (
    Matrix,
    Variables,
    expressed,
    log_mean_exp,
    log_sum_exp,
    negative_pairs,
    softplus_mean,
)
from thmverify.losses.levels import enclose, enclosed_gradient, float64_gradient, float64_value, multiprecision_value
from thmverify.losses.matrices import beside, pulled_back
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Instance
from thmverify.testing import Seeded, examples, gmm, rational_matrices, shared_gmm

# ------------------------------------------------------------------------------------------------ matrices


FUNCTIONS = {
    "sum": lambda X, Y: (X + Y - 3 * X).total(),
    "product": lambda X, Y: (X @ Y.T @ X @ Y).trace() if X.shape[0] == X.shape[1] else (X @ Y.T).trace(),
    "entries": lambda X, Y: (X * Y * X + X * Fraction(1, 3)).total(),
    "quotient": lambda X, Y: (X / (Y * Y + 1) + 2 / (X * X + 1)).total(),
    "inverse": lambda X, Y: (X.T @ (X @ X.T + Y @ Y.T + exact.identity(X.shape[0])).inverse() @ Y).trace(),
    "diagonal": lambda X, Y: ((X @ Y.T).diagonal() * (Y @ X.T).diagonal()).total() - (X @ X.T).trace(),
    "number": lambda X, Y: (X * (X * Y).total() - Y).total(),
    "beside": lambda X, Y: (beside([X, Y]) @ beside([Y, X]).T).trace(),
    "constant": lambda X, Y: (1 - X).total() * 0 + (5 - Y @ fmpq_mat(Y.shape[1], 1, [1] * Y.shape[1])).total(),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
@given(st.data())
@settings(max_examples=examples(15))
def test_a_derivative_is_that_of_the_function(function, data) -> None:
    """Along X + tD and Y + tE, to a difference at a step of 10⁻³⁰, exactly evaluated."""
    rows, columns = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    X, Y, D, E = (data.draw(rational_matrices(rows, columns)) for _ in range(4))
    h = fmpq(1, 10**30)
    ahead, behind = (function(Matrix(X + D * t), Matrix(Y + E * t)).scalar for t in (h, -h))
    one, two = Matrix(X), Matrix(Y)
    start = np.array([[fmpq(1)]], dtype=object)
    found = pulled_back([(function(one, two), start)], lambda m: np.array(m.tolist(), dtype=object))
    claimed = fmpq(0)
    for variable, direction in ((one, D), (two, E)):
        derivative = found.get(id(variable))
        if derivative is not None:
            claimed += sum((x * d for x, d in zip(derivative.flat, direction.entries(), strict=True)), fmpq(0))
    assert abs((ahead - behind) / (2 * h) - claimed) < fmpq(1, 10**20) * (1 + abs(claimed))


def test_a_wrong_derivative_would_be_seen() -> None:
    """The gradient of tr XᵀX is 2X, not X: the comparison above bites."""
    X = Matrix(fmpq_mat([[1, 2]]))
    found = pulled_back([((X @ X.T).trace(), np.array([[fmpq(1)]]))], lambda m: np.array(m.tolist(), dtype=object))
    assert [*found[id(X)].flat] == [2, 4]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda X: X @ X, "do not multiply"),
        (lambda X: X + Matrix(fmpq_mat(3, 1)), "differ in shape"),
        (lambda X: 1 / X, "makes a denominator of the loss 0"),
        (lambda X: (X @ X.T).inverse(), "makes a matrix of the loss singular"),
        (lambda X: X.inverse(), "makes a matrix of the loss singular"),
        (lambda X: X.scalar, "is not a number"),
    ],
)
def test_what_is_not_defined_is_refused(wrong, words) -> None:
    with pytest.raises(InputError, match=words):
        wrong(Matrix(fmpq_mat([[1, 0, 2], [2, 0, 4]])))


# ------------------------------------------------------------------------------------------------ log-sum-exp


def loss_of(formula) -> Loss:
    """Return a loss of the encoder A from a formula, as an author would."""
    value, gradient = expressed(formula, Variables(lambda _, linear_map: {"A": linear_map.A}))
    return Loss(
        name="one",
        title="One",
        formula="x",
        sense=Sense.MINIMISED,
        normalisation="none",
        models=("shared-gmm", "gmm"),
        maps=(Encoder,),
        map_shape='{"A": …}',
        value=value,
        gradient=gradient,
        example=("a", "b"),
    )


def tilted(instance, _, A):
    """Three terms, whatever the law has, with weights that do not sum to 1 and constants that depend on the map."""
    law = instance.pairs.mixture
    directions = fmpq_mat(A.shape[1], 3, [fmpq(n % 5 - 2, 2) for n in range(3 * A.shape[1])])
    constants = (A.T @ A).trace() * fmpq_mat([[0, 1, -1]]) * Fraction(1, 4)
    bends = [A @ A.T * Fraction(k, -6) for k in range(3)]
    return 3 * log_sum_exp(law, A @ directions, bends, [1, Fraction(1, 2), 3], constants)


def by_nodes(instance, A: np.ndarray) -> float:
    """`tilted` in one dimension by Gauss–Hermite, term by term as it is written."""
    x, share = np.polynomial.hermite_e.hermegauss(120)
    law, total = instance.pairs.mixture, 0.0
    directions = np.array([n % 5 - 2 for n in range(3 * A.shape[1])]).reshape(A.shape[1], 3) / 2
    c = float((A**2).sum()) * np.array([0, 1, -1]) / 4
    for j, w in enumerate(law.weights):
        v = float(law.means[j][0]) + x * float(law.covariances[j][0][0]) ** 0.5
        exponents = c + np.outer(v, (A @ directions)[0]) - np.outer(v**2, np.arange(3)) * float((A**2).sum()) / 12
        total += float(w) * float(share @ np.log(np.exp(exponents) @ np.array([1, 0.5, 3]))) / share.sum()
    return 3 * total


@pytest.mark.parametrize("components", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_sum_with_weights_and_constants_of_its_own(components: int, seed: int) -> None:
    source = Seeded(random.Random(seed))
    make = shared_gmm if seed == 0 else gmm
    instance = Instance(AugmentedPairs(make(source, components, 1, hostile=False)), 1)
    A = Encoder(exact.matrix([[Fraction(2, 3), Fraction(-1, 4)]]))
    loss = loss_of(tilted)
    truth = enclose(loss, instance, A, 15)
    assert truth.reached, truth.note
    assert contains(truth, by_nodes(instance, floats(A.A)), Fraction(1, 10**9))
    estimate = float64_value(loss, instance, A)
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert contains(truth, multiprecision_value(loss, instance, A, 10), fmpq(1, 10**9))
    check_gradient(loss, instance, A)


def check_gradient(loss: Loss, instance: Instance, linear_map: Encoder) -> None:
    """Compare balls and floats of ∂L/∂A with differences of enclosures, entry by entry."""
    balls, reached = enclosed_gradient(loss, instance, linear_map, 18)
    assert reached
    estimate = float64_gradient(loss, instance, linear_map)
    h = fmpq(1, 10**12)
    for i in range(linear_map.A.nrows()):
        for j in range(linear_map.A.ncols()):
            ends = []
            for sign in (1, -1):
                A = fmpq_mat(linear_map.A)
                A[i, j] += h * sign
                ends.append(enclose(loss, instance, Encoder(A), 32))
            low, high = (
                (ends[0].lower - ends[1].upper) / (2 * h),
                (ends[0].upper - ends[1].lower) / (2 * h),
            )
            slack = fmpq(1, 10**15) * (1 + abs(low))
            ball = interval(balls["A"][i, j])
            assert ball.lower - slack <= high
            assert low <= ball.upper + slack
            assert contains(ball, float(estimate.derivatives["A"][i, j]), Fraction(estimate.error))


def test_terms_that_do_not_depend_on_the_point_are_a_logarithm() -> None:
    """log(1 + ½e^{¼} + 3e^{−¼}) + log of nothing else: no integral, at every level, with its derivative."""
    instance = Instance(AugmentedPairs(shared_gmm(Seeded(random.Random(1)), 2, 2, hostile=False)), 1)

    def formula(given_instance, _, A):
        flat = Matrix(exact.zeros(2, 3))
        constants = (A.T @ A).trace() * fmpq_mat([[0, 1, -1]])
        return log_sum_exp(given_instance.pairs.mixture, flat, None, [1, Fraction(1, 2), 3], constants)

    loss, A = loss_of(formula), Encoder(exact.matrix([[Fraction(1, 2)], [0]]))
    expected = float(np.log(1 + 0.5 * np.exp(0.25) + 3 * np.exp(-0.25)))
    truth = enclose(loss, instance, A, 25)
    assert truth.reached
    assert contains(truth, expected, Fraction(1, 10**14))
    assert float64_value(loss, instance, A).value == pytest.approx(expected, abs=1e-13)
    assert float(multiprecision_value(loss, instance, A, 20)) == pytest.approx(expected, abs=1e-13)
    check_gradient(loss, instance, A)


def test_a_common_factor_of_the_weights_is_its_logarithm() -> None:
    instance = Instance(AugmentedPairs(shared_gmm(Seeded(random.Random(2)), 3, 2, hostile=False)), 1)
    A = Encoder(exact.matrix([[Fraction(1, 2)], [Fraction(-1, 3)]]))

    def scaled(factor):
        def formula(given_instance, _, A):
            law = given_instance.pairs.mixture
            return log_mean_exp(law, A @ A.T, weights=[w * factor for w in law.w])

        return enclose(loss_of(formula), instance, A, 20)

    one, seven = scaled(1), scaled(7)
    assert contains(seven, one.lower, exact.to_fmpq(Fraction(repr(float(np.log(7))))) + fmpq(1, 10**14))
    assert float(exact.to_fraction(seven.lower - one.lower)) == pytest.approx(np.log(7), abs=1e-14)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (lambda i, _, A: log_sum_exp(i.pairs.mixture, A, weights=[1, 2]), "do not belong together"),
        (lambda i, _, A: log_sum_exp(i.pairs.mixture, A, weights=[0]), "are not all > 0"),
        (lambda i, _, A: softplus_mean(negative_pairs(i.pairs.mixture), A), "do not belong to a law"),
        (lambda i, _, A: A, "is not a number"),
        (lambda i, _, A: "infonce", "is no part of a loss"),
    ],
)
def test_formulas_that_are_none_are_refused(formula, words: str) -> None:
    instance = Instance(AugmentedPairs(shared_gmm(Seeded(random.Random(2)), 3, 2, hostile=False)), 1)
    with pytest.raises(InputError, match=words):
        loss_of(formula).value(instance, Encoder(exact.matrix([[1], [2]])))


def test_a_weighted_infonce_at_its_defaults_is_infonce() -> None:
    source = Seeded(random.Random(4))
    instance = Instance(AugmentedPairs(gmm(source, 3, 2, hostile=False), Fraction(2, 3)), 1)
    A = Encoder(exact.matrix([[Fraction(1, 2)], [Fraction(-1, 3)]]))
    one, two = (enclose(LOSSES[name], instance, A, 20) for name in ("infonce", "infonce-weighted"))
    assert (one.lower, one.upper) == (two.lower, two.upper)
    ours, other = (float64_gradient(LOSSES[n], instance, A).derivatives["M"] for n in ("infonce", "infonce-weighted"))
    assert ours == pytest.approx(other, abs=1e-13)


# ------------------------------------------------------------------------------------------------ scores


def pair(a, G, b, H, weight=1) -> Pair:
    return Pair(fmpq(1) * weight, exact.matrix(a), exact.matrix(G), exact.matrix(b), exact.matrix(H))


LINES = [
    ([[1]], [[1]], [[Fraction(1, 2)]], [[2]], Fraction(-1, 2)),
    ([[0]], [[1]], [[0]], [[1]], Fraction(0)),
    ([[5]], [[Fraction(1, 10)]], [[-3]], [[Fraction(1, 5)]], Fraction(4)),
    ([[Fraction(1, 3)]], [[9]], [[2]], [[4]], Fraction(1)),
]


@pytest.mark.parametrize(("a", "G", "b", "H", "c"), LINES)
def test_scores_on_the_line_against_nodes_in_the_plane(a, G, b, H, c) -> None:
    """E over p of E over z | p ~ N(c + pb, p²H), by Gauss–Legendre on both: no characteristic function."""
    problem = Scores(exact.to_fmpq(c), (pair(a, G, b, H),))
    x, share = np.polynomial.legendre.leggauss(600)
    x, share = 9.5 * x, 9.5 * share * np.exp(-((9.5 * x) ** 2) / 2) / np.sqrt(2 * np.pi)
    p = float(a[0][0]) + x * float(G[0][0]) ** 0.5
    q = float(b[0][0]) + x * float(H[0][0]) ** 0.5
    z = float(c) + np.outer(p, q)
    weights = np.outer(share, share)
    sigma = np.exp(-np.logaddexp(0, -z))
    expected = {
        "value": float((weights * np.logaddexp(0, z)).sum()),
        "zeroth": float((weights * sigma).sum()),
        "left": float((weights * sigma * (p - float(a[0][0]))[:, None]).sum()),
        "right": float((weights * sigma * (q - float(b[0][0]))).sum()),
        "both": float((weights * sigma * np.outer(p - float(a[0][0]), q - float(b[0][0]))).sum()),
    }
    truth = scores_enclosure.enclose_softplus(problem, 20)
    assert truth.reached
    assert contains(truth, expected["value"], Fraction(1, 10**9))
    estimate = scores_float64.expected_softplus(problem)
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert estimate.error < 1e-12
    assert contains(truth, scores_multiprecision.expected_softplus(problem, 12), fmpq(1, 10**11))
    balls, floating = scores_enclosure.enclose_score_moments(problem, 14), scores_float64.score_moments(problem)
    assert balls.reached
    for name in ("zeroth", "left", "right", "both"):
        ball = interval(getattr(balls, name).flat[0])
        assert contains(ball, expected[name], Fraction(1, 10**8))
        assert contains(ball, float(getattr(floating, name).flat[0]), Fraction(floating.error))


def test_scores_of_higher_rank_and_mpmath() -> None:
    rng = random.Random(7)

    def draw(rows: int, columns: int) -> list[list[Fraction]]:
        return [[Fraction(rng.randint(-4, 4), 4) for _ in range(columns)] for _ in range(rows)]

    def definite(n: int) -> list[list[Fraction]]:
        m = exact.matrix(draw(n, n))
        return exact.to_rows(m * m.transpose() + exact.identity(n) * fmpq(1, 2))

    pairs = tuple(pair(draw(2, 1), definite(2), draw(2, 1), definite(2), w) for w in (fmpq(1, 4), fmpq(3, 4)))
    problem = Scores(fmpq(1, 3), pairs)
    truth = scores_enclosure.enclose_softplus(problem, 15)
    assert truth.reached
    assert contains(truth, scores_multiprecision.expected_softplus(problem, 10), fmpq(1, 10**9))
    balls, other = scores_enclosure.enclose_score_moments(problem, 12), scores_float64.score_moments(problem)
    floating = scores_float64.expected_softplus(problem)
    assert contains(truth, floating.value, Fraction(floating.error))
    for name in ("zeroth", "left", "right", "both"):
        for ball, x in zip(getattr(balls, name).flat, getattr(other, name).flat, strict=True):
            assert contains(interval(ball), float(x), Fraction(other.error))
    found = scores_multiprecision.score_moments(Scores(problem.constant, pairs[:1]), 4)
    for name in ("zeroth", "left", "right", "both"):
        for ball, x in zip(getattr(balls, name)[:1].flat, getattr(found, name).flat, strict=True):
            assert contains(interval(ball), x, fmpq(1, 10**4))


@pytest.mark.parametrize("scale", [10, 10**3, 10**5, 10**7])
def test_large_scores_are_enclosed_all_the_same(scale: int) -> None:
    """z ~ scale · (1 + u)(1 + v): bounds hold, and say so where they are wide."""
    problem = Scores(fmpq(0), (pair([[1]], [[1]], [[scale]], [[scale**2]]),))
    truth = scores_enclosure.enclose_softplus(problem, 12)
    assert truth.lower <= truth.upper
    assert truth.reached or truth.note
    estimate = scores_float64.expected_softplus(problem)
    assert contains(truth, estimate.value, Fraction(estimate.error))
    moments = scores_float64.score_moments(problem)
    u = np.random.default_rng(1).standard_normal((2, 200_000))
    sigma = scipy.special.expit(scale * (1 + u[0]) * (1 + u[1]))
    for found, g in ((moments.zeroth[0], 1), (moments.left[0, 0], u[0]), (moments.both[0, 0, 0], scale * u[0] * u[1])):
        assert abs(found - np.mean(sigma * g)) <= moments.error + 0.01 * np.std(sigma * g) + 1e-12


@pytest.mark.parametrize("mean", [-2000, 2000])
def test_far_scores_are_almost_linear(mean: int) -> None:
    """A score that is nearly certain: softplus z = z₊ up to e^{−|z|}."""
    tiny = Fraction(1, 10**8)
    problem = Scores(fmpq(0), (pair([[1]], [[tiny]], [[mean]], [[tiny]]),))
    truth = scores_enclosure.enclose_softplus(problem, 10)
    assert truth.reached
    assert contains(truth, float(max(mean, 0)), Fraction(1, 10**6))
