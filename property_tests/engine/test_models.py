"""Models: every broken rule is refused by name, the moments are exact, and the samples have those moments."""

from __future__ import annotations

import dataclasses
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given

from thmverify import exact
from thmverify.errors import InputError
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, SharedGMM
from thmverify.testing import (
    Seeded,
    augmented_pair,
    augmented_pairs,
    clip_gmm,
    clip_gmms,
    encoder,
    gmm,
    gmms,
    instances,
    shared_gmm,
    shared_gmms,
)

HALVES = (Fraction(1, 2), Fraction(1, 2))
TWO = ((1, 0), (0, 1))
PLAIN = SharedGMM(HALVES, TWO)
TINY = Fraction(1, 10**40)

BROKEN = {
    "no component": (lambda: SharedGMM((), ()), "weights"),
    "float weight": (lambda: SharedGMM((0.5, 0.5), TWO), "weights[0]"),
    "boolean weight": (lambda: SharedGMM((True,), ((1,),)), "weights[0]"),
    "text weight": (lambda: SharedGMM(("one",), ((1,),)), "weights[0]"),
    "numpy weight": (lambda: SharedGMM((np.float64(1),), ((1,),)), "weights[0]"),
    "zero weight": (lambda: SharedGMM((Fraction(1), Fraction(0)), TWO), "weights[1]"),
    "negative weight": (lambda: SharedGMM((Fraction(3, 2), Fraction(-1, 2)), TWO), "weights[1]"),
    "sum above 1": (lambda: SharedGMM((Fraction(1, 2), Fraction(1, 2) + TINY), TWO), "weights"),
    "sum below 1": (lambda: SharedGMM((Fraction(1, 2), Fraction(1, 2) - TINY), TWO), "weights"),
    "sum with endless digits": (lambda: SharedGMM([Fraction(1, 10**999 + k) for k in range(9)], [(1,)] * 9), "weights"),
    "no mean": (lambda: SharedGMM((Fraction(1),), ()), "means"),
    "a mean too many": (lambda: SharedGMM((Fraction(1),), TWO), "means"),
    "empty mean": (lambda: SharedGMM((Fraction(1),), ((),)), "means[0]"),
    "ragged means": (lambda: SharedGMM(HALVES, ((1, 0), (1,))), "means[1]"),
    "float mean": (lambda: SharedGMM(HALVES, ((1, 0), (0, 0.5))), "means[1][1]"),
    "infinite mean": (lambda: SharedGMM((Fraction(1),), ((float("inf"),),)), "means[0][0]"),
    "covariance of another size": (lambda: SharedGMM(HALVES, TWO, ((1,),)), "covariance"),
    "ragged covariance": (lambda: SharedGMM(HALVES, TWO, ((1, 0), (0,))), "covariance"),
    "empty covariance": (lambda: SharedGMM(HALVES, TWO, ()), "covariance"),
    "asymmetric covariance": (lambda: SharedGMM(HALVES, TWO, ((1, TINY), (0, 1))), "covariance[1][0]"),
    "singular covariance": (lambda: SharedGMM(HALVES, TWO, ((1, 1), (1, 1))), "covariance"),
    "indefinite by 1e-40": (lambda: SharedGMM(HALVES, TWO, ((1, 1 + TINY), (1 + TINY, 1))), "covariance"),
    "negative variance": (lambda: SharedGMM((Fraction(1),), ((1,),), ((-1,),)), "covariance"),
    "float covariance": (lambda: SharedGMM((Fraction(1),), ((1,),), ((1.0,),)), "covariance[0][0]"),
    "a covariance missing": (lambda: GMM(HALVES, ((1,), (0,)), (((1,),),)), "covariances"),
    "second covariance singular": (lambda: GMM(HALVES, ((1,), (0,)), (((1,),), ((0,),))), "covariances[1]"),
    "bias above 1": (lambda: AugmentedPairs(PLAIN, 1 + TINY), "bias"),
    "bias below 0": (lambda: AugmentedPairs(PLAIN, -TINY), "bias"),
    "float bias": (lambda: AugmentedPairs(PLAIN, 0.5), "bias"),
    "boolean bias": (lambda: AugmentedPairs(PLAIN, True), "bias"),
    "unmatched weights": (lambda: CLIPGMM(PLAIN, SharedGMM((Fraction(1, 3), Fraction(2, 3)), TWO)), "text.weights"),
    "caption bias above 1": (lambda: CLIPGMM(PLAIN, PLAIN, Fraction(2)), "bias"),
    "graph without points": (lambda: PopulationGraph((), ()), "weights"),
    "graph not square": (lambda: PopulationGraph(((1, 0), (0,)), (0, 1)), "weights[1]"),
    "directed graph": (lambda: PopulationGraph(((1, 2), (1, 1)), (0, 1)), "weights[0][1]"),
    "negative edge": (lambda: PopulationGraph(((1, -1), (-1, 1)), (0, 1)), "weights[0][1]"),
    "isolated point": (lambda: PopulationGraph(((1, 0), (0, 0)), (0, 1)), "weights[1]"),
    "label missing": (lambda: PopulationGraph(((1, 0), (0, 1)), (0,)), "labels"),
    "label of the wrong kind": (lambda: PopulationGraph(((1,),), (0.5,)), "labels[0]"),
    "rank 0": (lambda: Instance(AugmentedPairs(PLAIN), 0), "rank"),
    "rank 5/2": (lambda: Instance(AugmentedPairs(PLAIN), Fraction(5, 2)), "rank"),
    "rank True": (lambda: Instance(AugmentedPairs(PLAIN), True), "rank"),
    "negative decay": (lambda: Instance(AugmentedPairs(PLAIN), 1, -TINY), "weight_decay"),
    "float decay": (lambda: Instance(AugmentedPairs(PLAIN), 1, 0.1), "weight_decay"),
    "decay without SimSiam": (lambda: Instance(CLIPGMM(PLAIN, PLAIN), 1, Fraction(1)), "weight_decay"),
    "pairs of a paired mixture": (lambda: Instance(CLIPGMM(PLAIN, PLAIN), 1).pairs, "model"),
    "one covariance asked of two": (
        lambda: Instance(AugmentedPairs(GMM(HALVES, ((1,), (0,)), (((1,),), ((2,),)))), 1).shared,
        "model",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_rules_are_refused_by_field(case):
    build, field = BROKEN[case]
    with pytest.raises(InputError) as caught:
        build()
    assert caught.value.field == field
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1000
    assert caught.value.remedy


@pytest.mark.parametrize(
    "build",
    [
        lambda: SharedGMM((Fraction(1),), ((0,),)),
        lambda: SharedGMM(HALVES, TWO, ((1, 1 - TINY), (1 - TINY, 1))),
        lambda: SharedGMM((TINY, 1 - TINY), ((10**9,), (-(10**9),)), ((TINY,),)),
        lambda: AugmentedPairs(PLAIN, Fraction(0)),
        lambda: AugmentedPairs(PLAIN, 1),
        lambda: PopulationGraph(((0, 1), (1, 0)), (5, -5)),
    ],
)
def test_the_edge_of_every_rule_is_inside(build):
    build()


def test_equal_covariances_are_shared_however_they_are_written():
    written_twice = GMM(HALVES, TWO, (PLAIN.covariance,) * 2)
    assert Instance(AugmentedPairs(written_twice), 1).shared == PLAIN


def test_models_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAIN.weights = HALVES
    means = [[Fraction(1)], [Fraction(2)]]
    model = SharedGMM(list(HALVES), means)
    means[0][0] = Fraction(9)
    assert model.means == ((1,), (2,))


@given(instances())
def test_equal_models_are_equal_and_pickle_after_use(instance):
    model = instance.model
    for name in ("C", "mixture", "vision"):  # fill the caches
        getattr(getattr(model, name, None), "R", None)
    copy = pickle.loads(pickle.dumps(instance))
    assert copy == instance
    assert hash(copy) == hash(instance)


def test_maps_pickle():
    f = encoder(Seeded(random.Random(1)), 3)
    assert pickle.loads(pickle.dumps(f)).A == f.A


def outer(u, v):
    return [[x * y for y in v] for x in u]


def weighted_sum(weights, matrices):
    rows, columns = len(matrices[0]), len(matrices[0][0])
    return tuple(
        tuple(sum((w * m[i][j] for w, m in zip(weights, matrices, strict=True)), Fraction(0)) for j in range(columns))
        for i in range(rows)
    )


@given(gmms())
def test_moments_are_the_sums_that_define_them(mixture):
    w, mu = mixture.weights, mixture.means
    S = weighted_sum(w, [outer(m, m) for m in mu])
    sigma_bar = weighted_sum(w, mixture.covariances)
    mean = weighted_sum(w, [outer(m, [Fraction(1)]) for m in mu])
    assert exact.to_rows(mixture.S) == S
    assert exact.to_rows(mixture.sigma_bar) == sigma_bar
    assert exact.to_rows(mixture.mean) == mean
    assert exact.to_rows(mixture.R) == weighted_sum((Fraction(1), Fraction(1)), [S, sigma_bar])
    assert exact.to_rows(mixture.mu.transpose()) == mu
    assert mixture.is_centred == all(x == 0 for row in mean for x in row)


@given(augmented_pairs(shared=None))
def test_cross_moment_is_the_sum_over_pairs_of_components(pairs):
    """E[x x̂ᵀ] = Σ_{jk} P(j, k) μ_j μ_kᵀ with P = δ diag(w) + (1 − δ) w wᵀ."""
    w, mu, delta = pairs.mixture.weights, pairs.mixture.means, pairs.bias
    K = range(len(w))
    chance = [delta * (w[j] if j == k else 0) + (1 - delta) * w[j] * w[k] for j in K for k in K]
    assert sum(chance) == 1
    assert exact.to_rows(pairs.C) == weighted_sum(chance, [outer(mu[j], mu[k]) for j in K for k in K])


@given(clip_gmms())
def test_clip_cross_moment_is_the_sum_over_pairs_of_components(model):
    w, delta = model.weights, model.bias
    K = range(len(w))
    chance = [delta * (w[j] if j == k else 0) + (1 - delta) * w[j] * w[k] for j in K for k in K]
    products = [outer(model.vision.means[j], model.text.means[k]) for j in K for k in K]
    assert exact.to_rows(model.C) == weighted_sum(chance, products)


@given(shared_gmms(centred=True))
def test_the_centred_strategy_is_centred(mixture):
    assert mixture.is_centred
    assert mixture.sigma * mixture.sigma_inverse_mu == mixture.mu


# ------------------------------------------------------------------------------------------------------- sampling


def floats(m: fmpq_mat) -> np.ndarray:
    return np.array(exact.to_rows(m), dtype=np.float64)


def assert_mean(samples: np.ndarray, expected: np.ndarray) -> None:
    """Check the mean over the first axis within 6 standard errors, entry by entry."""
    error = samples.std(axis=0) / np.sqrt(len(samples)) + 1e-12 * (1 + np.abs(samples).max(axis=0))
    worst = (np.abs(samples.mean(axis=0) - expected) / error).max()
    assert worst < 6, f"{worst:.1f} standard errors from the exact value"


def products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.einsum("ni,nj->nij", x, y)


@pytest.mark.parametrize("seed", range(6))
def test_samples_have_the_exact_moments(seed):
    source = Seeded(random.Random(seed))
    mixture = (shared_gmm if seed % 2 else gmm)(source, (1, 5), (1, 4), hostile=False)
    x = mixture.sample(60_000, np.random.default_rng(seed))
    assert x.shape == (60_000, mixture.dimension)
    assert_mean(x, floats(mixture.mean)[:, 0])
    assert_mean(products(x, x), floats(mixture.R))


@pytest.mark.parametrize("seed", range(6))
def test_each_component_has_its_own_mean_and_covariance(seed):
    mixture = gmm(Seeded(random.Random(seed)), (2, 4), (1, 4), hostile=False)
    rng = np.random.default_rng(seed)
    for k in range(mixture.components):
        x = mixture.sample_given(np.full(40_000, k), rng) - floats(mixture.mu)[:, k]
        assert_mean(x, np.zeros(mixture.dimension))
        assert_mean(products(x, x), floats(mixture.sigmas[k]))


@pytest.mark.parametrize("seed", range(8))
def test_pairs_have_the_exact_cross_moment(seed):
    pairs = augmented_pair(Seeded(random.Random(100 + seed)), (2, 5), (1, 4), shared=None, hostile=False)
    x, partner = pairs.sample(60_000, np.random.default_rng(seed))
    assert_mean(products(x, partner), floats(pairs.C))
    assert_mean(products(partner, partner), floats(pairs.mixture.R))


@pytest.mark.parametrize("seed", range(6))
def test_captions_have_the_exact_cross_moment(seed):
    model = clip_gmm(Seeded(random.Random(200 + seed)), (2, 5), ((1, 4), (1, 4)), hostile=False)
    image, text = model.sample(60_000, np.random.default_rng(seed))
    assert_mean(products(image, text), floats(model.C))
    assert_mean(products(image, image), floats(model.vision.R))
    assert_mean(products(text, text), floats(model.text.R))


def test_given_the_component_the_pair_is_independent():
    """With one component, x and x̂ are independent whatever δ is."""
    pairs = AugmentedPairs(SharedGMM((Fraction(1),), ((1, 2),), ((2, 1), (1, 3))), Fraction(1))
    x, partner = pairs.sample(60_000, np.random.default_rng(5))
    assert_mean(products(x - [1, 2], partner - [1, 2]), np.zeros((2, 2)))


def test_component_frequencies_follow_the_weights():
    mixture = SharedGMM((Fraction(7, 10), Fraction(299, 1000), Fraction(1, 1000)), ((0,), (1,), (2,)))
    labels = mixture.sample_labels(200_000, np.random.default_rng(2))
    assert_mean(np.eye(3)[labels], np.array([0.7, 0.299, 0.001]))


def test_a_nearly_singular_covariance_can_be_sampled():
    """Where the float matrix is singular to the last bit, a float Cholesky factor does not exist."""
    mixture = SharedGMM((Fraction(1),), ((0, 0),), ((1, 1 - TINY), (1 - TINY, 1)))
    x = mixture.sample(1000, np.random.default_rng(0))
    np.testing.assert_allclose(x[:, 0], x[:, 1], atol=1e-12)
    assert x.std() > 0.5


def test_sampling_repeats_with_its_seed():
    pairs = AugmentedPairs(PLAIN, Fraction(1, 3))
    one, two = (pairs.sample(10, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
