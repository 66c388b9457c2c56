"""Rigorous enclosures of log-sum-exp expectations and softmax moments, in ball arithmetic.

Floats choose the coordinates, the windows and the lattice; the bound on the error is computed from what was chosen, so
a bad choice widens the ball and never misplaces it. No error estimator is used anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from flint import arb, ctx, fmpq

from thmverify import exact
from thmverify.integrate import cells
from thmverify.integrate.bounds import jensen_bounds
from thmverify.integrate.problem import LogSumExp
from thmverify.integrate.windows import Balls, plan_windows, whitening

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


@dataclass(frozen=True)
class EnclosedMoments:
    """Balls around E_j p_k (p, J × K), E_j[p_k (q − m_j)] (first, J × K × ρ), and the second moments (J × K × ρ × ρ).

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


def _shares_of_constants(problem: LogSumExp) -> list[arb]:
    """Return p_k for exponents that do not depend on q."""
    if not problem.constants:
        return [arb(w) for w in problem.weights]
    top = max(problem.constants)
    terms = [arb(w) * arb(a - top).exp() for w, a in zip(problem.weights, problem.constants, strict=True)]
    total = sum(terms, arb(0))
    return [term / total for term in terms]


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
    lattice = plan_windows(problem, nats, moments=False, budget=BUDGET)
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


def enclose_moments(problem: LogSumExp, digits: int, order: int = 1) -> EnclosedMoments:
    """Return balls of radius about 10^−digits around the softmax moments up to `order` (1 or 2)."""
    shape, rho = (problem.components, problem.terms), problem.dimension
    if rho == 0:
        with ctx.workprec(int(4 * digits) + 128):
            p = np.array([_shares_of_constants(problem)] * problem.components, dtype=object)
        second = np.empty((*shape, 0, 0), dtype=object) if order == 2 else None
        return EnclosedMoments(p, np.empty((*shape, 0), dtype=object), second, 64, True)
    plan = plan_windows(problem, digits * math.log(10) + 6, moments=True, budget=BUDGET)
    if plan is None:
        return _trivial_moments(problem, order)
    for bits in _Method(plan.value, plan.nats, plan.complete).precisions():
        with ctx.workprec(bits):
            p, first, second = plan.moments(order)
            reached = all(_tight(m, digits) for m in (p, first, second) if m is not None)
        if reached or not plan.complete:
            break
    note = "" if reached else f"{digits} digits are out of reach for moments in {rho} dimensions within the budget"
    return EnclosedMoments(p, first, second, bits, reached, note)


def _tight(balls: Balls, digits: int) -> bool:
    return all(x.rad() * arb(10) ** digits < 1 for x in balls.flat)


def _trivial_moments(problem: LogSumExp, order: int) -> EnclosedMoments:
    """Return 0 ≤ p_k ≤ 1 and |E_j[p_k u]| ≤ E|u|: true of every problem, and all that is known beyond the budget."""
    shape, rho = (problem.components, problem.terms), problem.dimension
    first = np.empty((*shape, rho), dtype=object)
    second = np.empty((*shape, rho, rho), dtype=object)
    for j in range(problem.components):
        H = problem.covariance(j)
        for i in range(rho):
            first[j, :, i] = arb(0, arb(H[i, i]).sqrt().upper())
            for m in range(rho):
                second[j, :, i, m] = arb(0, (arb(H[i, i]) * arb(H[m, m])).sqrt().upper())
    p = np.full(shape, arb(0.5, 0.5), dtype=object)
    note = f"moments in {rho} dimensions are beyond the budget: only their trivial bounds are given"
    return EnclosedMoments(p, first, second if order == 2 else None, 64, False, note)
