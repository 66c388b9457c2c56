"""A linear probe on the lowest eigenvectors errs on at most 2φ/λ: random graphs, and graphs that come close."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.theorems.graphs import permuted_points, split_point
from thmverify.models import Instance
from thmverify.theorems.graphs.common import graph, normalised
from thmverify.theorems.graphs.linear_probe_bound import (
    STATEMENT,
    TIE,
    TIGHT,
    bound_and_error,
    indicators,
    margin,
    probe,
    sample,
    tightness,
)
from thmverify.verdicts import Outcome

graphs = st.integers(0, 10**9).map(lambda seed: sample(random.Random(seed)))


@settings(max_examples=60)
@given(graphs)
def test_the_bound_holds(instance: Instance) -> None:
    assert margin(instance) <= 0
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=30)
@given(graphs)
def test_disagreement_is_the_energy_of_the_labels(instance: Instance) -> None:
    # φ = Σ_c g_cᵀ(I − Ā)g_c with g_c = √w 1[y = c], in floats.
    model = graph(instance)
    roots = np.sqrt(np.array(model.weights, dtype=float).sum(axis=1))
    g = roots[:, None] * indicators(model)
    energy = np.trace(g.T @ (np.eye(model.points) - normalised(model)) @ g)
    assert energy == pytest.approx(bound_and_error(instance)[1])


@settings(max_examples=30)
@given(graphs)
def test_the_probe_solves_the_least_squares_problem(instance: Instance) -> None:
    model = graph(instance)
    roots = np.sqrt(np.array(model.weights, dtype=float).sum(axis=1))
    U = np.linalg.eigh(np.eye(model.points) - normalised(model))[1][:, : instance.rank]
    weighted = roots[:, None] * indicators(model)
    b = np.linalg.lstsq(U, weighted, rcond=None)[0]
    assert np.allclose((U @ b) / roots[:, None], probe(model, instance.rank))


@settings(max_examples=30)
@given(graphs)
def test_other_encodings_give_the_same_bound(instance: Instance) -> None:
    model = graph(instance)
    order = random.Random(0).sample(range(model.points), model.points)
    moved = replace(instance, model=permuted_points(model, fmpq_mat(model.points, 1), order)[0])
    renamed = replace(instance, model=replace(model, labels=tuple(7 - y for y in model.labels)))
    for other in (moved, renamed):
        assert bound_and_error(other)[:2] == pytest.approx(bound_and_error(instance)[:2])
        assert margin(other) <= 0
    halved = replace(instance, model=split_point(model, fmpq_mat(model.points, 1))[0])
    assert bound_and_error(halved)[1] == pytest.approx(bound_and_error(instance)[1])
    assert margin(halved) <= 0


def test_how_tight_it_is() -> None:
    assert tightness(TIE) == pytest.approx(1)  # both points err when the tie is broken against both
    assert tightness(TIGHT, ties_err=False) > 1 - 1e-4  # no tie at all
    assert tightness(TIGHT, ties_err=False) <= 1
    assert margin(TIGHT) <= 0


@settings(max_examples=60)
@given(graphs)
def test_one_eigenvector_reaches_at_most_half_without_ties(instance: Instance) -> None:
    assert tightness(replace(instance, rank=1), ties_err=False) <= 0.5 + 1e-9


def test_the_example_is_classified_without_error() -> None:
    level, disagreement, error = bound_and_error(STATEMENT.witness)
    assert (level, disagreement, error) == (pytest.approx(1), 0, 0)
