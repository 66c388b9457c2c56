"""Minimisers over quasi-Monte Carlo points: derivatives, honest bounds, and an end in time."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from thmverify.minimize import Effort, minimise
from thmverify.minimize.infonce import whitened
from thmverify.minimize.newton import minimise_on_cone
from thmverify.minimize.result import TOLERANCE
from thmverify.minimize.sampled import SampledEnergy, minimise_sampled
from thmverify.models import CLIPGMM, AugmentedPairs, Instance, SharedGMM


def instance(K: int, d: int, seed: int) -> Instance:
    rng = random.Random(seed)
    means = [[Fraction(rng.randint(-20, 20), 10) for _ in range(d)] for _ in range(K)]
    return Instance(AugmentedPairs(SharedGMM([Fraction(1, K)] * K, means), Fraction(9, 10)), K)


def simplex(K: int) -> Instance:
    means = [[Fraction(2 * (i == k)) - Fraction(2, K) for i in range(K)] for k in range(K)]
    return Instance(AugmentedPairs(SharedGMM([Fraction(1, K)] * K, means)), K)


@pytest.mark.parametrize("seed", [1, 2])
def test_derivatives_agree_with_the_lattices(seed):
    _, energy, _ = whitened(instance(3, 2, seed))
    Y, H = np.array([[0.3, 0.1], [0.1, 0.2]]), np.array([[1.0, 0.5], [0.5, -0.3]])
    sampled = SampledEnergy(energy)
    true, found = energy.point(Y), sampled.point(Y)
    assert abs(true.value - found.value) <= found.value_error + true.value_error
    assert np.linalg.norm(true.gradient - found.gradient) <= found.gradient_error + true.gradient_error
    image = (energy.hessian(Y) @ H.reshape(-1)).reshape(2, 2)
    assert sampled.curvature(Y)(H) == pytest.approx((image + image.T) / 2, abs=5e-3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bound_holds_against_the_minimiser_by_lattices(seed):
    _, energy, R = whitened(instance(4, 3, seed))
    true, found = minimise_on_cone(energy, R, TOLERANCE), minimise_sampled(energy, R, TOLERANCE, Effort())
    bound = (found.size + found.point.gradient_error) / energy.modulus
    assert np.linalg.norm(true.Y - found.Y) <= bound
    assert bound < 1e-2


def test_the_bound_holds_where_symmetry_gives_the_answer():
    """The minimiser of a simplex is a multiple of 1: the nearest multiple is no further than the minimiser."""
    coordinates, energy, R = whitened(simplex(8))
    found = minimise_sampled(energy, R, TOLERANCE, Effort())
    Y, m = found.Y, coordinates.m
    bound = (found.size + found.point.gradient_error) / energy.modulus
    assert np.linalg.norm(Y - np.trace(Y) / m * np.eye(m)) <= bound < 1e-2


def test_steps_are_heard_and_time_ends():
    heard: list[str] = []
    found = minimise("infonce", instance(10, 9, 4), effort=Effort(observe=heard.append))
    assert heard
    assert found.rank == 9
    assert found.error_bound is not None
    assert found.error_bound < 1e-2
    cut = minimise("infonce", instance(10, 9, 4), effort=Effort(seconds=0.0))
    assert not cut.converged
    assert cut.error_bound > found.error_bound


def test_fewer_columns_and_paired_mixtures():
    free, two = minimise("infonce", instance(8, 7, 5)), minimise("infonce", instance(8, 7, 5), 2)
    assert two.rank == 2
    assert two.value > free.value
    assert two.error_bound is None
    one, other = instance(8, 7, 6).pairs.mixture, instance(8, 6, 7).pairs.mixture
    clip = minimise("clip", Instance(CLIPGMM(one, other, Fraction(1)), 8))
    assert clip.rank == 6
    assert clip.error_bound < 1e-2


def test_ten_thousand_dimensions():
    rng = random.Random(8)
    means = [[Fraction(rng.randint(-9, 9), 100) for _ in range(10_000)] for _ in range(4)]
    found = minimise("infonce", Instance(AugmentedPairs(SharedGMM([Fraction(1, 4)] * 4, means)), 4))
    assert found.converged
    assert found.maps["A"].shape == (10_000, found.rank)
    assert found.spaces[0].angles.max() < 1e-9
