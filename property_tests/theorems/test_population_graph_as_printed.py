"""The article's last lines: without the square the loss is not what it is said to be, and has no minimum."""

from __future__ import annotations

import pytest
from flint import fmpq
from hypothesis import given, settings

from property_tests.theorems.graphs import permuted_points, split_point
from property_tests.theorems.test_population_graph_equivalence import instances
from thmverify import exact
from thmverify.models import Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.graphs.common import approximation_error, graph
from thmverify.theorems.graphs.population_graph_as_printed import STATEMENT, TWO_POINTS, deviation, margin, printed
from thmverify.theorems.graphs.population_graph_equivalence import loss
from thmverify.verdicts import Outcome, Status


@pytest.mark.parametrize("c", [1, 2, 5])
def test_the_two_point_counterexample(c: int) -> None:
    model, f = graph(TWO_POINTS.instance), exact.matrix([[c], [-c]])
    assert approximation_error(model, f) == c**4 - 2 * c**2 + 2
    assert printed(model, f) == -2 * c**2
    assert loss(model, f) == c**4 - 2 * c**2
    assert deviation(TWO_POINTS.instance, f) == c**4


def test_it_refutes_the_statement() -> None:
    assert STATEMENT.status is Status.REFUTED
    assert STATEMENT.unsupported() == ""
    assert STATEMENT.examine(TWO_POINTS.instance).outcome is Outcome.REFUTED


@settings(max_examples=30)
@given(instances)
def test_it_fails_on_every_graph(instance: Instance) -> None:
    assert STATEMENT.decide(instance).outcome is Outcome.REFUTED
    assert margin(instance) > 0


@settings(max_examples=20)
@given(instances)
def test_other_encodings_give_the_same_numbers(instance: Instance) -> None:
    model, rng = graph(instance), instance_rng(instance)
    f = random_matrix(rng, model.points, instance.rank)
    order = rng.sample(range(model.points), model.points)
    for other, same in (permuted_points(model, f, order), split_point(model, f)):
        assert printed(other, same) == printed(model, f)


@settings(max_examples=20)
@given(instances)
def test_with_the_square_nothing_deviates(instance: Instance) -> None:
    model = graph(instance)
    f = random_matrix(instance_rng(instance), model.points, instance.rank)
    square = loss(model, f) - printed(model, f)  # what the article drops
    assert deviation(instance, f) == square


def test_it_has_no_minimum() -> None:
    model = graph(TWO_POINTS.instance)
    values = [printed(model, exact.matrix([[10**k], [-(10**k)]])) for k in range(4)]
    assert values == [fmpq(-2) * 100**k for k in range(4)]
