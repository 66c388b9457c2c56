"""InfoNCE of samples: pairs that leak, pairs without a minimiser, and how near a minimiser is to the population's."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from thmverify import exact
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.sampling import random_instance
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.samples import sample_deviation, sample_existence, sample_inclusion
from thmverify.theorems.samples.common import Pairs, contrary, nearest, on_a_circle
from thmverify.verdicts import Outcome, Provenance

seeds = st.integers(0, 10**9)


@settings(max_examples=25)
@given(seeds)
def test_inclusion_is_refuted_exactly_where_there_is_room_outside(seed: int) -> None:
    instance = random_instance(random.Random(seed))
    room = fisher_subspace(instance.shared).dimension < instance.shared.dimension
    found = sample_inclusion.STATEMENT.examine(instance)
    assert found.provenance is Provenance.EXACT
    assert found.outcome is (Outcome.REFUTED if room else Outcome.PROVED)
    leaking = sample_inclusion.leaking(instance)
    assert (leaking is not None) is room
    if leaking is not None:  # by strict inequalities: a minimiser exists, 0 is best inside, and not best outside
        pairs, basis, v = leaking
        assert exact.is_positive_definite(pairs.growth([i ^ 1 for i in range(pairs.count)]))
        inside = basis.transpose() * pairs.descent * basis * -1
        assert basis.ncols() == 0 or exact.is_positive_definite(inside)
        assert exact.inner(v, pairs.descent * v) > 0
    assert (sample_inclusion.margin(instance) > 0) is room


def test_no_map_inside_does_better_than_zero_and_one_outside_does() -> None:
    pairs = contrary(fmpq_mat([[1, 0], [0, 2], [0, 0]]), fmpq_mat([[0], [0], [1]]))
    rng = np.random.default_rng(0)
    for _ in range(20):
        inside = np.zeros((3, 2))
        inside[:2] = rng.standard_normal((2, 2)) * rng.exponential()
        assert pairs.loss(inside) >= 0
    assert pairs.loss(np.array([[0.0], [0.0], [0.5]])) < -0.01
    assert pairs.loss(np.zeros((3, 1))) == 0


def test_the_slope_at_zero_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    x, y = (fmpq_mat(4, 2, [int(v) for v in rng.integers(-5, 5, 8)]) for _ in range(2))
    pairs, v, step = Pairs(x, y), np.array([[0.3], [-0.7]]), 1e-3
    slope = (pairs.loss(math.sqrt(step) * v) - pairs.loss(0 * v)) / step
    assert slope == pytest.approx(-float(v[:, 0] @ exact.to_floats(pairs.descent) @ v[:, 0]), abs=0.02)


def test_a_sample_that_leaks_has_a_minimiser() -> None:
    """L̂ is above its bound, which grows; pairs that are told apart, or tied, have no such bound and no minimiser."""
    pairs = contrary(fmpq_mat([[2], [1]]), fmpq_mat([[1], [-2]]))
    growth = pairs.growth([1, 0, 3, 2, 5, 4])
    assert exact.is_positive_definite(growth)
    G, rng = exact.to_floats(growth), np.random.default_rng(4)
    for scale in (0.1, 1, 3):
        A = scale * rng.standard_normal((2, 2))
        assert pairs.loss(A) >= np.sum(G * (A @ A.T)) - math.log(6)
    found = minimize(lambda a: pairs.loss(a.reshape(2, 2)), [0.3, 0.1, 0.2, 0.4], tol=1e-9).x.reshape(2, 2)
    assert np.abs(np.array([1, -2]) @ found).max() > 0.1
    assert np.abs(np.array([2, 1]) @ found).max() < 1e-3
    tied = Pairs(fmpq_mat([[1], [-1]]), fmpq_mat([[1], [-1]]))
    assert not exact.is_positive_definite(tied.growth([1, 0]))


@pytest.mark.parametrize(("d", "n"), [(1, 2), (2, 2), (2, 9), (3, 5)])
def test_pairs_that_are_told_apart_have_no_best_map(d: int, n: int) -> None:
    pairs, rng = on_a_circle(d, n), np.random.default_rng(2)
    assert pairs.count == n
    assert pairs.told_apart(exact.identity(d))
    losses = [pairs.loss(scale * np.eye(d)) for scale in (1, 4, 16, 64)]
    assert all(b < a for a, b in itertools.pairwise(losses))
    assert losses[-1] == pytest.approx(-math.log(n), abs=1e-3)
    assert all(pairs.loss(rng.standard_normal((d, d))) > -math.log(n) for _ in range(20))
    assert not Pairs(pairs.x, pairs.y * fmpq(-1)).told_apart(exact.identity(d))


def test_existence_is_refuted_for_every_mixture() -> None:
    for seed in range(5):
        instance = random_instance(random.Random(seed))
        assert sample_existence.STATEMENT.examine(instance).outcome is Outcome.REFUTED
        assert sample_existence.margin(instance) > 0


def drawn(n: int, seed: int) -> Pairs:
    """Return n pairs, δ = 1, of two components at ±(1, 0) with Σ = I in the plane."""
    rng = np.random.default_rng(seed)
    centre = np.outer(rng.choice([-1.0, 1.0], n), [1.0, 0.0])
    x, y = (np.round((centre + rng.standard_normal((n, 2))) * 64).astype(int) for _ in range(2))
    return Pairs(*(fmpq_mat(n, 2, [int(v) for v in z.ravel()]) / 64 for z in (x, y)))


@pytest.mark.parametrize("n", [100, 400])
def test_a_sample_leaks_and_is_as_near_as_the_deviation_says(n: int) -> None:
    """‖D‖ ≤ 4ε at the ε that the losses have between the two minimisers; some of Â is across S_F, of order 1/√n."""
    pairs = drawn(n, 3)
    x, y = exact.to_floats(pairs.x), exact.to_floats(pairs.y)

    def empirical(a: Floats) -> float:
        A = a.reshape(2, 2)
        scores = (x @ A) @ (y @ A).T
        return float(np.mean(np.log(np.exp(scores).mean(axis=1)) - np.diag(scores)))

    found = minimize(empirical, np.array([0.5, 0.1, 0.0, 0.3]), tol=1e-9).x.reshape(2, 2)
    plane = Instance(AugmentedPairs(SharedGMM(("1/2", "1/2"), ((1, 0), (-1, 0)))), 2)
    best = nearest(plane)
    gap = found @ found.T - best @ best.T
    size = float(np.linalg.norm(gap))
    population = [sample_deviation.loss(plane, sample_deviation.rounded(A)) for A in (best, found)]
    epsilon = ((empirical(best) - population[0]) - (empirical(found) - population[1])) / size
    assert size <= 4 * epsilon
    leak = float(np.linalg.norm((found @ found.T)[:, 1]))
    assert 1e-3 < leak <= 4 * epsilon
