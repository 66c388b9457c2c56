"""Covariances that map S_F into the span of the means: the block argument, and where it stops."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify.evidence import Need
from thmverify.hypotheses import MAPS_INTO
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.sampling import random_instance
from thmverify.theorems.nonshared.common import TILTED
from thmverify.theorems.nonshared.common import leak_margin as margin
from thmverify.theorems.nonshared.nonshared_proportional import STATEMENT, block_diagonal, proportional, sample
from thmverify.verdicts import Outcome

seeds = st.integers(0, 10**9)


@settings(max_examples=8)
@given(seeds)
def test_minimisers_stay_inside(seed: int) -> None:
    instance = sample(random.Random(seed))
    assert margin(instance) <= 0
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=30)
@given(seeds)
def test_both_families_satisfy_the_hypothesis_in_any_dimension(seed: int) -> None:
    rng = random.Random(seed)
    instance = random_instance(rng)
    for family in (proportional, block_diagonal):
        other = replace(instance, model=AugmentedPairs(family(rng, instance.pairs.mixture), instance.pairs.bias))
        assert MAPS_INTO.holds(other)
        assert STATEMENT.examine(other).outcome is Outcome.PROVED


@settings(max_examples=15)
@given(seeds)
def test_other_encodings_satisfy_it_too(seed: int) -> None:
    rng = random.Random(seed)
    instance = random_instance(rng)
    d, K = instance.pairs.mixture.dimension, instance.pairs.mixture.components
    other = replace(instance, model=AugmentedPairs(block_diagonal(rng, instance.pairs.mixture), instance.pairs.bias))
    T = exact.matrix([[int(i == j) + int(i < j) for j in range(d)] for i in range(d)])
    for again in (transformed(other, T), permuted(other, range(K)[::-1]), split_component(other)):
        assert STATEMENT.decide(again).outcome is Outcome.PROVED


def test_it_stops_where_a_covariance_leaves_the_span() -> None:
    assert STATEMENT.false_hypotheses(TILTED.instance) == (MAPS_INTO.name,)
    assert {n.hypothesis: n.need for n in STATEMENT.necessity()}[MAPS_INTO.name] is Need.NECESSARY
    mixture = TILTED.instance.pairs.mixture
    hair = Fraction(1, 10**30)
    covariances = (mixture.covariances[0], ((2, hair), (hair, 2)))
    near = AugmentedPairs(GMM(mixture.weights, mixture.means, covariances), Fraction(1))
    assert STATEMENT.false_hypotheses(Instance(near, 1)) == (MAPS_INTO.name,)
