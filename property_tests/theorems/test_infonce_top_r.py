"""With fewer columns than dim S_F: the counterexample, the margin, and where the claim holds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from property_tests.theorems.encodings import permuted, transformed
from thmverify import exact
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import sample
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.infonce.infonce_top_r import RESOLVED, STATEMENT, margin
from thmverify.verdicts import Outcome


def encodings(instance: Instance) -> list[Instance]:
    rng, d = instance_rng(instance), instance.shared.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(instance.shared.components), instance.shared.components)
    changed = (transformed(instance, T), permuted(instance, order))
    return [replace(i, model=AugmentedPairs(i.shared, i.pairs.bias)) for i in changed]


def test_the_counterexample_refutes_in_every_encoding() -> None:
    assert STATEMENT.unsupported() == ""
    instance = STATEMENT.counterexamples[0].instance
    for other in (instance, *encodings(instance)):
        assert STATEMENT.decide(other).outcome is Outcome.REFUTED
        assert margin(other) == pytest.approx(margin(instance), rel=1e-4)
    assert margin(instance) > 0


def test_margin_is_positive_where_the_kernel_refutes() -> None:
    seen = set()
    for number in range(12):
        instance = sample(STATEMENT, 2, number)
        outcome = STATEMENT.decide(instance).outcome
        seen.add(outcome)
        if outcome is Outcome.REFUTED:
            assert margin(instance) > -RESOLVED
    assert Outcome.REFUTED in seen


def test_it_holds_where_all_directions_are_alike() -> None:
    assert margin(STATEMENT.witness) <= 0
    assert STATEMENT.decide(STATEMENT.witness).outcome is Outcome.PROVED


def test_it_says_nothing_with_enough_columns() -> None:
    assert "fewer-columns" in STATEMENT.decide(replace(STATEMENT.witness, rank=2)).reason
    line = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((1,), (-1,)))), 1)
    assert "fewer-columns" in STATEMENT.decide(line).reason
