"""InfoNCE of the directions g = f/|f| of f = Aᵀx, a Gaussian mixture, at three levels: sums over two signs or a circle.

    L = E_x log E_y exp(g(x)ᵀg(y)/τ) − E g(x)ᵀg(x̂)/τ,     g = 0 where f = 0.

Of a map of rank 1 g is ±e, and all is an error function. Of a map of rank 2, A = EFᵀ with FᵀF = 1, u = Eᵀx = ρe_θ with
e_θ = (cos θ, sin θ), the angle θ of component k has the density c₁ = ∫ρ n(ρe_θ)dρ; with q = e_θᵀS⁻¹e_θ, b = e_θᵀS⁻¹m,

    c₀ = ∫ n(ρe_θ)dρ = (8π q det S)^{-1/2} exp(b²/2q − mᵀS⁻¹m/2) erfc(−b/√2q),   c₁ = (n(0) + b c₀)/q.

A sum over N nodes of f, analytic and at most M for |Im θ| ≤ a, errs by at most 4πM/(e^{aN} − 1). There Re q ≥
(λ₁ + λ₂)/2 − (λ₁ − λ₂)/2 cosh 2a for the eigenvalues λ of S⁻¹, |b| ≤ |S⁻¹m| cosh a, |Re cos θ|/τ ≤ h = cosh a/τ and
|Im cos θ|/τ ≤ s = sinh a/τ < π/2. So Z(θ) = E exp(cos(θ − φ)/τ) has |Z| ≥ e^{−h} cos s and |log Z| ≤ h + s − log cos s
(`thmverify.kernel.rules.angles`).

With V the derivative of L by g(x), that by E is E[x Vᵀe_⊥ e_⊥ᵀ/|u|], and E[x/|u|; θ] = (μ − Xm)c₀ + Xe_θc₁ for
E[x | u] = μ + X(u − m): no singularity is left. At rank 1 there is no gradient with two columns or more: L has a kink.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy
from flint import arb, arb_poly, ctx, fmpq, fmpq_mat
from mpmath import mp

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.enclosure import Enclosure, ball_to_interval
from thmverify.integrate.float64 import Estimate
from thmverify.integrate.multiprecision import to_mpf
from thmverify.integrate.problem import ONE

_MOST = {"float64": 2**14, "balls": 2**12, "mpmath": 2**10}  # nodes
_FIRST = 64
_SAMPLES, _REPLICATES, _SEED = 2**9, 8, 20261202  # of maps of rank 3 and more
_SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the strip on which all is analytic


@dataclass(frozen=True)
class Directions:
    """L for x ~ Σ_k w_k N(μ_k, Σ_k), pairs of bias δ, and A (d × r): means and sigmas of x.

    A = BZ with ρ = rank A columns of A as B, and P = ZZᵀ: |f|² = tᵀPt for t = Bᵀx.
    """

    weights: tuple[fmpq, ...]
    means: tuple[fmpq_mat, ...]
    sigmas: tuple[fmpq_mat, ...]
    bias: fmpq
    temperature: fmpq
    A: fmpq_mat
    coefficient: fmpq = ONE

    @property
    def problem(self) -> Directions:
        """Itself: nothing is reduced beforehand."""
        return self

    @cached_property
    def factors(self) -> tuple[fmpq_mat, fmpq_mat]:
        """B (d × ρ) and Z (ρ × r)."""
        B = exact.submatrix(self.A, range(self.A.nrows()), exact.pivot_columns(self.A))
        return B, (B.transpose() * B).solve(B.transpose() * self.A) if B.ncols() else fmpq_mat(0, self.A.ncols())

    @property
    def rank(self) -> int:
        """ρ."""
        return self.factors[0].ncols()

    def check_smooth(self) -> None:
        """Raise InputError where there is no gradient."""
        if self.rank == 0 or self.rank == 1 < self.A.ncols():
            rule = "is a map at which the loss of normalised features has no derivative"
            raise InputError(
                "map", f"rank {self.rank}", rule, "give independent columns, or a single one that is not 0"
            )


class Slopes(NamedTuple):
    """The derivative by A (d × r); of floats an estimate of the largest error, of balls whether they are small."""

    gradient: Any
    error: float = 0.0
    reached: bool = True


class _Numbers(NamedTuple):
    """How a level computes: with a rational, entry by entry, and two functions on the circle, circularly convolved."""

    number: Callable[[fmpq], Any]
    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    erfc: Callable[[Any], Any]
    cos_sin: Callable[[int], tuple[Any, Any]]
    pi: Callable[[], Any]
    convolve: Callable[[Any, Any], Any]

    def matrix(self, m: fmpq_mat) -> Any:
        """Return a matrix of numbers."""
        return np.array([[self.number(m[i, j]) for j in range(m.ncols())] for i in range(m.nrows())])


def _each(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the function, entry by entry of arrays of objects."""
    return lambda x: np.array([function(y) for y in x], dtype=object) if isinstance(x, np.ndarray) else function(x)


def _around(count: int) -> Any:
    angles = 2 * np.pi * np.arange(count) / count
    return np.cos(angles), np.sin(angles)


def _float_convolution(a: Any, b: Any) -> Any:
    return np.fft.irfft(np.fft.rfft(a) * np.fft.rfft(b), len(a))


def _ball_convolution(a: Any, b: Any) -> Any:
    N = len(a)
    products = (arb_poly(list(a)) * arb_poly(list(b))).coeffs()
    products += [arb(0)] * (2 * N - len(products))
    return np.array([products[j] + products[j + N] for j in range(N)], dtype=object)


def _plain_convolution(a: Any, b: Any) -> Any:
    return np.array([mp.fdot(a, np.roll(b[::-1], j + 1)) for j in range(len(a))], dtype=object)


def _objects(*functions: Callable[[int, int], Any]) -> Callable[[int], Any]:
    return lambda N: tuple(np.array([f(j, N) for j in range(N)], dtype=object) for f in functions)


def _float_erfc(x: Any) -> Any:
    return scipy.special.erfc(x)  # which is loaded here: few decisions need it


_FLOATS = _Numbers(
    number=exact.to_float,
    exp=np.exp,
    log=np.log,
    sqrt=np.sqrt,
    erfc=_float_erfc,
    cos_sin=_around,
    pi=lambda: math.pi,
    convolve=_float_convolution,
)
_BALLS = _Numbers(
    number=arb,
    exp=_each(arb.exp),
    log=_each(arb.log),
    sqrt=_each(arb.sqrt),
    erfc=_each(arb.erfc),
    cos_sin=_objects(lambda j, N: (arb(2 * j) / N).cos_pi(), lambda j, N: (arb(2 * j) / N).sin_pi()),
    pi=arb.pi,
    convolve=_ball_convolution,
)
_DIGITS = _Numbers(
    number=to_mpf,
    exp=_each(mp.exp),
    log=_each(mp.log),
    sqrt=_each(mp.sqrt),
    erfc=_each(mp.erfc),
    cos_sin=_objects(lambda j, N: mp.cospi(mp.mpf(2 * j) / N), lambda j, N: mp.sinpi(mp.mpf(2 * j) / N)),
    pi=lambda: mp.pi,
    convolve=_plain_convolution,
)


# ---------------------------------------------------------------------------------------------------------- two signs


def _signs(problem: Directions, to: _Numbers) -> tuple[Any, Any]:
    """Return L at rank 1, and the derivative by A where that is a column."""
    B, (w, delta, tau) = problem.factors[0], _given(problem, to)
    column = to.matrix(B)[:, 0]
    signs, slopes = [], []
    for mu, sigma in zip(problem.means, problem.sigmas, strict=True):
        m, h = exact.inner(B, mu), exact.inner(B, sigma * B)
        root = to.sqrt(to.number(h))
        z = to.number(m) / root
        signs.append(1 - to.erfc(z / to.sqrt(to.number(fmpq(2)))))
        bell = to.sqrt(2 / to.pi()) * to.exp(-z * z / 2)
        slopes.append(bell / root * (to.matrix(mu)[:, 0] - to.matrix(sigma) @ column * to.number(m / h)))
    mean = sum(x * s for x, s in zip(w, signs, strict=True))
    up, near, far = (1 + mean) / 2, to.exp(1 / tau), to.exp(-1 / tau)
    inner = [p * near + (1 - p) * far for p in (up, 1 - up)]
    value = up * to.log(inner[0]) + (1 - up) * to.log(inner[1])
    value -= (delta * sum(x * s * s for x, s in zip(w, signs, strict=True)) + (1 - delta) * mean * mean) / tau
    rise = to.log(inner[0]) - to.log(inner[1]) + (near - far) * (up / inner[0] - (1 - up) / inner[1])
    parts = [
        x * (rise / 2 - 2 * (delta * s + (1 - delta) * mean) / tau) * slope
        for x, s, slope in zip(w, signs, slopes, strict=True)
    ]
    return value, sum(parts[1:], parts[0])[:, None]


def _given(problem: Directions, to: _Numbers) -> tuple[list[Any], Any, Any]:
    return [to.number(w) for w in problem.weights], to.number(problem.bias), to.number(problem.temperature)


# --------------------------------------------------------------------------------------------------------- the circle


class _Component(NamedTuple):
    """A component's S⁻¹ and S⁻¹m (u), mᵀS⁻¹m, (4π² det S)^{-1/2} and n(0); and of E[x | u]: μ − Xm, and X."""

    inverse: Any
    pull: Any
    size: Any
    scale: Any
    middle: Any
    rest: Any
    lift: Any

    @classmethod
    def all(cls, problem: Directions, to: _Numbers) -> tuple[list[_Component], Any]:
        """Return them, and Fᵀ (2 × r)."""
        B, Z = problem.factors
        P = to.matrix(Z * Z.transpose())
        first = to.sqrt(P[0, 0])
        second = to.sqrt(to.number((Z * Z.transpose()).det())) / first
        nothing = first * 0
        back = np.array([[1 / first, nothing], [-P[0, 1] / first / (first * second), 1 / second]])  # L⁻¹, P = LLᵀ
        found = []
        for mu, sigma in zip(problem.means, problem.sigmas, strict=True):
            spread = B.transpose() * sigma * B
            H, m = spread.inv(), B.transpose() * mu
            root = to.sqrt(to.number(spread.det())) * first * second
            size = to.number(exact.inner(m, H * m))
            lift = sigma * B * H
            found.append(
                cls(
                    back @ to.matrix(H) @ back.T,
                    (back @ to.matrix(H * m))[:, 0],
                    size,
                    1 / (2 * to.pi() * root),
                    to.exp(-size / 2) / (2 * to.pi() * root),
                    to.matrix(mu - lift * m)[:, 0],
                    to.matrix(lift) @ back.T,
                )
            )
        return found, back @ to.matrix(Z)


class _Sums(NamedTuple):
    """At N nodes: cos, sin, c₀ and c₁ of each component, their mixture ν, Z, and means of g by component."""

    circle: Any
    zeroth: list[Any]
    first: list[Any]
    law: Any
    Z: Any
    kernel: Any
    means: list[Any]
    step: Any

    @classmethod
    def of(cls, problem: Directions, to: _Numbers, components: Sequence[_Component], N: int) -> _Sums:
        """Return them, errors of the rule left out."""
        w, _, tau = _given(problem, to)
        cos, sin = to.cos_sin(N)
        step, zeroth, first = 2 * to.pi() / N, [], []
        for part in components:
            q = part.inverse[0, 0] * cos * cos + 2 * part.inverse[0, 1] * cos * sin + part.inverse[1, 1] * sin * sin
            b = part.pull[0] * cos + part.pull[1] * sin
            bell = to.exp(b * b / q / 2 - part.size / 2) * to.erfc(-b / to.sqrt(2 * q))
            zeroth.append(part.scale * bell * to.sqrt(to.pi() / 2 / q))
            first.append((part.middle + b * zeroth[-1]) / q)
        law = sum(x * p for x, p in zip(w, first, strict=True))
        kernel = to.exp(cos / tau)
        means = [np.array([np.sum(p * cos), np.sum(p * sin)]) * step for p in first]
        return cls((cos, sin), zeroth, first, law, to.convolve(law, kernel) * step, kernel, means, step)


def _value(problem: Directions, to: _Numbers, sums: _Sums, logs: Any, means: Sequence[Any]) -> Any:
    w, delta, tau = _given(problem, to)
    mean = sum(x * g for x, g in zip(w, means, strict=True))
    aligned = delta * sum(x * np.sum(g * g) for x, g in zip(w, means, strict=True)) + (1 - delta) * np.sum(mean * mean)
    return np.sum(sums.law * logs) * sums.step - aligned / tau


def _slopes(
    problem: Directions, to: _Numbers, sums: _Sums, components: Sequence[_Component], pulls: tuple[Any, Any]
) -> Any:
    """Return the derivative by E (d × 2). pulls: the convolutions of ν and of ν/Z with −sin e^{cos/τ}."""
    w, delta, tau = _given(problem, to)
    cos, sin = sums.circle
    mean = sum(x * g for x, g in zip(w, sums.means, strict=True))
    common = (pulls[0] / sums.Z + pulls[1]) / tau
    parts = []
    for x, part, g, zeroth, first in zip(w, components, sums.means, sums.zeroth, sums.first, strict=True):
        held = delta * g + (1 - delta) * mean
        v = (common - 2 * (held[1] * cos - held[0] * sin) / tau) * (x * sums.step)
        for across, sign in ((sin, -1), (cos, 1)):
            a = v * across * sign
            there = np.sum(a * first * cos), np.sum(a * first * sin)
            parts.append(part.rest * np.sum(a * zeroth) + part.lift[:, 0] * there[0] + part.lift[:, 1] * there[1])
    return np.stack([sum(parts[0::2]), sum(parts[1::2])], axis=1)


def _pulls(to: _Numbers, sums: _Sums) -> tuple[Any, Any]:
    turned = -sums.circle[1] * sums.kernel
    return to.convolve(sums.law, turned) * sums.step, to.convolve(sums.law / sums.Z, turned) * sums.step


# ------------------------------------------------------------------------------------------------------------- floats


def expected_loss(problem: Directions) -> Estimate:
    """Return L in float64; of maps of rank 3 and more over samples, whose spread is the error."""
    if problem.rank == 0:
        return Estimate(0.0, 0.0)
    if problem.rank == 1:
        value = float(_signs(problem, _FLOATS)[0])
        return Estimate(value, 1e-14 * (1 + abs(value)))
    if problem.rank > 2:
        values, _ = _sampled(problem)
        return Estimate(float(values.mean()), 4 * float(values.std()) / math.sqrt(_REPLICATES) + _bias(problem))
    components, _ = _Component.all(problem, _FLOATS)

    def at(N: int) -> Any:
        sums = _Sums.of(problem, _FLOATS, components, N)
        return np.array([_value(problem, _FLOATS, sums, np.log(sums.Z), sums.means)])

    found, error = _doubled(at, _MOST["float64"], 1e-14)
    return Estimate(float(found[0]), error + 1e-14 * (1 + abs(float(found[0]))))


def slopes(problem: Directions) -> Slopes:
    """Return the gradient in float64. Raises InputError where there is none."""
    problem.check_smooth()
    if problem.rank == 1:
        found = np.asarray(_signs(problem, _FLOATS)[1], dtype=np.float64)
        return Slopes(found, 1e-14 * (1 + float(np.abs(found).max())))
    if problem.rank > 2:
        _, gradients = _sampled(problem)
        spread = 4 * float(gradients.std(axis=0).max()) / math.sqrt(_REPLICATES)
        return Slopes(gradients.mean(axis=0), spread + _bias(problem) * (1 + float(np.abs(gradients).max())))
    components, back = _Component.all(problem, _FLOATS)

    def at(N: int) -> Any:
        sums = _Sums.of(problem, _FLOATS, components, N)
        return _slopes(problem, _FLOATS, sums, components, _pulls(_FLOATS, sums)) @ back

    found, error = _doubled(at, _MOST["float64"], 1e-13)
    return Slopes(found, error + 1e-14 * (1 + float(np.abs(found).max())))


def _doubled(at: Callable[[int], Any], most: int, aim: float) -> tuple[Any, Any]:
    """Return what sums over twice as many nodes each time come to, and what the last two differ by."""
    N, before = _FIRST, at(_FIRST)
    while True:
        N *= 2
        found = at(N)
        apart = abs(found - before).max()
        if apart <= aim * (1 + abs(found).max()) or most <= N:
            return found, math.inf if math.isnan(apart) else apart
        before = found


def _bias(problem: Directions) -> float:
    """Return about what the logarithm of a mean over samples is off by: half its variance."""
    return math.expm1(1 / exact.to_float(problem.temperature)) ** 2 / _SAMPLES


def _sampled(problem: Directions) -> tuple[Any, Any]:
    """Return L and its derivative over samples, the same in each call, for each replicate."""
    A, tau = exact.to_floats(problem.A), exact.to_float(problem.temperature)
    w = np.array([exact.to_float(x) for x in problem.weights])
    delta = exact.to_float(problem.bias)
    rng, values, gradients = np.random.default_rng(_SEED), [], []
    roots = [np.linalg.cholesky(exact.to_floats(sigma)) for sigma in problem.sigmas]
    means = [exact.to_floats(mu)[:, 0] for mu in problem.means]
    for _ in range(_REPLICATES):
        normal = rng.standard_normal((_SAMPLES // 2, len(A)))
        normal = np.concatenate([normal, -normal])
        x = np.concatenate([mu + normal @ root.T for mu, root in zip(means, roots, strict=True)])
        mass = np.repeat(w / _SAMPLES, _SAMPLES)
        f = x @ A
        length = np.linalg.norm(f, axis=1, keepdims=True)
        g = f / length
        own = np.stack([part.mean(axis=0) for part in np.split(g, len(w))])
        mean = w @ own
        scores = np.exp(g @ g.T / tau)
        Z = scores @ mass
        aligned = delta * w @ np.sum(own * own, axis=1) + (1 - delta) * mean @ mean
        values.append(float(mass @ np.log(Z) - aligned / tau))
        held = np.repeat(delta * own + (1 - delta) * mean, _SAMPLES, axis=0)
        V = (scores @ (g * mass[:, None]) / Z[:, None] + scores @ (g * (mass / Z)[:, None]) - 2 * held) / tau
        V = (V - np.sum(V * g, axis=1, keepdims=True) * g) / length
        gradients.append(x.T @ (V * mass[:, None]))
    return np.array(values), np.array(gradients)


# ------------------------------------------------------------------------------------------------------------- mpmath


def multiprecision_loss(problem: Directions, digits: int) -> Any:
    """Return L as an mpf computed with `digits` digits; not a bound. Raises ValueError beyond rank 2."""
    return _in_digits(problem, digits, False)


def multiprecision_slopes(problem: Directions, digits: int) -> Slopes:
    """Return the gradient as mpf; not bounds. Raises ValueError beyond rank 2, InputError where there is none."""
    problem.check_smooth()
    return Slopes(_in_digits(problem, digits, True))


def _in_digits(problem: Directions, digits: int, slope: bool) -> Any:
    if problem.rank > 2:
        raise ValueError("normalised features in more than two dimensions have no second opinion")
    if problem.rank == 0:
        return mp.mpf(0)
    with mp.workdps(digits + 10):
        if problem.rank == 1:
            return _signs(problem, _DIGITS)[int(slope)]
        components, back = _Component.all(problem, _DIGITS)

        def at(N: int) -> Any:
            sums = _Sums.of(problem, _DIGITS, components, N)
            if slope:
                return _slopes(problem, _DIGITS, sums, components, _pulls(_DIGITS, sums)) @ back
            return np.array([_value(problem, _DIGITS, sums, _DIGITS.log(sums.Z), sums.means)])

        found, _ = _doubled(at, _MOST["mpmath"], mp.mpf(10) ** -(digits + 1))
        return found if slope else found[0]


# -------------------------------------------------------------------------------------------------------------- balls


class _Strip(NamedTuple):
    """a, N, bounds on |Im θ| ≤ a, of c₀ and c₁ by component and of |Re cos|/τ and |Im cos|/τ, and the rule's factor."""

    a: arb
    N: int
    zeroth: list[arb]
    first: list[arb]
    height: arb
    spread: arb
    error: arb

    @classmethod
    def of(cls, problem: Directions, components: Sequence[_Component], a: arb, N: int) -> _Strip | None:
        """Return them, or None where the strip is too wide."""
        tau = arb(problem.temperature)
        height, spread = a.cosh() / tau, a.sinh() / tau
        zeroth, first = [], []
        for part in components:
            half = (part.inverse[0, 0] + part.inverse[1, 1]) / 2
            apart = _length((part.inverse[0, 0] - part.inverse[1, 1]) / 2, part.inverse[0, 1])
            least = half - apart * (2 * a).cosh()
            if not (least > 0 and spread < arb.pi() / 2):
                return None
            b = _length(*part.pull) * a.cosh()
            zeroth.append(part.middle * (b * b / (2 * least)).exp() * (2 * arb.pi() / least).sqrt())
            first.append((part.middle + b * zeroth[-1]) / least)
        error = 4 * arb.pi() / ((a * N).exp() - 1)
        return cls(a, N, zeroth, first, height, spread, error)

    @property
    def floor(self) -> arb:
        """A lower bound of |Z|."""
        return (-self.height).exp() * self.spread.cos()


def _length(x: arb, y: arb) -> arb:
    """Return an upper bound of √(x² + y²); of a ball round 0 python-flint's ** makes nan."""
    return (x * x + y * y).upper().sqrt()


def _best(problem: Directions, components: Sequence[_Component], digits: int) -> _Strip | None:
    """Return the strip that takes the fewest nodes for an error of 10^−digits, about."""
    tau = exact.to_float(problem.temperature)
    edge = math.asinh(tau * math.pi / 2)
    for part in components:
        half, across = float(part.inverse[0, 0] + part.inverse[1, 1]) / 2, float(part.inverse[0, 1])
        apart = math.hypot(float(part.inverse[0, 0] - part.inverse[1, 1]) / 2, across)
        edge = min(edge, math.acosh(max(half / apart, 1.0)) / 2) if apart > 1e-12 * half else edge
    found: list[_Strip] = []
    for share in _SHARES:
        a = arb(fmpq(int(edge * share * 10**6), 10**6))
        strip = _Strip.of(problem, components, a, 1) if a > 0 else None
        if strip is None:
            continue
        size = sum(strip.first[1:], strip.first[0]) + sum(strip.zeroth[1:], strip.zeroth[0])
        nats = float(((1 + size) / strip.floor).log()) + 2 * float(strip.height) + digits * math.log(10) + 5
        if math.isfinite(nats):
            found.append(strip._replace(N=math.ceil(nats / float(a))))
    if not found:
        return None
    best = min(found, key=lambda strip: strip.N)
    return _Strip.of(problem, components, best.a, best.N) if _MOST["balls"] >= best.N else None


def enclose_loss(problem: Directions, digits: int) -> Enclosure:
    """Return an interval around L, as narrow as asked at ranks up to 2; a wide one beyond, or of too many nodes."""
    if problem.rank == 0:
        return Enclosure(fmpq(0), fmpq(0))
    with ctx.workprec(int(4 * digits) + 128):
        note = "normalised features are integrated at ranks up to 2"
        ball = arb(0, arb(2 / problem.temperature).upper())
        if problem.rank == 1:
            ball = _signs(problem, _BALLS)[0]
        if problem.rank == 2:
            note = "the angle of the features has too steep a density for a sum over the circle"
            components, _ = _Component.all(problem, _BALLS)
            strip = _best(problem, components, digits)
            if strip is not None:
                ball = ball.intersection(_enclosed_value(problem, components, strip))
        lower, upper = ball_to_interval(ball)
    narrow = (upper - lower) * fmpq(10) ** digits <= max(abs(lower), abs(upper), fmpq(1))
    return Enclosure(lower, upper, narrow, "" if narrow else note)


def _enclosed_value(problem: Directions, components: Sequence[_Component], strip: _Strip) -> arb:
    sums = _Sums.of(problem, _BALLS, components, strip.N)
    top = sum((arb(w) * x for w, x in zip(problem.weights, strip.first, strict=True)), arb(0))
    means = [
        g + np.array([arb(0, (m * strip.a.cosh() * strip.error).upper())] * 2)
        for g, m in zip(sums.means, strip.first, strict=True)
    ]
    Z = sums.Z + arb(0, (top * strip.height.exp() * strip.error).upper())
    most = strip.height + strip.spread - strip.spread.cos().log()
    value = _value(problem, _BALLS, sums, _BALLS.log(Z), means)
    found: arb = value + arb(0, (top * most * strip.error).upper())
    return found


def enclose_slopes(problem: Directions, digits: int) -> Slopes:
    """Return balls around the gradient; infinite ones beyond rank 2, and where the nodes are too many.

    Raises InputError where there is none.
    """
    problem.check_smooth()
    d, r = problem.A.nrows(), problem.A.ncols()
    unknown = np.full((d, r), arb(0, "inf"), dtype=object)
    if problem.rank == 1:
        return Slopes(_signs(problem, _BALLS)[1])
    if problem.rank > 2:
        return Slopes(unknown, reached=False)
    with ctx.workprec(int(4 * digits) + 128):
        components, back = _Component.all(problem, _BALLS)
        strip = _best(problem, components, digits)
        if strip is None:
            return Slopes(unknown, reached=False)
        found = _enclosed_slopes(problem, components, strip) @ back
        small = all(x.rad() * arb(10) ** digits <= 1 + abs(x) for x in found.flat)
        return Slopes(found, reached=small)


def _enclosed_slopes(problem: Directions, components: Sequence[_Component], strip: _Strip) -> Any:
    raw = _Sums.of(problem, _BALLS, components, strip.N)
    wide, error = strip.a.cosh(), strip.error
    top = sum((arb(w) * x for w, x in zip(problem.weights, strip.first, strict=True)), arb(0))
    swing = wide * strip.height.exp()  # of sin e^{cos/τ}

    def off(size: arb) -> arb:
        return arb(0, (size * error).upper())

    means = [g + np.array([off(m * wide)] * 2) for g, m in zip(raw.means, strip.first, strict=True)]
    sums = raw._replace(Z=raw.Z + off(top * strip.height.exp()), means=means)
    pulls = _pulls(_BALLS, sums)
    pulls = pulls[0] + off(top * swing), pulls[1] + off(top * swing / strip.floor)
    total = _slopes(problem, _BALLS, sums, components, pulls)
    tau, rest = arb(problem.temperature), [arb(0)] * problem.A.nrows()
    most = 2 * wide / tau * (1 + strip.height.exp() / strip.floor)  # of v
    for w, part, zeroth, first in zip(problem.weights, components, strip.zeroth, strip.first, strict=True):
        for i, (x, (one, two)) in enumerate(zip(part.rest, part.lift, strict=True)):
            rest[i] += arb(w) * most * wide * (abs(x) * zeroth + _length(one, two) * wide * first)
    return total + np.array([[off(x)] * 2 for x in rest])
