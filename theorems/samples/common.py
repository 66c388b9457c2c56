"""What the statements about samples share: the loss of n pairs, its slope at M = 0, and samples that decide it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.headlines import Source
from thmverify.minimize import minimise
from thmverify.models import Floats, Instance
from thmverify.sampling import random_centred_instance
from thmverify.statement import Quantity
from thmverify.theorems import PAPER

SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1", "delta")
QUANTITY = Quantity(
    r"\hat L(A) = \frac1n \sum_i \Big[ -f(x_i)^T f(\hat x_i) + \log \frac1n \sum_j \exp(f(x_i)^T f(\hat x_j)) \Big],"
    r"\quad f(x) = A^T x"
)


def source(label: str) -> Source:
    """Return the source of a statement: the theorem is about the population, and the figures train on samples."""
    return Source(PAPER, label, "the theorem is about the population loss; what is said of samples is ours")


def nearest(instance: Instance) -> Floats:
    """Return a minimiser of the population loss in float64, d × r."""
    known = minimise("infonce", instance).maps["A"]
    best = np.zeros((len(known), instance.rank))
    best[:, : known.shape[1]] = known
    return best


def sample(rng: random.Random) -> Instance:
    """Draw two centred components, for a minimiser of which floats are fast, and r ≥ d."""
    instance = random_centred_instance(rng, Fraction(rng.randint(0, 20), 20), components=(2, 2))
    return replace(instance, rank=max(instance.rank, instance.shared.dimension))


@dataclass(frozen=True)
class Pairs:
    """n pairs of points, exactly: x and y are n × d, and row i of y goes with row i of x."""

    x: fmpq_mat
    y: fmpq_mat

    @property
    def count(self) -> int:
        """n."""
        return int(self.x.nrows())

    @property
    def descent(self) -> fmpq_mat:
        """−∇L̂ at M = 0: the symmetric part of (1/n) Σ x_iy_iᵀ − x̄ȳᵀ, d × d."""
        n, ones = fmpq(self.count), fmpq_mat(1, self.count, [1] * self.count)
        cross = self.x.transpose() * self.y / n - (ones * self.x).transpose() * (ones * self.y) / n**2
        return (cross + cross.transpose()) / 2

    def told_apart(self, M: fmpq_mat) -> bool:
        """Return whether x_iᵀMy_j < x_iᵀMy_i for all j ≠ i, exactly: each x has its own y nearest."""
        scores = self.x * M * self.y.transpose()
        return all(scores[i, j] < scores[i, i] for i in range(self.count) for j in range(self.count) if i != j)

    def growth(self, partners: Sequence[int]) -> fmpq_mat:
        """The symmetric part G of (1/n) Σ x_i(y_p − y_i)ᵀ, p the partner of i, d × d: L̂ ≥ ⟨G, M⟩ − log n.

        For a sum of exponentials is more than one of them. Where G ≻ 0, L̂ grows without bound, and has a minimiser.
        """
        change = exact.submatrix(self.y, partners, range(self.y.ncols())) - self.y
        G = self.x.transpose() * change / fmpq(self.count)
        return (G + G.transpose()) / 2

    def loss(self, A: Floats) -> float:
        """Return L̂(A) in float64, A d × r."""
        x, y = (exact.to_floats(z) @ A for z in (self.x, self.y))
        scores = x @ y.T
        top = scores.max(axis=1)
        partition = top + np.log(np.exp(scores - top[:, None]).mean(axis=1))
        return float(np.mean(partition - np.diag(scores)))


def contrary(inside: fmpq_mat, across: fmpq_mat) -> Pairs:
    """Return pairs x = au, y = bu that disagree along each column u of `inside` and agree along those of `across`.

    inside: d × m. across: d × k. With the partners of its neighbour, i ^ 1, each x is paired better than with its own.
    """
    disagree, agree = ((1, -1), (-1, 1)), ((2, 1), (1, 2), (-2, -1), (-1, -2))
    firsts, seconds = [], []
    for columns, values in ((inside, disagree), (across, agree)):
        for i in range(columns.ncols()):
            u = exact.submatrix(columns, range(columns.nrows()), [i])
            firsts += [u * a for a, _ in values]
            seconds += [u * b for _, b in values]
    x, y = (exact.hstack(rows, inside.nrows()).transpose() for rows in (firsts, seconds))
    return Pairs(x, y)


def on_a_circle(d: int, n: int) -> Pairs:
    """Return n ≥ 2 pairs of equal points: distinct points of the unit circle in the first two coordinates, or ±1."""
    if d == 1:
        return Pairs(fmpq_mat([[1], [-1]]), fmpq_mat([[1], [-1]]))
    rows = []
    for i in range(n):
        t = Fraction(i, n)
        point = [(1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)]
        rows.append([*point, *[Fraction(0)] * (d - 2)])
    x = exact.matrix(rows)
    return Pairs(x, x)
