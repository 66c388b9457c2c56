"""Second encodings of a finite graph: its points in another order, or one of them written as two."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq_mat

from thmverify import exact
from thmverify.models import PopulationGraph


def permuted_points(model: PopulationGraph, f: fmpq_mat, order: Sequence[int]) -> tuple[PopulationGraph, fmpq_mat]:
    """Return the graph and the map (a row for each point) with the points in another order."""
    rows = tuple(tuple(model.weights[i][j] for j in order) for i in order)
    labels = tuple(model.labels[i] for i in order)
    return PopulationGraph(rows, labels), exact.submatrix(f, order, range(f.ncols()))


def split_point(model: PopulationGraph, f: fmpq_mat) -> tuple[PopulationGraph, fmpq_mat]:
    """Return the same graph with its first point written as two halves, and the map that is the same on both."""
    order = [0, *range(model.points)]
    share = [2 if i == 0 else 1 for i in order]
    rows = tuple(
        tuple(model.weights[i][j] / (a * b) for j, b in zip(order, share, strict=True))
        for i, a in zip(order, share, strict=True)
    )
    labels = tuple(model.labels[i] for i in order)
    return PopulationGraph(rows, labels), exact.submatrix(f, order, range(f.ncols()))
