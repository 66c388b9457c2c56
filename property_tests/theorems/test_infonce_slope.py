"""The slope across the column space: the formula, and every error planted in the scripts that rest on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import ModuleType

import pytest
from hypothesis import given, settings
from sympy import Eq, Ge, Gt, Identity, Implies, Symbol, Trace, ZeroMatrix

from property_tests import strategies
from property_tests.theorems.encodings import permuted, split_component, transformed
from property_tests.theorems.scripts import faults, rejection, with_check, with_step, without_step
from theorems import infonce_slope as module
from theorems.infonce_equality_balanced import TRIANGLE
from theorems.infonce_slope import STATEMENT, margin, shares, slope
from theorems.scripts import infonce_equality_balanced as balanced
from theorems.scripts import infonce_equality_small_signal as small
from theorems.scripts import infonce_equality_two as two
from theorems.scripts import infonce_slope as script
from verify import exact
from verify.minimize import minimise
from verify.models import AugmentedPairs, Instance
from verify.proofs import Multiple, PositiveEntries, Proof
from verify.sampling import instance_rng, random_matrix
from verify.subspaces import fisher_subspace
from verify.verdicts import Outcome

SETTING = {"weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range"}
SCRIPTS = {
    "infonce-slope": (script, SETTING | {"columns-reach"}),
    "infonce-equality-two": (two, SETTING | {"centred", "two-components", "bias-positive"}),
    "infonce-equality-balanced": (balanced, SETTING | {"columns-reach", "centred", "always-matched", "one-orbit"}),
    "infonce-equality-small-signal": (small, SETTING | {"columns-reach", "centred"}),
}


@pytest.mark.parametrize(("used", "needed"), SCRIPTS.values(), ids=SCRIPTS)
def test_every_claim_step_and_hypothesis_is_needed_as_it_stands(used: ModuleType, needed: set[str]) -> None:
    assert faults(used.PROOF, needed) == []


def _slope(name: str, **changes: object) -> Proof:
    return with_step(script.PROOF, name, **changes)


s, T, D, Q, o, F, V = script, script.T, script.D, script.Q, script.o, script.F, script.V
PLANTED: dict[str, Callable[[], Proof]] = {
    "noise of the wrong part": lambda: with_check(s.PROOF, "uncorrelated", weight=D),
    "a softmax that sees more than the part kept": lambda: with_check(s.PROOF, "uncorrelated", outer=V),
    "a slope without the softmax": lambda: _slope("gradient", premises=("potential", "convexity")),
    "a slope of another function": lambda: with_check(s.PROOF, "gradient", value=s.L),
    "a path whose maps have more columns": lambda: with_check(
        s.PROOF, "attained", spans=((ZeroMatrix(s.m, s.rho), Identity(s.rho)), (2 * s.c, -s.P.I * F.T * s.mu))
    ),
    "a path without r ≥ m": lambda: _slope("attained", premises=("fisher-basis", "gram")),
    "a negative coefficient": lambda: with_check(s.PROOF, "attained", parts=((1, F), (-s.t, V))),
    "optimality in the wrong direction": lambda: _slope(
        "first-order",
        claim=Implies(s.MINIMISER & s.Attained(s.path, s.r, s.t), Ge(-s.slope(s.L, s.t), 0)),
    ),
    "optimality without a derivative": lambda: _slope("first-order", premises=("loss", "factor")),
    "optimality of a path from elsewhere": lambda: _slope("first-order", premises=("loss", "gram", "derivative")),
    "a softmax without positive weights": lambda: _slope("row-sums", premises=("softmax", "pairs", "total-weight")),
    "column sums for row sums": lambda: _slope("row-sums", claim=PositiveEntries(Q) & Eq(Q.T * o, D * o)),
    "the softmax at 0 of another law": lambda: _slope("at-zero", claim=Implies(Eq(s.A, 0 * s.A), Eq(Q, D))),
    "two: a line without mean 0": lambda: with_step(two.PROOF, "dimension", premises=("fisher-basis",)),
    "two: three components": lambda: with_check(
        two.PROOF, "line", terms=(Multiple("dimension"), Multiple("two-components", by=-2))
    ),
    "two: any space is 0 or all": lambda: without_step(two.PROOF, "line"),
    "two: a bias that may be 0": lambda: with_step(two.PROOF, "positive-bias", premises=("gram", "weights-positive")),
    "two: another factorisation": lambda: with_step(
        two.PROOF, "factor", claim=script.IndependentColumns(F) & Eq(2 * F * F.T, s.A * s.A.T)
    ),
    "balanced: row sums alone": lambda: with_step(
        balanced.PROOF, "equal-columns", claim=Implies(balanced.DEFECT, balanced.CONSTANT)
    ),
    "balanced: Q without positive entries": lambda: with_step(
        balanced.PROOF, "slope", claim=Implies(s.MINIMISER, Ge(s.SLOPE, 0)) & Implies(s.MISSED, s.CONTAINS)
    ),
    "balanced: not one orbit": lambda: with_step(
        balanced.PROOF, "symmetric", premises=("convexity", "strict", "softmax", "total-weight")
    ),
    "balanced: no strict convexity": lambda: without_step(balanced.PROOF, "strict"),
    "balanced: a column with a mean": lambda: with_check(
        balanced.PROOF, "constant-vanishes", terms=(Multiple(balanced.CONSTANT, right=Identity(s.K)),)
    ),
    "small: half the bound": lambda: with_step(
        small.PROOF,
        "near",
        claim=Implies(
            small.NearProduct(Q, D, o, small.h),
            Ge(small.h * Trace(T * D * T) / 2 - Trace(T * Q * T) + Trace(T * small.PRODUCT * T), 0),
        ),
    ),
    "small: a strict inequality from a weak one": lambda: with_step(
        small.PROOF, "exceeds", claim=Implies(Ge(s.delta - small.h, 0), Gt(small.e, 0))
    ),
    "small: a negative multiple": lambda: with_check(
        small.PROOF, "exceeds", terms=(Multiple(Gt(s.delta - small.h, 0), by=-1), Multiple("excess"))
    ),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_planted_errors_are_rejected(plant: Callable[[], Proof]) -> None:
    assert rejection(plant())


def test_a_citation_in_another_setting_is_rejected() -> None:
    other = replace(two.ALGEBRA, definitions=two.ALGEBRA.definitions | {T: 2 * s.mu.T * V})
    assert "means something else by T" in rejection(replace(two.PROOF, algebra=other))


def test_the_conclusion_claims_no_more() -> None:
    for wrong in (s.CONTAINS, Implies(s.MINIMISER, s.CONTAINS), Ge(s.SLOPE, 0), Symbol("moon")):
        assert "does not follow" in rejection(replace(s.PROOF, conclusion=wrong))


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
    monkeypatch.setattr(module, "shares", lambda mixture, F: 2 * shares(mixture, F))
    assert margin(STATEMENT.witness) > 0
    assert STATEMENT.decide(STATEMENT.witness).outcome is Outcome.FAILED


def test_a_minimiser_short_of_a_column_has_a_negative_slope_across_it() -> None:
    short = Instance(AugmentedPairs(TRIANGLE), 1)
    assert module.one_column_short(short).outcome is Outcome.REFUTED
    assert module.one_column_short(replace(short, rank=2)).outcome is Outcome.UNDECIDED
    F = exact.matrix([[Fraction(float(x))] for x in minimise("infonce", short).maps["A"][:, 0]])
    assert slope(short, F).derivative < -1e-3
