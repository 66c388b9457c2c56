"""The printed CLIP theorem: false exactly where a column is free and there is room outside."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from thmverify import exact
from thmverify import testing as strategies
from thmverify.certifying import certify
from thmverify.evidence import Counterexample
from thmverify.losses import LOSSES
from thmverify.losses.clip import paired_mixture
from thmverify.losses.levels import float64_value
from thmverify.maps import CLIPFactors
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.clip.clip_inclusion_literal import COUNTEREXAMPLE, STATEMENT, margin
from thmverify.verdicts import Outcome

EXAMPLE = COUNTEREXAMPLE.instance
LINE = SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1,), (-1,)))


def test_the_counterexample_has_a_free_column_outside() -> None:
    found = minimise("clip", EXAMPLE)
    A_V, A_T = (exact.matrix([[Fraction(x) for x in row] for row in found.maps[name]]) for name in ("A_V", "A_T"))
    assert A_V.ncols() == 1
    outside = fisher_subspace(paired_mixture(EXAMPLE).vision).orthogonal_complement().basis
    wide = CLIPFactors(exact.hstack([A_V, outside], 2), exact.hstack([A_T, outside * fmpq(0)], 2))
    values = [float64_value(LOSSES["clip"], EXAMPLE, pair).value for pair in (CLIPFactors(A_V, A_T), wide)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    assert STATEMENT.decide(EXAMPLE).outcome is Outcome.REFUTED
    assert margin(EXAMPLE) > 0


def test_with_as_many_columns_as_the_rank_it_holds() -> None:
    assert STATEMENT.examine(replace(EXAMPLE, rank=1)).outcome is Outcome.PROVED
    assert margin(replace(EXAMPLE, rank=1)) < 0


def test_with_no_room_outside_it_holds() -> None:
    line = Instance(CLIPGMM(LINE, LINE), 5)
    assert STATEMENT.decide(line).outcome is Outcome.PROVED
    assert margin(line) < 0


def test_room_in_one_modality_is_enough() -> None:
    for model in (CLIPGMM(LINE, paired_mixture(EXAMPLE).text), CLIPGMM(paired_mixture(EXAMPLE).vision, LINE)):
        assert STATEMENT.decide(Instance(model, 2)).outcome is Outcome.REFUTED


def test_uninformative_pairs_leave_every_column_free() -> None:
    noise = Instance(CLIPGMM(LINE, paired_mixture(EXAMPLE).text, Fraction(0)), 1)
    assert STATEMENT.examine(noise).outcome is Outcome.REFUTED
    assert np.allclose(minimise("clip", noise).maps["W"], 0)


@settings(max_examples=20, deadline=None)
@given(strategies.clip_gmms(components=(1, 4), dimensions=((1, 4), (1, 4)), hostile=False))
def test_margin_has_the_sign_of_the_verdict(model: CLIPGMM) -> None:
    instance = Instance(model, len(model.weights))
    match STATEMENT.decide(instance).outcome:
        case Outcome.REFUTED:
            assert margin(instance) > -1e-6
        case Outcome.PROVED:
            assert margin(instance) < 0
        case other:
            assert other is Outcome.UNDECIDED


@settings(max_examples=10, deadline=None)
@given(strategies.clip_gmms(components=(1, 3), dimensions=((1, 3), (1, 3)), hostile=False))
def test_other_encodings_have_the_same_verdict(model: CLIPGMM) -> None:
    instance = Instance(model, len(model.weights))
    rng = instance_rng(instance)
    T_V, T_T = (
        random_matrix(rng, m.dimension, m.dimension) + exact.identity(m.dimension) * 20
        for m in (model.vision, model.text)
    )
    order = [*reversed(range(len(model.weights)))]
    others = (transformed_pair(instance, T_V, T_T), permuted_pair(instance, order), swapped(instance))
    here = STATEMENT.decide(instance).outcome
    assert {STATEMENT.decide(other).outcome for other in others} == {here}


def test_a_certificate_about_w_does_not_refute_the_claim_about_the_factors(tmp_path) -> None:
    found = certify("clip-inclusion-effective", EXAMPLE)
    path = tmp_path / "w.json"
    path.write_bytes(found.data)
    wrong = replace(STATEMENT, counterexamples=(Counterexample(path, "", "", ""),))
    assert "is about clip-inclusion-effective" in wrong.unsupported()
    assert STATEMENT.unsupported() == ""
