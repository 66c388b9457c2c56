"""PCA with fewer columns than dim S_F: pancakes, what commutes, and spherical components of any radii."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify.evidence import Need
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.models import Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.common import TOLERANCE, corners
from thmverify.theorems.pca import pca_top_r, pca_top_r_spherical
from thmverify.theorems.pca.common import top_r_margin as margin
from thmverify.theorems.pca.pca_top_r import PANCAKES, STATEMENT, TILTED
from thmverify.verdicts import Outcome

instances, spherical = (
    st.integers(0, 10**9).map(lambda seed, draw=module.sample: draw(random.Random(seed)))
    for module in (pca_top_r, pca_top_r_spherical)
)


def discriminant(instance: Instance, A: list[list[int]]) -> Fraction:
    value = exact_value(LOSSES["fisher"], instance, Encoder(exact.matrix(A)))
    assert value is not None
    return exact.to_fraction(value)


def test_the_counterexamples_refute() -> None:
    assert STATEMENT.unsupported() == ""
    for found in (PANCAKES, TILTED):
        assert STATEMENT.examine(found.instance).outcome is Outcome.REFUTED
        assert margin(found.instance) > 0.1


def test_what_the_pancakes_show() -> None:
    mixture = PANCAKES.instance.pairs.mixture
    assert exact.matrix([[Fraction(5, 4), 0], [0, Fraction(69, 4)]]) == mixture.R
    assert discriminant(PANCAKES.instance, [[1], [0]]) == 4
    assert discriminant(PANCAKES.instance, [[0], [1]]) == Fraction(4, 65)


@settings(max_examples=60, deadline=None)
@given(instances)
def test_margin_has_the_sign_of_the_verdict(instance: Instance) -> None:
    outcome = STATEMENT.decide(instance).outcome
    if outcome is Outcome.PROVED:
        assert margin(instance) <= 0
    elif outcome is Outcome.REFUTED:
        assert margin(instance) > -2 * TOLERANCE


@settings(max_examples=20, deadline=None)
@given(instances)
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    turned = exact.matrix([[(i + 1) % d == j for j in range(d)] for i in range(d)])  # PCA keeps to rotations
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    here = STATEMENT.examine(instance).outcome
    for other in (transformed(instance, turned * fmpq(3)), permuted(instance, order), split_component(instance)):
        assert STATEMENT.examine(other).outcome is here


def test_one_order_proves_it_and_crossed_orders_refute_it() -> None:
    assert STATEMENT.examine(corners((2, 1), (Fraction(3, 2), 1))).outcome is Outcome.PROVED  # 4/1.5 > 1 and 5.5 > 2
    assert STATEMENT.examine(corners((2, 1), (4, 2))).outcome is Outcome.PROVED
    assert STATEMENT.examine(corners((2, 1), (9, 1))).outcome is Outcome.REFUTED  # 4/9 < 1 and 13 > 2
    assert STATEMENT.examine(corners((2, 1), (1, 4))).outcome is Outcome.UNDECIDED  # R = 5I has no first line
    assert STATEMENT.examine(corners((1, 2), (1, 4))).outcome is Outcome.UNDECIDED  # J is 1 on every line


@settings(max_examples=30, deadline=None)
@given(spherical)
def test_spherical_components_have_one_order(instance: Instance) -> None:
    assert margin(instance) <= 0
    assert pca_top_r_spherical.STATEMENT.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=15, deadline=None)
@given(spherical)
def test_random_maps_of_spherical_components_stay_below(instance: Instance) -> None:
    mixture, rng = instance.pairs.mixture, instance_rng(instance)
    value = exact_value(LOSSES["fisher"], instance, Encoder(random_matrix(rng, mixture.dimension, instance.rank)))
    R, sigma = (exact.to_floats(m) for m in (mixture.R, mixture.sigma_bar))
    captured = float(np.sum(np.linalg.eigvalsh(R)[::-1][: instance.rank]))
    assert value is not None
    best = captured / sigma[0, 0] - instance.rank
    assert float(exact.to_fraction(value)) <= best + 1e-9 * (1 + best)


def test_spherical_is_needed() -> None:
    needs = {n.hypothesis: n.need for n in pca_top_r_spherical.STATEMENT.necessity()}
    assert needs["spherical"] is Need.NECESSARY
    assert needs["fewer-columns"] is Need.REDUNDANT


def test_it_says_nothing_with_enough_columns() -> None:
    assert "fewer-columns" in STATEMENT.decide(replace(PANCAKES.instance, rank=2)).reason
