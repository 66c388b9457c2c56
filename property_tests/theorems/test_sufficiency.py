"""InfoNCE over all features of a finite graph: points that are alike meet, others need not."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from thmverify.models import Instance, PopulationGraph
from thmverify.theorems.encoders.points_common import alike, least_gain, loss, margin, split
from thmverify.theorems.encoders.sufficiency import STATEMENT, sample
from thmverify.theorems.graphs.common import graph
from thmverify.verdicts import Outcome

seeds = st.integers(0, 10**9)
HAIR = Fraction(1, 10**30)


@settings(max_examples=25)
@given(seeds)
def test_points_that_are_alike_are_better_together(seed: int) -> None:
    instance = sample(random.Random(seed))
    assert alike(graph(instance))
    assert margin(instance) < 0
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


def test_a_minimiser_found_in_floats_has_them_together_and_others_apart() -> None:
    three = ((6, 3, 1), (3, 4, 3), (1, 3, 5))
    model = split(
        PopulationGraph(tuple(tuple(Fraction(x, 29) for x in row) for row in three), (0, 0, 1)), 0, Fraction(1, 4)
    )
    assert alike(model) == [(0, 3)]
    found = min(
        (minimize(lambda f: loss(model, f.reshape(4, 2)), rng.standard_normal(8), tol=1e-10)
         for rng in map(np.random.default_rng, range(4))), key=lambda r: r.fun
    )  # fmt: skip
    f = found.x.reshape(4, 2)
    assert np.linalg.norm(f[0] - f[3]) < 1e-3 * np.linalg.norm(f[0] - f[1])


def test_nothing_is_claimed_of_points_that_differ_by_a_hair() -> None:
    model = graph(STATEMENT.witness)
    pairs = alike(model)
    rows = [list(row) for row in model.weights]
    a, b = pairs[0]
    rows[a][a] += HAIR
    other = Instance(PopulationGraph(tuple(map(tuple, rows)), model.labels), 2)
    assert (a, b) not in alike(graph(other))
    alone = replace(other, model=PopulationGraph(((1, 0), (0, 1)), (0, 1)))
    assert least_gain(alone) is None
    assert STATEMENT.examine(alone).outcome is Outcome.PROVED
