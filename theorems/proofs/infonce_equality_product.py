"""Proof of infonce-equality-product."""

from __future__ import annotations

from functools import cached_property

from theorems.proofs import infonce_slope, theorem_5_2
from verify.formulas import mixtures as v
from verify.formulas import product as formulas
from verify.formulas.product import FACTORS, block_sum, sum_of
from verify.proving.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    conj,
    eq,
    exists,
    exp,
    eye,
    fn,
    forall,
    fresh,
    inv,
    lse,
    mean,
    minv,
    num,
    total,
    tr,
    var,
    zero,
)
from verify.proving.lemmas.basic import (
    SoftMax,
    exp_injective,
    positive_nonzero,
    root,
    square_norm,
    vanishes_below,
    weaken,
)
from verify.proving.lemmas.mixtures import Setting
from verify.proving.lemmas.product import Product, Side, at, closed
from verify.proving.lemmas.subspaces import fisher_part
from verify.proving.proposal import Proposal
from verify.proving.script import Line, Script

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "centred",
    "columns-reach",
    "product",
)
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
        soft = SoftMax(s, own.K, own.w, lambda c: self.logit(x, c), positive, side.nonempty)
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
        one, two = (
            SoftMax(s, P.own.K, P.own.w, lambda c, P=P: P.logit(x, c), P.side.positive, P.side.nonempty) for P in (p, q)
        )
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
        s, S = self.s, self.set.mix.sigma_bar
        k, xi = fresh(Index(v.K), "k"), fresh(Col(v.d), "xi")
        p, q = self.potentials
        here = lse(v.K, v.w, lambda l: tr((v.mu(k) + xi).T @ A @ A.T @ v.mu(l)))
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
        parts = [(self._scattered(M), delta), (self._scattered(M @ S @ M), num("1/2"))]
        for setting, X in ((self.set, A), *((side, side.own.E.T @ A) for side in self.product.sides)):
            average = total(setting.K, lambda k, setting=setting: setting.w(k) * setting.mu(k))
            parts.append((setting.hypothesis("centred"), 1 - delta, average.T @ X @ X.T, eye(1)))
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

        average = total(two.K, lambda b: two.w(b) * two.mu(b))
        crossed = average.T @ two.own.E.T @ X @ one.own.E
        claim = eq(total(v.K, lambda k: v.w(k) * tr(v.mu(k).T @ X @ v.mu(k))), own(one) + own(two))
        parts = [line, (one.hypothesis("centred"), 1, crossed, eye(1))]
        rules = [self.product.means, one.weights_sum, two.weights_sum, self.set.sigma_symmetric]
        return s.lin(claim, parts, *rules)

    # -- the loss -----------------------------------------------------------------------------------------------------

    @cached_property
    def forms(self) -> list[Line]:
        """The closed forms of L(A), L_1(E_1ᵀA), L_2(E_2ᵀA)."""
        law = closed(self.s, self.set.closed_form(A), A)
        sides = [at(side, v.r, law, side.own.E.T @ A) for side in self.product.sides]
        return [self.set.closed_form(A), *sides]

    def own_loss(self, side: Side, X: Expr) -> Expr:
        """L_i(X)."""
        return side.mix.infonce(X)

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


class Attained:
    """A_1A_1ᵀ ⊕ A_2A_2ᵀ is XXᵀ for a map X of r columns, for maps A_i with their columns in the factors' S_F."""

    def __init__(self, split: Split) -> None:
        """Take the maps A_1 and A_2 as variables."""
        self.s, self.product, self.set, self.split = split.s, split.product, split.set, split
        self.maps = [var(f"A_{i}", Mat(f.d, v.r)) for i, f in enumerate(FACTORS, 1)]

    @property
    def whole(self) -> Expr:
        """The name for XXᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ, X = A."""
        return block_sum(self.s, A, *self.maps)

    @cached_property
    def inverse_sum(self) -> Line:
        """Σ̄⁻¹ = E_1Σ̄_1⁻¹E_1ᵀ + E_2Σ̄_2⁻¹E_2ᵀ."""
        s, S = self.s, self.set.mix.sigma_bar
        back = sum_of(lambda f: f.E @ minv(f.mixture(s).sigma_bar) @ f.E.T)
        inverses = [side.sigma_inverse[0] for side in self.product.sides]
        one = s.lin(
            eq(S @ back, eye(v.d)), [self.product.whole], self.product.sigma_sum, *self.product.blocks, *inverses
        )
        return s.parts(s.mp(s.apply("inverse", [], [S, back]), one))[1]

    def embedded(self, side: Side, X: Expr, within: Line) -> Line:
        """Col(EX) ⊆ S_F, from Col(X) ⊆ S_F of the factor: X = Σ_a Σ⁻¹μ_a c_aᵀ, and EX = Σ_k Σ̄⁻¹μ_k (w_k/w_a(k)) c_a(k)ᵀ."""
        s, own, other = self.s, side.own, self.product.sides[1 - side.index]
        law = side.unfold(within.formula)
        mark = s.mark()
        (c,), written = s.obtain(s.taut(law.right, law, within), "c")
        slope = [h.own.E @ minv(h.mix.sigma_bar) for h in (side, other)]

        def term(a: Expr, b: Expr) -> Expr:
            return inv(own.w(a)) * ((slope[0] @ own.mu(a) + slope[1] @ other.mu(b)) @ c(a).T)

        a = fresh(Index(own.K), "a")
        one = s.mp(s.apply("reciprocal", [], [own.w(a)]), positive_nonzero(s, s.spec(side.positive, a)))
        average = total(own.K, lambda a: own.w(a) * inv(own.w(a)) * c(a).T)
        family = fn(Index(v.K), lambda k: v.w(k) * inv(own.w(own.at(k))) * c(own.at(k)))
        S = self.set.mix.sigma_bar
        spanned = total(v.K, lambda k: minv(S) @ v.mu(k) @ family(k).T)
        parts = [
            side.average(term),
            (written, 1, own.E, eye(X.cols)),
            (other.hypothesis("centred"), 1, slope[1], average),
        ]
        rules = [self.inverse_sum, self.product.means, *self.product.blocks, other.weights_sum, s.gen(one, a)]
        name = self.set.mix.within_fisher(own.E @ X)
        law = self.set.unfold(name)
        found = s.taut(name, law, s.exhibit(law.right, family, s.lin(eq(own.E @ X, spanned), parts, *rules)))
        found = s.release(found, mark)
        s.forget(mark)
        return found

    @cached_property
    def there(self) -> Line:
        """∀A_1, A_2. Col(A_1) ⊆ S_F1 ∧ Col(A_2) ⊆ S_F2 ⟹ ∃X. XXᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ."""
        s, sides = self.s, self.product.sides
        given = [s.assume(side.mix.within_fisher(X)) for side, X in zip(sides, self.maps, strict=True)]
        inside = tuple(self.embedded(side, X, line) for side, X, line in zip(sides, self.maps, given, strict=True))
        first, second = (f.E @ X for f, X in zip(FACTORS, self.maps, strict=True))
        reach = self.set.hypothesis("columns-reach")
        line = infonce_slope.attained(s, self.set, first, second, reach, inside)
        line = s.mp(s.spec(line, num(1)), s.calc(num(0) <= 1))
        mark = s.mark()
        (X,), gram = s.obtain(line, "X")
        name = block_sum(s, X, *self.maps)
        law = self.set.unfold(name)
        found = s.taut(name, law, s.lin(law.right, [gram]))
        found = s.exhibit(exists(A.sort, lambda X: block_sum(s, X, *self.maps)), X, found)
        found = s.release(found, mark)
        s.forget(mark)
        whole = s.assume(conj(*(line.formula for line in given)))
        found = s.discharge(s.taut(found.formula, s.discharge(found, *given), whole), whole)
        return s.gen(found, *self.maps)

    @cached_property
    def value(self) -> Line:
        """∀A, A_1, A_2. AAᵀ = A_1A_1ᵀ ⊕ A_2A_2ᵀ ⟹ L(A) = L_1(A_1) + L_2(A_2): the losses are functions of XXᵀ."""
        s = self.s
        name = s.assume(self.whole)
        law = self.set.unfold(name.formula)
        gram = s.taut(law.right, law, name)
        tie = self.split.tie
        f, g = FACTORS
        untied = s.lin(eq(tie, zero(g.d, f.d)), [(gram, 1, g.E.T, f.E)], *self.product.blocks)
        parts = [s.mp(self.split.equal, untied)]
        for side, X in zip(self.product.sides, self.maps, strict=True):
            Y, E = side.own.E.T @ A, side.own.E
            same = s.lin(eq(Y @ Y.T, X @ X.T), [(gram, 1, E.T, E)], *self.product.blocks)
            parts.append(s.mp(at(side, v.r, self.by_gram, Y, X), same))
        claim = eq(self.set.mix.infonce(A), sum(side.mix.infonce(X) for side, X in zip(self.product.sides, self.maps)))
        return s.gen(s.discharge(s.lin(claim, parts), name), A, *self.maps)

    @cached_property
    def by_gram(self) -> tuple[Line, tuple[str, ...]]:
        """XXᵀ = YYᵀ ⟹ L(X) = L(Y)."""
        s, loss = self.s, self.set.mix.infonce
        X, Y = fresh(A.sort, "X"), fresh(A.sort, "Y")
        gram = s.assume(eq(X @ X.T, Y @ Y.T))
        line = s.lin(eq(loss(X), loss(Y)), [self.set.unfold(loss(X)), self.set.unfold(loss(Y))], gram)
        return closed(s, s.discharge(line, gram), X, Y)


class Inside:
    """Theorem 5.2, first half, for any mixture, so that it holds for the factors."""

    def __init__(self, product: Product) -> None:
        """Derive it."""
        self.s = s = product.s
        self.set = product.set
        facts = s.cite("infonce-inclusion", lambda: theorem_5_2.inclusion(s, self.set))
        included, _, self.leak = s.parts(facts)
        self.included = closed(s, included, A)
        self.projected = closed(s, self._projected(), A)

    def _projected(self) -> Line:
        """∃X. Col(X) ⊆ S_F ∧ L(X) ≤ L(A): the part of A inside S_F has no larger loss."""
        s, mix, loss = self.s, self.set.mix, self.set.mix.infonce
        mark = s.mark()
        (X,), line = s.obtain(fisher_part(self.set, A), "A_in")
        facts = s.mp(s.spec(self.leak, X, A - X), line)
        if_no_worse = s.rewrite(s.calc(eq(X + (A - X), A)), s.parts(facts)[0])
        claim = loss(X) <= loss(A)
        no_worse = s.assume(loss(A) <= loss(X))
        one = s.lin(eq(X, A), [s.mp(if_no_worse, no_worse)])
        same = s.lin(claim, [s.same(loss(X), one)])
        low = s.taut(claim, s.apply("total", [], [loss(X), loss(A)]), s.discharge(same, no_worse))
        both = s.both(s.parts(line)[0], low)
        there = exists(A.sort, lambda X: conj(mix.within_fisher(X), loss(X) <= loss(A)))
        found = s.release(s.exhibit(there, X, both), mark)
        s.forget(mark)
        return found


def minimises(s: Script, setting: Setting, name: Line) -> Line:
    """∀Y. L(A) ≤ L(Y), from the name for it."""
    law = setting.unfold(name.formula)
    return s.taut(law.right, law, name)


class Minimisers:
    """M*(F_1 × F_2) = M*(F_1) ⊕ M*(F_2)."""

    def __init__(self, s: Script) -> None:
        """Derive what the losses are, which sums are attained, and Theorem 5.2 for the factors."""
        self.s = s
        self.product = Product(s)
        self.set, self.sides = self.product.set, self.product.sides
        self.split = Split(self.product)
        self.attained = Attained(self.split)
        self.inside = Inside(self.product)
        self.parts = [side.own.E.T @ A for side in self.sides]

    @cached_property
    def reached(self) -> Line:
        """∀Y_1, Y_2. ∃X. L(X) ≤ L_1(Y_1) + L_2(Y_2)."""
        s, sides, loss = self.s, self.sides, self.set.mix.infonce
        Y = [fresh(Mat(side.own.d, v.r), f"Y_{i}") for i, side in enumerate(sides, 1)]
        mark = s.mark()
        insides, names, lows = [], [], []
        for i, (side, X) in enumerate(zip(sides, Y, strict=True), 1):
            (X,), line = s.obtain(at(side, v.r, self.inside.projected, X), f"X_{i}")
            inside, low = s.parts(line)
            insides, names, lows = [*insides, inside], [*names, X], [*lows, low]
        there = s.mp(s.spec(self.attained.there, *names), s.both(*insides))
        (X,), gram = s.obtain(there, "X")
        value = s.mp(s.spec(self.attained.value, X, *names), gram)
        high = sides[0].mix.infonce(Y[0]) + sides[1].mix.infonce(Y[1])
        line = s.lin(loss(X) <= high, [value, *lows])
        line = s.release(s.exhibit(exists(A.sort, lambda X: loss(X) <= high), X, line), mark)
        s.forget(mark)
        return s.gen(line, *Y)

    @cached_property
    def bound(self) -> Line:
        """A minimises ⟹ ∀Y_1, Y_2. L(A) ≤ L_1(Y_1) + L_2(Y_2)."""
        s, loss = self.s, self.set.mix.infonce
        best = s.assume(self.set.mix.minimises_infonce(A))
        Y = [fresh(Mat(side.own.d, v.r), f"Y_{i}") for i, side in enumerate(self.sides, 1)]
        mark = s.mark()
        (X,), low = s.obtain(s.spec(self.reached, *Y), "X")
        line = s.lin(loss(A) <= low.right, [low, s.spec(minimises(s, self.set, best), X)])
        line = s.release(line, mark)
        s.forget(mark)
        return s.discharge(s.gen(line, *Y), best)

    @cached_property
    def untied(self) -> Line:
        """A minimises ⟹ E_2ᵀAAᵀE_1 = 0."""
        s, split = self.s, self.split
        best = s.assume(self.set.mix.minimises_infonce(A))
        low = s.lin(split.border <= 0, [s.spec(s.mp(self.bound, best), *self.parts), split.gap])
        return s.discharge(s.mp(split.untied, low), best)

    @cached_property
    def factors(self) -> Line:
        """A minimises ⟹ E_1ᵀA and E_2ᵀA minimise the losses of the factors."""
        s, split = self.s, self.split
        best = s.assume(self.set.mix.minimises_infonce(A))
        bound, found = s.mp(self.bound, best), []
        for i, side in enumerate(self.sides):
            Y = fresh(Mat(side.own.d, v.r), "Y")
            against = [Y if i == j else X for j, X in enumerate(self.parts)]
            claim = side.mix.infonce(self.parts[i]) <= side.mix.infonce(Y)
            line = s.gen(s.lin(claim, [s.spec(bound, *against), split.gap, split.border_nonnegative]), Y)
            name = side.mix.minimises_infonce(self.parts[i])
            found.append(s.taut(name, side.unfold(name), line))
        return s.discharge(s.both(*found), best)

    @cached_property
    def blocks(self) -> Line:
        """A minimises ⟹ AAᵀ = (E_1ᵀA)(E_1ᵀA)ᵀ ⊕ (E_2ᵀA)(E_2ᵀA)ᵀ."""
        s, (f, g) = self.s, FACTORS
        best = s.assume(self.set.mix.minimises_infonce(A))
        untied = s.mp(self.untied, best)
        name = block_sum(s, A, *self.parts)
        law = self.set.unfold(name)
        M, halves = A @ A.T, [h.E @ h.E.T for h in FACTORS]
        whole = self.product.whole
        # M = (E_1E_1ᵀ + E_2E_2ᵀ) M (E_1E_1ᵀ + E_2E_2ᵀ)
        parts = [(whole, 1, eye(v.d), M), *((whole, 1, h @ M, eye(v.d)) for h in halves), (untied, 1, g.E, f.E.T)]
        turned = s.calc(eq(f.E.T @ M @ g.E, zero(f.d, g.d)), untied)
        line = s.lin(law.right, [*parts, (turned, 1, f.E, g.E.T)])
        return s.discharge(s.taut(name, law, line), best)

    @cached_property
    def together(self) -> Line:
        """`put_together`: minimisers of the factors make minimisers of the product."""
        s, sides, mix = self.s, self.sides, self.set.mix
        maps, loss = self.attained.maps, mix.infonce
        best = [s.assume(side.mix.minimises_infonce(X)) for side, X in zip(sides, maps, strict=True)]
        insides = [
            s.mp(at(side, v.r, self.inside.included, X), b) for side, X, b in zip(sides, maps, best, strict=True)
        ]
        there = s.mp(s.spec(self.attained.there, *maps), s.both(*insides))
        name = s.assume(self.attained.whole)
        Y = fresh(A.sort, "Y")
        lows = [s.spec(minimises(s, side, b), side.own.E.T @ Y) for side, b in zip(sides, best, strict=True)]
        gap = s.lin(self.split.apart <= loss(A), [self.split.gap, self.split.border_nonnegative])
        value = s.mp(s.spec(self.attained.value, A, *maps), name)
        line = s.lin(loss(A) <= loss(Y), [value, *lows, s.spec(s.gen(gap, A), Y)])
        law = self.set.unfold(mix.minimises_infonce(A))
        all_do = s.gen(s.discharge(s.taut(law.left, law, s.gen(line, Y)), name), A)
        whole = s.assume(conj(*(b.formula for b in best)))
        both = s.both(there, all_do)
        found = s.discharge(s.taut(both.formula, s.discharge(both, *best), whole), whole)
        return s.gen(found, *maps)


def minimisers(s: Script) -> Line:
    """The theorem."""
    m = Minimisers(s)
    best = s.assume(m.set.mix.minimises_infonce(A))
    block = s.mp(m.blocks, best)
    apart = s.discharge(s.both(block, *s.parts(s.mp(m.factors, best))), best)
    return s.both(apart, m.together)


def prove() -> Proposal:
    """infonce-equality-product."""
    s = Script("infonce-equality-product")
    names = {**v.HYPOTHESES, **formulas.HYPOTHESES}
    return s.qed(minimisers(s), {name: names[name] for name in HYPOTHESES})
