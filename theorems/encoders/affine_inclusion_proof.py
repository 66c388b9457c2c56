"""Proof of affine-inclusion: what a map has across S_LDA is replaced by its mean.

Write A = a + g, Col(a) ⊆ S_LDA = span{Σ⁻¹(μ_k − μ̄)} and gᵀ(μ_k − μ̄) = 0; then gᵀΣa = 0. The affine map
f(x) = Aᵀx + c is f̄(x) + gᵀξ at x = μ_k + ξ, with f̄(x) = aᵀx + gᵀμ̄ + c. Both have the same alignment, as E f = E f̄ given
the component. E_y exp(uᵀf(y)) = Σ_l w_l exp(uᵀu_l + ½uᵀ(P + Q)u), u_l = E[f | l], P = aᵀΣa and Q = gᵀΣg: log-sum-exp
lies above its tangent, and gᵀξ is independent of aᵀξ with mean 0, so L(f) − L(f̄) is at least the mean of
½f ᵀ(P + Q)f − ½f̄ ᵀPf̄, which is tr PQ + ½ tr Q² + ½ Σ_k w_k u_kᵀQu_k ≥ ½ tr Q².
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.affine import affine_infonce, c, minimises_affine
from thmverify.formulas.key_bias import within_lda
from thmverify.formulas.mixtures import Mixture
from thmverify.kernel.proofs.terms import instantiate
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
    softmax,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    definition,
    folded,
    generating,
    square_norm,
    unfolded,
    vanishes,
    vanishes_below,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import fisher_part
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")
K, w, mu, A = v.K, v.w, v.mu, v.A
HALF = num("1/2")
MEAN = total(K, lambda k: w(k) * mu(k))


class Cut:
    """A minimiser f(x) = Aᵀx + c, A = a + g, and what the loss gains when gᵀx is replaced by its mean."""

    def __init__(self, s: Script) -> None:
        """Choose a; g stands for A − a, m for gᵀμ̄, and Σ for Σ̄."""
        self.s, self.set = s, Setting(s)
        self.mix, self.S = self.set.mix, self.set.mix.sigma_bar
        self.minimal = s.assume(minimises_affine(self.mix, A, c))
        centred = Mixture(s, mu=fn(Index(K), lambda k: mu(k) - MEAN))
        (self.a,), facts = s.obtain(fisher_part(Setting(s, centred), A), "a")
        self.within, outside = s.parts(facts)
        self.g, is_g = s.let("g", A - self.a)
        self.m, is_m = s.let("m", self.g.T @ MEAN)
        k = fresh(Index(K), "k")
        across = s.lin(eq(self.g.T @ mu(k), self.m), [s.spec(outside, k)], is_g, is_m)
        self.means = s.gen(across, k)
        self.is_m = is_m
        self.whole = s.lin(eq(A, self.a + self.g), [is_g])
        self.P, self.Q = self.a.T @ self.S @ self.a, self.g.T @ self.S @ self.g

    def crossed(self) -> Line:
        """gᵀΣa = 0: a is Σ⁻¹ times differences of means, to which g is orthogonal."""
        s, g = self.s, self.g
        (_,), spanned = s.obtain(unfolded(s, self.within), "c_in")
        claim = eq(g.T @ self.S @ self.a, zero(v.r, v.r))
        return s.lin(
            claim,
            [(spanned, 1, g.T @ self.S, eye(v.r))],
            self.set.sigma_inverse[0],
            self.means,
            self.set.weights_sum,
        )

    # -- the loss ------------------------------------------------------------------------------------------------------

    def at(self, k: Expr) -> Expr:
        """u_k = aᵀμ_k + m + c, the mean of f and of f̄ given component k."""
        return self.a.T @ mu(k) + self.m + c

    def aligned(self) -> Expr:
        """E f(x)ᵀf(x̂), which depends on the u_k alone."""
        matched = total(K, lambda k: w(k) * tr(self.at(k).T @ self.at(k)))
        mixed = total(K, lambda k: total(K, lambda j: w(k) * w(j) * tr(self.at(k).T @ self.at(j))))
        return v.delta * matched + (1 - v.delta) * mixed

    def potential(self, k: Expr, X: Expr) -> Expr:
        """E log Σ_l w_l exp(f(x)ᵀu_l) given component k, for f(x) = u_k + Xᵀξ."""
        return mean(self.S, lambda xi: lse(K, w, lambda j: tr((self.at(k) + X.T @ xi).T @ self.at(j))))

    def noise(self, k: Expr, X: Expr) -> Expr:
        """E ½f(x)ᵀNf(x) = ½ tr N² + ½ u_kᵀNu_k, N = XᵀΣX, given component k."""
        N = X.T @ self.S @ X
        return HALF * tr(N @ N) + HALF * tr(self.at(k).T @ N @ self.at(k))

    def closed_form(self, X: Expr, e: Expr, *using: Line) -> Line:
        """The loss of Xᵀx + e, whose means are the u_k: −E f(x)ᵀf(x̂) + Σ_k w_k (noise + potential)."""
        s, u, j = self.s, fresh(Col(v.r), "u"), fresh(Index(K), "j")
        S, psd = self.S, self.set.sigma_psd
        moment = generating(s, psd, S, X @ u)
        q = HALF * tr(u.T @ X.T @ S @ X @ u)
        score = mean(S, lambda eta: exp(tr(u.T @ (X.T @ (mu(j) + eta) + e))))
        partition = s.calc(
            eq(score, exp(tr(u.T @ (X.T @ mu(j) + e))) * exp(q)), moment, self.set.sigma_symmetric, psd=[psd]
        )
        soft = SoftMax(s, K, w, lambda k: tr(u.T @ (X.T @ mu(k) + e)), self.set.positive, self.set.nonempty)
        pulled = s.gen(soft.scaled(q), u)
        loss = affine_infonce(self.mix, X, e)
        opened = s.same(loss, definition(s, loss), self.set.shared, s.gen(partition, u, j), pulled)
        whole = total(K, lambda k: w(k) * (self.noise(k, X) + self.potential(k, X))) - self.aligned()
        return s.lin(
            eq(loss, whole),
            [opened],
            *using,
            self.set.sigma_symmetric,
            positive=[self.set.positive],
            psd=[psd],
        )

    # -- Jensen --------------------------------------------------------------------------------------------------------

    def jensen(self, crossed: Line) -> Line:
        """∀k. the potential of a is at most that of A: gᵀξ is independent of aᵀξ, with mean 0."""
        s, S, a, g, psd, positive = self.s, self.S, self.a, self.g, self.set.sigma_psd, self.set.positive
        k, xi = fresh(Index(K), "k"), fresh(Col(v.d), "xi")

        def logit(y: Expr, i: Expr) -> Expr:
            return tr((self.at(k) + y).T @ self.at(i))

        soft = SoftMax(s, K, w, lambda i: logit(a.T @ xi, i), positive, self.set.nonempty)
        tangent = soft.tangent(lambda i: tr((g.T @ xi).T @ self.at(i)))
        gained = soft.lse + total(K, lambda i: soft.p(i) * tr((g.T @ xi).T @ self.at(i)))
        raised = lse(K, w, lambda i: logit((a + g).T @ xi, i))
        line = s.apply("mean_order", [[s.gen(s.lin(gained <= raised, [tangent]), xi)], [positive]], [S])

        def joint(y: Expr, n: Expr) -> Expr:
            return total(K, lambda i: softmax(K, w, lambda h: logit(y, h), i) * tr(n.T @ self.at(i)))

        zeros = s.lin(eq(a.T @ S @ g.T.T, zero(v.r, v.r)), [], crossed, self.set.sigma_symmetric)
        function = fn(Col(v.r), lambda y: fn(Col(v.r), lambda n: joint(y, n)))
        apart = s.apply("split", [[psd, zeros], [positive]], [S, a.T, g.T, function])
        averaged = mean(S, lambda eta: joint(a.T @ xi, g.T @ eta))
        inner = s.gen(s.calc(eq(averaged, 0), positive=[positive], psd=[psd]), xi)
        flat = s.lin(eq(apart.left, 0), [apart, s.same(apart.right, inner)], positive=[positive], psd=[psd])
        claim = self.potential(k, a) <= self.potential(k, a + g)
        return s.gen(s.lin(claim, [line, flat], positive=[positive], psd=[psd]), k)

    def louder(self, crossed: Line) -> Line:
        """∀k. ½ tr Q² plus the noise of a is at most that of A: tr PQ and u_kᵀQu_k are squares."""
        s, a, g, mark = self.s, self.a, self.g, self.s.mark()
        k = fresh(Index(K), "k")
        L, is_L = root(s, self.set.sigma_psd, "Λ")
        blocks = square_norm(s, L.T @ a @ g.T @ L)
        means = square_norm(s, L.T @ g @ self.at(k))
        claim = HALF * tr(self.Q @ self.Q) + self.noise(k, a) <= self.noise(k, a + g)
        facts = [
            s.lin(num(0) <= tr(self.P @ self.Q), [blocks], is_L),
            s.lin(num(0) <= tr(self.at(k).T @ self.Q @ self.at(k)), [means], is_L),
        ]
        line = s.lin(claim, facts, crossed, self.set.sigma_symmetric)
        line = s.gen(s.release(line, mark), k)
        s.forget(mark)
        return line

    def no_gain(self, jensen: Line, louder: Line) -> Line:
        """A minimiser has tr Q² ≤ 0."""
        s, k = self.s, fresh(Index(K), "k")
        least = s.spec(unfolded(s, self.minimal), self.a, self.m + c)
        here = self.closed_form(A, c, self.whole, self.means)
        there = self.closed_form(self.a, self.m + c)
        each = s.lin(
            HALF * tr(self.Q @ self.Q) + self.noise(k, self.a) + self.potential(k, self.a)
            <= self.noise(k, self.a + self.g) + self.potential(k, self.a + self.g),
            [s.spec(jensen, k), s.spec(louder, k)],
        )
        part = s.apply("product", [[weaken(s, s.spec(self.set.positive, k)), each]])
        part = s.lin(w(k) * each.left <= w(k) * each.right, [part])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        return s.lin(
            tr(self.Q @ self.Q) <= 0,
            [least, here, there, summed, (self.set.weights_sum, -HALF * tr(self.Q @ self.Q))],
            self.whole,
        )

    def vanishes(self, no_gain: Line) -> Line:
        """g = 0 from tr Q² = ‖ΛᵀggᵀΛ‖² ≤ 0."""
        s, g, S, mark = self.s, self.g, self.S, self.s.mark()
        L, is_L = root(s, self.set.sigma_psd, "Λ")
        Y = L.T @ g @ g.T @ L
        square = vanishes_below(s, Y, s.lin(tr(Y.T @ Y) <= 0, [no_gain], is_L))
        whole = s.lin(eq(S @ g @ g.T @ S, zero(v.d, v.d)), [(square, 1, L, L.T)], is_L)
        whole = s.release(whole, mark)
        s.forget(mark)
        one, other, _ = self.set.sigma_inverse
        return vanishes(s, g, s.lin(eq(tr(g.T @ g), 0), [(whole, 1, minv(S), minv(S))], one, other))

    def included(self, vanished: Line) -> Line:
        """Col(A) ⊆ S_LDA, since A = a = Σ_k Σ⁻¹(μ_k − μ̄)c_kᵀ."""
        s = self.s
        (columns,), spanned = s.obtain(unfolded(s, self.within), "c_in")
        claim = within_lda(self.mix, A)
        there = definition(s, claim).right
        witness = fn(Index(K), lambda k: fn(Index(K), lambda l: w(l) * columns(k)))
        equation = Expr(instantiate(there.term.args[1], witness.term))
        line = s.lin(equation, [self.whole, vanished, spanned], self.set.weights_sum)
        return folded(s, claim, s.exhibit(there, witness, line))


def prove() -> Proposal:
    """affine-inclusion."""
    s = Script("affine-inclusion")
    p = Cut(s)
    s.step("split", "Write A = a + g, the columns of a in S_LDA and gᵀμ_k = m for every k.", p.means)
    crossed = s.step("blocks", "gᵀΣa = 0: Σa is made of differences of means.", p.crossed())
    s.step(
        "loss",
        "The loss is −E f(x)ᵀf(x̂), which depends on the means u_k of f given the component alone, plus ½ tr N² + "
        "½ u_kᵀNu_k with N = AᵀΣA, plus the mean of a log-sum-exp.",
        p.closed_form(p.a, p.m + c),
    )
    jensen = s.step(
        "jensen", "The mean of the log-sum-exp does not grow when gᵀξ is replaced by 0, its mean.", p.jensen(crossed)
    )
    louder = s.step("noise", "The other part falls by at least ½ tr Q², Q = gᵀΣg.", p.louder(crossed))
    no_gain = s.step("minimal-gap", "At a minimiser tr Q² ≤ 0.", p.no_gain(jensen, louder))
    vanished = s.step("outside-vanishes", "Σ is positive definite, so g = 0.", p.vanishes(no_gain))
    included = s.step("inside", "So Col(A) = Col(a) ⊆ S_LDA.", p.included(vanished))
    line = s.discharge(s.release(included), p.minimal)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
