"""What the CLIP loss does when the part of W outside the Fisher subspace of the modality V is scaled.

W_t = W_in + t·W_out, where W_outᵀμ_{V,k} = 0 for every k and W_outᵀΣ_V W_in = 0. Then

    L(W_t) = L(W_in) − g(0) + t²(h + ½τ) + g(t),
    h = tr(W_outᵀΣ_V W_out Σ_T),  τ = Σ_k w_k μ_{T,k}ᵀW_outᵀΣ_V W_out μ_{T,k},

and g(t) = Σ_k w_k E log Σ_l w_l exp((μ_{V,k} + ξ)ᵀW_t μ_{T,l}) is convex, least at t = 0: there its slope γ(0) is 0.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import clip as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    Real,
    bind,
    conj,
    eq,
    fn,
    forall,
    fresh,
    lse,
    mean,
    minv,
    num,
    softmax,
    total,
    tr,
    var,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse, root
from thmverify.proofs.lemmas.basic import SoftMax, definition, divide, sandwich, vanishes_below, weaken
from thmverify.proofs.lemmas.paired import Setting
from thmverify.proofs.script import Line

K, w, mu, nu, S, R = v.K, v.w, v.mu_V, v.mu_T, v.Sigma_V, v.Sigma_T
T = var("t", Real)
HALF = num("1/2")


class Leak:
    """The parts W_in and W_out as variables, what is assumed of them, and what follows."""

    def __init__(self, setting: Setting) -> None:
        """Assume W_outᵀμ_k = 0 and W_outᵀΣW_in = 0."""
        self.s, self.set = setting.s, setting
        self.inside, self.outside = var("W_in", Mat(v.d_V, v.d_T)), var("W_out", Mat(v.d_V, v.d_T))
        self.orthogonal = self.s.assume(forall(Index(K), lambda k: eq(self.outside.T @ mu(k), zero(v.d_T))))
        self.crossed = self.s.assume(eq(self.outside.T @ S @ self.inside, zero(v.d_T, v.d_T)))

    # -- the loss along W_t -------------------------------------------------------------------------------------------

    def at(self, t: Expr) -> Expr:
        """W_t = W_in + t·W_out."""
        return self.inside + t * self.outside

    def logit(self, k: Expr, j: Expr, xi: Expr, t: Expr) -> Expr:
        """(μ_k + ξ)ᵀW_inμ_{T,l} + t ξᵀW_outμ_{T,l}."""
        return tr((mu(k) + xi).T @ self.inside @ nu(j)) + t * self.across(xi, j)

    def across(self, xi: Expr, j: Expr) -> Expr:
        """ξᵀW_outμ_{T,l}, what the logit of l gains with t."""
        return tr(xi.T @ self.outside @ nu(j))

    def g(self, t: Expr) -> Expr:
        """Return g at t: Σ_k w_k E log Σ_l w_l exp(logit)."""
        body = total(K, lambda k: w(k) * mean(S, lambda xi: lse(K, w, lambda j: self.logit(k, j, xi, T))))
        return self._along("Potential", body, t)

    def gain(self, t: Expr) -> Expr:
        """γ(t) = Σ_k w_k E Σ_l p_l ξᵀW_outμ_{T,l}, the slope of g."""
        body = total(K, lambda k: w(k) * mean(S, lambda xi: self.expected(k, xi, T)))
        return self._along("Gain", body, t)

    def _along(self, name: str, body: Expr, t: Expr) -> Expr:
        parameters = (v.d_V, v.d_T, K, w, mu, nu, S, self.inside, self.outside)
        return self.s.define(name, (*parameters, T), body)(*parameters, t)

    def expected(self, k: Expr, xi: Expr, t: Expr) -> Expr:
        """Σ_l p_l ξᵀW_outμ_{T,l}, p the softmax weights at x = μ_k + ξ."""
        return total(K, lambda j: softmax(K, w, lambda m: self.logit(k, m, xi, t), j) * self.across(xi, j))

    @property
    def h(self) -> Expr:
        """h = tr(W_outᵀΣ_V W_out Σ_T)."""
        parameters = (v.d_V, v.d_T, S, R, self.outside)
        return self.s.define("NoiseBlock", parameters, tr(self.outside.T @ S @ self.outside @ R))(*parameters)

    @property
    def tau(self) -> Expr:
        """τ = Σ_k w_k μ_{T,k}ᵀW_outᵀΣ_V W_out μ_{T,k}."""
        parameters = (v.d_V, v.d_T, K, w, nu, S, self.outside)
        body = total(K, lambda k: w(k) * tr(nu(k).T @ self.outside.T @ S @ self.outside @ nu(k)))
        return self.s.define("MeanBlock", parameters, body)(*parameters)

    def unfold_along(self, name: Expr) -> Line:
        """∀t. what g(t) or γ(t) is."""
        t = fresh(Real, "t")
        return self.s.gen(self.s.unfold(str(name.term.val), *map(Expr, name.term.args[1:-1]), t), t)

    @cached_property
    def meanings(self) -> list[Line]:
        """What g and γ are, to rewrite with."""
        return [self.unfold_along(self.g(num(0))), self.unfold_along(self.gain(num(0)))]

    def right(self, t: Expr) -> Expr:
        """L(W_in) − g(0) + t²(h + ½τ) + g(t)."""
        return self.loss(self.inside) - self.g(num(0)) + t * t * (self.h + HALF * self.tau) + self.g(t)

    def loss(self, W: Expr) -> Expr:
        """L(W)."""
        return self.set.pairs.product_loss(W)

    @cached_property
    def form(self) -> Line:
        """∀t. L(W_t) is `right(t)`."""
        t = fresh(Real, "t")
        claim = eq(self.loss(self.at(t)), self.right(t))
        names = (*self.meanings, definition(self.s, self.h), definition(self.s, self.tau), self.set.product_loss)
        return self.s.gen(self.s.calc(claim, self.crossed, self.orthogonal, *self.set.symmetric, *names), t)

    # -- Jensen -------------------------------------------------------------------------------------------------------

    @cached_property
    def independent(self) -> Line:
        """γ(0) = 0: W_outᵀξ has mean 0 and is independent of W_inᵀξ."""
        s, psd = self.s, self.set.psd[0]
        k = fresh(Index(K), "k")
        column = Col(v.d_T)

        def joint(u: Expr, y: Expr) -> Expr:
            def logit(m: Expr) -> Expr:
                return tr(mu(k).T @ self.inside @ nu(m)) + tr(u.T @ nu(m))

            return total(K, lambda j: softmax(K, w, logit, j) * tr(y.T @ nu(j)))

        apart = s.calc(
            eq(self.inside.T @ S @ self.outside.T.T, zero(v.d_T, v.d_T)), self.crossed, self.set.symmetric[0]
        )
        function = fn(column, lambda u: fn(column, lambda y: joint(u, y)))
        found = s.apply("split", [[psd, apart], [self.set.positive]], [S, self.inside.T, self.outside.T, function])
        zero_each = s.lin(
            eq(mean(S, lambda xi: self.expected(k, xi, num(0))), 0), [found], positive=[self.set.positive], psd=[psd]
        )
        return s.calc(eq(self.gain(num(0)), 0), *self.meanings, s.gen(zero_each, k))

    @cached_property
    def tangent(self) -> Line:
        """∀a, b. g(a) + (b − a)γ(a) ≤ g(b): g lies above its tangents."""
        s, positive = self.s, self.set.positive
        a, b, k, xi = fresh(Real, "a"), fresh(Real, "b"), fresh(Index(K), "k"), fresh(Col(v.d_V), "xi")
        soft = SoftMax(s, K, w, lambda j: self.logit(k, j, xi, a), positive, self.set.nonempty)
        line = soft.tangent(lambda j: (b - a) * self.across(xi, j))
        low = soft.lse + (b - a) * self.expected(k, xi, a)
        line = s.lin(low <= lse(K, w, lambda j: self.logit(k, j, xi, b)), [line])
        line = s.apply("mean_order", [[s.gen(line, xi)], [positive]], [S])
        part = s.apply("product", [[weaken(s, s.spec(positive, k)), line]])
        part = s.lin(w(k) * line.left <= w(k) * line.right, [part])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        claim = self.g(a) + (b - a) * self.gain(a) <= self.g(b)
        return s.gen(s.lin(claim, [summed], *self.meanings, positive=[positive]), a, b)

    @cached_property
    def rises(self) -> Line:
        """∀a. 0 < a ⟹ 0 ≤ γ(a): g(0) ≤ g(a), and the tangent at a lies below g(0)."""
        s, a = self.s, fresh(Real, "a")
        up = s.assume(num(0) < a)
        at_zero, at_a = s.spec(self.tangent, num(0), a), s.spec(self.tangent, a, num(0))
        whole = s.lin(num(0) <= a * self.gain(a), [at_zero, at_a, (self.independent, a)])
        return s.gen(s.discharge(divide(s, up, whole, num(0) <= self.gain(a)), up), a)

    # -- definite parts -----------------------------------------------------------------------------------------------

    @cached_property
    def mean_block(self) -> Line:
        """0 ≤ τ = Σ_k w_k ‖ΛᵀW_outμ_{T,k}‖²."""
        s, k = self.s, fresh(Index(K), "k")
        form = s.parts(self.set.psd[0])[1]
        part = s.apply("product", [[weaken(s, s.spec(self.set.positive, k)), s.spec(form, self.outside @ nu(k))]])
        term = w(k) * tr(nu(k).T @ self.outside.T @ S @ self.outside @ nu(k))
        summed = s.apply("sum_order", [[s.gen(s.lin(num(0) <= term, [part]), k)]])
        return s.lin(num(0) <= self.tau, [summed], definition(self.s, self.tau))

    @cached_property
    def vanishes(self) -> Line:
        """h ≤ 0 ⟹ W_out = 0: h = ‖ΛᵀW_outΩ‖², where Σ_V = ΛΛᵀ and Σ_T = ΩΩᵀ."""
        s, out = self.s, self.outside
        low = s.assume(self.h <= 0)
        mark = s.mark()
        left, is_left = root(s, self.set.psd[0], "Lambda")
        right, is_right = root(s, self.set.psd[1], "Omega")
        Y = left.T @ out @ right
        gone = vanishes_below(s, Y, s.lin(tr(Y.T @ Y) <= 0, [low], definition(self.s, self.h), is_left, is_right))
        whole = s.lin(eq(S @ out @ R, zero(v.d_V, v.d_T)), [(gone, 1, left, right.T)], is_left, is_right)
        whole = s.release(whole, mark)
        s.forget(mark)
        back = inverse(s, self.set.hypothesis("text-definite"))
        plain = s.lin(eq(out, zero(v.d_V, v.d_T)), [(whole, 1, minv(S), minv(R))], self.set.inverse[1], back[0])
        return s.discharge(plain, low)

    # -- what follows -------------------------------------------------------------------------------------------------

    @cached_property
    def grows(self) -> Line:
        """∀a, b. 0 ≤ a ∧ a < b ∧ W_out ≠ 0 ⟹ L(W_a) < L(W_b)."""
        s, a, b = self.s, fresh(Real, "a"), fresh(Real, "b")
        given = s.assume(conj(num(0) <= a, a < b, ~eq(self.outside, zero(v.d_V, v.d_T))))
        low, less, there = s.parts(given)
        steep = s.taut(num(0) < self.h, self.vanishes, there)
        claim = num(0) <= (b - a) * self.gain(a)
        first = s.assume(a <= 0)
        start = sandwich(s, first, low)
        flat = s.lin(eq(self.gain(a), 0), [self.independent, s.same(self.gain(a), start)])
        by_zero = s.discharge(s.lin(claim, [(flat, b - a)]), first)
        second = s.assume(num(0) < a)
        sloped = s.mp(s.spec(self.rises, a), second)
        by_slope = s.discharge(s.lin(claim, [s.apply("product", [[weaken(s, less), sloped]])]), second)
        g_rises = s.taut(claim, by_zero, by_slope)
        wide = s.lin(num(0) < b + a, [less, low, low])  # b + a = (b − a) + 2a
        squares = s.lin(num(0) < b * b - a * a, [s.apply("product", [[less, wide]])])
        heavy = s.apply("product", [[squares, steep]])
        heavier = s.apply("product", [[weaken(s, squares), self.mean_block]])
        parts = [s.spec(self.form, a), s.spec(self.form, b), s.spec(self.tangent, a, b), g_rises, heavy, heavier]
        line = s.lin(self.loss(self.at(a)) < self.loss(self.at(b)), parts)
        return s.gen(s.discharge(line, given), a, b)

    @cached_property
    def slope(self) -> Line:
        """∀t. the derivative of t ↦ L(W_{1+t}) is (1 + t)(2h + τ) + γ(1 + t)."""
        s, (g_is, gain_is) = self.s, self.meanings
        t = fresh(Real, "t")
        value = s.same(self.right(1 + t), g_is).right
        rate = s.same((1 + t) * (2 * self.h + self.tau) + self.gain(1 + t), gain_is).right
        found = s.apply("differentiate", [[], [self.set.positive], []], [bind("lam", t, value), bind("lam", t, rate)])
        for name in (s.flip(g_is), s.flip(gain_is), s.flip(self.form)):
            found = s.rewrite(name, found)
        return found

    @cached_property
    def flat(self) -> Line:
        """2h + τ + γ(1) ≤ 0 ⟹ W_out = 0."""
        s = self.s
        low = s.assume(2 * self.h + self.tau + self.gain(num(1)) <= 0)
        sloped = s.mp(s.spec(self.rises, num(1)), s.calc(num(0) < 1))
        return s.discharge(s.mp(self.vanishes, s.lin(self.h <= 0, [low, self.mean_block, sloped])), low)
