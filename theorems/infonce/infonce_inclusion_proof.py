"""Proof of Theorem 5.2, first half: a block argument and Jensen, for every bias δ and every r.

Let A_in have its columns in S_F, and let A_out be orthogonal to the means; A_s = A_in + s·A_out. Then L(A_s) is a
constant, plus s²(tr PQ + ½ tr QT) + ½ s⁴ tr Q², plus g(s) = E φ(A_sᵀx), with P = A_inᵀΣA_in, Q = A_outᵀΣA_out,
T = A_inᵀSA_in and φ(z) = log Σ_l w_l exp(zᵀA_inᵀμ_l), convex. A_outᵀx has mean 0 and is independent of the rest, so
g(0) ≤ g(s) by Jensen.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Mat,
    Real,
    conj,
    eq,
    exists,
    eye,
    fn,
    forall,
    fresh,
    has_derivative,
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
from thmverify.proofs.lemmas.algebra import basis_of, inverse, root
from thmverify.proofs.lemmas.basic import SoftMax, congruence, square_norm, vanishes, vanishes_below, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range")


class Leak:
    """A_in with its columns in S_F and A_out orthogonal to the means: what L does along A_s = A_in + s·A_out."""

    def __init__(
        self, s: Script, inside: Expr, outside: Expr, within: Line, orthogonal: Line, setting: Setting
    ) -> None:
        """Take WithinFisher(A_in) and ∀k. A_outᵀμ_k = 0."""
        self.s, self.set, self.inside, self.outside, self.orthogonal = s, setting, inside, outside, orthogonal
        (_,), spanned = s.obtain(
            s.taut(setting.unfold(within.formula).right, setting.unfold(within.formula), within), "c"
        )
        mix = setting.mix
        self.crossed = s.calc(  # A_outᵀΣA_in = 0: A_in is Σ⁻¹ times means
            eq(outside.T @ mix.sigma_bar @ inside, zero(outside.cols, inside.cols)),
            spanned,
            setting.sigma_inverse[0],
            orthogonal,
        )

    def at(self, t: Expr) -> Expr:
        """A_t = A_in + t·A_out."""
        return self.inside + t * self.outside

    def potential(self, t: Expr) -> Expr:
        """g(t) = Σ_k w_k E log Σ_l w_l exp((μ_k + ξ)ᵀA_tA_inᵀμ_l)."""
        K, w = self.set.K, self.set.w
        return total(
            K, lambda k: w(k) * mean(self.set.mix.sigma_bar, lambda xi: lse(K, w, lambda l: self.logit(k, l, xi, t)))
        )

    def logit(self, k: Expr, l: Expr, xi: Expr, t: Expr) -> Expr:
        """μ_kᵀA_inA_inᵀμ_l + ξᵀA_inA_inᵀμ_l + t ξᵀA_outA_inᵀμ_l."""
        mu, inside = self.set.mu, self.inside
        return (
            tr(mu(k).T @ inside @ inside.T @ mu(l))
            + tr(xi.T @ inside @ inside.T @ mu(l))
            + t * tr(xi.T @ self.outside @ inside.T @ mu(l))
        )

    def form(self) -> Line:
        """∀t. L(A_t) = c + t²(tr PQ + ½ tr QT) + ½ t⁴ tr Q² + g(t)."""
        s, st = self.s, self.set
        t = fresh(Real, "t")
        closed = st.closed_form(self.at(t))
        claim = eq(closed.left, self.right(t))
        return s.gen(s.lin(claim, [closed], self.crossed, self.orthogonal, st.sigma_symmetric), t)

    def right(self, t: Expr) -> Expr:
        """The right side of `form`."""
        PQ, QQ, QT = self.PQ, self.QQ, self.QT
        base = self.set.quadratic(self.inside)
        return base + t * t * (PQ + num("1/2") * QT) + num("1/2") * t * t * t * t * QQ + self.potential(t)

    @property
    def PQ(self) -> Expr:
        """tr PQ."""
        a, b, S = self.inside, self.outside, self.set.mix.sigma_bar
        return tr(a.T @ S @ a @ b.T @ S @ b)

    @property
    def QQ(self) -> Expr:
        """tr Q²."""
        b, S = self.outside, self.set.mix.sigma_bar
        return tr(b.T @ S @ b @ b.T @ S @ b)

    @property
    def QT(self) -> Expr:
        """tr QT."""
        a, b, S, mu, w = self.inside, self.outside, self.set.mix.sigma_bar, self.set.mu, self.set.w
        return total(self.set.K, lambda k: w(k) * tr(mu(k).T @ a @ b.T @ S @ b @ a.T @ mu(k)))

    # -- Jensen and the tangent ---------------------------------------------------------------------------------------

    def split(self) -> Line:
        """∀k, t. E_ξ φ(A_tᵀ(μ_k + ξ)) = E_ξ E_η φ(A_inᵀ(μ_k + ξ) + t A_outᵀη): A_outᵀξ is independent of A_inᵀξ."""
        s, st, mu = self.s, self.set, self.set.mu
        k, t = fresh(Index(st.K), "k"), fresh(Real, "t")

        def joint(u: Expr, v: Expr, l: Expr) -> Expr:
            a = self.inside
            return tr(mu(k).T @ a @ a.T @ mu(l)) + tr(u.T @ a.T @ mu(l)) + t * tr(v.T @ a.T @ mu(l))

        column = Col(self.inside.cols)
        function = fn(column, lambda u: fn(column, lambda v: lse(st.K, st.w, lambda l: joint(u, v, l))))
        crossed = s.calc(
            eq(self.inside.T @ st.mix.sigma_bar @ self.outside.T.T, zero(self.inside.cols, self.outside.cols)),
            self.crossed,
            st.sigma_symmetric,
        )
        line = s.apply(
            "split",
            [[st.sigma_psd, crossed], [st.positive]],
            [st.mix.sigma_bar, self.inside.T, self.outside.T, function],
        )
        return s.gen(line, k, t)

    def soft(self, k: Expr, xi: Expr, t: Expr) -> SoftMax:
        """The softmax of the logits of A_t at x = μ_k + ξ."""
        return SoftMax(
            self.s, self.set.K, self.set.w, lambda l: self.logit(k, l, xi, t), self.set.positive, self.set.nonempty
        )

    def across(self, xi: Expr, l: Expr) -> Expr:
        """ξᵀA_outA_inᵀμ_l, what the logit of l gains with t."""
        return tr(xi.T @ self.outside @ self.inside.T @ self.set.mu(l))

    def jensen(self) -> Line:
        """∀t. g(0) ≤ g(t)."""
        s, st, S = self.s, self.set, self.set.mix.sigma_bar
        k, t, xi, eta = fresh(Index(st.K), "k"), fresh(Real, "t"), fresh(Col(st.d), "xi"), fresh(Col(st.d), "eta")
        tangent = self.soft(k, xi, num(0)).tangent(lambda l: t * self.across(eta, l))
        inner = s.apply("mean_order", [[s.gen(tangent, eta)], [st.positive]], [S])
        soft = self.soft(k, xi, num(0))
        apart = mean(S, lambda e: lse(st.K, st.w, lambda l: self.logit(k, l, xi, num(0)) + t * self.across(e, l)))
        low = s.lin(soft.lse <= apart, [inner], positive=[st.positive], psd=[st.sigma_psd])
        outer = s.apply("mean_order", [[s.gen(low, xi)], [st.positive]], [S])
        whole = mean(S, lambda e: lse(st.K, st.w, lambda l: self.logit(k, l, e, t)))
        start = mean(S, lambda e: lse(st.K, st.w, lambda l: self.logit(k, l, e, num(0))))
        joined = s.lin(start <= whole, [outer, s.spec(self.split(), k, t)], positive=[st.positive])
        return s.gen(self._weighted(joined, k, self.potential(num(0)) <= self.potential(t)), t)

    def _weighted(self, line: Line, k: Expr, claim: Expr) -> Line:
        """Σ_k w_k a_k ≤ Σ_k w_k b_k, the claim, from a_k ≤ b_k for the index k."""
        s, st = self.s, self.set
        part = s.apply("product", [[weaken(s, s.spec(st.positive, k)), line]])
        part = s.lin(st.w(k) * line.left <= st.w(k) * line.right, [part])
        return s.lin(claim, [s.apply("sum_order", [[s.gen(part, k)]])], positive=[st.positive])

    def gain(self, t: Expr) -> Expr:
        """γ(t) = Σ_k w_k E Σ_l p_l ξᵀA_outA_inᵀμ_l, the derivative of g."""
        st, S = self.set, self.set.mix.sigma_bar

        def inner(k: Expr, xi: Expr) -> Expr:
            return total(st.K, lambda l: softmax(st.K, st.w, lambda m: self.logit(k, m, xi, t), l) * self.across(xi, l))

        return total(st.K, lambda k: st.w(k) * mean(S, lambda xi: inner(k, xi)))

    def tangent(self) -> Line:
        """g(1) − γ(1) ≤ g(0): g lies above its tangent at 1."""
        s, st, S = self.s, self.set, self.set.mix.sigma_bar
        k, xi = fresh(Index(st.K), "k"), fresh(Col(st.d), "xi")
        line = self.soft(k, xi, num(1)).tangent(lambda l: -self.across(xi, l))
        low = lse(st.K, st.w, lambda l: self.logit(k, l, xi, num(1))) - total(
            st.K, lambda l: softmax(st.K, st.w, lambda m: self.logit(k, m, xi, num(1)), l) * self.across(xi, l)
        )
        line = s.lin(low <= lse(st.K, st.w, lambda l: self.logit(k, l, xi, num(0))), [line])
        outer = s.apply("mean_order", [[s.gen(line, xi)], [st.positive]], [S])
        claim = self.potential(num(1)) - self.gain(num(1)) <= self.potential(num(0))
        return self._weighted(outer, k, claim)

    def rate(self, t: Expr) -> Expr:
        """t(2 tr PQ + tr QT) + 2t³ tr Q² + γ(t)."""
        return t * (2 * self.PQ + self.QT) + 2 * t * t * t * self.QQ + self.gain(t)

    def slope(self) -> Line:
        """L(A + tA_out) has the derivative 2 tr PQ + tr QT + 2 tr Q² + γ(1) in t at 0, A = A_in + A_out."""
        s, st, a, b = self.s, self.set, self.inside, self.outside
        t = fresh(Real, "t")
        moved = s.calc(eq(a + (1 + t) * b, a + b + t * b))
        form = s.rewrite(moved, s.spec(self.form(), 1 + t))
        value, rate = fn(Real, lambda t: self.right(1 + t)), fn(Real, lambda t: self.rate(1 + t))
        found = s.spec(s.apply("differentiate", [[], [st.positive], []], [value, rate]), num(0))
        found = s.rewrite(s.calc(eq(self.rate(num(1) + 0), self.rate(num(1)))), found)
        return s.rewrite(s.gen(s.flip(form), t), found)

    # -- what follows -------------------------------------------------------------------------------------------------

    def cross_block(self) -> Line:
        """0 ≤ tr PQ = ‖ΛᵀA_inA_outᵀΛ‖²."""
        s, st, a, b = self.s, self.set, self.inside, self.outside
        mark = s.mark()
        Lam, root_line = root(s, st.sigma_psd, "Λ")
        found = s.lin(num(0) <= self.PQ, [square_norm(s, Lam.T @ a @ b.T @ Lam)], root_line)
        found = s.release(found, mark)
        s.forget(mark)
        return found

    def mean_block(self) -> Line:
        """0 ≤ tr QT = Σ_k w_k ‖ΛᵀA_outA_inᵀμ_k‖²."""
        s, st, a, b = self.s, self.set, self.inside, self.outside
        k = fresh(Index(st.K), "k")
        mark = s.mark()
        Lam, root_line = root(s, st.sigma_psd, "Λ")
        Y = Lam.T @ b @ a.T @ st.mu(k)
        part = s.apply("product", [[weaken(s, s.spec(st.positive, k)), square_norm(s, Y)]])
        summed = s.apply("sum_order", [[s.gen(s.lin(num(0) <= st.w(k) * tr(Y.T @ Y), [part]), k)]])
        found = s.release(s.lin(num(0) <= self.QT, [summed], root_line), mark)
        s.forget(mark)
        return found

    def vanishes(self, low: Line) -> Line:
        """A_out = 0 from tr Q² ≤ 0."""
        s, b, S = self.s, self.outside, self.set.mix.sigma_bar
        mark = s.mark()
        Lam, root_line = root(s, self.set.sigma_psd, "Λ")
        square = vanishes_below(
            s,
            Lam.T @ b @ b.T @ Lam,
            s.lin(tr((Lam.T @ b @ b.T @ Lam).T @ Lam.T @ b @ b.T @ Lam) <= 0, [low], root_line),
        )
        whole = s.lin(eq(S @ b @ b.T @ S, zero(self.set.d, self.set.d)), [(square, 1, Lam, Lam.T)], root_line)
        whole = s.release(whole, mark)
        s.forget(mark)
        inverse = minv(S)
        plain = s.lin(
            eq(tr(b.T @ b), 0), [(whole, 1, inverse, inverse)], self.set.sigma_inverse[0], self.set.sigma_inverse[1]
        )
        return vanishes(s, b, plain)


def leak(s: Script, setting: Setting) -> Line:
    """A map with a part outside S_F has a larger loss than its part in S_F, and grows with it: `leaks` says it."""
    mix, d, r = setting.mix, setting.d, v.r
    a, b = var("A_in", Mat(d, r)), var("A_out", Mat(d, r))
    given = s.assume(apart(setting, a, b))
    within, orthogonal = s.parts(given)
    mark = s.mark()
    path = Leak(s, a, b, within, orthogonal, setting)
    s.step(
        "blocks", "A_out is orthogonal to A_in in the inner product of Σ, since ΣA_in is made of means.", path.crossed
    )
    form = s.step("form", "L(A_s) is a constant, plus s²(tr PQ + ½ tr QT) + ½ s⁴ tr Q², plus g(s).", path.form())
    s.step("independence", "A_outᵀξ is independent of A_inᵀξ, so it may have a noise η of its own.", path.split())
    jensen = s.step("jensen", "g(0) ≤ g(s) for every s: φ is convex and A_outᵀη has mean 0.", path.jensen())
    tangent = s.step("tangent", "g lies above its tangent at 1: g(1) − γ(1) ≤ g(0).", path.tangent())
    cross = s.step("cross-block", "tr PQ = ‖ΛᵀA_inA_outᵀΛ‖² ≥ 0, where Σ = ΛΛᵀ.", path.cross_block())
    block = s.step("mean-block", "tr QT = Σ_k w_k ‖ΛᵀA_outA_inᵀμ_k‖² ≥ 0.", path.mean_block())
    slope = s.step("slope", "The derivative of L when A_out is scaled up.", path.slope())
    one, rate = num(1), path.rate(num(1))
    low = s.step(
        "steep", "It is at least 2 tr Q².", s.lin(rate >= 2 * path.QQ, [cross, block, tangent, s.spec(jensen, one)])
    )
    ends = [s.rewrite(s.calc(eq(a + t * b, end)), s.spec(form, t)) for t, end in ((one, a + b), (num(0), a))]
    gap = s.lin(num("1/2") * path.QQ <= mix.infonce(a + b) - mix.infonce(a), [*ends, cross, block, s.spec(jensen, one)])
    s.step("gap", "L(A) − L(A_in) ≥ ½ tr Q².", gap)
    nothing = eq(b, zero(d, r))
    flat = s.assume(path.QQ <= 0)
    gone = s.step(
        "outside-vanishes", "tr Q² = ‖ΛᵀA_outA_outᵀΛ‖² ≤ 0 only if A_out = 0.", s.discharge(path.vanishes(flat), flat)
    )
    slow, no_worse = s.assume(rate <= 0), s.assume(mix.infonce(a + b) <= mix.infonce(a))
    if_slow = s.discharge(s.lin(path.QQ <= 0, [low, slow]), slow)
    if_no_worse = s.discharge(s.lin(path.QQ <= 0, [gap, no_worse]), no_worse)
    inside, grows = leaks(setting, a, b)
    steep = s.taut(conj(slope.formula, ~nothing >> (num(0) < rate)), slope, if_slow, gone)
    found = s.both(s.taut(inside, if_no_worse, gone), s.exhibit(grows, rate, steep))
    found = s.release(found, mark)
    s.forget(mark)
    return s.gen(s.discharge(found, given), a, b)


def apart(setting: Setting, a: Expr, b: Expr) -> Expr:
    """Col(A_in) ⊆ S_F, and A_out is orthogonal to the means."""
    return conj(setting.mix.within_fisher(a), forall(Index(setting.K), lambda k: eq(b.T @ setting.mu(k), zero(b.cols))))


def leaks(setting: Setting, a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """L(A) ≤ L(A_in) ⟹ A_out = 0; and L(A + tA_out) has a derivative at t = 0, positive unless A_out = 0."""
    loss = setting.mix.infonce
    nothing = eq(b, zero(b.rows, b.cols))
    along = fn(Real, lambda t: loss(a + b + t * b))
    grows = exists(Real, lambda rate: conj(has_derivative(along, 0, rate), ~nothing >> (num(0) < rate)))
    return (loss(a + b) <= loss(a)) >> nothing, grows


def decomposition(s: Script, setting: Setting, A: Expr) -> Line:
    """∃A_in, A_out. A = A_in + A_out, Col(A_in) ⊆ S_F, A_outᵀμ_k = 0: the Σ-orthogonal projection on S_F."""
    mix, d, K, mu = setting.mix, setting.d, setting.K, setting.mu
    S, k = mix.sigma_bar, fresh(Index(K), "k")
    mark = s.mark()
    (_m, B, _plus, h, c), line = s.obtain(
        basis_of(s, fn(Index(K), lambda k: minv(S) @ mu(k))), "m", "B", "B⁺", "h", "c"
    )
    independent, spans, within = s.parts(line)
    s.step("fisher-basis", "S_F = span{Σ⁻¹μ_k} has a basis, the columns of B.", line)
    G = B.T @ S @ B
    back, _, _ = inverse(
        s, s.step("basis-gram", "G = BᵀΣB ≻ 0.", congruence(s, setting.sigma_definite, B, independent))
    )
    means = s.lin(eq(mu(k), S @ B @ h(k)), [(s.spec(spans, k), 1, S, eye(1))], setting.sigma_inverse[0])
    weights = minv(G) @ B.T @ S @ A
    inside = B @ weights
    outside = A - inside
    written = s.calc(eq(inside, total(K, lambda k: minv(S) @ mu(k) @ (weights.T @ c(k)).T)), within)
    unfolded = setting.unfold(mix.within_fisher(inside))
    there = s.taut(
        unfolded.left, unfolded, s.exhibit(unfolded.right, fn(Index(K), lambda k: weights.T @ c(k)), written)
    )
    orthogonal = s.gen(s.calc(eq(outside.T @ mu(k), zero(A.cols)), s.gen(means, k), back, setting.sigma_symmetric), k)
    whole = s.both(s.calc(eq(A, inside + outside)), there, orthogonal)
    sort = Mat(d, A.cols)

    def parts(a: Expr, b: Expr) -> Expr:
        orthogonal_to_means = forall(Index(K), lambda k: eq(b.T @ mu(k), zero(A.cols)))
        return conj(eq(A, a + b), mix.within_fisher(a), orthogonal_to_means)

    inner = s.exhibit(exists(sort, lambda b: parts(inside, b)), outside, whole)
    found = s.exhibit(exists(sort, lambda a: exists(sort, lambda b: parts(a, b))), inside, inner)
    found = s.release(found, mark)
    s.forget(mark)
    return found


def inclusion(s: Script) -> Line:
    """Col(A) ⊆ S_F for minimisers and stationary points A, and `leaks` for every A_in and A_out."""
    setting = Setting(s)
    mix, A, d, r = setting.mix, v.A, setting.d, v.r
    lemma = leak(s, setting)
    mark = s.mark()
    (a, b), line = s.obtain(decomposition(s, setting, A), "A_in", "A_out")
    whole, within, orthogonal = s.parts(line)
    facts = s.mp(s.spec(lemma, a, b), s.both(within, orthogonal))
    inside, grows = s.parts(facts)
    zero_outside = s.assume(eq(b, zero(d, r)))
    is_inside = s.rewrite(s.lin(eq(a, A), [whole, zero_outside]), within)
    included = s.discharge(is_inside, zero_outside)
    best = s.assume(mix.minimises_infonce(A))
    unfolded = s.taut(setting.unfold(best.formula).right, setting.unfold(best.formula), best)
    compared = s.rewrite(whole, s.spec(unfolded, a))
    minimal = s.discharge(s.taut(mix.within_fisher(A), compared, inside, included), best)
    still = s.assume(mix.stationary_infonce(A))
    everywhere = s.taut(setting.unfold(still.formula).right, setting.unfold(still.formula), still)
    (rate,), moving = s.obtain(grows, "v")
    derivative, positive = s.parts(moving)
    here = s.rewrite(whole, s.spec(everywhere, b))
    same = s.apply("one_derivative", [[derivative, here]])
    not_up = s.taut(eq(b, zero(d, r)), positive, s.lin(rate <= 0, [same]))
    stationary = s.discharge(s.release(s.taut(mix.within_fisher(A), included, not_up), s.mark() - 1), still)
    both = s.both(s.step("minimisers", "A minimiser A does no worse than A_in: so A = A_in.", minimal), stationary)
    both = s.release(both, mark)
    s.forget(mark)
    s.step("stationary", "At a stationary point the derivative is 0: so A = A_in.", s.parts(both)[1])
    return s.both(both, lemma)


def prove() -> Proposal:
    """Theorem 5.2, first half."""
    line = derived("infonce-inclusion", inclusion)
    return line.script.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
