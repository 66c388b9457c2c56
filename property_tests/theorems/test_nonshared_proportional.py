"""Covariances that map S_F into the span of the means: the block argument, and where it stops."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Trace

from property_tests.theorems.encodings import permuted, split_component, transformed
from property_tests.theorems.scripts import claim, faults, rejection, with_check, with_step
from theorems.nonshared_inclusion import TILTED
from theorems.nonshared_proportional import STATEMENT, block_diagonal, margin, proportional, sample
from theorems.scripts import nonshared_proportional as script
from theorems.scripts.nonshared_proportional import MAPS_INTO, PROOF
from verify import exact
from verify.evidence import Need
from verify.models import GMM, AugmentedPairs, Instance
from verify.proofs import Proof, nonnegative
from verify.sampling import random_instance
from verify.verdicts import Outcome

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
        other = replace(instance, model=AugmentedPairs(family(rng, instance), instance.pairs.bias))
        assert MAPS_INTO.holds(other)
        assert STATEMENT.examine(other).outcome is Outcome.PROVED


@settings(max_examples=15)
@given(seeds)
def test_other_encodings_satisfy_it_too(seed: int) -> None:
    rng = random.Random(seed)
    instance = random_instance(rng)
    d, K = instance.pairs.mixture.dimension, instance.pairs.mixture.components
    other = replace(instance, model=AugmentedPairs(block_diagonal(rng, instance), instance.pairs.bias))
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


def test_script_has_no_fault() -> None:
    assert faults(PROOF, {h.name for h in PROOF.hypotheses}) == []


def _with_definition(symbol: Any, value: Any) -> Proof:
    return replace(PROOF, algebra=replace(PROOF.algebra, definitions={**PROOF.algebra.definitions, symbol: value}))


_s = script
PLANTED: dict[str, Callable[[], Proof]] = {
    "the projector without its metric": lambda: _with_definition(_s.inside, _s.B * _s.G.I * _s.B.T * _s.A),
    "blocks that nothing makes vanish": lambda: with_step(
        PROOF, "component-blocks", premises=("fisher-basis", "basis-gram", "covariances-definite")
    ),
    "a bound that belongs to a component": lambda: with_check(
        PROOF, "jensen", rest=Trace(_s.n.T * _s.outside.T * _s.Sigma_k * _s.outside * _s.n) / 2
    ),
    "a linear part that is quadratic": lambda: with_check(PROOF, "jensen", linear=_s.REST),
    "Jensen without independence": lambda: with_step(
        PROOF,
        "jensen",
        premises=tuple(
            p for p in next(s for s in PROOF.steps if s.name == "jensen").premises if p != "component-blocks"
        ),
    ),
    "Jensen the wrong way round": lambda: with_step(PROOF, "jensen", claim=nonnegative(-claim(PROOF, "jensen").lhs)),
    "kept and noise exchanged": lambda: with_check(PROOF, "jensen", kept=_s.outside, noise=_s.inside),
    "the exponents without their ½": lambda: with_step(
        PROOF, "generating", claim=claim(PROOF, "generating").subs(_s.EXPONENT, 2 * _s.EXPONENT)
    ),
    "twice the rest": lambda: with_step(
        PROOF, "rest-mean", claim=claim(PROOF, "rest-mean").subs(_s.LOWER_GAP, 2 * _s.LOWER_GAP)
    ),
    "a lower bound that is not there": lambda: with_step(PROOF, "lower-bound", premises=()),
    "every map is included": lambda: replace(PROOF, conclusion=_s.INCLUDED),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_rejected(error: str) -> None:
    assert rejection(PLANTED[error]())
