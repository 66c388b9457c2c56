"""Whether CLIP learns the whole Fisher subspaces: refuted exactly by three families, enclosed where it holds."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given, settings

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from thmverify import exact
from thmverify import testing as strategies
from thmverify.certifying import certify
from thmverify.guarantees import Column
from thmverify.losses.clip import paired_mixture
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.sampling import random_covariance
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.clip.clip_effective_equality import STATEMENT, SYMMETRIC
from thmverify.theorems.clip.common import CORNERS, plain
from thmverify.theorems.clip.common import PAIR as WITNESS
from thmverify.theorems.clip.common import smallest_value as margin
from thmverify.verdicts import Outcome, Provenance

small_pairs = strategies.clip_gmms(components=(1, 3), dimensions=((1, 3), (1, 3)), hostile=False)


def dimensions(model: CLIPGMM) -> tuple[int, int]:
    return fisher_subspace(model.vision).dimension, fisher_subspace(model.text).dimension


@settings(max_examples=30, deadline=None)
@given(strategies.clip_gmms(components=(2, 5), dimensions=((1, 5), (1, 5))))
def test_different_dimensions_refute_it(model: CLIPGMM) -> None:
    assume(len(set(dimensions(model))) == 2)
    instance = Instance(model, len(model.weights))
    found = certify(STATEMENT.claim, instance)
    assert found.finding.verdict == "refuted"
    assert found.proposal.rule == "exact"
    assert margin(instance) > 0


@pytest.mark.parametrize("seed", range(4))
def test_a_reflection_that_texts_do_not_see_refutes_it(seed: int) -> None:
    # The eight corners with other lengths, other weights for i, and other coordinates of both modalities.
    rng = random.Random(seed)
    a, b, c, e = (Fraction(rng.randint(1, 6), 3) for _ in range(4))
    weights = [Fraction(1, 8) * (1 + i * Fraction(seed, 8)) for i, _, _ in CORNERS]
    vision, text = [(a * i, b * j) for i, j, _ in CORNERS], [(c * i, e * k) for i, _, k in CORNERS]
    model = CLIPGMM(SharedGMM(weights, vision), SharedGMM(weights, text), Fraction(rng.randint(1, 10), 10))
    T = [exact.matrix(random_covariance(rng, 2)) for _ in range(2)]
    instance = transformed_pair(Instance(model, 8), *T)
    assert dimensions(paired_mixture(instance)) == (2, 2)
    found = certify(STATEMENT.claim, instance)
    assert (found.finding.verdict, found.proposal.rule) == ("refuted", "symmetry")
    assert np.linalg.matrix_rank(minimise("clip", instance).maps["W"], tol=1e-6) == 1


@settings(max_examples=20, deadline=None)
@given(small_pairs)
def test_uncorrelated_means_refute_it(model: CLIPGMM) -> None:
    # Every component of the images with every component of the texts.
    assume(dimensions(model) != (0, 0))
    weights = [a * b for a in model.weights for b in model.weights]
    vision = [mean for mean in model.vision.means for _ in model.weights]
    text = [mean for _ in model.weights for mean in model.text.means]
    product = CLIPGMM(
        SharedGMM(weights, vision, model.vision.covariance), SharedGMM(weights, text, model.text.covariance), model.bias
    )
    verdict = STATEMENT.examine(Instance(product, len(weights)))
    assert (verdict.outcome, verdict.provenance, verdict.rank) == (Outcome.REFUTED, Provenance.EXACT, 0)


@settings(max_examples=20, deadline=None)
@given(small_pairs)
def test_margin_has_the_sign_of_the_verdict(model: CLIPGMM) -> None:
    instance = Instance(model, len(model.weights))
    verdict = STATEMENT.decide(instance)
    if verdict.outcome is Outcome.PROVED:
        assert margin(instance) < 0
    elif verdict.outcome is Outcome.REFUTED:
        assert margin(instance) > -1e-6


@settings(max_examples=8, deadline=None)
@given(small_pairs)
def test_other_encodings_have_the_same_verdict(model: CLIPGMM) -> None:
    instance = Instance(model, len(model.weights) + 1)
    T_V, T_T = (exact.identity(m.dimension) * fmpq(3, 2) for m in (model.vision, model.text))
    split = permuted_pair(instance, [0, *reversed(range(len(model.weights)))])
    here = STATEMENT.decide(instance).outcome
    for other in (transformed_pair(instance, T_V, T_T), split, swapped(instance)):
        assert STATEMENT.decide(other).outcome is here


def test_every_counterexample_stands_and_one_has_wrong_captions() -> None:
    assert STATEMENT.unsupported() == ""
    shares = {paired_mixture(c.instance).bias for c in STATEMENT.counterexamples}
    assert shares == {Fraction(1), Fraction(1, 2)}
    assert {g.column for g in STATEMENT.guarantees} == {Column.EQUALITY, Column.EQUALITY_BIASED}


def test_it_holds_where_the_texts_show_all() -> None:
    triangle = [(1, 0), (0, 1), (-1, -1)]
    verdict = STATEMENT.decide(plain(triangle, triangle))
    assert (verdict.outcome, verdict.rank) == (Outcome.PROVED, 2)
    assert STATEMENT.decide(WITNESS).outcome is Outcome.PROVED
    assert STATEMENT.decide(replace(SYMMETRIC.instance, rank=9)).outcome is Outcome.REFUTED
