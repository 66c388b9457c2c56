"""Empirical losses: their gradients, their limits, and where training ends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from thmverify import exact
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import CLIPFactors, Encoder
from thmverify.minimize import minimise
from thmverify.minimize.simsiam import Equations
from thmverify.models import CLIPGMM, AugmentedPairs, Instance, SharedGMM
from thmverify.reports.experiments import laws, training
from thmverify.reports.experiments.metrics import outside
from thmverify.reports.experiments.training import Sample

WEIGHTS = [Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)]
MEANS = [[1, 1, 0], [-2, 0, 0], ["1/2", "-5/2", 0]]
COVARIANCE = [[1, 0, "1/2"], [0, 2, 0], ["1/2", 0, 3]]


def rational(rows):
    return [[Fraction(x) for x in row] for row in rows]


MIXTURE = SharedGMM(WEIGHTS, rational(MEANS), rational(COVARIANCE))
TEXT = SharedGMM(WEIGHTS, rational([[2, 0], [-1, 1], ["-7/2", "-3/2"]]))
PAIRS = Instance(AugmentedPairs(MIXTURE, Fraction(4, 5)), 2, Fraction(1, 100))
CAPTIONS = Instance(CLIPGMM(MIXTURE, TEXT, Fraction(9, 10)), 2)
A = np.array([[0.3, -0.1], [0.2, 0.25], [-0.05, 0.1]])
A_T = np.array([[0.2, 0.1], [-0.1, 0.3]])


def central(loss, at, step=1e-6):
    """The gradient of a function of a matrix by central differences."""
    found = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        move = np.zeros_like(at)
        move[place] = step
        found[place] = (loss(at + move) - loss(at - move)) / (2 * step)
    return found


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_the_gradient_of_infonce(rng):
    s = laws.draw(PAIRS, 30, rng)
    _, gradient = training.info_nce(A, s.x, s.partner)
    np.testing.assert_allclose(
        gradient, central(lambda a: training.info_nce(a, s.x, s.partner)[0], A), rtol=1e-6, atol=1e-8
    )


def test_the_gradients_of_clip(rng):
    s = laws.draw(CAPTIONS, 30, rng)
    _, along_V, along_T = training.clip(A, A_T, s.x, s.partner)
    by_V = central(lambda a: training.clip(a, A_T, s.x, s.partner)[0], A)
    by_T = central(lambda a: training.clip(A, a, s.x, s.partner)[0], A_T)
    np.testing.assert_allclose(along_V, by_V, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(along_T, by_T, rtol=1e-6, atol=1e-8)


def test_the_gradients_of_simsiam(rng):
    R, C = training.second_moments(laws.draw(PAIRS, 30, rng))
    P, target = np.array([[0.4, 0.1], [-0.2, 0.6]]), C @ A
    _, along_A, along_P = training.sim_siam(A, P, R, target, 0.1)
    by_A = central(lambda a: training.sim_siam(a, P, R, target, 0.1)[0], A)
    by_P = central(lambda p: training.sim_siam(A, p, R, target, 0.1)[0], P)
    np.testing.assert_allclose(along_A, by_A, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(along_P, by_P, rtol=1e-6, atol=1e-8)


def test_simsiam_is_the_mean_over_the_sample(rng):
    s = laws.draw(PAIRS, 40, rng)
    P = np.array([[0.4, 0.1], [-0.2, 0.6]])
    z = s.partner @ A
    by_points = np.mean(np.sum((s.x @ A @ P.T - z) ** 2, axis=1)) / 2 - np.mean(np.sum(z**2, axis=1)) / 2
    R, target = s.x.T @ s.x / 40, s.x.T @ z / 40
    assert training.sim_siam(A, P, R, target, 0.0)[0] == pytest.approx(by_points, rel=1e-12)


def test_empirical_losses_tend_to_the_population_losses(rng):
    """Batches of n points: the mean over many is the population loss up to a bias of order 1/n."""
    factor = exact.matrix([[Fraction(x).limit_denominator(1000) for x in row] for row in A.tolist()])
    text = exact.matrix([[Fraction(x).limit_denominator(1000) for x in row] for row in A_T.tolist()])
    truth = float64_value(LOSSES["infonce"], PAIRS, Encoder(factor)).value
    both = float64_value(LOSSES["clip"], CAPTIONS, CLIPFactors(factor, text)).value
    errors = {}
    for n, batches in ((50, 400), (800, 25)):
        pairs = [laws.draw(PAIRS, n, rng) for _ in range(batches)]
        captions = [laws.draw(CAPTIONS, n, rng) for _ in range(batches)]
        infonce = np.array([training.info_nce(A, s.x, s.partner)[0] for s in pairs]) - truth
        clip = np.array([training.clip(A, A_T, s.x, s.partner)[0] for s in captions]) - both
        for name, found in (("infonce", infonce), ("clip", clip)):
            errors[name, n] = abs(found.mean()) - 4 * found.std() / np.sqrt(batches)
    assert all(errors[name, 800] <= 2 / 800 for name in ("infonce", "clip"))
    assert all(errors[name, 50] <= 2 / 50 for name in ("infonce", "clip"))


def test_infonce_trained_on_many_pairs_nears_the_population_minimiser(rng):
    population = minimise("infonce", PAIRS).maps["M"]
    gaps = []
    for n in (250, 2500):
        trained = training.train_info_nce(laws.draw(PAIRS, n, rng), 2, rng)
        gaps.append(np.linalg.norm(trained @ trained.T - population) / np.linalg.norm(population))
    assert gaps[1] < 0.12
    assert gaps[1] < gaps[0]


def test_clip_trained_on_many_pairs_nears_the_population_minimiser(rng):
    population = minimise("clip", CAPTIONS).maps["W"]
    A_V, B_T = training.train_clip(laws.draw(CAPTIONS, 2500, rng), 2, rng)
    assert np.linalg.norm(A_V @ B_T.T - population) < 0.15 * np.linalg.norm(population)
    np.testing.assert_allclose(A_V.T @ A_V, B_T.T @ B_T, atol=1e-10)


def test_training_ends_where_the_gradient_vanishes(rng):
    s = laws.draw(PAIRS, 300, rng)
    a = training.train_info_nce(s, 2, rng)
    _, gradient = training.info_nce(a, s.x, s.partner)
    assert np.abs(gradient).max() < 1e-3


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_simsiam_ends_at_a_stationary_point(columns, rng):
    """With the best predictor for the encoder found, both equations of the population module hold on the sample."""
    decay = 0.01
    s = laws.draw(PAIRS, 2000, rng)
    R, C = training.second_moments(s)
    a = training.train_sim_siam(s, columns, decay, rng)
    P = np.linalg.solve((a.T @ R @ a + decay * np.eye(columns)).T, (a.T @ C @ a).T).T
    along_A, along_P = Equations(R, C, decay).residual(a, P)
    assert np.abs(along_P).max() < 1e-9
    assert np.abs(along_A).max() < 2e-3
    assert np.linalg.norm(a) > 0.1  # not the collapsed one


def test_balancing_keeps_the_product(rng):
    left, right = rng.standard_normal((4, 2)), rng.standard_normal((3, 2))
    a, b = training.balanced(left, right)
    np.testing.assert_allclose(a @ b.T, left @ right.T, atol=1e-12)
    np.testing.assert_allclose(a.T @ a, b.T @ b, atol=1e-12)


def test_closed_forms_minimise_their_empirical_losses(rng):
    s = laws.draw(PAIRS, 500, rng)
    R, C = training.second_moments(s)

    def spectral(a):
        M = a @ a.T
        return -2 * np.sum(C * M) + np.trace(M @ R @ M @ R)

    best = training.fit_spectral(s, 2)
    moved = [best + 0.01 * rng.standard_normal(best.shape) for _ in range(20)]
    assert all(spectral(best) <= spectral(a) for a in moved)
    top = training.fit_pca(s.x, 2)
    variance = np.trace(top.T @ s.x.T @ s.x @ top)
    other = [training.random_projection(3, 2, rng) for _ in range(20)]
    assert all(variance >= np.trace(a.T @ s.x.T @ s.x @ a) for a in other)
    np.testing.assert_allclose(top.T @ top, np.eye(2), atol=1e-12)


def test_fisher_and_the_mean_subspace_are_estimated_from_labels(rng):
    labels = MIXTURE.sample_labels(20_000, rng)
    x = MIXTURE.sample_given(labels, rng)
    assert outside(training.fit_fisher(x, labels, 2), laws.fisher_basis(MIXTURE)) < 0.05
    plane = np.linalg.qr(np.array(MIXTURE.means, dtype=float).T[:, :2])[0]
    assert outside(training.fit_means(x, labels, 2), plane) < 0.05


@pytest.mark.parametrize(("bias", "share"), [(Fraction(1), 1.0), (Fraction(1, 2), 0.5), (Fraction(0), 0.0)])
def test_partners_come_from_the_same_component_with_probability_delta(bias, share, rng):
    far = SharedGMM([Fraction(1, 2)] * 2, [[-100], [100]])
    s = laws.draw(Instance(AugmentedPairs(far, bias), 1), 4000, rng)
    assert np.mean(np.sign(s.x) == np.sign(s.partner)) == pytest.approx((1 + share) / 2, abs=0.03)
    assert np.array_equal(s.x[:, 0] > 0, s.labels == 1)


def test_test_points_are_paired_whatever_the_bias(rng):
    far = SharedGMM([Fraction(1, 2)] * 2, [[-100], [100]])
    s = laws.draw_test(Instance(AugmentedPairs(far, Fraction(0)), 1), 200, rng)
    assert isinstance(s, Sample)
    assert np.array_equal(np.sign(s.x), np.sign(s.partner))
