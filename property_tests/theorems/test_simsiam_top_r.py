"""SimSiam keeps any invariant directions: the second best is stationary, exactly."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix, random_symmetric_instance
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.common import TOLERANCE
from thmverify.theorems.simsiam.common import steepness
from thmverify.theorems.simsiam.simsiam_top_r import SECOND_BEST, STATEMENT, margin, sample, with_predictor
from thmverify.verdicts import Outcome

instances = st.integers(0, 10**9).map(lambda seed: sample(random.Random(seed)))


def all_alike(mixture: GMM) -> bool:
    """Whether J is the same on all lines of S_F: Σ̄⁻¹S is a multiple of I there."""
    B = fisher_subspace(mixture).basis
    mean = exact.trace(mixture.sigma_bar.solve(mixture.S)) / B.ncols()
    return bool(mixture.sigma_bar * B * mean == mixture.S * B)


E_1, E_2 = exact.column([1, 0]), exact.column([0, 1])


@pytest.mark.parametrize("number", range(2))
def test_the_second_direction_is_stationary_and_not_best(number: int) -> None:
    instance = STATEMENT.counterexamples[number].instance
    for A, J in ((E_1, 4), (E_2, 1)):
        pair = with_predictor(instance, A)
        assert steepness(instance, pair) == 0
        assert pair.P.rank() == 1
        assert exact_value(LOSSES["fisher"], instance, Encoder(A)) == J
    assert steepness(instance, with_predictor(instance, E_1 + E_2)) > 0


def test_the_counterexamples_refute() -> None:
    assert STATEMENT.unsupported() == ""
    assert exact.matrix([[Fraction(1, 2)]]) == with_predictor(SECOND_BEST.instance, E_2).P
    assert margin(SECOND_BEST.instance) == pytest.approx(3 / 4, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(instances)
def test_margin_has_the_sign_of_the_verdict(instance: Instance) -> None:
    refuted = STATEMENT.decide(instance).outcome is Outcome.REFUTED
    assert margin(instance) > -2 * TOLERANCE if refuted else margin(instance) <= 0


@settings(max_examples=15, deadline=None)
@given(instances)
def test_other_encodings_have_the_same_verdict(instance: Instance) -> None:
    rng, mixture = instance_rng(instance), instance.pairs.mixture
    T = random_matrix(rng, mixture.dimension, mixture.dimension) + exact.identity(mixture.dimension) * 20
    order = rng.sample(range(mixture.components), mixture.components)
    for other in (transformed(instance, T), permuted(instance, order), split_component(instance)):
        assert STATEMENT.examine(other).outcome is STATEMENT.examine(instance).outcome


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9))
def test_it_holds_on_simplices_and_crosses(seed: int) -> None:
    instance = random_symmetric_instance(random.Random(seed))
    assume(fisher_subspace(instance.pairs.mixture).dimension > 1 and all_alike(instance.pairs.mixture))
    posed = replace(instance, rank=1)
    assert STATEMENT.decide(posed).outcome is Outcome.PROVED
    assert margin(posed) <= 0


def test_the_same_discriminant_on_all_lines_is_enough_uncentred() -> None:
    # Σ⁻¹S = I while C ≠ S: the eigenvectors of R⁻¹C are others than those of S, and any will do.
    half = Fraction(1, 2)
    skew = Instance(AugmentedPairs(SharedGMM((half, half), ((1, 1), (1, -1))), half), 1)
    assert STATEMENT.decide(skew).outcome is Outcome.PROVED
    assert margin(skew) <= 0


def test_it_says_nothing_with_enough_columns() -> None:
    assert "fewer-columns" in STATEMENT.decide(replace(SECOND_BEST.instance, rank=2)).reason
