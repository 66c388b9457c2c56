"""InfoNCE over affine maps: what cutting a map to S_LDA gains, and which subspace that is."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.theorems.encodings import permuted, split_component
from thmverify.exact import matrix
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import lda_subspace
from thmverify.theorems.encoders.affine_inclusion import STATEMENT, margin, sample
from thmverify.theorems.encoders.common import _gain
from thmverify.theorems.infonce.translation import shifted
from thmverify.verdicts import Outcome

seeds = st.integers(0, 10**9)
FAR = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((2, 0), (-2, 0)))), 1)


@settings(max_examples=25)
@given(seeds)
def test_a_part_outside_costs_what_the_proof_says(seed: int) -> None:
    instance = sample(random.Random(seed))
    assert margin(instance) <= -1
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=15)
@given(seeds)
def test_the_subspace_does_not_know_the_origin(seed: int) -> None:
    instance = sample(random.Random(seed))
    moved = shifted(instance, (Fraction(7, 3),) * instance.shared.dimension)
    assert lda_subspace(moved.shared) == lda_subspace(instance.shared)
    for other in (permuted(instance, range(instance.shared.components)[::-1]), split_component(instance)):
        assert margin(other) <= -1


def test_what_tells_the_components_apart_lies_in_the_subspace() -> None:
    """Two components on a line of the plane: the other axis may be cut, and the gain is what the formula says."""
    assert lda_subspace(FAR.shared).dimension == 1
    noise = np.random.default_rng(0).standard_normal((50, 2))
    first, second, nothing = matrix([[1], [0]]), matrix([[0], [1]]), matrix([[0]])
    assert _gain(FAR, first, second, nothing, noise) >= 1 + 2 + 4  # ½ tr Q² = ½, tr PQ = 1, u² = 4
