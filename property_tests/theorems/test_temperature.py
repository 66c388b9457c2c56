"""A temperature rescales the map: the losses agree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import Encoder
from thmverify.models import Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.infonce import temperature
from thmverify.theorems.infonce.temperature import STATEMENT, at_temperature, margin
from thmverify.verdicts import Outcome


@settings(max_examples=20, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 4), components=(1, 4), shared=None, hostile=False))
def test_the_losses_agree(instance: Instance) -> None:
    assert margin(instance) <= 0
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


def test_other_encodings_have_the_same_loss_at_a_temperature() -> None:
    instance = STATEMENT.witness
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    A, T = random_matrix(rng, d, 1), random_matrix(rng, d, d) + exact.identity(d) * 20
    here = at_temperature(instance, A, Fraction(3, 4)).value
    assert at_temperature(permuted(instance, (1, 0)), A, Fraction(3, 4)).value == pytest.approx(here)
    pulled = T.inv().transpose() * A
    assert at_temperature(transformed(instance, T), pulled, Fraction(3, 4)).value == pytest.approx(here)
    assert here != pytest.approx(float64_value(LOSSES["infonce"], instance, Encoder(A)).value)


def test_a_contradiction_in_floats_is_a_checker_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temperature, "gap", lambda _: (0.5, 1e-9))
    assert margin(STATEMENT.witness) > 0
    assert STATEMENT.decide(STATEMENT.witness).outcome is Outcome.FAILED
