"""Centred, the spectral contrastive loss finds the r directions that are best for J; uncentred the mean can win."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.evidence import Need
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import AugmentedPairs, Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.spectral.spectral_top_r import MEAN_WINS, STATEMENT, TOLERANCE, centred, margin
from thmverify.verdicts import Outcome


def posed(instance: Instance) -> Instance:
    """Return the instance with mean 0 and δ > 0."""
    moved = centred(instance)
    return replace(moved, model=AugmentedPairs(moved.pairs.mixture, moved.pairs.bias or Fraction(1, 7)))


@settings(max_examples=40)
@given(strategies.mixture_instances(shared=None))
def test_no_map_of_r_columns_is_better(instance: Instance) -> None:
    question = posed(instance)
    assert margin(question) <= 0
    assert STATEMENT.decide(question).outcome is Outcome.PROVED


@settings(max_examples=20)
@given(strategies.mixture_instances(dimension=(1, 4), components=(2, 4), shared=None, hostile=False))
def test_random_maps_stay_below_the_top_eigenvalues(instance: Instance) -> None:
    question, rng = posed(instance), instance_rng(instance)
    mixture = question.pairs.mixture
    best = float(np.sum(Pencil(mixture.S, mixture.sigma_bar).values[: question.rank]))
    value = exact_value(LOSSES["fisher"], question, Encoder(random_matrix(rng, mixture.dimension, question.rank)))
    assert value is not None
    assert float(exact.to_fraction(value)) <= best + 1e-9 * (1 + best)


@settings(max_examples=15)
@given(strategies.mixture_instances(dimension=(2, 4), components=(2, 4), shared=False))
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    question = posed(instance)
    rng, d = instance_rng(question), question.pairs.mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(question.pairs.mixture.components), question.pairs.mixture.components)
    for other in (transformed(question, T), permuted(question, order), split_component(question)):
        assert STATEMENT.examine(other).outcome is Outcome.PROVED
        assert margin(other) <= 0


def test_the_mean_wins_when_it_is_not_centred() -> None:
    found = MEAN_WINS.instance
    assert STATEMENT.false_hypotheses(found) == ("centred",)
    assert STATEMENT.examine(found).outcome is Outcome.REFUTED
    assert margin(found) > 10 * TOLERANCE
    matched = replace(found, model=AugmentedPairs(found.pairs.mixture, Fraction(1)))
    assert STATEMENT.examine(matched).outcome is Outcome.PROVED  # C = S
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    assert needs["centred"] is Need.NECESSARY
    assert needs["bias-positive"] is Need.NECESSARY
