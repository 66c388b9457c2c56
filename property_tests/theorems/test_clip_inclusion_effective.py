"""CLIP: L grows with whatever part of W leaks out of S_{V,F} or S_{T,F}: minimisers and stationary pairs have none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from scipy.optimize import minimize

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from thmverify import exact
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.clip import paired_mixture
from thmverify.losses.levels import float64_gradient, float64_value
from thmverify.maps import CLIPFactors
from thmverify.models import CLIPGMM, Floats, Instance
from thmverify.sampling import instance_rng, random_clip_instance, random_matrix
from thmverify.subspaces import Subspace
from thmverify.theorems.clip import clip_inclusion_effective as module
from thmverify.theorems.clip.clip_inclusion_effective import STATEMENT, margin
from thmverify.theorems.clip.common import leaks
from thmverify.theorems.common import split
from thmverify.verdicts import Outcome

CLIP = LOSSES["clip"]
PLAIN = STATEMENT.witness
small_pairs = strategies.clip_gmms(components=(1, 3), dimensions=((1, 4), (1, 4)), hostile=False)


def factors(instance: Instance, scale: Fraction = Fraction(1, 4)) -> CLIPFactors:
    rng, model = instance_rng(instance), paired_mixture(instance)
    A_V, A_T = (random_matrix(rng, m.dimension, 1) * exact.to_fmpq(scale) for m in (model.vision, model.text))
    return CLIPFactors(A_V, A_T)


def loss(instance: Instance, given: CLIPFactors) -> float:
    return float64_value(CLIP, instance, given).value


@settings(max_examples=25, deadline=None)
@given(strategies.clip_gmms(components=(1, 4), dimensions=((1, 5), (1, 5))))
def test_inclusion_is_never_violated(model: CLIPGMM) -> None:
    instance = Instance(model, 2)
    assert margin(instance) <= -1 + 1e-6
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason


def test_slope_is_the_derivative_of_the_loss() -> None:
    given = factors(PLAIN)
    outside = split(paired_mixture(PLAIN).vision, given.A_V)[1]
    h = fmpq(1, 10**4)
    ends = [loss(PLAIN, CLIPFactors(given.A_V + outside * x, given.A_T)) for x in (h, -h)]
    assert leaks(PLAIN, given)[0].slope == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)


@settings(max_examples=10, deadline=None)
@given(small_pairs)
def test_scaling_a_leak_away_never_raises_the_loss(model: CLIPGMM) -> None:
    instance = Instance(model, 1)
    given = factors(instance)
    for A_V, A_T in (
        (split(model.vision, given.A_V)[0], given.A_T),
        (given.A_V, split(model.text, given.A_T)[0]),
    ):
        assert loss(instance, CLIPFactors(A_V, A_T)) <= loss(instance, given) + 1e-9


def test_descent_from_a_leaking_start_ends_inside() -> None:
    model, r = paired_mixture(PLAIN), PLAIN.rank
    d = model.vision.dimension

    def pair(flat: Floats) -> CLIPFactors:
        rows = [[Fraction(x) for x in row] for row in flat.reshape(-1, r)]
        return CLIPFactors(exact.matrix(rows[:d]), exact.matrix(rows[d:]))

    def value_and_gradient(flat: Floats) -> tuple[float, Floats]:
        slope, given = float64_gradient(CLIP, PLAIN, pair(flat)).derivatives["W"], pair(flat)
        along = np.vstack([slope @ to_floats(given.A_T), slope.T @ to_floats(given.A_V)])
        return loss(PLAIN, given), along.ravel()

    start = np.array([[0.5, -0.2], [0.3, 0.4], [-0.6, 0.7], [0.4, 0.1], [-0.3, 0.5], [0.2, 0.6]])
    found = pair(minimize(value_and_gradient, start.ravel(), jac=True, tol=1e-12).x)
    for mixture, W in ((model.vision, found.W), (model.text, found.W.transpose())):
        assert np.linalg.norm(to_floats(W)) > 0.01
        assert np.linalg.norm(to_floats(split(mixture, W)[1])) < 1e-3 * np.linalg.norm(to_floats(W))


def test_a_map_may_leave_a_wrong_subspace_gladly(monkeypatch: pytest.MonkeyPatch) -> None:
    # Take for S_F a line that it is not: then some leaking map lowers the loss, and the slope says so.
    monkeypatch.setattr(
        "thmverify.theorems.common.fisher_subspace",
        lambda _: Subspace.spanned_by(exact.matrix([[0], [0], [1]])),
    )
    model = paired_mixture(PLAIN)
    given = CLIPFactors(model.vision.sigma_inverse_mu * fmpq(1, 20), model.text.sigma_inverse_mu)
    assert min(leak.slope for leak in leaks(PLAIN, given)) < 0


def test_a_contradiction_in_floats_violates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "worst_slope", lambda *_: -0.5)
    assert margin(PLAIN) > 0


@settings(max_examples=10, deadline=None)
@given(small_pairs)
def test_other_encodings_have_the_same_slopes(model: CLIPGMM) -> None:
    instance = Instance(model, 1)
    rng, given = instance_rng(instance), factors(instance)
    here = leaks(instance, given)
    T_V, T_T = (random_matrix(rng, n, n) + exact.identity(n) * 20 for n in (given.A_V.nrows(), given.A_T.nrows()))
    pulled = CLIPFactors(T_V.inv().transpose() * given.A_V, T_T.inv().transpose() * given.A_T)
    others = [
        leaks(transformed_pair(instance, T_V, T_T), pulled),
        leaks(permuted_pair(instance, [0, *reversed(range(len(model.weights)))]), given),
        leaks(swapped(instance), CLIPFactors(given.A_T, given.A_V))[::-1],
    ]
    for other in others:
        assert [leak.slope for leak in other] == pytest.approx([leak.slope for leak in here], rel=1e-6, abs=1e-8)
        assert [leak.least for leak in other] == pytest.approx([leak.least for leak in here])


def test_sampled_instances_are_pairs_with_room_outside() -> None:
    rng = instance_rng(PLAIN)
    drawn = [random_clip_instance(rng) for _ in range(60)]
    assert sum(margin(instance) <= -1 + 1e-6 for instance in drawn) == 60
    assert sum(margin(instance) > -1e6 for instance in drawn) > 30
    assert {paired_mixture(instance).bias for instance in drawn} > {1}
