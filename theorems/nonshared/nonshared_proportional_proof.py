"""Proof of nonshared-proportional: the block argument of Theorem 5.2, with a covariance for each component.

Let every Σ_k map S_F into span{μ_l}. Write A = a + b, Col(a) ⊆ S_F and bᵀμ_k = 0; then bᵀΣ_ka = 0 for every k. At
x = μ_k + ξ the exponent of component l is that of a, plus a part linear in n = bᵀξ, plus half the squares
nᵀP_ln + yᵀQ_ly + nᵀQ_ln, with y = aᵀx, P_l = aᵀΣ_la and Q_l = bᵀΣ_lb. Log-sum-exp lies above its tangent, with weights
p_l(y) > 0; n is independent of y with mean 0, so L(A) − L(a) ≥ ½ Σ_k Σ_l w_k E[p_l] tr(Q_lQ_k). If A is a
minimiser, each of these is 0, tr Q_k² among them, so b = 0. The bias δ may be any number.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.nonshared import HYPOTHESES as OWN
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
    generating,
    positive_nonzero,
    semidefinite,
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

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "maps-into-means")
FORMULAS = {**v.HYPOTHESES, **OWN}


class Blocks:
    """A minimiser A = a + b, Col(a) ⊆ S_F and ∀k. bᵀμ_k = 0, and what InfoNCE gains when b is cut off."""

    def __init__(self, s: Script) -> None:
        """Choose a; b stands for A − a."""
        self.s, self.set, self.A = s, Setting(s), v.A
        self.mix = self.set.mix
        self.minimal = s.assume(self.mix.minimises_infonce(v.A))
        (self.a,), facts = s.obtain(fisher_part(self.set, v.A), "a")
        self.within, outside = s.parts(facts)
        self.b, is_b = s.let("b", v.A - self.a)
        k = fresh(Index(v.K), "k")
        across = s.lin(eq(self.b.T @ v.mu(k), zero(v.r)), [s.spec(outside, k)], is_b)
        self.orthogonal = s.gen(across, k)
        self.whole = s.lin(eq(v.A, self.a + self.b), [is_b])
        definite = s.spec(self.set.hypothesis("covariances-definite"), k)
        self.symmetric = s.gen(s.parts(definite)[0], k)
        self.psd = s.gen(semidefinite(s, definite), k)

    def crossed(self) -> Line:
        """∀k. bᵀΣ_ka = 0: a is Σ̄⁻¹ times means, which Σ_k maps into the span of the means."""
        s, b = self.s, self.b
        k, j = fresh(Index(v.K), "k"), fresh(Index(v.K), "j")
        mark = s.mark()
        _, maps = s.obtain(s.spec(s.assume(OWN["maps-into-means"]), k, j), "c")
        folded_bar = s.flip(self.set.sigma_unfolded)
        into = s.rewrite(folded_bar, maps)
        column = s.lin(eq(b.T @ into.left, zero(v.r)), [(into, 1, b.T, eye(1))], self.orthogonal)
        column = s.gen(s.release(column, mark), j)
        s.forget(mark)
        _, spanned = s.obtain(unfolded(s, self.within), "c_in")
        claim = eq(b.T @ v.Sigma(k) @ self.a, zero(v.r, v.r))
        return s.gen(s.lin(claim, [(spanned, 1, b.T @ v.Sigma(k), eye(v.r))], column), k)

    # -- the loss ------------------------------------------------------------------------------------------------------

    @staticmethod
    def logit(X: Expr, x: Expr, j: Expr) -> Expr:
        """log E exp(xᵀXXᵀy) for y of component j: xᵀMμ_j + ½ xᵀMΣ_jMx, M = XXᵀ."""
        M = X @ X.T
        return tr(x.T @ M @ v.mu(j)) + num("1/2") * tr(x.T @ M @ v.Sigma(j) @ M @ x)

    @staticmethod
    def aligned(X: Expr) -> Expr:
        """E f(x)ᵀf(x̂) = δ Σ_k w_k μ_kᵀMμ_k + (1 − δ) Σ_kΣ_l w_kw_l μ_kᵀMμ_l, M = XXᵀ."""
        w, mu, M = v.w, v.mu, X @ X.T
        matched = total(v.K, lambda k: w(k) * tr(mu(k).T @ M @ mu(k)))
        mixed = total(v.K, lambda k: total(v.K, lambda j: w(k) * w(j) * tr(mu(k).T @ M @ mu(j))))
        return v.delta * matched + (1 - v.delta) * mixed

    def potential(self, X: Expr) -> Expr:
        """Σ_k w_k E log Σ_l w_l exp(the logit of l at x = μ_k + ξ)."""

        def inner(k: Expr, xi: Expr) -> Expr:
            return lse(v.K, v.w, lambda j: self.logit(X, v.mu(k) + xi, j))

        return total(v.K, lambda k: v.w(k) * mean(v.Sigma(k), lambda xi: inner(k, xi)))

    def closed_form(self, X: Expr) -> Line:
        """InfoNCE(X) = −E f(x)ᵀf(x̂) + Σ_k w_k E log Σ_l w_l exp(…)."""
        s, x, j = self.s, fresh(Col(v.d), "x"), fresh(Index(v.K), "j")
        M = X @ X.T
        moment = generating(s, s.spec(self.psd, j), v.Sigma(j), M @ x)
        score = mean(v.Sigma(j), lambda eta: exp(tr(x.T @ X @ X.T @ (v.mu(j) + eta))))
        partition = s.calc(eq(score, exp(self.logit(X, x, j))), moment, self.symmetric, psd=[self.psd])
        named = s.flip(s.apply("softmax", [], [lse(v.K, v.w, lambda j: self.logit(X, x, j))]))
        loss = self.mix.infonce(X)
        opened = s.same(loss, definition(s, loss), s.gen(partition, x, j), s.gen(named, x))
        return s.lin(eq(loss, self.potential(X) - self.aligned(X)), [opened], psd=[self.psd])

    # -- Jensen --------------------------------------------------------------------------------------------------------

    def linear(self, k: Expr, u: Expr, n: Expr, j: Expr) -> Expr:
        """nᵀaᵀμ_j + (aᵀμ_k + u)ᵀ(P_j + Q_j)n + ½ nᵀQ_jn."""
        a, b, y = self.a, self.b, self.a.T @ v.mu(k) + u
        both = a.T @ v.Sigma(j) @ a + b.T @ v.Sigma(j) @ b
        return tr(n.T @ a.T @ v.mu(j)) + tr(y.T @ both @ n) + num("1/2") * tr(n.T @ b.T @ v.Sigma(j) @ b @ n)

    def inner_logit(self, k: Expr, u: Expr, j: Expr) -> Expr:
        """The logit of j for a at y = aᵀμ_k + u: yᵀaᵀμ_j + ½ yᵀP_jy."""
        a, y = self.a, self.a.T @ v.mu(k) + u
        return tr(y.T @ a.T @ v.mu(j)) + num("1/2") * tr(y.T @ a.T @ v.Sigma(j) @ a @ y)

    def weight(self, k: Expr, u: Expr, j: Expr) -> Expr:
        """The softmax weight of j for a at y = aᵀμ_k + u."""
        return softmax(v.K, v.w, lambda i: self.inner_logit(k, u, i), j)

    def likely(self, k: Expr, j: Expr) -> Expr:
        """E p_j, given component k."""
        return mean(v.Sigma(k), lambda xi: self.weight(k, self.a.T @ xi, j))

    def overlap(self, k: Expr, j: Expr) -> Expr:
        """tr(Q_jQ_k)."""
        b = self.b
        return tr(b.T @ v.Sigma(j) @ b @ b.T @ v.Sigma(k) @ b)

    def pointwise(self, crossed: Line) -> Line:
        """∀k, ξ. lse of a + Σ_l p_l(linear + ½nᵀQ_ln) ≤ lse of A, at x = μ_k + ξ, n = bᵀξ."""
        s, a, b = self.s, self.a, self.b
        k, j, xi = fresh(Index(v.K), "k"), fresh(Index(v.K), "j"), fresh(Col(v.d), "xi")
        x, n, u = v.mu(k) + xi, b.T @ xi, a.T @ xi
        y = a.T @ v.mu(k) + u
        square = num("1/2") * (tr(n.T @ a.T @ v.Sigma(j) @ a @ n) + tr(y.T @ b.T @ v.Sigma(j) @ b @ y))
        higher = fn(Index(v.K), lambda i: self.logit(v.A, x, i) - self.inner_logit(k, u, i))
        forms = [s.spec(s.parts(s.spec(self.psd, j))[1], m) for m in (a @ n, b @ y)]
        split = s.calc(
            eq(higher(j), self.linear(k, u, n, j) + square), self.whole, crossed, self.orthogonal, self.symmetric
        )
        low = s.lin(self.linear(k, u, n, j) <= higher(j), [*forms, split])
        soft = SoftMax(s, v.K, v.w, lambda i: self.inner_logit(k, u, i), self.set.positive, self.set.nonempty)
        part = s.apply("product", [[weaken(s, s.spec(soft.weight_positive(), j)), low]])
        part = s.lin(soft.p(j) * self.linear(k, u, n, j) <= soft.p(j) * higher(j), [part])
        summed = s.apply("sum_order", [[s.gen(part, j)]])
        tangent = soft.tangent(higher)
        gained = soft.lse + total(v.K, lambda i: soft.p(i) * self.linear(k, u, n, i))
        return s.gen(s.lin(gained <= lse(v.K, v.w, lambda i: self.logit(v.A, x, i)), [tangent, summed]), k, xi)

    def expected(self, k: Expr, crossed: Line) -> Line:
        """E Σ_l p_l(linear + ½nᵀQ_ln) = ½ Σ_l E[p_l] tr(Q_lQ_k), given component k: n is independent of y."""
        s, S, X, Y = self.s, v.Sigma(k), self.a.T, self.b.T

        def joint(u: Expr, n: Expr) -> Expr:
            return total(v.K, lambda j: self.weight(k, u, j) * self.linear(k, u, n, j))

        zeros = s.lin(eq(X @ S @ Y.T, zero(v.r, v.r)), [], crossed, self.symmetric)
        function = fn(Col(v.r), lambda u: fn(Col(v.r), lambda n: joint(u, n)))
        apart = s.apply("split", [[s.spec(self.psd, k), zeros], [self.set.positive]], [S, X, Y, function])
        xi = fresh(Col(v.d), "xi")
        averaged = mean(S, lambda eta: joint(X @ xi, Y @ eta))
        halves = num("1/2") * total(v.K, lambda j: self.weight(k, X @ xi, j) * self.overlap(k, j))
        positive = [self.set.positive]
        inner = s.gen(s.calc(eq(averaged, halves), self.symmetric, positive=positive, psd=[self.psd]), xi)
        outer = s.same(apart.right, inner)
        claim = eq(apart.left, num("1/2") * total(v.K, lambda j: self.likely(k, j) * self.overlap(k, j)))
        return s.lin(claim, [apart, outer], positive=positive)

    def gain(self) -> Expr:
        """Σ_kΣ_l w_k E[p_l] tr(Q_lQ_k)."""
        return total(v.K, lambda k: total(v.K, lambda j: v.w(k) * (self.likely(k, j) * self.overlap(k, j))))

    def jensen(self, crossed: Line, pointwise: Line) -> Line:
        """The mean of the log-sum-exp for a, plus half of the gain, is at most that for A."""
        s, k, xi = self.s, fresh(Index(v.K), "k"), fresh(Col(v.d), "xi")
        below = s.apply("mean_order", [[s.gen(s.spec(pointwise, k, xi), xi)], [self.set.positive]], [v.Sigma(k)])
        kept = mean(v.Sigma(k), lambda xi: lse(v.K, v.w, lambda j: self.inner_logit(k, self.a.T @ xi, j)))
        overlaps = total(v.K, lambda j: self.likely(k, j) * self.overlap(k, j))
        each = s.lin(
            kept + num("1/2") * overlaps <= below.right,
            [below, self.expected(k, crossed)],
            positive=[self.set.positive],
        )
        weighted = s.apply("product", [[weaken(s, s.spec(self.set.positive, k)), each]])
        weighted = s.lin(v.w(k) * each.left <= v.w(k) * each.right, [weighted])
        summed = s.apply("sum_order", [[s.gen(weighted, k)]])
        claim = self.potential(self.a) + num("1/2") * self.gain() <= self.potential(v.A)
        return s.lin(claim, [summed], self.symmetric)

    def no_gain(self, here: Line, jensen: Line) -> Line:
        """A minimiser has no gain: Σ_kΣ_l w_k E[p_l] tr(Q_lQ_k) ≤ 0."""
        s = self.s
        least = s.spec(unfolded(s, self.minimal), self.a)
        inside = self.closed_form(self.a)
        same = s.calc(eq(self.aligned(v.A), self.aligned(self.a)), self.whole, self.orthogonal)
        return s.lin(self.gain() <= 0, [least, here, inside, same, jensen])

    # -- what vanishes -------------------------------------------------------------------------------------------------

    def likely_positive(self) -> Line:
        """∀k, l. 0 < E p_l."""
        s, k, j, xi = self.s, fresh(Index(v.K), "k"), fresh(Index(v.K), "j"), fresh(Col(v.d), "xi")
        logits = lambda i: self.inner_logit(k, self.a.T @ xi, i)  # noqa: E731
        soft = SoftMax(s, v.K, v.w, logits, self.set.positive, self.set.nonempty)
        positive = s.gen(s.spec(soft.weight_positive(), j), xi)
        line = s.apply("mean_order", [[positive], [self.set.positive]], [v.Sigma(k)])
        return s.gen(s.lin(num(0) < self.likely(k, j), [line]), k, j)

    def overlaps_nonnegative(self) -> Line:
        """∀k, l. 0 ≤ tr(Q_lQ_k) = ‖Ω_lᵀbbᵀΩ_k‖², with Σ_k = Ω_kΩ_kᵀ."""
        s, b, mark = self.s, self.b, self.s.mark()
        k, j = fresh(Index(v.K), "k"), fresh(Index(v.K), "j")
        (W, is_k), (V, is_j) = (root(s, s.spec(self.psd, i), name) for i, name in ((k, "Ω"), (j, "Ω_l")))
        square = square_norm(s, V.T @ b @ b.T @ W)
        line = s.lin(num(0) <= self.overlap(k, j), [square], is_k, is_j)
        line = s.gen(s.release(line, mark), k, j)
        s.forget(mark)
        return line

    def own_overlap(self, no_gain: Line) -> Line:
        """∀k. tr(Q_k²) = 0: every term of the gain is at least 0, and those with l = k have positive factors."""
        s, k, j = self.s, fresh(Index(v.K), "k"), fresh(Index(v.K), "j")
        likely, overlaps = self.likely_positive(), self.overlaps_nonnegative()
        part = s.apply("product", [[weaken(s, s.spec(likely, k, j)), s.spec(overlaps, k, j)]])
        part = s.lin(num(0) <= self.likely(k, j) * self.overlap(k, j), [part])
        part = s.apply("product", [[weaken(s, s.spec(self.set.positive, k)), part]])
        part = s.gen(s.lin(num(0) <= v.w(k) * (self.likely(k, j) * self.overlap(k, j)), [part]), j)
        row = s.apply("sum_order", [[part]])
        rows = s.gen(s.lin(num(0) <= row.right, [row]), k)
        one = summand_vanishes(s, rows, no_gain, k)
        own = summand_vanishes(s, part, s.lin(one.left <= 0, [one]), k)
        factors = v.w(k), self.likely(k, k)
        w_nonzero, p_nonzero = (
            positive_nonzero(s, line) for line in (s.spec(self.set.positive, k), s.spec(likely, k, k))
        )
        first = s.mp(s.apply("reciprocal", [], [factors[0]]), w_nonzero)
        second = s.mp(s.apply("reciprocal", [], [factors[1]]), p_nonzero)
        over = inv(factors[0]) * inv(factors[1])
        overlap = self.overlap(k, k)
        claim = eq(overlap, 0)
        parts = [(own, over), (first, overlap * factors[1] * inv(factors[1])), (second, overlap)]
        return s.gen(s.lin(claim, parts), k)

    def vanishes(self, own_overlap: Line) -> Line:
        """b = 0: Ω_kᵀbbᵀΩ_k = 0 gives Ω_kᵀb = 0, so Σ_kb = 0 and b = 0, for some component k."""
        s, b, mark = self.s, self.b, self.s.mark()
        some = s.known(some_index, v.K)
        there = s.taut(some.right, some, self.set.nonempty)
        (k,), exists_k = s.obtain(there, "k₀")
        W, is_k = root(s, s.spec(self.psd, k), "Ω")
        square = W.T @ b @ b.T @ W
        gram = vanishes(s, square, s.calc(eq(tr(square.T @ square), 0), s.flip(is_k), s.spec(own_overlap, k)))
        flat = vanishes(s, b.T @ W, s.lin(eq(tr((b.T @ W).T @ (b.T @ W)), 0), [(gram, 1, eye(v.d), eye(v.d))]))
        covariance = v.Sigma(k)
        back = inverse(s, s.spec(self.set.hypothesis("covariances-definite"), k))[1]
        over = minv(covariance)
        flipped = s.calc(eq(W.T @ b, (b.T @ W).T))
        zeros = s.lin(eq(W.T @ b, zero(v.d, v.r)), [flipped, (s.same((b.T @ W).T, flat), 1, eye(v.d), eye(v.r))])
        parts = [(back, 1, eye(v.d), b), (is_k, 1, over, b), (zeros, 1, over @ W, eye(v.r))]
        line = s.lin(eq(b, zero(v.d, v.r)), parts)
        line = s.release(s.taut(line.formula, line, exists_k), mark)
        s.forget(mark)
        return line

    def included(self, zero_outside: Line) -> Line:
        """Col(A) ⊆ S_F, since A = a."""
        s = self.s
        return s.rewrite(s.lin(eq(self.a, v.A), [self.whole, zero_outside]), self.within)


def prove() -> Proposal:
    """Nonshared covariances that map S_F into the span of the means."""
    s = Script("nonshared-proportional")
    p = Blocks(s)
    s.step("blocks", "Write A = a + b, the columns of a in S_F; b is orthogonal to the means.", p.orthogonal)
    crossed = s.step(
        "component-blocks",
        "Σ_k maps S_F into span{μ_l}, to which b is orthogonal: bᵀΣ_ka = 0 for every k.",
        p.crossed(),
    )
    loss = s.step(
        "loss",
        "The mean of exp(f(x)ᵀf(y)) over y of component l is exp(xᵀMμ_l + ½xᵀMΣ_lMx), M = AAᵀ, so the loss is a form "
        "in the means plus the mean of a log-sum-exp.",
        p.closed_form(v.A),
    )
    pointwise = s.step(
        "tangent",
        "At x = μ_k + ξ the exponents for A are at least those for a, plus a part linear in n = bᵀξ, plus ½nᵀbᵀΣ_lbn; "
        "log-sum-exp lies above its tangent.",
        p.pointwise(crossed),
    )
    jensen = s.step(
        "jensen",
        "Given the component n is independent of aᵀx, with mean 0 and covariance bᵀΣ_kb: the mean of the log-sum-exp "
        "is larger for A than for a, by at least ½ Σ_k Σ_l w_k E[p_l] tr(bᵀΣ_lb bᵀΣ_kb).",
        p.jensen(crossed, pointwise),
    )
    no_gain = s.step(
        "minimal-gap",
        "E f(x)ᵀf(x̂) is the same for both; so this gain is at most 0 at a minimiser.",
        p.no_gain(loss, jensen),
    )
    own = s.step(
        "own-overlap",
        "Each of its terms is at least 0, and the weights are positive: tr((bᵀΣ_kb)²) = 0 for every k.",
        p.own_overlap(no_gain),
    )
    outside = s.step("outside-vanishes", "Σ_k is positive definite, so b = 0.", p.vanishes(own))
    included = s.release(p.included(outside))
    line = s.discharge(included, p.minimal)
    return s.qed(line, {name: FORMULAS[name] for name in HYPOTHESES})
