"""SimSiam with weight decay leaks, and where Σ̄ maps the span of the means to itself it does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component
from thmverify import exact
from thmverify import testing as strategies
from thmverify.evidence import Need
from thmverify.exact import to_floats
from thmverify.hypotheses import MEANS_INVARIANT
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.simsiam import simsiam_invariant_means, simsiam_weight_decay
from thmverify.theorems.simsiam.common import leak_slope, random_pair
from thmverify.theorems.simsiam.simsiam_invariant_means import invariant_covariance
from thmverify.verdicts import Outcome

DECAY, KEPT = simsiam_weight_decay.STATEMENT, simsiam_invariant_means.STATEMENT
EXAMPLE = simsiam_weight_decay.COUNTEREXAMPLE.instance


def kept(instance: Instance) -> Instance:
    """Return the instance with weight decay and a covariance that maps the span of the means to itself."""
    mixture = instance.shared
    covariance = exact.to_rows(invariant_covariance(mixture))
    pairs = AugmentedPairs(SharedGMM(mixture.weights, mixture.means, covariance), instance.pairs.bias)
    return replace(instance, model=pairs, weight_decay=instance.weight_decay or Fraction(1, 20))


def test_the_counterexample_leaks_in_closed_form() -> None:
    mixture, eta = EXAMPLE.shared, float(EXAMPLE.weight_decay)
    found = minimise("simsiam", EXAMPLE)
    a, p = found.maps["A"][:, 0], abs(float(found.maps["P"][0, 0]))
    mu = to_floats(mixture.mu)[:, 0]
    along = np.linalg.solve(p * to_floats(mixture.R) + eta / p * np.eye(2), mu)
    assert np.linalg.matrix_rank(np.column_stack([a, along]), tol=1e-9) == 1
    assert simsiam_weight_decay.margin(EXAMPLE) > 1e-3
    assert DECAY.decide(EXAMPLE).outcome is Outcome.REFUTED


def test_less_decay_leaks_less() -> None:
    leaks = [simsiam_weight_decay.margin(replace(EXAMPLE, weight_decay=Fraction(1, n))) for n in (10, 100, 1000)]
    assert leaks[0] > 5 * leaks[1] > 25 * leaks[2] > 0


@pytest.mark.parametrize("encoding", [lambda i: permuted(i, [1, 0]), split_component])
def test_other_encodings_of_the_counterexample_are_refuted(encoding: Callable[[Instance], Instance]) -> None:
    other = encoding(EXAMPLE)
    assert DECAY.decide(other).outcome is Outcome.REFUTED
    assert simsiam_weight_decay.margin(other) == pytest.approx(simsiam_weight_decay.margin(EXAMPLE), rel=1e-6)


def test_it_holds_where_the_mean_is_an_eigenvector() -> None:
    mixture = SharedGMM(EXAMPLE.pairs.mixture.weights, ((1, 1), (-1, -1)), ((2, 1), (1, 2)))
    instance = Instance(AugmentedPairs(mixture), 1, Fraction(1, 10))
    assert DECAY.decide(instance).outcome is Outcome.PROVED
    assert simsiam_weight_decay.margin(instance) <= 0
    assert MEANS_INVARIANT.holds(instance)
    assert not MEANS_INVARIANT.holds(EXAMPLE)


@settings(max_examples=40, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 5)).map(kept))
def test_invariant_means_are_never_violated(instance: Instance) -> None:
    assert KEPT.margin(instance) == -1
    verdict = KEPT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason


@settings(max_examples=40, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 5)).map(kept))
def test_energy_of_a_leak_is_positive(instance: Instance) -> None:
    slope, expected = leak_slope(instance, random_pair(instance))
    whole = fisher_subspace(instance.shared).dimension == instance.shared.dimension
    assert slope == expected
    assert (slope == 0) if whole else (slope >= 0)


@settings(max_examples=15, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 4), hostile=False).map(kept))
def test_other_encodings_have_the_same_slope(instance: Instance) -> None:
    pair = random_pair(instance)
    rotation = strategies.rational_orthogonal_matrix(strategies.Seeded(random.Random(1)), pair.A.nrows())
    turned = replace(instance, model=_turned(instance, rotation))
    assert leak_slope(turned, type(pair)(rotation * pair.A, pair.P)) == leak_slope(instance, pair)
    for other in (turned, split_component(instance)):
        assert KEPT.decide(other).outcome is Outcome.PROVED


def _turned(instance: Instance, Q) -> AugmentedPairs:
    mixture = instance.shared
    means = exact.to_rows((Q * mixture.mu).transpose())
    covariance = exact.to_rows(Q * mixture.sigma * Q.transpose())
    return AugmentedPairs(SharedGMM(mixture.weights, means, covariance), instance.pairs.bias)


def test_both_conditions_are_needed() -> None:
    needs = {n.hypothesis: n.need for n in KEPT.necessity()}
    assert needs["means-invariant"] is needs["weight-decay"] is Need.NECESSARY
