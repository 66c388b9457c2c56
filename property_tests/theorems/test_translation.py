"""InfoNCE sees where the origin is: what a shift changes, and what it does not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.certifying.translation import moved as centred
from thmverify.models import Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import fisher_subspace, lda_subspace
from thmverify.theorems.infonce.common import UNCENTRED
from thmverify.theorems.infonce.translation import STATEMENT, margin, shifted
from thmverify.verdicts import Outcome, Provenance

ONE_GAUSSIAN = STATEMENT.counterexamples[0].instance


def test_one_gaussian_refutes_it_in_rational_arithmetic() -> None:
    verdict = STATEMENT.examine(ONE_GAUSSIAN)
    assert (verdict.outcome, verdict.provenance) == (Outcome.REFUTED, Provenance.EXACT)
    assert STATEMENT.examine(centred(ONE_GAUSSIAN)).outcome is Outcome.PROVED


def test_two_components_refute_it_in_every_encoding() -> None:
    instance = UNCENTRED.instance
    rng = instance_rng(instance)
    T = random_matrix(rng, 2, 2) + exact.identity(2) * 20
    for other in (instance, transformed(instance, T), permuted(instance, (1, 0))):
        shared = shifted(other, (Fraction(0), Fraction(0)))
        assert STATEMENT.examine(shared).outcome is Outcome.REFUTED
        assert fisher_subspace(shared.shared).dimension == 2
        assert fisher_subspace(centred(shared).shared).dimension == 1


def test_every_counterexample_on_record_refutes() -> None:
    assert STATEMENT.unsupported() == ""
    assert len(STATEMENT.counterexamples) == 2


@settings(max_examples=30)
@given(strategies.mixture_instances(dimension=(1, 4), components=(1, 4)))
def test_a_shift_leaves_s_lda_and_centring_undoes_it(instance: Instance) -> None:
    b = tuple(Fraction(i + 1, 3) for i in range(instance.shared.dimension))
    moved = shifted(instance, b)
    assert lda_subspace(moved.shared) == lda_subspace(instance.shared)
    assert centred(moved) == centred(instance)
    assert centred(instance).shared.is_centred
    assert fisher_subspace(centred(moved).shared) == lda_subspace(instance.shared)


def test_margin_has_the_sign_of_the_answer() -> None:
    two = STATEMENT.witness
    assert margin(two) == pytest.approx(margin(centred(two)))
    assert margin(two) < 0
    assert STATEMENT.examine(two).outcome is Outcome.PROVED
    assert margin(ONE_GAUSSIAN) >= 0
