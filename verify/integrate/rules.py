"""Quadrature rules for the standard normal measure on R^ρ: a lattice with an a-priori bound, scrambled Sobol points.

The lattice rule converges exponentially for functions analytic in a strip, wherever their steep parts lie;
Gauss–Hermite is exact for polynomials only and can miss a sigmoid far from the origin altogether.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import scipy
from flint import arb

from thmverify.models import Floats

# Shifts of the contour tried on each axis, as fractions of the strip's half-width.
_SHIFTS = np.linspace(0.02, 0.98, 49)
# Beyond this shift e^{a²/2} outgrows what a smaller step could gain at any float64 tolerance.
_WIDEST = 8.5
# Slopes that spread less make no difference to the step.
_FLATTEST = 2.0**-10
# Lattices with at most about so many nodes stay in memory, the last few of them.
_KEPT = 2**15


class Rule(Protocol):
    """Nodes (N × ρ) and weights (N) for N(0, I_ρ), handed out in pieces.

    `error` bounds truncation and discretisation for an integrand of unit size, and is infinite when no bound is known;
    `radius` bounds the nodes' length.
    """

    @property
    def error(self) -> float:
        """The bound."""

    @property
    def radius(self) -> float:
        """The radius."""

    def chunks(self, length: int) -> Iterator[tuple[Floats, Floats]]:
        """Yield nodes and weights, some `length` at a time."""


@dataclass(frozen=True)
class LatticePlan:
    """Steps (ρ) and truncation radius of a lattice rule before its nodes are laid out."""

    steps: tuple[float, ...]
    radius: float
    error: float

    @property
    def size(self) -> float:
        """About how many nodes the rule has: the volume of the ball over that of a cell."""
        rho = len(self.steps)
        reach = self.radius + max(self.steps, default=0.0) / 2
        ball = float(math.pi ** (rho / 2) / math.gamma(rho / 2 + 1) * reach**rho)
        return ball / math.prod(self.steps)


def step(spread: float, degree: int, tolerance: float) -> float:
    """Return the longest step h whose trapezoidal error on one axis is at most `tolerance`.

    The integrand is φ(s) sᵈ p_k(s), d ≤ degree, with exponents whose slopes spread over `spread`. On the line
    Im s = a the phases spread over θ = a·spread < π, so |p_k| ≤ 1/cos(θ/2), |φ| grows by e^{a²/2}, and the error is at
    most 2N/(e^{2πa/h} − 1) with N = e^{a²/2} (1 + a²)^{d/2} / cos(θ/2): solved for h, best a.
    """
    widest = min(_WIDEST, math.pi / spread)
    a = _SHIFTS * widest
    log_n = a**2 / 2 + degree / 2 * np.log1p(a**2) - np.log(np.cos(a * spread / 2))
    return float(np.max(2 * math.pi * a / (np.logaddexp(log_n + math.log(2 / tolerance), 0.0))))


@lru_cache(maxsize=1024)
def reach(dimension: int, mass: float) -> float:
    """Return R with Pr(|s| > R) = `mass`, s ~ N(0, I) in so many dimensions: Pr(|s| > √d + t) is at most e^{−t²/2}."""
    if mass >= 1:
        return 0.0
    low, high = 0.0, math.sqrt(dimension) + math.sqrt(-2 * math.log(mass))
    for _ in range(40):
        middle = (low + high) / 2
        beyond = arb(middle**2 / 2).gamma_upper(arb(dimension) / 2, regularized=True)
        low, high = (middle, high) if beyond > mass else (low, middle)
    return high


@lru_cache(maxsize=1024)
def radius(rho: int, degree: int, tolerance: float) -> float:
    """Return R with E[max(1, |s|^degree); |s| > R] ≤ `tolerance`, s ~ N(0, I_ρ)."""
    widest = 0.0
    for d in (0, degree):
        moment = 2.0 ** (d / 2) * math.exp(math.lgamma((rho + d) / 2) - math.lgamma(rho / 2))
        widest = max(widest, reach(rho + d, tolerance / moment))
    return widest


def plan_lattice(spreads: Floats, degree: int, tolerance: float) -> LatticePlan:
    """Return the lattice for exponents with these slope spreads (ρ), each of its ρ + 1 errors below `tolerance`.

    Spreads are rounded up to eighths of an octave, so that problems share plans and nodes.
    """
    octaves = np.ceil(8 * np.log2(np.maximum(spreads, _FLATTEST))) / 8
    return _plan(tuple(octaves.tolist()), degree, tolerance)


@lru_cache(maxsize=1024)
def _plan(octaves: tuple[float, ...], degree: int, tolerance: float) -> LatticePlan:
    steps = tuple(step(2.0**x, degree, tolerance) for x in octaves)
    rho = len(steps)
    if rho == 0:
        return LatticePlan((), 0.0, 0.0)
    # A node stands for its cell, so the truncated sum is compared with the integral half a step further in.
    beyond = radius(rho, degree, tolerance) + max(steps) / 2
    return LatticePlan(steps, beyond, tolerance * (rho + 1))


@dataclass(frozen=True)
class Lattice:
    """The nodes of a lattice inside its ball; `shift` moves every axis by that fraction of a step."""

    plan: LatticePlan
    shift: float = 0.0

    @property
    def error(self) -> float:
        """The a-priori bound."""
        return self.plan.error

    @property
    def radius(self) -> float:
        """The ball's radius."""
        return self.plan.radius

    def chunks(self, length: int) -> Iterator[tuple[Floats, Floats]]:
        """Yield nodes and weights: rows along the last axis, as many at a time as have some `length` nodes."""
        if self.plan.size <= _KEPT:
            nodes, weights = _nodes(self)
            for start in range(0, len(weights), length):
                yield nodes[start : start + length], weights[start : start + length]
            return
        yield from self.laid_out(length)

    def laid_out(self, length: int) -> Iterator[tuple[Floats, Floats]]:
        """Yield the same without looking for nodes in memory."""
        scale = math.prod(h / math.sqrt(2 * math.pi) for h in self.plan.steps)
        nodes, squares = np.zeros((1, 0)), np.zeros(1)
        for h in self.plan.steps[:-1]:
            nodes, squares = self._extended(nodes, squares, self._axis(h))
        if not self.plan.steps:
            yield nodes, np.ones(1)
            return
        last = self._axis(self.plan.steps[-1])
        for axis in np.array_split(last, math.ceil(len(last) / length)):
            rows = max(1, length // len(axis))
            for start in range(0, len(nodes), rows):
                piece = slice(start, start + rows)
                inside, lengths = self._extended(nodes[piece], squares[piece], axis)
                if len(lengths):
                    yield inside, scale * np.exp(-lengths / 2)

    def _axis(self, h: float) -> Floats:
        n = math.ceil(self.radius / h)
        return h * (np.arange(-n, n + 1, dtype=np.float64) + self.shift)

    def _extended(self, nodes: Floats, squares: Floats, axis: Floats) -> tuple[Floats, Floats]:
        """Return the nodes with one more coordinate, and their squared lengths, inside the ball."""
        total = squares[:, None] + axis**2
        at, on = np.nonzero(total <= self.radius**2)
        extended = np.column_stack([nodes[at], axis[on]])
        return extended, total[at, on]


@lru_cache(maxsize=64)
def _nodes(rule: Lattice) -> tuple[Floats, Floats]:
    nodes, weights = zip(*rule.laid_out(_KEPT), strict=True)
    return np.concatenate(nodes), np.concatenate(weights)


@dataclass(frozen=True)
class Sobol:
    """Scrambled Sobol points under the normal quantile, of equal weight: no a-priori bound."""

    nodes: Floats

    @property
    def error(self) -> float:
        """No bound."""
        return math.inf

    @property
    def radius(self) -> float:
        """The longest node."""
        return float(np.linalg.norm(self.nodes, axis=1).max())

    def chunks(self, length: int) -> Iterator[tuple[Floats, Floats]]:
        """Yield nodes and weights."""
        for start in range(0, len(self.nodes), length):
            piece = self.nodes[start : start + length]
            yield piece, np.full(len(piece), 1 / len(self.nodes))


def sobol(rho: int, log2_nodes: int, seed: int) -> Sobol:
    """Return 2^log2_nodes points; another seed is an independent randomisation."""
    points = scipy.stats.qmc.Sobol(rho, scramble=True, rng=seed).random_base2(log2_nodes)
    return Sobol(scipy.special.ndtri(np.clip(points, 2.0**-60, 1 - 2.0**-53)))
