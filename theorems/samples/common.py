"""What the statements about samples share: the loss of n pairs, its slope at M = 0, and samples that decide it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.headlines import Source
from thmverify.models import Floats
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

    def loss(self, A: Floats) -> float:
        """Return L̂(A) in float64, A d × r."""
        x, y = (exact.to_floats(z) @ A for z in (self.x, self.y))
        scores = x @ y.T
        top = scores.max(axis=1)
        partition = top + np.log(np.exp(scores - top[:, None]).mean(axis=1))
        return float(np.mean(partition - np.diag(scores)))


def contrary(inside: fmpq_mat, across: fmpq_mat) -> Pairs:
    """Return pairs that differ in what is inside and agree in what is across: x = ±(s + v), y = ±(v − s), n = 2m.

    `inside` has a basis s of a subspace as columns (d × m), `across` is a column v outside it (d × 1); with no column
    inside the pairs are ±v.
    """
    columns = [exact.submatrix(inside, range(inside.nrows()), [i]) for i in range(inside.ncols())]
    firsts, seconds = [], []
    for s in columns or [across * 0]:
        for sign in (1, -1):
            firsts.append((across + s) * sign)
            seconds.append((across - s) * sign)
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
