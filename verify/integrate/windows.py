"""Which coordinates, windows and lattice suit a problem: chosen with floats, evaluated and bounded with balls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from flint import arb, arb_mat, fmpq, fmpq_mat
from numpy.typing import NDArray

from verify import exact
from verify.integrate import adaptive
from verify.integrate.lattice import Lattice, Window, choose_axes, error_bound, window
from verify.integrate.problem import LogSumExp

Balls: TypeAlias = NDArray[Any]  # an object array of arb
Groups: TypeAlias = tuple[tuple[int, ...], ...]

_ROW = 30  # what a lattice row costs beyond its nodes; a node costs about a microsecond
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
                    total += arb(self.problem.weights[j]) * value
        except ZeroDivisionError:
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
        K, rho = self.problem.components, self.problem.dimension
        p = np.full((K, K), arb("nan"), dtype=object)
        first = np.full((K, K, rho), arb("nan"), dtype=object)
        second = np.full((K, K, rho, rho), arb("nan"), dtype=object)
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
        except ZeroDivisionError:
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
    T = whitening(problem)
    problem = problem.transformed(T)
    asked = nats + _magnitude(problem)
    groups = _groups(problem, asked)
    cost = _cost(problem, groups, asked, moments)
    if problem.dimension == 1 and cost > _STEEP:
        return WindowPlan(problem, T, _separate(problem), asked + 4, True, _STEEP, True)
    allowed = asked
    while cost > budget:
        allowed *= 0.85
        if allowed < 4:
            return None
        cost = _cost(problem, groups, allowed, moments)
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


def _cost(problem: LogSumExp, groups: Groups, nats: float, moments: bool) -> float:
    each = problem.components if moments or not problem.is_linear else 1
    return each * _nodes(problem, groups, nats)


def whitening(problem: LogSumExp) -> fmpq_mat:
    """Return rational coordinates in which the covariance is nearly I and the axes follow the spread of the slopes.

    An untrusted float choice: any invertible matrix is right, a good one needs fewer nodes.
    """
    rho = problem.dimension
    with np.errstate(all="ignore"):
        try:
            average = sum(
                float(w) * _floats(problem.covariance(j)) for j, w in enumerate(map(exact.to_fraction, problem.weights))
            )
            root = np.linalg.cholesky(average)
            slopes = root.T @ _floats(problem.linear)
            axes = np.linalg.svd(slopes - slopes.mean(axis=1, keepdims=True))[0][:, ::-1]  # the longest axis last
            T = np.linalg.solve(root.T, axes).T
            rows = [
                [fmpq(round(x * 2**20 / scale), 2**20) * _power_of_two(scale) for x in row]
                for row, scale in ((row, _scale(row)) for row in T)
            ]
            matrix = fmpq_mat(rows)
        except (np.linalg.LinAlgError, OverflowError, ValueError):
            return exact.identity(rho)
    return matrix if matrix.rank() == rho else exact.identity(rho)


def _scale(row: NDArray[np.float64]) -> float:
    return float(2.0 ** math.ceil(math.log2(float(np.abs(row).max()))))


def _power_of_two(scale: float) -> fmpq:
    return fmpq(2) ** round(math.log2(scale))


def _floats(m: fmpq_mat) -> NDArray[np.float64]:
    return np.array([[float(x) for x in row] for row in exact.to_rows(m)], dtype=np.float64)
