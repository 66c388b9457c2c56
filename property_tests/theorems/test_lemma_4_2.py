"""Lemma 4.2: the posterior is preserved by projection on S_F, exactly, and by nothing smaller than S_LDA."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from scipy.stats import multivariate_normal

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.sampling import instance_rng, random_matrix
from thmverify.subspaces import Subspace, fisher_subspace, lda_subspace, mean_subspace
from thmverify.theorems.fisher import lemma_4_2
from thmverify.theorems.fisher.lemma_4_2 import STATEMENT, margin, preserves_posterior
from thmverify.verdicts import Outcome

HALF = Fraction(1, 2)
# Two components on one side of the origin: S_F is the plane, S_LDA a line.
UNCENTRED = SharedGMM((HALF, HALF), ((1, 0), (0, 1)), ((2, 1), (1, 2)))


@settings(max_examples=40)
@given(strategies.mixture_instances())
def test_posterior_is_preserved_exactly(instance: Instance) -> None:
    assert margin(instance) == 0
    assert lemma_4_2.examine(instance).outcome is Outcome.PROVED


@settings(max_examples=25)
@given(strategies.mixture_instances())
def test_preserved_exactly_when_the_column_space_contains_s_lda(instance: Instance) -> None:
    mixture, rng = instance.shared, instance_rng(instance)
    for _ in range(3):
        A = random_matrix(rng, mixture.dimension, rng.randint(1, mixture.dimension))
        A = exact.submatrix(A, range(mixture.dimension), exact.pivot_columns(A))
        assert preserves_posterior(mixture, A) == (lda_subspace(mixture) <= Subspace.spanned_by(A))


@settings(max_examples=40)
@given(strategies.mixture_instances())
def test_s_lda_is_smaller_exactly_when_the_means_miss_the_origin_affinely(instance: Instance) -> None:
    mixture = instance.shared
    lifted = exact.hstack([mixture.mu.transpose(), exact.matrix([[1]] * mixture.components)], mixture.components)
    origin_in_hull = lifted.rank() > mixture.mu.rank()
    assert (lda_subspace(mixture) == fisher_subspace(mixture)) == origin_in_hull
    assert origin_in_hull or not mixture.is_centred


def test_uncentred_is_not_enough_for_s_lda_to_be_smaller() -> None:
    mixture = SharedGMM((HALF, HALF), ((1,), (-2,)))
    assert not mixture.is_centred
    assert lda_subspace(mixture) == fisher_subspace(mixture)


def test_s_lda_is_smaller_when_the_means_lie_on_one_side() -> None:
    assert lda_subspace(UNCENTRED) < fisher_subspace(UNCENTRED)
    assert preserves_posterior(UNCENTRED, lda_subspace(UNCENTRED).basis)
    assert not preserves_posterior(UNCENTRED, exact.matrix([[1], [1]]))


def test_the_span_of_the_means_does_not_preserve_it() -> None:
    mixture = SharedGMM((HALF, HALF), ((1, 0), (-1, 0)), ((2, 1), (1, 2)))
    assert not preserves_posterior(mixture, mean_subspace(mixture).basis)


def test_margin_is_positive_on_a_wrong_subspace(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1, 0), (-1, 0)), ((2, 1), (1, 2)))), 1)
    assert margin(instance) == 0
    monkeypatch.setattr(lemma_4_2, "fisher_subspace", mean_subspace)
    assert margin(instance) > 0
    verdict = lemma_4_2.examine(instance)
    assert verdict.outcome is Outcome.REFUTED
    assert STATEMENT.judge(verdict).outcome is Outcome.FAILED


def test_posteriors_from_densities_in_float_agree() -> None:
    mixture = STATEMENT.witness.shared
    A = np.array(exact.to_rows(fisher_subspace(mixture).basis), dtype=float)
    points = mixture.sample(50, np.random.default_rng(0))
    np.testing.assert_allclose(_posterior(mixture, points, np.eye(3)), _posterior(mixture, points, A), rtol=1e-9)


def _posterior(mixture: SharedGMM, points: Floats, A: Floats) -> Floats:
    """Return Pr(z = k | Aᵀx) from Gaussian densities, one row for each point."""
    sigma, means = np.array(mixture.covariance, dtype=float), np.array(mixture.means, dtype=float)
    laws = [multivariate_normal(A.T @ mean, A.T @ sigma @ A) for mean in means]
    densities = [float(w) * law.pdf(points @ A) for w, law in zip(mixture.weights, laws, strict=True)]
    joint = np.stack(densities, axis=1)
    return joint / joint.sum(axis=1, keepdims=True)


@settings(max_examples=15)
@given(strategies.mixture_instances(dimension=(2, 4), components=(1, 4)))
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.shared.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(instance.shared.components), instance.shared.components)
    for other in (transformed(instance, T), permuted(instance, order), split_component(instance)):
        verdict = STATEMENT.decide(other)
        assert verdict.outcome is STATEMENT.decide(instance).outcome is Outcome.PROVED
        assert verdict.dimension == STATEMENT.decide(instance).dimension
        assert margin(other) == 0


def test_coincident_means_need_no_projection_at_all() -> None:
    mixture = SharedGMM((HALF, HALF), ((1, 2), (1, 2)))
    assert lda_subspace(mixture).dimension == 0
    assert preserves_posterior(mixture, fmpq_mat(2, 0))
    origin = SharedGMM((HALF, HALF), ((0, 0), (0, 0)))
    assert fisher_subspace(origin).dimension == 0
    assert STATEMENT.decide(Instance(AugmentedPairs(origin), 1)).outcome is Outcome.PROVED


def test_a_shared_covariance_shows_no_change_of_the_posterior() -> None:
    assert lemma_4_2.changes_posterior(STATEMENT.witness).outcome is Outcome.UNDECIDED
    assert lemma_4_2.changes_posterior(lemma_4_2.UNLIKE).outcome is Outcome.REFUTED
