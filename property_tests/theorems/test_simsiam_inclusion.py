"""SimSiam without weight decay: stationary encoders of invertible predictors lie inside S_F."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.evidence import Need
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import SimSiamPair
from thmverify.minimize import minimise
from thmverify.models import GMM, Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems.simsiam.common import leak_margin as margin
from thmverify.theorems.simsiam.common import leak_slope, outside, random_pair
from thmverify.theorems.simsiam.simsiam_inclusion import STATEMENT
from thmverify.verdicts import Outcome

SIMSIAM = LOSSES["simsiam"]
PLAIN = STATEMENT.witness


def without_decay(instance: Instance) -> Instance:
    return replace(instance, weight_decay=Fraction(0))


@settings(max_examples=40, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 6), shared=None).map(without_decay))
def test_inclusion_is_never_violated(instance: Instance) -> None:
    assert margin(instance) == -1
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason


@settings(max_examples=40, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 5), shared=None))
def test_slope_along_a_leak_is_what_the_proof_says(instance: Instance) -> None:
    slope, expected = leak_slope(instance, random_pair(instance))
    assert slope == expected


@settings(max_examples=20, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 4), shared=None))
def test_part_outside_is_orthogonal(instance: Instance) -> None:
    mixture = instance.pairs.mixture
    A = random_pair(instance).A
    part = outside(mixture, A)
    assert exact.is_zero(part.transpose() * mixture.mu)
    assert Subspace.spanned_by(A - part) <= fisher_subspace(mixture)


def test_slope_is_the_derivative_with_the_target_held_fixed() -> None:
    # L(A, P) has ½tr(AᵀRA) from the target, which a stop-gradient does not see: take it off on both sides.
    pair, mixture = random_pair(PLAIN), PLAIN.pairs.mixture
    part = outside(mixture, pair.A)

    def held(h: fmpq) -> fmpq:
        A = pair.A + part * h
        free = exact_value(SIMSIAM, PLAIN, SimSiamPair(A, pair.P)) - exact.trace(A.transpose() * mixture.R * A) / 2
        moved = (A - pair.A).transpose() * PLAIN.pairs.C * A  # the target is Aᵀx̂, not (A + h·part)ᵀx̂
        return free + exact.inner(pair.P.transpose(), moved)

    h = fmpq(1, 10**6)
    assert float(exact.to_fraction((held(h) - held(-h)) / (2 * h))) == pytest.approx(
        float(exact.to_fraction(leak_slope(PLAIN, pair)[0])), rel=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 5), shared=None, hostile=False).map(without_decay))
def test_stationary_points_lie_inside(instance: Instance) -> None:
    found = minimise("simsiam", instance)
    A, inside = found.maps["A"], fisher_subspace(instance.pairs.mixture).as_floats()
    assert np.linalg.norm(A - inside @ (inside.T @ A)) <= 1e-6 * (1 + np.linalg.norm(A))


@settings(max_examples=15, deadline=None)
@given(strategies.mixture_instances(dimension=(1, 4), shared=None).map(without_decay))
def test_other_encodings_have_the_same_slope(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    pair, here = random_pair(instance), leak_slope(instance, random_pair(instance))
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    assert leak_slope(transformed(instance, T), SimSiamPair(T.inv().transpose() * pair.A, pair.P)) == here
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    for other in (permuted(instance, order), split_component(instance)):
        assert leak_slope(other, pair) == here
        assert STATEMENT.decide(other).outcome is Outcome.PROVED


def test_weight_decay_must_be_excluded_and_a_shared_covariance_need_not() -> None:
    needs = {n.hypothesis: n.need for n in STATEMENT.necessity()}
    assert needs["no-weight-decay"] is Need.NECESSARY
    assert needs["shared-covariance"] is Need.REDUNDANT
    assert type(PLAIN.pairs.mixture) is GMM
