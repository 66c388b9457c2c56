"""Losses that are convex functions of scores, one by one: on samples cutting helps, and cvxpy sees the convexity."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems import FAMILIES, REGISTRY
from thmverify.theorems.infonce.common import TILTED
from thmverify.theorems.scores.common import Leaks, OnSamples
from thmverify.verdicts import Outcome

OTHERS = ("convex-scores-inclusion", "clip-batch-inclusion")
COROLLARIES = [name for name in FAMILIES["scores"] if name.endswith("-inclusion") and name not in OTHERS]
each = pytest.mark.parametrize("id_", COROLLARIES)


def tried(id_: str) -> OnSamples:
    found = REGISTRY[id_].examine
    assert isinstance(found, OnSamples)
    return found


def symmetric(rng: np.random.Generator, items: int) -> np.ndarray:
    z = 2 * rng.standard_normal((items, items))
    return z + z.T


@each
def test_phi_is_convex_in_the_scores_and_not_affine(id_: str) -> None:
    """On random segments, and with a margin on some of them."""
    loss, rng = tried(id_), np.random.default_rng(1)
    items, bends = 2 * loss.pairs + loss.others, []
    for _ in range(200):
        labels = rng.integers(0, 2, items)
        ends = [symmetric(rng, items) for _ in range(2)]
        low, high, middle = (float(loss.phi(z, labels)) for z in (*ends, (ends[0] + ends[1]) / 2))
        bends.append((low + high) / 2 - middle)
    assert min(bends) >= -1e-12
    assert max(bends) > 0.1


def disciplined(cp: Any, id_: str, z: list[list[Any]]) -> Any:
    """The same functions, in cvxpy's words."""
    items = range(len(z))
    match id_.removesuffix("-inclusion"):
        case "infonce-finite":
            return cp.log_sum_exp(cp.hstack(z[0][1:])) - z[0][1]
        case "siglip":
            return cp.logistic(1 - z[0][1]) + cp.logistic(z[0][2] - 1)
        case "logistic":
            return cp.logistic(z[0][2] - z[0][1])
        case "dcl":
            return cp.log_sum_exp(cp.hstack(z[0][2:])) - z[0][1]
        case "ntxent-unnormalised":
            return sum(cp.log_sum_exp(cp.hstack([z[i][j] for j in items if j != i])) - z[i][i ^ 1] for i in items)
        case "supcon":  # components 0, 0, 1, 1
            return sum(cp.log_sum_exp(cp.hstack([z[i][j] for j in items if j != i])) - z[i][i ^ 1] for i in items)
    raise AssertionError(id_)


@each
def test_cvxpy_sees_the_convexity_and_the_same_numbers(id_: str) -> None:
    cp = pytest.importorskip("cvxpy", reason="the extra `convex` is not installed")
    loss, rng = tried(id_), np.random.default_rng(2)
    items = 2 * loss.pairs + loss.others
    names = [[cp.Variable(name=f"z{min(i, j)}{max(i, j)}") for j in range(items)] for i in range(items)]
    z = [[names[min(i, j)][max(i, j)] for j in range(items)] for i in range(items)]
    found = disciplined(cp, id_, z)
    assert found.is_dcp()
    assert found.is_convex()
    assert not found.is_affine()
    values = symmetric(rng, items)
    for i in range(items):
        for j in range(i, items):
            names[i][j].value = values[i, j]
    labels = np.array([0, 0, 1, 1][:items])
    assert float(loss.phi(values, labels)) == pytest.approx(float(found.value), abs=1e-9)


@each
def test_what_is_outside_costs_and_nothing_else_does(id_: str) -> None:
    statement = REGISTRY[id_]
    for seed in range(10):
        assert statement.margin(statement.sample(random.Random(seed))) < 0
    whole = Instance(AugmentedPairs(SharedGMM((1,), ((1,),), ((1,),)), Fraction(1, 2)), 1)
    assert statement.examine(whole).outcome is Outcome.PROVED
    assert statement.margin(whole) == -1


@each
def test_a_loss_that_is_not_convex_is_caught(id_: str) -> None:
    loss = tried(id_)
    upside_down = replace(loss, phi=lambda z, labels: -loss.phi(z, labels))
    assert upside_down(REGISTRY[id_].witness).outcome is Outcome.FAILED


@each
def test_separate_covariances_leak(id_: str) -> None:
    """With one covariance the same comparison sees nothing."""
    (broken,) = REGISTRY[id_].breaks
    assert isinstance(broken.examine, Leaks)
    assert broken.examine(broken.instance).outcome is Outcome.REFUTED
    mixture = TILTED.pairs.mixture
    shared = Instance(AugmentedPairs(SharedGMM(mixture.weights, mixture.means, ((2, 1), (1, 2))), Fraction(1)), 2)
    assert broken.examine(shared).outcome is Outcome.UNDECIDED
