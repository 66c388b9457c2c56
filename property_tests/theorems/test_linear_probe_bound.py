"""A linear probe on the lowest eigenvectors errs on at most 2φ/λ: random graphs, and graphs that come close."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Ge, Implies

from property_tests.theorems.graphs import permuted_points, split_point
from property_tests.theorems.scripts import claim, faults, rejection, with_check, with_step
from theorems.linear_probe_bound import (
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
from theorems.population_graph_equivalence import graph, normalised
from theorems.scripts import linear_probe_bound as script
from theorems.scripts.linear_probe_bound import PROOF
from verify.models import Instance
from verify.proofs import Proof, nonnegative
from verify.verdicts import Outcome

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


def test_script_has_no_fault() -> None:
    assert faults(PROOF, {h.name for h in PROOF.hypotheses}) == []


def _with_definition(symbol: Any, value: Any) -> Proof:
    return replace(PROOF, algebra=replace(PROOF.algebra, definitions={**PROOF.algebra.definitions, symbol: value}))


_s = script
PLANTED: dict[str, Callable[[], Proof]] = {
    "the bound without its 2": lambda: with_step(PROOF, "bound", claim=nonnegative(_s.Phi - _s.lam * _s.err)),
    "a graph with negative weights": lambda: with_step(PROOF, "energy-square", premises=("pairs",)),
    "as many vectors as points": lambda: with_step(PROOF, "eigenvectors", premises=("semidefinite",)),
    "eigenvectors of Ā": lambda: with_check(PROOF, "eigenvectors", matrix=_s.Abar),
    "the margin ½ made 1": lambda: with_step(
        PROOF, "margin", claim=Implies(Ge(_s.q - _s.p, 0), Ge((1 - _s.p) ** 2 + _s.q**2 - 1, 0))
    ),
    "a margin without a lead": lambda: with_check(
        PROOF, "margin", terms=next(s for s in PROOF.steps if s.name == "margin").check.terms[1:]
    ),
    "Markov with half the factor": lambda: with_step(PROOF, "error", claim=Ge(_s.MISCLASSIFIED.mean - _s.err, 0)),
    "an unweighted probe": lambda: with_step(PROOF, "probe", claim=claim(PROOF, "probe").subs(_s.D, _s.Identity(_s.n))),
    "features without √w": lambda: _with_definition(_s.P, _s.U * _s.b),
    "a product with a factor that may be negative": lambda: with_check(
        PROOF, "scaled", factors=(-_s.lam, 2 * _s.MISCLASSIFIED.mean - _s.err)
    ),
    "no errors at all": lambda: replace(PROOF, conclusion=nonnegative(-_s.err)),
}


@pytest.mark.parametrize("error", PLANTED)
def test_planted_error_is_rejected(error: str) -> None:
    assert rejection(PLANTED[error]())
