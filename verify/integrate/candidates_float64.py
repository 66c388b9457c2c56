"""Log-sum-exps of candidates in float64: three nested trapezoidal rules, vectorised.

The rules over s and over a score are as fine as their strips of analyticity ask for (|Im| ≤ π/2 in all). That over p
halves its step until two rules, shifted by half a step, agree; the error is what they differ by, and rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.candidates import Anchor, CandidateMoments, Candidates
from thmverify.integrate.float64 import Estimate, whitening
from thmverify.models import Floats

LARGEST = 2  # dimension
_NATS = 36.0
_END = 8.5  # standard deviations
_STEEPEST, _FAR = 8.0, 500.0  # standard deviation of a score at one of p, and means of scores
_TOLERANCE = {1: 1e-12, 2: 1e-9}
_NODES = {1: 2**11, 2: 2**14}
_STEP = 0.25  # over s, and of scores: below 2π(π/2)/(36 + (π/2)²/2), where both rules err by e^{−36}
_ROWS = 64
_FLOOR = 2e-14  # of the rules over s and over a score, relative to 1 + the size of the scores


Rows: TypeAlias = Callable[["_Laws", Floats, Floats], Floats]


@dataclass(frozen=True)
class _Laws:
    """The candidates of an anchor in floats: targets b (K × ρ) and H (K × ρ × ρ), groups v (γ × K) and n_γ (γ)."""

    means: Floats
    spreads: Floats
    groups: Floats
    counts: Floats

    @classmethod
    def of(cls, problem: Candidates, anchor: Anchor) -> _Laws:
        """Return them in floats."""
        return cls(
            np.array([exact.to_floats(b)[:, 0] for b, _ in problem.targets]),
            np.array([exact.to_floats(H) for _, H in problem.targets]),
            np.array([[float(exact.to_fraction(v)) for v in group.weights] for group in anchor.draw]),
            np.array([float(group.count) for group in anchor.draw]),
        )

    def scores(self, p: Floats) -> tuple[Floats, Floats]:
        """Return means and standard deviations (P × K) of the scores of candidates, given p (P × ρ)."""
        variances = np.einsum("pi,kij,pj->pk", p, self.spreads, p)
        return p @ self.means.T, np.sqrt(np.maximum(variances, 0.0))


def check_dimension(problem: Candidates) -> None:
    """Raise InputError where the integral over p has more dimensions than the rules reach."""
    if problem.dimension > LARGEST:
        rule = f"is more than {LARGEST}, as far as losses with so many negatives are integrated"
        remedy = "give a map of lower rank, or set the parameter of the loss to its default, which has no such limit"
        raise InputError("map", f"rank {problem.dimension}", rule, remedy)


def expected_logarithm(problem: Candidates) -> Estimate:
    """Return Σ weight · E log Σ_i exp(pᵀq_i); infinite, and its error, where scores spread too far for the rules.

    Raises InputError for more than two dimensions.
    """
    check_dimension(problem)
    if not _within_reach(problem):
        return Estimate(math.inf, math.inf)
    value, error = float(exact.to_fraction(problem.mean)), 0.0
    for anchor in problem.anchors:
        weight, n = float(exact.to_fraction(anchor.weight)), anchor.count
        value += weight * math.log(n)
        if problem.dimension:
            centre = exact.to_floats(problem.centre(anchor))[:, 0]
            found, apart = _over_p(problem, anchor, partial(_one_excess, math.log(n), centre))
            value, error = value + weight * float(found[0]), error + abs(weight) * apart
    return Estimate(value, error + 4e-16 * (1 + abs(value)))


def moments(problem: Candidates) -> CandidateMoments:
    """Return the moments of the softmax; 0 with an infinite error where `expected_logarithm` is infinite.

    Raises InputError for more than two dimensions.
    """
    check_dimension(problem)
    K, rho = len(problem.targets), problem.dimension
    if not _within_reach(problem):
        P = len(problem.anchors)
        line = np.zeros((P, K, rho))
        return CandidateMoments(np.zeros((P, K)), line, line, np.zeros((P, K, rho, rho)), math.inf)
    rows, error = [], 0.0
    for anchor in problem.anchors:
        if rho == 0:
            share = np.array([float(exact.to_fraction(x)) for x in anchor.expected]) / anchor.count
            rows.append(share[:, None])
            continue
        found, apart = _over_p(problem, anchor, _softmax)
        rows.append(found.reshape(K, -1))
        error = max(error, apart)
    table = np.array(rows)
    return CandidateMoments(
        table[:, :, 0],
        table[:, :, 1 : 1 + rho],
        table[:, :, 1 + rho : 1 + 2 * rho],
        table[:, :, 1 + 2 * rho :].reshape(len(rows), K, rho, rho),
        error,
    )


def _softmax(laws: _Laws, p: Floats, deviation: Floats) -> Floats:
    """Return the shares of components, times 1, p − m, q − b, and the product, row by row (P × …)."""
    shares, slopes = _shares(laws, p)
    right = np.einsum("kij,pj,pk->pki", laws.spreads, p, slopes)
    left = shares[:, :, None] * deviation[:, None, :]
    both = deviation[:, None, :, None] * right[:, :, None, :]
    parts = [shares[..., None], left, right, both.reshape(*shares.shape, -1)]
    return np.concatenate(parts, axis=-1).reshape(len(p), -1)


def _over_p(problem: Candidates, anchor: Anchor, f: Rows) -> tuple[Floats, float]:
    """Return E f(p) and an estimate of its error: f maps the laws, p and p − m (P × ρ) to rows of numbers."""
    laws, rho = _Laws.of(problem, anchor), problem.dimension
    factor, roots = whitening(anchor.covariance)
    frame, mean = exact.to_floats(factor) * roots, exact.to_floats(anchor.mean)[:, 0]
    steep = _steepness(laws, frame)
    step = min(0.7, 0.5 / steep) if steep > 0 else 0.7

    def rule(step: float, shift: float) -> Floats:
        total: Floats = np.zeros(1)
        for u in _nodes(step, shift, rho):
            deviation = u @ frame.T
            weight = np.exp(-np.sum(u**2, axis=1) / 2) * (step / math.sqrt(2 * math.pi)) ** rho
            total = total + weight @ f(laws, mean + deviation, deviation)
        return total

    whole, shifted = rule(step, 0.0), rule(step, 0.5)
    while True:
        apart, best = float(np.abs(whole - shifted).max()), (whole + shifted) / 2
        if apart <= _TOLERANCE[rho] * (1 + float(np.abs(best).max())) or (4 * _END / step) ** rho > _NODES[rho]:
            break
        step = step / 2
        whole = best if rho == 1 else rule(step, 0.0)
        shifted = rule(step, 0.5)
    size = 1 + float(np.abs(best).max()) + _END * steep
    return best, apart + _FLOOR * size


def _steepness(laws: _Laws, frame: Floats) -> float:
    """Return the largest standard deviation of a score at a standard deviation of p."""
    return float(np.max(np.sqrt(np.linalg.norm(frame.T @ laws.spreads @ frame, 2, axis=(1, 2)))))


def _within_reach(problem: Candidates) -> bool:
    """Whether the scores of all anchors spread little enough for the rules."""
    for anchor in problem.anchors if problem.dimension else ():
        laws = _Laws.of(problem, anchor)
        factor, roots = whitening(anchor.covariance)
        frame, mean = exact.to_floats(factor) * roots, exact.to_floats(anchor.mean).T
        means, deviations = laws.scores(mean + _END * np.concatenate([frame.T, -frame.T]))
        if not max(_steepness(laws, frame), float(deviations.max()) / _END) <= _STEEPEST or np.abs(means).max() > _FAR:
            return False
    return True


def _nodes(step: float, shift: float, rho: int) -> Iterator[Floats]:
    """Yield the points (n + shift)·step of the cube up to `_END`, in pieces."""
    count = math.ceil(_END / step)
    line = (np.arange(-count, count + 1) + shift) * step
    grid = np.stack(np.meshgrid(*([line] * rho), indexing="ij"), axis=-1).reshape(-1, rho)
    radius = np.linalg.norm(grid, axis=1)
    grid = grid[np.argsort(radius)][: int(np.sum(radius <= _END + step))]  # those of a piece have scores of like size
    yield from (grid[i : i + _ROWS] for i in range(0, len(grid), _ROWS))


def _one_excess(logarithm: float, beta: Floats, laws: _Laws, p: Floats, _: Floats) -> Floats:
    return _excess(laws, p, logarithm + p @ beta)[:, None]


def _excess(laws: _Laws, p: Floats, centre: Floats) -> Floats:
    """Return E[log Σ exp z_i | p] − centre (P)."""
    total = np.zeros(len(p))
    for rows, s, step, (phi,) in _tables(laws, p, 1):
        powers = np.prod(np.einsum("gk,psk->gps", laws.groups, phi) ** laws.counts[:, None, None], axis=0)
        total[rows] += step * np.sum(np.exp(-np.exp(np.minimum(s + centre[rows, None], 700.0))) - powers, axis=1)
    return total


def _shares(laws: _Laws, p: Floats) -> tuple[Floats, Floats]:
    """Return E Σ π_i and E Σ π_i(1 − π_i) over the candidates of each component, given p (P × K)."""
    shares, slopes = np.zeros((2, len(p), len(laws.means)))
    for rows, _, step, (phi, psi, omega) in _tables(laws, p, 3):
        mixed = np.einsum("gk,psk->gps", laws.groups, phi)
        powers = mixed ** (laws.counts[:, None, None] - 1)
        for g, v in enumerate(laws.groups):
            others = np.prod(np.delete(mixed * powers, g, axis=0), axis=0) * powers[g] * laws.counts[g] * step
            shares[rows] += v * np.einsum("ps,psk->pk", others, psi)
            slopes[rows] += v * np.einsum("ps,psk->pk", others, omega)
    return shares, slopes


def _tables(laws: _Laws, p: Floats, kinds: int) -> Iterator[tuple[slice, Floats, float, list[Floats]]]:
    """Yield rows of p, nodes s (1 × S) and their step, and φ, ψ and ω there (P × S × K): the first `kinds` of them."""
    means, roots = laws.scores(p)
    crowd = math.log(float(np.sum(laws.counts)))
    for start in range(0, len(p), _ROWS):
        rows = slice(start, min(len(p), start + _ROWS))
        a, sigma = means[rows].reshape(-1), roots[rows].reshape(-1)
        low = math.floor((-float(np.max(a + _END * sigma)) - _NATS - crowd) / _STEP)
        high = math.ceil((float(np.max(-a + _END * sigma)) + 4) / _STEP)
        s: Floats = np.asarray(np.arange(low, high + 1) * _STEP, dtype=np.float64)
        found = np.empty((kinds, len(a), len(s)))
        wide = sigma >= 1
        if wide.any():
            found[:, wide] = _on_the_grid(low, high, a[wide], sigma[wide], kinds)
        for i in np.flatnonzero(~wide):
            found[:, i] = _narrow(s, a[i], sigma[i], kinds)
        shaped = np.moveaxis(found.reshape(kinds, -1, len(laws.means), len(s)), 2, 3)
        yield rows, s[None], _STEP, list(shaped)


def _functions(x: Floats, kinds: int) -> list[Floats]:
    """Return g, e^w g and (e^w − e^{2w}) g for x = e^w: the first `kinds` of them."""
    x = np.minimum(x, 800.0)
    g = np.exp(-x)
    return [g, x * g, (x - x * x) * g][:kinds]


def _on_the_grid(low: int, high: int, a: Floats, sigma: Floats, kinds: int) -> Floats:
    """Return the functions' means at the nodes low … high for scores N(a, σ²), σ ≥ 1, on the same grid of scores."""
    first = math.floor(float(np.min(a - _END * sigma)) / _STEP)
    last = math.ceil(float(np.max(a + _END * sigma)) / _STEP)
    z = np.arange(first, last + 1) * _STEP
    density = np.exp(-(((z - a[:, None]) / sigma[:, None]) ** 2) / 2) * (_STEP / math.sqrt(2 * math.pi))
    density /= sigma[:, None]
    w = np.arange(low + first, high + last + 1) * _STEP
    tables = _functions(np.exp(np.minimum(w, 700.0)), kinds)
    return np.stack([density @ np.lib.stride_tricks.sliding_window_view(t, high - low + 1) for t in tables])


def _narrow(s: Floats, a: float, sigma: float, kinds: int) -> Floats:
    """Return the functions' means at nodes s for scores N(a, σ²), σ < 1, on a grid of its own."""
    alpha = min(math.sqrt(2 * _NATS), math.pi / 2 / max(sigma, 1e-3))
    step = 2 * math.pi * alpha / (_NATS + alpha**2 / 2)
    count = math.ceil(_END / step)
    u = np.arange(-count, count + 1) * step
    weight = np.exp(-(u**2) / 2) * (step / math.sqrt(2 * math.pi))
    x = np.exp(np.minimum(s[:, None] + a + sigma * u, 700.0))
    return np.stack([f @ weight for f in _functions(x, kinds)])
