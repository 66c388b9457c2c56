"""The spectral contrastive loss grows with whatever leaks out of S_F; its minimisers have a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.minimize import minimise
from thmverify.models import Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import Subspace
from thmverify.theorems.common import split
from thmverify.theorems.spectral import spectral_inclusion
from thmverify.theorems.spectral.spectral_inclusion import STATEMENT, excess, margin
from thmverify.verdicts import Outcome


@settings(max_examples=40)
@given(strategies.mixture_instances(shared=None))
def test_inclusion_holds_exactly(instance: Instance) -> None:
    assert margin(instance) <= -1
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=20)
@given(strategies.mixture_instances(dimension=(1, 4), components=(1, 4), shared=None, hostile=False))
def test_no_map_does_better_than_the_closed_form(instance: Instance) -> None:
    found, rng = minimise("spectral", instance), instance_rng(instance)
    for size in (fmpq(1, 8), fmpq(1), fmpq(1, 2)):
        A = random_matrix(rng, instance.pairs.mixture.dimension, instance.rank) * size
        value = exact_value(LOSSES["spectral"], instance, Encoder(A))
        assert value is not None
        assert float(exact.to_fraction(value)) >= found.value - 1e-9 * (1 + abs(found.value))
    reached = Subspace.spanned_by(instance.pairs.mixture.R.solve(instance.pairs.C)).as_floats()
    A = found.maps["A"]
    assert np.allclose(reached @ (reached.T @ A), A, atol=1e-6 * (1 + np.abs(A).max(initial=0)))


@settings(max_examples=15)
@given(strategies.mixture_instances(dimension=(2, 4), components=(1, 4), shared=False))
def test_other_encodings_give_the_same_numbers(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    A = random_matrix(rng, d, instance.rank)
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    assert excess(transformed(instance, T), T.inv().transpose() * A) == excess(instance, A)
    for other in (permuted(instance, order), split_component(instance)):
        assert excess(other, A) == excess(instance, A)
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def test_a_wrong_subspace_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Subspace.spanned_by(exact.matrix([[0], [0], [1]]))
    monkeypatch.setattr(spectral_inclusion, "fisher_subspace", lambda _: wrong)
    assert spectral_inclusion.examine(STATEMENT.witness).outcome is Outcome.REFUTED


def test_split_is_the_identity_inside() -> None:
    mixture = STATEMENT.witness.pairs.mixture
    inside = mixture.sigma_bar.solve(mixture.mu)
    assert split(mixture, inside)[0] == inside
    assert exact.is_zero(split(mixture, inside)[1])
