"""Searchers: they climb, they depend on seed and margins alone, and they end."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from thmverify.hunting.searchers import SEARCHERS, start

SIZE, BATCH = 5, 32
TARGET = np.array([1.0, -0.5, 0.25, 0.0, 2.0])


def hill(points):
    return -np.sum((points - TARGET) ** 2, axis=1) - 0.01  # never positive


def climbed(name: str, seed: int, rounds: int) -> list[np.ndarray]:
    (searcher,) = start((name,), SIZE, BATCH, seed)
    asked, best, value = [], None, -np.inf
    for _ in range(rounds):
        points = searcher.ask(best)
        asked.append(points)
        margins = hill(points)
        if margins.max() > value:
            best, value = points[np.argmax(margins)], margins.max()
        searcher.tell(points, margins)
    searcher.close()
    return asked


@pytest.mark.parametrize("name", SEARCHERS)
def test_the_same_seed_and_margins_give_the_same_points(name):
    one, two = climbed(name, 7, 12), climbed(name, 7, 12)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(climbed(name, 8, 1)[0], one[0]) or name == "hypothesis"


CLIMBS = [("cma", 60, 0.02), ("polish", 60, 0.02), ("hypothesis", 280, 3.5), ("random", 60, 4.0)]


@pytest.mark.parametrize(("name", "rounds", "within"), CLIMBS)
def test_they_climb(name, rounds, within):
    asked = np.concatenate(climbed(name, 1, rounds))
    assert -hill(asked).max() < within


@pytest.mark.parametrize("name", SEARCHERS)
def test_infinite_and_flat_margins_do_not_stop_them(name):
    (searcher,) = start((name,), SIZE, BATCH, 0)
    for value in (-np.inf, 0.0, -1.0):
        for _ in range(15):
            points = searcher.ask(None)
            assert np.isfinite(points).all()
            searcher.tell(points, np.full(len(points), value))
    searcher.close()


def test_hypothesis_shrinks_what_looks_violated():
    (searcher,) = start(("hypothesis",), SIZE, BATCH, 3)
    found = []
    for _ in range(600):
        points = searcher.ask(None)
        margins = points[:, 0] - 1.9
        found += [p for p, m in zip(points, margins, strict=True) if m > 0]
        searcher.tell(points, margins)
    searcher.close()
    assert min(np.abs(p).sum() for p in found) == 2.0  # (2, 0, 0, 0, 0): as simple as can be


def test_closing_leaves_no_thread():
    before = threading.active_count()
    (searcher,) = start(("hypothesis",), SIZE, BATCH, 0)
    searcher.ask(None)
    assert threading.active_count() == before + 1
    searcher.close()
    assert threading.active_count() == before
