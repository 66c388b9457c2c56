"""The slope across the column space: the formula is the derivative of the loss, in every encoding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.infonce import infonce_slope as module
from thmverify.theorems.infonce.common import TRIANGLE
from thmverify.theorems.infonce.infonce_slope import STATEMENT, margin, shares, slope
from thmverify.verdicts import Outcome

SETTING = {"weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range"}


@settings(max_examples=20, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 4), components=(1, 4), hostile=False))
def test_the_formula_is_the_derivative_of_the_loss(instance: Instance) -> None:
    assert margin(instance) <= 0
    assert STATEMENT.examine(instance).outcome is Outcome.UNDECIDED


@settings(max_examples=10, deadline=None)
@given(strategies.mixture_instances(dimension=(2, 3), components=(2, 3), hostile=False))
def test_other_encodings_have_the_same_slope(instance: Instance) -> None:
    rng, mixture = instance_rng(instance), instance.shared
    basis = fisher_subspace(mixture).basis
    if basis.ncols() == 0:
        return
    F = basis * exact.matrix([[Fraction(1, 8)]] * basis.ncols())
    here = slope(instance, F)
    T = random_matrix(rng, mixture.dimension, mixture.dimension) + exact.identity(mixture.dimension) * 20
    order = rng.sample(range(mixture.components), mixture.components)
    for other, map_ in ((transformed(instance, T), T.inv().transpose() * F), (permuted(instance, order), F)):
        there = slope(other, map_)
        assert there.formula == pytest.approx(here.formula, rel=1e-6, abs=1e-9)
        assert there.derivative == pytest.approx(here.derivative, rel=1e-6, abs=1e-9)


def test_shares_have_the_row_sums_of_the_weights() -> None:
    mixture = STATEMENT.witness.shared
    found = shares(mixture, exact.matrix([[1], [0], [1]]))
    assert found.sum(axis=1) == pytest.approx([float(w) for w in mixture.weights])
    at_zero = shares(mixture, exact.matrix([[0], [0], [0]]))
    assert at_zero.ravel() == pytest.approx([float(a * b) for a in mixture.weights for b in mixture.weights])
    halves = split_component(STATEMENT.witness).shared
    assert shares(halves, exact.matrix([[1], [0], [1]]))[:2].sum() == pytest.approx(found[0].sum())


def test_a_wrong_formula_is_a_checker_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "trial", module.trial.__wrapped__)  # the formula changes: nothing is kept
    monkeypatch.setattr(module, "shares", lambda mixture, F: 2 * shares(mixture, F))
    assert margin(STATEMENT.witness) > 0
    assert STATEMENT.decide(STATEMENT.witness).outcome is Outcome.FAILED


def test_a_minimiser_short_of_a_column_has_a_negative_slope_across_it() -> None:
    short = Instance(AugmentedPairs(TRIANGLE), 1)
    assert module.one_column_short(short).outcome is Outcome.REFUTED
    assert module.one_column_short(replace(short, rank=2)).outcome is Outcome.UNDECIDED
    F = exact.matrix([[Fraction(float(x))] for x in minimise("infonce", short).maps["A"][:, 0]])
    assert slope(short, F).derivative < -1e-3
