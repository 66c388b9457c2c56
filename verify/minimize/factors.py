"""Rank-constrained minima by factors, Y = VVᵀ or Y = ABᵀ with r columns: non-convex, so from several starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from thmverify.minimize.energy import Point, quadratic
from thmverify.minimize.newton import Objective, Rescaled, Symmetric, flattening, minimise_freely
from thmverify.minimize.result import TOLERANCE
from thmverify.models import Floats

# Of the starts, those at random.
_RANDOM = 0.3
_SEED = 20240611


def best_factor(objective: Objective, Y: Floats, R: Floats, rank: int, starts: int) -> Floats:
    """Return V (m × rank) at the best local minimum of L(VVᵀ) from deterministic starts.

    The starts are the eigenvectors of the unconstrained minimiser Y, `rank` at a time, and random ones of its size, in
    the coordinates that flatten R = E ssᵀ.
    """
    left = flattening(R)
    back = np.linalg.inv(left)
    return np.asarray(left @ _best_factor(Rescaled(objective, left, left), back @ Y @ back.T, rank, starts))


def best_product(
    objective: Objective, Y: Floats, R_left: Floats, R_right: Floats, rank: int, starts: int
) -> tuple[Floats, Floats]:
    """Return A (m × rank) and B (n × rank) at the best local minimum of L(ABᵀ) from deterministic starts.

    The starts are `rank` singular triples of the unconstrained minimiser Y at a time, and random ones.
    """
    left, right = flattening(R_left), flattening(R_right)
    flat = Rescaled(objective, left, right)
    outer, sizes, inner = np.linalg.svd(np.linalg.solve(left, Y) @ np.linalg.inv(right).T, full_matrices=False)
    stacked = np.concatenate([outer, inner.T]) * np.sqrt(sizes)
    V = _best_factor(Lifted(flat, len(Y)), stacked @ stacked.T, rank, starts)
    return left @ V[: len(Y)], right @ V[len(Y) :]


def _best_factor(objective: Objective, Y: Floats, rank: int, starts: int) -> Floats:
    m = len(Y)
    last: tuple[Floats, Point] | None = None  # where the Hessian is asked for, the gradient has just been

    def at(v: Floats) -> Point:
        nonlocal last
        if last is None or not np.array_equal(last[0], v):
            V = v.reshape(m, rank)
            last = v, objective.point(V @ V.T)
        return last[1]

    def first(v: Floats) -> tuple[float, Floats]:
        point = at(v)
        return point.value, (2 * point.gradient @ v.reshape(m, rank)).reshape(-1)

    def second(v: Floats) -> Floats:
        return factor_hessian(objective, v.reshape(m, rank), at(v))

    found = [minimise_freely(first, second, V.reshape(-1), TOLERANCE) for V in _starts(Y, rank, starts)]
    return min(found, key=lambda stationary: stationary.value).x.reshape(m, rank)


def factor_hessian(objective: Objective, V: Floats, at: Point | None = None) -> Floats:
    """Return the Hessian of V ↦ L(VVᵀ) on row-major vec(V); `at` is the value and gradient of L there, if known."""
    basis = Symmetric(len(V)).basis
    chain = basis.T @ _products(V)
    outer = basis.T @ objective.hessian(V @ V.T) @ basis
    gradient = (at or objective.point(V @ V.T)).gradient
    curved = 2 * np.kron(gradient, np.eye(V.shape[1]))
    return np.asarray(chain.T @ outer @ chain + curved)


@dataclass(frozen=True)
class Lifted:
    """Q ↦ L(Q_12) + ¼(‖Q_11‖² + ‖Q_22‖² − 2‖Q_12‖²) on symmetric matrices with a first block of m rows.

    At Q = VVᵀ, V = [A; B], that is L(ABᵀ) + ¼‖AᵀA − BᵀB‖²: the same minima, with balanced factors.
    """

    objective: Objective
    m: int

    def point(self, Q: Floats) -> Point:
        """Return the value and the (symmetric) gradient."""
        inner = self.objective.point(Q[: self.m, self.m :])
        balance = quadratic(self._signs(len(Q)) * Q / 2, Q)
        gradient = balance.gradient.copy()
        gradient[: self.m, self.m :] += inner.gradient / 2
        gradient[self.m :, : self.m] += inner.gradient.T / 2
        return Point(inner.value + balance.value, gradient, inner.value_error, inner.gradient_error)

    def hessian(self, Q: Floats) -> Floats:
        """Return the Hessian on row-major vec(Q), to be used on symmetric matrices."""
        size = len(Q)
        block = np.arange(size * size).reshape(size, size)[: self.m, self.m :].reshape(-1)
        total = np.diag(self._signs(size).reshape(-1) / 2)
        total[np.ix_(block, block)] += self.objective.hessian(Q[: self.m, self.m :])
        return total

    def _signs(self, size: int) -> Floats:
        first = np.arange(size) < self.m
        return np.where(first[:, None] == first[None, :], 1.0, -1.0)


def _products(V: Floats) -> Floats:
    """Return the matrix of H ↦ VHᵀ + HVᵀ on row-major vectors (m² × mr)."""
    m, r = V.shape
    identity = np.eye(m)
    HV = np.einsum("bc,ak->back", identity, V).reshape(m * m, m * r)
    VH = np.einsum("ac,bk->back", identity, V).reshape(m * m, m * r)
    return np.asarray(HV + VH)


def _starts(Y: Floats, rank: int, count: int) -> Iterator[Floats]:
    values, vectors = np.linalg.eigh(Y)
    columns = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]
    at_random = max(1, round(_RANDOM * count))
    yield from (columns[:, subset] for subset in islice(combinations(range(len(Y)), rank), count - at_random))
    rng = np.random.default_rng(_SEED)
    size = np.sqrt(max(float(values.max()), 0.0) / len(Y))
    for _ in range(at_random):
        yield size * rng.standard_normal((len(Y), rank))
