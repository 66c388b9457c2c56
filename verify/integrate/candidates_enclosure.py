"""Log-sum-exps of candidates enclosed, for maps of rank 1: three nested trapezoidal rules in balls, with their bounds.

ρ = 1: p ~ N(m, G), q ~ N(b_k, H_k), n candidates, β the mean of q over them. I(p) = E[log Σ_i e^{pq_i} | p] = log n +
pβ + J(p), and J alone is integrated. As f(t) = log(n⁻¹ Σ e^{tq_i}) has 0 ≤ f'' ≤ ¼(max q − min q)² ≤ ½ Σ(q_i − β)²,

    0 ≤ J(p) ≤ ½ B p²,     B = ½ Σ_i E(q_i − β)².                                                                 (1)

*Over p*, p = ±e^t, and −p with −m is p with −q, so let p > 0. J is analytic in |arg p| < π/4 alone (its Taylor series
at 0 diverges). On arg p = θ turn the line of each q_i by −θ: q = ye^{−iθ} with pq real, where the density of q becomes
a complex measure whose absolute value is κ_k times the density of N(b cos θ / cos 2θ, H / cos 2θ), κ_k =
(cos 2θ)^{−1/2} exp(b² sin² θ / (2H cos 2θ)); at p = re^{iθ} the terms log n and pβ are those of the means of y. So
|J(re^{iθ})| ≤ ½ B_θ r², B_θ = ½ Σ_i of the second moments of |y_i| under these measures, times the masses κ of all
others. The density of p on that line is dominated likewise, and the rule of step h over t errs by at most

    2N/(e^{2πθ/h} − 1),     N = ½ B_θ κ_p (G/cos 2θ + (m cos θ/cos 2θ)²).

Of q only differences from β count in J: b_k − β takes the place of b_k. The nodes p < P₀ = e^{t₀} left out add at most
½B ∫_{p<P₀} p² n(p) dp with n ≤ (2πG)^{−1/2}, so BP₀³/(6√(2πG)), and those beyond P at most ½B E[p²; p > P] once p³n(p)
falls, from P(P − m) > 3G on: sums over t of what grows or falls with t are below the integral.

*Over s*, for p > 0: J(p) = ∫ (g(s + c) − Φ(s)) ds, c = log n + pβ, Φ = Π φ_γ^{n_γ}. As |g'(s ± ia)| ≤ e^s exp(−e^s
cos a) for a < π/2, on both lines ∫ |g(s + c) − g(s + log S)| ds ≤ |log S − c| / cos a: the rule errs by at most
2E|log S − c| / (cos a (e^{2πa/h} − 1)). By Jensen log S − c ≥ p(β̂ − β), β̂ the mean of the q_i, so that E|log S − c| ≤
J + pE|β̂ − β| ≤ ½Bp² + p√(2B)/n, as independent parts q_i − E q_i of a sum have E(Σ)² ≤ 2B; and p√(4B)/n where
candidates come in pairs, as (a + b)² ≤ 2a² + 2b². With β taken off, c = log n.
Below s₀ the terms left out add at most e^{s₀}(n + Σ E e^{z_i}), as 1 − g(s) ≤ e^s; above s₁ the two terms fall, and add
at most the sum of ∫_{s₁}^∞ g(s + c) ds ≤ exp(−e^{s₁+c})e^{−s₁−c} and ∫_{s₁}^∞ φ_γ, where φ_k(s) ≤ (λ/e)^λ
exp(−λ(s + a) + ½λ²v) for every λ > 0.

*Over a score* a + σu, u standard normal, |g| ≤ 1 for |Im| ≤ π/2, so that the rule of step h errs by
2e^{α²/2}/(e^{2πα/h} − 1) for ασ ≤ π/2, and nodes beyond U add at most erfc(U/√2). The steps of σu are made those of s,
or a part of them: then all exponents s + a + σu lie on one lattice, on which g is evaluated once, and the sums of all s
are coefficients of one product of polynomials. Where σ is small Taylor's series round a is enough: by Cauchy's bound on
discs of radius π/2, |g| ≤ 1 there, the rest from the power 2k of v = σu on is at most (2|v|/π)^{2k}, whose mean is
(2σ/π)^{2k} · 1 · 3 ⋯ (2k − 1), and odd powers have the mean 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, chain, repeat
from operator import mul
from typing import Any

import numpy as np
from flint import arb, arb_poly, ctx, fmpq, fmpz_poly

from thmverify import exact
from thmverify.integrate.candidates import Anchor, CandidateMoments, Candidates, Group
from thmverify.integrate.enclosure import Enclosure, ball_to_interval
from thmverify.integrate.lattice import dyadic
from thmverify.kernel.integrals import gauss

BUDGET = 12_000_000  # evaluations of g for one value, some 2 µs each
_ANGLES = tuple(math.pi / 4 * 0.9 * 0.8**i for i in range(24))
_STRIP = math.pi / 2
_SAMPLED = 5
_TERMS = 12  # of a series over scores
_SLACK = 1  # digits that the parts of an error are below the whole


def enclose_logarithm(problem: Candidates, digits: int) -> Enclosure:
    """Return an interval around Σ weight · E log Σ_i exp(pᵀq_i), of width ≤ 10^−digits · max(1, |value|) if `reached`.

    For ρ > 1 it is that of convexity alone.
    """
    with ctx.workprec(int(3.4 * digits) + 64):
        total = arb(problem.mean)
        note = ""
        for anchor in problem.anchors:
            total += arb(anchor.weight) * arb(anchor.count).log()
            if problem.dimension == 0:
                continue
            found, why = _excess(problem, anchor, digits)
            note = note or why
            total += arb(anchor.weight) * found
        lower, upper = ball_to_interval(total)
    narrow = (upper - lower) * fmpq(10) ** digits <= max(abs(lower), abs(upper), fmpq(1))
    note = note or f"{digits} digits are out of reach for the integral over the candidates"
    return Enclosure(lower, upper, narrow, "" if narrow else note)


def enclose_moments(problem: Candidates, digits: int) -> CandidateMoments:
    """Return balls around the moments of the softmax: for ρ > 0 those of |π| ≤ 1 alone, which are wide.

    Σ_i π_i = 1, and the square of a mean of q_i − b_k by π is at most the sum of all (q_i − b_k)².
    """
    rho = problem.dimension
    rows = []
    with ctx.workprec(int(4 * digits) + 96):
        for anchor in problem.anchors:
            for number, (_, H) in zip(anchor.expected, problem.targets, strict=True):
                share = arb(number / anchor.count) if rho == 0 else arb(0.5, 0.5)
                left = [arb(0, arb(anchor.covariance[i, i]).sqrt().upper()) for i in range(rho)]
                right = [arb(0, arb(number * H[i, i]).sqrt().upper()) for i in range(rho)]
                rows.append([share, *left, *right, *(x * y for x in left for y in right)])
    table = np.array(rows, dtype=object).reshape(len(problem.anchors), len(problem.targets), -1)
    return CandidateMoments(
        table[:, :, 0],
        table[:, :, 1 : 1 + rho],
        table[:, :, 1 + rho : 1 + 2 * rho],
        table[:, :, 1 + 2 * rho :].reshape(*table.shape[:2], rho, rho),
        reached=rho == 0,
    )


def _excess(problem: Candidates, anchor: Anchor, digits: int) -> tuple[arb, str]:
    """Return E J(p) and, where it is as wide as (1) alone, why."""
    most = _most(problem, anchor)
    wide = arb(most / 2, most / 2)
    if problem.dimension > 1:
        rule = "is an integral over two dimensions or more, of which only bounds by convexity are known"
        return wide, f"the loss with so many candidates, at a map of rank {problem.dimension}, {rule}"
    try:
        halves = [_Half.of(problem, anchor, sign) for sign in (1, -1)]
        allowed = BUDGET / len(problem.anchors)
        for tried in range(digits, 0, -1):
            plans = [_Plan.of(half, 10.0 ** -(tried + _SLACK)) for half in halves]
            if _affordable(plans, allowed):
                break
        else:
            return wide, "the integral over the candidates takes too many nodes for a single digit"
        total = sum((_integrated(half, plan) for half, plan in zip(halves, plans, strict=True)), arb(0))
        if tried < digits:
            why = f"the integral over the candidates was given the work of about {tried} digits: ask for so many"
            return total, why
    except (OverflowError, ValueError, ZeroDivisionError):  # floats plan, which such numbers are beyond
        return wide, "the scores are too large for the rules of the integral over the candidates"
    return (total, "") if total.is_finite() else (wide, "the integral over the candidates is out of reach")


def _affordable(plans: Sequence[_Plan], allowed: float) -> bool:
    """Return whether plans take so many evaluations of g together; most of them are counted first."""
    total = 0.0
    for count in chain.from_iterable(plan.work() for plan in plans):
        total += count
        if total > allowed:
            return False
    return True


def _most(problem: Candidates, anchor: Anchor) -> arb:
    """Return an upper bound of E J: with t = E Σ_i (z_i − pᵀβ)², t/4 by (1), and √t as J ≤ E max_i (z_i − pᵀβ)."""
    beta, total = problem.centre(anchor), fmpq(0)
    second = anchor.covariance + anchor.mean * anchor.mean.transpose()
    for number, (b, H) in zip(anchor.expected, problem.targets, strict=True):
        spread = H + (b - beta) * (b - beta).transpose()
        total += number * exact.trace(spread * second)
    return arb(total / 4).min(arb(total).sqrt())


@dataclass(frozen=True)
class _Half:
    """p > 0 for p ~ N(m, G): targets (b_k − β, H_k), and the groups of candidates."""

    mean: fmpq
    variance: fmpq
    targets: tuple[tuple[fmpq, fmpq], ...]
    groups: tuple[Group, ...]
    expected: tuple[fmpq, ...]
    count: int

    @classmethod
    def of(cls, problem: Candidates, anchor: Anchor, sign: int) -> _Half:
        """Return the half p > 0, or for the sign −1 p < 0 as the half of −p."""
        beta = problem.centre(anchor)[0, 0]
        return cls(
            sign * anchor.mean[0, 0],
            anchor.covariance[0, 0],
            tuple((sign * (b[0, 0] - beta), H[0, 0]) for b, H in problem.targets),
            anchor.draw,
            anchor.expected,
            anchor.count,
        )

    @property
    def width(self) -> int:
        """How many candidates depend on each other at most."""
        return max(group.width for group in self.groups)

    @property
    def bend(self) -> fmpq:
        """B of (1)."""
        parts = zip(self.expected, self.targets, strict=True)
        return sum((number * (H + b * b) for number, (b, H) in parts), fmpq(0)) / 2

    @cached_property
    def floats(self) -> tuple[float, float, float, tuple[tuple[float, float], ...]]:
        """m, G, B and the targets in floats, for plans."""
        m, G, B = (float(exact.to_fraction(x)) for x in (self.mean, self.variance, self.bend))
        return m, G, B, tuple((float(exact.to_fraction(b)), float(exact.to_fraction(H))) for b, H in self.targets)

    def edge(self, theta: arb) -> arb:
        """Return N, the bound on the line arg p = θ."""
        double, cosine, sine = (2 * theta).cos(), theta.cos(), theta.sin()
        masses = [(arb(b * b / (2 * H)) * sine * sine / double).exp() / double.sqrt() for b, H in self.targets]
        seconds = [arb(H) / double + (arb(b) * cosine / double) ** 2 for b, H in self.targets]
        sums = [_mixed(group.chances, masses) for group in self.groups]
        total = arb(0)
        for g, group in enumerate(self.groups):
            others = arb(group.count) * sums[g] ** (group.count - 1)
            for other, mass in enumerate(sums):
                if other != g:
                    others *= mass ** self.groups[other].count
            total += others * _with_one(group, masses, seconds)
        m, G = arb(self.mean), arb(self.variance)
        own = (m * m * sine * sine / (2 * G * double)).exp() / double.sqrt()
        return total / 4 * own * (G / double + (m * cosine / double) ** 2)


def _mixed(chances: Sequence[tuple[tuple[int, ...], Any]], values: Sequence[arb]) -> arb:
    """Return Σ v Π values over a candidate or a pair of a group."""
    total = arb(0)
    for place, v in chances:
        for k in place:
            v = v * values[k]  # noqa: PLW2901
        total += v
    return total


def _with_one(group: Group, values: Sequence[arb], others: Sequence[arb]) -> arb:
    """Return the sum of all terms of `_mixed` in which one of the values is times its other."""
    total = arb(0)
    for place, v in group.chances:
        total += v * math.prod((values[k] for k in place), start=arb(1)) * sum((others[k] for k in place), arb(0))
    return total


@dataclass(frozen=True)
class _Plan:
    """The rule over t: its step h, first node and number of nodes; the error aimed at; and the work, by estimate."""

    half: _Half
    step: float
    first: int
    count: int
    theta: float
    aim: float

    @classmethod
    def of(cls, half: _Half, aim: float) -> _Plan:
        """Return the rule with the longest step among some angles."""
        best = (0.0, 0.0)
        for theta in _ANGLES:
            bound = half.edge(arb(theta))
            if bound.is_finite():
                size = float(bound.log()) if bound > 0 else 0.0
                best = max(best, (2 * math.pi * theta / max(size - math.log(aim / 2), 1.0), theta))
        step = dyadic(best[0])
        m, G, B, _ = half.floats
        low = math.log(aim * 6 * math.sqrt(2 * math.pi * G) / max(B, 1e-300)) / 3
        reach = max(m, 0.0) + math.sqrt(G * (2 * (-math.log(aim) + math.log1p(B * (G + m * m))) + 4))
        high = math.log(max(reach, 2 * math.sqrt(G) + 2 * abs(m)))
        first = math.floor(min(low, high) / step)
        return cls(half, step, first, math.ceil(high / step) - first, best[1], aim)

    def work(self) -> Iterator[float]:
        """Yield how many evaluations of g some of the nodes stand for, from the last on: it takes most."""
        for i in range(self.count, -1, -_SAMPLED):
            p = math.exp((self.first + i) * self.step)
            aim = self.needed(p)
            if aim < math.inf:
                rule = _Inner.of(self.half, p, aim)
                yield _SAMPLED * (rule.last - rule.first + 1) * sum(2 * count + 1 for _, _, count in rule.scores)

    def needed(self, p: float) -> float:
        """Return the error that J(p) may have; infinite where (1) alone is as good."""
        m, G, B, _ = self.half.floats
        density = math.exp(-((p - m) ** 2) / (2 * G)) / math.sqrt(2 * math.pi * G)
        weight = self.step * p * density
        aim = self.aim / (self.count + 1) / weight if weight > 0 else math.inf
        return math.inf if aim > B * p * p / 2 else aim


@dataclass(frozen=True)
class _Inner:
    """The rules for one p: over s the step and the nodes first … last; for each target its strip, step and nodes.

    The nodes of a target are as many to each side. nats: of what may be left out.
    """

    step: float
    strip: float
    first: int
    last: int
    scores: tuple[tuple[float, float, int], ...]
    nats: float

    @property
    def powers(self) -> list[arb]:
        """e^s at the nodes."""
        first, grow = arb(self.step * self.first).exp(), arb(self.step).exp()
        return [*accumulate(repeat(grow, self.last - self.first), mul, initial=first)]

    @classmethod
    def of(cls, half: _Half, p: float, aim: float) -> _Inner:
        """Return rules that err by less than `aim`, about."""
        nats = max(-math.log(aim), 0.0) + 3
        _, _, B, targets = half.floats
        laws = [(p * b, p * math.sqrt(H)) for b, H in targets]
        strip = _STRIP * (1 - 1 / (2 * nats + 2))
        size = nats + math.log1p((B * p * p + 2 * p * math.sqrt(2 * half.width * B) / half.count) / math.cos(strip))
        step = dyadic(2 * math.pi * strip / size)
        growth = max(a + sigma * sigma / 2 for a, sigma in laws)
        first = -nats - math.log(half.count) - max(growth, 0.0) - 1
        last = max(_end(a, sigma, nats) for a, sigma in laws)
        spare = math.log(half.count * (last - first + 2)) + 1
        scores = []
        for _, sigma in laws:
            alpha = min(math.sqrt(2 * (nats + spare)), 0.999 * _STRIP / sigma)
            u_step = dyadic(2 * math.pi * alpha / (nats + spare + alpha * alpha / 2 + 1))
            scores.append((alpha, u_step, math.ceil(math.sqrt(2 * (nats + spare)) / u_step)))
        return cls(step, strip, math.floor(first / step), math.ceil(last / step), tuple(scores), nats + spare)


def _end(a: float, sigma: float, nats: float) -> float:
    """Return s with ∫_s^∞ φ below e^{−nats}, about, by the best λ."""
    return min(cut + lam * sigma * sigma / 2 + nats / lam for lam, cut in _CUTS) - a


_LAMBDAS = tuple(2.0**i for i in range(-2, 14))
_CUTS = tuple((lam, math.log(lam) - 1 - math.log(lam) / lam) for lam in _LAMBDAS)


def _integrated(half: _Half, plan: _Plan) -> arb:
    """Return ∫_{p>0} n(p) J(p) dp."""
    m, G, B = arb(half.mean), arb(half.variance), arb(half.bend)
    total, scale = arb(0), 1 / (2 * arb.pi() * G).sqrt()
    for i in range(plan.count + 1):
        p = arb(plan.step * (plan.first + i)).exp()
        weight = p * scale * (-((p - m) ** 2) / (2 * G)).exp()
        aim = plan.needed(float(p))
        most = B * p * p / 2
        J = arb(most.upper() / 2, most.upper() / 2) if aim == math.inf else _at(half, p, aim)
        total += weight * J
    total *= plan.step
    theta = arb(plan.theta)
    rule = 2 * half.edge(theta) / ((2 * arb.pi() * theta / plan.step).exp() - 1)
    low, high = arb(plan.step * plan.first).exp(), arb(plan.step * (plan.first + plan.count)).exp()
    if not (high > m and high * (high - m) > 3 * G):
        return arb("nan")
    below = B * low**3 / 6 * scale
    # E[p²; p > P] = (G + m²)Q(x) + (P + m)G n(P), x = (P − m)/√G; the density of t, p³n(p), falls from P on.
    x = (high - m) / G.sqrt()
    tail = (G + m * m) * (x / arb(2).sqrt()).erfc() / 2 + (high + m) * G * scale * (-x * x / 2).exp()
    left_out = (below + B / 2 * tail).upper()
    return total + arb(left_out / 2, left_out / 2) + arb(0, rule.upper())


def _at(half: _Half, p: arb, aim: float) -> arb:
    """Return J(p) for p > 0."""
    rule = _Inner.of(half, float(p), aim)
    n, B = half.count, arb(half.bend)
    laws = [(p * b, p * arb(H).sqrt()) for b, H in half.targets]
    columns = [_means(a, sigma, rule, *parts[:2]) for (a, sigma), parts in zip(laws, rule.scores, strict=True)]
    groups = [([(place, arb(v)) for place, v in group.chances], group.count) for group in half.groups]
    total = arb(0)
    for E, *values in zip(rule.powers, *columns, strict=True):
        total += (-E * n).exp() - math.prod((_mixed(group, values) ** count for group, count in groups), start=arb(1))
    total *= rule.step
    a = arb(rule.strip)
    apart = B * p * p + 2 * p * (2 * half.width * B).sqrt() / n
    error = apart / (a.cos() * ((2 * arb.pi() * a / rule.step).exp() - 1))
    total += arb(0, error.upper()) + _left_out(half, laws, rule)
    most = (B * p * p / 2).upper()
    return total.intersection(arb(most / 2, most / 2)) if total.is_finite() else arb(most / 2, most / 2)


def _left_out(half: _Half, laws: list[tuple[arb, arb]], rule: _Inner) -> arb:
    """Return a ball around what the terms beyond the first and the last node add."""
    first, last = arb(rule.step * rule.first), arb(rule.step * rule.last)
    sums = sum(
        (number * (a + s * s / 2).exp() for number, (a, s) in zip(half.expected, laws, strict=True)), arb(half.count)
    )
    below = first.exp() * sums
    own = (-last.exp() * half.count).exp() / (last.exp() * half.count)
    above = arb(0)
    for (first_of_all, *_), v in half.groups[0].chances:  # no factor is above 1
        above += v * _best_tail(*laws[first_of_all], last)
    return arb(0, (below + own + above).upper())


def _best_tail(a: arb, sigma: arb, s: arb) -> arb:
    """Return a bound of ∫_s^∞ φ for scores N(a, σ²)."""
    lam = min(_LAMBDAS, key=lambda x: _exponent(float(a), float(sigma), float(s), x))
    exact_lam = arb(lam)
    exponent = exact_lam * (exact_lam.log() - 1) - exact_lam * (s + a) + (exact_lam * sigma) ** 2 / 2
    return exponent.exp() / exact_lam


def _exponent(a: float, sigma: float, s: float, lam: float) -> float:
    return lam * (math.log(lam) - 1) - lam * (s + a) + (lam * sigma) ** 2 / 2 - math.log(lam)


def _means(a: arb, sigma: arb, rule: _Inner, alpha: float, step: float) -> list[arb]:
    """Return φ at the nodes s, for scores a + σu: by a series where they are close together, or by sums of steps."""
    terms = _terms(float(sigma), rule.nats)
    found, error = _series(a, sigma, rule, terms) if terms else _sums(a, sigma, rule, alpha, step)
    ball = arb(0, error.upper())
    return [(x + ball).max(arb(0)).min(arb(1)) for x in found]


def _sums(a: arb, sigma: arb, rule: _Inner, alpha: float, step: float) -> tuple[list[arb], arb]:
    """Return sums over the scores, in steps of u that are `step` at most, and their error."""
    if not arb(alpha) * sigma <= arb.pi() / 2:
        raise ValueError("the strip of the scores is too wide")
    parts = math.ceil(rule.step / (step * float(sigma)))
    gap = arb(rule.step) / parts
    u_step, count = gap / sigma, math.ceil(math.sqrt(2 * rule.nats) / (rule.step / parts / float(sigma)))
    side = [gauss(u_step * n) * u_step for n in range(count + 1)]
    length = parts * (rule.last - rule.first) + 2 * count + 1
    values = _decays(arb(rule.step * rule.first) + a - gap * count, gap, length, rule.nats)
    sums = (arb_poly([*side[:0:-1], *side]) * arb_poly(values)).coeffs()
    return sums[2 * count : length : parts], _of_scores(arb(alpha), u_step, count)


def _series(a: arb, sigma: arb, rule: _Inner, terms: int) -> tuple[list[arb], arb]:
    """Return Σ_{k<terms} (σ²/2)ᵏ g^{(2k)}(s + a)/k!, e^{−y} times a polynomial in y = e^{s+a}, and its error."""
    polynomial, factor = arb_poly([0]), arb(1)
    for k, derivative in enumerate(_derivatives(terms)):
        factor = factor * sigma * sigma / (2 * k) if k else factor
        polynomial += factor * arb_poly(derivative)
    scale = a.exp()
    error = (2 * sigma / arb.pi()) ** (2 * terms) * math.prod(range(1, 2 * terms, 2))
    return [(-y).exp() * polynomial(y) for y in (E * scale for E in rule.powers)], error


def _terms(sigma: float, nats: float) -> int:
    """Return how many terms of the series leave out less than e^{−nats}, 0 for too many."""
    left = 0.0
    for k in range(_TERMS):
        left += math.log(2 * k + 1) + 2 * math.log(2 * sigma / math.pi)
        if left <= -nats:
            return k + 1
    return 0


@lru_cache(1)
def _derivatives(terms: int) -> tuple[fmpz_poly, ...]:
    """Return Q_{2k} for k < terms, g^{(k)}(x) = e^{−y}Q_k(y) with y = e^x: Q_{k+1} = y(Q_k' − Q_k)."""
    found = [fmpz_poly([1])]
    for _ in range(2 * terms - 2):
        found.append(fmpz_poly([0, 1]) * (found[-1].derivative() - found[-1]))
    return tuple(found[::2])


def _of_scores(alpha: arb, step: arb, count: int) -> arb:
    """Return how much the rule of this step and so many nodes to each side errs by."""
    return 2 * (alpha**2 / 2).exp() / ((2 * arb.pi() * alpha / step).exp() - 1) + (step * count / arb(2).sqrt()).erfc()


def _decays(start: arb, gap: arb, length: int, nats: float) -> list[arb]:
    """Return g at so many points; the same [1 − e^x, 1] where e^x is tiny, x the last such, and [0, g] where g is."""
    low, high = (math.floor((end - float(start)) / float(gap)) for end in (-nats, math.log(nats)))
    low, high = min(max(low, 0), length), min(max(high, 0), length)
    tiny, huge = ((start + gap * n).exp() for n in (low - 1, high))
    above, below = (x.upper() / 2 for x in (tiny, (-huge).exp()))
    powers = accumulate(repeat(gap.exp(), high - low - 1), mul, initial=(start + gap * low).exp()) if high > low else ()
    inside = [(-E).exp() for E in powers]
    return [*[1 - arb(above, above)] * low, *inside, *[arb(below, below)] * (length - high)]
