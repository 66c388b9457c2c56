"""Proof of `infonce-equality-balanced`: where the negatives take each component's own share, nothing of S_F is missed.

Let A be a minimiser at δ = 1 with E π_k ≤ w_k for all k, and v in S_F with AᵀΣ̄v = 0, a_k = vᵀμ_k. By infonce-slope

    0 ≤ Σ_jk Q_jk a_j a_k − Σ_k w_k a_k² ≤ −½ Σ_jk Q_jk (a_j − a_k)²,

as Q has the row sums w_j and the column sums E π_k. Q_jk > 0, so all a_k are equal, to their mean vᵀμ̄ = 0. One orbit is
not used for this: `prove_condition` is that theorem by itself.

A symmetry σ of the mixture makes A′ = Σ_k Σ̄⁻¹μ_σ(k) c_kᵀ of A = Σ_k Σ̄⁻¹μ_k c_kᵀ. Then A′ᵀμ_σ(k) = Aᵀμ_k for all k and
A′ᵀΣ̄A′ = AᵀΣ̄A, and L is a function of these, so L(A′) = L(A); and Q_σ(j)σ(k) at A′ is Q_jk at A. For r ≥ dim S_F some X
of r columns has XXᵀ = ½(AAᵀ + A′A′ᵀ), and L is strictly convex in XXᵀ: with D = AAᵀ − A′A′ᵀ

    2L(X) + ¼ tr(DΣ̄DΣ̄) ≤ L(A) + L(A′) = 2L(A) ≤ 2L(X).

So D = 0, and Q is the same at A′ and A: E π_σ(k) = E π_k. For one orbit all E π_k are equal, and so are the w_k; both
sum to 1, so E π_k = w_k. Neither δ = 1 nor the mean 0 is used for this.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas import symmetry as sym
from thmverify.kernel.proofs.terms import Term
from thmverify.proofs.expressions import Expr, Index, eq, exists, fn, fresh, minv, num, total
from thmverify.proofs.lemmas.basic import folded, square_nonnegative, unfolded, weaken
from thmverify.proofs.lemmas.midpoint import Midpoint, closed_forms
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.lemmas.symmetry import Moved, Permutation
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.equality_lemmas import Equality, zero_square
from thmverify.theorems.infonce.infonce_slope_proof import attained

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "shared-covariance",
    "bias-range",
    "columns-reach",
    "centred",
    "always-matched",
    "one-orbit",
)


class Balanced:
    """A minimiser at which E π_k ≤ w_k for all k, at δ = 1, and a column v of S_F with AᵀΣ̄v = 0: a_k = vᵀμ_k."""

    def __init__(self, e: Equality) -> None:
        """Suppose the condition, of the minimiser of `e`."""
        self.s, self.set, self.e = e.s, e.set, e
        self.given = self.s.assume(sym.at_most_own_share(e.set.mix, e.A))

    def apart(self, j: Expr, k: Expr) -> Expr:
        """Q_jk (a_j − a_k)²."""
        gap = self.e.a(j) - self.e.a(k)
        return self.set.mix.overlap(self.e.A, j, k) * gap * gap

    def columns(self) -> Line:
        """Σ_jk Q_jk a_k² ≤ Σ_k w_k a_k²."""
        s, K, e = self.s, self.set.K, self.e
        k = fresh(Index(K), "k")
        square = square_nonnegative(s, e.a(k))
        part = s.apply("product", [[s.spec(self.given, k), square]])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        Q = self.set.mix.overlap
        whole = total(K, lambda j: total(K, lambda k: Q(e.A, j, k) * e.a(k) * e.a(k)))
        return s.lin(whole <= e.spread, [summed])

    def defect(self) -> Line:
        """Σ_jk Q_jk (a_j − a_k)² ≤ 0: the slope is at most −½ of it."""
        s, K, e = self.s, self.set.K, self.e
        mean_a = total(K, lambda k: self.set.w(k) * e.a(k))
        matched = self.set.hypothesis("always-matched")
        slope = s.step(
            "matched",
            "At δ = 1 the slope is Σ_jk Q_jk a_j a_k − Σ_k w_k a_k², and it is not negative.",
            s.lin(e.spread <= e.crossed, [e.slope, (matched, e.spread - mean_a * mean_a)]),
        )
        whole = total(K, lambda j: total(K, lambda k: self.apart(j, k)))
        return s.lin(whole <= 0, [slope, self.columns()], e.rows)

    def equal(self, defect: Line) -> Line:
        """∀j, k. a_j = a_k, since Q_jk > 0."""
        s, K, e = self.s, self.set.K, self.e
        j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
        positive = s.spec(e.positive, j, k)
        gap = e.a(j) - e.a(k)
        part = s.apply("product", [[weaken(s, positive), square_nonnegative(s, gap)]])
        each = s.lin(num(0) <= self.apart(j, k), [part])
        row = s.apply("sum_order", [[s.gen(each, k)]])
        row = s.lin(num(0) <= total(K, lambda k: self.apart(j, k)), [row])
        row_zero = summand_vanishes(s, s.gen(row, j), defect, j)
        zero = summand_vanishes(s, s.gen(each, k), s.lin(row_zero.left <= 0, [row_zero]), k)
        low = s.lin(positive.right * gap * gap <= 0, [zero])
        return s.gen(s.lin(eq(e.a(j), e.a(k)), [zero_square(s, positive, gap, low)]), j, k)

    def vanish(self, equal: Line) -> Line:
        """∀k. a_k = 0: equal numbers are their own mean, vᵀμ̄ = 0."""
        s, K, e, w = self.s, self.set.K, self.e, self.set.w
        j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
        part = s.gen(s.lin(eq(w(k) * e.a(k), w(k) * e.a(j)), [(s.spec(equal, k, j), w(k))]), k)
        own = s.same(total(K, lambda k: w(k) * e.a(k)), part)
        return s.gen(s.lin(eq(e.a(j), 0), [own, e.average_vanishes(), (self.set.weights_sum, e.a(j))]), j)


def condition(s: Script, e: Equality) -> Line:
    """E π_k ≤ w_k for all k ⟹ Minimises(A) ⟹ Col(A) = S_F, at δ = 1 for a centred mixture."""
    b = Balanced(e)
    defect = s.step("defect", "If E π_k ≤ w_k for all k, the slope is at most −½ Σ_jk Q_jk (a_j − a_k)².", b.defect())
    equal = s.step("equal", "As Q_jk > 0, all a_j are equal.", b.equal(defect))
    none = s.step("vanish", "Equal numbers are their own mean, which is vᵀμ̄ = 0.", b.vanish(equal))
    return s.step(
        "condition",
        "So a minimiser with E π_k ≤ w_k for all k misses nothing of S_F.",
        s.discharge(b.e.conclude(none), b.given),
    )


class Symmetric:
    """A minimiser A, and the map A′ that a symmetry σ makes of it: A = Σ_k Σ̄⁻¹μ_k c_kᵀ, A′ = Σ_k Σ̄⁻¹μ_σ(k) c_kᵀ."""

    def __init__(self, e: Equality, symmetry: Line, closed: Line) -> None:
        """Take a line that says what σ and τ do."""
        s, st = self.s, self.set = e.s, e.set
        self.e, self.A, self.closed = e, e.A, closed
        self.back, forth, self.weights, grams, self.takes = s.parts(symmetry)
        self.tau, self.sigma = (Expr(t) for t in _functions(self.back))
        self.by = Permutation(s, st.K, self.sigma, self.tau, self.back, forth)
        self.grams = s.rewrite(s.flip(st.sigma_unfolded), grams)
        (self.c,), written = s.obtain(unfolded(s, e.within), "c")
        self.written = s.step("combination", "A minimiser has Col(A) ⊆ S_F: A = Σ_k Σ⁻¹μ_k c_kᵀ.", written)
        generator = minv(st.mix.sigma_bar)
        self.B, self.made = s.let("A′", total(st.K, lambda k: generator @ st.mu(self.sigma(k)) @ self.c(k).T))

    @cached_property
    def within(self) -> Line:
        """Col(A′) ⊆ S_F: A′ = Σ_l Σ̄⁻¹μ_l c_τ(i)ᵀ."""
        s, st = self.s, self.set
        family = fn(Index(st.K), lambda i: self.c(self.tau(i)))
        there = self.by.moved(lambda i: minv(st.mix.sigma_bar) @ st.mu(i) @ family(i).T)
        there = s.rewrite(self.back, there)
        inside = combination(st, self.B, family, s.lin(eq(self.B, there.right), [self.made, there]))
        return s.step("inside", "Col(A′) ⊆ S_F.", inside)

    @cached_property
    def moved(self) -> Moved:
        """A′ᵀμ_σ(k) = Aᵀμ_k and A′ᵀΣ̄A′ = AᵀΣ̄A: so L and Q are the same up to σ."""
        s, st = self.s, self.set
        k = fresh(Index(st.K), "k")
        using = self.made, self.written, self.grams, st.sigma_inverse[0], st.sigma_inverse[2]
        A, B, S = self.A, self.B, st.mix.sigma_bar
        means = s.gen(s.calc(eq(B.T @ st.mu(self.sigma(k)), A.T @ st.mu(k)), *using), k)
        noise = s.calc(eq(B.T @ S @ B, A.T @ S @ A), *using)
        facts = s.step(
            "moved",
            "For A′ = Σ_k Σ⁻¹μ_σ(k) c_kᵀ, A′ᵀμ_σ(k) = Aᵀμ_k and A′ᵀΣA′ = AᵀΣA.",
            s.both(means, noise),
        )
        return Moved(st, self.by, self.weights, A, B, s.parts(facts))

    @cached_property
    def loss(self) -> Line:
        """L(A′) = L(A)."""
        return self.s.step("same-loss", "So A′ has the same loss: L(A′) = L(A).", self.moved.loss(self.closed))

    @cached_property
    def overlap(self) -> Line:
        """Q_σ(j)σ(k) at A′ is Q_jk at A."""
        return self.s.step("same-overlap", "And Q_σ(j)σ(k) at A′ is Q_jk at A.", self.moved.overlap)

    def midpoint(self) -> Line:
        """∃X. XXᵀ = ½AAᵀ + ½A′A′ᵀ, with r columns: it is FFᵀ + GGᵀ for F, G = ½(A ± A′)."""
        s, st, A, B = self.s, self.set, self.A, self.B
        half, mark = num("1/2"), s.mark()
        ends, values, inside = [], [], []
        for name, sign in (("F", num(1)), ("G", num(-1))):
            end, value = s.let(name, half * A + sign * half * B)
            ends.append(end)
            values.append(value)
            inside.append(combined(st, end, value, (A, half, self.e.within), (B, sign * half, self.within)))
        sums = attained(s, st, ends[0], ends[1], st.hypothesis("columns-reach"), (inside[0], inside[1]))
        sums = s.spec(sums, 1)
        (X,), gram = s.obtain(s.mp(sums, s.calc(sums.left)), "X")
        there = exists(A.sort, lambda X: eq(X @ X.T, half * (A @ A.T) + half * (B @ B.T)))
        between = s.lin(eq(X @ X.T, half * (A @ A.T) + half * (B @ B.T)), [gram], *values)
        found = s.release(s.exhibit(there, X, between), mark)
        s.forget(mark)
        return found

    def unique(self) -> Line:
        """A′A′ᵀ = AAᵀ: L is strictly convex in XXᵀ, and L(A′) = L(A) is its least value."""
        s, loss = self.s, self.loss
        middle = s.step("midpoint", "½(AAᵀ + A′A′ᵀ) is XXᵀ for some X of r columns, as r ≥ dim S_F.", self.midpoint())
        mark = s.mark()
        (X,), between = s.obtain(middle, "X")
        path = Midpoint(self.set, self.closed, self.A, self.B, X, between)
        below = s.step(
            "strict",
            "L is strictly convex in XXᵀ: 2L(X) + ¼ tr(DΣDΣ) ≤ L(A) + L(A′) with D = AAᵀ − A′A′ᵀ.",
            path.below(),
        )
        least = s.spec(unfolded(s, self.e.best), X)
        low = s.lin(path.spread <= 0, [below, least, loss])
        found = s.release(s.flip(path.alike(low)), mark)
        s.forget(mark)
        return found

    def shares(self, j: Expr, unique: Line) -> Line:
        """E π_σ(j) = E π_j."""
        s, st, A, B, sigma = self.s, self.set, self.A, self.B, self.sigma
        Q, i = st.mix.overlap, fresh(Index(st.K), "i")
        pair = Q(A, sigma(i), sigma(j)), Q(B, sigma(i), sigma(j))
        same = s.lin(eq(*pair), [*map(st.unfold, pair)], unique)
        each = s.lin(eq(pair[0], Q(A, i, j)), [same, s.spec(self.overlap, i, j)])
        there = self.by.moved(lambda i: Q(A, i, sigma(j)))
        changed = s.same(there.left, s.gen(each, i))
        return s.lin(eq(there.right, sym.share(st.mix, A, j)), [there, changed])


def _functions(back: Line) -> tuple[Term, Term]:
    """τ and σ in ∀k. τ(σ(k)) = k."""
    whole = back.theorem.conclusion.args[1].args[0]
    return whole.args[0], whole.args[1].args[0]


def combination(setting: Setting, X: Expr, family: Expr, line: Line) -> Line:
    """Col(X) ⊆ S_F from X = Σ_k Σ̄⁻¹μ_k c_kᵀ."""
    s, inside = setting.s, setting.mix.within_fisher(X)
    return folded(s, inside, s.exhibit(setting.unfold(inside).right, family, line))


def combined(setting: Setting, X: Expr, value: Line, *parts: tuple[Expr, Expr, Line]) -> Line:
    """Col(X) ⊆ S_F from X = aA + bB, Col(A) ⊆ S_F and Col(B) ⊆ S_F."""
    s, mark = setting.s, setting.s.mark()
    families, lines = [], []
    for i, (_, scale, inside) in enumerate(parts):
        (c,), line = s.obtain(unfolded(s, inside), f"c_{i}")
        families.append((scale, c))
        lines.append((line, scale))
    family = fn(
        Index(setting.K), lambda k: sum((a * c(k) for a, c in families[1:]), families[0][0] * families[0][1](k))
    )
    written = eq(X, total(setting.K, lambda k: minv(setting.mix.sigma_bar) @ setting.mu(k) @ family(k).T))
    found = s.release(combination(setting, X, family, s.lin(written, [value, *lines])), mark)
    s.forget(mark)
    return found


def alike(s: Script, e: Equality) -> Line:
    """∀j, k. E π_k = E π_j ∧ w_k = w_j, where the components are one orbit."""
    K = e.set.K
    closed = closed_forms(e.set, e.A)
    j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
    mark = s.mark()
    (_, _), symmetry = s.obtain(s.spec(s.assume(sym.ONE_ORBIT), j, k), "σ", "τ")
    s.step("symmetry", "For any j and k let σ be a symmetry of the mixture with σ(j) = k, and τ its inverse.", symmetry)
    moved = Symmetric(e, symmetry, closed)
    unique = s.step("unique", "So A′A′ᵀ = AAᵀ: L(A) = L(A′) ≤ L(X).", moved.unique())
    shares = s.step("shares", "Hence E π_σ(j) = E π_j.", moved.shares(j, unique))
    found = s.both(s.rewrite(moved.takes, shares), s.rewrite(moved.takes, s.spec(moved.weights, j)))
    found = s.release(found, mark)
    s.forget(mark)
    return s.gen(found, j, k)


def own_share(s: Script, e: Equality) -> Line:
    """∀k. E π_k = w_k: all E π_k are equal, all w_k are equal, and both sum to 1."""
    st, K, w = e.set, e.set.K, e.set.w
    same = s.step("orbit", "Any two components have the same E π_k and the same weight.", alike(s, e))
    j, k = fresh(Index(K), "j"), fresh(Index(K), "k")

    def share(k: Expr) -> Expr:
        return sym.share(st.mix, e.A, k)

    shares, weights = s.parts(s.spec(same, j, k))  # E π_k = E π_j, w_k = w_j
    each = s.lin(eq(w(j) * share(k), w(k) * share(j)), [(shares, w(j)), (weights, share(j))])
    summed = s.same(total(K, lambda j: w(j) * share(k)), s.gen(each, j))
    ones = s.lin(eq(total(K, share), 1), [st.weights_sum], e.rows)
    found = s.gen(s.lin(eq(share(k), w(k)), [summed, (st.weights_sum, share(k)), (ones, w(k))]), k)
    return s.step("own-share", "As both sum to 1, E π_k = w_k.", found)


def equality(s: Script, setting: Setting) -> Line:
    """(Minimises(A) ⟹ E π_k = w_k ∧ Col(A) = S_F) ∧ (E π_k ≤ w_k ⟹ Minimises(A) ⟹ Col(A) = S_F)."""
    e = Equality(s, setting)
    enough = condition(s, e)
    own = own_share(s, e)
    k = fresh(Index(setting.K), "k")
    at_most = s.gen(s.lin(sym.share(setting.mix, e.A, k) <= setting.w(k), [s.spec(own, k)]), k)
    whole = s.both(own, s.mp(enough, at_most, e.best))
    s.step("equality", "So a minimiser has E π_k = w_k and Col(A) = S_F.", whole)
    return s.both(s.discharge(whole, e.best), enough)


def _proposal(s: Script, line: Line, names: tuple[str, ...]) -> Proposal:
    known = {**v.HYPOTHESES, **sym.HYPOTHESES}
    return s.qed(line, {name: known[name] for name in names})


def prove_condition() -> Proposal:
    """E π_k ≤ w_k for all k ⟹ Minimises(A) ⟹ Col(A) = S_F, for any mixture that is centred, at δ = 1."""
    s = Script("infonce-equality-balanced-condition")
    return _proposal(s, condition(s, Equality(s, Setting(s))), tuple(n for n in HYPOTHESES if n != "one-orbit"))


def prove() -> Proposal:
    """infonce-equality-balanced."""
    s = Script("infonce-equality-balanced")
    return _proposal(s, equality(s, Setting(s)), HYPOTHESES)
