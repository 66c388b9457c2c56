"""Adaptive Gauss–Legendre cells for log-sum-exp values in one or two dimensions, with a-priori bounds.

One integral over q serves all components: E F(q) = ∫ p(q) F(q) dq, p = Σ_j v_j N(m_j, H_j), F = log Σ_k w_k e^{ℓ_k}.
Where logits are steep or curved a lattice must be fine everywhere; cells are fine only where components compete and p
is not negligible.

Bound (one axis, the other real in its interval). On [−1, 1] the N-point rule errs by at most
(64/15) B r^{−2(N−1)} / (1 − r^{−2}) for f analytic in the ellipse with foci ±1 and semi-axes (r ± 1/r)/2, |f| ≤ B
there (Trefethen, Approximation Theory and Approximation Practice, Theorem 19.3). B comes from ball arithmetic on the
box round the ellipse, with F = ℓ_s + log Σ_k w_k e^{ℓ_k − ℓ_s} for the largest logit ℓ_s at the middle: analytic when
the sum's real part is positive on the box. A cell where that fails, or that would need too many nodes, is halved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from flint import acb, arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.lattice import slowness, tails
from thmverify.integrate.problem import LogSumExp

Nodes: TypeAlias = Sequence[tuple[arb, arb]]  # with their weights

_R = 2  # of the ellipse: small ellipses waste little on the box around them
_MOST_NODES = 80  # on one axis of a cell
_MOST_CELLS = 20_000
_SMALL = 40.0  # nats that F may be small by
_SLACK = 10.0  # nats, of what is known not to be reached
_NODE = 1.2  # what a node of a component costs, in microseconds
_BOUND_BITS = 64  # bounds need no more, whatever the precision of the sums


@dataclass(frozen=True)
class _Form:
    """The quadratic function α + β·q + ½ qᵀγq; α, β, γ in balls. Forms of one γ have the same balls there."""

    alpha: arb
    beta: tuple[arb, ...]
    gamma: tuple[tuple[arb, ...], ...]

    def at(self, middle: Sequence[arb]) -> _Form:
        """Return the same function of the offset from `middle`, which keeps ball evaluation tight."""
        axes = range(len(middle))
        bent = [sum((self.gamma[i][m] * middle[m] for m in axes), arb(0)) for i in axes]
        alpha = self.alpha + sum((middle[i] * (self.beta[i] + bent[i] / 2) for i in axes), arb(0))
        return _Form(alpha, tuple(self.beta[i] + bent[i] for i in axes), self.gamma)

    def minus(self, other: _Form) -> _Form:
        """Return the difference of two forms, exactly linear where both have one γ."""
        alike = self.gamma == other.gamma
        beta = tuple(x - y for x, y in zip(self.beta, other.beta, strict=True))
        gamma = tuple(
            tuple(arb(0) if alike else x - y for x, y in zip(a, b, strict=True))
            for a, b in zip(self.gamma, other.gamma, strict=True)
        )
        return _Form(self.alpha - other.alpha, beta, gamma)

    @property
    def is_linear(self) -> bool:
        """Whether γ is 0, exactly."""
        return all(x == 0 for row in self.gamma for x in row)

    def over(self, offset: Sequence[acb]) -> acb:
        """Return the value on a box of offsets."""
        axes = range(len(offset))
        total = acb(self.alpha)
        for i in axes:
            bent = sum((offset[m] * self.gamma[i][m] for m in axes if m != i), acb(0)) / 2
            total += offset[i] * (self.beta[i] + bent) + offset[i] ** 2 * (self.gamma[i][i] / 2)
        return total


@dataclass(frozen=True)
class _Integrand:
    """p and F as forms: log of v_j N(m_j, H_j) for each j, and log w_k + ℓ_k for each k."""

    densities: tuple[_Form, ...]
    logits: tuple[_Form, ...]


@dataclass(frozen=True)
class Cell:
    """A box, the components that matter on it, and its number of nodes on each axis (0: negligible altogether).

    error: a bound, exact, of all that the sum over its nodes leaves out.
    """

    middle: tuple[fmpq, ...]
    half: tuple[fmpq, ...]
    densities: tuple[int, ...]
    logits: tuple[int, ...]
    reference: int
    nodes: tuple[int, ...]
    error: arb


@dataclass(frozen=True)
class Plan:
    """Cells that cover all of the box, and what their evaluation costs in microseconds."""

    cells: tuple[Cell, ...]
    outside: arb
    cost: float


def _integrand(problem: LogSumExp) -> _Integrand:
    """Return the forms at the working precision."""
    densities, logits = [], []
    known: dict[tuple[fmpq, ...], tuple[tuple[arb, ...], ...]] = {}

    def form(alpha: arb, beta: fmpq_mat, gamma: fmpq_mat) -> _Form:
        balls = known.setdefault(tuple(gamma.entries()), tuple(tuple(arb(x) for x in row) for row in gamma.tolist()))
        return _Form(alpha, tuple(arb(x) for x in beta.entries()), balls)

    for j, w in enumerate(problem.shares):
        H, m = problem.covariance(j), problem.centre(j)
        P = H.inv()
        pull = P * m
        scale = arb(w).log() - arb(H.det()).log() / 2 - (2 * arb.pi()).log() * problem.dimension / 2
        densities.append(form(scale - arb(exact.inner(pull, m)) / 2, pull, -P))
    for k, w in enumerate(problem.weights):
        alpha = arb(w).log() + arb(problem.constant(k))
        logits.append(form(alpha, problem.slope(k), problem.curvature(k)))
    return _Integrand(tuple(densities), tuple(logits))


def plan_cells(problem: LogSumExp, nats: float) -> Plan | None:
    """Return cells whose errors sum to about e^{−nats}, or None when too many, or numbers beyond floats, are needed.

    Every bound in it is rigorous whatever `nats` is. More nats than the most nodes gain on the share of a cell, and
    some for an F that is small, are not tried, and none for an F that is as large: all cells would be halved until
    there are too many.
    """
    most = 2 * math.log(_R) * _MOST_NODES + math.log(_MOST_CELLS)
    if nats > most + _SMALL:
        return None
    with ctx.workprec(_BOUND_BITS):
        try:
            size = _least(problem)
            if size > 1 and nats + float(size.log()) > most + _SLACK:
                return None
            return _subdivide(problem, nats)
        except OverflowError:
            return None


def _least(problem: LogSumExp) -> arb:
    """Return about the largest E ℓ_k + log w_k, which E F is at least."""
    found = arb("-inf")
    for k, w in enumerate(problem.weights):
        mean, curvature = problem.constant(k), problem.curvature(k)
        for j, share in enumerate(problem.shares):
            m = problem.centre(j)
            bent = exact.inner(curvature * m, m) + exact.trace(curvature * problem.covariance(j))
            mean += share * (exact.inner(problem.slope(k), m) + bent / 2)
        found = found.max(arb(mean) + arb(w).log())
    return found


def _subdivide(problem: LogSumExp, nats: float) -> Plan | None:
    integrand = _integrand(problem)
    radius = math.sqrt(2 * nats) + 0.5
    ends = [_span(problem, i, radius) for i in range(problem.dimension)]
    start = tuple((lo + hi) / 2 for lo, hi in ends), tuple((hi - lo) / 2 for lo, hi in ends)
    goal = (-arb(nats)).exp() / 200
    stack, cells, cost = [start], [], 0.0
    while stack:
        middle, half = stack.pop()
        cell = _fit(integrand, middle, half, goal)
        if isinstance(cell, Cell):
            cells.append(cell)
            cost += _NODE * math.prod(cell.nodes) * (len(cell.densities) + len(cell.logits))
            continue
        if len(stack) + len(cells) > _MOST_CELLS:
            return None
        axis = cell
        for sign in (-1, 1):
            shifted, smaller = list(middle), list(half)
            smaller[axis] = half[axis] / 2
            shifted[axis] = middle[axis] + smaller[axis] * sign
            stack.append((tuple(shifted), tuple(smaller)))
    return Plan(tuple(cells), _outside(problem, ends), cost * slowness(nats))


def _span(problem: LogSumExp, i: int, radius: float) -> tuple[fmpq, fmpq]:
    """Return the ends of the box on axis i: every component's mean ± radius standard deviations, rounded."""
    reach = [
        (float(exact.to_fraction(problem.centres[i, j])), math.sqrt(exact.to_fraction(problem.covariance(j)[i, i])))
        for j in range(problem.components)
    ]
    lo, hi = min(m - radius * s for m, s in reach), max(m + radius * s for m, s in reach)
    return fmpq(math.floor(lo * 64), 64), fmpq(math.ceil(hi * 64), 64)


def _outside(problem: LogSumExp, ends: Sequence[tuple[fmpq, fmpq]]) -> arb:
    """Return a bound of the integral of p|F| outside the box.

    With v_i = (q_i − m_ji)/√H_j,ii, |v_i| > R_i somewhere. For R ≥ 1 both E[v_l²; |v_i| > R] and P(|v_i| > R) are at
    most τ = E[v²; |v| > R], |v| ≤ (1 + v²)/2, and |F| ≤ max_k |ℓ_k| is at most quadratic in v.
    """
    axes, total = range(problem.dimension), arb(0)
    for j, w in enumerate(problem.shares):
        m = problem.centre(j)
        deviations = [arb(problem.covariance(j)[i, i]).sqrt() for i in axes]
        size = arb(0)
        for k in range(problem.terms):
            tilt = problem.slope(k) + problem.curvature(k) * m
            level = abs(arb(exact.inner(problem.slope(k) + tilt, m)) / 2 + arb(problem.constant(k)))
            for i in axes:
                level += abs(arb(tilt[i, 0])) * deviations[i]
                bends = (abs(arb(problem.curvature(k)[i, n])) * deviations[n] for n in axes)
                level += deviations[i] * sum(bends, arb(0)) / 2
            size = size.max(level)
        for i in axes:
            lo, hi = ends[i]
            R = ((m[i, 0] - lo) / deviations[i]).min((hi - m[i, 0]) / deviations[i])
            total += arb(w) * size * tails(R)[2] if R >= 1 else arb("inf")
    return total.upper()


def _box(half: Sequence[fmpq], complexified: int | None) -> list[acb]:
    """Return the box of offsets, real, or with the ellipse's box on one axis."""
    r = arb(_R)
    box = []
    for i, h in enumerate(half):
        if i == complexified:
            box.append(acb(arb(0, arb(h) * (r + 1 / r) / 2), arb(0, arb(h) * (r - 1 / r) / 2)))
        else:
            box.append(acb(arb(0, arb(h))))
    return box


def _fit(integrand: _Integrand, middle: tuple[fmpq, ...], half: tuple[fmpq, ...], goal: arb) -> Cell | int:
    """Return the finished cell, or the axis along which it must be halved."""
    centre = [arb(x) for x in middle]
    densities = [form.at(centre) for form in integrand.densities]
    logits = [form.at(centre) for form in integrand.logits]
    reference = max(range(len(logits)), key=lambda k: float(logits[k].alpha))
    area = math.prod((arb(2 * h) for h in half), start=arb(1))
    real = _box(half, None)
    # |F| ≤ max_k |log w_k + ℓ_k| + log K
    size = sum((_modulus(form.over(real)) for form in logits), arb(len(logits)).log())
    weight = [form.over(real).real.exp().upper() * area for form in densities]
    kept, dropped = _keep(weight, goal / (size * 8 * len(weight)))
    error = dropped * size
    if not kept:
        return Cell(middle, half, (), (), reference, (0,) * len(half), error.upper())
    mass = sum((weight[j] for j in kept), arb(0)).min(arb(1))
    above = [form.minus(logits[reference]) for form in logits]
    shares = [form.over(real).real.exp().upper() for form in above]
    rivals, ignored = _keep(shares, goal / (mass * 8 * len(shares)), always=reference)
    error += ignored * mass  # 0 ≤ log(1 + x) ≤ x
    nodes, rising = [], [above[k] for k in rivals]
    for axis in range(len(half)):
        bound = _bound([densities[j] for j in kept], logits[reference], rising, _box(half, axis))
        count = _node_count(bound * area, goal / (4 * len(half)))
        if count is None:
            return _steepest_axis(rising, half) if len(half) > 1 else 0
        nodes.append(count)
        error += _rule_error(bound * area, count)
    return Cell(middle, half, kept, rivals, reference, tuple(nodes), error.upper())


def _modulus(z: acb) -> arb:
    return z.abs_upper()


def _keep(sizes: Sequence[arb], least: arb, always: int | None = None) -> tuple[tuple[int, ...], arb]:
    """Return the indices whose size is not certainly below `least`, and the total size of the others."""
    kept, dropped = [], arb(0)
    for i, size in enumerate(sizes):
        if i != always and size < least:
            dropped += size
        else:
            kept.append(i)
    return tuple(kept), dropped


def _steepest_axis(rising: Sequence[_Form], half: Sequence[fmpq]) -> int:
    """Return the axis along which the rivals' logits rise most above the largest over the cell, or the longest one."""
    rates = []
    for axis, h in enumerate(half):
        width = float(exact.to_fraction(h))
        steep = (abs(float(form.beta[axis])) + abs(float(form.gamma[axis][axis])) * width for form in rising)
        rates.append(width * (1 + max(steep)))
    return max(range(len(half)), key=lambda axis: rates[axis])


def _bound(densities: Sequence[_Form], top: _Form, rising: Sequence[_Form], box: Sequence[acb]) -> arb:
    """Return a bound of |p F| on the box; infinite when F is not seen to be analytic there."""
    total = sum((form.over(box).exp() for form in rising), acb(0))
    if not total.real > 0:
        return arb("inf")
    p = sum((_modulus(form.over(box).exp()) for form in densities), arb(0))
    return (p * (_modulus(top.over(box)) + _modulus(total.log()))).upper()


def _rule_error(bound: arb, count: int) -> arb:
    """Return the bound of one axis's error, `bound` being |f| times the cell's area."""
    r = arb(_R)
    return bound * 64 / 15 * r ** (-2 * (count - 1)) / (1 - r**-2) / 2


def _node_count(bound: arb, goal: arb) -> int | None:
    """Return how many nodes bring the error below the goal, or None when that is too many."""
    if not bound > 0:
        return 2
    excess = (_rule_error(bound, 1) / goal).log()
    if not excess.is_finite():
        return None
    count = max(2, 2 + math.ceil(float(excess) / (2 * math.log(_R))))
    return count if count <= _MOST_NODES else None


@lru_cache(maxsize=512)
def _rule(count: int, bits: int) -> tuple[tuple[arb, arb], ...]:
    """Return the nodes and weights of the Gauss–Legendre rule; `bits`, the current precision, is the cache's key."""
    del bits
    return tuple(arb.legendre_p_root(count, i, weight=True) for i in range(count))


def value(problem: LogSumExp, plan: Plan) -> arb:
    """Return a ball around the problem's value, summed over the plan's cells at the working precision."""
    integrand = _integrand(problem)
    total, error = arb(0), plan.outside
    for cell in plan.cells:
        error += cell.error
        if cell.densities:
            total += _cell_sum(integrand, cell)
    return total + arb(0, error.upper())


def _cell_sum(integrand: _Integrand, cell: Cell) -> arb:
    """Return the tensor rule's sum over one cell."""
    centre = [arb(x) for x in cell.middle]
    densities = [integrand.densities[j].at(centre) for j in cell.densities]
    top = integrand.logits[cell.reference].at(centre)
    rivals = [integrand.logits[k].at(centre).minus(top) for k in cell.logits if k != cell.reference]
    axes = [
        [(arb(h) * x, w) for x, w in _rule(count, ctx.prec)] for h, count in zip(cell.half, cell.nodes, strict=True)
    ]
    last = axes[-1]
    if len(axes) == 1:
        return _row_sum(_exponentials(densities, last), _exponentials(rivals, last), top, last) * arb(cell.half[0])
    total = arb(0)
    rows = zip(axes[0], _table(densities, *axes), _table(rivals, *axes), strict=True)
    for (x, w), p, rest in rows:
        total += w * _row_sum(p, rest, _restrict(top, x), last)
    return total * arb(cell.half[0]) * arb(cell.half[1])


def _table(forms: Sequence[_Form], first: Nodes, last: Nodes) -> list[list[arb]]:
    """Return Σ over the forms of two variables of their exponential at each pair of nodes.

    Forms of one γ differ by linear ones, whose exponentials are products of one for each axis.
    """
    if not forms or any(form.gamma != forms[0].gamma for form in forms):
        return [_exponentials([_restrict(form, x) for form in forms], last) for x, _ in first]
    linear = forms[0].is_linear
    parts = forms if linear else [form.minus(forms[0]) for form in forms]
    left = arb_mat([[(part.alpha + x * part.beta[0]).exp() for part in parts] for x, _ in first])
    right = arb_mat([[(y * part.beta[1]).exp() for y, _ in last] for part in parts])
    sums: list[list[arb]] = (left * right).tolist()
    if linear:
        return sums
    common = (_exponentials([_restrict(forms[0], x)], last) for x, _ in first)
    return [[x * y for x, y in zip(*rows, strict=True)] for rows in zip(common, sums, strict=True)]


def _restrict(form: _Form, x: arb) -> _Form:
    """Return a form of two variables with the first one fixed."""
    (b0, b1), ((g00, g01), (_, g11)) = form.beta, form.gamma
    return _Form(form.alpha + x * (b0 + x * g00 / 2), (b1 + x * g01,), ((g11,),))


def _row_sum(p: Sequence[arb], rest: Sequence[arb], top: _Form, nodes: Nodes) -> arb:
    """Return Σ w p(y) (ℓ_s(y) + log(1 + Σ_k e^{ℓ_k(y) − ℓ_s(y)})) over the nodes of one axis."""
    a, b, c = top.alpha, top.beta[0], top.gamma[0][0] / 2
    total = arb(0)
    for (y, w), density, others in zip(nodes, p, rest, strict=True):
        total += w * density * (a + y * (b + y * c) + others.log1p())
    return total


def _exponentials(forms: Sequence[_Form], nodes: Nodes) -> list[arb]:
    """Return Σ over the forms of one variable of their exponential at each node."""
    if not forms:
        return [arb(0)] * len(nodes)
    rows = []
    for form in forms:
        a, b, c = form.alpha, form.beta[0], form.gamma[0][0] / 2
        rows.append([(a + y * (b + y * c)).exp() for y, _ in nodes])
    return [sum(column, arb(0)) for column in zip(*rows, strict=True)] if len(rows) > 1 else rows[0]
