"""Lemma: a minimiser of InfoNCE with a key bias has its columns in S_LDA.

With G a basis of S_LDA, a point is y = ΣGP⁻¹Gᵀy + n₀ + ρ, P = GᵀΣG: the last part, of mean 0, is independent of the
component and of Gᵀy. Let A₀ be the part of A in Col(G), and β(Gᵀy) the mean of b(y) over ρ. Where the softmax weights
of (A₀, β) are multiplied by 1 + εψ(ρ_x)ψ(ρ_y), ψ odd and bounded, their marginals stay; so they bound the log-sum-exp
of (A, b) from below, and the sum of the bounds at ρ_x and −ρ_x has no b in it any more:

    L(A, b) − L(A₀, β) ≥ ε ‖Aᵀ E ψρ‖² − ε² (E ψ²)².

At a minimiser A this is at most 0 for every ε < 1. So Aᵀ E ψρ = 0; with ψ a function of e_iᵀAᵀρ, e_iᵀAᵀρ = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Real,
    eq,
    exp,
    eye,
    fn,
    forall,
    fresh,
    inv,
    mean,
    minv,
    num,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.basic import (
    positive_nonzero,
    reciprocal_positive,
    refute,
    sandwich,
    square_nonnegative,
    square_vanishes,
    weaken,
)
from thmverify.proofs.lemmas.bounded import odd, odd_bounded, ones, upper
from thmverify.proofs.lemmas.coupling import Heard, Minimiser, Weighed
from thmverify.proofs.lemmas.key_bias import averaged, exp_moderate
from thmverify.proofs.lemmas.logmeans import LogMean, mixture_order
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import summand_at_most
from thmverify.proofs.script import Line, Script


def never_gained(s: Script) -> Line:
    """∀a. εp ≤ ε² ⟹ a = 0, with p = a² and ε = p(1 + p)⁻¹: p³ = ε(1 + p)³(p − ε) ≤ 0."""
    a = fresh(Real, "a")
    p = a * a
    over = inv(1 + p)
    given = s.assume(p * over * p <= p * over * (p * over))
    above = s.lin(num(0) < 1 + p, [square_nonnegative(s, a)])
    one = s.mp(s.apply("reciprocal", [], [1 + p]), positive_nonzero(s, above))
    weight = s.apply("product", [[given, square_nonnegative(s, 1 + p)]])
    cube = s.lin(p * p * p <= 0, [weight, (one, p * p * (1 + p) * over), (one, p * p), (one, p * p * (1 + p))])
    square = square_nonnegative(s, p * a)
    flat = sandwich(s, s.lin(square.right <= 0, [cube]), square)
    third = s.mp(s.known(square_vanishes, p * a), flat)
    second = s.mp(s.known(square_vanishes, p), s.lin(eq(p * p, 0), [(third, a)]))
    return s.gen(s.discharge(s.mp(s.known(square_vanishes, a), second), given), a)


class Outside(Minimiser):
    """A minimiser A, and a basis G of S_LDA: μ_k = m + Σ̄Gh_k."""

    def __init__(
        self, setting: Setting, A: Expr, G: Expr, independent: Line, best: Line, m: Expr, centre: Line
    ) -> None:
        """Take G⁺G = I, MinimisesKeyBias(A) and ∀k. μ_k = m + Σ̄Gh_k; choices are made, which the caller releases."""
        super().__init__(setting, A, G, independent, best)
        self.m, self.i = m, fresh(Index(A.cols), "i")
        seen = self.seen
        self.rules = centre, seen.forth, seen.back, seen.symmetric, setting.sigma_symmetric
        self.start = seen.rest(m)  # n₀
        self.psi_tame = [setting.positive, ones(self.s)]

    # -- what is odd --------------------------------------------------------------------------------------------------

    def z(self, rho: Expr) -> Expr:
        """e_iᵀAᵀρ."""
        return tr(unit(self.i).T @ self.A.T @ rho)

    def psi(self, rho: Expr) -> Expr:
        """ψ(e_iᵀAᵀρ)."""
        return odd(self.z(rho))

    def out(self, y: Expr) -> Expr:
        """ρ = (I − Σ̄GP⁻¹Gᵀ)y − n₀."""
        return self.seen.rest(y) - self.start

    @cached_property
    def unbiased(self) -> Line:
        """E p = ½ for ψ(ρ) = 2p − 1, ρ = (I − Σ̄GP⁻¹Gᵀ)ν: ψ is odd."""
        s, S, nu = self.s, self.set.mix.sigma_bar, fresh(Col(self.set.d), "ν")
        psi = fn(Col(self.set.d), lambda nu: self.psi(self.seen.rest(nu)))
        line = s.apply("image", [[self.set.sigma_psd]], [S, num(-1) * eye(self.set.d), psi])
        turned = s.parts(s.known(odd_bounded, self.z(self.seen.rest(nu))))[2]
        whole = s.same(mean(S, lambda nu: odd(-self.z(self.seen.rest(nu)))), s.gen(turned, nu))
        half = mean(S, lambda nu: upper(self.z(self.seen.rest(nu))))
        return s.lin(eq(half, num("1/2")), [line, whole], positive=self.psi_tame)

    def apart(self, Phi: Callable[[Expr, Expr], Expr]) -> Line:
        """∀l. E Φ(Gᵀy, ρ_y) = E E Φ(Gᵀy, (I − Σ̄GP⁻¹Gᵀ)ν), y = μ_l + η: ρ is independent of Gᵀη."""
        s, st, G, S = self.s, self.set, self.F, self.set.mix.sigma_bar
        l = fresh(Index(st.K), "l")
        rest = eye(st.d) - S @ G @ minv(self.seen.P) @ G.T
        crossed = s.calc(eq(G.T @ S @ rest.T, zero(G.cols, st.d)), *self.rules[1:])
        function = fn(Col(G.cols), lambda u: fn(Col(st.d), lambda e: Phi(G.T @ st.mu(l) + u, e)))
        line = s.apply("split", [[st.sigma_psd, crossed], self.known], [S, G.T, rest, function])
        joint = mean(S, lambda eta: Phi(G.T @ (st.mu(l) + eta), self.out(st.mu(l) + eta)))
        return s.gen(s.lin(eq(joint, line.right), [line], *self.rules, positive=self.known), l)

    # -- the part of A in S_LDA ---------------------------------------------------------------------------------------

    @cached_property
    def inner(self) -> Expr:
        """A₀ = GP⁻¹GᵀΣ̄A."""
        return self.F @ minv(self.seen.P) @ self.F.T @ self.set.mix.sigma_bar @ self.A

    @cached_property
    def beta(self) -> Heard:
        """γ(v) = β(v) + n₀ᵀAAᵀΣ̄GP⁻¹v, β(v) = E b(Σ̄GP⁻¹v + n₀ + ρ)."""
        s, st, seen, column = self.s, self.set, self.seen, Col(self.F.cols)
        S, v, nu = st.mix.sigma_bar, fresh(column, "v"), fresh(Col(st.d), "ν")

        def own(v: Expr) -> Expr:
            return mean(S, lambda nu: self.b(seen.lift(v) + self.start + seen.rest(nu)))

        def linear(v: Expr) -> Expr:
            return tr(self.start.T @ self.A @ self.A.T @ seen.lift(v))

        body = fn(column, lambda v: own(v) + linear(v))
        gamma, self.is_gamma = s.let_family("γ", [column], body)
        tame = s.apply("moderate", [[], [st.positive, self.moderate]], [body])
        tame = s.rewrite(s.flip(self.is_gamma), tame)
        below = s.gen(s.spec(self.bound, seen.lift(v) + self.start + seen.rest(nu)), nu)
        below = s.apply("mean_order", [[below], [st.positive, self.moderate]], [S])
        slope = minv(seen.P) @ self.F.T @ S @ (self.l + self.A @ self.A.T @ self.start)
        top = self.c + tr(self.l.T @ self.start)
        facts = seen.symmetric, st.sigma_symmetric, self.is_gamma
        bound = s.gen(s.lin(gamma(v) <= top + tr(slope.T @ v), [below], *facts, psd=[st.sigma_psd]), v)
        return Heard(gamma, [tame, exp_moderate(st, gamma, tame, bound)], top, slope, bound)

    @cached_property
    def after(self) -> Weighed:
        """A₀ with its bias."""
        return self.weighed("Λ₀", self.inner, self.beta)

    @cached_property
    def before(self) -> Weighed:
        """A with its bias b."""
        return self.minimised()

    # -- the bound from below -----------------------------------------------------------------------------------------

    def below(self, x: Expr, theta: Expr, sign: Line) -> Line:
        """Λ₀(x) + Z₀⁻¹ E exp(g₀)(1 + T)(g − g₀ − T) ≤ Λ(x), T(y) = θψ(ρ_y), from ∀y. 0 ≤ 1 + θψ(ρ_y)."""
        s, Z, whole = self.s, *self.partitions(x)

        def T(y: Expr) -> Expr:
            return theta * self.psi(self.out(y))

        none = self._scaled(x, lambda _, rho: theta * self.psi(rho))
        none = s.lin(eq(Z.mean(T), 0), [none], *self.rules, self.unbiased, positive=self.known)
        line = Z.weighted_tangent(lambda y: whole.g(y) - Z.g(y), whole, T, lambda y: s.spec(sign, y), none)
        value = self._value(x, theta)
        rules = self.after.is_logs, self.before.is_logs
        low = self.after.logs(x) + Z.average(lambda y: self.gap(x, theta, self.F.T @ y))
        return s.lin(low <= self.before.logs(x), [line, (value, inv(Z.whole))], *rules)

    def pair(self, x: Expr, eps: Expr, small: tuple[Line, Line]) -> Line:
        """2Λ₀(x) + 2(Σ̄GP⁻¹Gᵀx + n₀)ᵀAAᵀn₀ + 2θ E ψ(ρ) ρ_xᵀAAᵀρ − 2θ² E ψ² ≤ Λ(x) + Λ(x − 2ρ_x), θ = εψ(ρ_x).

        The bounds at ρ_x and −ρ_x, in whose sum nothing is left that is odd. From 0 ≤ ε and ε ≤ 1.
        """
        s, M, seen = self.s, self.A @ self.A.T, self.seen
        theta, y = fresh(Real, "θ"), fresh(Col(self.set.d), "y")
        free = fresh(Col(self.set.d), "x")
        sign = s.assume(forall(Col(self.set.d), lambda y: num(0) <= 1 + theta * self.psi(self.out(y))))
        law = s.gen(s.discharge(self.below(free, theta, sign), sign), theta, free)
        value, turned = eps * self.psi(self.out(x)), x - 2 * self.out(x)
        parts = []
        for c, at in ((1, x), (-1, turned)):
            bound = s.gen(self._weights_positive(x, y, eps, c, small), y)
            parts.append(s.mp(s.spec(law, c * value, at), bound))
        first, _ = self.partitions(x)
        logs = self.after.logs
        same = s.lin(eq(logs(turned), logs(x)), [], self.after.is_logs, *self.rules)
        cross = mean(
            self.set.mix.sigma_bar,
            lambda nu: self.psi(seen.rest(nu)) * tr(self.out(x).T @ M @ seen.rest(nu)),
        )
        start = tr((seen.lift(self.F.T @ x) + self.start).T @ M @ self.start)
        gain = start + value * cross - value * value * self.square
        low = 2 * logs(x) + 2 * gain
        claim = low <= self.before.logs(x) + self.before.logs(turned)
        return s.lin(
            claim, [*parts, same, (first.cancel, 2 * gain)], *self.rules, positive=self.known, psd=[self.set.sigma_psd]
        )

    @cached_property
    def no_gain(self) -> Line:
        """∀ε. 0 ≤ ε ⟹ ε ≤ 1 ⟹ ε Γ ≤ ε² (E ψ²)²: A is no worse than A₀."""
        s, st, S, seen = self.s, self.set, self.set.mix.sigma_bar, self.seen
        eps = fresh(Real, "ε")
        small = s.assume(num(0) <= eps), s.assume(eps <= 1)
        after, before = self.after, self.before
        k, xi, x = fresh(Index(st.K), "k"), fresh(Col(st.d), "ξ"), fresh(Col(st.d), "x")
        pair = s.gen(self.pair(x, eps, small), x)
        at = s.spec(pair, st.mu(k) + xi)

        tame = [*self.known, after.tame_logs, before.tame_logs]
        low, high = averaged(st, lambda x: s.spec(pair, x).left), averaged(st, lambda x: s.spec(pair, x).right)
        rise = mixture_order(st, at, k, xi, low <= high, tame)
        turn = 2 * S @ self.F @ minv(seen.P) @ self.F.T - eye(st.d)
        l = fresh(Index(st.K), "l")
        logs = fn(Col(st.d), lambda eta: before.logs(st.mu(l) + eta))
        turned = s.apply("image", [[st.sigma_psd]], [S, turn, logs])
        mirrored = mean(S, lambda xi: before.logs(st.mu(l) + xi - 2 * self.out(st.mu(l) + xi)))
        same = s.lin(eq(mirrored, mean(S, lambda xi: before.logs(st.mu(l) + xi))), [turned], *self.rules)
        own = self._own()
        both = averaged(st, lambda x: before.logs(x - 2 * self.out(x)))
        even = s.same(both, s.gen(same, l))
        parts = [rise, even, self.beaten(after), before.form, after.form, own]
        claim = eps * self.gain <= eps * eps * (self.square * self.square)
        rules = *self.rules, st.weights_sum
        return s.gen(s.discharge(s.lin(claim, parts, *rules, positive=tame, psd=[st.sigma_psd]), *small), eps)

    def _own(self) -> Line:
        """E b(y) = E γ(Gᵀy) − n₀ᵀAAᵀ E Σ̄GP⁻¹Gᵀy."""
        s, st, G, seen, M = self.s, self.set, self.F, self.seen, self.A @ self.A.T
        line = self.apart(lambda v, rho: self.b(seen.lift(v) + self.start + rho))
        whole = averaged(st, lambda y: self.b(seen.lift(G.T @ y) + self.start + self.out(y)))
        linear = averaged(st, lambda y: tr(self.start.T @ M @ seen.lift(G.T @ y)))
        claim = eq(averaged(st, self.b), averaged(st, lambda y: self.beta.gamma(G.T @ y)) - linear)
        rules = *self.rules, self.averaged_bias
        return s.lin(claim, [s.same(whole, line)], *rules, positive=self.known, psd=[st.sigma_psd])

    def nothing_out(self) -> Line:
        """A = A₀."""
        s, st, S, A, seen = self.s, self.set, self.set.mix.sigma_bar, self.A, self.seen
        y, j = fresh(Col(st.d), "y"), fresh(Index(st.d), "j")

        def value(xi: Expr) -> Expr:
            return self.z(seen.rest(xi)) * self.psi(seen.rest(xi))

        xi = fresh(Col(st.d), "ξ")
        nothing = self._nothing_seen()
        claim = eq(self.z(seen.rest(S @ y)), 0)

        def absurd(negated: Line) -> tuple[Line, Line]:
            facts = s.parts(s.known(odd_bounded, self.z(seen.rest(S @ y))))
            strict = s.mp(facts[4], negated)
            low = s.gen(s.parts(s.known(odd_bounded, self.z(seen.rest(xi))))[3], xi)
            line = s.apply("mean_order", [[low, strict, st.sigma_psd], self.psi_tame], [S, y])
            return s.lin(num(0) < mean(S, value), [line]), s.lin(mean(S, value) <= 0, [nothing])

        gone = s.gen(refute(s, claim, absurd), y)
        mark = s.mark()
        R, is_R = s.let("R", S @ (A - self.inner))
        facts = is_R, seen.symmetric, st.sigma_symmetric
        gone = s.gen(s.lin(eq(tr(unit(j).T @ R @ unit(self.i)), 0), [s.spec(gone, unit(j))], *facts), j, self.i)
        rows, columns = s.apply("units", [], [R]), s.apply("units", [], [eye(A.cols)])
        flat = s.lin(eq(R, zero(st.d, A.cols)), [rows, (columns, 1, rows.right, eye(A.cols))], gone)
        parts = [(part, 1, minv(S), eye(A.cols)) for part in (flat, is_R)]
        line = s.lin(eq(A, self.inner), parts, st.sigma_inverse[1])
        line = s.release(line, mark)
        s.forget(mark)
        return line

    def _nothing_seen(self) -> Line:
        """E zψ(z) = 0: ε (E zψ)² ≤ ε² for every ε ≤ 1, p/(1 + p) with p = (E zψ)² among them."""
        s, S, seen = self.s, self.set.mix.sigma_bar, self.seen
        kappa = mean(S, lambda xi: self.z(seen.rest(xi)) * self.psi(seen.rest(xi)))
        p = kappa * kappa
        eps = p * inv(1 + p)
        square = square_nonnegative(s, kappa)
        above = s.lin(num(0) < 1 + p, [square])
        cancel = s.mp(s.apply("reciprocal", [], [1 + p]), positive_nonzero(s, above))
        over = weaken(s, reciprocal_positive(s, above))
        low = s.lin(num(0) <= eps, [s.apply("product", [[square, over]])])
        high = s.lin(eps <= 1, [cancel, over])
        few = s.mp(s.spec(self.no_gain, eps), low, high)  # ε Γ ≤ ε² (E ψ²)²
        enough = s.apply("product", [[low, self._gain_at_least()]])
        little = s.apply("product", [[square_nonnegative(s, eps), self._small_square()]])
        line = s.lin(eps * p <= eps * eps, [few, enough, little])
        return s.mp(s.known(never_gained, kappa), line)

    def _small_square(self) -> Line:
        """(E ψ²)² ≤ 1."""
        s, S, rest, xi = self.s, self.set.mix.sigma_bar, self.seen.rest, fresh(Col(self.set.d), "ξ")
        psi = self.psi(rest(xi))
        low, high = s.parts(s.known(odd_bounded, self.z(rest(xi))))[:2]
        ends = [s.lin(num(0) <= 1 + psi, [low]), s.lin(num(0) <= 1 - psi, [high])]
        one = s.lin(psi * psi <= 1, [s.apply("product", [ends])])
        high = s.apply("mean_order", [[s.gen(one, xi)], self.psi_tame], [S])
        low = s.apply("mean_order", [[s.gen(square_nonnegative(s, psi), xi)], self.psi_tame], [S])
        low, high = s.lin(num(0) <= self.square, [low]), s.lin(self.square <= 1, [high])
        return s.lin(self.square * self.square <= 1, [s.apply("product", [[low, high]]), high])

    def _gain_at_least(self) -> Line:
        """(E zψ)² ≤ Γ = Σ_j (E ψ e_jᵀAᵀρ)²."""
        s, S, rest, A = self.s, self.set.mix.sigma_bar, self.seen.rest, self.A
        j, xi, nu = fresh(self.i.sort, "j"), fresh(Col(self.set.d), "ξ"), fresh(Col(self.set.d), "ν")

        def seen(j: Expr) -> Expr:
            return mean(S, lambda xi: self.psi(rest(xi)) * tr(unit(j).T @ A.T @ rest(xi)))

        units = s.apply("units", [], [eye(A.cols)])
        parts = total(A.cols, lambda j: tr(unit(j).T @ A.T @ rest(xi)) * tr(unit(j).T @ A.T @ rest(nu)))
        crossed = tr(rest(xi).T @ A @ A.T @ rest(nu))
        point = s.lin(eq(crossed, parts), [(units, 1, rest(xi).T @ A, A.T @ rest(nu))])
        whole = s.same(self.gain, s.gen(point, xi, nu))
        squares = s.lin(eq(self.gain, total(A.cols, lambda j: seen(j) * seen(j))), [whole], positive=self.psi_tame)
        low = s.gen(square_nonnegative(s, seen(j)), j)
        return s.lin(seen(self.i) * seen(self.i) <= self.gain, [summand_at_most(s, low, self.i), squares])

    @property
    def gain(self) -> Expr:
        """Γ = E E ψ(ρ)ψ(ρ') ρᵀAAᵀρ'."""
        S, rest, M = self.set.mix.sigma_bar, self.seen.rest, self.A @ self.A.T

        def inner(xi: Expr) -> Expr:
            return mean(S, lambda nu: self.psi(rest(nu)) * tr(rest(xi).T @ M @ rest(nu)))

        return mean(S, lambda xi: self.psi(rest(xi)) * inner(xi))

    def _weights_positive(self, x: Expr, y: Expr, eps: Expr, c: int, small: tuple[Line, Line]) -> Line:
        """0 ≤ 1 + cεψ(ρ_x)ψ(ρ_y) for c = ±1, from 0 ≤ ε and ε ≤ 1: (1 ± ψ)(1 ± ψ') ≥ 0."""
        s, (low, high) = self.s, small
        own, other = (s.parts(s.known(odd_bounded, self.z(self.out(t))))[:2] for t in (x, y))
        ends = zip(own, other if c == 1 else reversed(other), strict=True)
        products = [s.apply("product", [[p, q]]) for p, q in ends]
        both = c * (self.psi(self.out(x)) * self.psi(self.out(y)))
        scaled = s.apply("product", [[low, s.lin(num(0) <= 1 + both, products)]])
        return s.lin(num(0) <= 1 + c * (eps * self.psi(self.out(x))) * self.psi(self.out(y)), [scaled, high])

    @cached_property
    def known(self) -> list[Line]:
        """What makes the terms here tame."""
        return [*self.psi_tame, *self.beta.tame, *self.tame]

    def partitions(self, x: Expr) -> tuple[LogMean, LogMean]:
        """Z₀(x) and Z(x)."""
        first, second = (LogMean(self.set, w.partition(x).g, self.known[1:]) for w in (self.after, self.before))
        return first, second

    def gap(self, x: Expr, theta: Expr, v: Expr) -> Expr:
        """E (1 + T)(g − g₀ − T) over ρ_y: ρ_xᵀAAᵀΣ̄GP⁻¹v + xᵀAAᵀn₀ + θ E ψ(ρ)(xᵀAAᵀρ + b(Σ̄GP⁻¹v + n₀ + ρ)) − θ² E ψ²."""
        M, rest = self.A @ self.A.T, self.seen.rest

        def seen(nu: Expr) -> Expr:
            y = self.seen.lift(v) + self.start + rest(nu)
            return self.psi(rest(nu)) * (tr(x.T @ M @ rest(nu)) + self.b(y))

        S = self.set.mix.sigma_bar
        first = tr(self.out(x).T @ M @ self.seen.lift(v)) + tr(x.T @ M @ self.start)
        return first + theta * mean(S, seen) - theta * theta * self.square

    @cached_property
    def averaged_bias(self) -> Line:
        """∀l, η. E b(Σ̄GP⁻¹v + n₀ + ρ) = γ(v) − n₀ᵀAAᵀΣ̄GP⁻¹v at v = Gᵀ(μ_l + η)."""
        s, st, seen = self.s, self.set, self.seen
        l, eta = fresh(Index(st.K), "l"), fresh(Col(st.d), "η")
        v = self.F.T @ (st.mu(l) + eta)
        own = mean(st.mix.sigma_bar, lambda nu: self.b(seen.lift(v) + self.start + seen.rest(nu)))
        linear = tr(self.start.T @ self.A @ self.A.T @ seen.lift(v))
        return s.gen(s.lin(eq(own, self.beta.gamma(v) - linear), [s.spec(self.is_gamma, v)]), l, eta)

    @property
    def square(self) -> Expr:
        """E ψ²."""
        rest, psi = self.seen.rest, self.psi
        return mean(self.set.mix.sigma_bar, lambda nu: psi(rest(nu)) * psi(rest(nu)))

    def _value(self, x: Expr, theta: Expr) -> Line:
        """Σ_l w_l E exp(g₀)(1 + T)(g − g₀ − T) = Σ_l w_l E exp(g₀) gap."""
        s, st, G, M, seen = self.s, self.set, self.F, self.A @ self.A.T, self.seen
        Z, whole = self.partitions(x)

        def t(v: Expr, rho: Expr) -> Expr:
            y, T = seen.lift(v) + self.start + rho, theta * self.psi(rho)
            base = tr(x.T @ self.inner @ self.A.T @ seen.lift(v)) + self.beta.gamma(v)
            return (1 + T) * (tr(x.T @ M @ y) + self.b(y) - base - T)

        def weighted(y: Expr) -> Expr:
            T = theta * self.psi(self.out(y))
            return (1 + T) * (whole.g(y) - Z.g(y) - T)

        claim = eq(Z.mean(weighted), Z.mean(lambda y: self.gap(x, theta, G.T @ y)))
        rules = *self.rules, self.averaged_bias, self.unbiased
        return s.lin(claim, [self._scaled(x, t)], *rules, positive=self.known, psd=[st.sigma_psd])

    def _scaled(self, x: Expr, t: Callable[[Expr, Expr], Expr]) -> Line:
        """Σ_l w_l E exp g₀(y) t(Gᵀy, ρ_y) = Σ_l w_l E exp g₀(y) E t(Gᵀy, (I − Σ̄GP⁻¹Gᵀ)ν)."""
        s, st, S, G = self.s, self.set, self.set.mix.sigma_bar, self.F

        def weight(v: Expr) -> Expr:
            return exp(tr(x.T @ self.inner @ self.A.T @ self.seen.lift(v)) + self.beta.gamma(v))

        line = self.apart(lambda v, rho: weight(v) * t(v, rho))
        own = averaged(st, lambda y: weight(G.T @ y) * t(G.T @ y, self.out(y)))
        opened = s.same(own, line)
        inner = averaged(st, lambda y: weight(G.T @ y) * mean(S, lambda nu: t(G.T @ y, self.seen.rest(nu))))
        return s.lin(eq(own, inner), [opened], positive=self.known)
