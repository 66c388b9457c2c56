"""InfoNCE over all features of a finite sample space: points of one posterior meet, and no linear map makes them."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from thmverify.theorems.encoders.measurable_encoders import GRID, STATEMENT, margin, sample
from thmverify.theorems.encoders.points_common import Described, alike, loss, shares
from thmverify.verdicts import Outcome

seeds = st.integers(0, 10**9)


@settings(max_examples=25)
@given(seeds)
def test_points_of_one_posterior_are_alike(seed: int) -> None:
    components = Described.random(random.Random(seed))
    model, n = components.graph, len(components.laws[0])
    assert sum(x for row in model.weights for x in row) == 1
    same = [p for p in itertools.combinations(range(n), 2) if len({components.posterior(x) for x in p}) == 1]
    assert same
    assert set(same) <= set(alike(model))
    if components.bias:  # pairs tell points apart where posteriors do, unless they are always independent or laws agree
        scaled = {tuple(components.posterior(x)) for x in range(n)}
        assert len(scaled) == 1 or len(alike(model)) < n * (n - 1) // 2


@settings(max_examples=10)
@given(seeds)
def test_they_are_better_together(seed: int) -> None:
    instance = sample(random.Random(seed))
    assert margin(instance) < 0
    assert STATEMENT.decide(instance).outcome is Outcome.PROVED


def test_points_that_are_alike_have_one_posterior_in_a_description_by_their_classes() -> None:
    model = GRID.graph
    degrees = [sum(row) for row in model.weights]
    classes: list[list[int]] = []
    for x in range(model.points):
        home = next((c for c in classes if (c[0], x) in alike(model)), None)
        home.append(x) if home else classes.append([x])
    whole = [sum(degrees[x] for x in c) for c in classes]
    law = [
        [degrees[x] / w if x in c else Fraction(0) for x in range(model.points)]
        for c, w in zip(classes, whole, strict=True)
    ]
    c = [[sum(model.weights[x][y] for x in a for y in b) for b in classes] for a in classes]
    for x, y in itertools.product(range(model.points), repeat=2):
        parts = (c[k][l] * law[k][x] * law[l][y] for k in range(len(classes)) for l in range(len(classes)))
        assert sum(parts) == model.weights[x][y]
    assert sorted(map(len, classes)) == [1, 1, 1, 2, 2, 2]  # the sign of the second coordinate says nothing


def test_a_minimiser_found_in_floats_is_a_function_of_the_posterior() -> None:
    components = replace(GRID, prior=shares([1, 1]), bias=Fraction(1))
    model = components.graph
    rng = np.random.default_rng(0)
    found = minimize(lambda f: loss(model, f.reshape(9, 1)), 2 * rng.standard_normal(9), tol=1e-9).x
    values = {components.posterior(x): found[x] for x in range(9)}
    assert max(abs(found[x] - values[components.posterior(x)]) for x in range(9)) < 1e-3
    assert max(values.values()) - min(values.values()) > 0.1
