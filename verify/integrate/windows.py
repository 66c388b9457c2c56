"""Which coordinates, windows and lattice suit a problem: chosen with floats, evaluated and bounded with balls."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate import adaptive
from thmverify.integrate.lattice import Lattice, Window, choose_axes, error_bound, slowness, window
from thmverify.integrate.problem import LogSumExp
from thmverify.kernel.strict import Rejected

Groups: TypeAlias = tuple[tuple[int, ...], ...]
Plan = TypeVar("Plan")

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
        error = arb(0, error_bound(win, axes))
        return [x + error for x in Lattice(win, axes).values()]


def plan_windows(problem: LogSumExp, nats: float, budget: float) -> WindowPlan | None:
    """Return a plan for an accuracy of about e^{−nats}, or the best that `budget` microseconds allow, or None.

    The choice is made with floats and trusted by nobody: the error is bounded from what was chosen.
    """
    return planned(partial(_plan, problem, nats, budget))


def planned(plan: Callable[[], Plan | None]) -> Plan | None:
    """Return what is planned at the first precision that is enough, None where none is or numbers are beyond floats."""
    for bits in _PLANNING_BITS:
        with ctx.workprec(bits):
            try:
                return plan()
            except TOO_COARSE:
                continue  # a covariance that is definite only at a higher precision
            except OverflowError:
                return None  # floats cannot choose for numbers beyond their range
    return None


def _plan(problem: LogSumExp, nats: float, budget: float) -> WindowPlan | None:
    T = whitening(problem)
    problem = problem.transformed(T)
    asked = nats + _magnitude(problem)
    groups = _groups(problem, asked)
    if problem.dimension == 1 and _nodes(problem, groups, asked) > _STEEP:
        return WindowPlan(problem, T, _separate(problem), asked + 4, True, _STEEP, True)
    allowed = asked
    while (cost := _cost(problem, groups, allowed)) > budget:
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


def _cost(problem: LogSumExp, groups: Groups, nats: float) -> float:
    """Return what the lattice sums cost, in microseconds."""
    each = 1 if problem.is_linear else problem.components
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
