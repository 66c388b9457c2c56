"""Lemmas about InfoNCE with a key bias: its loss in closed form, and what makes its means integrals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thmverify.formulas import key_bias as kb
from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Mat,
    Real,
    conj,
    eq,
    exists,
    exp,
    fn,
    forall,
    fresh,
    mean,
    moderate,
    num,
    total,
    tr,
)
from thmverify.proofs.lemmas.algebra import exhibited
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    Terms,
    definition,
    exp_order,
    exp_positive,
    folded,
    generating,
    unfolded,
    weaken,
)
from thmverify.proofs.lemmas.logmeans import LogMean, exp_grows, mixture_order
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script


def exp_moderate(setting: Setting, b: Expr, is_moderate: Line, bound: Line) -> Line:
    """exp b is moderate, from: b is, and ∀y. b(y) ≤ c + lᵀy."""
    s, y = setting.s, fresh(bound.formula.term.args[0], "y")
    low = s.gen(weaken(s, exp_positive(s, b(y))), y)
    high = s.gen(exp_grows(s, s.spec(bound, y)), y)
    return s.apply("moderate", [[low, high], [is_moderate]], [fn(y.sort, lambda y: exp(b(y)))])


def is_bias(setting: Setting, b: Expr, is_moderate: Line, c: Expr, l: Expr, bound: Line) -> Line:
    """KeyBias(b), from: b is moderate, and ∀y. b(y) ≤ c + lᵀy."""
    s, predicate = setting.s, kb.potential(setting.mix, b)
    there = Expr(definition(s, predicate).right.term.args[1])
    return folded(s, predicate, s.both(is_moderate, exhibited(s, there, (c, l), bound)))


@dataclass(frozen=True)
class Keyed:
    """A map X and a key bias b, with the lines that b and exp b are moderate."""

    setting: Setting
    X: Expr
    b: Expr
    tame: Sequence[Line]

    def partition(self, x: Expr) -> LogMean:
        """Z(x) = Σ_l w_l E exp(xᵀXXᵀy + b(y)), y = μ_l + η."""
        return LogMean(self.setting, lambda y: tr(x.T @ self.X @ self.X.T @ y) + self.b(y), self.tame)

    def form(self, logs: Terms) -> Expr:
        """−E xᵀXXᵀx̂ − Σ_k w_k E b(μ_k + ξ) + Σ_k w_k E Λ(μ_k + ξ), Λ(x) in the place of log Z(x)."""
        st = self.setting
        return averaged(st, logs) - averaged(st, self.b) - alignment(st, self.X @ self.X.T)


def averaged(setting: Setting, t: Terms) -> Expr:
    """E t(y) = Σ_k w_k E t(μ_k + ξ)."""
    S, mu = setting.mix.sigma_bar, setting.mu
    return total(setting.K, lambda k: setting.w(k) * mean(S, lambda xi: t(mu(k) + xi)))


def alignment(setting: Setting, M: Expr) -> Expr:
    """E xᵀMx̂ = δ Σ_k w_k μ_kᵀMμ_k + (1 − δ) μ̄ᵀMμ̄."""
    K, w, mu, delta = setting.K, setting.w, setting.mu, setting.mix.delta
    matched = total(K, lambda k: w(k) * tr(mu(k).T @ M @ mu(k)))
    mixed = total(K, lambda k: total(K, lambda l: w(k) * w(l) * tr(mu(k).T @ M @ mu(l))))
    return delta * matched + (1 - delta) * mixed


def log_partition(s: Script) -> Line:
    """∀X, b. KeyBias(b) ⟹ ∃Λ. (∀x. Λ(x) = log Z(x)) ∧ Λ is moderate ∧ L(X, b) = form."""
    st = Setting(s)
    X, b, x = fresh(Mat(st.d, v.r), "X"), fresh(Fun(Col(st.d), Real), "b"), fresh(Col(st.d), "x")
    given = s.assume(kb.potential(st.mix, b))
    mark = s.mark()
    is_moderate, there = s.parts(unfolded(s, given))
    (c, l), bound = s.obtain(there, "c", "l")
    keyed = Keyed(st, X, b, [is_moderate, exp_moderate(st, b, is_moderate, bound)])
    logs = fn(Col(st.d), lambda x: keyed.partition(x).log)
    itself = s.gen(s.calc(eq(logs(x), logs(x))), x)

    def says(f: Expr) -> Expr:
        same = forall(Col(st.d), lambda x: eq(f(x), keyed.partition(x).log))
        return conj(same, moderate(f), eq(kb.key_bias_infonce(st.mix, X, b), keyed.form(f)))

    found = s.exhibit(exists(b.sort, says), logs, s.both(itself, _moderate_log(keyed, c, l, bound), _closed(keyed)))
    found = s.release(found, mark)
    s.forget(mark)
    return s.gen(s.discharge(found, given), X, b)


def _closed(keyed: Keyed) -> Line:
    """L(X, b) = form."""
    st, s = keyed.setting, keyed.setting.s
    loss = kb.key_bias_infonce(st.mix, keyed.X, keyed.b)
    opened = s.same(loss, st.unfold(loss), st.shared)
    form = keyed.form(lambda x: keyed.partition(x).log)
    return s.lin(eq(loss, form), [opened], st.weights_sum, positive=[st.positive, *keyed.tame], psd=[st.sigma_psd])


def _moderate_log(keyed: Keyed, c: Expr, l: Expr, bound: Line) -> Line:
    """λx. log Z(x) is moderate: at least E xᵀXXᵀy + b(y), at most log Σ_l w_l exp of a quadratic polynomial."""
    st, s, X = keyed.setting, keyed.setting.s, keyed.X
    K, w, mu, S = st.K, st.w, st.mu, st.mix.sigma_bar
    x, k, eta = fresh(Col(st.d), "x"), fresh(Index(K), "k"), fresh(Col(st.d), "eta")
    Z = keyed.partition(x)
    own = total(K, lambda k: w(k) * mean(S, lambda eta: Z.g(mu(k) + eta)))
    flat = LogMean(st, lambda _: num(0), keyed.tame).tangent(Z.g, Z)
    low = s.lin(own <= Z.log, [flat], st.weights_sum, positive=Z.tame, psd=[st.sigma_psd])
    slope = X @ X.T @ x + l

    def top(k: Expr) -> Expr:
        return tr(slope.T @ mu(k)) + num("1/2") * tr(slope.T @ S @ slope) + c

    def over(y: Expr) -> Expr:
        return tr(x.T @ X @ X.T @ y) + (c + tr(l.T @ y))

    part = exp_grows(s, s.lin(Z.g(mu(k) + eta) <= over(mu(k) + eta), [s.spec(bound, mu(k) + eta)]))
    moment = generating(s, st.sigma_psd, S, slope)
    soft = SoftMax(s, K, w, top, st.positive, st.nonempty)
    above = total(K, lambda k: w(k) * mean(S, lambda eta: exp(over(mu(k) + eta))))
    raised = s.calc(eq(above, soft.whole), moment, st.sigma_symmetric)
    whole = s.lin(Z.whole <= soft.whole, [mixture_order(st, part, k, eta, Z.whole <= above, Z.tame), raised])
    high = exp_order(s, s.lin(exp(Z.log) <= exp(soft.lse), [whole, Z.exp_log, soft.exp_lse]))
    return s.apply(
        "moderate", [[s.gen(low, x), s.gen(high, x)], Z.tame], [fn(x.sort, lambda x: keyed.partition(x).log)]
    )
