"""Whitening: the exact verdicts against maximisers that floats find, and other encodings of an instance."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import eigh

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.matrix import Matrix
from thmverify.models import Instance
from thmverify.standing import Standing
from thmverify.subspaces import fisher_subspace
from thmverify.testing import MULTIPLIER
from thmverify.theorems.whitening.common import ROW
from thmverify.theorems.whitening.whitening_equality import STATEMENT as EQUALITY
from thmverify.theorems.whitening.whitening_inclusion import STATEMENT as INCLUSION
from thmverify.verdicts import Outcome

SEEDS = pytest.mark.parametrize("seed", range(30 * MULTIPLIER))


def outside(instance: Instance, rng: np.random.Generator) -> tuple[int, float]:
    """The rank of one maximiser and its largest sine against S_F: eigenvectors of (C, R), ties at 0 broken anyhow."""
    R, C = to_floats(instance.pairs.mixture.R), to_floats(instance.pairs.C)
    values, vectors = eigh(C, R)
    values, vectors = values[::-1], vectors[:, ::-1]
    zeros = np.abs(values) < 1e-9
    vectors[:, zeros] = vectors[:, zeros] @ np.linalg.qr(rng.standard_normal((zeros.sum(), zeros.sum())))[0]
    A = vectors[:, : min(instance.rank, len(R))]
    assert np.allclose(A.T @ R @ A, np.eye(A.shape[1]), atol=1e-6)
    Q = np.linalg.qr(A)[0]
    B = fisher_subspace(instance.pairs.mixture).as_floats()
    return A.shape[1], float(np.linalg.norm(Q - B @ (B.T @ Q), 2))


@SEEDS
def test_the_maximisers_that_floats_find_agree(seed: int) -> None:
    instance = INCLUSION.sample(random.Random(seed))
    if to_floats(instance.pairs.C).any() and np.linalg.cond(to_floats(instance.pairs.mixture.R)) > 1e6:
        return
    rank, sine = outside(instance, np.random.default_rng(seed))
    inside = INCLUSION.examine(instance).outcome is Outcome.PROVED
    assert inside == (sine < 1e-5)
    equal = EQUALITY.examine(instance).outcome is Outcome.PROVED
    assert equal == (inside and rank == fisher_subspace(instance.pairs.mixture).dimension)


@pytest.mark.parametrize("seed", range(8 * MULTIPLIER))
def test_other_encodings_are_decided_alike(seed: int) -> None:
    source = random.Random(100 + seed)
    instance = INCLUSION.sample(source)
    mixture = instance.pairs.mixture
    order = list(range(mixture.components))
    source.shuffle(order)
    T = strategies.rational_orthogonal_matrix(strategies.Seeded(source), mixture.dimension) * exact.to_fmpq(3)
    for other in (permuted(instance, order), split_component(instance), transformed(instance, T)):
        for statement in (EQUALITY, INCLUSION):
            assert statement.examine(other).outcome is statement.examine(instance).outcome


def test_the_row_of_the_matrix() -> None:
    cells = Matrix({s.id: s for s in (EQUALITY, INCLUSION)}).row(ROW)
    found = {cell.column.name: cell.standing for cell in cells}
    assert found["INCLUSION"] is found["ANY_RANK"] is Standing.REFUTED
    assert found["EQUALITY"] is found["EQUALITY_BIASED"] is Standing.PROVED


def test_one_column_more_than_needed_leaks() -> None:
    witness = EQUALITY.witness
    assert EQUALITY.decide(witness).outcome is Outcome.PROVED
    assert INCLUSION.decide(replace(witness, rank=1)).outcome is Outcome.PROVED
    assert INCLUSION.decide(replace(witness, rank=3)).outcome is Outcome.REFUTED
