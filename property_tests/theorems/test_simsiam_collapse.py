"""SimSiam with a singular predictor: what P does not see may leave S_F, and stays stationary."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.evidence import Need
from thmverify.maps import SimSiamPair
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.simsiam.common import collapsed, is_inside, refute_inclusion, steepness, wandered
from thmverify.theorems.simsiam.common import examine_wandered as examine
from thmverify.theorems.simsiam.simsiam_collapse import FULL, STATEMENT, margin
from thmverify.verdicts import Outcome

PLAIN = STATEMENT.witness


def without_decay(instance: Instance) -> Instance:
    return replace(instance, weight_decay=Fraction(0))


@settings(max_examples=40, deadline=None)
@given(strategies.mixture_instances(dimension=(2, 6), shared=None).map(without_decay))
def test_a_singular_predictor_leaks_wherever_there_is_room(instance: Instance) -> None:
    verdict = STATEMENT.decide(instance)
    if "room-outside" in STATEMENT.false_hypotheses(instance):
        assert verdict.outcome is Outcome.UNDECIDED
        return
    assert verdict.outcome is Outcome.PROVED, verdict.reason
    assert margin(instance) == 0
    pair = collapsed(instance)
    assert pair.P.rank() < instance.rank
    assert is_inside(instance, pair.A)
    assert not is_inside(instance, wandered(instance, pair).A)


@settings(max_examples=30, deadline=None)
@given(strategies.mixture_instances(dimension=(2, 5), shared=None).map(without_decay))
def test_the_pair_to_start_from_learns_where_a_column_is_left(instance: Instance) -> None:
    rank = instance.pairs.C.rank()
    assume(rank > 0)
    wide = replace(instance, rank=rank + 1)
    pair = collapsed(wide)
    assert pair.A.rank() == rank == pair.P.rank()
    assert steepness(wide, pair) == 0
    narrow = replace(instance, rank=rank)
    assert exact.is_zero(collapsed(narrow).A)


def test_no_pair_wanders_where_p_sees_all() -> None:
    # The same step at an invertible predictor leaves the stationary points.
    wide = replace(PLAIN, rank=PLAIN.pairs.C.rank() + 1)
    pair = collapsed(wide)
    P = pair.P * 1
    P[P.nrows() - 1, P.nrows() - 1] = 1
    seen = SimSiamPair(pair.A, P)
    assert steepness(wide, seen) == 0
    assert steepness(wide, wandered(wide, seen)) > 0


def test_weight_decay_balances_what_is_stationary() -> None:
    instance = replace(PLAIN, weight_decay=Fraction(1, 100), rank=1)
    found = minimise("simsiam", instance)
    assert found.converged
    assert float((found.maps["A"].T @ found.maps["A"])[0, 0]) == pytest.approx(float(found.maps["P"][0, 0]) ** 2)
    assert examine(instance).outcome is Outcome.REFUTED
    assert refute_inclusion(instance).outcome is Outcome.UNDECIDED


def test_nothing_wanders_without_room() -> None:
    assert wandered(FULL, collapsed(FULL)) is None
    assert margin(FULL) > 0
    assert examine(FULL).outcome is Outcome.REFUTED


def test_both_conditions_are_needed() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    assert needs["no-weight-decay"] is needs["room-outside"] is Need.NECESSARY


@settings(max_examples=20, deadline=None)
@given(strategies.mixture_instances(dimension=(2, 4), shared=None).map(without_decay))
def test_other_encodings_are_stationary_too(instance: Instance) -> None:
    assume(not STATEMENT.false_hypotheses(instance))
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    moved = wandered(instance, collapsed(instance))
    pulled = SimSiamPair(T.inv().transpose() * moved.A, moved.P)
    assert steepness(transformed(instance, T), pulled) == 0
    assert not is_inside(transformed(instance, T), pulled.A)
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    for other in (permuted(instance, order), split_component(instance)):
        assert steepness(other, moved) == 0
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def test_inclusion_is_refuted_where_p_may_be_singular() -> None:
    assert refute_inclusion(PLAIN).outcome is Outcome.REFUTED
    line = Instance(AugmentedPairs(SharedGMM((Fraction(1),), ((1,),))), 1)
    assert refute_inclusion(line).outcome is Outcome.UNDECIDED
