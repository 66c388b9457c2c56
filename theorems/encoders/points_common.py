"""What the statements about all encoders of a finite sample space share: the loss of features, and points that meet."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from thmverify.exact import Rows
from thmverify.models import Floats, Instance, PopulationGraph
from thmverify.sampling import instance_rng
from thmverify.statement import Quantity
from thmverify.theorems.graphs.common import graph, of_augmentations
from thmverify.verdicts import Outcome, Provenance, Verdict

QUANTITY = Quantity(
    r"L(f) = -\sum_{x,x'} w_{xx'} f(x)^T f(x') + \sum_x w_x \log \sum_{x'} w_{x'} \exp(f(x)^T f(x')),\quad "
    r"f: \{1, \dots, n\} \to \mathbb{R}^r"
)
TRIES = 3  # random features that an instance is tried on


def alike(model: PopulationGraph) -> list[tuple[int, int]]:
    """Return the pairs of points that the weights do not tell apart, exactly."""
    degrees = [sum(row, Fraction(0)) for row in model.weights]
    profiles = [tuple(x / d for x in row) for row, d in zip(model.weights, degrees, strict=True)]
    return [(a, b) for a, b in itertools.combinations(range(model.points), 2) if profiles[a] == profiles[b]]


def loss(model: PopulationGraph, f: Floats) -> float:
    """Return L(f) in float64; f has a row for each point."""
    w = np.array(model.weights, dtype=np.float64)
    degrees, z = w.sum(axis=1), f @ f.T
    top = z.max(axis=1)
    logs = top + np.log(np.exp(z - top[:, None]) @ degrees)
    return float(degrees @ logs - np.sum(w * z))


@lru_cache(maxsize=4)
def least_gain(instance: Instance) -> float | None:
    """Return the least of L(f) − L(g) over random features f, g with the mean of f at two points that are alike.

    Relative to the squared distance of f(a) and f(b). None where no two points are alike.
    """
    model, rng = graph(instance), np.random.default_rng(instance_rng(instance).getrandbits(32))
    degrees = np.array(model.weights, dtype=np.float64).sum(axis=1)
    found = []
    for (a, b), _ in itertools.product(alike(model)[:TRIES], range(TRIES)):
        f = rng.standard_normal((model.points, instance.rank))
        g = f.copy()
        g[[a, b]] = np.average(f[[a, b]], axis=0, weights=degrees[[a, b]])
        found.append((loss(model, f) - loss(model, g)) / float(np.sum((f[a] - f[b]) ** 2)))
    return min(found, default=None)


def margin(instance: Instance) -> float:
    """Return minus the least gain of giving two points that are alike their mean; −1 where no two points are."""
    found = least_gain(instance)
    return -1.0 if found is None else -found


def examined(claim: str, instance: Instance) -> Verdict:
    """Look for features that do no worse when two points that are alike differ: floats can contradict, not prove."""
    found = least_gain(instance)
    if found is None:
        return Verdict(
            claim, Outcome.PROVED, "no two points are alike: nothing is claimed", provenance=Provenance.EXACT
        )
    if found <= 0:
        reason = "in floats two points that are alike are better apart"
        return Verdict(claim, Outcome.FAILED, reason, provenance=Provenance.FLOATING)
    reason = f"in floats L falls by {found:.4g} times their squared distance or more when points that are alike meet"
    return Verdict(claim, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


def split(model: PopulationGraph, x: int, share: Fraction) -> PopulationGraph:
    """Return the graph with point x in two, of which the new one, the last, has a share of its weight."""

    def part(i: int) -> tuple[int, Fraction]:
        return (x, share) if i == model.points else (i, 1 - share if i == x else Fraction(1))

    points = [part(i) for i in range(model.points + 1)]
    rows: Rows = tuple(tuple(model.weights[i][j] * p * q for j, q in points) for i, p in points)
    return PopulationGraph(rows, (*model.labels, model.labels[x]))


@dataclass(frozen=True)
class Described:
    """Components of a finite sample space: π, the laws P_k as rows, and the bias δ of pairs; `graph` is theirs."""

    prior: tuple[Fraction, ...]
    laws: Rows
    bias: Fraction

    @classmethod
    def random(cls, rng: random.Random) -> Described:
        """Draw two or three components on at most five points, the last of which has the posterior of another."""
        count, points = rng.randint(2, 3), rng.randint(2, 4)
        likely = [[rng.randint(1, 5) for _ in range(points)] for _ in range(count)]
        twin, times = rng.randrange(points), rng.randint(1, 3)
        rows = tuple(shares([*row, times * row[twin]]) for row in likely)
        return cls(shares([rng.randint(1, 5) for _ in range(count)]), rows, Fraction(rng.randint(0, 20), 20))

    @classmethod
    def product(
        cls, prior: Sequence[Fraction], first: Sequence[Sequence[int]], second: Sequence[Sequence[int]], bias: Fraction
    ) -> Described:
        """Return components of two coordinates that are independent given the component, of laws up to a factor."""
        rows = tuple(shares([a * b for a in p for b in q]) for p, q in zip(first, second, strict=True))
        return cls(tuple(prior), rows, bias)

    @property
    def graph(self) -> PopulationGraph:
        """The graph of the pairs."""
        return of_augmentations(self.prior, self.laws, (0,) * len(self.laws[0]), self.bias)

    def posterior(self, x: int) -> tuple[Fraction, ...]:
        """Return Pr(z = k | x) for each component k."""
        return shares([p * law[x] for p, law in zip(self.prior, self.laws, strict=True)])


def shares(sizes: Sequence[int | Fraction]) -> tuple[Fraction, ...]:
    """Return the sizes divided by their sum."""
    whole = sum(map(Fraction, sizes), Fraction(0))
    return tuple(x / whole for x in map(Fraction, sizes))
