"""Proposals for the rule `follow`: the minimiser of InfoNCE at the middle of a box, and how it turns along the axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.certifying.grids import propose, rational, whitening
from thmverify.exact import to_float, to_floats
from thmverify.kernel.covers.bisection import Box
from thmverify.kernel.covers.nearby import Axis
from thmverify.kernel.models import Mixture, Pairs
from thmverify.minimize.energy import LogSumExpTerm, SharedEnergy
from thmverify.minimize.newton import minimise_on_cone
from thmverify.models import Floats

_TOLERANCE, _FLAT, _STEEP = 1e-10, 1e-8, 1e-10
_STEP = 1e-4  # of a side: derivatives are differences over it
_SPARE, _WIDER = 4.0, 1.1  # nats beyond what the margin asks for; the strip has to fit all logits of the box
_FAR = 4.0  # standard deviations: beyond, little is left of an integral
_PLACES = 2**28  # what factors are rounded to


@dataclass(frozen=True)
class Middle:
    """The middle θ of a box and half its sides; V, N, how V turns; the deciding number, and if the rank is full."""

    theta: Floats
    half: Floats
    V: Floats
    N: Floats
    turns: list[Floats]
    margin: float
    full: bool


class Follower:
    """What is proposed for boxes of a set: in coordinates t = (BQ)ᵀx that are nearly white, in floats."""

    def __init__(self, pairs: Pairs, axes: Sequence[Axis], radius: Fraction) -> None:
        law = pairs.mixture.on_fisher
        self.frame = whitening(law)
        Q = rational(self.frame, law.m)
        turned = (pairs.mixture.fisher * Q).transpose()
        self._sigma = Q.transpose() * law.sigma * Q
        self._radius = float(radius)
        self._at = np.array([to_float(axis.at) for axis in axes])
        self._base = _numbers(law.weights, Q.transpose() * law.means, pairs.bias)
        self._moves = [_numbers(axis.weights, turned * axis.means[0], axis.bias) for axis in axes]

    def middle(self, box: Box) -> Middle:
        """Return the minimiser in the middle of a box, and how it changes along the axes."""
        ends = np.array([[to_float(x) for x in side] for side in box]).reshape(-1, 2)
        theta, half = ends.mean(axis=1), (ends[:, 1] - ends[:, 0]) / 2
        energy = _energy(*self._law(theta))
        found = minimise_on_cone(energy, np.eye(len(energy.S)) + energy.S, _TOLERANCE)
        values, vectors = np.linalg.eigh(found.Y)
        kept = values > _FLAT
        V = vectors[:, kept] * np.sqrt(values[kept])
        slopes, directions = np.linalg.eigh(vectors[:, ~kept].T @ found.point.gradient @ vectors[:, ~kept])
        N = vectors[:, ~kept] @ directions[:, slopes > _STEEP]
        margin = float(values.min()) if kept.all() else float(slopes.min())
        return Middle(theta, half, V, N, self._turns(theta, half, energy, V), margin, bool(kept.all()))

    def hints(self, at: Middle) -> dict[str, Any]:
        """Return the hints of `follow`. Raises OutOfReachError when the kernel would not take the grids."""
        reach = 1 + float(np.max(np.sum(self._law(at.theta)[1] ** 2, axis=0)))
        margin = at.margin if at.full else at.margin / reach
        nats = _SPARE + math.log(reach / max(margin, 1e-9))
        grid = propose(*self._logits(at), nats, boxes=True, whole=True)
        return {
            "precision": str(grid.bits),
            "grids": grid.grids,
            "V": _text(at.V),
            "turns": [_text(turn) for turn in at.turns],
            "N": _text(at.N),
        }

    def changes(self, at: Middle) -> list[float]:
        """Return about how much logits change along each axis, from the middle to a side."""

        def logits(theta: Floats, V: Floats) -> Floats:
            means = self._law(theta)[1]
            slopes = (means - means[:, :1]).T @ V @ V.T
            return np.concatenate([slopes @ means, _FAR * slopes], axis=1)

        there, found = logits(at.theta, at.V), []
        for i, h in enumerate(at.half * _STEP):
            moved = logits(at.theta + np.eye(len(at.half))[i] * h, at.V + h * at.turns[i])
            found.append(float(np.max(np.abs(moved - there))) / _STEP)
        return found

    def _law(self, theta: Floats) -> tuple[Floats, Floats, float]:
        """Return weights, means (m × K) and bias."""
        parts = [
            self._base,
            *([x * (t - a) for x in move] for move, t, a in zip(self._moves, theta, self._at, strict=True)),
        ]
        w, means, bias = (sum(part[1:], part[0]) for part in zip(*parts, strict=True))
        return w, means, float(bias)

    def _turns(self, theta: Floats, half: Floats, energy: SharedEnergy, V: Floats) -> list[Floats]:
        """Return the derivative of V along each axis: ∇L(VVᵀ)V stays 0, and V does not turn within its columns."""
        m, rho = V.shape
        if not len(theta) or not rho:
            return [np.zeros((m, rho)) for _ in theta]
        point = energy.point(V @ V.T)
        moves = np.eye(m * rho).reshape(-1, m, rho)
        curved = _twice(moves @ V.T).reshape(-1, m * m) @ energy.hessian(V @ V.T) / 2
        derivative = (_twice(curved.reshape(-1, m, m)) @ V + point.gradient @ moves).reshape(-1, m * rho).T
        units = np.eye(rho * rho).reshape(-1, rho, rho)
        within = (V @ (units - np.swapaxes(units, 1, 2))).reshape(-1, m * rho)
        found = []
        for i, h in enumerate(half * _STEP):
            step = np.eye(len(theta))[i] * h
            ends = [_energy(*self._law(theta + sign * step)).point(V @ V.T).gradient @ V for sign in (1, -1)]
            wanted = np.concatenate([-((ends[0] - ends[1]) / (2 * h)).reshape(-1), np.zeros(len(within))])
            found.append(np.linalg.lstsq(np.concatenate([derivative, within]), wanted, rcond=None)[0].reshape(m, rho))
        return found

    def _logits(self, at: Middle) -> tuple[Mixture, fmpq_mat, fmpq_mat]:
        """Return what the lattice is for: centred components, and slopes as steep as sums of two of a box's logits."""

        def steep(theta: Floats, V: Floats) -> Floats:
            means = self._law(theta)[1]
            return np.asarray(V @ V.T @ (means - means[:, :1]))

        slopes, wider = steep(at.theta, at.V), 1.0
        size = max(_spread(slopes), 1e-9)
        for signs in itertools.product((-1, 1), repeat=len(at.half)):
            steps = np.array(signs) * at.half
            V = at.V + sum((step * turn for step, turn in zip(steps, at.turns, strict=True)), np.zeros_like(at.V))
            wider = max(wider, _spread(steep(at.theta + steps, V)) / size)
        wider += self._radius * float(np.linalg.norm(at.V @ at.V.T)) * 2 / size
        m, K = slopes.shape
        centred = Mixture([fmpq(1, K)] * K, fmpq_mat(m, K), [self._sigma] * K)
        return centred, exact.identity(m), rational(_text(slopes * 2 * wider * _WIDER), K)


def _spread(slopes: Floats) -> float:
    """Return how far two slopes are apart along an axis."""
    return float(np.max(np.ptp(slopes, axis=1)))


def _energy(w: Floats, means: Floats, bias: float) -> SharedEnergy:
    S, mean = (means * w) @ means.T, means @ w
    return SharedEnergy(bias * S + (1 - bias) * np.outer(mean, mean), S, LogSumExpTerm(w, means, means))


def _twice(stack: Floats) -> Floats:
    return np.asarray(stack + np.swapaxes(stack, 1, 2))


def _numbers(weights: Sequence[fmpq], means: fmpq_mat, bias: fmpq) -> list[Any]:
    return [np.array([to_float(w) for w in weights]), to_floats(means), to_float(bias)]


def _text(m: Floats) -> list[list[str]]:
    if not m.shape[1]:
        return [[] for _ in m]
    return [[str(Fraction(round(float(x) * _PLACES), _PLACES)) for x in row] for row in m]
