"""CLIP with covariances of their own: where W leaks, where it stays inside, and what the loss and its minimiser are."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thmverify import exact
from thmverify.errors import InputError
from thmverify.evidence import ByKernel
from thmverify.instances import instance_to_json, parse_instance
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclose, float64_gradient, float64_value
from thmverify.maps import CLIPProduct
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, PairedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.nonshared.clip_nonshared_inclusion import STATEMENT as LEAKS
from thmverify.theorems.nonshared.clip_proportional_inclusion import STATEMENT as STAYS
from thmverify.theorems.nonshared.common import CLIP_CLAIM, TILTED_IMAGES, TOLERANCE, clip_leak_margin, exchanged
from thmverify.verdicts import Outcome

seeds = st.integers(0, 10**9)
LEAKING = TILTED_IMAGES.instance


def test_the_certificate_refutes_the_claim() -> None:
    assert LEAKS.unsupported() == ""
    assert TILTED_IMAGES.verdict(CLIP_CLAIM, ByKernel(CLIP_CLAIM)).outcome is Outcome.REFUTED
    assert clip_leak_margin(LEAKING) > 10 * TOLERANCE


def test_texts_leak_as_images_do() -> None:
    other = exchanged(LEAKING)
    assert LEAKS.decide(other).outcome is Outcome.REFUTED
    assert STAYS.false_hypotheses(other) == ("text-maps-into-means",)
    assert STAYS.false_hypotheses(LEAKING) == ("vision-maps-into-means",)
    assert clip_leak_margin(other) == pytest.approx(clip_leak_margin(LEAKING), rel=1e-6)


@settings(max_examples=4)
@given(seeds)
def test_minimisers_stay_inside(seed: int) -> None:
    instance = STAYS.sample(random.Random(seed))
    assert clip_leak_margin(instance) <= 0
    assert STAYS.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=4)
@given(seeds)
def test_what_the_kernel_decides_is_what_floats_see(seed: int) -> None:
    instance = LEAKS.sample(random.Random(seed))
    outcome = LEAKS.decide(instance).outcome
    if outcome is not Outcome.UNDECIDED:
        assert (clip_leak_margin(instance) > 0) is (outcome is Outcome.REFUTED)


def test_the_loss_is_the_mean_over_samples() -> None:
    W = CLIPProduct(random_matrix(instance_rng(LEAKING), 2, 1) / 4)
    model, rng, n = LEAKING.model, np.random.default_rng(0), 4000
    x, y = model.sample(n, rng)
    z = x @ np.array(W.W.tolist(), dtype=object).astype(float) @ y.T
    logs = [np.log(np.exp(z).mean(axis=a)).mean() for a in (0, 1)]
    expected = sum(logs) - 2 * np.trace(z) / n  # of 4000 points: a tenth is three deviations
    value = float64_value(LOSSES["clip"], LEAKING, W).value
    assert value == pytest.approx(expected, abs=0.1)
    found = enclose(LOSSES["clip"], LEAKING, W, 12)
    assert [float(exact.to_fraction(end)) for end in (found.lower, found.upper)] == pytest.approx([value] * 2, abs=1e-9)


def test_the_minimiser_is_stationary_and_the_exact_loss_agrees() -> None:
    found = minimise("clip", LEAKING, 1)
    assert found.converged
    W = exact.matrix([[Fraction(float(x)) for x in row] for row in found.maps["W"]])
    slope = float64_gradient(LOSSES["clip"], LEAKING, CLIPProduct(W)).derivatives["W"]
    assert np.abs(slope).max() < 1e-8
    images, texts = found.spaces
    assert 1e-3 < images.angles.max() < 1e-2  # out of S_{V,F}, by little
    assert texts.angles.max() < 1e-6


def test_equal_covariances_are_one_and_others_are_refused_by_name() -> None:
    model = LEAKING.model
    assert isinstance(model, PairedGMM)
    assert not isinstance(model, CLIPGMM)
    with pytest.raises(InputError, match="different covariances"):
        model.shared  # noqa: B018
    alike = replace(LEAKING, model=PairedGMM(model.text, model.text))
    assert isinstance(alike.model.shared, CLIPGMM)


def test_files_have_covariances_in_a_modality() -> None:
    fields = instance_to_json(LEAKING)
    assert parse_instance(fields) == LEAKING
    with pytest.raises(InputError, match="stands beside covariances"):
        parse_instance({**fields, "vision": {**fields["vision"], "covariance": 1}})
    with pytest.raises(InputError, match=r"vision\.covariances.*has 1 matrices for 2 weights"):
        parse_instance({**fields, "vision": {**fields["vision"], "covariances": [1]}})
