"""Fisher optimality: J(A) ≤ tr(Σ̄⁻¹S), with equality exactly on the subspaces that contain S_F."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from scipy.linalg import eigh

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.fisher import fisher_optimality
from thmverify.theorems.fisher.fisher_optimality import STATEMENT, bound, excess, margin
from thmverify.verdicts import Outcome


@settings(max_examples=40)
@given(strategies.mixture_instances(shared=None))
def test_bound_and_equality_hold_exactly(instance: Instance) -> None:
    assert margin(instance) <= 0
    verdict = STATEMENT.decide(instance)
    assert verdict.outcome is Outcome.PROVED
    assert verdict.dimension == fisher_subspace(instance.pairs.mixture).dimension


@settings(max_examples=20)
@given(strategies.mixture_instances(shared=None))
def test_dropping_a_direction_of_s_f_loses_something(instance: Instance) -> None:
    basis = fisher_subspace(instance.pairs.mixture).basis
    for left_out in range(basis.ncols()):
        kept = [j for j in range(basis.ncols()) if j != left_out]
        if kept:
            gap, contains = excess(instance, exact.submatrix(basis, range(basis.nrows()), kept))
            assert gap < 0
            assert not contains


def test_the_maximum_is_the_sum_of_generalised_eigenvalues() -> None:
    mixture = STATEMENT.witness.pairs.mixture
    S, sigma = (np.array(exact.to_rows(m), dtype=float) for m in (mixture.S, mixture.sigma_bar))
    assert float(exact.to_fraction(bound(mixture))) == pytest.approx(eigh(S, sigma, eigvals_only=True).sum())


def test_a_wrong_bound_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fisher_optimality, "bound", _half_the_bound)
    verdict = fisher_optimality.examine(STATEMENT.witness)
    assert verdict.outcome is Outcome.REFUTED
    assert STATEMENT.judge(verdict).outcome is Outcome.FAILED
    assert margin(STATEMENT.witness) > 0


def _half_the_bound(mixture: GMM) -> fmpq:
    return bound(mixture) / 2


def test_j_depends_on_the_column_space_alone() -> None:
    instance = STATEMENT.witness
    A = exact.matrix([[1], [3]])
    assert excess(instance, A) == excess(instance, A * fmpq(-7, 3))


@settings(max_examples=15)
@given(strategies.mixture_instances(dimension=(2, 4), components=(1, 4), shared=False))
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    for other in (transformed(instance, T), permuted(instance, order), split_component(instance)):
        assert STATEMENT.decide(other).outcome is Outcome.PROVED
        assert bound(other.pairs.mixture) == bound(instance.pairs.mixture)
    A = random_matrix(rng, d, 1) + fmpq_mat(d, 1, [fmpq(20)] * d)
    assert excess(transformed(instance, T), T.inv().transpose() * A) == excess(instance, A)


def test_means_at_the_origin_leave_nothing_to_find() -> None:
    origin = GMM((Fraction(1),), ((0, 0),), (((1, 0), (0, 1)),))
    assert bound(origin) == 0
    assert STATEMENT.decide(Instance(AugmentedPairs(origin), 1)).outcome is Outcome.PROVED
