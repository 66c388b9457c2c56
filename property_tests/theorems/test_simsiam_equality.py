"""SimSiam may learn nothing, or one direction, and stay there."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.simsiam.simsiam_equality import STATEMENT, margin, nothing_learnt
from thmverify.verdicts import Outcome


def posed(instance: Instance) -> Instance:
    return replace(instance, weight_decay=Fraction(0), rank=instance.pairs.mixture.components)


@settings(max_examples=40, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 5), shared=None).map(posed))
def test_it_fails_wherever_there_is_something_to_learn(instance: Instance) -> None:
    m = fisher_subspace(instance.pairs.mixture).dimension
    assert STATEMENT.decide(instance).outcome is (Outcome.REFUTED if m else Outcome.PROVED)
    assert margin(instance) == m


@settings(max_examples=15, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 4), shared=None).map(posed))
def test_other_encodings_have_the_same_verdict(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    here = STATEMENT.examine(instance).outcome
    assert {STATEMENT.examine(other).outcome for other in (transformed(instance, T), permuted(instance, order))} == {
        here
    }
    assert STATEMENT.examine(split_component(instance)).outcome is here


def test_one_eigenvector_alone_is_stationary_too() -> None:
    third = Fraction(1, 3)
    plane = Instance(AugmentedPairs(SharedGMM((third, third, third), ((1, 0), (0, 1), (-1, -1)))), 3)
    one = minimise("simsiam", plane, 1)
    A, P = np.zeros((2, 3)), np.eye(3)
    A[:, :1], P[0, 0] = one.maps["A"], one.maps["P"][0, 0]
    R, C = to_floats(plane.pairs.mixture.R), to_floats(plane.pairs.C)
    assert np.allclose(R @ A @ P.T @ P, C @ A @ P)
    assert np.allclose(P @ A.T @ R @ A, A.T @ C @ A)
    assert np.linalg.matrix_rank(A) == 1 < fisher_subspace(plane.pairs.mixture).dimension


def test_weight_decay_excludes_this_pair() -> None:
    decayed = replace(STATEMENT.witness, weight_decay=Fraction(1, 10))
    assert STATEMENT.examine(decayed).outcome is Outcome.UNDECIDED
    assert margin(decayed) < 0
    assert nothing_learnt(decayed).P.rank() == decayed.rank


def test_every_counterexample_stands() -> None:
    assert STATEMENT.unsupported() == ""
    assert {c.instance.pairs.bias for c in STATEMENT.counterexamples} == {Fraction(1), Fraction(1, 2)}
