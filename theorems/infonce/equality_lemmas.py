"""From the slope to equality: what the proofs of Col(A*) = S_F for InfoNCE share."""

from __future__ import annotations

from collections.abc import Callable

from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import Col, Expr, Index, conj, delta, eq, eye, fresh, num, total, tr, zero
from thmverify.proofs.lemmas.basic import divide, root_vanishes, sandwich, square_nonnegative, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce import infonce_slope_proof as infonce_slope
from thmverify.theorems.infonce.infonce_slope_proof import line_parts, nothing_missed


class Equality:
    """A minimiser A of InfoNCE, the facts of infonce-slope about it, and what remains to be shown for each v."""

    def __init__(self, s: Script, setting: Setting, reach: Line | None = None) -> None:
        """Cite infonce-slope; `reach` is r ≥ dim S_F where it is derived and not supposed."""
        self.s, self.set, self.A = s, setting, v.A
        self.best = s.assume(setting.mix.minimises_infonce(self.A))
        facts = s.cite("infonce-slope", infonce_slope.slope)
        if reach is not None:
            facts = s.mp(s.discharge(facts, reach.formula), reach)
        steep, overlap, self.contains = line_parts(s, facts)
        self.positive, self.rows, self.at_zero = line_parts(s, overlap)
        self.within, self.slopes = line_parts(s, s.mp(steep, self.best))
        self.v = fresh(Col(setting.d), "v")
        self.v_within = s.assume(setting.mix.within_fisher(self.v))
        self.across = s.assume(eq(self.A.T @ setting.mix.sigma_bar @ self.v, zero(v.r)))
        self.slope = s.mp(s.spec(self.slopes, self.v), s.both(self.v_within, self.across))

    def a(self, k: Expr) -> Expr:
        """a_k = vᵀμ_k."""
        return tr(self.v.T @ self.set.mu(k))

    @property
    def spread(self) -> Expr:
        """Σ_k w_k a_k²."""
        return total(self.set.K, lambda k: self.set.w(k) * self.a(k) * self.a(k))

    @property
    def crossed(self) -> Expr:
        """Σ_jk Q_jk a_j a_k."""
        K, Q = self.set.K, self.set.mix.overlap
        return total(K, lambda j: total(K, lambda k: Q(self.A, j, k) * self.a(j) * self.a(k)))

    def average_vanishes(self) -> Line:
        """Σ_k w_k a_k = 0 where the mixture is centred."""
        s, K = self.s, self.set.K
        centred = self.set.hypothesis("centred")
        return s.lin(eq(total(K, lambda k: self.set.w(k) * self.a(k)), 0), [(centred, 1, self.v.T, eye_one())])

    def all_vanish(self, low: Line) -> Line:
        """∀k. a_k = 0 from Σ_k w_k a_k² ≤ 0."""
        return squares_vanish(self.s, self.set, self.a, low)

    def conclude(self, none: Line) -> Line:
        """MinimisesInfoNCE(A) ⟹ Col(A) = S_F, from ∀k. a_k = 0 for every v."""
        s = self.s
        given = conj(self.v_within.formula, self.across.formula)
        whole = s.assume(given)
        missed = s.discharge(s.taut(none.formula, s.discharge(none, self.v_within, self.across), whole), whole)
        missed = s.gen(missed, self.v)
        if missed.formula != nothing_missed(self.set, self.A):
            raise ValueError("what is missed is not what infonce-slope asks for")
        spans = s.mp(self.contains, self.within, missed)
        return s.discharge(s.both(self.within, spans), self.best)


def eye_one() -> Expr:
    """The 1 × 1 identity."""
    return eye(1)


def squares_vanish(s: Script, setting: Setting, a: Callable[[Expr], Expr], low: Line) -> Line:
    """∀k. a_k = 0 from Σ_k w_k a_k² ≤ 0 and 0 < w_k."""
    K, w = setting.K, setting.w
    j, k = fresh(Index(K), "j"), fresh(Index(K), "k")
    square = square_nonnegative(s, a(k))
    part = s.apply("product", [[weaken(s, s.spec(setting.positive, k)), square]])
    cases = s.apply("kronecker", [], [j, k])
    claim = delta(j, k) * (w(k) * a(k) * a(k)) <= w(k) * a(k) * a(k)
    one, none = s.assume(eq(delta(j, k), 1)), s.assume(eq(delta(j, k), 0))
    value = w(k) * a(k) * a(k)
    same = s.discharge(s.lin(claim, [(one, value)]), one)
    less = s.discharge(s.lin(claim, [(none, value), part]), none)
    bounded = s.apply("sum_order", [[s.gen(s.taut(claim, cases, same, less), k)]])
    own = s.lin(w(j) * a(j) * a(j) <= 0, [bounded, low])
    return s.gen(zero_square(s, s.spec(setting.positive, j), a(j), own), j)


def zero_square(s: Script, positive: Line, a: Expr, low: Line) -> Line:
    """a = 0 from 0 < w and w a² ≤ 0."""
    down = divide(s, positive, s.lin(num(0) <= positive.right * (-(a * a)), [low]), num(0) <= -(a * a))
    return root_vanishes(s, sandwich(s, s.lin(a * a <= 0, [down]), square_nonnegative(s, a)))
