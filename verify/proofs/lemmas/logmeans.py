"""Log-means: log Z(g), Z(g) = E exp g(y) over a mixture with one covariance, and its tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from thmverify.proofs.expressions import Col, Expr, Index, eq, exp, fresh, inv, log, mean, num, total
from thmverify.proofs.lemmas.basic import (
    Terms,
    exp_order,
    exp_positive,
    log_exp,
    positive_nonzero,
    positive_sum,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script


def exp_grows(s: Script, line: Line) -> Line:
    """exp a ≤ exp b from a ≤ b."""
    a, b = line.left, line.right
    tangent = s.parts(s.apply("exponential", [], [b - a]))[0]
    above = s.apply("product", [[weaken(s, exp_positive(s, a)), tangent]])  # exp a (1 + b − a) ≤ exp b
    gap = s.apply("product", [[weaken(s, exp_positive(s, a)), line]])
    return s.lin(exp(a) <= exp(b), [above, gap])


def mixture_order(setting: Setting, line: Line, k: Expr, xi: Expr, claim: Expr, tame: Sequence[Line]) -> Line:
    """The claim, Σ_k w_k E a(μ_k + ξ) ≤ Σ_k w_k E b(μ_k + ξ), from a ≤ b for the free k and ξ."""
    s, w = setting.s, setting.w
    inner = s.apply("mean_order", [[s.gen(line, xi)], tame], [setting.mix.sigma_bar])
    part = s.apply("product", [[weaken(s, s.spec(setting.positive, k)), inner]])
    part = s.lin(w(k) * inner.left <= w(k) * inner.right, [part])
    return s.lin(claim, [s.apply("sum_order", [[s.gen(part, k)]])], positive=tame)


class LogMean:
    """g, a function of y, and Z = Σ_l w_l E exp g(μ_l + η) > 0, η ~ N(Σ̄). `tame` says what makes exp g tame."""

    def __init__(self, setting: Setting, g: Terms, tame: Sequence[Line] = ()) -> None:
        """Take the exponent, which may hold free variables."""
        self.set, self.s, self.g = setting, setting.s, g
        self.tame = [setting.positive, *tame]

    def mean(self, h: Terms) -> Expr:
        """Σ_l w_l E exp(g) h."""
        st = self.set
        S = st.mix.sigma_bar
        return total(
            st.K,
            lambda l: st.w(l) * mean(S, lambda eta: exp(self.g(st.mu(l) + eta)) * h(st.mu(l) + eta)),
        )

    @cached_property
    def whole(self) -> Expr:
        """Z."""
        st = self.set
        return total(st.K, lambda l: st.w(l) * mean(st.mix.sigma_bar, lambda eta: exp(self.g(st.mu(l) + eta))))

    @property
    def log(self) -> Expr:
        """log Z."""
        return log(self.whole)

    def average(self, h: Terms) -> Expr:
        """P h = Z⁻¹ Σ_l w_l E exp(g) h."""
        return self.mean(h) * inv(self.whole)

    @cached_property
    def positive(self) -> Line:
        """0 < Z."""
        s, st = self.s, self.set
        l, eta = fresh(Index(st.K), "l"), fresh(Col(st.d), "eta")
        under = s.gen(exp_positive(s, self.g(st.mu(l) + eta)), eta)
        inner = s.apply("mean_order", [[under], self.tame], [st.mix.sigma_bar])
        inner = s.lin(num(0) < inner.right, [inner])
        part = s.apply("product", [[s.spec(st.positive, l), inner]])
        part = s.lin(num(0) < st.w(l) * inner.right, [part])
        found = positive_sum(s, s.gen(part, l), st.nonempty)
        return s.lin(num(0) < self.whole, [found])

    @cached_property
    def exp_log(self) -> Line:
        """exp log Z = Z."""
        return log_exp(self.s, self.positive)

    @cached_property
    def cancel(self) -> Line:
        """Z·Z⁻¹ = 1."""
        return self.s.mp(self.s.apply("reciprocal", [], [self.whole]), positive_nonzero(self.s, self.positive))

    def tangent(self, h: Terms, other: LogMean) -> Line:
        """log Z(g) + P h ≤ log Z(g + h), the exponent g + h being that of `other`."""
        s = self.s

        def zero(_: Expr) -> Expr:
            return num(0)

        none = s.lin(eq(self.mean(zero), 0), [], positive=self.tame)
        return self.weighted_tangent(h, other, zero, lambda y: s.calc(num(0) <= 1 + zero(y)), none)

    def weighted_tangent(self, h: Terms, other: LogMean, T: Terms, sign: Callable[[Expr], Line], none: Line) -> Line:
        """log Z(g) + P((1 + T)(h − T)) ≤ log Z(g + h), for weights 1 + T of mean 1.

        `sign` takes y to the line 0 ≤ 1 + T(y), and `none` says Σ_l w_l E exp(g) T = 0. With m = P((1 + T)(h − T))
        exp(h − m) ≥ (1 + T) exp(h − T − m) ≥ (1 + T)(1 + h − T − m).
        """
        s, st = self.s, self.set
        l, eta = fresh(Index(st.K), "l"), fresh(Col(st.d), "eta")

        def weighted(y: Expr) -> Expr:
            return (1 + T(y)) * (h(y) - T(y))

        slope, y = self.average(weighted), st.mu(l) + eta
        rest = h(y) - T(y) - slope
        above = s.parts(s.apply("exponential", [], [rest]))[0]
        more = s.parts(s.apply("exponential", [], [T(y)]))[0]
        weight, power = exp_positive(s, self.g(y)), exp_positive(s, self.g(y) + rest)
        share = s.lin(num(0) <= exp(self.g(y)) * (1 + T(y)), [s.apply("product", [[weaken(s, weight), sign(y)]])])
        scaled = s.apply("product", [[share, above]])
        raised = s.apply("product", [[weaken(s, power), more]])
        part = s.lin(exp(self.g(y)) * (1 + T(y)) * (1 + rest) <= exp(other.g(y)) * exp(-slope), [scaled, raised])
        high = other.whole * exp(-slope)
        claim = self.whole + self.mean(weighted) - slope * self.whole <= high
        middle = self.whole + self.mean(weighted) - slope * self.whole + (1 - slope) * self.mean(T)
        summed = mixture_order(st, part, l, eta, middle <= high, [*other.tame, *self.tame[1:]])
        summed = s.lin(claim, [summed, (none, 1 - slope)])
        bound = s.lin(self.whole <= high, [summed, (self.cancel, self.mean(weighted))])  # Z ≤ Z'·exp(−m)
        grown = s.apply("product", [[bound, weaken(s, exp_positive(s, slope))]])
        raised = s.lin(exp(self.log + slope) <= exp(other.log), [grown, (self.exp_log, exp(slope)), (other.exp_log, 1)])
        return s.lin(self.log + slope <= other.log, [exp_order(s, raised)])

    def above(self, other: LogMean, more: Expr) -> Line:
        """log Z' ≤ log Z + κ + Z'·Z⁻¹·exp(−κ) − 1, for another exponent and any number κ."""
        s = self.s
        tangent = s.parts(s.apply("exponential", [], [other.log - self.log - more]))[0]
        ratio, over = exp(-self.log), inv(self.whole)
        inverse = s.lin(eq(ratio, over), [(self.exp_log, ratio * over), (self.cancel, ratio)])
        claim = other.log <= self.log + more + other.whole * over * exp(-more) - 1
        scale = exp(-more)
        return s.lin(claim, [tangent, (other.exp_log, ratio * scale), (inverse, other.whole * scale)])
