"""Proof of clip-proportional-inclusion: the block argument of nonshared-proportional, one modality after the other.

Let every Σ_k of one modality, the images say, map its S_F into span{μ_l}. Write A_V = a + b, Col(a) ⊆ S_F and
bᵀμ_k = 0; then bᵀΣ_ka = 0 for every k. Let W_in = aA_Tᵀ and W_out = bA_Tᵀ. Against the texts, at x = μ_k + ξ the
exponents for W are those for W_in, plus a part linear in n = W_outᵀξ, plus ½nᵀΣ_{T,l}n; log-sum-exp lies above its
tangent, with weights p_l > 0, and n is independent of W_inᵀx with mean 0, so this half of the loss gains at least
½ Σ_k Σ_l w_k E[p_l] tr(Σ_{T,l}W_outᵀΣ_kW_out). Against the images, the exponents of W are those of W_in plus
½|Σ_l^{1/2}W_outy|² ≥ 0. The alignment is the same for both. At a minimiser each term of the gain is 0, so W_out = 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from thmverify.formulas import clip as c
from thmverify.formulas import clip_separate as v
from thmverify.formulas.mixtures import Mixture
from thmverify.formulas.nonshared import maps_into_means
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
    inv,
    lse,
    mean,
    minv,
    num,
    softmax,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import inverse, root
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    definition,
    folded,
    generating,
    positive_nonzero,
    some_index,
    square_norm,
    unfolded,
    vanishes,
    weaken,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import fisher_part, summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

K, w = c.K, c.w
HALF = num("1/2")


class Modality(Setting):
    """One modality, as a mixture with covariances of its own."""

    def __init__(self, script: Script, d: Expr, mu: Expr, Sigma: Expr, A: Expr) -> None:
        """Take the letters; nothing is assumed yet."""
        super().__init__(script, Mixture(script, d, K, w, mu, Sigma, c.delta))
        self.A = A
        self.own: Mapping[str, Expr] = {
            "weights-positive": v.HYPOTHESES["weights-positive"],
            "weights-sum": v.HYPOTHESES["weights-sum"],
            "covariances-definite": v.definite(Sigma),
            "maps-into-means": maps_into_means(mu, Sigma),
        }

    def hypothesis(self, name: str) -> Line:
        """A hypothesis by its name, about this modality, assumed."""
        return self.s.assume(self.own[name])

    @cached_property
    def every(self) -> tuple[Line, Line]:
        """∀k. Σ_k = Σ_kᵀ and ∀k. Σ_k ⪰ 0."""
        return self.own_symmetric, self.own_psd


class Side:
    """A pair of maps that minimises: A = a + b of one modality, and what the loss gains when b is cut off.

    W = ABᵀ, B the map of the other modality: rows belong to the modality that is cut.
    """

    def __init__(self, s: Script, cut: Modality, other: Modality, minimal: Line) -> None:
        """Choose a; b stands for A − a, W_in and W_out for aBᵀ and bBᵀ."""
        self.s, self.cut, self.other, self.minimal = s, cut, other, minimal
        self.B = other.A
        (self.a,), facts = s.obtain(fisher_part(cut, cut.A), "a")
        self.within, outside = s.parts(facts)
        self.b, is_b = s.let("b", cut.A - self.a)
        k = fresh(Index(K), "k")
        across = s.lin(eq(self.b.T @ cut.mu(k), zero(c.r)), [s.spec(outside, k)], is_b)
        self.means = s.gen(across, k)
        self.whole = s.lin(eq(cut.A, self.a + self.b), [is_b])
        self.inside, self.is_inside = s.let("W_in", self.a @ self.B.T)
        self.outside, self.is_outside = s.let("W_out", self.b @ self.B.T)
        n = other.d
        columns = s.lin(
            eq(self.outside.T @ cut.mu(k), zero(n)), [(s.spec(self.means, k), 1, self.B, eye(1))], self.is_outside
        )
        self.orthogonal = s.gen(columns, k)
        self.symmetric, self.psd = zip(cut.every, other.every, strict=True)

    @cached_property
    def crossed(self) -> Line:
        """∀k. W_outᵀΣ_kW_in = 0: a is Σ̄⁻¹ times means, which Σ_k maps into the span of the means."""
        s, b, cut = self.s, self.b, self.cut
        k, j, mark = fresh(Index(K), "k"), fresh(Index(K), "j"), s.mark()
        _, maps = s.obtain(s.spec(cut.hypothesis("maps-into-means"), k, j), "c")
        into = s.rewrite(s.flip(cut.sigma_unfolded), maps)
        column = s.lin(eq(b.T @ into.left, zero(c.r)), [(into, 1, b.T, eye(1))], self.means)
        column = s.gen(s.release(column, mark), j)
        s.forget(mark)
        _, spanned = s.obtain(unfolded(s, self.within), "c_in")
        claim = eq(b.T @ cut.Sigma(k) @ self.a, zero(c.r, c.r))
        line = s.lin(claim, [(spanned, 1, b.T @ cut.Sigma(k), eye(c.r))], column)
        n = self.other.d
        wide = eq(self.outside.T @ cut.Sigma(k) @ self.inside, zero(n, n))
        return s.gen(s.lin(wide, [(line, 1, self.B, self.B.T)], self.is_inside, self.is_outside), k)

    # -- the loss ------------------------------------------------------------------------------------------------------

    def loss(self, X: Expr) -> Expr:
        """The loss when the map that is cut is X."""
        return v.loss(self.s, X, self.B) if self.cut.A == c.A_V else v.loss(self.s, self.B, X)

    def score(self, X: Expr, points: Modality, x: Expr, y: Expr) -> Expr:
        """xᵀWy for a point x of one modality and y of the other, as the loss is written: images stand on the left."""
        W = X @ self.B.T if self.cut.A == c.A_V else self.B @ X.T
        return tr(x.T @ W @ y) if points.A == c.A_V else tr(y.T @ W @ x)

    def logit(self, W: Expr, x: Expr, j: Expr) -> Expr:
        """log E exp(xᵀWy) for y of component j of the other modality: xᵀWμ_j + ½xᵀWΣ_jWᵀx."""
        return tr(x.T @ W @ self.other.mu(j)) + HALF * tr(x.T @ W @ self.other.Sigma(j) @ W.T @ x)

    def back(self, W: Expr, y: Expr, j: Expr) -> Expr:
        """The same for a point y of the other modality, against component j of the one that is cut."""
        return tr(y.T @ W.T @ self.cut.mu(j)) + HALF * tr(y.T @ W.T @ self.cut.Sigma(j) @ W @ y)

    def aligned(self, W: Expr) -> Expr:
        """E xᵀWy over the pairs."""
        mu, nu = self.cut.mu, self.other.mu
        matched = total(K, lambda k: w(k) * tr(mu(k).T @ W @ nu(k)))
        mixed = total(K, lambda k: total(K, lambda j: w(k) * w(j) * tr(mu(k).T @ W @ nu(j))))
        return c.delta * matched + (1 - c.delta) * mixed

    def forward(self, W: Expr) -> Expr:
        """Σ_k w_k E log Σ_l w_l exp(the logit of l at x = μ_k + ξ)."""
        cut = self.cut
        return total(
            K, lambda k: w(k) * mean(cut.Sigma(k), lambda xi: lse(K, w, lambda j: self.logit(W, cut.mu(k) + xi, j)))
        )

    def backward(self, W: Expr) -> Expr:
        """The same from the other modality."""
        other = self.other
        return total(
            K,
            lambda k: w(k) * mean(other.Sigma(k), lambda eta: lse(K, w, lambda j: self.back(W, other.mu(k) + eta, j))),
        )

    def closed_form(self, X: Expr, is_W: Line) -> Line:
        """The loss is −2 E xᵀWy and the two means of log-sum-exps, given XBᵀ = W."""
        s, W = self.s, is_W.right
        facts: list[Line] = []
        for points, target, logit, turned in (
            (self.cut, self.other, self.logit, W.T),
            (self.other, self.cut, self.back, W),
        ):
            x, j = fresh(Col(points.d), "x"), fresh(Index(K), "j")
            psd = target.every[1]
            moment = generating(s, s.spec(psd, j), target.Sigma(j), turned @ x)
            score = mean(target.Sigma(j), lambda eta: exp(self.score(X, points, x, target.mu(j) + eta)))  # noqa: B023
            partition = s.calc(eq(score, exp(logit(W, x, j))), moment, is_W, *self.symmetric, psd=[psd])
            named = s.flip(s.apply("softmax", [], [lse(K, w, lambda j: logit(W, x, j))]))  # noqa: B023
            facts += [s.gen(partition, x, j), s.gen(named, x)]
        loss = self.loss(X)
        opened = s.same(loss, definition(s, loss), *facts)
        claim = eq(loss, self.forward(W) + self.backward(W) - 2 * self.aligned(W))
        return s.lin(claim, [opened], is_W, psd=list(self.psd))

    # -- against the other modality ------------------------------------------------------------------------------------

    def at(self, k: Expr, u: Expr) -> Expr:
        """W_inᵀμ_k + u."""
        return self.inside.T @ self.cut.mu(k) + u

    def inner_logit(self, k: Expr, u: Expr, j: Expr) -> Expr:
        """The logit of j for W_in at y = W_inᵀμ_k + u: yᵀμ_j + ½yᵀΣ_jy."""
        y = self.at(k, u)
        return tr(y.T @ self.other.mu(j)) + HALF * tr(y.T @ self.other.Sigma(j) @ y)

    def linear(self, k: Expr, u: Expr, n: Expr, j: Expr) -> Expr:
        """nᵀμ_j + yᵀΣ_jn + ½nᵀΣ_jn: what the logit gains with n."""
        y, S = self.at(k, u), self.other.Sigma(j)
        return tr(n.T @ self.other.mu(j)) + tr(y.T @ S @ n) + HALF * tr(n.T @ S @ n)

    def weight(self, k: Expr, u: Expr, j: Expr) -> Expr:
        """The softmax weight of j for W_in."""
        return softmax(K, w, lambda i: self.inner_logit(k, u, i), j)

    def likely(self, k: Expr, j: Expr) -> Expr:
        """E p_j, given component k."""
        return mean(self.cut.Sigma(k), lambda xi: self.weight(k, self.inside.T @ xi, j))

    def overlap(self, k: Expr, j: Expr) -> Expr:
        """tr(Σ_{T,j} W_outᵀΣ_{V,k}W_out)."""
        return tr(self.other.Sigma(j) @ self.outside.T @ self.cut.Sigma(k) @ self.outside)

    def gain(self) -> Expr:
        """Σ_kΣ_l w_k E[p_l] tr(Σ_{T,l}W_outᵀΣ_{V,k}W_out)."""
        return total(K, lambda k: total(K, lambda j: w(k) * (self.likely(k, j) * self.overlap(k, j))))

    def pointwise(self) -> Line:
        """∀k, ξ. lse of W_in + Σ_l p_l·linear ≤ lse of W, at x = μ_k + ξ, n = W_outᵀξ."""
        s, W = self.s, self.inside + self.outside
        k, j, xi = fresh(Index(K), "k"), fresh(Index(K), "j"), fresh(Col(self.cut.d), "xi")
        x, n, u = self.cut.mu(k) + xi, self.outside.T @ xi, self.inside.T @ xi
        split = s.calc(
            eq(self.logit(W, x, j), self.inner_logit(k, u, j) + self.linear(k, u, n, j)),
            self.orthogonal,
            *self.symmetric,
        )
        soft = SoftMax(s, K, w, lambda i: self.inner_logit(k, u, i), self.cut.positive, self.cut.nonempty)
        tangent = soft.tangent(fn(Index(K), lambda i: self.linear(k, u, n, i)))
        raised = lse(K, w, lambda i: self.inner_logit(k, u, i) + self.linear(k, u, n, i))
        same = s.flip(s.same(lse(K, w, lambda i: self.logit(W, x, i)), s.gen(split, j)))
        gained = soft.lse + total(K, lambda i: soft.p(i) * self.linear(k, u, n, i))
        return s.gen(s.lin(gained <= same.right, [s.lin(gained <= raised, [tangent]), same]), k, xi)

    def expected(self, k: Expr) -> Line:
        """E Σ_l p_l·linear = ½ Σ_l E[p_l] tr(Σ_{T,l}W_outᵀΣ_{V,k}W_out): n is independent of y, with mean 0."""
        s, S, X, Y, n = self.s, self.cut.Sigma(k), self.inside.T, self.outside.T, self.other.d

        def joint(u: Expr, m: Expr) -> Expr:
            return total(K, lambda j: self.weight(k, u, j) * self.linear(k, u, m, j))

        zeros = s.lin(eq(X @ S @ Y.T, zero(n, n)), [], self.crossed, *self.symmetric)
        function = fn(Col(n), lambda u: fn(Col(n), lambda m: joint(u, m)))
        psd = self.cut.every[1]
        apart = s.apply("split", [[s.spec(psd, k), zeros], [self.cut.positive]], [S, X, Y, function])
        xi = fresh(Col(self.cut.d), "xi")
        averaged = mean(S, lambda eta: joint(X @ xi, Y @ eta))
        halves = HALF * total(K, lambda j: self.weight(k, X @ xi, j) * self.overlap(k, j))
        positive = [self.cut.positive]
        inner = s.gen(s.calc(eq(averaged, halves), *self.symmetric, positive=positive, psd=[psd]), xi)
        outer = s.same(apart.right, inner)
        claim = eq(apart.left, HALF * total(K, lambda j: self.likely(k, j) * self.overlap(k, j)))
        return s.lin(claim, [apart, outer], positive=positive)

    def jensen(self, pointwise: Line) -> Line:
        """The mean of the log-sum-exp for W_in, plus half of the gain, is at most that for W."""
        s, k, xi = self.s, fresh(Index(K), "k"), fresh(Col(self.cut.d), "xi")
        S, positive = self.cut.Sigma(k), self.cut.positive
        below = s.apply("mean_order", [[s.gen(s.spec(pointwise, k, xi), xi)], [positive]], [S])
        kept = mean(S, lambda xi: lse(K, w, lambda j: self.inner_logit(k, self.inside.T @ xi, j)))
        overlaps = total(K, lambda j: self.likely(k, j) * self.overlap(k, j))
        each = s.lin(kept + HALF * overlaps <= below.right, [below, self.expected(k)], positive=[positive])
        weighted = s.apply("product", [[weaken(s, s.spec(positive, k)), each]])
        weighted = s.lin(w(k) * each.left <= w(k) * each.right, [weighted])
        summed = s.apply("sum_order", [[s.gen(weighted, k)]])
        claim = self.forward(self.inside) + HALF * self.gain() <= self.forward(self.inside + self.outside)
        return s.lin(claim, [summed], *self.symmetric)

    # -- against the modality that is cut ------------------------------------------------------------------------------

    def monotone(self) -> Line:
        """The mean of the log-sum-exp from the other modality is at most that for W: exponents grow by squares."""
        s, W, b, other = self.s, self.inside + self.outside, self.outside, self.other
        k, j, eta, positive = fresh(Index(K), "k"), fresh(Index(K), "j"), fresh(Col(other.d), "eta"), self.cut.positive
        y = other.mu(k) + eta
        square = HALF * tr(y.T @ b.T @ self.cut.Sigma(j) @ b @ y)
        split = s.calc(
            eq(self.back(W, y, j), self.back(self.inside, y, j) + square),
            self.crossed,
            self.orthogonal,
            *self.symmetric,
        )
        form = s.spec(s.parts(s.spec(self.cut.every[1], j))[1], b @ y)
        soft = SoftMax(s, K, w, lambda i: self.back(self.inside, y, i), positive, self.cut.nonempty)
        higher = fn(Index(K), lambda i: HALF * tr(y.T @ b.T @ self.cut.Sigma(i) @ b @ y))
        part = s.apply("product", [[weaken(s, s.spec(soft.weight_positive(), j)), s.lin(num(0) <= square, [form])]])
        part = s.gen(s.lin(num(0) <= soft.p(j) * square, [part]), j)
        gained = s.apply("sum_order", [[part]])
        tangent = soft.tangent(higher)
        raised = lse(K, w, lambda i: self.back(self.inside, y, i) + higher(i))
        same = s.flip(s.same(lse(K, w, lambda i: self.back(W, y, i)), s.gen(split, j)))
        line = s.lin(soft.lse <= same.right, [s.lin(soft.lse <= raised, [tangent, gained]), same])
        line = s.apply("mean_order", [[s.gen(line, eta)], [positive]], [other.Sigma(k)])
        weighted = s.apply("product", [[weaken(s, s.spec(positive, k)), line]])
        weighted = s.lin(w(k) * line.left <= w(k) * line.right, [weighted])
        summed = s.apply("sum_order", [[s.gen(weighted, k)]])
        return s.lin(self.backward(self.inside) <= self.backward(W), [summed])

    def no_gain(self, jensen: Line, monotone: Line) -> Line:
        """A minimiser has no gain: Σ_kΣ_l w_k E[p_l] tr(Σ_{T,l}W_outᵀΣ_{V,k}W_out) ≤ 0."""
        s, cut = self.s, self.cut
        maps = (self.a, self.B) if cut.A == c.A_V else (self.B, self.a)
        least = s.spec(unfolded(s, self.minimal), *maps)
        product = s.lin(
            eq(cut.A @ self.B.T, self.inside + self.outside),
            [(self.whole, 1, eye(cut.d), self.B.T), self.is_inside, self.is_outside],
        )
        here, there = self.closed_form(cut.A, product), self.closed_form(self.a, s.flip(self.is_inside))
        same = s.calc(eq(self.aligned(self.inside + self.outside), self.aligned(self.inside)), self.orthogonal)
        return s.lin(self.gain() <= 0, [least, here, there, same, jensen, monotone])

    # -- what vanishes -------------------------------------------------------------------------------------------------

    def likely_positive(self) -> Line:
        """∀k, l. 0 < E p_l."""
        s, k, j, xi = self.s, fresh(Index(K), "k"), fresh(Index(K), "j"), fresh(Col(self.cut.d), "xi")
        positive = self.cut.positive
        soft = SoftMax(s, K, w, lambda i: self.inner_logit(k, self.inside.T @ xi, i), positive, self.cut.nonempty)
        each = s.gen(s.spec(soft.weight_positive(), j), xi)
        line = s.apply("mean_order", [[each], [positive]], [self.cut.Sigma(k)])
        return s.gen(s.lin(num(0) < self.likely(k, j), [line]), k, j)

    def roots(self, k: Expr, j: Expr) -> tuple[Expr, Line, Expr, Line]:
        """Λ and Ω with Σ_{V,k} = ΛΛᵀ and Σ_{T,j} = ΩΩᵀ."""
        s = self.s
        L, is_L = root(s, s.spec(self.cut.every[1], k), "Λ")
        R, is_R = root(s, s.spec(self.other.every[1], j), "Ω")
        return L, is_L, R, is_R

    def overlaps_nonnegative(self) -> Line:
        """∀k, l. 0 ≤ tr(Σ_{T,l}W_outᵀΣ_{V,k}W_out) = ‖ΛᵀW_outΩ‖²."""
        s, mark = self.s, self.s.mark()
        k, j = fresh(Index(K), "k"), fresh(Index(K), "j")
        L, is_L, R, is_R = self.roots(k, j)
        line = s.lin(num(0) <= self.overlap(k, j), [square_norm(s, L.T @ self.outside @ R)], is_L, is_R)
        line = s.gen(s.release(line, mark), k, j)
        s.forget(mark)
        return line

    def own_overlap(self, no_gain: Line) -> Line:
        """∀k. tr(Σ_{T,k}W_outᵀΣ_{V,k}W_out) = 0: every term of the gain is at least 0, and has positive factors."""
        s, k, j = self.s, fresh(Index(K), "k"), fresh(Index(K), "j")
        likely, overlaps, positive = self.likely_positive(), self.overlaps_nonnegative(), self.cut.positive
        part = s.apply("product", [[weaken(s, s.spec(likely, k, j)), s.spec(overlaps, k, j)]])
        part = s.lin(num(0) <= self.likely(k, j) * self.overlap(k, j), [part])
        part = s.apply("product", [[weaken(s, s.spec(positive, k)), part]])
        part = s.gen(s.lin(num(0) <= w(k) * (self.likely(k, j) * self.overlap(k, j)), [part]), j)
        row = s.apply("sum_order", [[part]])
        rows = s.gen(s.lin(num(0) <= row.right, [row]), k)
        one = summand_vanishes(s, rows, no_gain, k)
        own = summand_vanishes(s, part, s.lin(one.left <= 0, [one]), k)
        p, overlap = self.likely(k, k), self.overlap(k, k)
        over = [positive_nonzero(s, line) for line in (s.spec(positive, k), s.spec(likely, k, k))]
        first, second = (s.mp(s.apply("reciprocal", [], [x]), line) for x, line in zip((w(k), p), over, strict=True))
        parts = [(own, inv(w(k)) * inv(p)), (first, overlap * p * inv(p)), (second, overlap)]
        return s.gen(s.lin(eq(overlap, 0), parts), k)

    def vanishes(self, own_overlap: Line) -> Line:
        """W_out = 0: ΛᵀW_outΩ = 0 for some component, so Σ_{V,k}W_outΣ_{T,k} = 0, and both are invertible."""
        s, b, mark = self.s, self.outside, self.s.mark()
        some = s.known(some_index, K)
        there = s.taut(some.right, some, self.cut.nonempty)
        (k,), exists_k = s.obtain(there, "k₀")
        L, is_L, R, is_R = self.roots(k, k)
        Y = L.T @ b @ R
        gone = vanishes(s, Y, s.lin(eq(tr(Y.T @ Y), 0), [s.spec(own_overlap, k)], is_L, is_R))
        S, T = self.cut.Sigma(k), self.other.Sigma(k)
        whole = s.lin(eq(S @ b @ T, zero(b.rows, b.cols)), [(gone, 1, L, R.T)], is_L, is_R)
        backs = [inverse(s, s.spec(x.hypothesis("covariances-definite"), k)) for x in (self.cut, self.other)]
        line = s.lin(eq(b, zero(b.rows, b.cols)), [(whole, 1, minv(S), minv(T))], backs[0][1], backs[1][0])
        line = s.release(s.taut(line.formula, line, exists_k), mark)
        s.forget(mark)
        return line

    def included(self, vanished: Line) -> Line:
        """Col(ABᵀ) ⊆ S_F, since ABᵀ = aBᵀ."""
        s, cut = self.s, self.cut
        made = s.lin(
            eq(cut.A @ self.B.T, self.a @ self.B.T),
            [(self.whole, 1, eye(cut.d), self.B.T), vanished, self.is_outside],
        )
        (columns,), spanned = s.obtain(unfolded(s, self.within), "c_in")
        claim = cut.mix.within_fisher(cut.A @ self.B.T)
        there = definition(s, claim).right
        witness = fn(Index(K), lambda k: self.B @ columns(k))
        equation = Expr(instantiate(there.term.args[1], witness.term))
        line = s.lin(equation, [made, (spanned, 1, eye(cut.d), self.B.T)])
        return folded(s, claim, s.exhibit(there, witness, line))


def inside(s: Script, cut: Modality, other: Modality, name: str) -> Line:
    """MinimisesSeparateCLIP(A_V, A_T) ⟹ the column space of the product lies in the Fisher subspace of `cut`."""
    minimal, mark = s.assume(v.minimises(s, c.A_V, c.A_T)), s.mark()
    p = Side(s, cut, other, minimal)

    def step(what: str, sentence: str, line: Line) -> Line:
        return s.step(f"{name}-{what}", sentence, line)

    step("split", f"Write A = a + b for the map of the {name}, the columns of a in S_F and b orthogonal to the means; "
         "W_in = aBᵀ and W_out = bBᵀ, B the other map.", p.orthogonal)  # fmt: skip
    step("blocks", "Σ_k maps S_F into span{μ_l}, to which b is orthogonal: W_outᵀΣ_kW_in = 0 for every k.", p.crossed)
    pointwise = step(
        "tangent",
        "At x = μ_k + ξ the exponents for W are those for W_in, plus a part linear in n = W_outᵀξ, plus a square of n; "
        "log-sum-exp lies above its tangent.",
        p.pointwise(),
    )
    jensen = step(
        "jensen",
        "Given the component n is independent of W_inᵀx, with mean 0: the mean of the log-sum-exp gains at least half "
        "of Σ_k Σ_l w_k E[p_l] tr(Σ_l W_outᵀΣ_kW_out), Σ_l of the other modality.",
        p.jensen(pointwise),
    )
    monotone = step(
        "squares", "The exponents from the other side grow by squares, and so does its log-sum-exp.", p.monotone()
    )
    no_gain = step("minimal-gap", "The alignment is the same; so the gain is at most 0.", p.no_gain(jensen, monotone))
    own = step("own-overlap", "Each of its terms is at least 0: those with l = k vanish.", p.own_overlap(no_gain))
    vanished = step("outside-vanishes", "All covariances are positive definite, so W_out = 0.", p.vanishes(own))
    found = s.release(p.included(vanished), mark)
    s.forget(mark)
    return s.discharge(step("inside", "So W = W_in lies in the Fisher subspace.", found), minimal)


def prove() -> Proposal:
    """CLIP with covariances that map the Fisher subspaces into the spans of the means."""
    s = Script("clip-proportional-inclusion")
    vision = Modality(s, c.d_V, c.mu_V, v.Sigma_V, c.A_V)
    text = Modality(s, c.d_T, c.mu_T, v.Sigma_T, c.A_T)
    lines = [inside(s, vision, text, "images"), inside(s, text, vision, "texts")]
    minimal = s.assume(v.minimises(s, c.A_V, c.A_T))
    both = s.both(*(s.mp(line, minimal) for line in lines))
    return s.qed(s.discharge(both, minimal), v.HYPOTHESES)
