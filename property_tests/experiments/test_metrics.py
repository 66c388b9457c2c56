"""Scores, intervals, subspaces: what is measured."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thmverify.reports.experiments import laws
from thmverify.reports.experiments.intervals import interval
from thmverify.reports.experiments.metrics import agreement, orthonormal, outside


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_separated_clusters_agree_perfectly(rng):
    labels = np.repeat([0, 1, 2], 50)
    points = np.array([[0, 0], [30, 0], [0, 30]])[labels] + rng.standard_normal((150, 2))
    assert agreement(points, labels, 0) == 1.0
    assert agreement(points[::-1], labels[::-1], 0) == 1.0


def test_random_features_do_not_agree(rng):
    labels = rng.integers(0, 3, 600)
    scores = [agreement(rng.standard_normal((600, 2)), labels, seed) for seed in range(10)]
    assert abs(np.mean(scores)) < 0.01


@pytest.mark.parametrize("features", [np.zeros((20, 3)), np.ones((20, 1)), np.zeros((20, 0))])
def test_features_that_do_not_vary_agree_with_nothing(features):
    assert agreement(features, np.arange(20) % 2, 0) == 0.0


def test_interval_is_students():
    found = interval([1.0, 2.0, 3.0])
    assert found.mean == pytest.approx(2.0)
    assert found.high - found.mean == pytest.approx(4.302652729911275 / math.sqrt(3))  # t quantile for 2 degrees
    assert found.mean - found.low == pytest.approx(found.high - found.mean)
    assert interval([0.5]).low == -math.inf


def test_interval_covers_the_mean_as_often_as_it_says(rng):
    hits = [(i := interval(rng.standard_normal(10))).low <= 0 <= i.high for _ in range(2000)]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)


def test_orthonormal_basis_spans_the_columns(rng):
    A = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
    basis = orthonormal(A)
    assert basis.shape == (6, 2)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2), atol=1e-12)
    assert outside(A, basis) == pytest.approx(0, abs=1e-12)
    assert orthonormal(np.zeros((6, 3))).shape == (6, 0)


def test_outside_is_the_share_across_the_subspace():
    basis = laws.fisher_basis(laws.pancakes())
    inside, across = basis[:, :1], np.eye(laws.DIMENSION)[:, -1:]
    assert outside(inside, basis) == pytest.approx(0, abs=1e-15)
    assert outside(across, basis) == pytest.approx(1)
    assert outside(3 * inside + 4 * across, basis) == pytest.approx(0.8)
    assert outside(np.zeros((laws.DIMENSION, 2)), basis) is None


def test_the_law_is_what_the_captions_say():
    mixture = laws.pancakes(stretch=laws.NOISE)
    assert mixture.is_centred
    assert (mixture.components, mixture.dimension) == (laws.COMPONENTS, laws.DIMENSION)
    assert laws.fisher_basis(mixture).shape[1] == laws.SIGNAL
    assert all(text in laws.LAW for text in (f"K = {laws.COMPONENTS}", f"d = {laws.DIMENSION}"))
