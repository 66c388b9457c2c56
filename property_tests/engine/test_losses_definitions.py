"""Each loss against its definition, integrated node by node: no closed form shared with the engine, and no noise.

In d ≤ 2 the definition's double integral over x and y is a sum over Gauss–Hermite nodes; two orders show its error. The
definitions on samples, of every loss, are in `definitions.py` and `test_losses_conform.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np
import pytest

from property_tests.engine.support import contains, enclose, floats
from thmverify import exact
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.testing import Posed, Seeded, posed

SIGMAS = 6


def question_of(loss: str, seed: int, **options: object) -> Posed:
    """Return a tame, not trivial, question: the first of this seed's whose loss is not 0."""
    source = Seeded(random.Random(seed))
    while True:
        question = posed(source, loss, hostile=False, **options)  # type: ignore[arg-type]
        if not contains(enclose(question, 5), 0.0, Fraction(1, 20)):
            return question


@pytest.mark.parametrize("seed", range(20))
def test_fisher_is_the_ratio_in_whitened_coordinates(seed):
    """J(A) = tr(Qᵀ Σ̄^{-1/2} S Σ̄^{-1/2} Q), Q an orthonormal basis of Col(Σ̄^{1/2} A): no inverse of AᵀΣ̄A."""
    question = posed(Seeded(random.Random(seed)), "fisher", shared=None, hostile=False)
    mixture = question.instance.pairs.mixture
    values, vectors = np.linalg.eigh(floats(mixture.sigma_bar))
    root, inverse = (vectors * values**p @ vectors.T for p in (0.5, -0.5))
    U, singular, _ = np.linalg.svd(root @ floats(question.linear_map.A), full_matrices=False)
    Q = U[:, singular > 1e-10]
    assert Q.shape[1] == question.linear_map.A.rank()
    expected = np.trace(Q.T @ inverse @ floats(mixture.S) @ inverse @ Q)
    assert contains(enclose(question, 15), float(expected), Fraction(1, 10**8))


@pytest.mark.parametrize("seed", range(4))
def test_fisher_is_the_spread_of_projected_class_means_over_the_noise(seed):
    """For r = 1, J = E (aᵀμ_z)² / E (aᵀ(x − μ_z))², sampled with labels."""
    source = Seeded(random.Random(seed))
    question = posed(source, "fisher", shared=None, hostile=False)
    mixture = question.instance.pairs.mixture
    a = floats(question.linear_map.A)[:, :1] + 1 / 3
    single = Posed(
        "fisher", question.instance, type(question.linear_map)(exact.matrix([[Fraction(x)] for x in a[:, 0]]))
    )
    rng = np.random.default_rng(seed)
    labels = mixture.sample_labels(200_000, rng)
    centre = floats(mixture.mu).T[labels] @ a
    noise = mixture.sample_given(labels, rng) @ a - centre
    (between, within), n = ((centre**2), (noise**2)), len(labels)
    ratio = between.mean() / within.mean()
    error = np.hypot(ratio * within.std(), between.std()) / within.mean() / np.sqrt(n)
    assert contains(enclose(single, 15), float(ratio), Fraction(SIGMAS * error))


def nodes_of(mixture: GMM, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Gauss–Hermite nodes (n × d) and weights (n) for the mixture, in its own coordinates."""
    x, w = np.polynomial.hermite_e.hermegauss(order)
    d = mixture.dimension
    grid = np.stack(np.meshgrid(*[x] * d, indexing="ij"), axis=-1).reshape(-1, d)
    weight = np.prod(np.stack(np.meshgrid(*[w / w.sum()] * d, indexing="ij"), axis=-1).reshape(-1, d), axis=1)
    points, weights = [], []
    for k in range(mixture.components):
        points.append(floats(mixture.mu)[:, k] + grid @ np.linalg.cholesky(floats(mixture.sigmas[k])).T)
        weights.append(float(mixture.weights[k]) * weight)
    return np.concatenate(points), np.concatenate(weights)


def log_term(source: GMM, target: GMM, W: np.ndarray, orders: tuple[int, int]) -> float:
    """Return E_x log E_y exp(xᵀWy) by nodes over x and over y."""
    x, v = nodes_of(source, orders[0])
    y, w = nodes_of(target, orders[1])
    total = 0.0
    for rows, weight in zip(np.array_split(x, 1 + len(x) // 1000), np.array_split(v, 1 + len(x) // 1000), strict=True):
        total += float(weight @ np.log(np.exp(rows @ W @ y.T) @ w))
    return total


def converged(value: Callable[[tuple[int, int]], float], orders: Iterable[tuple[int, int]]) -> tuple[float, float]:
    """Return the value at the higher orders and its distance from that at the lower ones."""
    rough, fine = (value(o) for o in orders)
    return fine, abs(fine - rough)


def aligned(pairs: AugmentedPairs, M: np.ndarray) -> float:
    """Return E x̂ᵀMx by summing over the pair's two labels: independent given both."""
    w, mu, delta = np.array(pairs.mixture.weights, dtype=float), floats(pairs.mixture.mu), float(pairs.bias)
    chance = delta * np.diag(w) + (1 - delta) * np.outer(w, w)
    return float((chance * (mu.T @ M @ mu)).sum())


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("dimension", "seed"), [(1, 0), (1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)])
def test_infonce_by_gauss_hermite_in_unreduced_coordinates(dimension, seed, shared):
    question = question_of(
        "infonce", seed, components=(2, 3), dimension=dimension, columns=(1, 2), spread=1, shared=shared
    )
    pairs = question.instance.pairs
    M = floats(question.linear_map.M)
    orders = ((60, 40), (90, 60)) if dimension == 1 else ((20, 16), (28, 22))
    value, error = converged(lambda o: log_term(pairs.mixture, pairs.mixture, M, o), orders)
    assert error < 1e-4
    digits = 15 if dimension == 1 else 8
    truth = enclose(question, digits)
    assert truth.reached
    slack = Fraction(error) + Fraction(1, 10**digits) + Fraction(1, 10**12)
    assert contains(truth, value - aligned(pairs, M), slack)


@pytest.mark.parametrize(("dimensions", "seed"), [(1, 0), (1, 1), (1, 2), (2, 3), (2, 4)])
def test_clip_by_gauss_hermite_in_unreduced_coordinates(dimensions, seed):
    question = question_of("clip", seed, components=(2, 3), dimension=dimensions, columns=(1, 2), spread=1)
    model = question.instance.model
    W = floats(question.linear_map.W)
    orders = ((60, 40), (90, 60)) if dimensions == 1 else ((20, 16), (28, 22))
    forward, error = converged(lambda o: log_term(model.vision, model.text, W, o), orders)
    backward, other = converged(lambda o: log_term(model.text, model.vision, W.T, o), orders)
    w, delta = np.array(model.weights, dtype=float), float(model.bias)
    chance = delta * np.diag(w) + (1 - delta) * np.outer(w, w)
    matched = float((chance * (floats(model.vision.mu).T @ W @ floats(model.text.mu))).sum())
    assert error + other < 1e-4
    truth = enclose(question, 10)
    assert contains(truth, forward + backward - 2 * matched, Fraction(error + other) + Fraction(1, 10**10))


@pytest.mark.parametrize("loss", ["infonce", "spectral"])
@pytest.mark.parametrize("seed", range(3))
def test_the_zero_map_learns_nothing(loss, seed):
    """M = 0: the loss is exactly 0, and so is its enclosure."""
    question = posed(Seeded(random.Random(seed)), loss, shared=None)
    d = question.instance.pairs.mixture.dimension
    nothing = Posed(loss, question.instance, type(question.linear_map)(exact.zeros(d, 2)))
    truth = enclose(nothing, 30)
    assert truth.lower == truth.upper == 0


@pytest.mark.parametrize("seed", range(6))
def test_one_component_needs_no_integral(seed):
    """K = 1: log E_y exp(xᵀMy) is a quadratic, so L = −μᵀMμ + μᵀMμ + ½ tr(MΣM(Σ + μμᵀ)) for every δ."""
    question = posed(Seeded(random.Random(seed)), "infonce", components=1, columns=(1, 3), shared=None)
    pairs = question.instance.pairs
    M, sigma, mu = question.linear_map.M, pairs.mixture.sigmas[0], pairs.mixture.mu
    expected = exact.trace(M * sigma * M * (sigma + mu * mu.transpose())) / 2
    truth = enclose(question, 30)
    assert truth.lower == truth.upper == expected


@pytest.mark.parametrize("seed", range(6))
def test_coincident_components_are_one(seed):
    source = Seeded(random.Random(seed))
    question = posed(source, "infonce", components=1, columns=(1, 3))
    single = question.instance.pairs.mixture
    thirds = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    split = type(single)(thirds, single.means * 3, single.covariance)
    divided = Posed("infonce", Instance(AugmentedPairs(split, question.instance.pairs.bias), 1), question.linear_map)
    one, three = enclose(question, 30), enclose(divided, 30)
    assert one.lower == one.upper == three.lower == three.upper
