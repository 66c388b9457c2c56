"""Searchers: they climb, they depend on seed and margins alone, and they end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from thmverify.hunting.searchers import SEARCHERS, start

SIZE, BATCH = 5, 32
TARGET = np.array([1.0, -0.5, 0.25, 0.0, 2.0])


def hill(points):
    return -np.sum((points - TARGET) ** 2, axis=1) - 0.01  # never positive


def climbed(name: str, seed: int, turns: int, margins=hill, restored: int = 0) -> np.ndarray:
    """The points of a number of turns; after `restored` of them, if any, another searcher goes on from the state."""
    (searcher,) = start((name,), SIZE, BATCH, (seed,))
    asked, best = [], []

    def measure(points):
        asked.append(points)
        found = margins(points)
        best.append((found.max(), points[np.argmax(found)]))
        return found

    for i in range(turns):
        if restored and i == restored:
            state = json.loads(json.dumps(searcher.state()))
            (searcher,) = start((name,), SIZE, BATCH, (seed + 1,))
            searcher.restore(state)
        searcher.turn(measure, max(best, key=lambda pair: pair[0])[1] if best else None)
    return np.concatenate(asked)


@pytest.mark.parametrize("name", SEARCHERS)
def test_the_same_seed_and_margins_give_the_same_points(name):
    one, two = climbed(name, 7, 3), climbed(name, 7, 3)
    assert np.array_equal(one, two)
    assert not np.array_equal(climbed(name, 8, 1)[:8], one[:8]) or name == "hypothesis"


@pytest.mark.parametrize("name", SEARCHERS)
def test_one_that_is_restored_goes_on_as_the_one_that_was_saved(name):
    assert np.array_equal(climbed(name, 7, 3), climbed(name, 7, 3, restored=2))


CLIMBS = [("cma", 60, 0.02), ("polish", 60, 0.02), ("hypothesis", 3, 3.5), ("random", 60, 4.0)]


@pytest.mark.parametrize(("name", "turns", "within"), CLIMBS)
def test_they_climb(name, turns, within):
    assert -hill(climbed(name, 1, turns)).max() < within


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("value", [-np.inf, 0.0, -1.0])
def test_infinite_and_flat_margins_do_not_stop_them(name, value):
    turns = 2 if name == "hypothesis" else 60  # CMA-ES starts again in between
    assert np.isfinite(climbed(name, 0, turns, lambda points: np.full(len(points), value))).all()


def test_hypothesis_shrinks_what_looks_violated():
    points = climbed("hypothesis", 3, 2, lambda points: points[:, 0] - 1.9)
    assert min(np.abs(p).sum() for p in points if p[0] > 1.9) == 2.0  # (2, 0, 0, 0, 0): as simple as can be


VALLEYS = {
    "a long ellipse": lambda x: -((x**2) * 10.0 ** (6 * np.arange(SIZE) / (SIZE - 1))).sum(axis=1),
    "Rosenbrock's": lambda x: -(100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(axis=1),
}


@pytest.mark.parametrize("valley", VALLEYS.values(), ids=VALLEYS)
def test_evolution_learns_the_shape_of_a_valley(valley):
    assert -valley(climbed("cma", 2, 300, valley)).max() < 1e-6
