"""Lemma: the softmax weights of a minimiser of InfoNCE with a key bias couple the components with themselves.

Let A = FH minimise the loss with a key bias b. The mean of b(y) given Fᵀy, β(Fᵀy), is no worse (Jensen), so it is
best. Then q_l(v), the softmax weight of component l at Fᵀx = v, has Q_jl = w_j E[q_l | j] with both marginals w: the
slope along biases that tilt the posterior is 0. And the slope along AAᵀ + t uuᵀ, FᵀΣ̄u = 0, is not negative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Real,
    delta,
    eq,
    exp,
    fn,
    fresh,
    inv,
    lse,
    mean,
    num,
    softmax,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    Terms,
    exp_positive,
    generating,
    reciprocal_positive,
    sandwich,
    unfolded,
    weaken,
)
from thmverify.proofs.lemmas.key_bias import Keyed, alignment, averaged, exp_moderate, is_bias, log_partition
from thmverify.proofs.lemmas.logmeans import LogMean, mixture_order
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.projected import Projected, weighted_at_most
from thmverify.proofs.lemmas.subspaces import summand_at_most
from thmverify.proofs.script import Line


class Weighed(NamedTuple):
    """A map X with a key bias b: the lines that b is one, what Λ is, that it is moderate, and L(X, b) in closed form.

    Λ(x) is log Z(x).
    """

    keyed: Keyed
    is_bias: Line
    logs: Expr
    is_logs: Line
    tame_logs: Line
    form: Line

    def partition(self, x: Expr) -> LogMean:
        """Z(x)."""
        return self.keyed.partition(x)


class Heard(NamedTuple):
    """A function γ of Fᵀy: the lines that γ and exp γ are moderate, and c and l with ∀v. γ(v) ≤ c + lᵀv."""

    gamma: Expr
    tame: Sequence[Line]
    c: Expr
    l: Expr
    bound: Line


class Weights(NamedTuple):
    """Softmax weights of the components, q_l(v) at Fᵀx = v: what they are, 0 < q_l(v), Σ_l q_l(v) = 1, and moderate."""

    q: Expr
    are: Line
    positive: Line
    one: Line
    tame: Line


class Coupling(NamedTuple):
    """Q_jl = w_j E[q_l | j]: what it is, 0 < Q_jl, Σ_l Q_jl = w_j and Σ_j Q_jl = w_l."""

    Q: Expr
    are: Line
    positive: Line
    rows: Line
    columns: Line


class Minimiser:
    """A minimiser A with a best bias b, and biases that are functions of Fᵀy."""

    def __init__(self, setting: Setting, A: Expr, F: Expr, independent: Line, best: Line) -> None:
        """Take F⁺F = I and MinimisesKeyBias(A); choices are made, which the caller releases."""
        s = self.s = setting.s
        self.set, self.A, self.F = setting, A, F
        self.seen = Projected(setting, F, independent)
        (self.b,), there = s.obtain(unfolded(s, best), "b")
        self.is_bias, self.minimal = (s.taut(Expr(a), there) for a in there.theorem.conclusion.args)
        self.moderate, there = s.parts(unfolded(s, self.is_bias))
        (self.c, self.l), self.bound = s.obtain(there, "c", "l")
        self.tame = [self.moderate, exp_moderate(setting, self.b, self.moderate, self.bound)]

    def minimised(self) -> Weighed:
        """A with its bias b."""
        return self._weighed("Λ_b", self.A, self.b, self.is_bias, self.tame)

    # -- biases that are functions of Fᵀy -----------------------------------------------------------------------------

    def weighed(self, name: str, X: Expr, heard: Heard) -> Weighed:
        """The map X with the bias γ(Fᵀy); Λ has this name."""
        s, st, F = self.s, self.set, self.F
        b, y = fn(Col(st.d), lambda y: heard.gamma(F.T @ y)), fresh(Col(st.d), "y")
        tame = s.apply("moderate", [[], [st.positive, *heard.tame]], [b])
        slope = F @ heard.l
        bound = s.gen(s.lin(b(y) <= heard.c + tr(slope.T @ y), [s.spec(heard.bound, F.T @ y)]), y)
        line = is_bias(st, b, tame, heard.c, slope, bound)
        return self._weighed(name, X, b, line, heard.tame)

    def _weighed(self, name: str, X: Expr, b: Expr, line: Line, tame: Sequence[Line]) -> Weighed:
        s = self.s
        (logs,), there = s.obtain(s.mp(s.known(log_partition, X, b), line), name)
        return Weighed(Keyed(self.set, X, b, tame), line, logs, *s.parts(there))

    def beaten(self, other: Weighed) -> Line:
        """L(A, b) ≤ L(X, b')."""
        return self.s.mp(self.s.spec(self.minimal, other.keyed.X, other.keyed.b), other.is_bias)


class Best(Minimiser):
    """A minimiser A = FH with a best bias that is a function of Fᵀy: β(Fᵀy)."""

    def __init__(
        self, setting: Setting, A: Expr, F: Expr, H: Expr, product: Line, independent: Line, best: Line
    ) -> None:
        """Take A = FH, F⁺F = I and MinimisesKeyBias(A); choices are made, which the caller releases."""
        super().__init__(setting, A, F, independent, best)
        self.H, self.product = H, product
        self.beta = self._averaged()

    # -- the mean of the bias -----------------------------------------------------------------------------------------

    def _averaged(self) -> Heard:
        """β(v) = E[b(y) | Fᵀy = v]."""
        s, seen, v, st = self.s, self.seen, fresh(Col(self.F.cols), "v"), self.set
        beta, self.is_beta = s.let_family("β", [Col(self.F.cols)], seen.average(self.b))
        tame = s.apply("moderate", [[], [st.positive, self.moderate]], [seen.average(self.b)])
        tame = s.rewrite(s.flip(self.is_beta), tame)
        top, slope, below = seen.average_below(self.b, self.c, self.l, self.bound, [self.moderate])
        below = s.gen(s.lin(beta(v) <= top + tr(slope.T @ v), [s.spec(below, v), s.spec(self.is_beta, v)]), v)
        return Heard(beta, [tame, exp_moderate(st, beta, tame, below)], top, slope, below)

    @cached_property
    def after(self) -> Weighed:
        """A with the bias β(Fᵀy)."""
        return self.weighed("Λ", self.A, self.beta)

    @cached_property
    def no_worse(self) -> Line:
        """L(A, β) ≤ L(A, b): log-sum-exps of the means are at most the means of log-sum-exps."""
        s, st, F = self.s, self.set, self.F
        after, before = self.after, self.minimised()
        k, xi, x = fresh(Index(st.K), "k"), fresh(Col(st.d), "ξ"), fresh(Col(st.d), "x")
        tame = [*self.beta.tame, *self.tame]
        Z, whole = (LogMean(st, w.partition(x).g, tame) for w in (after, before))
        tangent = Z.tangent(lambda y: self.b(y) - self.beta.gamma(F.T @ y), whole)
        same = self._conditional(lambda v: tr(x.T @ F @ self.H @ self.H.T @ v) + self.beta.gamma(v), Z.tame)
        facts = self.product, before.is_logs, after.is_logs
        low = s.lin(after.logs(x) <= before.logs(x), [tangent, (same, inv(Z.whole))], *facts, positive=Z.tame)
        low = s.spec(s.gen(low, x), st.mu(k) + xi)
        logs = [after.tame_logs, before.tame_logs]
        claim = averaged(st, after.logs) <= averaged(st, before.logs)
        low = mixture_order(st, low, k, xi, claim, [st.positive, *logs])
        one = self.seen.conditional(fn(Col(F.cols), lambda _: num(1)), self.b, Z.tame)
        own = s.lin(eq(averaged(st, self.b), averaged(st, after.keyed.b)), [one], self.is_beta, positive=Z.tame)
        return s.lin(after.form.left <= before.form.left, [low, own, after.form, before.form])

    def _conditional(self, z: Terms, tame: Sequence[Line]) -> Line:
        """E g(v)b(y) = E g(v)β(v), v = Fᵀy, g(v) = exp z(v)."""
        s, st, F, column = self.s, self.set, self.F, Col(self.F.cols)
        mark = s.mark()
        weight = fn(column, lambda v: exp(z(v)))
        g, is_g = s.let_family("g", [column], weight)
        tame_g = s.rewrite(s.flip(is_g), s.apply("moderate", [[], tame], [weight]))
        given = [*tame, tame_g]
        own = averaged(st, lambda y: g(F.T @ y) * self.b(y))
        claim = eq(own, averaged(st, lambda y: g(F.T @ y) * self.beta.gamma(F.T @ y)))
        line = s.lin(claim, [self.seen.conditional(g, self.b, given)], self.is_beta, positive=given)
        line = s.release(s.rewrite(is_g, line), mark)
        s.forget(mark)
        return line

    # -- the softmax weights of the components ------------------------------------------------------------------------

    def at(self, v: Expr) -> LogMean:
        """Z at Fᵀx = v: the exponent is vᵀHHᵀFᵀy + β(Fᵀy)."""
        N, beta = self.H @ self.H.T, self.beta
        return LogMean(self.set, lambda y: tr(v.T @ N @ self.F.T @ y) + beta.gamma(self.F.T @ y), beta.tame)

    def share(self, l: Expr, v: Expr) -> Expr:
        """w_l E exp(vᵀHHᵀFᵀ(μ_l + η) + β(Fᵀ(μ_l + η)))."""
        st, Z = self.set, self.at(v)
        return st.w(l) * mean(st.mix.sigma_bar, lambda eta: exp(Z.g(st.mu(l) + eta)))

    @cached_property
    def weights(self) -> Weights:
        """q_l(v) = share · Z⁻¹, in (0, 1)."""
        s, st = self.s, self.set
        column = Col(self.F.cols)
        l, v, eta = fresh(Index(st.K), "l"), fresh(column, "v"), fresh(Col(st.d), "η")
        q, is_q = s.let_family("q", [Index(st.K), column], lambda l, v: self.share(l, v) * inv(self.at(v).whole))
        Z = self.at(v)
        inner = s.gen(exp_positive(s, Z.g(st.mu(l) + eta)), eta)
        inner = s.apply("mean_order", [[inner], Z.tame], [st.mix.sigma_bar])
        share = s.apply("product", [[s.spec(st.positive, l), s.lin(num(0) < inner.right, [inner])]])
        over = reciprocal_positive(s, Z.positive)
        share = s.lin(num(0) < self.share(l, v), [share])
        positive = s.lin(num(0) < q(l, v), [s.apply("product", [[share, over]]), s.spec(is_q, l, v)])
        one = s.gen(s.lin(eq(total(st.K, lambda l: q(l, v)), 1), [Z.cancel], is_q), v)
        low = weaken(s, positive)
        high = s.lin(q(l, v) <= 1, [summand_at_most(s, s.gen(low, l), l), s.spec(one, v)])
        body = fn(column, lambda v: self.share(l, v) * inv(self.at(v).whole))
        bounds = [s.gen(s.lin(num(0) <= body(v), [low, s.spec(is_q, l, v)]), v)]
        bounds.append(s.gen(s.lin(body(v) <= 1, [high, s.spec(is_q, l, v)]), v))
        tame = s.apply("moderate", [bounds, self.beta.tame], [body])
        tame = s.rewrite(s.flip(is_q), tame)
        return Weights(q, is_q, s.gen(positive, l, v), one, s.gen(tame, l))

    def overlap(self, j: Expr, l: Expr) -> Expr:
        """Q_jl = w_j E q_l(Fᵀ(μ_j + ξ))."""
        st, q = self.set, self.weights.q
        return st.w(j) * mean(st.mix.sigma_bar, lambda xi: q(l, self.F.T @ (st.mu(j) + xi)))

    # -- what is best does not fall -----------------------------------------------------------------------------------

    def no_better(self, other: Weighed) -> Line:
        """L(A, β) ≤ L(X, γ), in closed form."""
        parts = [self.no_worse, self.beaten(other), self.after.form, other.form]
        return self.s.lin(self.after.form.right <= other.form.right, parts)

    def logs_rise(
        self, other: Weighed, more: Terms, rate: Callable[[Expr, Expr], Expr], whole: Callable[[Expr], Line]
    ) -> Line:
        """E Λ' ≤ E[Λ + κ + Σ_l q_l exp r_l − 1], from Z'(x) = exp(κ(x)) Σ_l share_l exp r_l(x), `whole`."""
        s, st, F = self.s, self.set, self.F
        q, is_q, tame_q = self.weights.q, self.weights.are, self.weights.tame
        k, l, xi, x = fresh(Index(st.K), "k"), fresh(Index(st.K), "l"), fresh(Col(st.d), "ξ"), fresh(Col(st.d), "x")
        at, then = self.at(F.T @ x), other.partition(x)

        def tilted(x: Expr) -> Expr:
            return total(st.K, lambda l: q(l, F.T @ x) * exp(rate(l, x)))

        def high(x: Expr) -> Expr:
            return self.after.logs(x) + more(x) + tilted(x) - 1

        parts = [at.above(then, more(x)), (whole(x), inv(at.whole) * exp(-more(x)))]
        facts = self.product, s.gen(s.spec(is_q, l, F.T @ x), l), other.is_logs, self.after.is_logs
        low = s.lin(other.logs(x) <= high(x), parts, *facts)
        low = s.spec(s.gen(low, x), st.mu(k) + xi)
        tame = [st.positive, other.tame_logs, self.after.tame_logs, tame_q]
        return mixture_order(st, low, k, xi, averaged(st, other.logs) <= averaged(st, high), tame)

    def steady(self, value: Terms, rate: Terms, rises: Line, tame: Sequence[Line]) -> Line:
        """0 ≤ f'(0), from f(0) ≤ f(t) for every t ≥ 0."""
        s = self.s
        found = s.apply("differentiate", [[], tame, []], [fn(Real, value), fn(Real, rate)])
        return s.apply("fermat", [[s.spec(found, num(0)), rises]])

    def across(self, u: Expr, orthogonal: Line, attained: Line) -> Line:
        """δ Σ w a² + (1 − δ)ā² ≤ Σ_jl Q_jl a_j a_l, a = uᵀμ: from FᵀΣ̄u = 0, and AAᵀ + t uuᵀ = XXᵀ for t ≥ 0."""
        s, st, F, S = self.s, self.set, self.F, self.set.mix.sigma_bar
        mark = s.mark()
        t = fresh(Real, "t")
        nonnegative = s.assume(num(0) <= t)
        (X,), gram = s.obtain(s.mp(s.spec(attained, t), nonnegative), "X")
        other = self.weighed("Λ'", X, self.beta)
        width = tr(u.T @ S @ u)

        def a(k: Expr) -> Expr:
            return tr(u.T @ st.mu(k))

        def more(x: Expr, t: Expr) -> Expr:
            return num("1/2") * (t * t) * (tr(x.T @ u) * tr(x.T @ u)) * width

        def rate(l: Expr, x: Expr, t: Expr) -> Expr:
            return t * tr(x.T @ u) * a(l)

        def whole(x: Expr) -> Line:
            line = self._spread(x, u, t, orthogonal)
            Z = other.partition(x)
            claim = exp(more(x, t)) * total(st.K, lambda l: self.share(l, F.T @ x) * exp(rate(l, x, t)))
            return s.lin(eq(Z.whole, claim), [], gram, self.product, line)

        q, tame = self.weights.q, [st.positive, self.weights.tame]
        rise = self.logs_rise(other, lambda x: more(x, t), lambda l, x: rate(l, x, t), whole)
        aligned = alignment(st, u @ u.T)

        def value(t: Expr) -> Expr:
            tilted = averaged(st, lambda x: total(st.K, lambda l: q(l, F.T @ x) * exp(rate(l, x, t))) + more(x, t))
            return tilted - t * aligned

        start = s.lin(eq(value(num(0)), 1), [self._in_all], st.weights_sum, positive=tame)
        parts = [self.no_better(other), rise, start]
        logs = [self.after.tame_logs, other.tame_logs]
        rises = s.lin(value(num(0)) <= value(num(0) + t), parts, gram, st.weights_sum, positive=[*tame, *logs])
        rises = s.release(rises, mark)
        s.forget(mark)
        rises = s.gen(s.discharge(rises, nonnegative), t)

        def slope(t: Expr) -> Expr:
            tilted = averaged(
                st,
                lambda x: (
                    total(st.K, lambda l: q(l, F.T @ x) * (tr(x.T @ u) * a(l)) * exp(rate(l, x, t)))
                    + t * (tr(x.T @ u) * tr(x.T @ u)) * width
                ),
            )
            return tilted - aligned

        line = self.steady(value, slope, rises, tame)
        crossed = total(st.K, lambda j: total(st.K, lambda l: self.overlap(j, l) * a(j) * a(l)))
        return s.lin(aligned <= crossed, [line], self._uncorrelated(u, orthogonal), positive=tame)

    @cached_property
    def _in_all(self) -> Line:
        """E Σ_l q_l = 1."""
        s, st, q, one = self.s, self.set, self.weights.q, self.weights.one
        j, xi = fresh(Index(st.K), "j"), fresh(Col(st.d), "ξ")
        each = s.gen(s.spec(one, self.F.T @ (st.mu(j) + xi)), j, xi)
        whole = averaged(st, lambda x: total(st.K, lambda l: q(l, self.F.T @ x)))
        return s.lin(eq(whole, 1), [s.same(whole, each)], st.weights_sum)

    def _uncorrelated(self, u: Expr, orthogonal: Line) -> Line:
        """∀j, l. E q_l(Fᵀ(μ_j + ξ)) uᵀξ = 0: q_l depends on Fᵀξ alone."""
        s, st, F, S = self.s, self.set, self.F, self.set.mix.sigma_bar
        q, given = self.weights.q, [st.positive, self.weights.tame]
        j, l = fresh(Index(st.K), "j"), fresh(Index(st.K), "l")
        function = fn(Col(F.cols), lambda p: fn(Col(1), lambda e: q(l, F.T @ st.mu(j) + p) * tr(e)))
        crossed = s.calc(eq(F.T @ S @ u.T.T, zero(F.cols, 1)), orthogonal)
        line = s.apply("split", [[st.sigma_psd, crossed], given], [S, F.T, u.T, function])
        claim = eq(mean(S, lambda xi: q(l, F.T @ (st.mu(j) + xi)) * tr(u.T @ xi)), 0)
        return s.gen(s.lin(claim, [line], positive=given, psd=[st.sigma_psd]), j, l)

    def _spread(self, x: Expr, u: Expr, t: Expr, orthogonal: Line) -> Line:
        """∀l. E exp(e(η) + t xᵀu uᵀη) = E exp(e(η)) exp(½ t² (xᵀu)² uᵀΣ̄u), e(η) = xᵀFHHᵀFᵀη + β(Fᵀ(μ_l + η))."""
        s, st, F, S, l = self.s, self.set, self.F, self.set.mix.sigma_bar, fresh(Index(self.set.K), "l")
        slope, beta = F @ self.H @ self.H.T, self.beta
        scale = t * tr(x.T @ u)
        function = fn(
            Col(F.cols),
            lambda p: fn(
                Col(1), lambda e: exp(tr(x.T @ slope @ p) + beta.gamma(F.T @ st.mu(l) + p)) * exp(scale * tr(e))
            ),
        )
        crossed = s.calc(eq(F.T @ S @ u.T.T, zero(F.cols, 1)), orthogonal)
        line = s.apply("split", [[st.sigma_psd, crossed], [st.positive, *beta.tame]], [S, F.T, u.T, function])
        moment = generating(s, st.sigma_psd, S, scale * u)

        def inner(eta: Expr) -> Expr:
            return tr(x.T @ slope @ F.T @ eta) + beta.gamma(F.T @ (st.mu(l) + eta))

        left = mean(S, lambda eta: exp(inner(eta) + scale * tr(u.T @ eta)))
        right = mean(S, lambda eta: exp(inner(eta))) * exp(num("1/2") * (scale * scale) * tr(u.T @ S @ u))
        return s.gen(s.lin(eq(left, right), [line], moment, positive=[st.positive, *beta.tame]), l)

    # -- both marginals -----------------------------------------------------------------------------------------------

    def tilted(self, eta: Expr, t: Expr) -> tuple[Heard, Line, Line]:
        """γ(v) = β(v) + lse(ℓ(v) + tη) − lse(ℓ(v)), the line that says so, and ∀v. exp γ = exp β Σ_k p_k exp(tη_k)."""
        s, st, column = self.s, self.set, Col(self.F.cols)
        v = fresh(column, "v")

        def soft(v: Expr, t: Expr) -> SoftMax:
            return SoftMax(s, st.K, st.w, lambda k: self.seen.logit(k, v) + t * eta(k), st.positive, st.nonempty)

        before, after = self.seen.soft(v), soft(v, t)
        body = fn(column, lambda v: self.beta.gamma(v) + soft(v, t).lse - self.seen.soft(v).lse)
        gamma, is_gamma = s.let_family("γ", [column], body)
        tame = s.apply("moderate", [[], [st.positive, *self.beta.tame]], [body])
        tame = s.rewrite(s.flip(is_gamma), tame)
        down = after.tangent(lambda k: -(t * eta(k)))
        few = weighted_at_most(after, lambda k: t * eta(k))
        top = self.beta.c + total(st.K, lambda k: 1 + t * eta(k) * (t * eta(k)))
        bound = s.lin(gamma(v) <= top + tr(self.beta.l.T @ v), [down, few, s.spec(self.beta.bound, v)], is_gamma)
        bound = s.gen(bound, v)
        ratio = exp(-before.lse)
        over = s.lin(
            eq(ratio, inv(before.whole)),
            [(before.exp_lse, ratio * inv(before.whole)), (before.cancel, ratio)],
        )
        spread = total(st.K, lambda k: before.p(k) * exp(t * eta(k)))
        weight = exp(self.beta.gamma(v))
        raised = s.lin(
            eq(exp(gamma(v)), weight * spread),
            [(after.exp_lse, weight * ratio), (over, weight * after.whole)],
            is_gamma,
            before.weights,
        )
        heard = Heard(gamma, [tame, exp_moderate(st, gamma, tame, bound)], top, self.beta.l, bound)
        return heard, is_gamma, s.gen(raised, v)

    @cached_property
    def balanced(self) -> Line:
        """∀η. Σ_k w_k η_k ≤ Σ_jl Q_jl η_l: the bias β(Fᵀy) + lse(ℓ + tη) − lse(ℓ) is no better, for every t ≥ 0."""
        s, st, F = self.s, self.set, self.F
        q, tame = self.weights.q, [st.positive, self.weights.tame]
        eta, t = fresh(Family(st.K, Real), "η"), fresh(Real, "t")
        nonnegative = s.assume(num(0) <= t)
        mark = s.mark()
        heard, is_gamma, raised = self.tilted(eta, t)
        other = self.weighed("Λ'", self.A, heard)

        def whole(x: Expr) -> Line:
            slope = F @ self.H @ self.H.T
            h = fn(Col(F.cols), lambda v: exp(tr(x.T @ slope @ v) + self.beta.gamma(v)))
            bayes = self.seen.bayes(h, self.beta.tame)
            Z = other.partition(x)
            claim = exp(num(0)) * total(st.K, lambda l: self.share(l, F.T @ x) * exp(t * eta(l)))
            summed = total(st.K, lambda k: exp(t * eta(k)) * Expr(s.spec(bayes, k).left.term))
            return s.lin(
                eq(Z.whole, claim),
                [s.same(summed, bayes)],
                raised,
                self.product,
                positive=[st.positive, *self.beta.tame],
            )

        rise = self.logs_rise(other, lambda _: num(0), lambda l, _: t * eta(l), whole)

        def lse_at(x: Expr, t: Expr) -> Expr:
            return lse(st.K, st.w, lambda k: self.seen.logit(k, F.T @ x) + t * eta(k))

        def value(t: Expr) -> Expr:
            return averaged(st, lambda x: total(st.K, lambda l: q(l, F.T @ x) * exp(t * eta(l))) - lse_at(x, t))

        logs = [self.after.tame_logs, other.tame_logs, *self.beta.tame, *heard.tame]
        flat = averaged(st, lambda x: lse_at(x, num(0)))
        start = s.lin(eq(value(num(0)), 1 - flat), [self._in_all], st.weights_sum, positive=tame)
        parts = [self.no_better(other), rise, start]
        own = s.lin(
            eq(
                averaged(st, other.keyed.b),
                averaged(st, lambda x: self.beta.gamma(F.T @ x) + lse_at(x, t) - lse_at(x, num(0))),
            ),
            [],
            is_gamma,
            positive=[*tame, *logs],
        )
        rises = s.lin(value(num(0)) <= value(num(0) + t), [*parts, own], st.weights_sum, positive=[*tame, *logs])
        rises = s.release(rises, mark)
        s.forget(mark)
        rises = s.gen(s.discharge(rises, nonnegative), t)

        def slope(t: Expr) -> Expr:
            def posterior(x: Expr, k: Expr) -> Expr:
                return softmax(st.K, st.w, lambda k: self.seen.logit(k, F.T @ x) + t * eta(k), k)

            return averaged(
                st,
                lambda x: (
                    total(st.K, lambda l: q(l, F.T @ x) * eta(l) * exp(t * eta(l)))
                    - total(st.K, lambda k: posterior(x, k) * eta(k))
                ),
            )

        line = self.steady(value, slope, rises, tame)
        prior = self.seen.bayes(fn(Col(F.cols), lambda _: num(1)), [])
        summed = total(st.K, lambda k: eta(k) * Expr(s.spec(prior, k).left.term))
        prior = s.same(summed, prior)
        claim = total(st.K, lambda k: st.w(k) * eta(k)) <= total(
            st.K, lambda j: total(st.K, lambda l: self.overlap(j, l) * eta(l))
        )
        return s.gen(s.lin(claim, [line, prior], positive=tame), eta)

    @cached_property
    def coupling(self) -> Coupling:
        """Q, with both marginals w."""
        s, st = self.s, self.set
        q, _, positive, one, tame_q = self.weights
        j, l, xi = fresh(Index(st.K), "j"), fresh(Index(st.K), "l"), fresh(Col(st.d), "ξ")
        Q, is_Q = s.let_family("Q", [Index(st.K), Index(st.K)], self.overlap)
        tame = [st.positive, tame_q]
        at = self.F.T @ (st.mu(j) + xi)
        inner = s.apply("mean_order", [[s.gen(s.spec(positive, l, at), xi)], tame], [st.mix.sigma_bar])
        part = s.apply("product", [[s.spec(st.positive, j), s.lin(num(0) < inner.right, [inner])]])
        part = s.gen(s.lin(num(0) < Q(j, l), [part, s.spec(is_Q, j, l)]), j, l)
        whole = s.same(
            mean(st.mix.sigma_bar, lambda xi: total(st.K, lambda l: q(l, self.F.T @ (st.mu(j) + xi)))),
            s.gen(s.spec(one, at), xi),
        )
        rows = s.lin(eq(total(st.K, lambda l: Q(j, l)), st.w(j)), [(whole, st.w(j))], is_Q, positive=tame)
        up, down = (
            s.spec(self.balanced, fn(Index(st.K), rates)) for rates in (lambda k: delta(k, l), lambda k: -delta(k, l))
        )
        column = total(st.K, lambda j: Q(j, l))
        low, high = s.lin(st.w(l) <= column, [up], is_Q), s.lin(column <= st.w(l), [down], is_Q)
        return Coupling(Q, is_Q, part, s.gen(rows, j), s.gen(sandwich(s, high, low), l))
