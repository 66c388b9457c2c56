"""Rigorous enclosures of log-sum-exp expectations, in ball arithmetic.

Floats choose the coordinates, the windows and the lattice; the bound on the error is computed from what was chosen, so
a bad choice widens the ball and never misplaces it. No error estimator is used anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flint import arb, ctx, fmpq

from thmverify import exact
from thmverify.integrate import cells
from thmverify.integrate.bounds import jensen_bounds
from thmverify.integrate.problem import LogSumExp
from thmverify.integrate.windows import plan_windows, whitening

BUDGET = 30e6  # microseconds of work for one integral, about
_CHEAP = 1e6  # below which nothing better than a lattice is looked for
_TRIES = 4


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


def ball_to_interval(ball: arb) -> tuple[fmpq, fmpq]:
    """Return exact rational ends of a finite ball."""
    return exact.from_ball(ball.lower()), exact.from_ball(ball.upper())


def enclose_value(problem: LogSumExp, digits: int) -> Enclosure:
    """Return an interval around the problem's value, of width ≤ 10^−digits · max(1, |value|) where that is reached.

    digits ≥ 1. Where it is not reached the interval is as narrow as the budget allows and `note` says what stopped it.
    """
    if problem.is_zero:
        return Enclosure(fmpq(0), fmpq(0))
    if problem.dimension == 0:
        return Enclosure(*_of_constants(problem, digits))
    method = _method(problem, digits * math.log(10) + 6)
    best = None if method is None else _evaluate(method, digits)
    if best is not None and _narrow(best, digits):
        return Enclosure(*best)
    return _fallback(problem, best, digits)


def _of_constants(problem: LogSumExp, digits: int) -> tuple[fmpq, fmpq]:
    """Return an interval around log Σ_k w_k e^{a_k}, for exponents that do not depend on q."""
    with ctx.workprec(int(4 * digits) + 128):
        top = max(problem.constants)
        terms = (arb(w) * arb(a - top).exp() for w, a in zip(problem.weights, problem.constants, strict=True))
        return ball_to_interval(arb(top) + sum(terms, arb(0)).log())


def _evaluate(method: _Method, digits: int) -> tuple[fmpq, fmpq] | None:
    """Return the method's interval at the first working precision that is enough, or the best one found."""
    best = None
    for bits in method.precisions():
        with ctx.workprec(bits):
            ball = method.value()
            if not ball.is_finite():
                continue
            best = ball_to_interval(ball)
        if _narrow(best, digits) or not method.complete:
            break
    return best


@dataclass(frozen=True)
class _Method:
    """How a value is to be enclosed: a function of the working precision, aiming at a radius of e^{−nats}."""

    value: Callable[[], arb]
    nats: float
    complete: bool

    def precisions(self) -> list[int]:
        """Return the working precisions to try in turn."""
        start = int(self.nats / math.log(2)) + 48
        return [int(start * 1.5**n) for n in range(_TRIES)]


def _method(problem: LogSumExp, nats: float) -> _Method | None:
    """Return the cheaper of lattice and cells for this accuracy, or for the best accuracy within the budget."""
    lattice = plan_windows(problem, nats, BUDGET)
    if lattice is None or not lattice.complete:
        found = _cells(problem, nats, BUDGET, whole=False) if problem.dimension <= 2 else None
    elif lattice.use_adaptive:  # on the line: cells, when there are few, are cheaper still
        found = _cells(problem, lattice.nats, lattice.cost, whole=True)
    else:
        dear = problem.dimension <= 2 and lattice.cost >= _CHEAP
        found = _cells(problem, nats, lattice.cost, whole=True) if dear else None
    if found is not None or lattice is None:
        return found
    return _Method(lattice.value, lattice.nats, lattice.complete)


def _cells(problem: LogSumExp, nats: float, limit: float, whole: bool) -> _Method | None:
    """Return cells that cost less than `limit`, if not for these nats then, unless `whole`, for the most that fit."""
    problem, aim = problem.transformed(whitening(problem)), nats
    for _ in range(_TRIES):
        plan = cells.plan_cells(problem, aim)
        if plan is None:
            return None
        if plan.cost < limit:
            return _Method(partial(cells.value, problem, plan), aim, aim == nats)
        if whole:
            return None
        aim *= max(0.3, 0.95 * math.sqrt(limit / plan.cost))  # nodes grow with the square of the nats
    return None


def _narrow(interval: tuple[fmpq, fmpq], digits: int) -> bool:
    lower, upper = interval
    size = max(abs(lower), abs(upper), fmpq(1))
    return upper - lower <= size / fmpq(10) ** digits


def _fallback(problem: LogSumExp, best: tuple[fmpq, fmpq] | None, digits: int) -> Enclosure:
    """Return what was reached, meeting the bounds that need no integral at all."""
    with ctx.workprec(128):
        lower, upper = jensen_bounds(problem)
    if best is not None:
        lower, upper = max(lower, best[0]), min(upper, best[1])
    if _narrow((lower, upper), digits):
        return Enclosure(lower, upper)
    how = "what the budget allows" if best is not None else "Jensen's inequality alone"
    note = f"{digits} digits are out of reach for this integral in {problem.dimension} dimensions: bounds by {how}"
    return Enclosure(lower, upper, False, note)
