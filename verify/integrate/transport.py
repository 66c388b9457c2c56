"""Entropic transport of a Gaussian mixture F to itself: by Sinkhorn's scaling on nodes, in float64 and mpmath.

    T(M) = min over b of E_x log E_y exp(xᵀMy + b(y)) − E b = max over π of E_π xᵀMy − KL(π | F × F),     M ⪰ 0,

π the couplings of F with itself. The best b is −u for Schrödinger's potential u(x) = log E_y exp(xᵀMy − u(y)), where T
= 2 E u; its softmax weights are the best π, and E_π xyᵀ the derivative by M. Half a step, u + log r/2 with r(x) = E_y
s(x, y) and s = exp(xᵀMy − u(x) − u(y)), halves the error of any u, as r = 1 has the derivative −(1 + π), 0 ≤ π ≤ 1.

How far a u is from the best is known of r. With m = min(1, 1/r) the density m(x)m(y)s(x, y) leaves 1 − ρ ≥ 0 of both
marginals, ε = E(1 − ρ) ≤ E|r − 1|, and π = mms + (1 − ρ)(1 − ρ)ᵀ/ε is a coupling. By convexity of KL, as M ⪰ 0,

    2E u − 2E[(1 − ρ)u] − ε + 2ε log ε ≤ T ≤ 2E u + E log r ≤ 2E u + E r − 1.                                     (1)

F is centred, with one covariance. With q = L⁻¹Bᵀx, M = BYBᵀ and BᵀΣB = LLᵀ, π's density depends on q alone, and x = ν_k
+ X(q − m_k) + a part that is independent of all, X = ΣBL⁻ᵀ.

Beyond two dimensions, and round many components, the nodes are scrambled Sobol points, whose spread tells one part of
the error. The other part is that of all scramblings: a node agrees most with itself, which counts for too much. It is
about 1/n, or falls faster, with the number n of nodes, so that n/2 and n nodes are extrapolated; what they differ by is
counted as an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat
from mpmath import mp

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.float64 import REPLICATES, Estimate, inverse_whitening, mean_confidence
from thmverify.integrate.multiprecision import to_array, to_mpf
from thmverify.integrate.problem import ONE
from thmverify.integrate.rules import sobol
from thmverify.models import Floats

LARGEST = 8  # dimension that nodes are placed in
LATTICE = 2  # that of the largest lattice; beyond it nodes are sampled
MOST = 4000  # nodes
SAMPLED = 2048  # nodes of a scrambling
_PATIENT = 1600  # nodes that are tried for more digits
_ROUNDS, _TOLERANCE = 60, 1e-13  # of Sinkhorn's scaling
_AIM = 1e-15  # of Newton's method, below the tolerance
_TERMS, _RATE = 14, (math.sqrt(2) - 1) ** 2  # of the inverse of 1 + π
_FAR = 500.0  # a potential from which scales might be beyond floats
_CROWDED = 0.1  # share of a node's mass on one other from which a sample shows nothing of a coupling
_LATTICES = {  # steps and radii, in standard deviations
    1: ((0.6, 7.6), (0.45, 8.2), (0.3, 8.8), (0.2, 9.4), (0.13, 10.0), (0.09, 10.6), (0.06, 11.2)),
    2: ((1.0, 6.6), (0.8, 7.0), (0.65, 7.4), (0.5, 7.8), (0.4, 8.2)),
}
_AGREED = 1e-12
_EPS = 2.0**-52


@dataclass(frozen=True)
class Transport:
    """T for F = Σ_k w_k N(ν_k, Σ): w (K), means ν (d × K) with Σ_k w_k ν_k = 0, Σ and M ⪰ 0 (d × d)."""

    weights: tuple[fmpq, ...]
    means: fmpq_mat
    sigma: fmpq_mat
    M: fmpq_mat
    coefficient: fmpq = ONE

    @property
    def problem(self) -> Transport:
        """Itself: nothing is reduced beforehand."""
        return self

    @cached_property
    def basis(self) -> fmpq_mat:
        """B (d × ρ): independent columns of M."""
        return exact.submatrix(self.M, range(self.M.nrows()), exact.pivot_columns(self.M))

    @cached_property
    def inner(self) -> fmpq_mat:
        """Y (ρ × ρ), M = BYBᵀ."""
        J = exact.pivot_columns(self.M)
        return exact.submatrix(self.M, J, J).inv() if J else fmpq_mat(0, 0)

    @cached_property
    def spread(self) -> fmpq_mat:
        """BᵀΣB (ρ × ρ)."""
        return self.basis.transpose() * self.sigma * self.basis

    @property
    def rank(self) -> int:
        """ρ."""
        return self.basis.ncols()


class Moments(NamedTuple):
    """E_π xyᵀ (d × d); of floats an estimate of the largest error, of balls whether they are small."""

    outer: Any
    error: float = 0.0
    reached: bool = True


# -------------------------------------------------------------------------------------------------------------- nodes


class Grid(NamedTuple):
    """A lattice round each component: its step and its radius, in standard deviations."""

    step: float
    radius: float

    def placed(self, K: int, s: int) -> tuple[Floats, Floats]:
        """Return the nodes of each component in s dimensions (K × n × s), and their masses (n)."""
        grid = self.nodes(s)
        mass = np.exp(-(grid**2).sum(1) / 2)
        return np.broadcast_to(grid, (K, *grid.shape)), mass / mass.sum()

    def fits(self, K: int, s: int) -> bool:
        """Return whether it has few enough nodes round K components in s dimensions."""
        return s <= LATTICE and K * len(self.nodes(s)) <= MOST

    def nodes(self, s: int) -> Floats:
        """Return the nodes round the origin in s dimensions (n × s)."""
        axis = np.arange(-math.floor(self.radius / self.step), math.floor(self.radius / self.step) + 1) * self.step
        grid = np.stack(np.meshgrid(*[axis] * s, indexing="ij"), -1).reshape(-1, s) if s else np.zeros((1, 0))
        return np.asarray(grid[(grid**2).sum(1) <= self.radius**2 + 1e-9])


class Sample(NamedTuple):
    """Scrambled Sobol points: about how many for all components together, and the scrambling."""

    most: int
    seed: int

    def placed(self, K: int, s: int) -> tuple[Floats, Floats]:
        """Return nodes likewise, whose means and covariances are right. Raises InputError for too few of them."""
        half = int(2 ** math.floor(math.log2(self.most / (2 * K))))
        if half <= s:
            raise InputError("weights", f"{K} components", "leave too few nodes for each", "use fewer components")
        points = sobol(s, math.ceil(math.log2(K * half)), self.seed).nodes[: K * half].reshape(K, half, s)
        roots = np.linalg.cholesky(points.transpose(0, 2, 1) @ points / half)
        white = np.linalg.solve(roots, points.transpose(0, 2, 1)).transpose(0, 2, 1)
        return np.concatenate([white, -white], axis=1), np.full(2 * half, 1 / (2 * half))


@dataclass
class Nodes:
    """A mixture with the covariance I on nodes round each component, and Sinkhorn's potential there.

    weights (K) and centres (K × m); rule: how nodes are placed. `frame` (m × s, orthonormal) holds the directions
    that nodes are spread in, all where it is None: enough for the M whose columns it spans, since across it x is
    independent of what they see, given the component. points (n × m), their masses (n) and components (n). `potential`
    is the last u that was found, where the next search begins; `gap` is how much (1) leaves open there, on the nodes.
    """

    weights: Floats
    centres: Floats
    rule: Grid | Sample
    frame: Floats | None = None
    points: Floats = field(init=False)
    masses: Floats = field(init=False)
    components: Floats = field(init=False)
    potential: Floats = field(init=False)
    gap: float = field(init=False, default=math.inf)

    def __post_init__(self) -> None:
        """Place the nodes. Raises InputError for too many of them."""
        frame = np.eye(self.centres.shape[1]) if self.frame is None else self.frame
        placed, shares = self.rule.placed(len(self.weights), frame.shape[1])
        if placed.shape[0] * placed.shape[1] > MOST:
            rule = f"needs more than {MOST} nodes"
            raise InputError("weights", f"{len(self.weights)} components", rule, "use fewer components")
        self.points = np.concatenate(placed @ frame.T + self.centres[:, None])
        self.masses = np.outer(self.weights, shares).reshape(-1)
        self.components = np.repeat(np.arange(len(self.weights)), len(shares))
        self.potential = np.zeros(len(self.masses))

    def coupling(self, M: Floats) -> Floats:
        """Return the best π of the nodes (n × n): Sinkhorn's scaling, then Newton's method, for u.

        Both need exp(xᵀMy) times vectors alone: it is computed once, as exp(−(x − y)ᵀM(x − y)/2), which is at most 1.
        """
        kernel = self.points @ M @ self.points.T
        half = np.diagonal(kernel) / 2
        kernel -= half
        kernel -= half[:, None]
        np.exp(kernel, out=kernel)
        u = self.potential if float(np.abs(half - self.potential).max()) <= _FAR else half
        for step in range(_ROUNDS + 1):
            scale = self.masses * np.exp(half - u)
            total = kernel @ scale
            excess = half - u + np.log(total)
            left = float(self.masses @ np.abs(excess))
            if step == _ROUNDS or left < _TOLERANCE:
                break
            near = bool(np.abs(excess).max() <= 1)
            u = u + (_solved(_averages(kernel, scale, total), excess, max(left, _AIM / left)) if near else excess / 2)
        self.potential, self.gap = u, gap(self.masses, u, np.exp(excess))
        kernel *= scale
        kernel *= scale[:, None]
        return np.asarray(kernel)

    def seen_at(self, points: Floats, M: Floats) -> Floats:
        """Return u at other points, half a step from what is known here."""
        shifted = points @ M @ self.points.T - self.potential + np.log(self.masses)
        top = shifted.max(1)
        return np.asarray(top + np.log(np.exp(shifted - top[:, None]).sum(1)))

    @property
    def value(self) -> float:
        """2 E u."""
        return 2 * float(self.masses @ self.potential)


def gap(masses: Floats, u: Floats, r: Floats) -> float:
    """Return how far apart the two sides of (1) are, u ≤ max u; ε − 2ε log ε rises up to e^{−1/2}."""
    left, mean = float(masses @ np.abs(r - 1)), float(masses @ (r - 1))
    epsilon = min(left, math.exp(-0.5))
    entropy = -2 * epsilon * math.log(epsilon) if epsilon > 0 else 0.0
    return 2 * left * max(0.0, float(u.max())) + epsilon + entropy + abs(mean)


def _averages(kernel: Floats, scale: Floats, total: Floats) -> Callable[[Floats], Floats]:
    """Return π, as its rows sum to 1 where total are the sums of the kernel's rows times scale."""
    return lambda x: np.asarray(kernel @ (scale * x)) / total


def _solved(averages: Callable[[Floats], Floats], excess: Floats, rest: float) -> Floats:
    """Solve (1 + π)x = excess up to about `rest` of it, given π's products with vectors.

    By Chebyshev's iteration: π's eigenvalues are in [0, 1], so that each term leaves (√2 − 1)² of the error.
    """
    step, ratio = excess * (2 / 3), 1 / 3
    found = step
    for _ in range(min(math.ceil(math.log(rest) / math.log(_RATE)), _TERMS) - 1):
        excess, ratio, before = excess - step - averages(step), 1 / (6 - ratio), ratio
        step = ratio * (before * step + 4 * excess)
        found = found + step
    return found


# ------------------------------------------------------------------------------------------------------------- floats


class White(NamedTuple):
    """w, m (K × ρ), LᵀYL, ν (K × d) and X (d × ρ) in floats."""

    weights: Floats
    centres: Floats
    M: Floats
    means: Floats
    lift: Floats

    @classmethod
    def of(cls, problem: Transport) -> White:
        """Return them. Raises InputError for more dimensions than nodes are placed in."""
        if problem.rank > LARGEST:
            rule = f"is more than {LARGEST}, the dimensions that nodes are placed in"
            raise InputError("map", f"rank {problem.rank}", rule, "give a map of lower rank")
        inverse, roots = inverse_whitening(problem.spread)
        B, back = problem.basis, inverse.inv()
        M = exact.to_floats(back.transpose() * problem.inner * back) * np.outer(roots, roots)
        return cls(
            np.array([exact.to_float(w) for w in problem.weights]),
            (exact.to_floats(inverse * B.transpose() * problem.means) / roots[:, None]).T,
            M,
            exact.to_floats(problem.means).T,
            exact.to_floats(problem.sigma * B * inverse.transpose()) / roots,
        )

    @property
    def on_lattices(self) -> bool:
        """Whether two lattices at least have few enough nodes."""
        s = len(self.M)
        return s <= LATTICE and Grid(*_LATTICES[s][1]).fits(len(self.weights), s)

    def on(self, lattice: Grid) -> tuple[float, Floats, float]:
        """Return T, E_π xyᵀ, and what Sinkhorn's scaling and rounding leave open, on the nodes of a lattice."""
        nodes = Nodes(self.weights, self.centres, lattice)
        outer = self._outer(nodes, nodes.coupling(self.M))
        return nodes.value, outer, _open(nodes)

    def _outer(self, nodes: Nodes, coupling: Floats) -> Floats:
        x = self.means[nodes.components] + (nodes.points - self.centres[nodes.components]) @ self.lift.T
        return np.asarray(x.T @ coupling @ x)

    def refined(self) -> Iterator[tuple[float, Floats, float]]:
        """Yield that of finer and finer lattices, two at least."""
        for number, lattice in enumerate(Grid(*sizes) for sizes in _LATTICES[self.M.shape[0]]):
            if number > 1 and len(lattice.nodes(self.M.shape[0])) * len(self.weights) > _PATIENT:
                return
            yield self.on(lattice)

    def extrapolated(self, seed: int) -> _Extrapolated:
        """Return it of a scrambling of SAMPLED nodes and one of half as many."""
        few, many = (Nodes(self.weights, self.centres, Sample(n, seed)) for n in (SAMPLED // 2, SAMPLED))
        outer = self._outer(few, few.coupling(self.M))
        many.potential = few.seen_at(many.points, self.M)
        coupling = many.coupling(self.M)
        crowd = float((coupling**2 / many.masses[:, None]).sum())
        steps = many.value - few.value, self._outer(many, coupling) - outer
        values = many.value + steps[0], outer + 2 * steps[1]
        return _Extrapolated(*values, *steps, _open(many) if crowd <= _CROWDED else math.inf)

    def estimated(self) -> tuple[Estimate, Moments]:
        """Return T and E_π xyᵀ of all scramblings, with errors that these tell: ∞ where a map is too steep."""
        values, outers, value_steps, outer_steps, left = zip(
            *(self.extrapolated(seed) for seed in range(REPLICATES)), strict=True
        )
        open_, outer = max(left), np.mean(outers, axis=0)
        value_error = mean_confidence() * float(np.std(values)) + abs(float(np.mean(value_steps)))
        apart = mean_confidence() * np.std(outers, axis=0) + np.abs(np.mean(outer_steps, axis=0))
        size = 1 + float(np.abs(outer).max())
        return (
            Estimate(float(np.mean(values)), value_error + open_),
            Moments(outer, float(apart.max()) + size * open_),
        )


class _Extrapolated(NamedTuple):
    """T and E_π xyᵀ extrapolated from n/2 and n nodes, by how much more the n have, and what they leave open."""

    value: float
    outer: Floats
    value_step: float
    outer_step: Floats
    open: float


def _open(nodes: Nodes) -> float:
    """Return what Sinkhorn's scaling and rounding leave open on the nodes."""
    return nodes.gap + 8 * _EPS * (1 + float(np.abs(nodes.potential).max()))


def expected_transport(problem: Transport) -> Estimate:
    """Return T in float64: on lattices of nodes, until two agree, or sampled ones. Raises InputError beyond LARGEST."""
    if problem.rank == 0:
        return Estimate(0.0, 0.0)
    white = White.of(problem)
    if not white.on_lattices:
        return white.estimated()[0]
    value, error = math.nan, math.inf
    for found, _, open_ in white.refined():
        error = abs(found - value) + open_
        value = found
        if error <= _AGREED * (1 + abs(value)):
            break
    return Estimate(value, math.inf if math.isnan(error) else error)


def moments(problem: Transport) -> Moments:
    """Return E_π xyᵀ in float64 likewise."""
    d = problem.M.nrows()
    if problem.rank == 0:
        return Moments(np.zeros((d, d)))
    white = White.of(problem)
    if not white.on_lattices:
        return white.estimated()[1]
    outer, error = np.full((d, d), math.nan), math.inf
    for _, found, open_ in white.refined():
        size = 1 + float(np.abs(found).max())
        error = float(np.abs(found - outer).max()) + size * open_
        outer = found
        if error <= _AGREED * size:
            break
    return Moments(outer, math.inf if math.isnan(error) else error)


# ------------------------------------------------------------------------------------------------------------- mpmath


def multiprecision_transport(problem: Transport, digits: int) -> Any:
    """Return T as an mpf computed with `digits` digits; not a bound. Raises ValueError beyond rank 1."""
    return mp.mpf(0) if problem.rank == 0 else _in_digits(problem, digits)[0]


def multiprecision_moments(problem: Transport, digits: int) -> Moments:
    """Return E_π xyᵀ as mpf; not bounds. Raises ValueError beyond rank 1."""
    d = problem.M.nrows()
    return Moments(np.full((d, d), mp.mpf(0)) if problem.rank == 0 else _in_digits(problem, digits)[1])


def _in_digits(problem: Transport, digits: int) -> tuple[Any, Any]:
    """Return T and E_π xyᵀ on one lattice for all components, which is halved until two agree."""
    if problem.rank > 1:
        raise ValueError("transport in two dimensions has no second opinion")
    with mp.workdps(digits + 10):
        root = mp.sqrt(to_mpf(problem.spread[0, 0]))
        y = to_mpf(problem.spread[0, 0] * problem.inner[0, 0])
        centres = [to_mpf(x) / root for x in (problem.basis.transpose() * problem.means).entries()]
        lift = to_array(problem.sigma * problem.basis)[:, 0] / root
        law = [to_mpf(w) for w in problem.weights], centres, to_array(problem.means).T, lift
        step, before = mp.mpf(1) / 2, None
        while True:
            found = _scaled(*law, y, step, digits)
            if before is not None and abs(found[0] - before) <= mp.mpf(10) ** -(digits + 1):
                return found
            before, step = found[0], step / 2


def _scaled(
    weights: list[Any], centres: list[Any], means: Any, lift: Any, y: Any, step: Any, digits: int
) -> tuple[Any, Any]:
    reach = mp.sqrt(2 * mp.log(10) * (digits + 2)) + 1
    near = [range(int(mp.floor((m - reach) / step)), int(mp.ceil((m + reach) / step)) + 1) for m in centres]
    q = [step * i for i in sorted(set().union(*near))]
    densities = [[w * mp.npdf(x - m) * step for x in q] for w, m in zip(weights, centres, strict=True)]
    masses = [mp.fsum(part) for part in zip(*densities, strict=True)]
    kernel = [[mp.exp(y * a * b) for b in q] for a in q]
    u = [mp.mpf(0)] * len(q)
    for _ in range(4 * digits + 20):
        scale = [f * mp.exp(-x) for f, x in zip(masses, u, strict=True)]
        there = [mp.log(mp.fdot(row, scale)) for row in kernel]
        u = [(x + z) / 2 for x, z in zip(u, there, strict=True)]
    share = [mp.exp(-x) for x in u]
    lifted = sum(  # the mean of x at q, times its mass
        np.outer([f * s for f, s in zip(part, share, strict=True)], nu)
        + np.outer([f * s * (x - m) for f, s, x in zip(part, share, q, strict=True)], lift)
        for part, m, nu in zip(densities, centres, means, strict=True)
    )
    inner = np.array(kernel, dtype=object) @ lifted
    return 2 * mp.fdot(masses, u), np.asarray(lifted).T @ inner
