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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, repeat
from operator import mul
from typing import Any, TypeAlias

import numpy as np
from flint import arb, arb_mat, arb_poly, ctx, fmpq, fmpq_mat, fmpq_poly

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
        known: dict[object, arb] = {}  # by the law of the component
        try:
            for pair in problem.pairs:
                component = _Component.of(pair, problem.constant)
                if component.law not in known:
                    known[component.law] = _softplus(pair, component, problem.constant, digits + 2)
                ball += arb(pair.weight) * known[component.law]
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
    extra = math.ceil(max(0.0, *(2 * _magnitude(m) for sides in lifts for m in sides)))
    rho, P = problem.dimension, len(problem.pairs)
    found = np.empty((P, 1 + 2 * rho + rho * rho), dtype=object)
    known: _Known = {}
    with ctx.workprec(int(4 * (digits + extra)) + 128):
        for i, pair in enumerate(problem.pairs):
            found[i] = _moments(pair, problem.constant, digits + extra + 1, known)
        moments = lifted(found, lifts, _ball_array)
        goal = arb(10) ** -digits
        parts = (moments.zeroth, moments.left, moments.right, moments.both)
        reached = all(bool(x.is_finite() and x.rad() < goal) for part in parts for x in part.flat)
    return replace(moments, reached=reached)


def _magnitude(m: fmpq_mat) -> float:
    """Return log₁₀(1 + |m|), |m| the largest entry, whatever its size is."""
    size = 1 + max((abs(x) for x in m.entries()), default=fmpq(0))
    return math.log10(int(size.p)) - math.log10(int(size.q))


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
class _Pencil:
    """D(s) = det(I + sGH), and X(s) = D(s) S⁻¹Y for S = G⁻¹ + sH and some columns Y: polynomials in s, exact.

    X has n coefficients, n × (columns of Y), and D has n + 1 for GH of size n. By the Cayley–Hamilton theorem,
    X₀ = GY and X_k = D_k GY − GH X_{k−1}.
    """

    D: fmpq_poly
    X: list[fmpq_mat]

    @classmethod
    def of(cls, G: fmpq_mat, H: fmpq_mat, GY: fmpq_mat) -> _Pencil:
        """Return those of Y, given GY."""
        M, n = G * H, G.nrows()
        characteristic = M.charpoly()
        D = fmpq_poly([(-1) ** k * characteristic[n - k] for k in range(n + 1)])
        X = [GY]
        for k in range(1, n):
            X.append(D[k] * GY - M * X[-1])
        return cls(D, X)


@dataclass(frozen=True)
class _Component:
    """The characteristic function χ of one component's scores, by polynomials in t².

    |χ(t)| = exp(−t²u/2D)/√D and t(c + w/D) is its phase, with u = D·(bᵀS⁻¹b + (Ha)ᵀS⁻¹G⁻¹a) and w = D·bᵀS⁻¹G⁻¹a.
    law: the coefficients of D, u and w, which make χ. Components with p and q exchanged have the same.
    """

    law: tuple[tuple[fmpq, ...], ...]
    constant: arb
    D: fmpq_poly
    of_D: arb_poly
    u: arb_poly
    w: arb_poly

    @classmethod
    def of(cls, pair: Pair, constant: fmpq) -> _Component:
        """Return the component at the working precision."""
        a, b, H = pair.a, pair.b, pair.H
        pencil = _Pencil.of(pair.G, H, exact.hstack([a, pair.G * b], a.nrows()))
        rows = exact.hstack([H * a, b], a.nrows()).transpose()
        inner = [rows * X for X in pencil.X]
        u, w = fmpq_poly([m[0, 0] + m[1, 1] for m in inner]), fmpq_poly([m[1, 0] for m in inner])
        law = tuple(tuple(polynomial.coeffs()) for polynomial in (pencil.D, u, w))
        return cls(law, arb(constant), pencil.D, *map(arb_poly, (pencil.D, u, w)))

    def at(self, squares: Vector) -> Iterator[tuple[arb, arb, arb]]:
        """Yield 1/D(t²), the modulus of χ(t) and the slope θ/t of its phase."""
        values = (polynomial.evaluate(squares, "iter") for polynomial in (self.of_D, self.u, self.w))
        for square, D, u, w in zip(squares, *values, strict=True):
            over = 1 / D
            yield over, (square * u * over / -2).exp() * over.sqrt(), self.constant + w * over

    def generating(self, real: fmpq) -> arb:
        """Return E e^{real·z} = χ(−i·real); infinite where it does not exist.

        The roots of D are real and negative, −1/λ for the eigenvalues λ of GH. So S(s) ≻ 0 for s = −real² just when
        all roots of D(s + x) in x are negative, that is, when all its coefficients are positive.
        """
        square = -real * real
        if not all(x > 0 for x in self.D(fmpq_poly([square, 1])).coeffs()):
            return arb("inf")
        ((_, size, slope),) = self.at([arb(square)])
        return size * (arb(real) * slope).exp()


@dataclass(frozen=True)
class _Rule:
    """Nodes h, 2h, …, Nh; `error` bounds the rule's error relative to what it was made for."""

    h: arb
    count: int
    error: arb

    @property
    def nodes(self) -> Vector:
        """The nodes."""
        return [self.h * n for n in range(1, self.count + 1)]

    def densities(self) -> Iterator[arb]:
        """Yield 1/sinh πt at the nodes, from the powers of e^{−πh}."""
        decay, power = (-arb.pi() * self.h).exp(), arb(1)
        for _ in range(self.count):
            power *= decay
            yield 2 * power / (1 - power * power)


def _rule(limit: float, size: Callable[[fmpq], arb], over_t: bool, digits: int) -> _Rule | None:
    """Return the rule with the fewest nodes among some κ', or None when that is too many.

    limit: a guess of the strip's end. size: κ' ↦ a bound of the numerator on the lines Im t = ±κ', infinite outside
    the strip. over_t: whether the denominator is t sinh πt, not sinh πt. What is chosen is bounded, not trusted.
    """
    nats, best = (digits + 1) * math.log(10), None
    if limit == 0:
        return None
    for share in _SHARES:
        height = dyadic(share * min(limit, 1.0))
        bound = size(fmpq(*height.as_integer_ratio()))
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
    """Return about 1/λ, the end of the strip; 0 where λ is beyond floats, and no rule has so many nodes."""
    try:
        product = exact.to_floats(pair.G * pair.H)
    except OverflowError:
        return 0.0
    largest = float(np.max(np.abs(np.linalg.eigvals(product))))
    return 1 / math.sqrt(largest) if largest > 0 else 1.0


def _softplus(pair: Pair, component: _Component, constant: fmpq, digits: int) -> arb:
    def size(height: fmpq) -> arb:
        return 1 + (component.generating(height) + component.generating(-height)) / 2

    rule = _rule(_strip(pair), size, True, digits)
    if rule is None:
        return arb("nan")
    mean = constant + pair.mean
    total = arb(mean * mean + pair.variance) / (4 * arb.pi())
    nodes = rule.nodes
    values = component.at([t * t for t in nodes])
    for t, density, (_, modulus, slope) in zip(nodes, rule.densities(), values, strict=True):
        total += (1 - modulus * (t * slope).cos()) * density / t
    end = rule.h * rule.count
    error = rule.error + 2 * _tail(end) / end
    return arb(mean) / 2 + arb(2).log() + rule.h * total + arb(0, error.upper())


_Known: TypeAlias = dict[tuple[object, int], tuple[_Rule, "_Sums"] | None]


def _moments(pair: Pair, constant: fmpq, digits: int, known: _Known) -> Vector:
    """Return the moments; known: the rule and the sums of other components, by their law and the digits."""
    rho = pair.a.nrows()
    if rho == 0:
        return [1 / (1 + (-arb(constant)).exp())]
    G, H = pair.G, pair.H
    variances = [fmpq(1), *(m[i, i] for m in (G, H) for i in range(rho))]
    variances += [G[i, i] * H[m, m] for i in range(rho) for m in range(rho)]
    deviations = [arb(x).sqrt() for x in variances]
    extra = max(0, math.ceil(max(float(x.log()) for x in deviations if x > 0) / math.log(10)))
    component = _Component.of(pair, constant)
    place = component.law, digits + extra
    if place not in known:
        known[place] = _summed(component, _strip(pair) / 2, digits + extra, rho)
    found = known[place]
    if found is None:
        return [arb(0, x.upper()) for x in deviations]
    rule, sums = found
    at_zero = [fmpq_mat(1, 1, [constant + pair.mean]), G * pair.b, H * pair.a, G * H]
    totals = [arb_mat(x) / (2 * arb.pi()) + y for x, y in zip(at_zero, _tilted(pair, sums), strict=True)]
    error = rule.error + _tail(rule.h * rule.count)
    entries = [x for total in totals for x in total.entries()]
    moments = [rule.h * x + arb(0, (error * s).upper()) for x, s in zip(entries, deviations, strict=True)]
    moments[0] += arb(1) / 2
    return moments


def _summed(component: _Component, limit: float, digits: int, n: int) -> tuple[_Rule, _Sums] | None:
    """Return the rule for moments, with the sums over its nodes, or None where that is too many."""

    def size(height: fmpq) -> arb:
        ends = component.generating(2 * height).max(component.generating(-2 * height))
        return ends.sqrt() if ends.is_finite() else ends

    rule = _rule(limit, size, False, digits)
    return None if rule is None else (rule, _sums(component, rule, n))


@dataclass(frozen=True)
class _Sums:
    """Sums over the nodes t, for s = t² and for the real part C and the imaginary part I of χ(t)/sinh πt.

    alone: ΣI; cosines, sines: Σ tC sᵏ/D and Σ I sᵏ⁺¹/D for k < n; twice: Σ tC sᵏ⁺¹/D² and Σ I sᵏ⁺¹/D² for k < 2n.
    """

    alone: arb
    cosines: Vector
    sines: Vector
    twice: tuple[Vector, Vector]


def _sums(component: _Component, rule: _Rule, n: int) -> _Sums:
    """Return the sums, as one product of the terms and the powers of s."""
    nodes = rule.nodes
    squares = [t * t for t in nodes]
    alone, one, terms, powers = arb(0), arb(1), [], []
    for t, s, density, (over, modulus, slope) in zip(
        nodes, squares, rule.densities(), component.at(squares), strict=True
    ):
        size, (sine, cosine) = modulus * density, (t * slope).sin_cos()
        sine, cosine = size * sine, t * size * cosine * over
        alone += sine
        sine *= s * over
        terms.append([cosine, sine, cosine * s * over, sine * over])
        powers.append([*accumulate(repeat(s, 2 * n - 1), mul, initial=one)])
    cosines, sines, *twice = (arb_mat(terms).transpose() * arb_mat(powers)).tolist()
    return _Sums(alone, cosines[:n], sines[:n], (twice[0], twice[1]))


def _tilted(pair: Pair, sums: _Sums) -> list[arb_mat]:
    """Return the sums over the nodes of Im E[g e^{itz}]/sinh πt for g = 1, p − a, q − b and (p − a)(q − b)ᵀ.

    With x, y, u, Z = S⁻¹(b, Ha, G⁻¹a, H) the tilted means of p − a and q − b are −sy + itx and −sHx + itHu, for
    S⁻¹G⁻¹a = a − sy; itZ is the cross-covariance.
    """
    n, H = pair.a.nrows(), pair.H
    GY = exact.hstack([pair.G * pair.b, pair.G * H * pair.a, pair.a, pair.G * H], n)
    X = _Pencil.of(pair.G, H, GY).X
    x, y, u = ([exact.submatrix(m, range(n), [column]) for m in X] for column in range(3))
    Z = [exact.submatrix(m, range(n), range(3, 3 + n)) for m in X]
    Hx, Hu = ([H * m for m in polynomial] for polynomial in (x, u))
    real = [p + q for p, q in zip(_products(y, Hu), _products(x, Hx), strict=True)]  # of −tC sᵏ⁺¹/D²
    imaginary = [p - q for p, q in zip([0 * H, *_products(y, Hx)], [*_products(x, Hu), 0 * H], strict=True)]
    cosines, sines = sums.twice
    return [
        arb_mat([[sums.alone]]),
        _combined(sums.cosines, x) - _combined(sums.sines, y),
        _combined(sums.cosines, Hu) - _combined(sums.sines, Hx),
        _combined(sums.cosines, Z) - _combined(cosines, real) + _combined(sines, imaginary),
    ]


def _products(left: list[fmpq_mat], right: list[fmpq_mat]) -> list[fmpq_mat]:
    """Return the 2n − 1 coefficients of the product lᵀr of two polynomials whose n coefficients are columns."""
    n = len(left)
    nothing = fmpq_mat(n, n)
    return [
        sum((left[i] * right[k - i].transpose() for i in range(max(0, k - n + 1), min(k + 1, n))), nothing)
        for k in range(2 * n - 1)
    ]


def _combined(scalars: Vector, matrices: list[fmpq_mat]) -> arb_mat:
    parts = (arb_mat(m) * x for x, m in zip(scalars, matrices, strict=False))
    return sum(parts, arb_mat(matrices[0].nrows(), matrices[0].ncols()))


def _tail(end: arb) -> arb:
    decay = (-arb.pi() * end).exp()
    return 2 / arb.pi() * decay / (1 - decay * decay)


def _balls(m: fmpq_mat) -> Vector:
    return [arb(x) for x in m.entries()]
