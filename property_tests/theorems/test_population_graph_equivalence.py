"""The spectral contrastive loss of a finite graph: Ā's best approximation, and the article's example, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from property_tests.theorems.graphs import permuted_points, split_point
from thmverify import exact
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.models import Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.graphs import population_graph_equivalence as module
from thmverify.theorems.graphs.common import LIGHTNING_AND_CLOUD, approximation_error, graph, normalised
from thmverify.theorems.graphs.population_graph_equivalence import STATEMENT, loss, margin
from thmverify.verdicts import Outcome

instances = strategies.population_graphs().map(lambda model: Instance(model, 1 + len(model.labels) % 3))


@settings(max_examples=40)
@given(instances)
def test_the_difference_is_the_constant_exactly(instance: Instance) -> None:
    assert margin(instance) <= 0
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


@settings(max_examples=25)
@given(instances)
def test_the_error_is_the_distance_of_matrices(instance: Instance) -> None:
    # A second encoding: with square roots, in floats.
    model = graph(instance)
    f = random_matrix(instance_rng(instance), model.points, instance.rank)
    roots = np.sqrt(np.array(model.weights, dtype=float).sum(axis=1))
    F = roots[:, None] * to_floats(f)
    distance = float(np.sum((normalised(model) - F @ F.T) ** 2))
    assert distance == pytest.approx(float(exact.to_fraction(approximation_error(model, f))))


@settings(max_examples=25)
@given(instances)
def test_the_closed_form_reaches_the_minimum(instance: Instance) -> None:
    model, r = graph(instance), instance.rank
    values, vectors = np.linalg.eigh(normalised(model))
    kept = np.maximum(values[::-1][:r], 0)
    F = vectors[:, ::-1][:, :r] * np.sqrt(kept)
    w = np.array(model.weights, dtype=float)
    f = F / np.sqrt(w.sum(axis=1))[:, None]
    products, degrees = f @ f.T, w.sum(axis=1)
    value = -2 * np.sum(w * products) + np.sum(np.outer(degrees, degrees) * products**2)
    assert value == pytest.approx(-np.sum(kept**2))


@settings(max_examples=25)
@given(instances)
def test_other_encodings_give_the_same_numbers(instance: Instance) -> None:
    model, rng = graph(instance), instance_rng(instance)
    f = random_matrix(rng, model.points, instance.rank)
    order = rng.sample(range(model.points), model.points)
    moved, moved_f = permuted_points(model, f, order)
    halved, halved_f = split_point(model, f)
    assert loss(moved, moved_f) == loss(halved, halved_f) == loss(model, f)
    assert approximation_error(moved, moved_f) == approximation_error(model, f)
    spectra = [np.linalg.eigvalsh(normalised(g))[::-1] for g in (model, halved)]
    positive = [np.sort(values[values > 1e-9]) for values in spectra]
    assert positive[0] == pytest.approx(positive[1])


def test_the_lightning_and_cloud_example() -> None:
    # Figure 2: the lightning bolt and the cloud are rows 0 and 2, upside down they are rows 1 and 3.
    rows, zeros = LIGHTNING_AND_CLOUD.weights, (Fraction(0), Fraction(0))
    block = ((Fraction(2, 9), Fraction(1, 9)), (Fraction(1, 9), Fraction(1, 18)))
    assert rows == (*(row + zeros for row in block), *(zeros + row for row in block))
    degrees = [sum(row, Fraction(0)) for row in rows]
    assert degrees == [Fraction(1, 3), Fraction(1, 6)] * 2
    squares = [
        [x * x / (a * b) for x, b in zip(row, degrees, strict=True)] for row, a in zip(rows, degrees, strict=True)
    ]
    assert squares[0] == [Fraction(4, 9), Fraction(2, 9), 0, 0]  # Ā has the block (2, √2; √2, 1)/3 twice
    assert squares[1] == [Fraction(2, 9), Fraction(1, 9), 0, 0]
    similar = exact.diagonal([exact.to_fmpq(x) for x in degrees]).inv() * exact.matrix(rows)  # to Ā, and rational
    assert similar.charpoly().coeffs() == [0, 0, 1, -2, 1]  # x²(x − 1)²: the eigenvalues are 1, 1, 0, 0


def test_two_columns_represent_the_example_without_loss() -> None:
    f = exact.matrix([[1, 1], [1, 1], [1, -1], [1, -1]])  # the same for an image and its rotation
    assert approximation_error(LIGHTNING_AND_CLOUD, f) == 0
    assert loss(LIGHTNING_AND_CLOUD, f) == -2


def test_a_wrong_loss_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "loss", lambda model, f: 2 * loss(model, f))
    assert margin(STATEMENT.witness) == 1.0
