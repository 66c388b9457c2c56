"""Rank-constrained minima by factors, Y = VVᵀ with V of m × r: non-convex, so from several starts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from verify.minimize.newton import Objective, Stationary, Symmetric, minimise_freely
from verify.models import Floats

_SUBSETS, _RANDOM = 10, 4
_SEED = 20240611


def best_factor(objective: Objective, Y: Floats, rank: int, tolerance: float) -> Stationary:
    """Return the best local minimum of V ↦ L(VVᵀ) over m × `rank` matrices (as vec V) from deterministic starts.

    The starts are the eigenvectors of the unconstrained minimiser Y, `rank` at a time, and random ones of its size.
    """
    m = len(Y)
    space = Symmetric(m)

    def first(v: Floats) -> tuple[float, Floats]:
        V = v.reshape(m, rank)
        point = objective.point(V @ V.T)
        return point.value, (2 * point.gradient @ V).reshape(-1)

    def second(v: Floats) -> Floats:
        V = v.reshape(m, rank)
        chain = space.basis.T @ _products(V)
        outer = space.basis.T @ objective.hessian(V @ V.T) @ space.basis
        return chain.T @ outer @ chain + 2 * np.kron(objective.point(V @ V.T).gradient, np.eye(rank))

    found = [minimise_freely(first, second, V.reshape(-1), tolerance) for V in _starts(Y, rank)]
    return min(found, key=lambda stationary: stationary.value)


def _products(V: Floats) -> Floats:
    """Return the matrix of H ↦ VHᵀ + HVᵀ on row-major vectors (m² × mr)."""
    m, r = V.shape
    identity = np.eye(m)
    HV = np.einsum("bc,ak->back", identity, V).reshape(m * m, m * r)
    VH = np.einsum("ac,bk->back", identity, V).reshape(m * m, m * r)
    return HV + VH


def _starts(Y: Floats, rank: int) -> Iterator[Floats]:
    values, vectors = np.linalg.eigh(Y)
    columns = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]
    for subset, _ in zip(combinations(range(len(Y)), rank), range(_SUBSETS), strict=False):
        yield columns[:, subset]
    rng = np.random.default_rng(_SEED)
    size = np.sqrt(max(float(values.max()), 0.0))
    for _ in range(_RANDOM):
        yield size * rng.standard_normal((len(Y), rank)) / np.sqrt(len(Y))
