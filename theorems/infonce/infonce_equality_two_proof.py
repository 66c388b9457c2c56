"""Proof of `infonce-equality-two`: two centred components, any δ > 0: Col(A*) = S_F.

Since w_iμ_i + w_jμ_j = 0, S_F is a line or {0}: it has a basis of at most one column, so r ≥ 1 suffices. A map with its
columns in a line is 0 or reaches all of it. At A = 0 the softmax is w, and the slope of v is −δ Σ_k w_k a_k²: not
negative only if every a_k is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from thmverify.formulas import mixtures as v
from thmverify.formulas.mixtures import COLUMNS_REACH
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Expr,
    Index,
    delta,
    eq,
    exists,
    eye,
    fn,
    fresh,
    inv,
    minv,
    num,
    real,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.algebra import basis_of, no_wider
from thmverify.proofs.lemmas.basic import divide, positive_nonzero, squared
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.infonce.equality_lemmas import Equality, eye_one
from thmverify.theorems.infonce.infonce_slope_proof import line_parts

HYPOTHESES = (
    "weights-positive", "weights-sum", "covariances-definite", "shared-covariance", "bias-range", "centred",
    "two-components", "bias-positive", "some-column",
)  # fmt: skip


class Two:
    """Two components i and j with w_iμ_i + w_jμ_j = 0: every mean is a multiple s_k of μ_j."""

    def __init__(self, s: Script, setting: Setting) -> None:
        """Choose i and j."""
        self.s, self.set = s, setting
        (self.i, self.j), line = s.obtain(setting.hypothesis("two-components"), "i", "j")
        self.apart, self.only = line_parts(s, line)
        self.weights = self._weights()
        w = setting.w
        i, j = self.i, self.j
        mean_zero = [setting.hypothesis("centred"), self.expanded(lambda k: w(k) * setting.mu(k))]
        centred = s.lin(eq(w(i) * setting.mu(i) + w(j) * setting.mu(j), zero(setting.d)), mean_zero)
        one = s.mp(s.apply("reciprocal", [], [w(i)]), positive_nonzero(s, s.spec(setting.positive, i)))
        ratio = inv(w(i)) * w(j)
        self.balance = s.lin(eq(setting.mu(i), -ratio * setting.mu(j)), [(centred, inv(w(i))), (one, setting.mu(i))])
        self.z, self.is_z = s.let("z", setting.mu(j))

    def _weights(self) -> Line:
        """∀k. [k = i] + [k = j] = 1."""
        s, i, j = self.s, self.i, self.j
        k = fresh(Index(self.set.K), "k")
        is_i, is_j = s.assume(eq(k, i)), s.assume(eq(k, j))
        clash = s.discharge(s.taut(~eq(k, j), s.discharge(s.rewrite(is_i, is_j), is_j), self.apart), is_i)
        at_i, at_j = s.apply("kronecker", [], [k, i]), s.apply("kronecker", [], [k, j])
        claim = eq(delta(k, i) + delta(k, j), 1)
        ways = []
        for a, b in ((1, 0), (0, 1)):
            p, q = s.assume(eq(delta(k, i), a)), s.assume(eq(delta(k, j), b))
            ways.append(s.discharge(s.lin(claim, [p, q]), p, q))
        return s.gen(s.taut(claim, at_i, at_j, clash, s.spec(self.only, k), *ways), k)

    def expanded(self, t: Callable[[Expr], Expr]) -> Line:
        """Σ_k t_k = t_i + t_j."""
        s, K = self.s, self.set.K
        k = fresh(Index(K), "k")
        part = s.lin(eq(t(k), (delta(k, self.i) + delta(k, self.j)) * t(k)), [(s.spec(self.weights, k), t(k))])
        return s.lin(eq(total(K, t), t(self.i) + t(self.j)), [s.same(total(K, t), s.gen(part, k))])

    def multiple(self, k: Expr) -> Expr:
        """s_k = [k = j] − (w_j/w_i)[k = i]."""
        w = self.set.w
        return delta(k, self.j) - inv(w(self.i)) * w(self.j) * delta(k, self.i)

    @cached_property
    def on_line(self) -> Line:
        """∀k. μ_k = s_k z, with z = μ_j."""
        s, i, j, mu = self.s, self.i, self.j, self.set.mu
        k = fresh(Index(self.set.K), "k")
        apart = s.taut(eq(delta(i, j), 0), s.apply("kronecker", [], [i, j]), self.apart)
        cases = []
        ratio = inv(self.set.w(i)) * self.set.w(j)
        at_i = s.lin(eq(mu(i), self.multiple(i) * self.z), [self.balance, (apart, self.z), (self.is_z, ratio)])
        at_j = s.lin(eq(mu(j), self.multiple(j) * self.z), [(apart, ratio * self.z), self.is_z])
        for x, proof in ((i, at_i), (j, at_j)):
            here = s.assume(eq(k, x))
            back = self._turn(here)
            name = fresh(Index(self.set.K), "f")
            template = eq(mu(name), self.multiple(name) * self.z)
            cases.append(s.discharge(s.apply("rewrite", [[back, proof]], [name, template]), here))
        return s.gen(s.taut(eq(mu(k), self.multiple(k) * self.z), s.spec(self.only, k), *cases), k)

    def _turn(self, line: Line) -> Line:
        """b = a from a = b, for indices."""
        name = fresh(Index(self.set.K), "f")
        a = line.left
        same = self.s.apply("kronecker", [], [a, a])
        itself = self.s.taut(eq(a, a), same, self.s.discharge(*self._zero_is_one(a)), self.s.calc(num(0) < 1))
        return self.s.apply("rewrite", [[line, itself]], [name, eq(name, a)])

    def _zero_is_one(self, a: Expr) -> tuple[Line, Line]:
        supposed = self.s.assume(eq(delta(a, a), 0))
        return self.s.lin(num(1) <= 0, [supposed]), supposed


def reach(s: Script, two: Two) -> Line:
    """r ≥ dim S_F: a basis of S_F has at most one column, and r ≥ 1."""
    setting, mu = two.set, two.set.mu
    S = setting.mix.sigma_bar
    line_of = two.on_line
    mark = s.mark()
    basis = basis_of(s, fn(Index(setting.K), lambda k: minv(S) @ mu(k)))
    (m, B, plus, h, c), line = s.obtain(basis, "m", "B", "B⁺", "h", "c")
    independent, spans, within = s.parts(line)
    row = total(setting.K, lambda k: two.multiple(k) * c(k).T)
    thin = s.lin(eq(B, minv(S) @ two.z @ row), [within], line_of)

    column = plus @ minv(S) @ two.z
    whole = s.lin(eq(column @ row, eye(m)), [independent, (thin, 1, plus, eye(m))])
    short = s.mp(no_wider(s, column, row), whole)
    enough = s.lin(real(m) <= real(v.r), [short, setting.hypothesis("some-column")])
    raw = setting.sigma_unfolded
    parts = COLUMNS_REACH
    shape = Expr(instantiate(parts.term.args[1], m.term))
    has_basis = shape.term.args[0]
    at_B = Expr(instantiate(has_basis.args[1], B.term))
    left = s.exhibit(Expr(at_B.term.args[0]), plus, independent)
    k = fresh(Index(setting.K), "k")
    spans = s.rewrite(raw, spans)
    here = s.spec(spans, k)
    reached = s.gen(s.exhibit(exists(h(k).sort, lambda x: eq(here.left, B @ x)), h(k), here), k)
    made = s.exhibit(Expr(at_B.term.args[2]), c, s.rewrite(raw, within))
    line = s.exhibit(Expr(has_basis), B, s.both(left, reached, made))
    found = s.release(s.exhibit(parts, m, s.both(line, enough)), mark)
    s.forget(mark)
    return found


def equality(s: Script, setting: Setting) -> Line:
    """MinimisesInfoNCE(A) ⟹ Col(A) = S_F."""
    two = Two(s, setting)
    s.step("line", "The means are multiples of one: w_iμ_i + w_jμ_j = 0.", two.on_line)
    enough = s.step("columns-reach", "So dim S_F ≤ 1 ≤ r.", reach(s, two))
    eq_ = Equality(s, setting, enough)
    at_zero = s.step(
        "slope-at-zero",
        "At A = 0 the slope is −δ Σ w_k a_k²; it is not negative only if every a_k is 0.",
        _zero_map(s, eq_),
    )
    elsewhere = s.step(
        "all-or-nothing", "If A ≠ 0 then v = 0: the column space is the whole line.", _nonzero_map(s, two, eq_)
    )
    none = s.taut(Expr(at_zero.theorem.conclusion.args[1]), at_zero, elsewhere)
    return eq_.conclude(none)


def _zero_map(s: Script, e: Equality) -> Line:
    """A = 0 ⟹ ∀k. a_k = 0."""
    K, w = e.set.K, e.set.w
    nothing = s.assume(eq(e.A, zero(e.set.d, v.r)))
    product = s.mp(e.at_zero, nothing)
    average = e.average_vanishes()
    mean_a = total(K, lambda k: w(k) * e.a(k))
    bound = s.lin(e.set.mix.delta * e.spread <= 0, [e.slope, (average, e.set.mix.delta * mean_a)], product)
    positive = e.set.hypothesis("bias-positive")
    turned = s.lin(num(0) <= e.set.mix.delta * (-e.spread), [bound])
    low = divide(s, positive, turned, num(0) <= -e.spread)
    return s.discharge(e.all_vanish(s.lin(e.spread <= 0, [low])), nothing)


def _nonzero_map(s: Script, two: Two, e: Equality) -> Line:
    """A ≠ 0 ⟹ ∀k. a_k = 0: A = u xᵀ and v = u t with u = Σ⁻¹μ_j, and 0 = AᵀΣv = x (uᵀΣu) t."""
    setting, S = e.set, e.set.mix.sigma_bar
    u, line_of, mark = minv(S) @ two.z, two.on_line, s.mark()

    def combination(c: Expr) -> Expr:
        return total(setting.K, lambda k: two.multiple(k) * c(k).T)

    parts = []
    for X, inside, name in ((e.A, e.within, "c"), (e.v, e.v_within, "e")):
        unfolded = setting.unfold(inside.formula)
        (c,), written = s.obtain(s.taut(unfolded.right, unfolded, inside), name)
        row = combination(c)
        parts.append((row, s.lin(eq(X, u @ row), [written], line_of)))
    (x, is_A), (t, is_v) = parts
    q, size = tr(u.T @ S @ u), tr(x @ x.T)
    flat = s.lin(eq(size * (q * tr(t)), 0), [(e.across, 1, x, eye_one())], is_A, is_v)
    nonzero = s.assume(~eq(e.A, zero(setting.d, v.r)))
    empty = s.assume(eq(size, 0))
    law = squared(s, x.T)[1]
    gone = s.mp(law, s.lin(law.left, [empty]))
    is_zero = s.lin(eq(e.A, zero(setting.d, v.r)), [is_A, (_transposed(s, gone), 1, u, eye(v.r))])
    positive = s.taut(~empty.formula, s.discharge(is_zero, empty), nonzero)
    one = s.mp(s.apply("reciprocal", [], [size]), positive)
    still = s.lin(eq(q * tr(t), 0), [(flat, inv(size)), (one, q * tr(t))])
    length = s.lin(eq(tr(e.v.T @ S @ e.v), 0), [(still, tr(t))], is_v)
    strict = s.spec(s.parts(setting.sigma_definite)[1], e.v)
    v_zero = s.taut(eq(e.v, zero(setting.d)), strict, s.lin(strict.right.right <= 0, [length]))
    k = fresh(Index(setting.K), "k")
    none = s.gen(s.lin(eq(e.a(k), 0), [], v_zero), k)
    found = s.release(s.discharge(none, nonzero), mark)
    s.forget(mark)
    return found


def _transposed(s: Script, line: Line) -> Line:
    """Xᵀ = 0 from X = 0, for a column X that is a transpose."""
    X = line.left
    same = s.same(X.T, line)
    return s.lin(eq(X.T, zero(X.cols, X.rows)), [same])


def prove() -> Proposal:
    """infonce-equality-two."""
    s = Script("infonce-equality-two")
    return s.qed(equality(s, Setting(s)), {name: v.HYPOTHESES[name] for name in HYPOTHESES})
