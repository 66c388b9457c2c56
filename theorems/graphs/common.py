"""What the statements about the population graph share: the graph, its matrix, and both losses exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.models import Floats, Instance, PopulationGraph

SYMBOLS = vocabulary.entries("n", "r", "W")


def graph(instance: Instance) -> PopulationGraph:
    """Return the graph. Raises TypeError for another model, which the hypotheses refuse before."""
    if not isinstance(instance.model, PopulationGraph):
        raise TypeError("the instance is not a graph")
    return instance.model


def of_augmentations(
    prior: Sequence[Fraction],
    augmentation: Sequence[Sequence[Fraction]],
    labels: Sequence[int],
    bias: Fraction = Fraction(1),
) -> PopulationGraph:
    """Return w_{xx'} = δ Σ_x̄ P(x̄) A(x|x̄) A(x'|x̄) + (1 − δ) F(x) F(x'), with F = Σ_x̄ P(x̄) A(·|x̄) and δ the bias.

    `prior` is P, row x̄ of `augmentation` is A(·|x̄): of an image, or of a component.
    """
    rows, p = exact.matrix(augmentation), exact.matrix([prior])
    matched, independent = exact.diagonal(p.entries()), p.transpose() * p
    share = exact.to_fmpq(bias)
    weights = rows.transpose() * (matched * share + independent * (1 - share)) * rows
    return PopulationGraph(exact.to_rows(weights), tuple(labels))


THIRD, HALF = Fraction(1, 3), Fraction(1, 2)

# The article's example: a lightning bolt, the same upside down, a cloud, the same upside down.
LIGHTNING_AND_CLOUD = of_augmentations(
    (HALF, HALF),
    ((2 * THIRD, THIRD, Fraction(0), Fraction(0)), (Fraction(0), Fraction(0), 2 * THIRD, THIRD)),
    (0, 0, 1, 1),
)


def sums(model: PopulationGraph, f: fmpq_mat) -> tuple[fmpq, fmpq, fmpq]:
    """Return Σ w_{xx'} f·f', Σ w_x w_x' (f·f')² and Σ w_x w_x' f·f', exactly; f has a row for each point."""
    w, products = exact.matrix(model.weights), f * f.transpose()
    degrees = [sum(row, Fraction(0)) for row in model.weights]
    outer = exact.matrix([[a * b for b in degrees] for a in degrees])
    squares = fmpq_mat(model.points, model.points, [x * x for x in products.entries()])
    return exact.inner(w, products), exact.inner(outer, squares), exact.inner(outer, products)


def approximation_error(model: PopulationGraph, f: fmpq_mat) -> fmpq:
    """Return ‖Ā − FFᵀ‖² exactly: entry by entry (w_{xx'} − w_x w_x' f·f')² / (w_x w_x'), without a square root."""
    degrees = [exact.to_fmpq(sum(row, Fraction(0))) for row in model.weights]
    w, products = exact.matrix(model.weights), f * f.transpose()
    total = fmpq(0)
    for i, a in enumerate(degrees):
        for j, b in enumerate(degrees):
            gap = w[i, j] - a * b * products[i, j]
            total += gap * gap / (a * b)
    return total


def normalised(model: PopulationGraph) -> Floats:
    """Return Ā in float64."""
    w = np.array(model.weights, dtype=np.float64)
    roots = np.sqrt(w.sum(axis=1))
    return np.asarray(w / np.outer(roots, roots))
