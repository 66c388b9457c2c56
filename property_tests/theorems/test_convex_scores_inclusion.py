"""Losses of scores: cutting a map to S_F helps in every one, and what the theorem asks for is asked for rightly."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings

from thmverify import exact
from thmverify import testing as strategies
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value, float64_value
from thmverify.maps import BiasedEncoder, Encoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems.common import split
from thmverify.theorems.nonshared.common import TILTED
from thmverify.theorems.scores import common
from thmverify.theorems.scores.common import RATIONAL, Cut, Leaks, gain, random_maps
from thmverify.theorems.scores.convex_scores_inclusion import STATEMENT
from thmverify.verdicts import Outcome


@settings(max_examples=30)
@given(strategies.mixture_instances(dimension=(2, 4), shared=True))
def test_cutting_helps_exactly(instance: Instance) -> None:
    for loss in RATIONAL:
        assert all(gain(loss, instance, A, inside) > 0 for A, inside in random_maps(instance))
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


@pytest.mark.parametrize("loss", ["logistic", "siglip"])
@pytest.mark.parametrize("bias", [0, Fraction(1, 2), 1])
def test_cutting_helps_in_floats(loss: str, bias: Fraction) -> None:
    """A bias of the scores changes nothing."""
    pairs = AugmentedPairs(SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0), (-2, 0)), ((2, 1), (1, 1))), bias)
    instance = Instance(pairs, 1)
    for rows, shift in (((1, 1), fmpq(0)), ((1, Fraction(1, 3)), fmpq(-4, 3)), ((-1, 2), fmpq(2))):
        A = exact.matrix([[Fraction(x)] for x in rows]) * fmpq(1, 2)
        maps = [BiasedEncoder(X, shift) if loss == "siglip" else Encoder(X) for X in (A, split(pairs.mixture, A)[0])]
        whole, cut = (float64_value(LOSSES[loss], instance, X) for X in maps)
        assert whole.value - cut.value > whole.error + cut.error


def hinge(scores: np.ndarray) -> float:
    return float(np.maximum(0, 1 + scores).mean())


def test_cutting_helps_in_a_loss_that_is_not_smooth() -> None:
    """The hinge of triplets, on common samples."""
    pairs = AugmentedPairs(SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (-1, 0)), ((2, 1), (1, 1))), 1)
    rng = np.random.default_rng(0)
    x, partner = pairs.sample(200_000, rng)
    y = pairs.mixture.sample(200_000, rng)
    for A in (exact.matrix([[1], [1]]), exact.matrix([[1], [0]])):
        values = []
        for X in (A, split(pairs.mixture, A)[0]):
            features = np.array(X.tolist(), dtype=object).astype(float)
            values.append(hinge(((x @ features) * ((y - partner) @ features)).sum(axis=1)))
        assert values[0] > values[1] + 0.01


def test_a_loss_that_is_affine_in_the_scores_does_not_see_what_is_outside() -> None:
    """−z_0 + z_1 at δ = 0: its mean −tr(CM) + μ̄ᵀMμ̄ is 0 for every M, so every map is a minimiser."""
    pairs = AugmentedPairs(SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0), (-2, 0)), ((2, 1), (1, 1))), 0)
    mean = pairs.mixture.mean
    assert exact.is_zero(pairs.C - mean * mean.transpose())
    assert fisher_subspace(pairs.mixture).dimension < 2


def test_what_is_drawn_maps_the_fisher_subspace_into_the_span_of_the_means() -> None:

    kinds = set()
    for seed in range(40):
        instance = STATEMENT.sample(random.Random(seed))
        assert STATEMENT.false_hypotheses(instance) == ()
        sigmas = instance.pairs.mixture.sigmas
        kinds.add(all(sigma == sigmas[0] for sigma in sigmas))
    assert kinds == {True, False}


def test_a_map_that_does_better_than_its_part_inside_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    leaking = common.leaking

    def doubled(*drawn: Any) -> tuple[fmpq_mat, fmpq_mat]:
        inside, outside = leaking(*drawn)
        A = inside + outside
        return A * 2, -A  # 2A, in the place of the part inside

    monkeypatch.setattr(common, "leaking", doubled)
    assert Cut("x")(STATEMENT.witness).outcome is Outcome.REFUTED


def test_separate_covariances_leak_and_shared_ones_do_not() -> None:
    assert Leaks("x", "least-squares")(TILTED.instance).outcome is Outcome.REFUTED
    mixture = TILTED.instance.pairs.mixture
    shared = Instance(AugmentedPairs(SharedGMM(mixture.weights, mixture.means, ((1, 0), (0, 1))), Fraction(1)), 2)
    assert Leaks("x", "least-squares")(shared).outcome is Outcome.UNDECIDED
    plane = Instance(AugmentedPairs(SharedGMM((1,), ((0, 0),), ((1, 0), (0, 1))), Fraction(1)), 2)
    assert Leaks("x", "least-squares")(plane).outcome is Outcome.UNDECIDED


def test_least_squares_is_a_quadratic_in_the_gram() -> None:
    """Along c uuᵀ: three values give all others."""
    instance = STATEMENT.witness
    u = Subspace.spanned_by(exact.matrix([[1], [3]])).basis
    at = [exact_value(LOSSES["least-squares"], instance, Encoder(u * fmpq(c))) for c in (0, 1, 2, 3)]
    assert all(x is not None for x in at)
    second = (at[2] - at[0] - (at[1] - at[0]) * 4) / 12  # L(c²) = a + b c² + s c⁴
    first = at[1] - at[0] - second
    assert at[3] == at[0] + first * 9 + second * 81
