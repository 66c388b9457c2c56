"""Rigorous softplus expectations of scores: the trapezoidal rule on the line, in balls, with an a-priori bound.

The integrands f of `scores` are even in t and analytic in |Im t| < κ, κ the smaller of 1 (the pole of 1/sinh πt) and
1/λ, λ² the largest eigenvalue of GH: at 0 the numerator vanishes with the denominator. For 0 < κ' < κ the rule for

    ∫_0^∞ f(t) dt ≈ h (½ f(0) + f(h) + f(2h) + …)   errs by at most   ½ Σ_± ∫_R |f(s ± iκ')| ds / (e^{2πκ'/h} − 1)

(Trefethen and Weideman, The Exponentially Convergent Trapezoidal Rule, Theorem 5.1). There |χ(s ± iκ')| ≤ E e^{∓κ'z},
|E[g e^{itz}]| ≤ √(E g² · E e^{∓2κ'z}), and |sinh πt|² = sinh² πs + sin² πκ', so that with |t| ≥ κ' for |s| ≤ 1 and
|t| ≥ 1 beyond, ∫ ds/|sinh πt| ≤ 2/sin πκ' + 2τ(1) and ∫ ds/|t sinh πt| ≤ 2/(κ' sin πκ') + 2τ(1), where
∫_T^∞ ds/sinh πs ≤ τ(T) = (2/π) e^{−πT}/(1 − e^{−2πT}). Nodes beyond T add at most τ(T) times the numerator's bound on
the real axis: 2/T for 1 − Re χ over t, √E g² for the moments. On the real axis S(t) ≻ 0, and all is real but a phase.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.enclosure import Enclosure, ball_to_interval
from thmverify.integrate.lattice import dyadic
from thmverify.integrate.scores import Lifts, Pair, ScoreMoments, Scores, lifted, unlifted

_NODES = 200_000
_SHARES = (0.95, 0.85, 0.7, 0.5, 0.3, 0.15, 0.07, 0.03, 0.01, 0.003, 0.001)  # of the strip, tried as κ'

Vector: TypeAlias = list[arb]


def enclose_softplus(problem: Scores, digits: int) -> Enclosure:
    """Return an interval around E softplus(c + pᵀq), of width ≤ 10^−digits · max(1, |value|) where that is reached."""
    with ctx.workprec(int(4 * digits) + 128):
        if problem.dimension == 0:
            total = sum((pair.weight for pair in problem.pairs), fmpq(0))
            return Enclosure(*ball_to_interval(arb(total) * _softplus_at(arb(problem.constant))))
        ball = arb(0)
        try:
            for pair in problem.pairs:
                ball += arb(pair.weight) * _softplus(pair, problem.constant, digits + 2)
        except OverflowError:  # the strip is looked for in floats, which scores as large as this are beyond
            ball = arb("nan")
        if not ball.is_finite():
            return _wide(problem, digits)
        lower, upper = ball_to_interval(ball)
    narrow = (upper - lower) * fmpq(10) ** digits <= max(abs(lower), abs(upper), fmpq(1))
    note = "" if narrow else f"{digits} digits are out of reach for the integral over the scores"
    return Enclosure(lower, upper, narrow, note)


def enclose_score_moments(problem: Scores, digits: int, lifts: Lifts | None = None) -> ScoreMoments:
    """Return balls around the moments of σ = softplus'; wide ones where the scores are too large for the rule.

    X = Y = I without lifts.
    """
    lifts = unlifted(problem) if lifts is None else lifts
    extra = math.ceil(max(0.0, *(2 * math.log10(1 + _size(m)) for sides in lifts for m in sides)))
    rho, P = problem.dimension, len(problem.pairs)
    found = np.empty((P, 1 + 2 * rho + rho * rho), dtype=object)
    with ctx.workprec(int(4 * (digits + extra)) + 128):
        for i, pair in enumerate(problem.pairs):
            found[i] = _moments(pair, problem.constant, digits + extra + 1)
        moments = lifted(found, lifts, _ball_array)
        goal = arb(10) ** -digits
        parts = (moments.zeroth, moments.left, moments.right, moments.both)
        reached = all(bool(x.is_finite() and x.rad() < goal) for part in parts for x in part.flat)
    return replace(moments, reached=reached)


def _size(m: fmpq_mat) -> float:
    return max((abs(float(exact.to_fraction(x))) for x in m.entries()), default=0.0)


def _ball_array(m: fmpq_mat) -> Any:
    return np.array(_balls(m), dtype=object).reshape(m.nrows(), m.ncols())


def _softplus_at(c: arb) -> arb:
    return c.max(arb(0)) + (-abs(c)).exp().log1p()


_STEEP = 10**6


def _wide(problem: Scores, digits: int) -> Enclosure:
    """Return softplus(E z) ≤ E softplus z ≤ log 2 + E z/2 + √(E z²)/2 (convexity; softplus z ≤ log 2 + z₊)."""
    lower = upper = arb(0)
    for pair in problem.pairs:
        mean = arb(problem.constant + pair.mean)
        # softplus c ≥ c₊, and where e^{-|c|} is tiny beyond all exponents that is all that is said.
        lower += arb(pair.weight) * (_softplus_at(mean) if abs(mean) < _STEEP else mean.max(arb(0)))
        upper += arb(pair.weight) * (arb(2).log() + mean / 2 + (mean * mean + arb(pair.variance)).sqrt() / 2)
    note = f"{digits} digits are out of reach for the integral over the scores: bounds by convexity alone"
    return Enclosure(ball_to_interval(lower)[0], ball_to_interval(upper)[1], False, note)


@dataclass(frozen=True)
class _Component:
    """One component as balls, for S = G⁻¹ + t²H with a real square t², positive on the real axis or not."""

    constant: arb
    a: Vector
    b: Vector
    P: list[Vector]
    H: list[Vector]
    Pa: Vector
    Ha: Vector
    root: arb  # √det G⁻¹

    @classmethod
    def of(cls, pair: Pair, constant: fmpq) -> _Component:
        """Return the component at the working precision."""
        P = pair.precision
        a, b, Pa, Ha = (_balls(m) for m in (pair.a, pair.b, P * pair.a, pair.H * pair.a))
        return cls(arb(constant), a, b, _rows(P), _rows(pair.H), Pa, Ha, arb(P.det()).sqrt())

    def factors(self, square: arb) -> _Factors | None:
        """Return the factors of S for t² = square; None unless it is seen to be positive definite."""
        n = len(self.a)
        return _Factors.of([[self.P[i][m] + square * self.H[i][m] for m in range(n)] for i in range(n)])

    def damping(self, factors: _Factors, square: arb) -> tuple[arb, arb]:
        """Return the modulus of χ(t) and the slope θ/t of its phase."""
        from_b, from_a = factors.solve(self.b), factors.solve(self.Pa)
        size = (-square * (_dot(self.b, from_b) + _dot(self.Ha, from_a)) / 2).exp() * self.root * factors.root
        return size, self.constant + _dot(self.b, from_a)

    def generating(self, real: arb) -> arb:
        """Return E e^{real·z} = χ(−i·real); infinite where it is not seen to exist."""
        square = -real * real
        factors = self.factors(square)
        if factors is None:
            return arb("inf")
        size, slope = self.damping(factors, square)
        return size * (real * slope).exp()


@dataclass(frozen=True)
class _Factors:
    """S = L D Lᵀ ≻ 0, and det S^{−1/2}."""

    L: list[Vector]
    pivots: Vector
    root: arb

    @classmethod
    def of(cls, S: list[Vector]) -> _Factors | None:
        """Return the factors, or None when a pivot is not seen to be positive."""
        n, root = len(S), arb(1)
        L: list[Vector] = [[arb(0)] * n for _ in range(n)]
        pivots: Vector = []
        for k in range(n):
            pivot = S[k][k] - sum((L[k][m] * L[k][m] * pivots[m] for m in range(k)), arb(0))
            if not pivot > 0:
                return None
            pivots.append(pivot)
            root = root / pivot.sqrt()
            for i in range(k + 1, n):
                rest = S[i][k] - sum((L[i][m] * L[k][m] * pivots[m] for m in range(k)), arb(0))
                L[i][k] = rest / pivot
        return cls(L, pivots, root)

    def solve(self, y: Sequence[arb]) -> Vector:
        """Return S⁻¹y."""
        n, x = len(y), list(y)
        for i in range(n):
            x[i] = x[i] - sum((self.L[i][k] * x[k] for k in range(i)), arb(0))
        x = [value / pivot for value, pivot in zip(x, self.pivots, strict=True)]
        for i in reversed(range(n)):
            x[i] = x[i] - sum((self.L[k][i] * x[k] for k in range(i + 1, n)), arb(0))
        return x


@dataclass(frozen=True)
class _Rule:
    """Nodes h, 2h, …, Nh; `error` bounds the rule's error relative to what it was made for."""

    h: arb
    count: int
    error: arb


def _rule(limit: float, size: Callable[[arb], arb], over_t: bool, digits: int) -> _Rule | None:
    """Return the rule with the fewest nodes among some κ', or None when that is too many.

    limit: a guess of the strip's end. size: κ' ↦ a bound of the numerator on the lines Im t = ±κ', infinite outside
    the strip. over_t: whether the denominator is t sinh πt, not sinh πt. What is chosen is bounded, not trusted.
    """
    nats, best = (digits + 1) * math.log(10), None
    for share in _SHARES:
        height = dyadic(share * min(limit, 1.0))
        bound = size(arb(height))
        if not bound.is_finite() or not bound > 0:
            continue
        sine = (arb.pi() * height).sin()
        integral = 2 * bound * (1 / (sine * height if over_t else sine) + _tail(arb(1)))
        step = dyadic(2 * math.pi * height / (nats + max(0.0, float(integral.log()))))
        if best is None or step > best[0]:
            best = step, integral / ((2 * arb.pi() * height / step).exp() - 1)
    end = math.ceil(nats / math.pi) + 1
    if best is None or end / best[0] > _NODES:
        return None
    return _Rule(arb(best[0]), math.ceil(end / best[0]), best[1])


def _strip(pair: Pair) -> float:
    """Return about 1/λ, the end of the strip."""
    product = exact.to_floats(pair.G * pair.H)
    largest = float(np.max(np.abs(np.linalg.eigvals(product))))
    return 1 / math.sqrt(largest) if largest > 0 else 1.0


def _softplus(pair: Pair, constant: fmpq, digits: int) -> arb:
    component = _Component.of(pair, constant)

    def size(height: arb) -> arb:
        return 1 + (component.generating(height) + component.generating(-height)) / 2

    rule = _rule(_strip(pair), size, True, digits)
    if rule is None:
        return arb("nan")
    mean = constant + pair.mean
    total = arb(mean * mean + pair.variance) / (4 * arb.pi())
    for n in range(1, rule.count + 1):
        t = rule.h * n
        factors = component.factors(t * t)
        if factors is None:
            return arb("nan")
        modulus, slope = component.damping(factors, t * t)
        total += (1 - modulus * (t * slope).cos()) / (t * (arb.pi() * t).sinh())
    end = rule.h * rule.count
    error = rule.error + 2 * _tail(end) / end
    return arb(mean) / 2 + arb(2).log() + rule.h * total + arb(0, error.upper())


def _moments(pair: Pair, constant: fmpq, digits: int) -> Vector:
    rho = pair.a.nrows()
    if rho == 0:
        return [1 / (1 + (-arb(constant)).exp())]
    component = _Component.of(pair, constant)
    G, H = pair.G, pair.H
    variances = [fmpq(1), *(m[i, i] for m in (G, H) for i in range(rho))]
    variances += [G[i, i] * H[m, m] for i in range(rho) for m in range(rho)]
    deviations = [arb(x).sqrt() for x in variances]

    def size(height: arb) -> arb:
        ends = component.generating(2 * height).max(component.generating(-2 * height))
        return ends.sqrt() if ends.is_finite() else ends

    largest = max(float(x) for x in deviations)
    extra = max(0, math.ceil(math.log10(largest)))
    rule = _rule(_strip(pair) / 2, size, False, digits + extra)
    if rule is None:
        return [arb(0, x.upper()) for x in deviations]
    at_zero = [fmpq_mat(1, 1, [constant + pair.mean]), G * pair.b, H * pair.a, G * H]
    totals = [arb_mat(x) / (2 * arb.pi()) for x in at_zero]
    parts = _Parts.of(pair)
    for n in range(1, rule.count + 1):
        t = rule.h * n
        factors = component.factors(t * t)
        if factors is None:
            return [arb(0, x.upper()) for x in deviations]
        scale = 1 / (arb.pi() * t).sinh()
        tilted = parts.tilted(component, factors.root, t)
        totals = [total + imaginary * scale for total, imaginary in zip(totals, tilted, strict=True)]
    error = rule.error + _tail(rule.h * rule.count)
    entries = [x for total in totals for x in total.entries()]
    found = [rule.h * x + arb(0, (error * s).upper()) for x, s in zip(entries, deviations, strict=True)]
    found[0] += arb(1) / 2
    return found


@dataclass(frozen=True)
class _Parts:
    """What a node of the moments is made of, as matrices: G⁻¹ and H, a, [G⁻¹a b H], and the rows b and Ha."""

    P: arb_mat
    H: arb_mat
    a: arb_mat
    right: arb_mat
    rows: arb_mat

    @classmethod
    def of(cls, pair: Pair) -> _Parts:
        """Return those of a pair at the working precision."""
        P, H, a, b = pair.precision, pair.H, pair.a, pair.b
        right, rows = exact.hstack([P * a, b, H], H.nrows()), exact.hstack([b, H * a], H.nrows()).transpose()
        return cls(*map(arb_mat, (P, H, a, right, rows)))

    def tilted(self, component: _Component, root: arb, t: arb) -> list[arb_mat]:
        """Return Im E[g e^{itz}] for g = 1, p − a, q − b and (p − a)(q − b)ᵀ; root is det S^{−1/2}, S ≻ 0."""
        n, square = self.a.nrows(), t * t
        solved = (self.P + self.H * square).solve(self.right).tolist()
        ends = arb_mat([row[:2] for row in solved])
        inner = self.rows * ends
        modulus = (-square * (inner[0, 1] + inner[1, 0]) / 2).exp() * component.root * root
        phase = t * (component.constant + inner[0, 0])
        cosine, sine = modulus * phase.cos(), modulus * phase.sin()
        across = self.H * ends
        real_p = arb_mat(n, 1, [row[0] for row in solved]) - self.a
        imaginary_p = arb_mat(n, 1, [row[1] * t for row in solved])
        real_q = arb_mat(1, n, [-square * across[i, 1] for i in range(n)])
        imaginary_q = arb_mat(1, n, [t * across[i, 0] for i in range(n)])
        real = real_p * real_q - imaginary_p * imaginary_q
        imaginary = real_p * imaginary_q + imaginary_p * real_q + arb_mat([row[2:] for row in solved]) * t
        return [
            arb_mat([[sine]]),
            imaginary_p * cosine + real_p * sine,
            imaginary_q.transpose() * cosine + real_q.transpose() * sine,
            imaginary * cosine + real * sine,
        ]


def _tail(end: arb) -> arb:
    decay = (-arb.pi() * end).exp()
    return 2 / arb.pi() * decay / (1 - decay * decay)


def _dot(u: Sequence[arb], v: Sequence[arb]) -> arb:
    return sum((x * y for x, y in zip(u, v, strict=True)), arb(0))


def _balls(m: fmpq_mat) -> Vector:
    return [arb(x) for x in m.entries()]


def _rows(m: fmpq_mat) -> list[Vector]:
    return [[arb(m[i, k]) for k in range(m.ncols())] for i in range(m.nrows())]
