"""The CLIP theorem for balanced factors: a factor that is free nowhere has the column space of W."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted_pair, swapped, transformed_pair
from thmverify import exact
from thmverify import testing as strategies
from thmverify.maps import CLIPFactors
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems.clip import clip_inclusion_balanced as module
from thmverify.theorems.clip.clip_inclusion_balanced import STATEMENT, margin, one_kernel_pair
from thmverify.theorems.clip.common import leaks
from thmverify.verdicts import Outcome

PLAIN = STATEMENT.witness
small_pairs = strategies.clip_gmms(components=(1, 3), dimensions=((1, 4), (1, 4)), hostile=False)


@settings(max_examples=25, deadline=None)
@given(strategies.clip_gmms(components=(1, 4), dimensions=((1, 5), (1, 5))))
def test_inclusion_is_never_violated(model: CLIPGMM) -> None:
    instance = Instance(model, 3)
    assert margin(instance) <= -1 + 1e-6
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED, verdict.reason


@settings(max_examples=10, deadline=None)
@given(small_pairs)
def test_balanced_minimisers_lie_inside(model: CLIPGMM) -> None:
    found = minimise("clip", Instance(model, 4))
    for name, mixture in (("A_V", model.vision), ("A_T", model.text)):
        A, inside = found.maps[name], fisher_subspace(mixture).as_floats()
        assert np.linalg.norm(A - inside @ (inside.T @ A)) <= 1e-7 * (1 + np.linalg.norm(A))
    assert np.allclose(found.maps["A_V"].T @ found.maps["A_V"], found.maps["A_T"].T @ found.maps["A_T"], atol=1e-9)


def test_a_free_column_violates(monkeypatch: pytest.MonkeyPatch) -> None:
    free = CLIPFactors(exact.matrix([[1, 1], [0, 2], [0, 5]]), exact.zeros(3, 2))
    monkeypatch.setattr(module, "one_kernel_pair", lambda _: free)
    assert margin(PLAIN) == 1
    assert module.examine(PLAIN).outcome is Outcome.REFUTED
    assert STATEMENT.decide(PLAIN).outcome is Outcome.FAILED


@settings(max_examples=10, deadline=None)
@given(small_pairs)
def test_other_encodings_have_the_same_slopes_and_kernels(model: CLIPGMM) -> None:
    instance = Instance(model, 2)
    rng, pair = instance_rng(instance), one_kernel_pair(instance)
    here = [leak.slope for leak in leaks(instance, pair)]
    T_V, T_T = (random_matrix(rng, n, n) + exact.identity(n) * 20 for n in (pair.A_V.nrows(), pair.A_T.nrows()))
    pulled = CLIPFactors(T_V.inv().transpose() * pair.A_V, T_T.inv().transpose() * pair.A_T)
    order = [0, *reversed(range(len(model.weights)))]
    others = [
        (transformed_pair(instance, T_V, T_T), pulled),
        (permuted_pair(instance, order), pair),
    ]
    for other, factors in others:
        assert [leak.slope for leak in leaks(other, factors)] == pytest.approx(here, rel=1e-6, abs=1e-8)
        assert Subspace.spanned_by(factors.A_V) == Subspace.spanned_by(factors.W)
        assert STATEMENT.decide(other).outcome is Outcome.PROVED
    assert STATEMENT.decide(swapped(instance)).outcome is Outcome.PROVED
