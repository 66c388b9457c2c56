"""PCA finds the Fisher subspace of spherical components, of one radius or of several."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify.evidence import Need
from thmverify.exact import to_floats
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace, mean_subspace
from thmverify.theorems.pca.common import angle_margin as margin
from thmverify.theorems.pca.common import sample_spherical as sample
from thmverify.theorems.pca.pca_spherical import STATEMENT
from thmverify.verdicts import Outcome

spherical = st.integers(0, 10**9).map(lambda seed: sample(random.Random(seed)))


@settings(max_examples=40)
@given(spherical)
def test_pca_finds_s_f_exactly(instance: Instance) -> None:
    mixture = instance.pairs.mixture
    assert fisher_subspace(mixture) == mean_subspace(mixture)
    assert STATEMENT.false_hypotheses(instance) == ()
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED
    assert margin(instance) <= 0


@settings(max_examples=20)
@given(spherical)
def test_what_a_map_misses_of_the_means_is_what_it_loses(instance: Instance) -> None:
    # V(A) = vm + tr(S) − ‖(I − AAᵀ)μE‖², in floats and for a random frame.
    mixture, m = instance.pairs.mixture, instance.rank
    rng = np.random.default_rng(0)
    A = np.linalg.qr(rng.standard_normal((mixture.dimension, m)))[0]
    mu, weights, v = to_floats(mixture.mu), np.array(mixture.weights, dtype=float), float(mixture_variance(instance))
    missed = (mu - A @ (A.T @ mu)) * np.sqrt(weights)
    value = np.trace(A.T @ to_floats(mixture.R) @ A)
    assert value == pytest.approx(v * m + np.trace(to_floats(mixture.S)) - np.sum(missed**2), rel=1e-9)


def mixture_variance(instance: Instance) -> float:
    return float(exact.to_fraction(instance.pairs.mixture.sigma_bar[0, 0]))


@settings(max_examples=15)
@given(spherical)
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    d, K = instance.pairs.mixture.dimension, instance.pairs.mixture.components
    turned = exact.matrix([[2 * ((i + 1) % d == j) for j in range(d)] for i in range(d)])  # a rotation and a scale
    for other in (transformed(instance, turned), permuted(instance, range(K)[::-1]), split_component(instance)):
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def test_a_hair_off_spherical_is_noticed() -> None:
    mixture = SharedGMM((1,), ((1, 0),), ((10**12, 0), (0, 10**12 + 1)))
    assert STATEMENT.false_hypotheses(Instance(AugmentedPairs(mixture), 1)) == ("spherical",)


def test_what_each_hypothesis_is_for() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    assert needs["spherical"] is Need.NECESSARY
    assert needs["columns-match"] is Need.NECESSARY
    assert needs["shared-covariance"] is Need.REDUNDANT
