"""With r ≥ dim S_F and δ > 0 the spectral contrastive loss has M* = R⁻¹CR⁻¹, and its columns span S_F."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.evidence import Need
from thmverify.losses import LOSSES
from thmverify.maps import Gram
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems.spectral.spectral_equality import PLANE, STATEMENT, margin
from thmverify.verdicts import Outcome


def posed(instance: Instance) -> Instance:
    """Return the instance with δ > 0 and r ≥ dim S_F."""
    pairs = instance.pairs
    m = fisher_subspace(pairs.mixture).dimension
    return replace(
        instance, model=AugmentedPairs(pairs.mixture, pairs.bias or Fraction(1, 7)), rank=max(m, instance.rank)
    )


@settings(max_examples=40)
@given(strategies.mixture_instances(shared=None))
def test_the_closed_form_is_stationary_and_spans_s_f_exactly(instance: Instance) -> None:
    question = posed(instance)
    pairs, mixture = question.pairs, question.pairs.mixture
    M = mixture.R.inv() * pairs.C * mixture.R.inv()
    assert exact.is_zero(LOSSES["spectral"].gradient(question, Gram(M))["M"].rational)
    assert exact.is_positive_semidefinite(M)
    assert Subspace.spanned_by(M) == fisher_subspace(mixture)
    assert margin(question) <= 0
    assert STATEMENT.decide(question).outcome is Outcome.PROVED


@settings(max_examples=15)
@given(strategies.mixture_instances(dimension=(1, 4), components=(1, 4), shared=None, hostile=False))
def test_the_solver_finds_the_closed_form(instance: Instance) -> None:
    question = posed(instance)
    mixture = question.pairs.mixture
    wanted = exact.to_floats(mixture.R.inv() * question.pairs.C * mixture.R.inv())
    assert np.allclose(minimise("spectral", question).maps["M"], wanted, atol=1e-7 * (1 + np.abs(wanted).max()))


@settings(max_examples=15)
@given(strategies.mixture_instances(dimension=(2, 4), components=(1, 4), shared=False))
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    question = posed(instance)
    rng, d = instance_rng(question), question.pairs.mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(question.pairs.mixture.components), question.pairs.mixture.components)
    for other in (transformed(question, T), permuted(question, order), split_component(question)):
        assert STATEMENT.examine(other).outcome is Outcome.PROVED
        assert margin(other) == pytest.approx(margin(question), abs=1e-6)


@settings(max_examples=20)
@given(strategies.mixture_instances(shared=None))
def test_too_few_columns_or_no_bias_refute(instance: Instance) -> None:
    m = fisher_subspace(instance.pairs.mixture).dimension
    assume(m >= 2)
    few = replace(posed(instance), rank=m - 1)
    unbiased = replace(posed(instance), model=AugmentedPairs(instance.pairs.mixture, Fraction(0)))
    for question in (few, unbiased):
        assert STATEMENT.examine(question).outcome is Outcome.REFUTED
        assert margin(question) > 0
        assert STATEMENT.decide(question).outcome is Outcome.UNDECIDED  # a hypothesis is false


def test_what_each_hypothesis_is_for() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    assert needs["bias-positive"] is Need.NECESSARY
    assert needs["columns-reach"] is Need.NECESSARY
    assert needs["shared-covariance"] is Need.REDUNDANT


def test_uncentred_with_one_component() -> None:
    # InfoNCE learns nothing here; the spectral contrastive loss learns the mean.
    alone = AugmentedPairs(SharedGMM((1,), ((1, 2),)), Fraction(1))
    assert STATEMENT.decide(Instance(alone, 1)).outcome is Outcome.PROVED


def test_the_witness_has_little_bias() -> None:
    assert STATEMENT.witness.pairs == AugmentedPairs(PLANE, Fraction(1, 10))
