"""CLIP on two lines: W = 0 is no minimiser where the means are correlated, and nothing else can be lost."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from thmverify import exact
from thmverify.evidence import Need
from thmverify.exact import to_floats
from thmverify.hypotheses import CORRELATED
from thmverify.losses import LOSSES
from thmverify.losses.clip import paired_mixture
from thmverify.losses.levels import float64_gradient
from thmverify.maps import CLIPProduct
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.theorems.clip.clip_equality_lines import STATEMENT, exchanged, on_a_line, sample
from thmverify.theorems.clip.common import smallest_value as margin
from thmverify.verdicts import Outcome

SEEDS = range(8)


def drawn(seed: int) -> Instance:
    return sample(random.Random(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_it_holds_on_lines(seed: int) -> None:
    instance = drawn(seed)
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason
    assert (verdict.rank, verdict.dimension) == (1, 1)
    assert margin(instance) < 0


@pytest.mark.parametrize("seed", SEEDS)
def test_slope_at_zero_is_what_the_proof_says(seed: int) -> None:
    instance = drawn(seed)
    model = paired_mixture(instance)
    covariance = model.vision.mu * exact.diagonal(model.vision.w) * model.text.mu.transpose()
    covariance = covariance - model.vision.mean * model.text.mean.transpose()
    zero = CLIPProduct(covariance * 0)
    gradient = float64_gradient(LOSSES["clip"], instance, zero).derivatives["W"]
    wanted = -2 * float(model.bias) * to_floats(covariance)
    assert np.allclose(gradient, wanted, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_encodings_have_the_same_verdict(seed: int) -> None:
    instance = drawn(seed)
    T_V, T_T = (exact.identity(m.dimension) * fmpq(5, 3) for m in _modalities(instance))
    order = [0, *range(len(paired_mixture(instance).weights))]
    for other in (transformed_pair(instance, T_V, T_T), permuted_pair(instance, order), swapped(instance)):
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def _modalities(instance: Instance) -> tuple[SharedGMM, SharedGMM]:
    model = paired_mixture(instance)
    return model.vision, model.text


def test_two_centred_components_are_correlated() -> None:
    rng = random.Random(5)
    for _ in range(20):
        p = Fraction(rng.randint(1, 9), 10)
        vision, text = (tuple(rng.randint(-3, 3) or 1 for _ in range(3)) for _ in range(2))
        mixtures = [
            SharedGMM((p, 1 - p), [[(1 - p) * x for x in mean], [-p * x for x in mean]]) for mean in (vision, text)
        ]
        instance = Instance(CLIPGMM(*mixtures), 1)
        assert STATEMENT.false_hypotheses(instance) == ()
        assert STATEMENT.decide(instance).outcome is Outcome.PROVED


def test_uncorrelated_lines_learn_nothing() -> None:
    (crossed,) = (b.instance for b in STATEMENT.breaks if b.hypothesis == CORRELATED.name)
    assert STATEMENT.decide(crossed).outcome is Outcome.UNDECIDED
    assert STATEMENT.examine(crossed).outcome is Outcome.REFUTED
    assert np.allclose(minimise("clip", crossed).maps["W"], 0)


def test_every_condition_is_needed() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    named = ("vision-line", "text-line", "correlated", "some-matched")
    assert [needs[name] for name in named] == [Need.NECESSARY] * 4


def test_means_are_moved_to_a_line() -> None:
    mixture = SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (0, 1)))
    assert on_a_line(random.Random(1), mixture).mu.rank() <= 1
    assert exchanged(exchanged(STATEMENT.witness)) == STATEMENT.witness
