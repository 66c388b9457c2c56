"""Proof of sufficiency: two points that the pairs do not tell apart get their mean feature, and the loss falls.

Let w(a, z)/w_a = w(b, z)/w_b for every z, v = (f(a) − f(b))/(w_a + w_b), and g(a) = g(b) the mean of f(a) and f(b), so
that f(a) = g(a) + w_b v and f(b) = g(b) − w_a v; elsewhere g = f. The pairs see the mean alone: both have the same
alignment. In Σ_y w_y exp f(x)ᵀf(y) each exponential lies above its tangent at f(x)ᵀg(y), and the slopes cancel: it does
not grow when f(y) is replaced by g(y). Then log-sum-exp of f(x)ᵀg(y) lies above its tangent at g(x), and the slopes
cancel again. So g does no worse than f, and f minimises only if nothing is lost: e^h = 1 + h for h = w_b f(x)ᵀv at
x = a and at x = b. Then f(a)ᵀv = f(b)ᵀv = 0, |v|² = 0, and f(a) = f(b).
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import graphs as v
from thmverify.formulas.graphs import pairs
from thmverify.proofs.expressions import (
    Expr,
    Index,
    Real,
    delta,
    eq,
    exp,
    eye,
    fresh,
    inv,
    lse,
    num,
    total,
    tr,
    var,
)
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    by_cases,
    definition,
    exp_order,
    exp_positive,
    positive_nonzero,
    reflexive,
    root_vanishes,
    sandwich,
    some_index,
    square_nonnegative,
    unfolded,
    vanishes,
    weaken,
)
from thmverify.proofs.lemmas.graphs import GraphSetting
from thmverify.proofs.lemmas.subspaces import index_equal, summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-symmetric", "degrees-positive")


def touches_once(s: Script) -> Line:
    """∀h. exp h ≤ 1 + h ⟹ h = 0: (1 + ½h)² ≤ exp(½h)² = exp h where 1 + ½h ≥ 0, and elsewhere 1 + h < 0."""
    h = fresh(Real, "h")
    given = s.assume(exp(h) <= 1 + h)
    half = num("1/2") * h
    claim = h * h <= 0

    def above(low: Line) -> Line:
        tangent = s.parts(s.apply("exponential", [], [half]))[0]
        first = s.apply(
            "product", [[s.lin(num(0) <= 1 + half, [low]), s.lin(num(0) <= exp(half) - 1 - half, [tangent])]]
        )
        positive = weaken(s, exp_positive(s, half))
        second = s.apply("product", [[positive, s.lin(num(0) <= exp(half) - 1 - half, [tangent])]])
        return s.lin(claim, [(first, 4), (second, 4), (given, 4)])

    def below(low: Line) -> Line:
        absurd = s.lin(num(0) < 0, [given, exp_positive(s, h), low])
        return s.taut(claim, absurd, s.calc(num(0) <= 0))

    square = by_cases(s, -1, half, claim, above, below)
    return s.gen(s.discharge(root_vanishes(s, sandwich(s, square, square_nonnegative(s, h))), given), h)


class Merge:
    """Features f that minimise, points a ≠ b that are alike, and the features g with their mean at both."""

    def __init__(self, s: Script, setting: GraphSetting, minimal: Line, a: Expr, b: Expr) -> None:
        """Suppose that a and b are alike and not the same."""
        self.s, self.set, self.graph, self.f, self.a, self.b = s, setting, setting.g, v.f, a, b
        self.minimal, self.apart = minimal, s.assume(~eq(a, b))
        self.alike = s.assume(self.graph.alike(a, b))
        self.d = self.graph.degree
        self.positive = setting.positive
        self.da, self.db = self.d(a), self.d(b)
        some = s.known(some_index, v.n)
        self.nonempty = s.taut(some.left, some, s.exhibit(some.right, a, reflexive(s, a)))
        both = s.lin(num(0) < self.da + self.db, [s.spec(self.positive, a), s.spec(self.positive, b)])
        self.whole = s.mp(s.apply("reciprocal", [], [self.da + self.db]), positive_nonzero(s, both))
        self.v, self.is_v = s.let("v", inv(self.da + self.db) * (self.f(a) - self.f(b)))
        self.g, self.is_g = s.let_family("g", [Index(v.n)], lambda x: self.f(x) - self.moved(x) * self.v)

    def moved(self, x: Expr) -> Expr:
        """[x = a] w_b − [x = b] w_a."""
        return delta(x, self.a) * self.db - delta(x, self.b) * self.da

    @cached_property
    def kronecker(self) -> Line:
        """[a = b] = 0."""
        s, a, b = self.s, self.a, self.b
        return s.taut(eq(delta(a, b), 0), s.apply("kronecker", [], [a, b]), self.apart)

    @cached_property
    def features(self) -> Line:
        """∀x. f(x) = g(x) + [x = a] w_b v − [x = b] w_a v."""
        s, x = self.s, fresh(Index(v.n), "x")
        return s.gen(s.lin(eq(self.f(x), self.g(x) + self.moved(x) * self.v), [s.spec(self.is_g, x)]), x)

    @cached_property
    def difference(self) -> Line:
        """f(a) − f(b) = (w_a + w_b) v."""
        s, gap = self.s, self.f(self.a) - self.f(self.b)
        return s.lin(eq(gap, (self.da + self.db) * self.v), [(self.is_v, self.da + self.db), (self.whole, gap)])

    @cached_property
    def same(self) -> Line:
        """g(b) = g(a)."""
        s = self.s
        parts = [s.spec(self.is_g, self.b), (s.spec(self.is_g, self.a), -1), self.difference]
        return s.lin(eq(self.g(self.b), self.g(self.a)), parts, self.kronecker)

    # -- what the pairs see --------------------------------------------------------------------------------------------

    def aligned(self, f: Expr) -> Expr:
        """Σ w(x, y) f(x)ᵀf(y)."""
        return pairs(v.n, lambda x, y: v.w(x, y) * tr(f(x).T @ f(y)))

    @cached_property
    def alignment(self) -> Line:
        """The alignment of f is that of g: w_b w(x, a) = w_a w(x, b) for every x."""
        s, a, b, x = self.s, self.a, self.b, fresh(Index(v.n), "x")
        law, symmetric = unfolded(s, self.alike), self.set.hypothesis("weights-symmetric")

        def row(f: Expr, x: Expr) -> Expr:  # what x has with all others
            return total(v.n, lambda y: v.w(x, y) * f(y))

        turned = [s.spec(symmetric, y, x) for y in (a, b)]
        here = s.lin(
            eq(v.w(x, a) * self.db, v.w(x, b) * self.da),
            [s.spec(law, x), (turned[0], -self.db), (turned[1], self.da)],
        )
        rows = s.lin(eq(row(self.f, x), row(self.g, x)), [(here, self.v)], self.features)
        first = s.lin(eq(self.aligned(self.f), total(v.n, lambda x: tr(self.f(x).T @ row(self.f, x)))), [])
        second = s.same(first.right, s.gen(rows, x))
        # Σ_x f(x)ᵀ Σ_y w(x, y) g(y) = Σ_y g(y)ᵀ Σ_x w(y, x) f(x)
        y = fresh(Index(v.n), "y")
        swap = s.gen(s.lin(eq(v.w(x, y) * tr(self.f(x).T @ self.g(y)), v.w(y, x) * tr(self.f(x).T @ self.g(y))),
                           [(s.spec(symmetric, x, y), tr(self.f(x).T @ self.g(y)))]), x, y)  # fmt: skip
        spread = pairs(v.n, lambda x, y: v.w(x, y) * tr(self.f(x).T @ self.g(y)))
        swapped = s.same(spread, swap)
        third = s.lin(eq(swapped.right, total(v.n, lambda y: tr(self.g(y).T @ row(self.f, y)))), [])
        fourth = s.same(third.right, s.gen(rows, x))
        last = s.lin(eq(fourth.right, self.aligned(self.g)), [])
        return s.lin(eq(self.aligned(self.f), self.aligned(self.g)), [first, second, swapped, third, fourth, last])

    # -- the negatives -------------------------------------------------------------------------------------------------

    def soft(self, one: Expr, x: Expr, other: Expr) -> SoftMax:
        """The log-sum-exp over y of one(x)ᵀother(y)."""
        return SoftMax(self.s, v.n, self.d, lambda y: tr(one(x).T @ other(y)), self.positive, self.nonempty)

    def height(self, x: Expr, y: Expr) -> Expr:
        """h = f(x)ᵀ(f(y) − g(y))."""
        return self.moved(y) * tr(self.f(x).T @ self.v)

    def excess(self, x: Expr, y: Expr) -> Expr:
        """w_y exp(f(x)ᵀg(y)) (e^h − 1 − h)."""
        return self.d(y) * (exp(tr(self.f(x).T @ self.g(y))) * (exp(self.height(x, y)) - 1 - self.height(x, y)))

    @cached_property
    def nonnegative(self) -> Line:
        """∀x, y. 0 ≤ excess."""
        s, x, y = self.s, fresh(Index(v.n), "x"), fresh(Index(v.n), "y")
        tangent = s.parts(s.apply("exponential", [], [self.height(x, y)]))[0]
        low = s.lin(num(0) <= exp(self.height(x, y)) - 1 - self.height(x, y), [tangent])
        part = s.apply("product", [[weaken(s, exp_positive(s, tr(self.f(x).T @ self.g(y)))), low]])
        part = s.apply("product", [[weaken(s, s.spec(self.positive, y)), s.lin(num(0) <= part.right, [part])]])
        return s.gen(s.lin(num(0) <= self.excess(x, y), [part]), x, y)

    @cached_property
    def inner(self) -> Line:
        """∀x. Σ_y w_y exp f(x)ᵀf(y) = Σ_y w_y exp f(x)ᵀg(y) + Σ_y excess: the slopes cancel."""
        s, x, y = self.s, fresh(Index(v.n), "x"), fresh(Index(v.n), "y")
        high, mid = self.soft(self.f, x, self.f), self.soft(self.f, x, self.g)
        apart = s.gen(
            s.calc(
                eq(exp(tr(self.f(x).T @ self.f(y))), exp(tr(self.f(x).T @ self.g(y))) * exp(self.height(x, y))),
                self._only(x, y),
            ),
            y,
        )
        opened = s.same(high.whole, apart)
        excess = total(v.n, lambda y: self.excess(x, y))
        return s.gen(s.lin(eq(high.whole, mid.whole + excess), [opened], self.same), x)

    def _only(self, x: Expr, y: Expr) -> Line:
        """f(x)ᵀf(y) = f(x)ᵀg(y) + h, with f(x) as it is."""
        s = self.s
        return s.lin(
            eq(tr(self.f(x).T @ self.f(y)), tr(self.f(x).T @ self.g(y)) + self.height(x, y)),
            [(s.spec(self.features, y), 1, self.f(x).T, eye(1))],
        )

    @cached_property
    def falls(self) -> Line:
        """∀x. lse f(x)ᵀg(y) ≤ lse f(x)ᵀf(y)."""
        s, x = self.s, fresh(Index(v.n), "x")
        high, mid = self.soft(self.f, x, self.f), self.soft(self.f, x, self.g)
        summed = s.apply("sum_order", [[s.spec(self.nonnegative, x)]])
        order = s.lin(
            exp(mid.lse) <= exp(high.lse),
            [s.lin(num(0) <= summed.right, [summed]), s.spec(self.inner, x), (mid.exp_lse, -1), high.exp_lse],
        )
        return s.gen(exp_order(s, order), x)

    def spread(self, one: Expr, other: Expr) -> Expr:
        """Σ_x w_x log Σ_y w_y exp one(x)ᵀother(y)."""
        return total(v.n, lambda x: self.d(x) * lse(v.n, self.d, lambda y: tr(one(x).T @ other(y))))

    @cached_property
    def outer(self) -> Line:
        """The mean log-sum-exp of g(x)ᵀg(y) is at most that of f(x)ᵀg(y): its slopes cancel."""
        s, x = self.s, fresh(Index(v.n), "x")
        low = self.soft(self.g, x, self.g)
        tangent = low.tangent(lambda y: self.moved(x) * tr(self.v.T @ self.g(y)))
        mid = lse(v.n, self.d, lambda y: tr(self.f(x).T @ self.g(y)))
        gained = low.lse + total(v.n, lambda y: low.p(y) * (self.moved(x) * tr(self.v.T @ self.g(y))))
        line = s.lin(gained <= mid, [tangent], s.spec(self.features, x))
        part = s.apply("product", [[weaken(s, s.spec(self.positive, x)), line]])
        part = s.lin(self.d(x) * gained <= self.d(x) * mid, [part])
        summed = s.apply("sum_order", [[s.gen(part, x)]])
        return s.lin(self.spread(self.g, self.g) <= self.spread(self.f, self.g), [summed], self.same)

    @cached_property
    def no_gain(self) -> Line:
        """Σ_x w_x (lse f(x)ᵀf(y) − lse f(x)ᵀg(y)) ≤ 0 at a minimiser."""
        s, x = self.s, fresh(Index(v.n), "x")
        least = s.spec(unfolded(s, self.minimal), self.g)
        values = []
        for f in (self.f, self.g):
            loss, soft = self.graph.infonce(f), self.soft(f, x, f)
            opened = s.same(loss, definition(s, loss), s.gen(s.flip(soft.is_log), x))
            values.append(s.lin(eq(loss, self.spread(f, f) - self.aligned(f)), [opened]))
        gap = total(v.n, lambda x: self.d(x) * (self.soft_lse(x, self.f) - self.soft_lse(x, self.g)))
        return s.lin(gap <= 0, [least, *values, self.alignment, self.outer])

    def soft_lse(self, x: Expr, other: Expr) -> Expr:
        """Lse over y of f(x)ᵀother(y)."""
        return lse(v.n, self.d, lambda y: tr(self.f(x).T @ other(y)))

    # -- what vanishes -------------------------------------------------------------------------------------------------

    def flat(self, x: Expr) -> Line:
        """f(x)ᵀv = 0."""
        s, y = self.s, fresh(Index(v.n), "x")
        lost = s.lin(num(0) <= self.soft_lse(y, self.f) - self.soft_lse(y, self.g), [s.spec(self.falls, y)])
        part = s.apply("product", [[weaken(s, s.spec(self.positive, y)), lost]])
        part = s.gen(s.lin(num(0) <= self.d(y) * lost.right, [part]), y)
        own = summand_vanishes(s, part, self.no_gain, x)
        positive = s.spec(self.positive, x)
        one = s.mp(s.apply("reciprocal", [], [self.d(x)]), positive_nonzero(s, positive))
        gap = self.soft_lse(x, self.f) - self.soft_lse(x, self.g)
        alike = s.lin(eq(self.soft_lse(x, self.f), self.soft_lse(x, self.g)), [(own, inv(self.d(x))), (one, gap)])
        high, mid = self.soft(self.f, x, self.f), self.soft(self.f, x, self.g)
        powers = s.same(exp(high.lse), alike)
        excess = total(v.n, lambda y: self.excess(x, y))
        none = s.lin(excess <= 0, [s.spec(self.inner, x), (powers, -1), high.exp_lse, (mid.exp_lse, -1)])
        vanished = summand_vanishes(s, s.spec(self.nonnegative, x), none, self.a)
        a = self.a
        over = s.mp(s.apply("reciprocal", [], [self.da]), positive_nonzero(s, s.spec(self.positive, a)))
        power = exp(tr(self.f(x).T @ self.g(a)))
        back = s.mp(
            s.apply("reciprocal", [], [power]), positive_nonzero(s, exp_positive(s, tr(self.f(x).T @ self.g(a))))
        )
        bend = exp(self.height(x, a)) - 1 - self.height(x, a)
        bare = s.lin(
            exp(self.height(x, a)) <= 1 + self.height(x, a),
            [(vanished, inv(self.da) * inv(power)), (over, bend * power * inv(power)), (back, bend)],
        )
        touched = s.mp(s.known(touches_once, self.height(x, a)), bare)
        level = s.lin(eq(self.db * tr(self.f(x).T @ self.v), 0), [touched], self.kronecker)
        other = s.mp(s.apply("reciprocal", [], [self.db]), positive_nonzero(s, s.spec(self.positive, self.b)))
        return s.lin(eq(tr(self.f(x).T @ self.v), 0), [(level, inv(self.db)), (other, tr(self.f(x).T @ self.v))])

    def merged(self) -> Line:
        """f(a) = f(b): (w_a + w_b) vᵀv = (f(a) − f(b))ᵀv = 0."""
        s, here, there = self.s, self.flat(self.a), self.flat(self.b)
        square = s.lin(
            eq((self.da + self.db) * tr(self.v.T @ self.v), 0),
            [here, (there, -1), (self.difference, -1, self.v.T, eye(1))],
        )
        one = s.lin(
            eq(tr(self.v.T @ self.v), 0),
            [(square, inv(self.da + self.db)), (self.whole, tr(self.v.T @ self.v))],
        )
        gone = vanishes(s, self.v, one)
        return s.lin(eq(self.f(self.a), self.f(self.b)), [self.difference, (gone, self.da + self.db)])


def sufficiency(s: Script) -> Line:
    """MinimisesGraphInfoNCE(f) ⟹ ∀a, b. Alike(a, b) ⟹ f(a) = f(b)."""
    setting, a, b = GraphSetting(s), var("a", Index(v.n)), var("b", Index(v.n))
    minimal = s.assume(setting.g.minimises_infonce(v.f))
    p = Merge(s, setting, minimal, a, b)
    s.step("mean", "f(a) − f(b) = (w_a + w_b) v, and g(a) = g(b).", s.both(p.difference, p.same))
    s.step("alignment", "The pairs see the mean of f(a) and f(b) alone: the alignment of g is that of f.", p.alignment)
    s.step("tangents", "Each exponential lies above its tangent, and the slopes at a and b cancel.", p.inner)
    s.step("inner", "So no log-sum-exp grows when f(y) is replaced by g(y),", p.falls)
    s.step("outer", "nor does their mean when f(x) is, by the tangent of log-sum-exp.", p.outer)
    s.step("minimal-gap", "A minimiser loses nothing.", p.no_gain)
    merged = s.step("merged", "So e^h = 1 + h at a and b, which only h = 0 does: f(a) = f(b).", p.merged())
    line = s.discharge(s.release(merged), p.apart)
    equal = s.assume(eq(a, b))
    trivial = s.discharge(index_equal(s, v.f(a), equal), equal)
    line = s.taut(eq(v.f(a), v.f(b)), line, trivial)
    return s.discharge(s.gen(s.discharge(line, p.alike), a, b), minimal)


def prove() -> Proposal:
    """sufficiency."""
    s = Script("sufficiency")
    return s.qed(sufficiency(s), {name: v.HYPOTHESES[name] for name in HYPOTHESES})
