"""Pairs that share noise: the bound in floats, what is decided exactly, and maps that are better outside."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from property_tests.theorems.encodings import permuted, split_component
from thmverify import exact
from thmverify.exact import to_floats
from thmverify.kernel.linear import null_space
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import CLIPFactors, Encoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import MULTIPLIER
from thmverify.theorems.shared_noise.clip_shared_noise_bound import STATEMENT as CLIP_BOUND
from thmverify.theorems.shared_noise.clip_shared_noise_inclusion import ONE as CLIP_ONE
from thmverify.theorems.shared_noise.clip_shared_noise_inclusion import STATEMENT as CLIP_INCLUSION
from thmverify.theorems.shared_noise.common import (
    is_inside,
    kept,
    least_gain,
    least_paired_gain,
    paired_noise,
    shared_noise,
)
from thmverify.theorems.shared_noise.shared_noise_bound import STATEMENT as BOUND
from thmverify.theorems.shared_noise.shared_noise_inclusion import ONE, TWO
from thmverify.theorems.shared_noise.shared_noise_inclusion import STATEMENT as INCLUSION
from thmverify.verdicts import Outcome

SEEDS = pytest.mark.parametrize("seed", range(12 * MULTIPLIER))


def loss(instance: Instance, A: fmpq_mat) -> float:
    """InfoNCE less δ tr(AᵀΓA)."""
    shared = exact.to_fmpq(instance.pairs.bias) * exact.inner(A, shared_noise(instance.shared) * A)
    return float64_value(LOSSES["infonce"], instance, Encoder(A)).value - float(exact.to_fraction(shared))


@SEEDS
def test_the_noise_is_that_of_a_pair_which_keeps_the_first_coordinate(seed: int) -> None:
    """ξ̂ drawn given ξ₁ has Cov(ξ, ξ̂) = Γ, and the joint law is one."""
    mixture = BOUND.sample(random.Random(seed)).shared
    sigma, Gamma = to_floats(mixture.sigma), to_floats(shared_noise(mixture))
    slope = sigma[:, :1] / sigma[0, 0]
    rest = sigma - slope @ slope.T * sigma[0, 0]
    assert np.allclose(slope @ slope.T * sigma[0, 0], Gamma)
    assert np.linalg.eigvalsh(rest).min() > -1e-9 * np.abs(sigma).max()
    assert np.allclose(rest[0], 0, atol=1e-9 * np.abs(sigma).max())


@SEEDS
def test_what_lies_outside_the_bound_costs(seed: int) -> None:
    found = least_gain(BOUND.sample(random.Random(50 + seed)))
    assert found is None or found > 0.99


@SEEDS
def test_where_it_is_refuted_a_column_outside_lowers_the_loss(seed: int) -> None:
    """A random map inside, and one more column √t v with vᵀμ_k = 0: L changes by −δt vᵀΓv + ½t²(vᵀΣv)²."""
    source = random.Random(100 + seed)
    instance = INCLUSION.sample(source)
    mixture, bias = instance.shared, float(instance.pairs.bias)
    if INCLUSION.examine(instance).outcome is not Outcome.REFUTED or np.linalg.cond(to_floats(mixture.sigma)) > 1e4:
        return
    across = columns(null_space(mixture.mu.transpose()))
    v = max(across, key=lambda v: exact.inner(v, shared_noise(mixture) * v))
    slope, size = (float(exact.to_fraction(exact.inner(v, m * v))) for m in (shared_noise(mixture), mixture.sigma))
    assert slope > 0
    weights = fmpq_mat(mixture.components, 1, [fmpq(source.randint(-3, 3), 40)] * mixture.components)
    inside, root = mixture.sigma_inverse_mu * weights, Fraction((bias * slope) ** 0.5 / size)
    t = float(root) ** 2
    change = -bias * t * slope + t * t * size * size / 2
    grown = exact.hstack([inside, v * exact.to_fmpq(root)], mixture.dimension)
    start = loss(instance, inside)
    assert change < 0
    assert loss(instance, grown) - start == pytest.approx(change, abs=1e-9 * (1 + abs(start)))


def columns(m: fmpq_mat) -> list[fmpq_mat]:
    return [fmpq_mat(m.nrows(), 1, [m[i, j] for i in range(m.nrows())]) for j in range(m.ncols())]


def test_the_counterexamples_in_numbers() -> None:
    """One Gaussian: L(A) = −|a|²·a₁²/|a|² … along e₁ it is −t + ½t², t = a², least at t = 1."""
    values = [loss(ONE.instance, kept(ONE.instance.shared) * fmpq(n, 10)) for n in range(21)]
    assert min(range(21), key=values.__getitem__) == 10
    assert values[10] == pytest.approx(-0.5)
    for example in (ONE, TWO):
        assert INCLUSION.examine(example.instance).outcome is Outcome.REFUTED
        assert not is_inside(example.instance.shared)


def test_exact_cases() -> None:
    half = Fraction(1, 2)
    along = Instance(AugmentedPairs(SharedGMM((half, half), ((1, 0), (-1, 0)))), 2)
    assert INCLUSION.examine(along).outcome is Outcome.PROVED
    tilted = Instance(AugmentedPairs(SharedGMM((half, half), ((1, 0), (-1, 0)), ((2, 1), (1, 2)))), 2)
    assert INCLUSION.examine(tilted).outcome is Outcome.REFUTED  # S_F is Σ⁻¹e₁
    assert INCLUSION.examine(replace(tilted, rank=1)).outcome is Outcome.UNDECIDED
    unmatched = replace(tilted, model=AugmentedPairs(tilted.shared, Fraction(0)))
    assert INCLUSION.examine(unmatched).outcome is Outcome.PROVED  # no pair shares anything
    for other in (permuted(tilted, [1, 0]), split_component(tilted)):
        shared = SharedGMM(other.pairs.mixture.weights, other.pairs.mixture.means, tilted.shared.covariance)
        assert INCLUSION.examine(replace(other, model=AugmentedPairs(shared))).outcome is Outcome.REFUTED


def test_the_bound_is_proved_for_every_noise() -> None:
    report = BOUND.checked
    assert report is not None
    assert report.assumed == ()
    assert "Psi" in report.conclusion
    assert BOUND.decide(BOUND.witness).outcome is Outcome.PROVED


# ------------------------------------------------------------------------------------------------------------- CLIP


@SEEDS
def test_image_and_caption_may_share_that_noise(seed: int) -> None:
    model = CLIP_BOUND.sample(random.Random(seed)).model
    left, right = (to_floats(m.sigma) for m in (model.vision, model.text))
    Gamma = to_floats(paired_noise(model))
    joint = np.block([[left, Gamma], [Gamma.T, right]])
    assert np.linalg.eigvalsh(joint).min() > -1e-9 * np.abs(joint).max()


@SEEDS
def test_what_lies_outside_the_bound_of_clip_costs(seed: int) -> None:
    found = least_paired_gain(CLIP_BOUND.sample(random.Random(150 + seed)))
    assert found is None or found > 0.99


@SEEDS
def test_where_it_is_refuted_noise_across_lowers_the_loss_of_clip(seed: int) -> None:
    """From a random W inside along t vuᵀ, vᵀμ_k = 0, u = e₁, the loss changes by −2δt vᵀΓu, and then by t²."""
    source = random.Random(200 + seed)
    instance = CLIP_INCLUSION.sample(source)
    model, wide = instance.model, replace(instance, rank=8)
    vision, text = model.vision, model.text
    if vision.dimension == 1 or CLIP_INCLUSION.examine(wide).outcome is not Outcome.REFUTED:
        return
    if max(np.linalg.cond(to_floats(m.sigma)) for m in (vision, text)) > 1e4:
        return
    Gamma, u = paired_noise(model), kept(text)
    v = max(columns(null_space(vision.mu.transpose())), key=lambda v: exact.inner(v, Gamma * u) ** 2)
    slope = float(exact.to_fraction(exact.inner(v, Gamma * u)))
    assert slope != 0
    inside = vision.sigma_inverse_mu * fmpq_mat(
        vision.components, 1, [fmpq(source.randint(-3, 3), 40)] * vision.components
    )
    other = fmpq_mat(text.dimension, 1, [fmpq(source.randint(-3, 3), 10) for _ in range(text.dimension)])

    def loss_at(t: fmpq) -> float:
        factors = CLIPFactors(exact.hstack([inside, v * t], vision.dimension), exact.hstack([other, u], text.dimension))
        W = factors.A_V * factors.A_T.transpose()
        noise = 2 * exact.to_fmpq(model.bias) * exact.inner(W, Gamma)
        return float64_value(LOSSES["clip"], instance, factors).value - float(exact.to_fraction(noise))

    step = fmpq(1, 100)
    first = (loss_at(step) - loss_at(-step)) * 50
    assert first == pytest.approx(-2 * float(model.bias) * slope, abs=1e-6 * (1 + abs(loss_at(fmpq(0)))))


def test_clip_learns_noise_that_is_shared() -> None:
    """One Gaussian: along e₁e₁ᵀ the loss is −2t + t², least at t = 1."""
    given = CLIP_ONE.instance
    column = kept(given.model.vision)
    values = []
    for n in range(21):
        W = CLIPFactors(column * fmpq(n, 10), column)
        values.append(float64_value(LOSSES["clip"], given, W).value - 2 * n / 10)
    assert min(range(21), key=values.__getitem__) == 10
    assert CLIP_INCLUSION.examine(given).outcome is Outcome.REFUTED
    report = CLIP_BOUND.checked
    assert report is not None
    assert report.assumed == ()
    assert CLIP_BOUND.decide(CLIP_BOUND.witness).outcome is Outcome.PROVED
