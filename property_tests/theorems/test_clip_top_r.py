"""CLIP with fewer columns than dim S_F: what the texts do not see, and where every direction is as good."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from thmverify import exact
from thmverify.certifying import decide
from thmverify.losses.clip import paired_mixture
from thmverify.matrix import Matrix
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.randomised import sample
from thmverify.sampling import random_covariance
from thmverify.theorems.clip.clip_top_r import ALWAYS, RESOLVED, SQUARE, STATEMENT, margin
from thmverify.theorems.clip.common import CORNERS, plain
from thmverify.verdicts import Outcome

PART = ALWAYS.instance


def test_every_counterexample_stands_and_one_has_wrong_captions() -> None:
    assert STATEMENT.unsupported() == ""
    assert {paired_mixture(c.instance).bias for c in STATEMENT.counterexamples} == {Fraction(1), Fraction(1, 2)}
    assert all(margin(c.instance) == pytest.approx(3 / 4, abs=1e-4) for c in STATEMENT.counterexamples)


def test_the_texts_see_one_direction() -> None:
    data = decide(STATEMENT.id, PART)[1]
    assert data is not None
    assert json.loads(data)["rule"] == "unseen"
    W = minimise("clip", PART).maps["W"]
    assert np.allclose(W[1], 0, atol=1e-6)
    assert abs(W[0, 0]) > 0.1


@pytest.mark.parametrize("seed", range(4))
def test_other_encodings_have_the_same_verdict(seed: int) -> None:
    rng = random.Random(seed)
    T = [exact.matrix(random_covariance(rng, 2)) for _ in range(2)]
    for other in (transformed_pair(PART, *T), swapped(PART), permuted_pair(PART, rng.sample(range(8), 8))):
        assert STATEMENT.decide(other).outcome is Outcome.REFUTED


def test_what_is_unseen_must_be_as_good_to_be_missed() -> None:
    # The same symmetry where the images differ less in j than in i: nothing is missed there, and nothing is decided.
    images, texts = [(3 * i, j) for i, j, _ in CORNERS], [(2 * i, k) for i, _, k in CORNERS]
    assert STATEMENT.examine(replace(plain(images, texts), rank=1)).outcome is Outcome.UNDECIDED


def test_unequal_weights_leave_no_symmetry() -> None:
    model = paired_mixture(PART)
    weights = [Fraction(n, 36) for n in range(1, 9)]
    tilted = CLIPGMM(SharedGMM(weights, model.vision.means), SharedGMM(weights, model.text.means), model.bias)
    assert STATEMENT.decide(replace(PART, model=tilted)).outcome is not Outcome.REFUTED


def test_two_columns_where_the_second_and_third_tie() -> None:
    signs = [(i, j, k) for i in (1, -1) for j in (1, -1) for k in (1, -1)]
    images, texts = [(i, j, 2 * k) for i, j, k in signs], [(i, j, i * j) for i, j, _ in signs]
    instance = replace(plain(images, texts), rank=2)
    assert STATEMENT.decide(instance).outcome is Outcome.REFUTED


def test_margin_is_positive_where_it_is_refuted() -> None:
    seen = set()
    for number in range(12):
        instance = sample(STATEMENT, 1, number)
        outcome = STATEMENT.decide(instance).outcome
        seen.add(outcome)
        if outcome is Outcome.REFUTED:
            assert margin(instance) > -2 * RESOLVED
    assert Outcome.REFUTED in seen


def test_it_holds_where_all_directions_are_alike() -> None:
    assert STATEMENT.decide(STATEMENT.witness).outcome is Outcome.PROVED
    assert margin(STATEMENT.witness) <= 0
    triangle: list[tuple[int, ...]] = [(2, -1, -1), (-1, 2, -1), (-1, -1, 2)]
    assert STATEMENT.decide(replace(plain(triangle, triangle), rank=1)).outcome is Outcome.PROVED


def test_it_says_nothing_with_enough_columns_or_nothing_to_learn() -> None:
    assert "fewer-columns" in STATEMENT.decide(replace(PART, rank=2)).reason
    crossed: list[tuple[int, ...]] = [(j, i) for i, j in SQUARE]
    pairs: list[tuple[int, ...]] = [(a, b) for a in range(4) for b in range(4)]
    images, texts = [tuple(SQUARE[a]) for a, _ in pairs], [tuple(crossed[b]) for _, b in pairs]
    independent: Instance = replace(plain(images, texts), rank=1)
    assert "correlated" in STATEMENT.decide(independent).reason


def test_both_rows_of_the_matrix_show_it() -> None:
    matrix = Matrix({STATEMENT.id: STATEMENT})
    assert [matrix.cell(g.loss, g.column).statement for g in STATEMENT.guarantees] == [STATEMENT.id] * 2
