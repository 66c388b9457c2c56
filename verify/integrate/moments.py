"""Softmax moments E_j p_k, E_j[p_k u] and E_j[p_k uuᵀ], u = q − m_j, enclosed by the kernel's integrals.

Floats choose good coordinates and a grid for each component; the sums, and what bounds their error, are those that a
certificate is checked by (the kernel's PROOFS.md, 2). Where the logits are straight and the second moments are not
asked for, balls of lattice points in two to eight dimensions give E_j[p_k p_l], and by Stein's identity
E_j[p_k u] = H_j Σ_l E_j[p_k p_l](b_k − b_l). Otherwise the nodes fill boxes in up to four dimensions, in coordinates
s = L⁻¹(q − m_j) in which the component is N(0, I).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify.integrate.balls import choose_ball
from thmverify.integrate.boxes import STEEP, Component, choose_adaptive, choose_box, count
from thmverify.integrate.problem import LogSumExp
from thmverify.integrate.windows import TOO_COARSE, planned, whitening
from thmverify.kernel.balls import MAX_AXES, Ball, check_balls, pair_moments
from thmverify.kernel.integrals import MAX_DIMENSION, Adaptive, Grid, Whitened, component_moments
from thmverify.kernel.linear import cholesky
from thmverify.kernel.strict import Rejected
from thmverify.models import Floats

Balls: TypeAlias = NDArray[Any]  # an object array of arb
_BITS = 48  # beyond the accuracy: sums of many nodes
_TRIES = 4
_MAX_WORK = 10**9  # nodes · terms · bits, at least 128


@dataclass(frozen=True)
class EnclosedMoments:
    """Balls around E_j p_k (p, J × K), E_j[p_k (q − m_j)] (first, J × K × ρ), and the second moments (J × K × ρ × ρ).

    `second` is None unless order 2 was asked for. `bits` is the precision to go on with. `reached` says whether every
    radius is what was asked for; `note` why not.
    """

    p: Balls
    first: Balls
    second: Balls | None
    bits: int
    reached: bool
    note: str = ""


def enclose_moments(problem: LogSumExp, digits: int, order: int = 1) -> EnclosedMoments:
    """Return balls of radius about 10^−digits around the softmax moments up to `order` (1 or 2)."""
    if problem.dimension == 0:
        return _of_constants(problem, digits, order)
    plan, known = planned(partial(_plan, problem, digits * math.log(10) + 6, order)), _trivial(problem, order)
    if plan is None:
        return known
    for n in range(_TRIES):
        bits = int(plan.bits * 1.5**n)
        with ctx.workprec(bits):
            p, first, second = plan.moments()
            reached = all(_tight(m, digits) for m in (p, first, second) if m is not None)
        if reached or not plan.complete:
            break
    note = "" if reached else f"{digits} digits are out of reach for moments in {problem.dimension} dimensions"
    second = None if second is None or known.second is None else _filled(second, known.second)
    return EnclosedMoments(_filled(p, known.p), _filled(first, known.first), second, bits, reached, note)


def _filled(found: Balls, known: Balls) -> Balls:
    """Return what was found, and what was known before where that is no finite ball."""
    balls = [x if x.is_finite() else y for x, y in zip(found.flat, known.flat, strict=True)]
    return np.array(balls, dtype=object).reshape(found.shape)


def _tight(balls: Balls, digits: int) -> bool:
    return all(x.rad() * arb(10) ** digits < 1 for x in balls.flat)


@dataclass(frozen=True)
class _Plan:
    """A problem in the coordinates T q, a grid for each component, and a precision to begin with.

    `complete` is whether the grids aim at the accuracy that was asked for; `order` is that of the moments.
    """

    problem: LogSumExp
    T: fmpq_mat
    grids: list[Grid]
    bits: int
    order: int
    complete: bool

    def moments(self) -> tuple[Balls, Balls, Balls | None]:
        """Return the moments in the coordinates q; numbers that are not finite when the precision was too low."""
        shape, rho = (self.problem.components, self.problem.terms), self.problem.dimension
        p, first, second = (np.full((*shape, *[rho] * n), arb("nan"), dtype=object) for n in range(3))
        back = arb_mat(self.T.inv())
        try:
            for j, grid in enumerate(self.grids):
                if isinstance(grid, Ball):
                    p[j], first[j] = _by_pairs(self.problem, j, grid, back)
                else:
                    p[j], first[j], second[j] = _by_box(self.problem, j, grid, back, self.order)
        except TOO_COARSE:
            pass  # what is left is not a number, and a higher precision follows
        return p, first, second if self.order == 2 else None


def _by_pairs(problem: LogSumExp, j: int, ball: Ball, back: arb_mat) -> tuple[Any, Any]:
    """Return E_j p_k and E_j[p_k u] = back·H_j Σ_l E_j[p_k p_l](b_k − b_l), for each k."""
    K, H = problem.terms, problem.covariance(j)
    single, pairs = pair_moments(problem.weights, problem.linear, problem.centre(j), H, ball)
    rows = [[arb(0) if k == n else -pairs[k, n] for n in range(K)] for k in range(K)]
    for k, row in enumerate(rows):
        row[k] = -sum(row, arb(0))
    first = back * arb_mat(H * problem.linear) * arb_mat(rows).transpose()
    return single, np.array(first.transpose().tolist(), dtype=object).reshape(K, problem.dimension)


def _by_box(problem: LogSumExp, j: int, grid: Grid, back: arb_mat, order: int) -> tuple[Any, Any, Any]:
    """Return E_j p_k, E_j[p_k u] and, for order 2, E_j[p_k uuᵀ], for each k."""
    rho, (L, law) = problem.dimension, _whiten(problem, j, order, isinstance(grid, Adaptive))
    moments, lift = component_moments(law, grid), back * L
    units = [tuple(int(i == a) for i in range(rho)) for a in range(rho)]
    first = [(lift * arb_mat([[moments[n][k]] for n in units])).entries() for k in range(problem.terms)]
    second = np.full((problem.terms, rho, rho), arb("nan"), dtype=object)
    if order == 2:
        powers = [[tuple(map(sum, zip(x, y, strict=True))) for y in units] for x in units]
        for k in range(problem.terms):
            inner = arb_mat([[moments[n][k] for n in row] for row in powers])
            second[k] = np.array((lift * inner * lift.transpose()).tolist(), dtype=object)
    return moments[(0,) * rho], np.array(first, dtype=object).reshape(-1, rho), second


def _whiten(problem: LogSumExp, j: int, order: int = 1, far: bool = False) -> tuple[arb_mat, Whitened]:
    """Return L with LLᵀ = H_j, and component j in the coordinates s = L⁻¹(q − o).

    The origin o is the component's centre, so that floats can place nodes; what the exponents are there goes into the
    weights. With `far` it is 0: adaptive integration compares exponents without their weights.
    Raises Rejected or ZeroDivisionError when the precision is too low for the covariance.
    """
    L, o = cholesky(arb_mat(problem.covariance(j))), problem.centre(j) * (0 if far else 1)
    weights, rows, bends = [], [], []
    for k, w in enumerate(problem.weights):
        b, C = problem.slope(k), problem.curvature(k)
        weights.append(arb(w) * arb((o.transpose() * (b + C * o / 2))[0, 0] + problem.constant(k)).exp())
        rows.append((L.transpose() * arb_mat(b + C * o)).entries())
        bends.append(L.transpose() * arb_mat(C) * L)
    centre = L.solve(arb_mat(problem.centre(j) - o)).entries()
    return L, Whitened(weights, centre, arb_mat(rows), bends if problem.quadratic else [], order)


# --- the plan: chosen with floats, trusted by nobody -----------------------------------------------------------------


def _plan(problem: LogSumExp, nats: float, order: int) -> _Plan | None:
    """Return a plan for an accuracy of about e^−nats, or the best that the kernel takes, or None."""
    T = whitening(problem)
    moved = problem.transformed(T)
    straight = order == 1 and problem.dimension > 1 and not problem.quadratic and not problem.constants
    if problem.dimension > (MAX_AXES if straight else MAX_DIMENSION):
        return None  # nodes in so many dimensions are beyond everyone
    asked = allowed = nats + _magnitude(moved, T, nats, order)
    while allowed >= 4:
        found = _chosen(moved, allowed, straight)
        bits = _BITS + math.ceil(1.45 * allowed) + math.ceil(math.log2(1 + found.largest))
        if problem.dimension == 1 and found.nodes > STEEP * problem.components * max(1, bits / 256):
            return _Plan(moved, T, [choose_adaptive(allowed)] * len(found.grids), bits, order, True)
        if _affordable(found, problem.terms, bits):
            return _Plan(moved, T, found.grids, bits, order, allowed == asked)
        allowed *= 0.85
    return None


def _chosen(problem: LogSumExp, nats: float, straight: bool) -> _Choice:
    """Return balls where they suit; where floats see no frame for one, boxes, which need none."""
    try:
        return _balls(problem, nats) if straight else _boxes(problem, nats)
    except np.linalg.LinAlgError:
        return _boxes(problem, nats)


def _affordable(choice: _Choice, terms: int, bits: int) -> bool:
    """Return whether this takes half a minute at most; for balls, whether the kernel would take them."""
    balls = [grid for grid in choice.grids if isinstance(grid, Ball)]
    if not balls:
        return choice.nodes * terms * max(bits, 128) < _MAX_WORK
    try:
        with ctx.workprec(bits):
            check_balls(balls, terms)
    except Rejected:
        return False
    return True


def _magnitude(problem: LogSumExp, T: fmpq_mat, nats: float, order: int) -> float:
    """Return the logarithm of what a moment's error may grow by on its way to the coordinates q."""
    back, largest = arb_mat(T.inv()), 1.0
    for j in range(problem.components):
        L, law = _whiten(problem, j)
        lift = max(_float(sum((abs(x).upper() for x in row), arb(0)).upper()) for row in (back * L).tolist())
        steep = max(_float(abs(x).upper()) for x in law.slopes.entries())
        largest = max(largest, (2 + 2 * math.sqrt(2 * nats) + steep * problem.terms) * max(lift, 1.0))
    return order * math.log(largest)


@dataclass(frozen=True)
class _Choice:
    """A grid for each component, the nodes of all, and the largest exponent there."""

    grids: list[Grid]
    nodes: float
    largest: float


def _balls(problem: LogSumExp, nats: float) -> _Choice:
    choices = []
    for j in range(problem.components):
        L, law = _whiten(problem, j)
        choices.append(choose_ball(_levels(law), problem.linear, _floats(L), nats))
    nodes, largest = sum(choice.nodes for choice in choices), max(choice.largest for choice in choices)
    return _Choice([choice.ball for choice in choices], nodes, largest)


def _boxes(problem: LogSumExp, nats: float) -> _Choice:
    grids: list[Grid] = []
    nodes, largest = 0, 0.0
    for j in range(problem.components):
        law = _whiten(problem, j)[1]
        slopes, bends = _floats(law.slopes), [_floats(bend) for bend in law.bends]
        flat = np.zeros((*slopes.shape, problem.dimension))
        component = Component(np.zeros(problem.dimension), slopes, np.array(bends) if bends else flat)
        axes = choose_box(component, nats)
        grids.append(axes)
        nodes, largest = nodes + count(axes), max(largest, component.largest(nats) + float(np.abs(_levels(law)).max()))
    return _Choice(grids, nodes, largest)


def _levels(law: Whitened) -> Floats:
    """Return what the exponents are at the component's centre, and the logarithms of the weights (K)."""
    return np.array([_float(w.log()) for w in law.weights])


def _floats(m: arb_mat) -> Floats:
    return np.array([[_float(x) for x in row] for row in m.tolist()])


def _float(x: arb) -> float:
    """Return a float near x. Raises Rejected at a precision too low for x, OverflowError beyond the range of floats."""
    if not x.is_finite():
        raise Rejected("the precision is too low for a number that nodes are chosen by")
    found = float(x)
    if not math.isfinite(found):
        raise OverflowError("a number has left the range of floats")
    return found


# --- what is known without an integral ---------------------------------------------------------------------------


def _of_constants(problem: LogSumExp, digits: int, order: int) -> EnclosedMoments:
    """Return p_k for exponents that do not depend on q."""
    shape = (problem.components, problem.terms)
    with ctx.workprec(int(4 * digits) + 128):
        top = max(problem.constants, default=fmpq(0))
        terms = [arb(w) * arb(problem.constant(k) - top).exp() for k, w in enumerate(problem.weights)]
        total = sum(terms, arb(0))
        p = np.array([[term / total for term in terms]] * shape[0], dtype=object)
    second = np.empty((*shape, 0, 0), dtype=object) if order == 2 else None
    return EnclosedMoments(p, np.empty((*shape, 0), dtype=object), second, 64, True)


def _trivial(problem: LogSumExp, order: int) -> EnclosedMoments:
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
