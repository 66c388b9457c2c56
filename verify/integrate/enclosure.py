"""Rigorous enclosures of log-sum-exp expectations and softmax moments, in ball arithmetic.

Floats choose the coordinates, the windows and the lattice; the bound on the error is computed from what was chosen, so
a bad choice widens the ball and never misplaces it. No error estimator is used anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from numpy.typing import NDArray

from verify import exact
from verify.integrate import adaptive
from verify.integrate.bounds import jensen_bounds
from verify.integrate.lattice import Lattice, Window, choose_axes, error_bound, window
from verify.integrate.problem import LogSumExp

Balls: TypeAlias = NDArray[Any]  # an object array of arb

LATTICE_BUDGET = 16_000_000  # operations on balls, about a microsecond each
_ROW = 30  # what a lattice row costs beyond its nodes
_STEEP = 60_000  # lattice nodes on the line from which adaptive integration is cheaper
_TRIES = 4


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Set flint's working precision, global to the process, for the duration of a block."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


@dataclass(frozen=True)
class Enclosure:
    """lower ≤ truth ≤ upper, both exact. `reached` says whether the width is what was asked for; `note` why not."""

    lower: fmpq
    upper: fmpq
    reached: bool = True
    note: str = ""

    @property
    def width(self) -> fmpq:
        """The length of the interval."""
        return self.upper - self.lower


@dataclass(frozen=True)
class EnclosedMoments:
    """Balls around E_j p_k (p, K × K), E_j[p_k (q − m_j)] (first, K × K × ρ), and the second moments (K × K × ρ × ρ).

    `second` is None unless order 2 was asked for. `bits` is the precision to go on with; `reached` as in `Enclosure`.
    """

    p: Balls
    first: Balls
    second: Balls | None
    bits: int
    reached: bool
    note: str = ""


def ball_to_interval(ball: arb) -> tuple[fmpq, fmpq]:
    """Return exact rational ends of a finite ball."""
    return _exact(ball.lower()), _exact(ball.upper())


def _exact(point: arb) -> fmpq:
    mantissa, exponent = point.man_exp()
    two = fmpq(2)
    return fmpq(mantissa) * two ** int(exponent)


def enclose_value(problem: LogSumExp, digits: int) -> Enclosure:
    """Return an interval around the problem's value, of width ≤ 10^−digits · max(1, |value|) where that is reached.

    digits ≥ 1. Where it is not reached the interval is as narrow as the budget allows and `note` says what stopped it.
    """
    if problem.dimension == 0:
        return Enclosure(fmpq(0), fmpq(0))
    plan = _plan(problem, digits, moments=False)
    best: tuple[fmpq, fmpq] | None = None
    if plan is not None:
        for bits in plan.precisions():
            with precision(bits):
                ball = plan.value()
                if not ball.is_finite():
                    continue
                best = ball_to_interval(ball)
                if _narrow(best, digits):
                    return Enclosure(*best)
    return _fallback(problem, best, digits)


def _narrow(interval: tuple[fmpq, fmpq], digits: int) -> bool:
    lower, upper = interval
    size = max(abs(lower), abs(upper), fmpq(1))
    return upper - lower <= size / fmpq(10) ** digits


def _fallback(problem: LogSumExp, best: tuple[fmpq, fmpq] | None, digits: int) -> Enclosure:
    """Return what was reached, meeting the bounds that need no integral at all."""
    with precision(128):
        lower, upper = jensen_bounds(problem)
    if best is not None:
        lower, upper = max(lower, best[0]), min(upper, best[1])
    if _narrow((lower, upper), digits):
        return Enclosure(lower, upper)
    how = "the lattice that fits the budget" if best is not None else "Jensen's inequality alone"
    note = f"{digits} digits are out of reach for this integral in {problem.dimension} dimensions: bounds by {how}"
    return Enclosure(lower, upper, False, note)


def enclose_moments(problem: LogSumExp, digits: int, order: int = 1) -> EnclosedMoments:
    """Return balls of radius about 10^−digits around the softmax moments up to `order` (1 or 2)."""
    K, rho = problem.components, problem.dimension
    if rho == 0:
        p = np.array([[arb(w) for w in problem.weights]] * K, dtype=object)
        second = np.empty((K, K, 0, 0), dtype=object) if order == 2 else None
        return EnclosedMoments(p, np.empty((K, K, 0), dtype=object), second, 64, True)
    plan = _plan(problem, digits, moments=True)
    if plan is None:
        return _trivial_moments(problem, order)
    best = None
    for bits in plan.precisions():
        with precision(bits):
            p, first, second = plan.moments(order)
            reached = all(_tight(m, digits) for m in (p, first, second) if m is not None)
            best = EnclosedMoments(p, first, second, bits, reached, "" if reached else plan.shortfall(digits))
            if reached:
                return best
    return best if best is not None else _trivial_moments(problem, order)


def _tight(balls: Balls, digits: int) -> bool:
    return all(x.rad() * arb(10) ** digits < 1 for x in balls.flat)


def _trivial_moments(problem: LogSumExp, order: int) -> EnclosedMoments:
    """Return 0 ≤ p_k ≤ 1 and |E_j[p_k u]| ≤ E|u|: true of every problem, and all that is known beyond the budget."""
    K, rho = problem.components, problem.dimension
    first = np.empty((K, K, rho), dtype=object)
    second = np.empty((K, K, rho, rho), dtype=object)
    for j in range(K):
        H = problem.covariance(j)
        for i in range(rho):
            first[j, :, i] = arb(0, arb(H[i, i]).sqrt().upper())
            for m in range(rho):
                second[j, :, i, m] = arb(0, (arb(H[i, i]) * arb(H[m, m])).sqrt().upper())
    p = np.full((K, K), arb(0.5, 0.5), dtype=object)
    note = f"moments in {rho} dimensions are beyond the budget: only their trivial bounds are given"
    return EnclosedMoments(p, first, second if order == 2 else None, 64, False, note)


@dataclass(frozen=True)
class _Plan:
    """Coordinates, groups of components that share a window, and the accuracy (in nats) that the budget allows."""

    problem: LogSumExp
    T: fmpq_mat
    groups: tuple[tuple[int, ...], ...]
    nats: float
    use_adaptive: bool
    asked: float

    def precisions(self) -> list[int]:
        """Return the working precisions to try in turn."""
        start = int(self.nats / math.log(2)) + 48
        return [int(start * 1.5**n) for n in range(_TRIES)]

    def shortfall(self, digits: int) -> str:
        """Return why the digits were not reached."""
        return f"{digits} digits are out of reach within the budget of {LATTICE_BUDGET} evaluations"

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


def _window(problem: LogSumExp, group: tuple[int, ...]) -> Window:
    return window(problem, group, problem.centre(group[0]))


def _plan(problem: LogSumExp, digits: int, moments: bool) -> _Plan | None:
    """Choose coordinates, windows and accuracy with floats; return None when no lattice at all fits the budget."""
    T = _whitening(problem)
    problem = problem.transformed(T)
    asked = digits * math.log(10) + 6
    groups = _groups(problem, asked)
    cost = _cost(problem, moments)
    if problem.dimension == 1 and cost(groups, asked) > _STEEP:
        return _Plan(problem, T, _separate(problem), asked + 4, True, asked)
    nats = asked
    while cost(groups, nats) > LATTICE_BUDGET:
        nats *= 0.85
        if nats < 4:
            return None
    return _Plan(problem, T, groups, nats + _magnitude(problem, groups), False, asked)


def _magnitude(problem: LogSumExp, groups: tuple[tuple[int, ...], ...]) -> float:
    """Return the logarithm of the integrand's size, which the accuracy must make up for."""
    size = 1.0
    for group in groups:
        win = _window(problem, group)
        size = max([size, *(abs(float(b)) for b in win.beta), *(abs(float(x)) for row in win.slopes for x in row)])
    return math.log(100 * size)


def _separate(problem: LogSumExp) -> tuple[tuple[int, ...], ...]:
    return tuple((j,) for j in range(problem.components))


def _groups(problem: LogSumExp, nats: float) -> tuple[tuple[int, ...], ...]:
    """Return one window for all components, or one for each, whichever has fewer nodes."""
    separate = _separate(problem)
    if not problem.is_linear:
        return separate
    together = (tuple(range(problem.components)),)
    return min(together, separate, key=lambda groups: _nodes(problem, groups, nats))


def _nodes(problem: LogSumExp, groups: tuple[tuple[int, ...], ...], nats: float) -> float:
    """Return the lattice nodes of all windows, with the overhead of each row counted in nodes."""
    total = 0
    for group in groups:
        counts = [axis.count for axis in choose_axes(_window(problem, group), nats)]
        total += math.prod(counts[:-1]) * (counts[-1] + _ROW)
    return total


def _cost(problem: LogSumExp, moments: bool) -> Callable[[tuple[tuple[int, ...], ...], float], float]:
    each = problem.components if moments or not problem.is_linear else 1

    def cost(groups: tuple[tuple[int, ...], ...], nats: float) -> float:
        return each * _nodes(problem, groups, nats)

    return cost


def _whitening(problem: LogSumExp) -> fmpq_mat:
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
