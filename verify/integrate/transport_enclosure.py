"""Entropic transport enclosed for maps of rank 1: Sinkhorn's scaling on a lattice, and what it leaves open, in balls.

ρ = 1: q ~ F = Σ_k w_k N(m_k, 1), K(q, p) = e^{yqp}. From points q_i = ih and their masses hF(q_i) comes

    D(q) = Σ_i c_i e^{yq_i q},     c_i = hF(q_i)/D(q_i), nearly,     r(q) = I(q)/D(q),     I(q) = E_p e^{yqp}/D(p),

and u = log D in (1) of `thmverify.integrate.transport`, whatever the c_i > 0 are. With η² = E(r − 1)² ≥ ε², and u ≤
u₀ + s|q| for u₀ = log D(0), s = y max |q_i|,

    2E u − 2η(u₀⁺ + sQ) − 2sE(|q| − Q)⁺ − η + 2η log η ≤ T ≤ 2E u + E r − 1.

*The rule.* Tilted to c_i e^{yq_i x}, the q_i have a variance V(x) ≤ V, and with |v| ≤ a, κ = 1 − ½y²a²V > 0,

    κD(x) ≤ |D(x + iv)| ≤ D(x),   |F(x + iv)| ≤ e^{a²/2}F(x),   |I(x + iv)| ≤ I(x).

So for I, E r and E r² the integrals of the absolute value along the edges are at most e^{a²/2}/κ, e^{a²/2}/κ and
e^{a²/2}/κ² times the integral itself, and the rule of step h errs by at most 2/(e^{2πa/h} − 1) times that. In E u there
is |log D(x + iv)| ≤ |log D(x)| − log κ + ya max |q_i| + π/2.

*V.* (log V)' is at most y(max q_i − min q_i), as a third moment about the mean is at most the range times V. So V(x) is
bounded between points, from its values there. Beyond the last of them it is at most Σ_i c_i(q_i − q_n)² e^{−yx(q_n −
q_i)}/c_n, q_n the last node, which falls.

*What is left out.* D is log-convex: past the last node P, with d = (log D)'(P), F(p)e^{yqp}/D(p) falls faster than
exp(−(p − P)(P − max m + d − yq)). With t = yP − d₀ > 0 and q = P + s, I(q) ≤ E exp(yqp − d₀(p − P₀))/D(P₀), for any P₀,
and E e^{(t + ys)p} ≤ Σ_k w_k e^{tm_k} exp(ys max m + (t + ys)²/2). So r²F is below the exponential of a quadratic
function of q, concave as 2y² < 1. Both tails are then below geometric series.

*The derivative* is E gᵢ(q)gₖ(p) for g(q) = E[x | q], of the best coupling. T − (E_π xᵀMy − KL(π | F × F)) is at least
the KL of π from it, for every coupling π. So the π of (1), which differs from s by at most E r − 1 + 2η in absolute
value, is within √(2w) of it (Pinsker), w the width of the bounds of T. On the line |gᵢ| ≤ Gᵢ + |Xᵢ||q|, and |F gᵢ| ≤
e^{a²/2} F ĝᵢ for |Im| ≤ a, where ĝᵢ = αᵢ + βᵢq², αᵢ = Gᵢ + |Xᵢ|(a + ½), βᵢ = |Xᵢ|/2. What ĝ leaves out is bounded by
Cauchy and Schwarz, from E r² and E ĝ⁴.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from flint import arb, arb_mat, ctx, fmpq
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate.bounds import jensen_bounds
from thmverify.integrate.enclosure import Enclosure, ball_to_interval
from thmverify.integrate.problem import reduce
from thmverify.integrate.transport import Moments, Transport

Found = TypeVar("Found")

_MOST = 900  # nodes
_STEEPEST = fmpq(7, 10)  # y
_KAPPA = 0.35  # of what is lost in a strip
_UNIT = 2**20  # of steps and strips
_RISE, _PAST, _ROUGH = 0.1, 4.0, 96  # of V between points, of tilts past the steepest, and bits for V


def enclose_transport(problem: Transport, digits: int) -> Enclosure:
    """Return an interval around T, of width ≤ 10^−digits · max(1, T) where `reached`; a wide one beyond rank 1."""
    if problem.rank == 0:
        return Enclosure(fmpq(0), fmpq(0))
    note = "the loss with the best key bias is enclosed to many digits at maps of rank 1 alone"
    if problem.rank == 1:
        note = "the map is too steep for the enclosure of the best key bias: its whitened eigenvalue is above 7/10"
        if _mild(problem):
            note = f"{digits} digits of the best key bias take too many nodes"
    made = _with_most_digits(_on_a_line, problem, digits)
    if made is None:
        return Enclosure(*_wide(problem), False, note)
    reached, found = made
    narrow = reached == digits and _narrow(found, digits)
    return Enclosure(*found, narrow, "" if narrow else note)


def enclose_moments(problem: Transport, digits: int) -> Moments:
    """Return balls around E_π xyᵀ, small ones at rank 1; else those of every coupling, whose square is ≤ E x² E y²."""
    d = problem.M.nrows()
    with ctx.workprec(int(4 * digits) + 128):
        if problem.rank == 0:
            return Moments(np.full((d, d), arb(0)))
        sizes = [arb(problem.sigma[i, i] + _second(problem, i)).sqrt() for i in range(d)]
        wide = np.array([[arb(0, (a * b).upper()) for b in sizes] for a in sizes])
    made = _with_most_digits(_moments_on_a_line, problem, digits)
    if made is None:
        return Moments(wide, reached=False)
    reached, found = made
    small = all(x.rad() * arb(10) ** digits <= 1 + abs(x) for x in found.flat)
    return Moments(found, reached=reached == digits and small)


def _mild(problem: Transport) -> bool:
    """Return whether the map is a column that is not too steep for the bounds on a line."""
    return problem.rank == 1 and bool(problem.inner[0, 0] * problem.spread[0, 0] < _STEEPEST)


def _with_most_digits(
    attempt: Callable[[Transport, int], Found | None], problem: Transport, digits: int
) -> tuple[int, Found] | None:
    """Return the most digits, up to these, that nodes suffice for, and what is found; None where there is no bound."""
    for tried in range(digits if _mild(problem) else 0, 0, -1):
        found = attempt(problem, tried)
        if found is not None:
            return tried, found
    return None


def _second(problem: Transport, i: int) -> fmpq:
    return sum((w * problem.means[i, k] ** 2 for k, w in enumerate(problem.weights)), fmpq(0))


def _narrow(interval: tuple[fmpq, fmpq], digits: int) -> bool:
    lower, upper = interval
    return (upper - lower) * fmpq(10) ** digits <= max(abs(lower), abs(upper), fmpq(1))


def _wide(problem: Transport) -> tuple[fmpq, fmpq]:
    """Return bounds from below by a Gaussian coupling within the components, and from above without a bias.

    Labels are independent, and the noise of x and y has the covariance tΣMΣ: E_π xᵀMy = t tr(N²), N = BᵀΣB·Y, and
    −KL = ½ log det(1 − t²N²), for t with tN ≺ 1.
    """
    N = problem.spread * problem.inner
    one = exact.identity(problem.rank)
    steepest = exact.trace(N)  # of all eigenvalues at least the largest
    t = 1 / (1 + steepest)
    mixed = problem.means.transpose()
    slopes, bend = problem.M * mixed.transpose(), problem.M * problem.sigma * problem.M
    K = len(problem.weights)
    reduced = reduce(problem.weights, problem.means, (problem.sigma,), slopes, [bend] * K)
    with ctx.workprec(128):
        least = arb(t * exact.trace(N * N)) + (arb((one - N * t).det()) * arb((one + N * t).det())).log() / 2
        lower = max(fmpq(0), ball_to_interval(least)[0])
        upper = reduced.offset + jensen_bounds(reduced.problem)[1]
    return lower, upper


# -------------------------------------------------------------------------------------------------------------- a line


@dataclass(frozen=True)
class _Law:
    """w, m and y, and e^{−nats} for the errors of the rule."""

    weights: list[arb]
    centres: list[arb]
    y: arb
    nats: float

    def density(self, q: arb) -> arb:
        """Return F(q)."""
        bells = (w * (-(q - m) * (q - m) / 2).exp() for w, m in zip(self.weights, self.centres, strict=True))
        return sum(bells, arb(0)) / (2 * arb.pi()).sqrt()

    def end(self, sign: int) -> arb:
        """Return the largest of the m, or of the −m."""
        return _largest([sign * m for m in self.centres])

    def beyond(self, Q: arb) -> arb:
        """Return a bound of E(|q| − Q)⁺, Q above all |m|: φ(t)/t² bounds that of N(0, 1) beyond t."""
        return sum(
            (
                w * (-(t**2) / 2).exp() / (t**2 * (2 * arb.pi()).sqrt())
                for w, m in zip(self.weights, self.centres, strict=True)
                for t in (Q - m, Q + m)
            ),
            arb(0),
        )


def _on_a_line(problem: Transport, digits: int) -> tuple[fmpq, fmpq] | None:
    """Return an interval with about as many digits; None where that takes too many nodes, or numbers beyond floats."""
    nats = (2 * digits + 6) * math.log(10)
    with ctx.workprec(_bits(nats)):
        found = _solved(problem, nats)
        if found is None:
            return None
        return ball_to_interval(found[1].lower)[0], ball_to_interval(found[1].upper)[1]


def _bits(nats: float) -> int:
    return int(nats / math.log(2)) + 96


def _solved(problem: Transport, nats: float) -> tuple[_Line, _Bounds] | None:
    """Return a lattice and the bounds on it."""
    root = arb(problem.spread[0, 0]).sqrt()
    centres = [arb(t) / root for t in (problem.basis.transpose() * problem.means).entries()]
    law = _Law([arb(w) for w in problem.weights], centres, arb(problem.spread[0, 0] * problem.inner[0, 0]), nats)
    try:
        planned = _planned(law)
        line = None if planned is None else _Line.of(law, *planned)
        bounds = None if line is None else line.bounds()
    except (OverflowError, ValueError):
        return None
    if line is None or bounds is None or not all(x.is_finite() for x in bounds):
        return None
    return line, bounds


def _moments_on_a_line(problem: Transport, digits: int) -> Any:
    """Return balls around E_π xyᵀ (d × d) of about as many digits; None as above."""
    try:
        nats = (
            4 * (digits * math.log(10) + math.log(_largest_outer(problem, digits))) + 16
        )  # the root halves those of T
    except (OverflowError, ValueError):
        return None
    with ctx.workprec(_bits(nats)):
        found = _solved(problem, nats)
        if found is None:
            return None
        line, bounds = found
        root = arb(problem.spread[0, 0]).sqrt()
        lift = [arb(x) / root for x in (problem.sigma * problem.basis).entries()]
        rows = [
            _Lifted.of(line, bounds, [arb(x) for x in row], X)
            for row, X in zip(problem.means.tolist(), lift, strict=True)
        ]
        parts = arb_mat([row.values for row in rows])
        middle = (parts * line.kernel * parts.transpose()).tolist()
        return np.array(
            [
                [x + arb(0, one.apart(two, line, bounds).upper()) for x, two in zip(row, rows, strict=True)]
                for one, row in zip(rows, middle, strict=True)
            ]
        )


def _largest_outer(problem: Transport, digits: int) -> float:
    """Return about what |gᵢgₖ| comes to at the end of the nodes, 1 at least."""
    root = math.sqrt(exact.to_float(problem.spread[0, 0]))
    X = np.abs(exact.to_floats(problem.sigma * problem.basis)) / root
    centres = np.abs(exact.to_floats(problem.basis.transpose() * problem.means)) / root
    reach = math.sqrt(8 * (digits + 3) * math.log(10))
    return max(1.0, float((np.abs(exact.to_floats(problem.means)) + X * (centres + reach)).max()) ** 2)


def _planned(law: _Law) -> tuple[fmpq, range] | None:
    """Return a step and the numbers of nodes; V is that of F/D, by Brascamp and Lieb at most 1 + (max m − min m)²/4."""
    places, steep = [float(m.mid()) for m in law.centres], float(law.y.mid())
    low, high = min(places), max(places)
    a = _width(steep, 1 + (high - low) ** 2 / 4, law.nats)
    step = 2 * math.pi * a / (law.nats + a * a / 2 + 4)
    reach = math.sqrt(2 * law.nats) + 1
    h, first, last = fmpq(int(step * _UNIT), _UNIT), math.floor((low - reach) / step), math.ceil((high + reach) / step)
    return None if h == 0 or last - first >= _MOST else (h, range(first, last + 1))


def _width(steep: float, V: float, nats: float) -> float:
    """Return a strip's a: what leaves κ, and no more than is best for normal laws."""
    widest = math.sqrt(2 * nats)
    return min(widest, math.sqrt(2 * (1 - _KAPPA) / V) / steep) if steep > 0 else widest


@dataclass(frozen=True)
class _Line:
    """Nodes q with the step h, their masses hF(q), c, e^{yqp} for pairs of them, D(q), and (log D)'(q)."""

    law: _Law
    h: arb
    q: list[arb]
    masses: list[arb]
    c: list[arb]
    kernel: arb_mat
    D: list[arb]
    slopes: list[arb]

    @classmethod
    def of(cls, law: _Law, h: fmpq, numbers: range) -> _Line:
        """Return the lattice with the c that Sinkhorn's scaling comes to."""
        q = [arb(h * j) for j in numbers]
        masses = [law.density(x) * arb(h) for x in q]
        kernel, y = [], law.y
        for x in q:
            row, ratio = [(y * x * q[0]).exp()], (y * x * arb(h)).exp()
            for _ in q[1:]:
                row.append(row[-1] * ratio)
            kernel.append(row)
        K = arb_mat(kernel)
        near = [x.mid() for x in masses]
        D = _scaled(law, q, K.mid(), near)
        c = [(x / z).mid() for x, z in zip(near, D, strict=True)]
        return cls.at(law, arb(h), q, masses, c, K)

    @classmethod
    def at(cls, law: _Law, h: arb, q: list[arb], masses: list[arb], c: list[arb], kernel: arb_mat) -> _Line:
        """Return the lattice with other c > 0."""
        D = (kernel * _column(c)).entries()
        first = (kernel * _column([x * z for x, z in zip(c, q, strict=True)])).entries()
        return cls(law, h, q, masses, c, kernel, D, [law.y * x / z for x, z in zip(first, D, strict=True)])

    def variance(self) -> arb:
        """Return V, a bound of the variance of the q_i tilted to c_i e^{zq_i}, for every z."""
        width = self.q[-1] - self.q[0]
        step = fmpq(int(_RISE * 2 / float(width) * _UNIT), _UNIT)
        logs = [x.log() for x in self.c]
        steepest = max(float((logs[0] - logs[1]).mid()), float((logs[-1] - logs[-2]).mid()), key=abs)
        count = math.ceil((abs(steepest) / float(self.h) + _PAST) / float(exact.to_fraction(step)))
        sums = self._tilted(step, count)
        between = _largest([s / n - m / n * m / n for n, m, s in sums]) * (width * arb(step) / 2).exp()
        return _largest([between, *(self._past(arb(step * count), i) for i in (0, -1))])

    def _tilted(self, step: fmpq, count: int) -> Iterator[tuple[arb, arb, arb]]:
        """Yield Σ_i c_i q_iᵏ e^{zq_i} for k ≤ 2, at multiples z of the step, from −count to count and a few beyond.

        z is a coarse step and a fine one, so that one product of matrices has all sums.
        """
        side = math.isqrt(count) + 1
        coarse = [[(arb(step * side * j) * q).exp() for q in self.q] for j in range(-side, side)]
        fine = [[x * (arb(step * j) * q).exp() for j in range(side)] for x, q in zip(self.c, self.q, strict=True)]
        moments = [[x * power for power in (1, q, q * q) for x in row] for row, q in zip(fine, self.q, strict=True)]
        for row in (arb_mat(coarse) * arb_mat(moments)).tolist():
            yield from zip(row[:side], row[side : 2 * side], row[2 * side :], strict=True)

    def _past(self, z: arb, end: int) -> arb:
        """Return Σ_i c_i (q_i − q_n)² e^{−z|q_n − q_i|} / c_n for the last node at an end."""
        last = self.q[end]
        gaps = [abs(q - last) for q in self.q]
        terms = (x * gap * gap * (-z * gap).exp() for x, gap in zip(self.c, gaps, strict=True))
        return sum(terms, arb(0)) / self.c[end]

    def bounds(self) -> _Bounds | None:
        """Return bounds of T; None where nodes are too few for any."""
        law, h = self.law, self.h
        with ctx.workprec(_ROUGH):
            V = self.variance()
        a = arb(fmpq(int(_width(float(law.y), float(V), law.nats) * _UNIT), _UNIT))
        kappa = 1 - (law.y * a) ** 2 * V / 2
        rule = 2 / ((2 * arb.pi() * a / h).exp() - 1) * (a**2 / 2).exp()
        off = rule / kappa
        if not (kappa > 0 and off / kappa < 1):
            return None
        ends = [_End.of(self, sign) for sign in (1, -1)]
        if not all(end.falls for end in ends):
            return None
        sums = (self.kernel * _column([x / z for x, z in zip(self.masses, self.D, strict=True)])).entries()
        r = [x / z for x, z in zip(sums, self.D, strict=True)]
        more = [
            (x + left + right) / z for x, z, right, left in zip(sums, self.D, *(e.inner for e in ends), strict=True)
        ]
        least = _dot(self.masses, r) / (1 + off) ** 2
        tails = sum((end.squares for end in ends), arb(0))
        bare = sum((end.mass for end in ends), arb(0))
        first = (_dot(self.masses, more) / (1 - off) + (bare + tails) / 2) / (1 - off)
        second = (_dot(self.masses, [x * x for x in more]) / (1 - off) ** 2 + tails) / (1 - off / kappa)
        eta = _positive(second - 2 * least + 1).sqrt()
        if not eta < arb(fmpq(1, 2)):
            return None
        furthest = _largest([abs(self.q[0]), abs(self.q[-1])])
        s, zero = law.y * furthest, abs(sum(self.c, arb(0)).log())
        deviation = (1 + sum((w * m * m for w, m in zip(law.weights, law.centres, strict=True)), arb(0))).sqrt()
        strip = zero + s * deviation - kappa.log() + s * a + arb.pi() / 2
        slack = rule * strip + sum((end.linear(zero, s) for end in ends), arb(0))
        mean = 2 * _dot(self.masses, [x.log() for x in self.D]) + arb(0, (2 * slack).upper())
        Q = _largest([abs(m) for m in law.centres]) + arb(int(law.nats)).sqrt()
        lost = eta * (2 * zero + 2 * s * Q + 1 - 2 * eta.log()) + 2 * s * law.beyond(Q)
        return _Bounds(mean - lost, mean + first - 1, eta, _positive(first - 1), second, a, off, kappa)


class _Bounds(NamedTuple):
    """Bounds of T, of η, of E r − 1 and of E r²; a, what the rule errs by relative to an integral, and κ."""

    lower: arb
    upper: arb
    eta: arb
    excess: arb
    second: arb
    a: arb
    off: arb
    kappa: arb


class _Lifted(NamedTuple):
    """A coordinate gᵢ of E[x | q]: hF gᵢ/D at the nodes; Gᵢ, |Xᵢ|, and bounds of E ĝ⁴, Σ hFĝ⁴ beyond them, E |g|⁸."""

    values: list[arb]
    level: arb
    slope: arb
    fourth: arb
    beyond: arb
    eighth: arb

    @classmethod
    def of(cls, line: _Line, bounds: _Bounds, means: Sequence[arb], X: arb) -> _Lifted:
        """Return that of the coordinate with these means of components, and this slope of E[x | q] in each."""
        law = line.law
        values = []
        for q, D in zip(line.q, line.D, strict=True):
            bells = [
                w * (-(q - m) * (q - m) / 2).exp() * (nu + X * (q - m))
                for w, m, nu in zip(law.weights, law.centres, means, strict=True)
            ]
            values.append(sum(bells, arb(0)) * line.h / (2 * arb.pi()).sqrt() / D)
        level = _largest([abs(nu - X * m) for nu, m in zip(means, law.centres, strict=True)])
        slope = abs(X)
        alpha, beta = level + slope * (bounds.a + arb(fmpq(1, 2))), slope / 2
        eight = 128 * sum((w * (m**8 + 105) for w, m in zip(law.weights, law.centres, strict=True)), arb(0))  # ≥ E q⁸
        beyond = arb(0)
        for sign in (1, -1):
            last, mass = (sign * line.q[-1], line.masses[-1]) if sign == 1 else (-line.q[0], line.masses[0])
            rate = last - law.end(sign) - 8 / last  # ĝ(Q + t) ≤ ĝ(Q)e^{2t/Q}
            size = mass * (alpha + beta * last**2) ** 4 / ((line.h * rate).exp() - 1)
            beyond += size if last > 0 and rate > 0 else arb(0, "inf")
        fourth = 8 * (alpha**4 + beta**4 * eight)
        return cls(values, level, slope, fourth, beyond, 128 * (level**8 + slope**8 * eight))

    def apart(self, other: _Lifted, line: _Line, bounds: _Bounds) -> arb:
        """Return what Σ hF gᵢ/D · K · hF gₖ/D may be off from the best coupling's E gᵢgₖ."""
        off, second, law = bounds.off, bounds.second, line.law
        wider = 1 + bounds.a / 2
        root = second.sqrt()
        rule = off * (2 + off * wider) * root * (self.fourth.sqrt() + other.fourth.sqrt()) / 2
        sums = (1 + off) * ((1 + off / bounds.kappa) * second).sqrt()
        whole = [((1 + off * wider**4) * x.fourth).sqrt() for x in (self, other)]
        outside = [x.beyond.sqrt() for x in (self, other)]
        tails = sums * ((outside[0] * whole[1]).sqrt() + (outside[1] * whole[0]).sqrt())
        Q = _largest([abs(m) for m in law.centres]) + (2 * arb(math.ceil(law.nats))).sqrt()
        most = _largest([x.level + x.slope * Q for x in (self, other)]) ** 2
        rare = 2 * (-arb(math.ceil(law.nats))).exp()  # ≥ P(|q| > Q)
        far = sum((x.eighth.sqrt().sqrt() * (rare.sqrt() + root * rare.sqrt().sqrt()) for x in (self, other)), arb(0))
        total = bounds.excess + 2 * bounds.eta + (2 * _positive(bounds.upper - bounds.lower)).sqrt()
        return rule + tails + most * total + far


class _End(NamedTuple):
    """What lies beyond the last node on one side; the others are reflected.

    inner: bounds of what the sum for I(q_j) leaves out, for each j. squares, mass: of those for E r² and of F.
    linear: (u₀, s) ↦ that of F·(u₀ + s|q|). falls: whether all these are bounds.
    """

    inner: list[arb]
    squares: arb
    mass: arb
    linear: Callable[[arb, arb], arb]
    falls: bool

    @classmethod
    def of(cls, line: _Line, sign: int) -> _End:
        """Return that of the right, for the sign 1, or of the left, for −1."""
        law, h, y = line.law, line.h, line.law.y
        q, D, slopes = ([x * n for x in part][::sign] for part, n in ((line.q, sign), (line.D, 1), (line.slopes, sign)))
        masses, edge = line.masses[::sign], line.kernel.tolist()[-1 if sign == 1 else 0][::sign]
        last, top = q[-1], law.end(sign)
        room = last - top
        rates = [room + slopes[-1] - y * x for x in q]
        inner = [masses[-1] * e / D[-1] / ((h * x).exp() - 1) for e, x in zip(edge, rates, strict=True)]
        shares = [m * e / z for m, e, z in zip(masses, edge, D, strict=True)]
        tilted = float((_dot(shares, q) / sum(shares, arb(0))).mid())
        at = min(range(len(q)), key=lambda j: abs(float(q[j]) - tilted))
        pull = y * last - slopes[at]
        far = sum((w * (sign * pull * m).exp() for w, m in zip(law.weights, law.centres, strict=True)), arb(0))
        log_r = slopes[at] * q[at] - D[at].log() + far.log() + pull * pull / 2 - D[-1].log()
        rate = room - 2 * (y * top + y * pull - slopes[-1])
        squares = masses[-1] * (2 * log_r).exp() / ((h * rate).exp() - 1)
        falls = bool(room > 0 and pull > 0 and rate > 0 and 2 * y * y < 1 and all(x > 0 for x in rates))

        def linear(zero: arb, s: arb) -> arb:
            x = (-h * room).exp()
            return masses[-1] * x * ((zero + s * abs(last)) / (1 - x) + s * h / (1 - x) ** 2)

        mass = masses[-1] / ((h * room).exp() - 1)
        return cls(inner[::sign], squares, mass, linear, falls)


def _scaled(law: _Law, q: list[arb], kernel: arb_mat, masses: list[arb]) -> list[arb]:
    """Return D with D_i = Σ_j K_ij m_j/D_j, about: Sinkhorn's scaling, then Newton's method for log D.

    Its matrix I + P, P stochastic, has eigenvalues between 1 and 2; in floats it adds their digits with each step.
    """
    D = [arb(1)] * len(q)
    scores = float(law.y.mid()) * np.outer(_floats(q), _floats(q))
    for _ in range(int(law.nats / 2 / math.log(2)) + 12):
        shares = [x / z for x, z in zip(masses, D, strict=True)]
        there = (kernel * _column(shares)).entries()
        excess = _floats([(x / z).log() for x, z in zip(there, D, strict=True)])
        P = np.exp(scores + _floats([x.log() for x in shares]) - _floats([x.log() for x in there])[:, None])
        near = np.abs(excess).max() <= 1
        step = np.asarray(np.linalg.solve(np.eye(len(q)) + P, excess) if near else excess / 2)
        D = [(z * arb(x).exp()).mid() for x, z in zip(step.tolist(), D, strict=True)]
        if np.abs(excess).max() < math.exp(-law.nats / 2) / 2**12:
            break
    return D


def _floats(x: Sequence[arb]) -> NDArray[np.float64]:
    return np.array([float(z.mid()) for z in x])


def _column(x: Sequence[arb]) -> arb_mat:
    return arb_mat([[z] for z in x])


def _dot(x: Sequence[arb], z: Sequence[arb]) -> arb:
    return sum((a * b for a, b in zip(x, z, strict=True)), arb(0))


def _largest(x: Sequence[arb]) -> arb:
    """Return an upper bound of all."""
    found = x[0].upper()
    for z in x[1:]:
        found = found.max(z.upper())
    return found


def _positive(x: arb) -> arb:
    """Return an upper bound > 0."""
    return x.upper().max(arb(2) ** (-2 * ctx.prec))
