"""Minimisers for a batch of mixtures at once, of any loss that was made from a formula: proposals for a search.

Quasi-Newton steps (BFGS) on all rows together, each with its own length of step, over A = FV with FFᵀ = Σ̄⁻¹ and over b.
What is found is a local minimum of few starts; rows that have not converged say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from thmverify.losses import Loss, Sense
from thmverify.losses.batches import Evaluated, evaluated, evaluated_twice
from thmverify.losses.stacks import Instances
from thmverify.maps import BiasedEncoder
from thmverify.models import Floats

Function: TypeAlias = Callable[[NDArray[np.intp], Floats], tuple[Floats, Floats]]  # rows, points → values, gradients

_STARTS, _KEPT, _SEED = 6, 2, 20261130
_STEPS = 120
_RESIDUAL = 1e-8  # of 1 + |v|, up to which a gradient counts as 0
_DECREASE, _SHORTER, _LONGEST = 1e-4, 0.3, 0.5
_ROUNDING = 4e-15
_AGREEMENT = 1e-7  # of the gradients of two rules, relative to their size


@dataclass(frozen=True)
class Minimisers:
    """The best maps found for a batch: A (n × d × r), b (n), the loss and its derivatives there, and where they count.

    told: rows whose gradient is 0 up to rounding, by two rules for the integrals (n).
    """

    A: Floats
    b: Floats
    found: Evaluated
    told: NDArray[np.bool_]


def minimise_batch(loss: Loss, instances: Instances, rank: int) -> Minimisers:
    """Return the best maps with so many columns. Raises what `evaluated` does."""
    unknowns = _Unknowns(loss, instances, rank)
    starts = unknowns.starts()
    rows = np.arange(len(instances))
    values = np.stack([unknowns(rows, start)[0] for start in starts])
    order = np.argsort(np.where(np.isnan(values), np.inf, values), axis=0)[:_KEPT]
    ends = [descend(unknowns, starts[i, rows]) for i in order]
    lowest = np.array([np.where(flat, value, np.inf) for _, value, flat in ends]).argmin(axis=0)
    v = np.stack([end[0] for end in ends])[lowest, rows]
    flat = np.stack([end[2] for end in ends])[lowest, rows]
    A, b = unknowns.matrices(rows, v)
    found, again = evaluated_twice(loss, instances, A, b)
    size = 1 + np.abs(found.A).max(axis=(1, 2))
    apart = np.abs(found.A - again.A).max(axis=(1, 2)) + np.abs(found.b - again.b)
    if found.M is not None and again.M is not None:
        size = size + np.abs(found.M).max(axis=(1, 2))
        apart = apart + np.abs(found.M - again.M).max(axis=(1, 2))
    return Minimisers(A, b, found, flat & (apart <= _AGREEMENT * size))


class _Unknowns:
    """The entries of V, row by row, and b where the loss has one, as a vector for each row of a batch."""

    def __init__(self, loss: Loss, instances: Instances, rank: int) -> None:
        self.loss, self.instances, self.rank = loss, instances, rank
        self.shifted = BiasedEncoder in loss.maps
        self.sign = -1.0 if loss.sense is Sense.MAXIMISED else 1.0
        self.frame = np.linalg.inv(np.linalg.cholesky(instances.pairs.mixture.sigma_bar.array)).swapaxes(1, 2)

    def matrices(self, rows: NDArray[np.intp], v: Floats) -> tuple[Floats, Floats]:
        """Return A and b."""
        d = self.frame.shape[1]
        V = v[:, : d * self.rank].reshape(-1, d, self.rank)
        return self.frame[rows] @ V, v[:, -1] if self.shifted else np.zeros(len(v))

    def __call__(self, rows: NDArray[np.intp], v: Floats) -> tuple[Floats, Floats]:
        """Return the values that are to be lowered, and their gradients."""
        A, b = self.matrices(rows, v)
        found = evaluated(self.loss, self.instances.where(rows), A, b)
        pulled = (self.frame[rows].swapaxes(1, 2) @ found.A).reshape(len(v), -1)
        gradient = np.concatenate([pulled, found.b[:, None]], axis=1) if self.shifted else pulled
        return self.sign * found.value, self.sign * gradient

    def starts(self) -> Floats:
        """Return starts (S × n × unknowns): the leading directions of the pairs, and turns of all of them."""
        pairs, frame = self.instances.pairs, self.frame
        C, R = (frame.swapaxes(1, 2) @ m.array @ frame for m in (pairs.C, pairs.mixture.R))
        back = np.linalg.inv(np.linalg.cholesky(R))
        values, vectors = np.linalg.eigh(back @ C @ back.swapaxes(1, 2))
        leading = (back.swapaxes(1, 2) @ vectors)[:, :, ::-1] * np.sqrt(np.maximum(values[:, None, ::-1], 0.01))
        n, d, _ = leading.shape
        rng = np.random.default_rng(_SEED)
        turns = [np.eye(d)[:, : self.rank]]
        if self.rank > d:
            turns = [np.concatenate([np.eye(d), np.zeros((d, self.rank - d))], axis=1)]
        turns += [rng.standard_normal((d, self.rank)) / np.sqrt(d) for _ in range(_STARTS - 1)]
        found = [(leading @ turn).reshape(n, -1) for turn in turns]
        return np.stack([np.concatenate([v, np.zeros((n, int(self.shifted)))], axis=1) for v in found])


def descend(function: Function, v: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return where BFGS ends from v (n × N), the values there, and where the gradient is 0 up to rounding.

    Every row has its own step, shortened where the value does not fall; rows that have arrived are left alone.
    """
    n, N = v.shape
    v, every = v.copy(), np.arange(n)
    value, gradient = function(every, v)
    inverse = np.broadcast_to(np.eye(N), (n, N, N)).copy()
    length, fresh = np.ones(n), np.ones(n, dtype=bool)
    for _ in range(_STEPS):
        rows = every[~_flat(v, gradient) & (length > _ROUNDING) & np.isfinite(value)]
        if not len(rows):
            break
        g = gradient[rows]
        step = -(inverse[rows] @ g[..., None])[..., 0]
        longest = _LONGEST * (1 + np.linalg.norm(v[rows], axis=1))
        step = step * np.minimum(length[rows], longest / np.linalg.norm(step, axis=1))[:, None]
        trial, slope = function(rows, v[rows] + step)
        allowed = value[rows] + _DECREASE * np.sum(step * g, axis=1)
        level = (np.abs(trial - value[rows]) <= _ROUNDING * (1 + np.abs(value[rows]))) & (
            np.linalg.norm(slope, axis=1) < np.linalg.norm(g, axis=1)
        )
        lower = (trial <= allowed) | level
        length[rows] = np.where(lower, 1.0, length[rows] * _SHORTER)
        went, s, y = rows[lower], step[lower], (slope - g)[lower]
        inverse[went] = _updated(inverse[went], s, y, fresh[went])
        fresh[went] = False
        v[went], value[went], gradient[went] = v[went] + s, trial[lower], slope[lower]
    return v, value, _flat(v, gradient) & np.isfinite(value)


def _flat(v: Floats, gradient: Floats) -> NDArray[np.bool_]:
    flat: NDArray[np.bool_] = np.linalg.norm(gradient, axis=1) <= _RESIDUAL * (1 + np.linalg.norm(v, axis=1))
    return flat


def _updated(inverse: Floats, s: Floats, y: Floats, fresh: NDArray[np.bool_]) -> Floats:
    """Return the inverse Hessians after steps s that changed gradients by y; as they were where sᵀy is not positive."""
    sy, yy = np.sum(s * y, axis=1), np.sum(y * y, axis=1)
    curved = sy > 1e-12 * np.sqrt(np.sum(s * s, axis=1) * yy)
    sy, yy = np.where(curved, sy, 1.0), np.where(curved, yy, 1.0)
    H = np.where((fresh & curved)[:, None, None], (sy / yy)[:, None, None] * np.eye(s.shape[1]), inverse)
    V = np.eye(s.shape[1]) - s[:, :, None] * y[:, None, :] / sy[:, None, None]
    updated = V @ H @ V.swapaxes(1, 2) + s[:, :, None] * s[:, None, :] / sy[:, None, None]
    return np.where(curved[:, None, None], updated, inverse)
