"""Lemmas about symmetries of a mixture: sums over permuted components, and what InfoNCE makes of a map moved by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    delta,
    eq,
    exp,
    eye,
    fn,
    fresh,
    inv,
    log,
    lse,
    mean,
    softmax,
    total,
    tr,
)
from thmverify.proofs.lemmas.basic import Terms
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script


class Permutation:
    """A permutation σ of K indices with the inverse τ, from ∀k. τ(σ(k)) = k and ∀k. σ(τ(k)) = k."""

    def __init__(self, s: Script, K: Expr, sigma: Expr, tau: Expr, back: Line, forth: Line) -> None:
        """Derive ∀k, i. [σ(k) = i] = [τ(i) = k]."""
        self.s, self.K, self.sigma, self.tau, self.back = s, K, sigma, tau, back
        k, i = fresh(Index(K), "k"), fresh(Index(K), "i")
        there, here = s.apply("kronecker", [], [sigma(k), i]), s.apply("kronecker", [], [tau(i), k])
        first, second = s.assume(eq(sigma(k), i)), s.assume(eq(tau(i), k))
        ahead = s.discharge(s.rewrite(first, s.spec(back, k)), first)
        behind = s.discharge(s.rewrite(second, s.spec(forth, i)), second)
        claim, ways = eq(delta(sigma(k), i), delta(tau(i), k)), []
        for value in (0, 1):
            p, q = s.assume(eq(delta(sigma(k), i), value)), s.assume(eq(delta(tau(i), k), value))
            ways.append(s.discharge(s.lin(claim, [p, q]), p, q))
        self.deltas = s.gen(s.taut(claim, there, here, ahead, behind, *ways), k, i)

    def moved(self, f: Terms) -> Line:
        """Σ_k f(σ(k)) = Σ_k f(k)."""
        s, K, sigma = self.s, self.K, self.sigma
        whole = total(K, lambda k: total(K, lambda i: delta(sigma(k), i) * f(i)))
        one = s.calc(eq(whole, total(K, lambda k: f(sigma(k)))))
        return s.lin(eq(one.right, total(K, f)), [one, s.same(whole, self.deltas)])


class Moved:
    """Maps X and Y with Yᵀμ_σ(k) = Xᵀμ_k and YᵀΣ̄Y = XᵀΣ̄X, for a permutation σ that keeps the weights: L(Y) = L(X)."""

    def __init__(self, setting: Setting, by: Permutation, weights: Line, X: Expr, Y: Expr, facts: list[Line]) -> None:
        """Take ∀k. w_σ(k) = w_k and the two facts."""
        self.s, self.set, self.by, self.X, self.Y = setting.s, setting, by, X, Y
        self.means, self.noise = facts
        self.rules = (weights, self.means, self.noise)

    def _same_sum(self, f: Terms, g: Terms) -> Line:
        """Σ_k f(k) = Σ_k g(k), where f(σ(k)) is g(k) by the facts."""
        there = self.by.moved(f)
        return self.s.lin(eq(there.right, total(self.set.K, g)), [there], *self.rules)

    @cached_property
    def quadratic(self) -> Line:
        """The quadratic part of L at Y is that at X."""
        s, st, K, w, mu = self.s, self.set, self.set.K, self.set.w, self.set.mu
        S = st.mix.sigma_bar

        def matched(Z: Expr) -> Terms:
            return lambda k: w(k) * tr(mu(k).T @ Z @ Z.T @ mu(k))

        def noise(Z: Expr) -> Terms:
            return lambda k: w(k) * tr(mu(k).T @ Z @ Z.T @ S @ Z @ Z.T @ mu(k))

        def average(Z: Expr) -> Terms:
            return lambda k: w(k) * (Z.T @ mu(k))

        parts = [self._same_sum(part(self.Y), part(self.X)) for part in (matched, noise)]
        same = self._same_sum(average(self.Y), average(self.X))
        bias = st.mix.delta
        ends = [total(K, average(Z)).T for Z in (self.X, self.Y)]
        return s.lin(
            eq(st.quadratic(self.Y), st.quadratic(self.X)),
            [(parts[0], bias), parts[1], *((same, 1 - bias, end, eye(1)) for end in ends)],
            self.noise,
        )

    # -- the softmax --------------------------------------------------------------------------------------------------

    def _logit(self, Z: Expr, k: Expr, eta: Expr) -> Terms:
        """(Xᵀμ_k + η)ᵀZᵀμ_l."""
        mu = self.set.mu
        return lambda i: tr(mu(k).T @ self.X @ Z.T @ mu(i)) + tr(eta.T @ Z.T @ mu(i))

    def _whole(self, Z: Expr, k: Expr, eta: Expr) -> Expr:
        """Σ_l w_l exp of these logits."""
        logit = self._logit(Z, k, eta)
        return total(self.set.K, lambda i: self.set.w(i) * exp(logit(i)))

    def _wholes(self, change: Callable[[Expr], Expr], k: Expr, eta: Expr) -> Line:
        """The logarithm, or the inverse, of this sum is the same for Y and X."""
        logit = self._logit(self.Y, k, eta)
        there = self.s.flip(self.by.moved(lambda i: self.set.w(i) * exp(logit(i))))
        same = self.s.same(change(there.left), there)
        return self.s.lin(eq(same.left, change(self._whole(self.X, k, eta))), [same], *self.rules)

    def _averaged(self, t: Callable[[Expr, Expr], Expr], same: Line) -> Line:
        """E t(Y, Yᵀξ) = E t(X, Xᵀξ) from ∀η. t(Y, η) = t(X, η)."""
        s, st, column = self.s, self.set, Col(self.X.cols)
        S = st.mix.sigma_bar

        def image(Z: Expr) -> Line:
            return s.apply("image", [[st.sigma_psd]], [S, Z.T, fn(column, lambda e: t(Z, e))])

        images = [image(self.Y), image(self.X)]
        changed = s.same(images[0].right, same)
        return s.lin(eq(images[0].left, images[1].left), [*images, changed], self.noise, positive=[st.positive])

    @cached_property
    def potential(self) -> Line:
        """Σ_k w_k E log Σ_l w_l exp((μ_k + ξ)ᵀMμ_l) is the same for M = YYᵀ and M = XXᵀ."""
        s, st, K, w = self.s, self.set, self.set.K, self.set.w
        k, eta = fresh(Index(K), "k"), fresh(Col(self.X.cols), "eta")

        def value(k: Expr) -> Callable[[Expr, Expr], Expr]:
            return lambda Z, e: lse(K, w, self._logit(Z, k, e))

        opened = [s.apply("softmax", [], [value(k)(Z, eta)]) for Z in (self.Y, self.X)]
        same = s.lin(eq(opened[0].left, opened[1].left), [*opened, self._wholes(log, k, eta)])
        each = s.gen(self._averaged(value(k), s.gen(same, eta)), k)

        def averaged(k: Expr) -> Expr:
            return w(k) * mean(st.mix.sigma_bar, lambda xi: value(k)(self.Y, self.Y.T @ xi))

        def logits(x: Expr) -> Terms:
            return lambda i: tr(x.T @ self.Y @ self.Y.T @ st.mu(i))

        def summand(k: Expr) -> Expr:
            return w(k) * mean(st.mix.sigma_bar, lambda xi: lse(K, w, logits(st.mu(k) + xi)))

        parts = [self.by.moved(summand), s.same(total(K, averaged), each)]
        claim = eq(st.potential(self.Y), st.potential(self.X))
        return s.lin(claim, parts, *self.rules, positive=[st.positive])

    def loss(self, closed_form: Line) -> Line:
        """L(Y) = L(X), from L in closed form for every map."""
        s = self.s
        closed = [s.spec(closed_form, Z) for Z in (self.X, self.Y)]
        return s.lin(eq(closed[1].left, closed[0].left), [*closed, self.quadratic, self.potential])

    @cached_property
    def overlap(self) -> Line:
        """∀j, k. Q_σ(j)σ(k) at Y is Q_jk at X."""
        s, st, K, w, sigma = self.s, self.set, self.set.K, self.set.w, self.by.sigma
        j, k, eta = fresh(Index(K), "j"), fresh(Index(K), "k"), fresh(Col(self.X.cols), "eta")

        def value(Z: Expr, e: Expr) -> Expr:
            return softmax(K, w, self._logit(Z, j, e), sigma(k) if Z is self.Y else k)

        opened = [s.apply("softmax", [], [value(Z, eta)]) for Z in (self.Y, self.X)]
        same = s.lin(
            eq(opened[0].left, opened[1].left),
            [*opened, (self._wholes(inv, j, eta), w(k) * exp(self._logit(self.X, j, eta)(k)))],
            *self.rules,
        )
        each = self._averaged(value, s.gen(same, eta))
        Q = st.mix.overlap
        names = Q(self.Y, sigma(j), sigma(k)), Q(self.X, j, k)
        return s.gen(
            s.lin(eq(*names), [*map(st.unfold, names), (each, w(j))], *self.rules, positive=[st.positive]), j, k
        )
