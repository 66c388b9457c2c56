"""The trapezoidal rule for log-sum-exp integrals, with an a-priori error bound in ball arithmetic.

A `Window` is a box of R^ρ and the whitened coordinates s in which the components it serves are N(c_j, I). On it

    value_j = ∫ φ(s − c_j) F(s) ds,   F(s) = log Σ_k w_k exp(ℓ_k(s)),   ℓ_k(s) = β_k + a_k·s + ½ sᵀC_k s,

is replaced by a sum over the lattice h_1 Z × … × h_ρ Z inside the box, whose ends are half-way between nodes.

Lemma (one axis, the others real and inside the box). Let f = φ(s_i − c) g be analytic in |Im s_i| ≤ a,
lo ≤ Re s_i ≤ hi. The sum is a contour integral round this rectangle; what is left of it when the integral is taken off
has the kernel 1/(e^{∓2πiz/h} − 1). On the two long sides |φ(s + ia)| = e^{a²/2} φ(s): they give at most
2 e^{a²/2} sup|g| / (e^{2πa/h} − 1). On the four half short sides, at a distance ≥ R from c and half-way between nodes,
the kernel is 1/(1 + e^{2πy/h}) and |φ(R + iy)| = e^{y²/2} φ(R) ≤ e^{ay/2} φ(R): they give at most
4 φ(R) sup|g| / (2π/h − a/2), if 2π/h > a/2.

On the box so thickened the phases of the K terms spread by
θ = a · max_{k,l} |∂_i(ℓ_k − ℓ_l)|, and while θ < π the sum keeps within an angle θ/2 of its mean phase, so that
  |F| ≤ max_k |ℓ_k| + ½a² max_k |C_k,ii| + log sec(θ/2) + a max_k |∂_i ℓ_k|.
Summing the lemma over the axes (each with the others summed or integrated) bounds the rule; Gaussian tails bound what
lies outside the box.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from flint import arb, arb_mat, fmpq_mat

from thmverify.integrate.problem import LogSumExp
from thmverify.kernel.linear import cholesky

Interval: TypeAlias = tuple[float, float]

_ROWS = 256  # lattice rows held in memory at once
_PHASE = 0.96  # the spread θ as a part of π: near 1 the strip is wide, but sec(θ/2) grows


@dataclass(frozen=True)
class Axis:
    """Nodes h·(first + n), 0 ≤ n < count, and the half-width a of the strip."""

    h: arb
    first: int
    count: int
    a: arb

    @property
    def nodes(self) -> list[arb]:
        """The nodes."""
        return [self.h * (self.first + n) for n in range(self.count)]

    @property
    def ends(self) -> tuple[arb, arb]:
        """The ends of the box, half a step outside the first and the last node."""
        return self.h * (self.first - arb(0.5)), self.h * (self.first + self.count - arb(0.5))


@dataclass(frozen=True)
class Window:
    """Some components of a problem in whitened coordinates: q = origin + L s.

    components: their indices j. centres: c_j, ρ balls each. factor: L. beta: K balls. slopes: K rows a_k of ρ balls.
    curvatures: K matrices C_k as rows of balls, or none when all are 0.
    """

    components: tuple[int, ...]
    weights: tuple[arb, ...]
    centres: tuple[tuple[arb, ...], ...]
    factor: arb_mat
    beta: tuple[arb, ...]
    slopes: tuple[tuple[arb, ...], ...]
    curvatures: tuple[tuple[tuple[arb, ...], ...], ...]

    @property
    def dimension(self) -> int:
        """ρ."""
        return len(self.centres[0])

    def curvature(self, k: int, i: int, l: int) -> arb:
        """C_k,il."""
        return self.curvatures[k][i][l] if self.curvatures else arb(0)


def window(problem: LogSumExp, components: tuple[int, ...], origin: fmpq_mat) -> Window:
    """Return the window of these components, which share a covariance, with its origin at a point of R^ρ.

    Raises Rejected or ZeroDivisionError when the precision is too low for the covariance.
    """
    rho, K = problem.dimension, problem.terms
    L = cholesky(arb_mat(problem.covariance(components[0])))
    o = arb_mat(origin)
    centres, beta, slopes, curvatures = [], [], [], []
    for j in components:
        c = L.solve(arb_mat(problem.centre(j) - origin))
        centres.append(tuple(c[i, 0] for i in range(rho)))
    for k in range(K):
        b, C = arb_mat(problem.slope(k)), arb_mat(problem.curvature(k))
        beta.append((o.transpose() * (b + C * o / 2))[0, 0] + arb(problem.constant(k)))
        a = L.transpose() * (b + C * o)
        slopes.append(tuple(a[i, 0] for i in range(rho)))
        if problem.quadratic:
            whitened = L.transpose() * C * L
            curvatures.append(tuple(tuple(whitened[i, m] for m in range(rho)) for i in range(rho)))
    weights = tuple(arb(w) for w in problem.weights)
    return Window(components, weights, tuple(centres), L, tuple(beta), tuple(slopes), tuple(curvatures))


def _top(values: Sequence[arb]) -> arb:
    """Return an upper bound of every value, exact."""
    best = arb(0)
    for value in values:
        best = best.max(value)
    return best.upper()


def _phase_rate(win: Window, i: int, half_widths: Sequence[arb], middle: Sequence[arb]) -> arb:
    """Return an upper bound of max_{k,l} |∂_i (ℓ_k − ℓ_l)| over the box middle ± half_widths."""
    K, rho = len(win.weights), win.dimension
    if not win.curvatures:
        column = [row[i] for row in win.slopes]
        return (_top(column) + _top([-x for x in column])).upper()  # b_1 = 0 lies between the extremes
    rates = []
    for k, m in itertools.combinations(range(K), 2):
        bend = [win.curvature(k, i, n) - win.curvature(m, i, n) for n in range(rho)]
        centre = win.slopes[k][i] - win.slopes[m][i] + _dot(bend, middle)
        rates.append(abs(centre) + _dot([abs(x) for x in bend], half_widths))
    return _top(rates)


def _dot(a: Sequence[arb], b: Sequence[arb]) -> arb:
    return sum((x * y for x, y in zip(a, b, strict=True)), arb(0))


def choose_axes(win: Window, nats: float) -> list[Axis]:
    """Return a lattice whose error should be about e^{−nats}: an untrusted choice, its bound is computed afterwards."""
    radius = math.sqrt(2 * nats) + 0.5
    spans = [_span(win, i, radius) for i in range(win.dimension)]
    axes = [_axis(win, i, nats, spans, spans) for i in range(win.dimension)]
    if not win.curvatures:
        return axes
    # A box ends at most 1.5 steps beyond its span, where bent logits are steeper still.
    boxes = [(lo - 1.5 * float(axis.h), hi + 1.5 * float(axis.h)) for (lo, hi), axis in zip(spans, axes, strict=True)]
    return [_axis(win, i, nats, spans, boxes) for i in range(win.dimension)]


def _axis(win: Window, i: int, nats: float, spans: Sequence[Interval], boxes: Sequence[Interval]) -> Axis:
    """Return axis i for logits as steep as they are on the boxes, with nodes that cover its span."""
    middle = [arb((lo + hi) / 2) for lo, hi in boxes]
    half_widths = [arb((hi - lo) / 2) for lo, hi in boxes]
    rate = float(_phase_rate(win, i, half_widths, middle))
    a = min(_PHASE * math.pi / rate if rate > 0 else math.inf, math.sqrt(2 * nats))
    h = 2 * math.pi * a / (nats + a * a / 2)
    h, a = dyadic(h), dyadic(a)
    lo, hi = spans[i]
    first, last = math.floor(lo / h), math.ceil(hi / h)
    return Axis(h=arb(h), first=first, count=last - first + 1, a=arb(a))


def slowness(nats: float) -> float:
    """Return how much longer an operation takes at the precision for e^{−nats} than at 256 bits (measured)."""
    return max(1.0, math.pow(nats / math.log(2) / 256, 1.5))


def _span(win: Window, i: int, radius: float) -> Interval:
    coordinates = [float(c[i]) for c in win.centres]
    return min(coordinates) - radius, max(coordinates) + radius


def dyadic(x: float) -> float:
    """Return x rounded down to 16 bits, so that the multiples of a step are exact at every precision in use.

    Raises OverflowError when x has left the range of floats.
    """
    if not 0 < x < math.inf:
        raise OverflowError(f"a step of {x} has left the range of floats")
    mantissa, exponent = math.frexp(x)
    return math.ldexp(math.floor(mantissa * 65536), exponent - 16)


@dataclass(frozen=True)
class Growth:
    """Bounds of one component's logits: |ℓ_k(c_j + u)| ≤ beta + Σ_i slope_i |u_i| + ½ Σ_i bend_i u_i²."""

    beta: arb
    slope: list[arb]
    bend: list[arb]


def growth_of(win: Window, centre: Sequence[arb]) -> Growth:
    K, rho = len(win.weights), win.dimension
    beta: list[arb] = []
    slope: list[list[arb]] = [[] for _ in range(rho)]
    bend: list[list[arb]] = [[] for _ in range(rho)]
    for k in range(K):
        tilt = [_dot([win.curvature(k, i, m) for m in range(rho)], centre) for i in range(rho)]
        beta.append(abs(win.beta[k] + _dot(win.slopes[k], centre) + _dot(tilt, centre) / 2))
        for i in range(rho):
            slope[i].append(abs(win.slopes[k][i] + tilt[i]))
            bend[i].append(sum((abs(win.curvature(k, i, m)) for m in range(rho)), arb(0)))
    return Growth(_top(beta), [_top(x) for x in slope], [_top(x) for x in bend])


def tails(R: arb) -> tuple[arb, arb, arb]:
    """Return ∫_{|u|>R} |u|^n φ(u) du for n = 0, 1, 2."""
    phi = (-R * R / 2).exp() / (2 * arb.pi()).sqrt()
    tail = (R / arb(2).sqrt()).erfc()
    return tail, 2 * phi, 2 * R * phi + tail


def error_bound(win: Window, axes: Sequence[Axis]) -> arb:
    """Return a bound, exact, of the rule's error for each component's value.

    Returns infinity when a strip is too wide for the lemma or the box too small for a component.
    """
    rho = win.dimension
    ends = [axis.ends for axis in axes]
    middle = [(lo + hi) / 2 for lo, hi in ends]
    half = [(hi - lo) / 2 for lo, hi in ends]
    # Σ_n h φ(hn − c) ≤ 1 + h max φ for every offset c, since φ rises and then falls.
    kappa = arb(1)
    for axis in axes:
        kappa = kappa * (1 + axis.h / (2 * arb.pi()).sqrt())
    worst = arb(0)
    for centre in win.centres:
        growth = growth_of(win, centre)
        reach = [half[i] + abs(middle[i] - centre[i]) for i in range(rho)]
        total = arb(0)
        for i, axis in enumerate(axes):
            R = (centre[i] - ends[i][0]).min(ends[i][1] - centre[i])
            theta = axis.a * _phase_rate(win, i, half, middle)
            if not (R > 0 and theta < arb.pi() and 4 * arb.pi() / axis.h > axis.a):
                return arb("inf")
            size = _strip_size(win, growth, reach, i, axis.a, theta)
            rate = 2 * arb.pi() / axis.h
            long_sides = 2 * (axis.a * axis.a / 2).exp() / ((rate * axis.a).exp() - 1)
            short_sides = 4 * (-R * R / 2).exp() / (2 * arb.pi()).sqrt() / (rate - axis.a / 2)
            total += kappa * size * (long_sides + short_sides)
            total += outside(growth, i, tails(R))
        worst = worst.max(total)
    return worst.upper()


def _strip_size(win: Window, growth: Growth, reach: Sequence[arb], i: int, a: arb, theta: arb) -> arb:
    """Return a bound of |F| over the thickened box."""
    rho = win.dimension
    bend = _top([abs(win.curvature(k, i, i)) for k in range(len(win.weights))])
    secant = 1 / (theta / 2).cos()
    along = growth.slope[i] + _dot(
        [_top([abs(win.curvature(k, i, m)) for k in range(len(win.weights))]) for m in range(rho)], reach
    )
    inside = growth.beta + _dot(growth.slope, reach) + _dot(growth.bend, [x * x for x in reach]) / 2
    return inside + a * a * bend / 2 + secant.log() + a * along


def outside(growth: Growth, i: int, tails: tuple[arb, arb, arb]) -> arb:
    """Return a bound of the integral over |u_i| > R, u = s − c_j, of the integrand's absolute value.

    The other coordinates are standard normal: E|u| < 1, E u² = 1.
    """
    t0, t1, t2 = tails
    others = sum(growth.slope, arb(0)) + sum(growth.bend, arb(0)) / 2
    return t0 * (growth.beta + others) + t1 * growth.slope[i] + t2 * growth.bend[i] / 2


@dataclass(frozen=True)
class _Rows:
    """A chunk of lattice rows: all axes but the last are fixed along a row.

    left: rows × K, w_k e^{β_k} and the factors of the outer coordinates. outer: for each row its outer coordinates.
    """

    left: list[list[arb]]
    outer: list[tuple[arb, ...]]


class Lattice:
    """The lattice sums of a window: exponentials factorise over the axes, so each node costs one logarithm."""

    def __init__(self, win: Window, axes: Sequence[Axis]) -> None:
        """Tabulate the factors along each axis."""
        self.win, self.axes = win, axes
        self.K = len(win.weights)
        self.nodes = [axis.nodes for axis in axes]
        self.factors = [self._axis_factors(i) for i in range(win.dimension)]
        self.scale = [w * b.exp() for w, b in zip(win.weights, win.beta, strict=True)]
        self.gauss = [[self._gauss(i, c[i]) for i in range(win.dimension)] for c in win.centres]

    def _axis_factors(self, i: int) -> list[list[arb]]:
        """Return exp(a_ki s + ½ C_k,ii s²) for each k and each node of axis i."""
        table = []
        for k in range(self.K):
            a, c = self.win.slopes[k][i], self.win.curvature(k, i, i) / 2
            table.append([(s * (a + c * s)).exp() for s in self.nodes[i]])
        return table

    def _gauss(self, i: int, c: arb) -> list[arb]:
        """Return h φ(s − c) for each node of axis i."""
        scale = self.axes[i].h / (2 * arb.pi()).sqrt()
        return [scale * (-(s - c) * (s - c) / 2).exp() for s in self.nodes[i]]

    def _chunks(self) -> Iterator[tuple[list[tuple[int, ...]], _Rows]]:
        outer_axes = range(self.win.dimension - 1)
        indices = itertools.product(*(range(self.axes[i].count) for i in outer_axes))
        while chunk := list(itertools.islice(indices, _ROWS)):
            left, outer = [], []
            for index in chunk:
                point = tuple(self.nodes[i][index[i]] for i in outer_axes)
                row = list(self.scale)
                for k in range(self.K):
                    for i in outer_axes:
                        row[k] *= self.factors[i][k][index[i]]
                    row[k] *= self._outer_cross(k, point)
                left.append(row)
                outer.append(point)
            yield chunk, _Rows(left, outer)

    def _outer_cross(self, k: int, point: tuple[arb, ...]) -> arb:
        if not self.win.curvatures or len(point) < 2:
            return arb(1)
        pairs = itertools.combinations(range(len(point)), 2)
        return sum((self.win.curvature(k, i, m) * point[i] * point[m] for i, m in pairs), arb(0)).exp()

    def _right(self, outer: tuple[arb, ...]) -> list[list[arb]]:
        """Return, for each k, the factors along the last axis given the outer coordinates."""
        last = self.win.dimension - 1
        if not self.win.curvatures or not outer:
            return self.factors[last]
        table, axis = [], self.axes[last]
        for k in range(self.K):
            tilt = _dot([self.win.curvature(k, last, i) for i in range(last)], outer)
            ratio = (tilt * axis.h).exp()
            power = (tilt * axis.h * axis.first).exp()
            row = []
            for factor in self.factors[last][k]:
                row.append(factor * power)
                power = power * ratio
            table.append(row)
        return table

    def _totals(self, rows: _Rows) -> list[list[arb]]:
        """Return Σ_k w_k exp(ℓ_k) at every node of the rows."""
        if not self.win.curvatures or self.win.dimension == 1:
            product = arb_mat(rows.left) * arb_mat(self._right(()))
            return product.tolist()
        totals = []
        for left, outer in zip(rows.left, rows.outer, strict=True):
            totals.extend((arb_mat([left]) * arb_mat(self._right(outer))).tolist())
        return totals

    def _row_weight(self, component: int, index: tuple[int, ...]) -> arb:
        weight = arb(1)
        for i, n in enumerate(index):
            weight *= self.gauss[component][i][n]
        return weight

    def values(self) -> list[arb]:
        """Return the lattice sum of log Σ_k w_k exp(ℓ_k) for each component of the window."""
        columns = arb_mat([g[-1] for g in self.gauss]).transpose()
        sums = [arb(0)] * len(self.gauss)
        for chunk, rows in self._chunks():
            logs = arb_mat([[x.log() for x in row] for row in self._totals(rows)])
            along = logs * columns
            for j in range(len(sums)):
                for n, index in enumerate(chunk):
                    sums[j] += along[n, j] * self._row_weight(j, index)
        return sums
