"""Theorem 5.2, first half: L grows with whatever leaks out of S_F, so minimisers and stationary points lie inside."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from scipy.optimize import minimize

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_gradient, float64_value
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems.common import split
from thmverify.theorems.infonce import infonce_inclusion
from thmverify.theorems.infonce.infonce_inclusion import STATEMENT, Leak, leak, least_slope, margin, worst_leak
from thmverify.verdicts import Outcome

INFONCE = LOSSES["infonce"]
THIRD = Fraction(1, 3)
PLANE = Instance(
    AugmentedPairs(
        SharedGMM((THIRD, THIRD, THIRD), ((2, 0, 1), (0, 1, 0), (-2, -1, -1)), ((2, 1, 0), (1, 2, 1), (0, 1, 3))),
        Fraction(3, 5),
    ),
    2,
)


def loss(instance: Instance, A: fmpq_mat) -> float:
    return float64_value(INFONCE, instance, Encoder(A)).value


@settings(max_examples=30)
@given(strategies.mixture_instances(dimension=(2, 8)))
def test_inclusion_is_never_violated(instance: Instance) -> None:
    assert margin(instance) <= -1 + 1e-6
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason


@settings(max_examples=30)
@given(strategies.mixture_instances(dimension=(2, 6)))
def test_split_is_orthogonal(instance: Instance) -> None:
    mixture = instance.shared
    A = random_matrix(instance_rng(instance), mixture.dimension, instance.rank)
    inside, outside = split(mixture, A)
    assert inside + outside == A
    assert Subspace.spanned_by(inside) <= fisher_subspace(mixture)
    assert exact.is_zero(outside.transpose() * mixture.mu)
    assert exact.is_zero(outside.transpose() * mixture.sigma * inside)
    assert (least_slope(mixture, inside, outside) > 0) == (not exact.is_zero(outside))


@pytest.mark.parametrize("bias", [Fraction(0), Fraction(1, 2), Fraction(1)])
@pytest.mark.parametrize("columns", [1, 2, 5])
def test_replacing_a_by_its_inside_lowers_the_loss_by_the_blocks(bias: Fraction, columns: int) -> None:
    instance = Instance(AugmentedPairs(PLANE.shared, bias), columns)
    A = random_matrix(instance_rng(instance), 3, columns) * fmpq(1, 4)
    inside, outside = split(instance.shared, A)
    P, Q = (X.transpose() * instance.shared.sigma * X for X in (inside, outside))
    T = inside.transpose() * instance.shared.S * inside
    blocks = exact.inner(P, Q) + exact.inner(Q, T) / 2 + exact.inner(Q, Q) / 2
    assert loss(instance, A) - loss(instance, inside) >= float(exact.to_fraction(blocks)) - 1e-10
    assert blocks > 0


def test_slope_is_the_derivative_of_the_loss() -> None:
    A = random_matrix(instance_rng(PLANE), 3, 2) * fmpq(1, 3)
    inside, outside = split(PLANE.shared, A)
    h = fmpq(1, 10**4)
    difference = loss(PLANE, A + outside * h) - loss(PLANE, A - outside * h)
    assert leak(PLANE, inside, outside).slope == pytest.approx(difference / 2e-4, rel=1e-6)


def test_descent_from_a_leaking_start_ends_inside() -> None:
    shape = (3, 2)

    def value_and_gradient(flat: Floats) -> tuple[float, Floats]:
        A = exact.matrix([[Fraction(x) for x in row] for row in flat.reshape(shape)])
        gradient = 2 * float64_gradient(INFONCE, PLANE, Encoder(A)).derivatives["M"] @ flat.reshape(shape)
        return loss(PLANE, A), gradient.ravel()

    start = np.array([[0.5, -0.2], [0.3, 0.4], [-0.6, 0.7]])
    found = minimize(value_and_gradient, start.ravel(), jac=True, tol=1e-12).x.reshape(shape)
    outside = to_floats(split(PLANE.shared, exact.matrix([[Fraction(x) for x in row] for row in found]))[1])
    assert np.linalg.norm(found) > 0.1
    assert np.linalg.norm(outside) < 1e-3 * np.linalg.norm(found)


def test_a_map_may_leave_a_wrong_subspace_gladly(monkeypatch: pytest.MonkeyPatch) -> None:
    # Take for S_F a line that it is not: then some leaking map lowers the loss, and the margin says so.
    monkeypatch.setattr(
        "thmverify.theorems.common.fisher_subspace", lambda _: Subspace.spanned_by(exact.matrix([[0], [0], [1]]))
    )
    start = exact.matrix([[0], [0], [0]])
    outside = split(PLANE.shared, fisher_subspace(PLANE.shared).basis * exact.matrix([[1], [0]]) * fmpq(1, 20))[1]
    assert leak(PLANE, start, outside).slope < 0


def test_a_contradiction_in_floats_is_a_checker_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infonce_inclusion, "worst_leak", lambda _: Leak(-1.0, 1e-9, 1.0))
    assert margin(PLANE) > 0
    assert STATEMENT.decide(PLANE).outcome is Outcome.FAILED


def test_nothing_lies_outside_when_s_f_is_everything() -> None:
    line = Instance(AugmentedPairs(SharedGMM((Fraction(1),), ((3,),))), 2)
    assert worst_leak(line) is None
    assert STATEMENT.decide(line).outcome is Outcome.PROVED


@settings(max_examples=10)
@given(strategies.mixture_instances(dimension=(2, 4), components=(1, 3), hostile=False))
def test_other_encodings_have_the_same_slope(instance: Instance) -> None:
    rng, mixture = instance_rng(instance), instance.shared
    d = mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    inside, outside = split(mixture, random_matrix(rng, d, 1) * fmpq(1, 8))
    pull = T.inv().transpose()
    here, there = leak(instance, inside, outside), leak(transformed(instance, T), pull * inside, pull * outside)
    assert there.least == pytest.approx(here.least)
    assert there.slope == pytest.approx(here.slope, rel=1e-6, abs=1e-9)
    order = rng.sample(range(mixture.components), mixture.components)
    for other in (permuted(instance, order), split_component(instance)):
        assert leak(other, inside, outside).slope == pytest.approx(here.slope, rel=1e-6, abs=1e-9)
        assert STATEMENT.decide(other).outcome is Outcome.PROVED
