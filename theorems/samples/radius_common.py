"""How far the minimiser of a sample is from the population's, with which probability: every constant, in balls.

Coordinates where Σ = I. A SharedGMM has weights w_k and means ν_k ∈ R^d, which span q dimensions; (x_i, x̂_i), i ≤ n,
are independent augmented pairs of bias δ, and there are r ≥ d columns, so that M = AAᵀ is any M ⪰ 0. L is InfoNCE
with minimiser M*, m a bound for its eigenvalues; L̂ is the loss of the pairs (`common.QUANTITY`). ‖·‖ is Frobenius'
norm: ‖D‖² = tr(DΣDΣ) in other coordinates. z is the part of x in the span, N = max_k |ν_k|, Δ = max_kl |ν_k − ν_l|, V
= min(N², Δ²/2), w₀ = min_k w_k, and c_d(R) = Pr(χ²_d ≤ R²), which is 0 for R ≤ 0.

THEOREM. Let 0 < p < 1, and take cuts T, s, T′ > 0 and 0 < t < 1. If σ < κ(ρ)ρ for the σ of 4 and the κ of
5, then with probability at least 1 − p the loss L̂ has a minimiser, and each has ‖M̂ − M*‖ < ρ.

So gᵀΣM̂ΣM̂Σg ≤ ρ² gᵀΣg where gᵀμ_k = 0 for all k (`sample-radius`), and an eigenspace of M̂, whitened, for
eigenvalues of λ or more is at an angle of sine ρ/λ at most from S_F: with P the projector across S_F, P M̂u = P(M̂ −
M*)u (Davis, Kahan).

1. *A sphere is enough.* L̂ is convex in M. If L̂(M* + D) > L̂(M*) wherever ‖D‖ = ρ and M* + D ⪰ 0, then L̂ > L̂(M*)
beyond, by convexity, and on the ball, which is compact, L̂ has a minimum.

2. *Slope and bend.* Let a = M*x. The law F of y, tilted by exp(aᵀy), is π_x = Σ_k p_k N(ν_k + a, I), p_k ∝ w_k
exp(aᵀν_k), with mean y(x) = a + Σ_k p_k ν_k. Write ω(x, y) = exp(aᵀy)/E_y exp(aᵀy), h(x, y) = y − y(x), ω_ij and h_ij
at x_i and x̂_j,

    D_i = (1/n) Σ_j ω_ij,   N_i = (1/n) Σ_j ω_ij h_ij,   p̂_ij = ω_ij/(nD_i),   ŷ_i = Σ_j p̂_ij x̂_j = y(x_i) + N_i/D_i.

Exactly, L̂(M* + D) − L̂(M*) = ⟨∇L̂(M*), D⟩ + (1/n) Σ_i k_i, k_i = log Σ_j p̂_ij exp U_ij ≥ 0, U_ij = x_iᵀD(x̂_j −
ŷ_i). And ⟨∇L(M*), D⟩ ≥ 0, as M* is the best of all M ⪰ 0. So it is > 0 on the sphere if ‖∇L̂(M*) − ∇L(M*)‖ ≤ σ, and
the mean of the k_i is at least κρ² > σρ. That σ is about one map. There is no net and no union over maps.

3. *Moments.* E_y ω² ≤ e^{|a|²}/w₀ and E_y ω²|h|² ≤ (d + |a|² + V)e^{|a|²}/w₀: they are e^{|a|²} Σ_k p_k²/w_k times 1,
or times d + |a + t_k|² in the sum, t_k = ν_k − Σ_l p_l ν_l, and p_k² ≤ p_k, Σ_k p_k t_k = 0, Σ_k p_k |t_k|² ≤ V. Here
|a| ≤ m|z|. For θ ≤ m², θ < ½, e^{m²|z|²} ≤ e^{(m² − θ)R²} e^{θ|z|²} where |z| ≤ R, and moments under e^{θ|z|²} are in
closed form. As x_i and x̂_i belong together, the term j = i is apart: a pair's density is at most β = δ/w₀ + 1 − δ
times that of F × F, so that root mean squares of N_i, and the like, are at most f = 1 + √(β/n) times those of n
independent terms.

4. *Slope.* ∇L̂(M*) − ∇L(M*) is the symmetric part of the mean of x_i(y(x_i) − x̂_i)ᵀ, less its expectation, and of
(1/n) Σ_i x_i(ŷ_i − y(x_i))ᵀ. Call i far if |z_i| > T′ or D_i < 1 − t; else |ŷ_i − y(x_i)| ≤ |N_i|/(1 − t). But for a
probability of p/2 all that is not far comes to at most (√a₂ + f√Q/(1 − t))/√(np/2), by Chebyshev's inequality, with
a₂ = E|x|²(d + 2Δ² + 2m²|z|²) ≥ E|x|²|x̂ − y(x)|² and Q ≥ E[|x|²ω²|h|²; |z| ≤ T′] from 3. But for p/8 all |x̂_j| ≤ Y,
Y² = 4 log(8n E e^{|x|²/4}/p), and then an i that is far adds |x_i|(Y + N + m|z_i|) at most. The mean of that is at
most

    B = e^{−3T′²/8} √(E′|x|² · E′τ) + e^{−(t²n − 2t)w₀ exp(−m²T′²)/2} √(E|x|² · Eτ),   τ = 2(Y + N)² + 2m²|z|²,

E′ weighted by e^{3|z|²/8}: the second as Pr(D_i < 1 − t) is at most that power, a lower tail of a sum of independent
ω_ij ≥ 0. But for p/8 it comes to 8B/p at most, by Markov's inequality. σ is the sum: it fails with 3p/4 at most.

5. *Bend.* For u ≥ −b, eᵘ ≥ 1 + u + u²(e^{−b} − 1 + b)/b², and eᵘ ≥ 1 + u always; log is concave. So k_i ≥ λ(b) Σ_j
p̂_ij U_ij² over any j with |U_ij| ≤ b, λ(b) = log(b + e^{−b})/b². Take the i with |x_i| ≤ T and the j with |h_ij| ≤
s. Call i good if (D_i − 1)² + |N_i|² ≤ t², and the mean over these j of ω_ij(1, h_ij)(1, h_ij)ᵀ is within t, in
Frobenius' norm, of its expectation. Then |ŷ_i − y(x_i)| ≤ t/(1 − t), so that b = ρT(s + t/(1 − t)) will do, and with
v = Dx_i, c = vᵀ(ŷ_i − y(x_i)),

    Σ_j p̂_ij U_ij² ≥ (E[ω(vᵀh − c)²; |h| ≤ s] − t(|v|² + c²))/(1 + t) ≥ γ|v|²,   γ = (c_{d+2}(s − Δ) − t)/(1 + t),

if γ ≥ 0. For under π_x h is t_k + g, g ~ N(0, I), |t_k| ≤ Δ, and on |g| ≤ s − Δ the mean of (vᵀ(t_k + g) − c)² is at
least c_d(s − Δ)c² + c_{d+2}(s − Δ)|v|². But for p/8 a share of 8G/p at most, of all i, has |x_i| ≤ T and is not good,
by Chebyshev's and Markov's inequalities, G = f²(2 + s²)E[ω²(1 + |h|²); |z| ≤ T]/(nt²). But for another p/8, (1/n) Σ
x_ix_iᵀ over |x_i| ≤ T is at least c_{d+2}(T − N) − √(8E|x|⁴/(np)). Both together give κ(ρ) = λ(b)γη with

    η = c_{d+2}(T − N) − √(8E|x|⁴/(np)) − 8T²G/p.   ∎

It is loose: Chebyshev's inequality pays 1/√p for √log(1/p); Q forgets that the errors of different i cancel; b is for
the worst of all directions at once, which costs ρ a factor of order d. So it says nothing before n is some 10⁷.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from flint import arb, ctx, fmpq

from thmverify import exact
from thmverify.certifying.grids import OutOfReachError
from thmverify.certifying.infonce import infonce_proposals
from thmverify.certifying.writing import instance_fields
from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL, from_ball, to_fmpq, to_fraction
from thmverify.kernel.enclosure import enclose_infonce
from thmverify.kernel.models import Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.strict import Rejected
from thmverify.models import Instance
from thmverify.rationals import Number, rational

_BITS = 96
_TILT = fmpq(3, 8)  # of what is far: e^{3|z|²/8} has a mean, as 3/8 < 1/2
_MOST = fmpq(1, 4)  # the largest θ; eigenvalues of M* are below 1/2, as a rule
_STEEPEST = 2.2  # b up to which log(b + e⁻ᵇ)/b grows
_NO_RADIUS, _NO_RISE = 1e3, 1e9  # what the search for cuts minimises where there is no ρ, and where κ ≤ 0
_FACTORS, _TURNS = (1.6, 1.25, 1.1, 1.03), 60
_DIGITS = 4  # of ρ
_MANY = 10**24  # pairs: no mixture of use needs more


class Moments(NamedTuple):
    """E e^{θ|z|²} times 1, |z|², |x|² and |x|²|z|², and, for θ = 0, E|x|⁴."""

    one: arb
    z2: arb
    x2: arb
    x2z2: arb
    x4: arb


@dataclass(frozen=True)
class Law:
    """What the theorem knows of an instance: d, q, the weights, |ν_k|², Δ², δ, and m, a bound for M*."""

    d: int
    q: int
    weights: tuple[fmpq, ...]
    squares: tuple[fmpq, ...]
    diameter2: fmpq
    bias: fmpq
    top: fmpq

    @classmethod
    def of(cls, instance: Instance) -> Law:
        """Return what is known of it. Raises InputError where covariances differ."""
        mixture = instance.shared
        gram, K = mixture.mu.transpose() * mixture.sigma.solve(mixture.mu), range(mixture.components)
        diameter2 = max(gram[j, j] + gram[k, k] - 2 * gram[j, k] for j in K for k in K)
        bias, squares = to_fmpq(instance.pairs.bias), tuple(gram[k, k] for k in K)
        return cls(mixture.dimension, gram.rank(), mixture.w, squares, diameter2, bias, _top(instance))

    def moments(self, theta: fmpq) -> Moments:
        """Return moments at θ < ½: e^{θ|z|²} makes of N(ν, I) a multiple of N(ν/(1 − 2θ), I/(1 − 2θ))."""
        rest, across = 1 - 2 * theta, self.d - self.q
        one, z2, z4 = arb(0), arb(0), arb(0)
        for w, square in zip(self.weights, self.squares, strict=True):
            mass = w * arb(rest) ** (-arb(self.q) / 2) * arb(theta * square / rest).exp()
            second = square / rest**2 + self.q / rest
            one, z2 = one + mass, z2 + mass * second
            z4 += mass * (second**2 + 2 * self.q / rest**2 + 4 * square / rest**3)
        x4 = z4 + 2 * across * z2 + (across**2 + 2 * across) * one
        return Moments(one, z2, z2 + across * one, z4 + across * z2, x4)

    @property
    def spread(self) -> fmpq:
        """V: the means have no larger variance, whatever their weights are."""
        return min(max(self.squares), self.diameter2 / 2)

    def tilted(self, cut: fmpq) -> tuple[arb, Moments]:
        """Return c and moments such that E[e^{m²|z|²}f/w₀; |z| ≤ cut] ≤ c·E e^{θ|z|²}f for each f ≥ 0."""
        theta = min(self.top**2, _MOST)
        return arb((self.top**2 - theta) * cut**2).exp() / min(self.weights), self.moments(theta)

    def chance(self, radius: arb) -> arb:
        """Return c_{d+2}(radius)."""
        if not radius > 0:
            return arb(0)
        return (radius**2 / 2).gamma_lower(arb(self.d + 2) / 2, regularized=1)


def _upper(value: arb) -> fmpq:
    return from_ball(arb(value.upper()))


def _top(instance: Instance) -> fmpq:
    """Return m, from an enclosure of M* as certificates have it; without one from convexity.

    tr(M*ΣM*R) ≤ −⟨∇L(0), M*⟩ for R = Σ + S, as ⟨∇L(M*), M*⟩ = 0 and tr(DΣDR) bounds the Hessian from below.
    """
    mixture, bias = instance.shared, to_fmpq(instance.pairs.bias)
    try:
        seen = kernel_instance(json.loads(json.dumps(instance_fields(instance))))
        if isinstance(seen, Pairs) and seen.mixture.m:
            found = enclose_infonce(seen.on_fisher, next(infonce_proposals(instance, seen.on_fisher)).hints)
            squared = found.inner * found.inner  # the trace of its fourth power is at least its largest eigenvalue's
            power = (squared * squared * squared * squared).trace() if found.inner.nrows() else arb(0)
            return _upper(power ** (arb(1) / 8) + found.epsilon)
    except (OutOfReachError, Rejected, InputError, StopIteration, *FLOATS_FAIL):
        pass
    slope = (mixture.S - mixture.mean * mixture.mean.transpose()) * bias
    return _upper(arb(exact.trace(mixture.R.solve(slope) * mixture.sigma.solve(slope))).sqrt())


@dataclass(frozen=True)
class Cuts:
    """T, s, t and T′: any positive ones will do, t < 1, and the search finds good ones."""

    near: Fraction
    keys: Fraction
    room: Fraction
    far: Fraction


class Rise(NamedTuple):
    """σ, γη and b/ρ, where the three come from: L̂ rises from M* to every M at distance ρ if σ < κ(ρ)ρ."""

    slope: arb
    bend: arb
    stretch: arb

    def clears(self, rho: Fraction) -> bool:
        """Return whether σ < κ(ρ)ρ is certain, κ(ρ) = λ(b)γη."""
        b = self.stretch * to_fmpq(rho)
        return bool(self.bend > 0 and self.slope * self.stretch < (b + (-b).exp()).log() / b * self.bend)

    def radius(self) -> Fraction | None:
        """Return a ρ that clears, nearly the least, rounded up; None where floats find none."""
        if not self.bend > 0:
            return None
        wanted = float(self.slope * self.stretch / self.bend)
        low, high = 0.0, _STEEPEST
        if not wanted < _growth(high):
            return None
        while high - low > 1e-9 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if _growth(middle) > wanted else (middle, high)
        rho = rounded_up(high / float(self.stretch))
        return rho if self.clears(rho) else None

    def cost(self) -> float:
        """Return what the search minimises: ρ, or how far there is none."""
        if not self.bend > 0:
            return _NO_RISE * (1 - float(self.bend))
        found = self.radius()
        return float(found) if found is not None else _NO_RADIUS + float(self.slope * self.stretch / self.bend)


def _growth(b: float) -> float:
    return math.log(b + math.exp(-b)) / b


def rounded_up(value: float) -> Fraction:
    """Return a decimal of few digits that is a little more."""
    scale = Fraction(10) ** (_DIGITS - 1 - math.floor(math.log10(value)))
    return math.ceil(Fraction(value) * scale * (1 + Fraction(1, 10**7))) / scale


def slope(law: Law, n: int, p: Fraction, room: Fraction, far: Fraction) -> arb:
    """Return σ: but for 3p/4, ‖∇L̂(M*) − ∇L(M*)‖ is at most that (4)."""
    d, m, V, t = law.d, law.top, law.spread, to_fmpq(room)
    plain, tail = law.moments(fmpq(0)), law.moments(_TILT)
    factor, near = law.tilted(to_fmpq(far))
    paired = plain.x2 * (d + 2 * law.diameter2) + 2 * m**2 * plain.x2z2
    weighted = factor * ((d + V) * near.x2 + m**2 * near.x2z2)
    main = (paired.sqrt() + repeated(law, n) * weighted.sqrt() / (1 - t)) / arb(n * to_fmpq(p) / 2).sqrt()
    largest = sum((w * arb(square / 2).exp() for w, square in zip(law.weights, law.squares, strict=True)), arb(0))
    reach = (4 * (8 * n / to_fmpq(p) * arb(2) ** (arb(d) / 2) * largest).log()).sqrt() + arb(max(law.squares)).sqrt()

    def size(at: Moments) -> arb:
        return (at.x2 * (2 * reach**2 * at.one + 2 * m**2 * at.z2)).sqrt()

    cut2 = to_fmpq(far) ** 2
    light = (t**2 * n - 2 * t) / 2 * min(law.weights) * arb(-(m**2) * cut2).exp()
    return main + 8 / to_fmpq(p) * (arb(-_TILT * cut2).exp() * size(tail) + (-light).exp() * size(plain))


def repeated(law: Law, n: int) -> arb:
    """Return f = 1 + √(β/n): what it costs that x_i and x̂_i belong together."""
    return 1 + arb((law.bias / min(law.weights) + 1 - law.bias) / n).sqrt()


def rise(law: Law, n: int, p: Fraction, cuts: Cuts) -> Rise:
    """Return what the cuts give, in balls (5)."""
    T, s, t, _ = (to_fmpq(cut) for cut in astuple(cuts))
    factor, near = law.tilted(T)
    heavy = factor * ((1 + law.d + law.spread) * near.one + law.top**2 * near.z2)
    failing = repeated(law, n) ** 2 * (2 + s**2) * heavy / (n * t**2)
    wander = (8 * law.moments(fmpq(0)).x4 / (n * to_fmpq(p))).sqrt()
    kept = law.chance(T - arb(max(law.squares)).sqrt()) - wander - 8 * T**2 * failing / to_fmpq(p)
    seen = (law.chance(s - arb(law.diameter2).sqrt()) - t) / (1 + t)
    bend = kept * seen if kept > 0 and seen > 0 else kept.min(seen).min(arb(0))
    return Rise(slope(law, n, p, cuts.room, cuts.far), bend, arb(T * (s + t / (1 - t))))


def _searched(cost: Callable[[Cuts], float], start: Cuts) -> Cuts:
    """Return cuts at which the cost is low: one is scaled at a time. Any cuts are right, and floats choose them."""
    best, least = start, cost(start)
    for factor in _FACTORS:
        for _ in range(_TURNS):
            tried = [
                Cuts(*(_dyadic(cut * scale) if i == j else cut for j, cut in enumerate(astuple(best))))
                for i in range(4)
                for scale in (Fraction(factor), 1 / Fraction(factor))
            ]
            costs = [cost(cuts) if cuts.room < 1 else math.inf for cuts in tried]
            if not min(costs) < least:
                break
            least, best = min(costs), tried[costs.index(min(costs))]
    return best


def _dyadic(cut: Fraction) -> Fraction:
    return Fraction(math.ceil(cut * 2**20), 2**20)


@dataclass(frozen=True)
class Radius:
    """But for a probability of p, L̂ has minimisers, all nearer to M* than ρ. With ρ None it is not said how near."""

    n: int
    p: Fraction
    rho: Fraction | None
    cuts: Cuts
    rise: Rise


@lru_cache(maxsize=256)
def _radius(law: Law, n: int, p: Fraction) -> Radius:
    across = math.sqrt(law.d + 2)
    size, width = (math.sqrt(exact.to_float(x)) for x in (max(law.squares), law.diameter2))
    start = Cuts(*(_dyadic(Fraction(x)) for x in (size + across, width + 1.3 * across, 0.3, 8.0)))
    with ctx.workprec(_BITS):
        cuts = _searched(lambda cuts: rise(law, n, p, cuts).cost(), start)
        found = rise(law, n, p, cuts)
        return Radius(n, p, found.radius(), cuts, found)


def _checked(n: object, p: object) -> Fraction:
    """Return p. Raises InputError for what is no number of pairs, or no probability between 0 and 1."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise InputError("n", n, "is not a number of pairs of at least 2", "write a whole number from 2 on")
    chance = rational("p", p)
    if not 0 < chance < 1:
        raise InputError("p", p, "is not between 0 and 1", 'write a probability such as "1/20"')
    return chance


def _convex(instance: Instance) -> Law:
    """Return the law. Raises InputError for r < d: then the loss is not one of all M ⪰ 0."""
    if instance.rank < instance.shared.dimension:
        rule = f"is below d = {instance.shared.dimension}, and the theorem is about r ≥ d columns"
        raise InputError("rank", instance.rank, rule, "give the instance d columns or more")
    return Law.of(instance)


def radius(instance: Instance, n: int, p: Number) -> Radius:
    """Return ρ for n pairs and a probability p of failure, for maps with r ≥ d columns.

    Raises InputError for n < 2, p outside (0, 1), r < d, and for covariances that differ.
    """
    chance = _checked(n, p)
    return _radius(_convex(instance), n, chance)


def slope_bound(instance: Instance, n: int, p: Number) -> Fraction:
    """Return a bound for ‖∇L̂(M*) − ∇L(M*)‖ that fails with probability 3p/4 at most, for every n ≥ 2.

    Raises InputError for n < 2, p outside (0, 1), and for covariances that differ.
    """
    chance, law = _checked(n, p), Law.of(instance)
    start = Cuts(Fraction(1), Fraction(1), Fraction(1, 2), Fraction(4))
    with ctx.workprec(_BITS):
        cuts = _searched(lambda c: float(slope(law, n, chance, c.room, c.far)), start)
        return to_fraction(_upper(slope(law, n, chance, cuts.room, cuts.far)))


def pairs_needed(instance: Instance, rho: Number, p: Number) -> int:
    """Return a number of pairs at which the theorem gives ρ or less: by bisection, some 2 % above where that begins.

    Raises InputError for ρ ≤ 0, where 10²⁴ pairs are too few, and as `radius` does.
    """
    wanted, chance = rational("rho", rho), _checked(2, p)
    if not wanted > 0:
        raise InputError("rho", rho, "is no distance", "write a positive number")
    law = _convex(instance)

    def enough(n: int) -> bool:
        found = _radius(law, n, chance).rho
        return found is not None and found <= wanted

    low, high = 2, 4
    while not enough(high):
        low, high = high, high * 4
        if high > _MANY:
            raise InputError("rho", rho, "asks for more than 10²⁴ pairs", "write a larger distance")
    while high > low + low // 50 + 1:
        middle = math.isqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
