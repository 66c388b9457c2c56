"""A mixture with one covariance seen through Fᵀ: the posterior given Fᵀy, and means over what Fᵀy does not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Real,
    eq,
    exp,
    eye,
    fn,
    fresh,
    mean,
    minv,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse
from thmverify.proofs.lemmas.basic import SoftMax, Terms, congruence, square_nonnegative, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import summand_at_most
from thmverify.proofs.script import Line


def weighted_at_most(soft: SoftMax, h: Terms) -> Line:
    """Σ_k p_k h_k ≤ Σ_k (1 + h_k²): each h_k is at most that."""
    s, n = soft.s, soft.n
    k = fresh(Index(n), "k")
    top = total(n, lambda k: 1 + h(k) * h(k))
    low = s.lin(num(0) <= 1 + h(k) * h(k), [square_nonnegative(s, h(k))])
    own = square_nonnegative(s, h(k) - num("1/2"))  # h ≤ h² + 1/4
    each = s.lin(h(k) <= top, [summand_at_most(s, s.gen(low, k), k), own])
    part = s.apply("product", [[weaken(s, s.spec(soft.weight_positive(), k)), each]])
    part = s.lin(soft.p(k) * h(k) <= soft.p(k) * top, [part])
    return s.lin(
        total(n, lambda k: soft.p(k) * h(k)) <= top,
        [s.apply("sum_order", [[s.gen(part, k)]]), (soft.sums_to_one(), top)],
    )


class Projected:
    """F with independent columns, P = FᵀΣ̄F, and p_k(v) = w_k exp ℓ_k(v)/Σ_l w_l exp ℓ_l(v), the posterior at Fᵀy = v.

    ℓ_k(v) = μ_kᵀFP⁻¹v − ½ μ_kᵀFP⁻¹Fᵀμ_k.
    """

    def __init__(self, setting: Setting, F: Expr, independent: Line) -> None:
        """Take the line F⁺F = I."""
        self.set, self.s, self.F = setting, setting.s, F
        self.P = F.T @ setting.mix.sigma_bar @ F
        self.definite = congruence(self.s, setting.sigma_definite, F, independent)
        self.back, self.forth, self.symmetric = inverse(self.s, self.definite)

    def logit(self, k: Expr, v: Expr) -> Expr:
        """ℓ_k(v)."""
        own = self.F.T @ self.set.mu(k)
        return tr(own.T @ minv(self.P) @ v) - num("1/2") * tr(own.T @ minv(self.P) @ own)

    def soft(self, v: Expr) -> SoftMax:
        """The posterior at v."""
        st = self.set
        return SoftMax(self.s, st.K, st.w, lambda k: self.logit(k, v), st.positive, st.nonempty)

    def p(self, k: Expr, v: Expr) -> Expr:
        """p_k(v)."""
        return self.soft(v).p(k)

    def seen(self, k: Expr, t: Expr) -> Expr:
        """E t(Fᵀ(μ_k + η))."""
        return mean(self.set.mix.sigma_bar, lambda eta: t(self.F.T @ (self.set.mu(k) + eta)))

    @cached_property
    def shifted(self) -> Line:
        """∀l, t. E t(Fᵀ(μ_l + η)) = E exp(ℓ_l(Fᵀη)) t(Fᵀη): Cameron and Martin's theorem."""
        s, st, F, S = self.s, self.set, self.F, self.set.mix.sigma_bar
        l, t = fresh(Index(st.K), "l"), fresh(Fun(Col(F.cols), Real), "t")
        b = F @ minv(self.P) @ F.T @ st.mu(l)
        line = s.apply("tilt", [[st.sigma_psd]], [S, b, fn(Col(st.d), lambda xi: t(F.T @ xi))])
        right = mean(S, lambda eta: exp(self.logit(l, F.T @ eta)) * t(F.T @ eta))
        scale = exp(num("-1/2") * tr(b.T @ S @ b))
        facts = self.back, self.symmetric, st.sigma_symmetric
        return s.gen(s.lin(eq(self.seen(l, t), right), [(line, scale)], *facts), l, t)

    def bayes(self, h: Expr, tame: Sequence[Line]) -> Line:
        """∀k. Σ_l w_l E h(v)p_k(v) = w_k E h(Fᵀ(μ_k + η)), v = Fᵀ(μ_l + η), for a moderate h."""
        s, st, F, S = self.s, self.set, self.F, self.set.mix.sigma_bar
        k, l, v, eta = fresh(Index(st.K), "k"), fresh(Index(st.K), "l"), fresh(Col(F.cols), "v"), fresh(Col(st.d), "η")
        soft = self.soft(v)
        weight = h(v) * soft.whole
        point = s.lin(
            eq(h(v) * soft.p(k) * soft.whole, h(v) * (st.w(k) * exp(self.logit(k, v)))),
            [(s.spec(soft.weights, k), weight), (soft.cancel, h(v) * st.w(k) * exp(self.logit(k, v)))],
        )
        joint = mean(S, lambda eta: h(F.T @ eta) * self.p(k, F.T @ eta) * self.soft(F.T @ eta).whole)
        joined = s.same(joint, s.gen(s.spec(s.gen(point, v), F.T @ eta), eta))
        product = fn(Col(F.cols), lambda v: h(v) * self.p(k, v))
        given = [st.positive, *tame]
        several = s.gen(s.spec(self.shifted, l, product), l)
        summed = total(st.K, lambda l: st.w(l) * self.seen(l, product))
        claim = eq(summed, st.w(k) * self.seen(k, h))
        single = s.spec(self.shifted, k, h)
        opened = s.same(summed, several)
        return s.gen(s.lin(claim, [opened, joined, (single, st.w(k))], positive=given), k)

    # -- what Fᵀy does not say ----------------------------------------------------------------------------------------

    def rest(self, y: Expr) -> Expr:
        """(I − Σ̄FP⁻¹Fᵀ)y, the part of y that is independent of Fᵀy."""
        return y - self.lift(self.F.T @ y)

    def lift(self, v: Expr) -> Expr:
        """Σ̄FP⁻¹v, a column y with Fᵀy = v."""
        return self.set.mix.sigma_bar @ self.F @ minv(self.P) @ v

    def given(self, k: Expr, v: Expr, b: Expr) -> Expr:
        """B_k(v) = E b(Σ̄FP⁻¹v + (I − Σ̄FP⁻¹Fᵀ)(μ_k + ν)): the mean of b(y) where y is of component k and Fᵀy = v."""
        return mean(self.set.mix.sigma_bar, lambda nu: b(self.lift(v) + self.rest(self.set.mu(k) + nu)))

    def average(self, b: Expr) -> Expr:
        """β(v) = E[b(y) | Fᵀy = v] = Σ_k p_k(v) B_k(v)."""
        return fn(Col(self.F.cols), lambda v: total(self.set.K, lambda k: self.p(k, v) * self.given(k, v, b)))

    def conditional(self, g: Expr, b: Expr, tame: Sequence[Line]) -> Line:
        """Σ_l w_l E g(v)b(y) = Σ_l w_l E g(v)β(v), y = μ_l + η, v = Fᵀy, for moderate g and b."""
        s, st, F, S = self.s, self.set, self.F, self.set.mix.sigma_bar
        l, one = fresh(Index(st.K), "l"), eye(st.d)
        apart = one - S @ F @ minv(self.P) @ F.T
        facts = self.forth, self.back, self.symmetric, st.sigma_symmetric
        crossed = s.calc(eq(F.T @ S @ apart.T, zero(F.cols, st.d)), *facts)
        function = fn(
            Col(F.cols), lambda u: fn(Col(st.d), lambda e: g(F.T @ st.mu(l) + u) * b(st.mu(l) + self.lift(u) + e))
        )
        given = [st.positive, *tame]
        line = s.apply("split", [[st.sigma_psd, crossed], given], [S, F.T, apart, function])

        def both(l: Expr) -> Expr:
            return mean(S, lambda eta: g(F.T @ (st.mu(l) + eta)) * b(st.mu(l) + eta))

        inner = fn(Col(F.cols), lambda v: g(v) * self.given(l, v, b))
        each = s.gen(s.lin(eq(both(l), self.seen(l, inner)), [line], positive=given), l)
        moderate = s.apply("moderate", [[], given], [inner])
        of_l = s.gen(s.spec(self.bayes(inner, [*tame, moderate]), l), l)
        own = total(st.K, lambda l: st.w(l) * both(l))
        beta = self.average(b)
        claim = eq(own, total(st.K, lambda l: st.w(l) * self.seen(l, fn(Col(F.cols), lambda v: g(v) * beta(v)))))
        back = s.flip(of_l)
        return s.lin(
            claim,
            [s.same(own, each), s.same(total(st.K, lambda l: Expr(s.spec(back, l).left.term)), back)],
            positive=given,
        )

    def average_below(self, b: Expr, c: Expr, l: Expr, bound: Line, tame: Sequence[Line]) -> tuple[Expr, Expr, Line]:
        """Return c' and l' with ∀v. β(v) ≤ c' + l'ᵀv, from ∀y. b(y) ≤ c + lᵀy.

        c' = c + Σ_k (1 + τ_k²) with τ_k = lᵀ(I − Σ̄FP⁻¹Fᵀ)μ_k, and l' = P⁻¹FᵀΣ̄l.
        """
        s, st, S = self.s, self.set, self.set.mix.sigma_bar
        k, v, nu = fresh(Index(st.K), "k"), fresh(Col(self.F.cols), "v"), fresh(Col(st.d), "ν")

        def tau(k: Expr) -> Expr:
            return tr(l.T @ self.rest(st.mu(k)))

        line = s.gen(s.spec(bound, self.lift(v) + self.rest(st.mu(k) + nu)), nu)
        inner = s.apply("mean_order", [[line], [st.positive, *tame]], [S])
        slope = minv(self.P) @ self.F.T @ S @ l
        height = c + tr(slope.T @ v)
        facts = self.symmetric, st.sigma_symmetric
        each = s.lin(self.given(k, v, b) <= height + tau(k), [inner], *facts, psd=[st.sigma_psd])
        soft = self.soft(v)
        part = s.apply("product", [[weaken(s, s.spec(soft.weight_positive(), k)), each]])
        part = s.lin(soft.p(k) * self.given(k, v, b) <= soft.p(k) * (height + tau(k)), [part])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        few = weighted_at_most(soft, tau)
        top = c + total(st.K, lambda k: 1 + tau(k) * tau(k))
        found = s.lin(self.average(b)(v) <= top + tr(slope.T @ v), [summed, (soft.sums_to_one(), height), few])
        return top, slope, s.gen(found, v)
