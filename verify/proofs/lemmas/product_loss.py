"""Lemmas about InfoNCE of a product of centred mixtures: its loss is at least the sum of the factors' losses.

With M = AAᵀ and N = E_1ᵀME_2, L(A) ≥ L_1(E_1ᵀA) + L_2(E_2ᵀA) + tr(NᵀΣ_1NΣ_2), and = where N = 0.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from thmverify.formulas import mixtures as v
from thmverify.formulas.product import FACTORS, sum_of
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    eq,
    exp,
    eye,
    fn,
    fresh,
    lse,
    mean,
    minv,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import SoftMax, exp_injective, square_norm, vanishes_below, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.product import Product, Side, at, closed
from thmverify.proofs.script import Line

A = v.A


class Potential:
    """The log-sum-exp of one factor, at x of the product: φ(x) = log Σ_c w_c exp(xᵀMEμ_c), M = AAᵀ."""

    def __init__(self, product: Product, side: Side) -> None:
        """Take the factor; x = Eu + Fy, F the embedding of the other factor."""
        self.s, self.product, self.side, self.own, self.other = product.s, product, side, side.own, side.other

    def logit(self, x: Expr, c: Expr) -> Expr:
        """xᵀMEμ_c."""
        return tr(x.T @ A @ A.T @ self.own.E @ self.own.mu(c))

    def phi(self, x: Expr) -> Expr:
        """φ(x)."""
        return lse(self.own.K, self.own.w, lambda c: self.logit(x, c))

    def soft(self, x: Expr) -> SoftMax:
        """The log-sum-exp φ(x), with what is known of it."""
        return SoftMax(
            self.s, self.own.K, self.own.w, lambda c: self.logit(x, c), self.side.positive, self.side.nonempty
        )

    @property
    def joint(self) -> Expr:
        """J = Σ_k w_k E φ(μ_k + ξ): the mean of φ over the product."""
        S = self.product.set.mix.sigma_bar
        return total(v.K, lambda k: v.w(k) * mean(S, lambda xi: self.phi(v.mu(k) + xi)))

    @property
    def alone(self) -> Expr:
        """Σ_a w_a E φ(E(μ_a + ξ)): its mean over the factor, where the other one is 0."""
        return self.side.potential(self.own.E.T @ A)

    @property
    def pairs(self) -> Line:
        """J = Σ_a Σ_b w_a w_b E φ(Eμ_a + Fμ_b + ξ)."""
        s, own, other, S = self.s, self.own, self.other, self.product.set.mix.sigma_bar
        line = self.side.average(
            lambda a, b: mean(S, lambda xi: self.phi(own.E @ own.mu(a) + other.E @ other.mu(b) + xi))
        )
        opened = s.same(self.joint, self.product.means)
        return s.lin(eq(self.joint, line.right), [opened, line])

    # -- Jensen -------------------------------------------------------------------------------------------------------

    def apart(self, a: Expr, b: Expr, xi: Expr, eta: Expr) -> Expr:
        """φ(E(μ_a + Eᵀξ) + F(μ_b + Fᵀη)), ξ and η independent."""
        E, F = self.own.E, self.other.E
        return self.phi(E @ self.own.mu(a) + E @ E.T @ xi + F @ self.other.mu(b) + F @ F.T @ eta)

    def split(self, a: Expr, b: Expr) -> Line:
        """E_ξ φ(Eμ_a + Fμ_b + ξ) = E_ξ E_η φ(E(μ_a + Eᵀξ) + F(μ_b + Fᵀη)): Eᵀξ is independent of Fᵀξ."""
        s, own, other, whole = self.s, self.own, self.other, self.product
        S, positive = whole.set.mix.sigma_bar, self.side.positive
        E, F = own.E, other.E
        crossed = s.lin(eq(E.T @ S @ F.T.T, zero(own.d, other.d)), [(whole.sigma_sum, 1, E.T, F)], *whole.blocks)

        def joint(x: Expr, y: Expr) -> Expr:
            return self.phi(E @ own.mu(a) + E @ x + F @ other.mu(b) + F @ y)

        function = fn(Col(own.d), lambda x: fn(Col(other.d), lambda y: joint(x, y)))
        line = s.apply("split", [[whole.set.sigma_psd, crossed], [positive]], [S, E.T, F.T, function])
        xi, c = fresh(Col(v.d), "xi"), fresh(Index(own.K), "c")
        together = mean(S, lambda xi: self.phi(E @ own.mu(a) + F @ other.mu(b) + xi))
        # ξ = EEᵀξ + FFᵀξ
        resolved = s.lin(
            eq(
                tr(xi.T @ A @ A.T @ E @ own.mu(c)),
                tr((E @ E.T @ xi + F @ F.T @ xi).T @ A @ A.T @ E @ own.mu(c)),
            ),
            [(whole.whole, 1, xi.T, A @ A.T @ E @ own.mu(c))],
        )
        resolved = s.gen(resolved, xi, c)
        claim = eq(together, mean(S, lambda xi: mean(S, lambda eta: self.apart(a, b, xi, eta))))
        return s.lin(claim, [line], resolved)

    def image(self, a: Expr) -> Line:
        """E_ξ φ(E(μ_a + Eᵀξ)) = E_η φ(E(μ_a + η)), η of the factor's own covariance."""
        s, own, whole = self.s, self.own, self.product
        S, E = whole.set.mix.sigma_bar, own.E
        function = fn(Col(own.d), lambda x: self.phi(E @ own.mu(a) + E @ x))
        line = s.apply("image", [[whole.set.sigma_psd]], [S, E.T, function])
        return s.lin(eq(mean(S, lambda xi: self.here(a, xi)), self.inside(a)), [line], s.flip(self.side.covariance))

    def here(self, a: Expr, xi: Expr) -> Expr:
        """φ(E(μ_a + Eᵀξ))."""
        return self.phi(self.own.E @ self.own.mu(a) + self.own.E @ self.own.E.T @ xi)

    def inside(self, a: Expr) -> Expr:
        """E_η φ(E(μ_a + η)), as the factor's own loss has it."""
        X, own = self.own.E.T @ A, self.own
        return mean(
            self.side.mix.sigma_bar,
            lambda eta: lse(own.K, own.w, lambda c: tr((own.mu(a) + eta).T @ X @ X.T @ own.mu(c))),
        )

    def tangent(self, a: Expr) -> Line:
        """∀ξ. φ(E(μ_a + Eᵀξ)) ≤ Σ_b w_b E_η φ(E(μ_a + Eᵀξ) + F(μ_b + Fᵀη)): the other factor is centred."""
        s, own, other, whole, side = self.s, self.own, self.other, self.product, self.side
        S, psd, positive = whole.set.mix.sigma_bar, whole.set.sigma_psd, side.positive
        rest = whole.sides[1 - side.index]
        b, xi, eta = fresh(Index(other.K), "b"), fresh(Col(v.d), "xi"), fresh(Col(v.d), "eta")
        x = own.E @ own.mu(a) + own.E @ own.E.T @ xi
        soft = self.soft(x)
        moved = soft.tangent(lambda c: self.logit(other.E @ other.mu(b) + other.E @ other.E.T @ eta, c))
        inner = s.apply("mean_order", [[s.gen(moved, eta)], [positive]], [S])
        slope = total(own.K, lambda c: soft.p(c) * self.logit(other.E @ other.mu(b), c))
        apart = mean(S, lambda eta: self.apart(a, b, xi, eta))
        low = s.lin(soft.lse + slope <= apart, [inner], positive=[positive], psd=[psd])
        part = s.apply("product", [[weaken(s, s.spec(rest.positive, b)), low]])
        part = s.lin(other.w(b) * low.left <= other.w(b) * low.right, [part])
        summed = s.apply("sum_order", [[s.gen(part, b)]])
        pull = total(own.K, lambda c: soft.p(c) * (A @ A.T @ own.E @ own.mu(c)))
        claim = self.here(a, xi) <= total(
            other.K, lambda b: other.w(b) * mean(S, lambda eta: self.apart(a, b, xi, eta))
        )
        parts = [summed, (rest.hypothesis("centred"), 1, pull.T @ other.E, eye(1))]
        return s.gen(s.lin(claim, parts, rest.weights_sum), xi)

    @cached_property
    def jensen(self) -> Line:
        """Σ_a w_a E φ(E(μ_a + ξ)) ≤ J."""
        s, own, other, whole, side = self.s, self.own, self.other, self.product, self.side
        S, psd, positive = whole.set.mix.sigma_bar, whole.set.sigma_psd, side.positive
        a, b = fresh(Index(own.K), "a"), fresh(Index(other.K), "b")
        outer = s.apply("mean_order", [[self.tangent(a)], [positive]], [S])

        def joined(a: Expr, b: Expr) -> Expr:
            return mean(S, lambda xi: mean(S, lambda eta: self.apart(a, b, xi, eta)))

        high = total(other.K, lambda b: other.w(b) * joined(a, b))
        low = s.lin(self.inside(a) <= high, [outer, self.image(a)], positive=[positive], psd=[psd])
        part = s.apply("product", [[weaken(s, s.spec(positive, a)), low]])
        part = s.lin(own.w(a) * low.left <= own.w(a) * high, [part])
        summed = s.apply("sum_order", [[s.gen(part, a)]])
        pairs = s.same(self.pairs.right, s.gen(self.split(a, b), a, b))
        return s.lin(self.alone <= self.joint, [summed, self.pairs, pairs])

    def equal(self, untied: Line) -> Line:
        """J = Σ_a w_a E φ(E(μ_a + ξ)) from E_2ᵀME_1 = 0."""
        s, own, whole = self.s, self.own, self.product
        S, E = whole.set.mix.sigma_bar, self.own.E
        k, xi, c, a = (
            fresh(sort, name)
            for sort, name in ((Index(v.K), "k"), (Col(v.d), "xi"), (Index(own.K), "c"), (Index(own.K), "a"))
        )
        logit = self.logit(v.mu(k) + xi, c)
        x = E @ own.mu(own.at(k)) + E @ E.T @ xi
        parts = [  # ξᵀMEμ_c = ξᵀEEᵀMEμ_c + ξᵀFFᵀMEμ_c
            (whole.whole, 1, xi.T, A @ A.T @ E @ own.mu(c)),
        ]
        near = s.lin(eq(logit, self.logit(x, c)), parts, untied, whole.means)
        moved = s.same(self.joint, s.gen(near, k, xi, c))
        summed = self.side.marginal(lambda a: mean(S, lambda xi: self.here(a, xi)))
        inside = s.same(summed.right, s.gen(self.image(a), a))
        return s.lin(eq(self.joint, self.alone), [moved, summed, inside])


def average(setting: Setting) -> Expr:
    """Σ_k w_k μ_k."""
    return total(setting.K, lambda k: setting.w(k) * setting.mu(k))


class Split:
    """The loss of the product, and the losses of its factors."""

    def __init__(self, product: Product) -> None:
        """Take the product: M = AAᵀ has the blocks M_1 and M_2 and N = E_1ᵀME_2."""
        self.s, self.product, self.set = product.s, product, product.set
        self.potentials = [Potential(product, side) for side in product.sides]
        self.f, self.g = FACTORS

    @property
    def tie(self) -> Expr:
        """Nᵀ = E_2ᵀME_1."""
        return self.g.E.T @ A @ A.T @ self.f.E

    @cached_property
    def partition(self) -> Line:
        """∀x. log Σ_k w_k exp(xᵀMμ_k) = φ_1(x) + φ_2(x)."""
        s, whole = self.s, self.product
        p, q = self.potentials
        x = fresh(Col(v.d), "x")
        soft = SoftMax(s, v.K, v.w, lambda k: tr(x.T @ A @ A.T @ v.mu(k)), self.set.positive, self.set.nonempty)
        one, two = p.soft(x), q.soft(x)
        pairs = whole.average(lambda a, b: exp(p.logit(x, a)) * exp(q.logit(x, b)))
        line = s.lin(
            eq(exp(soft.lse), exp(one.lse + two.lse)),
            [soft.exp_lse, pairs, (one.exp_lse, two.whole), (two.exp_lse, exp(one.lse))],
            whole.means,
        )
        return s.gen(exp_injective(s, line), x)

    @cached_property
    def potential(self) -> Line:
        """Σ_k w_k E log Σ_l w_l exp((μ_k + ξ)ᵀMμ_l) = J_1 + J_2."""
        s = self.s
        k, xi = fresh(Index(v.K), "k"), fresh(Col(v.d), "xi")
        p, q = self.potentials
        here = lse(v.K, v.w, lambda j: tr((v.mu(k) + xi).T @ A @ A.T @ v.mu(j)))
        x = v.mu(k) + xi
        line = s.lin(eq(here, p.phi(x) + q.phi(x)), [s.spec(self.partition, x)])
        opened = s.same(self.set.potential(A), s.gen(line, k, xi))
        positive = [self.set.positive, p.side.positive, q.side.positive]
        return s.lin(eq(opened.left, p.joint + q.joint), [opened], positive=positive)

    @property
    def border(self) -> Expr:
        """tr(NᵀΣ_1NΣ_2)."""
        S, T = (side.mix.sigma_bar for side in self.product.sides)
        return tr(self.tie @ S @ self.tie.T @ T)

    @property
    def costs(self) -> tuple[Expr, Expr]:
        """Σ_a w_a μ_aᵀNΣ_2Nᵀμ_a over the first factor, Σ_b w_b μ_bᵀNᵀΣ_1Nμ_b over the second."""
        (one, two), N = self.product.sides, self.tie
        return (
            total(one.K, lambda a: one.w(a) * tr(one.mu(a).T @ N.T @ two.mix.sigma_bar @ N @ one.mu(a))),
            total(two.K, lambda b: two.w(b) * tr(two.mu(b).T @ N @ one.mix.sigma_bar @ N.T @ two.mu(b))),
        )

    @cached_property
    def quadratic(self) -> Line:
        """The quadratic parts: that of the product is their sum, plus tr(NᵀΣ_1NΣ_2) and half the costs."""
        s, delta = self.s, self.set.mix.delta
        own = [side.quadratic(side.own.E.T @ A) for side in self.product.sides]
        added = self.border + num("1/2") * (self.costs[0] + self.costs[1])
        claim = eq(self.set.quadratic(A), own[0] + own[1] + added)
        M, S = A @ A.T, self.set.mix.sigma_bar
        parts: list[tuple[Any, ...]] = [(self._scattered(M), delta), (self._scattered(M @ S @ M), num("1/2"))]
        for setting, X in ((self.set, A), *((side, side.own.E.T @ A) for side in self.product.sides)):
            parts.append((setting.hypothesis("centred"), 1 - delta, average(setting).T @ X @ X.T, eye(1)))
        return s.lin(claim, parts, self.product.sigma_sum, *self.product.blocks)

    def _scattered(self, X: Expr) -> Line:
        """Σ_k w_k μ_kᵀXμ_k = Σ_a w_a μ_aᵀE_1ᵀXE_1μ_a + Σ_b w_b μ_bᵀE_2ᵀXE_2μ_b, for X = Xᵀ: the factors are centred."""
        s, (one, two) = self.s, self.product.sides
        line = self.product.average(
            lambda a, b: (
                sum_of(lambda f: (f.E @ f.mu(a if f is self.f else b)).T)
                @ X
                @ sum_of(lambda f: f.E @ f.mu(a if f is self.f else b))
            )
        )

        def own(side: Side) -> Expr:
            E, mu = side.own.E, side.own.mu
            return total(side.K, lambda a: side.w(a) * tr(mu(a).T @ E.T @ X @ E @ mu(a)))

        crossed = average(two).T @ two.own.E.T @ X @ one.own.E
        claim = eq(total(v.K, lambda k: v.w(k) * tr(v.mu(k).T @ X @ v.mu(k))), own(one) + own(two))
        parts = [line, (one.hypothesis("centred"), 1, crossed, eye(1))]
        rules = [self.product.means, one.weights_sum, two.weights_sum, self.set.sigma_symmetric]
        return s.lin(claim, parts, *rules)

    # -- the loss -----------------------------------------------------------------------------------------------------

    @cached_property
    def forms(self) -> list[Line]:
        """The closed forms of L(A), L_1(E_1ᵀA), L_2(E_2ᵀA)."""
        law = closed(self.s, self.set.closed_form(A), A)
        maps = [(self.set, A), *((side, side.own.E.T @ A) for side in self.product.sides)]
        return [at(setting, v.r, law, X) for setting, X in maps]

    @property
    def apart(self) -> Expr:
        """L_1(E_1ᵀA) + L_2(E_2ᵀA)."""
        one, two = (side.mix.infonce(side.own.E.T @ A) for side in self.product.sides)
        return one + two

    @cached_property
    def gap(self) -> Line:
        """L_1(E_1ᵀA) + L_2(E_2ᵀA) + tr(NᵀΣ_1NΣ_2) ≤ L(A)."""
        jensen = [P.jensen for P in self.potentials]
        parts = [*self.forms, self.potential, self.quadratic, *jensen, *self.costs_nonnegative]
        return self.s.lin(self.apart + self.border <= self.set.mix.infonce(A), parts)

    @cached_property
    def costs_nonnegative(self) -> list[Line]:
        """The costs are not negative."""
        s, sides, N, found = self.s, self.product.sides, self.tie, []
        for side, other, X, cost in zip(sides, sides[::-1], (N, N.T), self.costs, strict=True):
            a = fresh(Index(side.K), "a")
            form = s.spec(s.parts(other.sigma_psd)[1], X @ side.mu(a))
            part = s.apply("product", [[weaken(s, s.spec(side.positive, a)), form]])
            term = side.w(a) * tr(side.mu(a).T @ X.T @ other.mix.sigma_bar @ X @ side.mu(a))
            summed = s.apply("sum_order", [[s.gen(s.lin(num(0) <= term, [part]), a)]])
            found.append(s.lin(num(0) <= cost, [summed]))
        return found

    @cached_property
    def equal(self) -> Line:
        """E_2ᵀME_1 = 0 ⟹ L(A) = L_1(E_1ᵀA) + L_2(E_2ᵀA)."""
        s = self.s
        untied = s.assume(eq(self.tie, zero(self.g.d, self.f.d)))
        parts = [*self.forms, self.potential, self.quadratic, *(P.equal(untied) for P in self.potentials)]
        return s.discharge(s.lin(eq(self.set.mix.infonce(A), self.apart), parts, untied), untied)

    @cached_property
    def untied(self) -> Line:
        """tr(NᵀΣ_1NΣ_2) ≤ 0 ⟹ E_2ᵀME_1 = 0: it is ‖Λ_2ᵀNᵀΛ_1‖², Σ_i = Λ_iΛ_iᵀ."""
        s, (one, two), N = self.s, self.product.sides, self.tie
        low = s.assume(self.border <= 0)
        mark = s.mark()
        Lam, is_first = root(s, one.sigma_psd, "Λ_1")
        Om, is_second = root(s, two.sigma_psd, "Λ_2")
        Y = Om.T @ N @ Lam
        gone = vanishes_below(s, Y, s.lin(tr(Y.T @ Y) <= 0, [low], is_first, is_second))
        S, T = one.mix.sigma_bar, two.mix.sigma_bar
        whole = s.lin(eq(T @ N @ S, zero(two.d, one.d)), [(gone, 1, Om, Lam.T)], is_first, is_second)
        whole = s.release(whole, mark)
        s.forget(mark)
        inverse = [two.sigma_inverse[1], one.sigma_inverse[0]]
        return s.discharge(s.lin(eq(N, zero(two.d, one.d)), [(whole, 1, minv(T), minv(S))], *inverse), low)

    @cached_property
    def border_nonnegative(self) -> Line:
        """0 ≤ tr(NᵀΣ_1NΣ_2)."""
        s, (one, two) = self.s, self.product.sides
        mark = s.mark()
        Lam, is_first = root(s, one.sigma_psd, "Λ_1")
        Om, is_second = root(s, two.sigma_psd, "Λ_2")
        found = s.lin(num(0) <= self.border, [square_norm(s, Om.T @ self.tie @ Lam)], is_first, is_second)
        found = s.release(found, mark)
        s.forget(mark)
        return found
