"""Log-sum-exps of candidates in float64: trapezoidal rules over p and over s, and a Fourier transform for each score.

As functions of s, φ, ψ and ω are those of one score 0, shifted by its mean and smoothed by its variance. ψ has the
transform Γ(1 − iν) e^{iνa − σ²ν²/2}, ω its derivative; φ, which falls from 1 to 0, is taken from the tail of a normal
law with the same mean and variance. The transform falls like e^{−π|ν|/2}, so that the rule over s, whose step sees |ν|
up to 4π, errs by e^{−36} or so. That over p is shared by anchors of one covariance. It takes points in between until
they agree with those before; the error is what the two differ by, and rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.candidates import CandidateMoments, Candidates
from thmverify.integrate.float64 import Estimate, whitening
from thmverify.models import Floats

LARGEST = 2  # dimension
_END = 8.5  # standard deviations
_STEEPEST, _FAR = 8.0, 500.0  # standard deviation of a score at one of p, and means of scores
_TOLERANCE = {1: 1e-12, 2: 1e-10}
_NODES = {1: 2**11, 2: 2**14}
_STEP = 0.25  # over s: below 2π(π/2)/(36 + (π/2)²/2), where the rule errs by e^{−36}
_LEFT, _RIGHT = 36.0, 12.0  # of the nodes over s, beyond all scores: there 1 − φ, and φ and its normal law, have ended
_ROWS = 64
_SEEN = 8.5  # standard deviations of a score, times a frequency
_BETWEEN = {1: (((0.5,),),), 2: (((0.5, 0.5),), ((0.5, 0.0), (0.0, 0.5)))}
_FLOOR = 2e-14  # of the rules over s and over a score, relative to 1 + the size of the scores


Tables: TypeAlias = tuple[Floats, Sequence[Floats]]  # nodes s, and φ, ψ and ω there for each p and target (P × K × S)
Integrand: TypeAlias = Callable[[int, Tables, Floats, Floats], Floats]  # of an anchor, tables, p and p − m: rows


@dataclass(frozen=True)
class _Laws:
    """The targets of a problem in floats, b (K × ρ) and H (K × ρ × ρ), and the groups of each anchor.

    groups: v (K), or (K × K) for pairs, each with n_γ. most: the largest number of candidates.
    """

    means: Floats
    spreads: Floats
    groups: tuple[tuple[tuple[Floats, int], ...], ...]
    most: int

    @classmethod
    def of(cls, problem: Candidates) -> _Laws:
        """Return them in floats."""
        return cls(
            np.array([exact.to_floats(b)[:, 0] for b, _ in problem.targets]),
            np.array([exact.to_floats(H) for _, H in problem.targets]),
            tuple(
                tuple((np.array(group.joint or group.weights, dtype=np.float64), group.count) for group in anchor.draw)
                for anchor in problem.anchors
            ),
            max(anchor.count for anchor in problem.anchors),
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
    value, error = exact.to_float(problem.mean), 0.0
    weights = [exact.to_float(anchor.weight) for anchor in problem.anchors]
    value += sum(w * math.log(anchor.count) for w, anchor in zip(weights, problem.anchors, strict=True))
    if problem.dimension:
        laws = _Laws.of(problem)
        logs = [math.log(anchor.count) for anchor in problem.anchors]
        centres = [exact.to_floats(problem.centre(anchor))[:, 0] for anchor in problem.anchors]

        def excess(j: int, tables: Tables, p: Floats, _: Floats) -> Floats:
            return _excess(laws.groups[j], tables, logs[j] + p @ centres[j])[:, None]

        for weight, (found, apart) in zip(weights, _over_p(problem, laws, 1, excess), strict=True):
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
    error = 0.0
    if rho == 0:
        table = np.array([[exact.to_float(x) / a.count for x in a.expected] for a in problem.anchors])
        table = table[:, :, None]
    else:
        laws = _Laws.of(problem)
        rows = _over_p(problem, laws, 3, partial(_softmax, laws))
        table = np.array([found.reshape(K, -1) for found, _ in rows])
        error = max(apart for _, apart in rows)
    return CandidateMoments(
        table[:, :, 0],
        table[:, :, 1 : 1 + rho],
        table[:, :, 1 + rho : 1 + 2 * rho],
        table[:, :, 1 + 2 * rho :].reshape(len(table), K, rho, rho),
        error,
    )


def _softmax(laws: _Laws, j: int, tables: Tables, p: Floats, deviation: Floats) -> Floats:
    """Return the shares of components, times 1, p − m, q − b, and the product, row by row (P × …)."""
    shares, slopes = _shares(laws.groups[j], tables)
    right = np.einsum("kij,pj,pk->pki", laws.spreads, p, slopes)
    left = shares[:, :, None] * deviation[:, None, :]
    both = deviation[:, None, :, None] * right[:, :, None, :]
    parts = [shares[..., None], left, right, both.reshape(*shares.shape, -1)]
    return np.concatenate(parts, axis=-1).reshape(len(p), -1)


def _over_p(problem: Candidates, laws: _Laws, kinds: int, f: Integrand) -> list[tuple[Floats, float]]:
    """Return E f(p) for each anchor, with an estimate of its error; f uses the first `kinds` of the tables."""
    found: list[tuple[Floats, float]] = [(np.zeros(1), 0.0)] * len(problem.anchors)
    left = set(range(len(problem.anchors)))
    while left:
        first = problem.anchors[min(left)]
        alike = [j for j in sorted(left) if problem.anchors[j].covariance == first.covariance]
        left -= set(alike)
        for j, one in zip(alike, _over_family(problem, laws, kinds, f, alike), strict=True):
            found[j] = one
    return found


def _over_family(
    problem: Candidates, laws: _Laws, kinds: int, f: Integrand, members: Sequence[int]
) -> list[tuple[Floats, float]]:
    """Return the same for anchors of one covariance."""
    rho = problem.dimension
    factor, roots = whitening(problem.anchors[members[0]].covariance)
    frame = exact.to_floats(factor) * roots
    means = np.array([exact.to_floats(problem.anchors[j].mean)[:, 0] for j in members])
    centres = np.linalg.solve(frame, (means - means[0]).T).T
    steep = _steepness(laws, frame)
    step = min(0.7, 0.5 / steep) if steep > 0 else 0.7

    def rule(step: float, shift: tuple[float, ...]) -> list[Floats]:
        totals: list[Floats] = [np.zeros(1) for _ in members]
        u = _nodes(step, shift, centres)
        for rows, tables in _tables(laws, means[0] + u @ frame.T, kinds):
            for i, j in enumerate(members):
                away = u[rows] - centres[i]
                weight = np.exp(-np.sum(away**2, axis=1) / 2) * (step / math.sqrt(2 * math.pi)) ** rho
                deviation = away @ frame.T
                totals[i] = totals[i] + weight @ f(j, tables, means[i] + deviation, deviation)
        return totals

    best, refined, before = rule(step, (0.0,) * rho), 0, [math.inf] * len(members)
    while True:
        # In the plane the points of two shifts are a grid that is turned, and two more make it one of half the step.
        shifts = _BETWEEN[rho][refined % len(_BETWEEN[rho])]
        parts = [rule(step, shift) for shift in shifts]
        between = [sum(same) / len(shifts) for same in zip(*parts, strict=True)]
        apart = [float(np.abs(x - y).max()) for x, y in zip(best, between, strict=True)]
        best = [(x + y) / 2 for x, y in zip(best, between, strict=True)]
        refined += 1
        step = step / 2 if refined % len(_BETWEEN[rho]) == 0 else step
        sizes = [1 + float(np.abs(x).max()) for x in best]
        enough = all(a <= _TOLERANCE[rho] * size for a, size in zip(apart, sizes, strict=True))
        stuck = all(a > b / 2 for a, b in zip(apart, before, strict=True))  # at what rounding leaves
        if enough or stuck or (2 * _END / step) ** rho > _NODES[rho]:
            break
        before = apart
    return [(x, a + _FLOOR * (size + _END * steep)) for x, a, size in zip(best, apart, sizes, strict=True)]


def _steepness(laws: _Laws, frame: Floats) -> float:
    """Return the largest standard deviation of a score at a standard deviation of p."""
    return float(np.max(np.sqrt(np.linalg.norm(frame.T @ laws.spreads @ frame, 2, axis=(1, 2)))))


def _within_reach(problem: Candidates) -> bool:
    """Whether the scores of all anchors spread little enough for the rules."""
    if not problem.dimension:
        return True
    laws = _Laws.of(problem)
    for anchor in problem.anchors:
        factor, roots = whitening(anchor.covariance)
        frame, mean = exact.to_floats(factor) * roots, exact.to_floats(anchor.mean).T
        means, deviations = laws.scores(mean + _END * np.concatenate([frame.T, -frame.T]))
        if not max(_steepness(laws, frame), float(deviations.max()) / _END) <= _STEEPEST or np.abs(means).max() > _FAR:
            return False
    return True


def _nodes(step: float, shift: tuple[float, ...], centres: Floats) -> Floats:
    """Return the points (n + shift)·step of the balls of radius `_END` round the centres (P × ρ)."""
    rho = centres.shape[1]
    count = math.ceil(_END / step) + 1
    ball = np.stack(np.meshgrid(*[np.arange(-count, count + 1)] * rho, indexing="ij"), axis=-1).reshape(-1, rho)
    near = np.round(centres / step - shift).astype(np.int64)
    points = [
        n + ball[np.linalg.norm((n + ball + shift) * step - c, axis=1) <= _END]
        for n, c in zip(near, centres, strict=True)
    ]
    return (np.unique(np.concatenate(points), axis=0) + shift) * step


def _mixed(v: Floats, phi: Floats) -> Floats:
    """Return φ_γ (P × S) from the φ_k (P × K × S)."""
    return np.asarray(v @ phi if v.ndim == 1 else np.einsum("pks,pks->ps", v.T @ phi, phi))


def _excess(groups: Sequence[tuple[Floats, int]], tables: Tables, centre: Floats) -> Floats:
    """Return E[log Σ exp z_i | p] − centre (P)."""
    s, (phi,) = tables
    powers = math.prod(_mixed(v, phi) ** count for v, count in groups)
    return np.asarray(_STEP * np.sum(np.exp(-np.exp(np.minimum(s + centre[:, None], 700.0))) - powers, axis=1))


def _shares(groups: Sequence[tuple[Floats, int]], tables: Tables) -> tuple[Floats, Floats]:
    """Return E Σ π_i and E Σ π_i(1 − π_i) over the candidates of each component, given p (P × K).

    They are sums over s of ψ and ω times the derivatives of Π φ_γ^{n_γ} by the φ_k.
    """
    _, (phi, *both) = tables
    mixed = [_mixed(v, phi) for v, _ in groups]
    sums: list[Floats] = [np.zeros(phi.shape[:2]) for _ in both]
    for g, (v, count) in enumerate(groups):
        others: Any = math.prod(mixed[h] ** (n - (h == g)) for h, (_, n) in enumerate(groups))
        for i, part in enumerate(both):
            if v.ndim == 1:
                sums[i] += count * v * (part @ others[:, :, None])[:, :, 0]
            else:
                sums[i] += 2 * count * np.einsum("pks,pks,ps->pk", v.T @ phi, part, others)
    return _STEP * sums[0], _STEP * sums[1]


def _tables(laws: _Laws, p: Floats, kinds: int) -> Iterator[tuple[NDArray[np.intp], Tables]]:
    """Yield rows of p, and nodes s (1 × S) with φ, ψ and ω there (P × K × S): the first `kinds` of them."""
    means, roots = laws.scores(p)
    order = np.argsort(roots.max(axis=1))  # those of a piece have scores of like size
    for start in range(0, len(p), _ROWS):
        rows = order[start : start + _ROWS]
        a, sigma = means[rows], roots[rows]
        low = -float(np.max(a + _END * sigma)) - _LEFT - math.log(laws.most)
        high = float(np.max(-a + _END * sigma)) + _RIGHT
        nodes = 32 * math.ceil((high - low) / _STEP / 32)
        s: Floats = np.asarray(low + _STEP * np.arange(nodes), dtype=np.float64)
        found = _transformed(s, a.reshape(-1), sigma.reshape(-1), kinds)
        yield rows, (s[None], [f.reshape(*a.shape, nodes) for f in found])


@lru_cache(maxsize=16)
def _spectrum(nodes: int) -> tuple[Floats, NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the frequencies ν, Γ(1 − iν), and the transform of φ less the normal tail, for a score 0 and so many s."""
    nu: Floats = np.asarray(2 * math.pi * np.fft.rfftfreq(nodes, _STEP), dtype=np.float64)
    gamma = np.asarray(scipy.special.gamma(1 - 1j * nu))
    tail = gamma - np.exp(1j * nu * np.euler_gamma - (math.pi * nu) ** 2 / 12)
    return nu, gamma, np.divide(tail, -1j * nu, out=np.zeros_like(tail), where=nu > 0)


def _transformed(s: Floats, a: Floats, sigma: Floats, kinds: int) -> list[Floats]:
    """Return φ, ψ and ω (n × S), the first `kinds` of them, for scores N(a, σ²): n of them."""
    nu, gamma, tail = _spectrum(len(s))
    seen = max(1, int(np.sum(float(sigma.min()) * nu <= _SEEN)))  # beyond, the transform of all is 0
    factor = np.exp(1j * np.outer(a + s[0], nu[:seen]) - np.outer(sigma**2, nu[:seen] ** 2 / 2)) / _STEP
    spread = np.sqrt(2 * (math.pi**2 / 6 + sigma**2))[:, None]
    normal = scipy.special.erfc((s + a[:, None] + np.euler_gamma) / spread) / 2
    found = [normal + np.fft.irfft(factor * tail[:seen], len(s))]
    if kinds > 1:
        found += [np.fft.irfft(factor * part[:seen], len(s)) for part in (gamma, 1j * nu * gamma)]
    return found
