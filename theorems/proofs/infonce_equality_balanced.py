"""Proof of `infonce-equality-balanced`: where the negatives take each component's own share, nothing of S_F is missed.

Let A be a minimiser at δ = 1 with E π_k ≤ w_k for all k, and v in S_F with AᵀΣ̄v = 0, a_k = vᵀμ_k. By infonce-slope

    0 ≤ Σ_jk Q_jk a_j a_k − Σ_k w_k a_k² ≤ −½ Σ_jk Q_jk (a_j − a_k)²,

as Q has the row sums w_j and the column sums E π_k. Q_jk > 0, so all a_k are equal, to their mean vᵀμ̄ = 0.

That E π_k = w_k where the components are one orbit is assumed so far, by name.
"""

from __future__ import annotations

from theorems.proofs.equality import Equality, square_of, zero_square
from verify.formulas import mixtures as v
from verify.formulas import symmetry as sym
from verify.proving.expressions import Expr, Index, conj, eq, fresh, num, total
from verify.proving.lemmas.basic import weaken
from verify.proving.lemmas.mixtures import Setting
from verify.proving.lemmas.subspaces import summand_vanishes
from verify.proving.proposal import Proposal
from verify.proving.script import Line, Script

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

    def __init__(self, s: Script, setting: Setting) -> None:
        """Cite infonce-slope and suppose the condition."""
        self.s, self.set, self.e = s, setting, Equality(s, setting)
        self.given = s.assume(sym.at_most_own_share(setting.mix, self.e.A))

    def apart(self, j: Expr, k: Expr) -> Expr:
        """Q_jk (a_j − a_k)²."""
        gap = self.e.a(j) - self.e.a(k)
        return self.set.mix.overlap(self.e.A, j, k) * gap * gap

    def columns(self) -> Line:
        """Σ_jk Q_jk a_k² ≤ Σ_k w_k a_k²."""
        s, K, e = self.s, self.set.K, self.e
        k = fresh(Index(K), "k")
        square = s.lin(num(0) <= e.a(k) * e.a(k), [square_of(s, e.a(k))])
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
        part = s.apply("product", [[weaken(s, positive), s.lin(num(0) <= gap * gap, [square_of(s, gap)])]])
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


def condition(s: Script, setting: Setting) -> Line:
    """E π_k ≤ w_k for all k ⟹ Minimises(A) ⟹ Col(A) = S_F, at δ = 1 for a centred mixture."""
    b = Balanced(s, setting)
    defect = s.step("defect", "If E π_k ≤ w_k for all k, the slope is at most −½ Σ_jk Q_jk (a_j − a_k)².", b.defect())
    equal = s.step("equal", "As Q_jk > 0, all a_j are equal.", b.equal(defect))
    none = s.step("vanish", "Equal numbers are their own mean, which is vᵀμ̄ = 0.", b.vanish(equal))
    return s.step(
        "condition",
        "So a minimiser with E π_k ≤ w_k for all k misses nothing of S_F.",
        s.discharge(b.e.conclude(none), b.given),
    )


def prove() -> Proposal:
    """infonce-equality-balanced."""
    s = Script("infonce-equality-balanced")
    setting = Setting(s)
    line = condition(s, setting)
    best = setting.mix.minimises_infonce(v.A)
    symmetric = s.assume(sym.ONE_ORBIT >> (best >> sym.own_share(setting.mix, v.A)))
    share = s.assume(sym.own_share(setting.mix, v.A))
    k = fresh(Index(setting.K), "k")
    at_most = s.gen(s.lin(sym.share(setting.mix, v.A, k) <= setting.w(k), [s.spec(share, k)]), k)
    at_most = s.discharge(at_most, share)
    orbit, equality = s.assume(sym.ONE_ORBIT), line.right.right
    whole = s.taut(conj(best >> (share.formula & equality), line.formula), line, symmetric, at_most, orbit)
    known = {**v.HYPOTHESES, **sym.HYPOTHESES}
    return s.qed(whole, {name: known[name] for name in HYPOTHESES}, {"symmetric-minimiser": symmetric.formula})
