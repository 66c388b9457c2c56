"""Lemmas about convex functions of columns: log-sum-exps of affine functions and their sums, and of one number.

Φ(z) = cᵀz + Σ_m a_m log Σ_l w_ml exp(v_mlᵀz + b_ml), a_m ≥ 0 and w_ml > 0, has a tangent from below at every column,
and grows at most as a polynomial, which is what `scores.convex` asks for. Along h it bends, 2Φ(z) < Φ(z + h) + Φ(z −
h), if for some m with a_m > 0 not all v_mlᵀh are one number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Index,
    Like,
    Real,
    Size,
    conj,
    delta,
    eq,
    exists,
    exp,
    fn,
    forall,
    fresh,
    log,
    lse,
    num,
    total,
    tr,
    zero,
)
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    exp_injective,
    exp_order,
    exp_positive,
    log_exp,
    reflexive,
    refute,
    root_vanishes,
    sandwich,
    some_index,
    square_nonnegative,
    square_norm,
    weaken,
)
from thmverify.proofs.lemmas.subspaces import index_equal, summand_vanishes
from thmverify.proofs.script import Line, Script

Terms = Callable[[Expr], Expr]


def exp_monotone(s: Script) -> Line:
    """∀a, b. a ≤ b ⟹ exp a ≤ exp b: exp b = exp a · exp(b − a) ≥ exp a · (1 + b − a)."""
    a, b = fresh(Real, "a"), fresh(Real, "b")
    below = s.assume(a <= b)
    tangent = s.parts(s.apply("exponential", [], [b - a]))[0]
    grows = s.apply("product", [[weaken(s, exp_positive(s, a)), tangent]])
    more = s.apply("product", [[weaken(s, exp_positive(s, a)), below]])
    return s.gen(s.discharge(s.lin(exp(a) <= exp(b), [grows, more]), below), a, b)


def quadratic_growth(s: Script) -> Line:
    """∀a, b, x. 0 ≤ x ⟹ a + bx ≤ exp(c(1 + log(1 + x))), c = 1 + a² + b².

    exp(c + cL) = exp c · exp L · exp((c − 1)L) ≥ (1 + c)(1 + x) for L = log(1 + x) ≥ 0.
    """
    a, b, x = fresh(Real, "a"), fresh(Real, "b"), fresh(Real, "x")
    low = s.assume(num(0) <= x)
    c, L = 1 + a * a + b * b, log(1 + x)
    is_log = log_exp(s, s.lin(num(0) < 1 + x, [low]))
    long = exp_order(s, s.lin(exp(0) <= exp(L), [is_log, low]))
    squares = square_nonnegative(s, a), square_nonnegative(s, b)
    first, third = (s.parts(s.apply("exponential", [], [t]))[0] for t in (c, (c - 1) * L))
    rest = s.apply("product", [[s.lin(num(0) <= c - 1, squares), long]])
    one = s.lin(num(1) <= exp((c - 1) * L), [third, rest])
    wide = s.lin(num(0) <= 1 + x, [low])
    two = s.apply("product", [[wide, s.lin(num(0) <= exp(c) - (1 + c), [first])]])
    whole = s.apply(
        "product",
        [[s.lin(num(0) <= (1 + x) * exp(c), [s.apply("product", [[wide, weaken(s, exp_positive(s, c))]])]), one]],
    )
    halves = [square_nonnegative(s, t - num("1/2")) for t in (a, b)]
    over = [s.lin(t <= 1 + c, [half, *squares]) for t, half in zip((a, b), halves, strict=True)]
    more = s.apply("product", [[low, over[1]]])
    power = s.calc(eq(exp(c * (1 + L)), exp(c) * exp(L) * exp((c - 1) * L)))
    small = s.lin(a + b * x <= (1 + x) * (1 + c), [over[0], more])
    line = s.lin(a + b * x <= exp(c * (1 + L)), [small, two, whole, power, (is_log, exp(c) * exp((c - 1) * L))])
    return s.gen(s.discharge(line, low), a, b, x)


def softmax_at_most_one(s: Script) -> Line:
    """∀n, w, x, l. (∀k. 0 < w_k) ⟹ p_l ≤ 1, p the softmax weights of w and x, which are positive and add up to 1."""
    n = fresh(Size, "n")
    w, x, l, k = fresh(Family(n, Real), "w"), fresh(Family(n, Real), "x"), fresh(Index(n), "l"), fresh(Index(n), "k")
    positive = s.assume(forall(Index(n), lambda k: w(k) > 0))
    soft = SoftMax(s, n, w, x, positive, _some(s, n, l))
    d, law = delta(k, l), s.apply("kronecker", [], [k, l])
    claim = d * soft.p(l) <= soft.p(k)
    one, none = (s.assume(Expr(case)) for case in law.theorem.conclusion.args)
    equal, unit_line = s.parts(one)
    first = s.lin(claim, [(unit_line, soft.p(l)), index_equal(s, soft.p(k), equal)])
    second = s.lin(claim, [(s.parts(none)[1], soft.p(l)), weaken(s, s.spec(soft.weight_positive(), k))])
    found = s.taut(claim, law, s.discharge(first, one), s.discharge(second, none))
    summed = s.apply("sum_order", [[s.gen(found, k)]])
    line = s.lin(soft.p(l) <= 1, [summed, soft.sums_to_one()])
    return s.gen(s.discharge(line, positive), n, w, x, l)


def _some(s: Script, n: Expr, l: Expr) -> Line:
    """1 ≤ n, since there is an index l."""
    some = s.known(some_index, n)
    return s.taut(some.left, some, s.exhibit(some.right, l, reflexive(s, l)))


def lse_bends(s: Script) -> Line:
    """∀n, w, x, d, l, k. (∀i. 0 < w_i) ⟹ d_l ≠ d_k ⟹ 2 lse(x) < lse(x + d) + lse(x − d).

    With S the sums of exponentials S₊S₋ − S² = ½ Σ_ij W_iW_j (e^u − e^{−u})², u = ½(d_i − d_j), W_i = w_i exp x_i.
    """
    n = fresh(Size, "n")
    w, x, d = (fresh(Family(n, Real), name) for name in "wxd")
    l, k = fresh(Index(n), "l"), fresh(Index(n), "k")
    given, apart = s.assume(forall(Index(n), lambda i: w(i) > 0)), s.assume(~eq(d(l), d(k)))
    base, high, low = (
        SoftMax(s, n, w, logits, given, _some(s, n, l)) for logits in (x, lambda i: x(i) + d(i), lambda i: x(i) - d(i))
    )
    i, j = fresh(Index(base.n), "i"), fresh(Index(base.n), "j")

    def half(i: Expr, j: Expr) -> Expr:
        return num("1/2") * (d(i) - d(j))

    def gap(i: Expr, j: Expr) -> Expr:
        return exp(half(i, j)) - exp(-half(i, j))

    def weight(i: Expr) -> Expr:
        return w(i) * exp(x(i))

    def part(i: Expr, j: Expr) -> Expr:
        return weight(i) * weight(j) * (gap(i, j) * gap(i, j))

    def weighed(i: Expr) -> Line:
        return s.lin(num(0) < weight(i), [s.apply("product", [[s.spec(base.positive, i), exp_positive(s, x(i))]])])

    def pair(i: Expr, j: Expr) -> Line:
        return s.lin(num(0) < weight(i) * weight(j), [s.apply("product", [[weighed(i), weighed(j)]])])

    each = s.apply("product", [[weaken(s, pair(i, j)), square_nonnegative(s, gap(i, j))]])
    each = s.gen(s.lin(num(0) <= part(i, j), [each]), j)
    rows = s.apply("sum_order", [[each]])
    rows = s.gen(s.lin(num(0) <= rows.right, [rows]), i)
    whole = total(base.n, lambda i: total(base.n, lambda j: part(i, j)))
    nothing = s.assume(whole <= 0)
    row = summand_vanishes(s, rows, nothing, l)
    own = summand_vanishes(s, s.gen(s.spec(s.gen(each, i), l, j), j), s.lin(row.left <= 0, [row]), k)
    some = pair(l, k)

    def absurd(negated: Line) -> tuple[Line, Line]:  # else the square is positive, and its product with W_lW_k
        strict = s.taut(num(0) < gap(l, k) * gap(l, k), negated)
        return s.calc(num(0) <= 0), s.lin(num(0) < 0, [s.apply("product", [[some, strict]]), own])

    square = refute(s, gap(l, k) * gap(l, k) <= 0, absurd)
    flat = root_vanishes(s, sandwich(s, square, square_nonnegative(s, gap(l, k))))
    same = exp_injective(s, s.lin(eq(exp(half(l, k)), exp(-half(l, k))), [flat]))
    equal = s.lin(eq(d(l), d(k)), [same])
    positive = s.taut(num(0) < whole, s.discharge(equal, nothing), apart)
    S, up, down = base.whole, high.whole, low.whole
    product = s.lin(up * down - S * S > 0, [positive])
    claim = num(2) * base.lse < high.lse + low.lse

    def below(negated: Line) -> tuple[Line, Line]:
        other = s.taut(high.lse + low.lse <= num(2) * base.lse, negated)
        powers = s.mp(s.known(exp_monotone, other.left, other.right), other)
        left = s.lin(eq(powers.left, up * down), [(high.exp_lse, exp(low.lse)), (low.exp_lse, up)])
        right = s.lin(eq(powers.right, S * S), [(base.exp_lse, exp(base.lse)), (base.exp_lse, S)])
        return s.calc(num(0) <= 0), s.lin(num(0) < 0, [product, powers, left, right])

    return s.gen(s.discharge(refute(s, claim, below), given, apart), n, w, x, d, l, k)


@dataclass(frozen=True)
class Soft:
    """Φ(z) = cᵀz + Σ_m a_m log Σ_l w_ml exp(v_mlᵀz + b_ml), z of q numbers, m < M and l < N, and what is known of it.

    `amounts` is a line ∀m. 0 ≤ a_m, `positive` one ∀m, l. 0 < w_ml, `nonempty` one 1 ≤ N.
    """

    s: Script
    q: Expr
    M: Like
    N: Like
    linear: Expr
    amount: Terms
    weight: Callable[[Expr, Expr], Expr]
    slope: Callable[[Expr, Expr], Expr]
    shift: Callable[[Expr, Expr], Expr]
    amounts: Line
    positive: Line
    nonempty: Line

    def value(self, z: Expr) -> Expr:
        """Φ(z)."""
        return tr(self.linear.T @ z) + total(self.M, lambda m: self.amount(m) * self.part(m, z))

    def part(self, m: Expr, z: Expr) -> Expr:
        """log Σ_l w_ml exp(v_mlᵀz + b_ml)."""
        return lse(self.N, lambda l: self.weight(m, l), lambda l: self.logit(m, l, z))

    def logit(self, m: Expr, l: Expr, z: Expr) -> Expr:
        """v_mlᵀz + b_ml."""
        return tr(self.slope(m, l).T @ z) + self.shift(m, l)

    def soft(self, m: Expr, z: Expr, move: Expr | None = None) -> SoftMax:
        """The softmax of part m at z, or at z + move."""
        weights: Terms = lambda l: self.weight(m, l)  # noqa: E731
        logits: Terms = lambda l: self.logit(m, l, z) + (0 if move is None else tr(self.slope(m, l).T @ move))  # noqa: E731
        return SoftMax(self.s, self.N, weights, logits, self.s.spec(self.positive, m), self.nonempty)

    def gradient(self, z: Expr) -> Expr:
        """c + Σ_m a_m Σ_l p_ml v_ml, p the softmax weights at z."""

        def mean_slope(m: Expr) -> Expr:
            return total(self.N, lambda l: self.soft(m, z).p(l) * self.slope(m, l))

        return self.linear + total(self.M, lambda m: self.amount(m) * mean_slope(m))

    def summed(self, m: Expr, line: Line) -> Line:
        """Σ_m a_m x_m ≤ Σ_m a_m y_m from x_m ≤ y_m for the index m."""
        s = self.s
        part = s.apply("product", [[s.spec(self.amounts, m), line]])
        part = s.lin(self.amount(m) * line.left <= self.amount(m) * line.right, [part])
        return s.apply("sum_order", [[s.gen(part, m)]])

    def tangent(self, z: Expr, y: Expr) -> Line:
        """Φ(z) + gᵀ(y − z) ≤ Φ(y), g the gradient at z."""
        s, m = self.s, fresh(Index(self.M), "m")
        soft = self.soft(m, z)
        line = soft.tangent(lambda l: tr(self.slope(m, l).T @ (y - z)))
        slopes = total(self.N, lambda l: soft.p(l) * tr(self.slope(m, l).T @ (y - z)))
        line = s.lin(self.part(m, z) + slopes <= self.part(m, y), [line])
        claim = self.value(z) + tr(self.gradient(z).T @ (y - z)) <= self.value(y)
        return s.lin(claim, [self.summed(m, line)])

    def growth(self, z: Expr) -> tuple[Expr, Expr, Line]:
        """a, b and Φ(z) ≤ a + b|z|²: the tangent at z lies below Φ(0), and p_l v_lᵀz ≤ ½p_l(|v_l|² + |z|²), p_l ≤ 1."""
        s, q, M, N = self.s, self.q, self.M, self.N
        m, l, origin = fresh(Index(M), "m"), fresh(Index(N), "l"), zero(q)
        square, half = tr(z.T @ z), num("1/2")
        soft = self.soft(m, z)
        v = self.slope(m, l)
        length = total(N, lambda l: tr(self.slope(m, l).T @ self.slope(m, l)))
        one = s.apply("product", [[weaken(s, s.spec(soft.weight_positive(), l)), square_norm(s, v - z)]])
        weights, logits = (fn(Index(N), x) for x in (soft.w, soft.z))
        two = s.mp(s.known(softmax_at_most_one, N, weights, logits, l), soft.positive)
        three = s.apply("product", [[two, square_norm(s, v)]])
        each = s.lin(
            soft.p(l) * tr(v.T @ z) <= half * tr(v.T @ v) + half * (soft.p(l) * square),
            [one, three],
        )
        row = s.apply("sum_order", [[s.gen(each, l)]])
        slopes = total(N, lambda l: soft.p(l) * tr(self.slope(m, l).T @ z))
        row = s.lin(slopes <= half * length + half * square, [row, (soft.sums_to_one(), square)])
        whole = self.summed(m, row)
        lengths = total(M, lambda m: self.amount(m) * total(N, lambda l: tr(self.slope(m, l).T @ self.slope(m, l))))
        a = self.value(origin) + half * tr(self.linear.T @ self.linear) + half * lengths
        b = half + half * total(M, self.amount)
        straight = square_norm(s, self.linear - z)
        line = s.lin(self.value(z) <= a + b * square, [self.tangent(z, origin), whole, straight])
        return a, b, line

    def convex(self, function: Expr, *using: Line) -> Line:
        """A function that is Φ, up to normal forms with these equations, is convex and of polynomial growth."""
        s, z, y = self.s, fresh(Col(self.q), "z"), fresh(Col(self.q), "y")
        supports, grows = (Expr(t) for t in f.convex(function).term.args)
        here, there = (s.lin(eq(self.value(x), function(x)), [], *using) for x in (z, y))
        claim = function(z) + tr(self.gradient(z).T @ (y - z)) <= function(y)
        line = s.gen(s.lin(claim, [self.tangent(z, y), here, there]), y)
        inner = exists(
            Col(self.q),
            lambda g: forall(Col(self.q), lambda y: function(z) + tr(g.T @ (y - z)) <= function(y)),
        )
        support = s.gen(s.exhibit(inner, self.gradient(z), line), z)
        a, b, below = self.growth(z)
        power = s.mp(s.known(quadratic_growth, a, b, tr(z.T @ z)), square_norm(s, z))
        c = 1 + a * a + b * b
        bound = s.gen(s.lin(function(z) <= exp(c * (1 + log(1 + tr(z.T @ z)))), [below, power, here]), z)
        growth = s.exhibit(grows, c, bound)
        return s.taut(conj(supports, grows), support, growth)

    def bends(self, z: Expr, h: Expr, m: Expr, l: Expr, k: Expr, some: Line, apart: Line) -> Line:
        """2Φ(z) < Φ(z + h) + Φ(z − h), from 0 < a_m and v_mlᵀh ≠ v_mkᵀh."""
        s, i = self.s, fresh(Index(self.M), "m")

        def bend(i: Expr) -> Expr:
            return self.part(i, z + h) + self.part(i, z - h) - num(2) * self.part(i, z)

        soft = self.soft(i, z)
        up = soft.tangent(lambda l: tr(self.slope(i, l).T @ h))
        down = soft.tangent(lambda l: -tr(self.slope(i, l).T @ h))
        each = s.lin(num(0) <= bend(i), [up, down])
        part = s.apply("product", [[s.spec(self.amounts, i), each]])
        parts = s.gen(s.lin(num(0) <= self.amount(i) * bend(i), [part]), i)
        here = self.soft(m, z)
        families = (here.w, here.z, lambda l: tr(self.slope(m, l).T @ h))
        own = s.known(lse_bends, self.N, *(fn(Index(self.N), x) for x in families), l, k)
        own = s.mp(own, here.positive, apart)
        own = s.lin(num(0) < bend(m), [own])
        strict = s.apply("product", [[some, own]])
        whole = total(self.M, lambda i: self.amount(i) * bend(i))

        def absurd(negated: Line) -> tuple[Line, Line]:
            low = s.taut(whole <= 0, negated)
            return s.calc(num(0) <= 0), s.lin(num(0) < 0, [strict, summand_vanishes(s, parts, low, m)])

        positive = refute(s, num(0) < whole, absurd)
        return s.lin(num(2) * self.value(z) < self.value(z + h) + self.value(z - h), [positive])


def convex_sum(s: Script, parts: Sequence[Soft], function: Expr) -> Line:
    """A function that is a sum of such Φ, up to normal forms, is convex and of polynomial growth."""
    q = parts[0].q
    z, y = fresh(Col(q), "z"), fresh(Col(q), "y")
    gradient = sum((part.gradient(z) for part in parts[1:]), parts[0].gradient(z))
    claim = function(z) + tr(gradient.T @ (y - z)) <= function(y)
    line = s.gen(s.lin(claim, [part.tangent(z, y) for part in parts]), y)
    inner = exists(Col(q), lambda g: forall(Col(q), lambda y: function(z) + tr(g.T @ (y - z)) <= function(y)))
    support = s.gen(s.exhibit(inner, gradient, line), z)
    bounds = [part.growth(z) for part in parts]
    a = sum((more for more, _, _ in bounds[1:]), bounds[0][0])
    b = sum((more for _, more, _ in bounds[1:]), bounds[0][1])
    square = tr(z.T @ z)
    power = s.mp(s.known(quadratic_growth, a, b, square), square_norm(s, z))
    bound = s.lin(function(z) <= power.right, [power, *(bound[2] for bound in bounds)])
    c = 1 + a * a + b * b
    grows = Expr(f.convex(function).term.args[1])
    growth = s.exhibit(grows, c, s.gen(s.lin(function(z) <= exp(c * (1 + log(1 + square))), [bound]), z))
    return s.taut(f.convex(function), support, growth)
