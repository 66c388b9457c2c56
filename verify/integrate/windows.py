"""Which coordinates, windows and lattice suit a problem: chosen with floats, evaluated and bounded with balls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate import adaptive
from thmverify.integrate.lattice import Lattice, Window, choose_axes, error_bound, slowness, window
from thmverify.integrate.problem import LogSumExp
from thmverify.kernel.strict import Rejected

Balls: TypeAlias = NDArray[Any]  # an object array of arb
Groups: TypeAlias = tuple[tuple[int, ...], ...]

TOO_COARSE = (Rejected, ZeroDivisionError)  # what a precision too low for a covariance ends in
_ROW = 30  # what a lattice row costs beyond its nodes; a node costs about a microsecond
_PLANNING_BITS = (64, 512, 4096)  # precisions to plan with, in turn
_STEEP = 60_000  # lattice nodes on the line from which adaptive integration is cheaper


@dataclass(frozen=True)
class WindowPlan:
    """A problem in good coordinates (T q), its components in groups that share a window, and an accuracy e^{−nats}.

    `cost` is what a value costs in microseconds; `complete` is whether the accuracy is the one asked for.
    """

    problem: LogSumExp
    T: fmpq_mat
    groups: Groups
    nats: float
    use_adaptive: bool
    cost: float
    complete: bool

    def windows(self) -> list[Window]:
        """Return the windows at the current precision."""
        return [_window(self.problem, group) for group in self.groups]

    def value(self) -> arb:
        """Return a ball around the value; not finite when the precision was too low."""
        total = arb(0)
        try:
            for win in self.windows():
                for j, value in zip(win.components, self._window_values(win), strict=True):
                    total += arb(self.problem.shares[j]) * value
        except TOO_COARSE:
            return arb("nan")
        return total

    def _window_values(self, win: Window) -> list[arb]:
        if self.use_adaptive:
            return adaptive.values(win, self.nats)
        axes = choose_axes(win, self.nats)
        error = arb(0, error_bound(win, axes, moments=False))
        return [x + error for x in Lattice(win, axes).values()]

    def moments(self, order: int) -> tuple[Balls, Balls, Balls | None]:
        """Return the softmax moments in the coordinates of the original problem."""
        shape, rho = (self.problem.components, self.problem.terms), self.problem.dimension
        p = np.full(shape, arb("nan"), dtype=object)
        first = np.full((*shape, rho), arb("nan"), dtype=object)
        second = np.full((*shape, rho, rho), arb("nan"), dtype=object)
        back = arb_mat(self.T.inv())
        try:
            for win in self.windows():
                lift = back * win.factor
                for j, row in zip(win.components, self._window_moments(win, order), strict=True):
                    for k, entry in enumerate(row):
                        p[j, k] = entry[()]
                        first[j, k] = _lift_first(lift, entry, rho)
                        if order == 2:
                            second[j, k] = _lift_second(lift, entry, rho)
        except TOO_COARSE:
            pass  # what is left is not a number, and a higher precision follows
        return p, first, second if order == 2 else None

    def _window_moments(self, win: Window, order: int) -> list[list[dict[tuple[int, ...], arb]]]:
        if self.use_adaptive:
            return adaptive.moments(win, self.nats, order)
        axes = choose_axes(win, self.nats)
        error = arb(0, error_bound(win, axes, moments=True))
        sums = Lattice(win, axes).moments(order)
        return [[{m: x + error for m, x in entry.items()} for entry in row] for row in sums]


def _lift_first(lift: arb_mat, entry: dict[tuple[int, ...], arb], rho: int) -> Balls:
    s = arb_mat(rho, 1, [entry[(i,)] for i in range(rho)])
    return np.array((lift * s).entries(), dtype=object)


def _lift_second(lift: arb_mat, entry: dict[tuple[int, ...], arb], rho: int) -> Balls:
    pairs = [entry[(min(i, m), max(i, m))] for i in range(rho) for m in range(rho)]
    q = lift * arb_mat(rho, rho, pairs) * lift.transpose()
    return np.array(q.entries(), dtype=object).reshape(rho, rho)


def plan_windows(problem: LogSumExp, nats: float, moments: bool, budget: float) -> WindowPlan | None:
    """Return a plan for an accuracy of about e^{−nats}, or the best that `budget` microseconds allow, or None.

    The choice is made with floats and trusted by nobody: the error is bounded from what was chosen.
    """
    for bits in _PLANNING_BITS:
        with ctx.workprec(bits):
            try:
                return _plan(problem, nats, moments, budget)
            except TOO_COARSE:
                continue  # a covariance that is definite only at a higher precision
            except OverflowError:
                return None  # floats cannot choose for numbers beyond their range
    return None


def _plan(problem: LogSumExp, nats: float, moments: bool, budget: float) -> WindowPlan | None:
    T = whitening(problem)
    problem = problem.transformed(T)
    asked = nats + _magnitude(problem)
    groups = _groups(problem, asked)
    if moments:
        asked += _moment_magnitude(problem, T, groups, asked)
    if problem.dimension == 1 and _nodes(problem, groups, asked) > _STEEP:
        return WindowPlan(problem, T, _separate(problem), asked + 4, True, _STEEP, True)
    allowed = asked
    while (cost := _cost(problem, groups, allowed, moments)) > budget:
        allowed *= 0.85
        if allowed < 4:
            return None
    return WindowPlan(problem, T, groups, allowed, False, cost, allowed == asked)


def _window(problem: LogSumExp, group: tuple[int, ...]) -> Window:
    return window(problem, group, problem.centre(group[0]))


def _magnitude(problem: LogSumExp) -> float:
    """Return the logarithm of the integrand's size, which the accuracy must make up for."""
    size = 1.0
    for group in _separate(problem):
        win = _window(problem, group)
        size = max([size, *(abs(float(b)) for b in win.beta), *(abs(float(x)) for row in win.slopes for x in row)])
    return math.log(100 * size)


def _moment_magnitude(problem: LogSumExp, T: fmpq_mat, groups: Groups, nats: float) -> float:
    """Return the logarithm of the largest monomial of degree 2 on a window, taken back to the coordinates q."""
    back, largest = arb_mat(T.inv()), 1.0
    for group in groups:
        win = _window(problem, group)
        spread = max(abs(float(c[i] - win.centres[0][i])) for c in win.centres for i in range(win.dimension))
        lift = max(sum(abs(float(x)) for x in row) for row in (back * win.factor).tolist())
        largest = max(largest, (2 + 2 * math.sqrt(2 * nats) + spread) * max(lift, 1.0))
    return 2 * math.log(largest)


def _separate(problem: LogSumExp) -> Groups:
    return tuple((j,) for j in range(problem.components))


def _groups(problem: LogSumExp, nats: float) -> Groups:
    """Return one window for all components, or one for each, whichever has fewer nodes."""
    separate = _separate(problem)
    if not problem.is_linear:
        return separate
    together = (tuple(range(problem.components)),)
    return min(together, separate, key=lambda groups: _nodes(problem, groups, nats))


def _nodes(problem: LogSumExp, groups: Groups, nats: float) -> float:
    """Return the lattice nodes of all windows, with the overhead of each row counted in nodes."""
    total = 0
    for group in groups:
        counts = [axis.count for axis in choose_axes(_window(problem, group), nats)]
        total += math.prod(counts[:-1]) * (counts[-1] + _ROW)
    return total


def _cost(problem: LogSumExp, groups: Groups, nats: float, moments: bool) -> float:
    """Return what the lattice sums cost, in microseconds."""
    each = problem.components if moments or not problem.is_linear else 1
    return each * _nodes(problem, groups, nats) * slowness(nats)


def whitening(problem: LogSumExp) -> fmpq_mat:
    """Return rational coordinates in which the covariance is nearly I and the axes follow the spread of the slopes.

    With Σ_j v_j H_j = L D Lᵀ they are Qᵀ D^{−1/2} L⁻¹, Q the principal axes of D^{1/2} Lᵀ[b_1 … b_K]. L is exact,
    since the covariance may be nearly singular; Q and the roots are rounded: any invertible matrix is right, a good
    one needs fewer nodes.
    """
    rho = problem.dimension
    average = exact.zeros(rho, rho)
    for j, w in enumerate(problem.shares):
        average = average + problem.covariance(j) * w
    factors = exact.ldl(average)
    if factors is None or len(factors.pivots) < rho:
        raise ValueError("the covariances are not positive definite")
    inverse_roots = [_inverse_root(pivot) for pivot in factors.pivots]
    slopes = exact.diagonal([1 / x for x in inverse_roots]) * factors.factor.transpose() * problem.linear
    return _principal_axes(slopes).transpose() * exact.diagonal(inverse_roots) * factors.factor.inv()


def _inverse_root(x: fmpq) -> fmpq:
    """Return 1/√x > 0 to about 20 bits, whatever the size of x."""
    half = (int(x.p).bit_length() - int(x.q).bit_length()) // 2
    near_one = float(exact.to_fraction(x / fmpq(4) ** half))
    return fmpq(round(2**20 / math.sqrt(near_one)), 2**20) / fmpq(2) ** half


def _principal_axes(slopes: fmpq_mat) -> fmpq_mat:
    """Return an almost orthogonal matrix whose columns are the principal directions of the slopes, the longest last."""
    rho = slopes.nrows()
    scale = max((abs(x) for x in slopes.entries()), default=fmpq(0))
    if scale == 0:
        return exact.identity(rho)
    floats = np.array(exact.to_rows(slopes * (1 / scale)), dtype=np.float64)
    axes = np.linalg.svd(floats - floats.mean(axis=1, keepdims=True))[0][:, ::-1]
    rounded = fmpq_mat(rho, rho, [fmpq(round(float(x) * 2**20), 2**20) for x in axes.flat])
    return rounded if rounded.rank() == rho else exact.identity(rho)
