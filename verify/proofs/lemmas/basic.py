"""Lemmas: functions that derive a line from others by the rules of the kernel. Nothing here is trusted.

Each takes the script first and returns a line, or several. Terms may speak of free variables: generalise afterwards.
"""

from __future__ import annotations

from collections.abc import Callable

from thmverify.kernel.proofs.terms import Term, instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    Like,
    Mat,
    Real,
    Size,
    delta,
    disj,
    eq,
    exists,
    exp,
    eye,
    fn,
    fresh,
    iff,
    inv,
    log,
    lse,
    mean,
    num,
    pd,
    psd,
    real,
    softmax,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.script import Line, Script

Terms = Callable[[Expr], Expr]


# -- defined names ----------------------------------------------------------------------------------------------------


def definition(s: Script, name: Expr) -> Line:
    """c(x̄) = t, or ⟺, for a defined name applied to arguments."""
    return s.unfold(str(name.term.val), *(Expr(a) for a in name.term.args[1:]))


def unfolded(s: Script, line: Line) -> Line:
    """What a defined predicate says, from a line that is one."""
    law = definition(s, line.formula)
    return s.taut(law.right, law, line)


def folded(s: Script, predicate: Expr, line: Line) -> Line:
    """A defined predicate, from the line that says what it means."""
    return s.taut(predicate, definition(s, predicate), line)


# -- order ------------------------------------------------------------------------------------------------------------


def by_cases(
    s: Script, a: Like, b: Like, claim: Expr, low: Callable[[Line], Line], high: Callable[[Line], Line]
) -> Line:
    """The claim, from a ≤ b by `low` and from b < a by `high`: each takes its case and returns the claim."""
    a, b = real(a), real(b)
    first, second = s.assume(a <= b), s.assume(b < a)
    parts = [s.discharge(low(first), first), s.discharge(high(second), second)]
    return s.taut(claim, *parts)


def refute(s: Script, claim: Expr, contradiction: Callable[[Line], tuple[Line, Line]]) -> Line:
    """The claim, since its negation leads to a line and to the negation of that line."""
    negated = s.assume(~claim)
    p, q = contradiction(negated)
    return s.taut(claim, s.discharge(s.taut(disj(), p, q), negated))


def weaken(s: Script, line: Line) -> Line:
    """a ≤ b from a < b."""
    return s.lin(line.left <= line.right, [line])


def squares(s: Script) -> Line:
    """∀a. 0 ≤ a·a."""
    a = fresh(Real, "a")
    claim = num(0) <= a * a

    def square(low: Line) -> Line:
        return s.lin(claim, [s.apply("product", [[low, low]])])

    return s.gen(by_cases(s, 0, a, claim, square, lambda high: square(weaken(s, high))), a)


def square_vanishes(s: Script) -> Line:
    """∀a. a·a = 0 ⟹ a = 0: else 1 = (a·a⁻¹)² = 0."""
    a = fresh(Real, "a")
    nothing = s.assume(eq(a * a, 0))

    def absurd(apart: Line) -> tuple[Line, Line]:
        one = s.mp(s.apply("reciprocal", [], [a]), apart)
        equal = s.lin(eq(1, 0), [(nothing, inv(a) * inv(a)), (one, a * inv(a)), one])
        return s.lin(num(1) <= 0, [equal]), s.calc(num(0) < 1)

    return s.gen(s.discharge(refute(s, eq(a, 0), absurd), nothing), a)


def square_nonnegative(s: Script, a: Expr) -> Line:
    """0 ≤ a·a."""
    return s.known(squares, a)


def root_vanishes(s: Script, line: Line) -> Line:
    """a = 0 from a·a = 0."""
    return s.mp(s.known(square_vanishes, Expr(line.left.term.args[0])), line)


def times(s: Script, p: Line, q: Line, claim: Expr, *using: Line) -> Line:
    """A claim that is 0 ≤ (b − a)(d − c) up to normal forms, from a ≤ b and c ≤ d."""
    return s.lin(claim, [s.apply("product", [[p, q]])], *using)


def divide(s: Script, positive: Line, whole: Line, claim: Expr) -> Line:
    """0 ≤ e (or 0 < e), the claim, from 0 < c and a whole that says 0 ≤ c·e (or 0 < c·e)."""
    e = claim.right
    if claim.term.op == "not":  # 0 < e, else e ≤ 0 and c·e ≤ 0

        def absurd(n: Line) -> tuple[Line, Line]:
            low = s.taut(e <= 0, n)
            return s.apply("product", [[weaken(s, positive), low]]), s.lin(
                ~(num(0) <= (positive.right - positive.left) * (num(0) - e)), [whole]
            )
    else:

        def absurd(n: Line) -> tuple[Line, Line]:
            low = s.taut(e < 0, n)
            strict = s.apply("product", [[positive, low]])
            return strict, s.taut(~strict.formula, s.lin(Expr(strict.theorem.conclusion.args[0]), [whole]))

    return refute(s, claim, absurd)


def total_order(s: Script, a: Like, b: Like) -> Line:
    """a ≤ b ∨ b ≤ a."""
    a, b = real(a), real(b)
    less = s.assume(a < b)
    return s.taut((a <= b) | (b <= a), s.discharge(weaken(s, less), less))


def antisymmetric(s: Script) -> Line:
    """∀a, b. a ≤ b ⟹ b ≤ a ⟹ a = b: else (b − a)(b − a)⁻¹ = 1, whose factors cannot both be both signs."""
    a, b = fresh(Real, "a"), fresh(Real, "b")
    low, high = s.assume(a <= b), s.assume(b <= a)

    def absurd(negated: Line) -> tuple[Line, Line]:
        gap = b - a
        nothing = s.assume(eq(gap, 0))
        apart = s.taut(~nothing.formula, s.discharge(s.lin(eq(a, b), [nothing]), nothing), negated)
        one = s.mp(s.apply("reciprocal", [], [gap]), apart)
        up, down = s.assume(num(0) <= inv(gap)), s.assume(inv(gap) <= 0)
        ends = [(up, high), (down, low)]  # 0 ≤ (a − b)(b − a)⁻¹, or 0 ≤ (b − a)(−(b − a)⁻¹)
        cases = [s.discharge(s.lin(num(1) <= 0, [one, s.apply("product", [[p, q]])]), p) for p, q in ends]
        return s.taut(num(1) <= 0, total_order(s, 0, inv(gap)), *cases), s.calc(num(0) < 1)

    return s.gen(s.discharge(refute(s, eq(a, b), absurd), low, high), a, b)


def sandwich(s: Script, low: Line, high: Line) -> Line:
    """a = b from a ≤ b and b ≤ a."""
    return s.mp(s.known(antisymmetric, low.left, low.right), low, high)


# -- sizes and sums ---------------------------------------------------------------------------------------------------


def some_index(s: Script) -> Line:
    """∀n. 1 ≤ n ⟺ ∃i < n: else Σ_i 1 ≤ Σ_i 0, and conversely 1 = Σ_j [i = j] ≤ Σ_j 1 = n."""
    n = fresh(Size, "n")
    j, k = fresh(Index(n), "j"), fresh(Index(n), "k")
    some, there = s.assume(num(1) <= n), s.assume(exists(Index(n), lambda i: eq(i, i)))

    def absurd(negated: Line) -> tuple[Line, Line]:
        vacuous = s.taut(num(1) <= 0, negated, s.exhibit(there.formula, k, reflexive(s, k)))
        return s.lin(num(1) <= 0, [s.apply("sum_order", [[s.gen(vacuous, k)]]), some]), s.calc(num(0) < 1)

    mark = s.mark()
    (i,), itself = s.obtain(there, "i")
    claim = delta(i, j) <= 1
    values = [s.assume(eq(delta(i, j), v)) for v in (1, 0)]
    cases = [s.discharge(s.lin(claim, [v]), v) for v in values]
    counted = s.apply("sum_order", [[s.gen(s.taut(claim, s.apply("kronecker", [], [i, j]), *cases), j)]])
    many = s.lin(some.formula, [counted])
    many = s.release(s.taut(many.formula, many, itself), mark)
    s.forget(mark)
    both = s.discharge(refute(s, there.formula, absurd), some), s.discharge(many, there)
    return s.gen(s.taut(iff(some.formula, there.formula), *both), n)


def nonempty(s: Script, weights_sum: Line) -> Line:
    """1 ≤ K from Σ_k w_k = 1: an empty sum is 0."""
    n = Expr(weights_sum.left.term.args[0])
    body = weights_sum.left
    claim = num(1) <= n
    some = s.known(some_index, n)

    def absurd(negated: Line) -> tuple[Line, Line]:
        k = fresh(Index(n), "k")
        there = s.exhibit(some.right, k, reflexive(s, k))
        weight = Expr(_instance(body, k))
        vacuous = s.taut(weight <= 0, negated, s.taut(claim, some, there))
        summed = s.apply("sum_order", [[s.gen(vacuous, k)]])
        return s.lin(num(1) <= 0, [summed, (weights_sum, -1)]), s.calc(num(0) < 1)

    return refute(s, claim, absurd)


def reflexive(s: Script, k: Expr) -> Line:
    """k = k, of indices."""
    found = s.apply("kronecker", [], [k, k])
    return s.taut(eq(k, k), found, _one_is_not_zero(s, k))


def _one_is_not_zero(s: Script, k: Expr) -> Line:
    supposed = s.assume(eq(delta(k, k), 0))
    absurd = s.lin(num(1) <= 0, [supposed])
    return s.taut(~eq(delta(k, k), 0), s.discharge(absurd, supposed), s.calc(num(0) < 1))


def _instance(body: Expr, k: Expr) -> Term:
    return instantiate(body.term.args[1], k.term)


def positive_sum(s: Script, positive: Line, nonempty: Line) -> Line:
    """0 < Σ_k t_k from ∀k. 0 < t_k and 1 ≤ n."""
    line = s.apply("sum_order", [[positive, nonempty]])
    return s.lin(num(0) < line.right, [line])


# -- definiteness -----------------------------------------------------------------------------------------------------


def gram(s: Script) -> Line:
    """∀p, q, Y: p × q. 0 ≤ tr(YᵀY) ∧ (tr(YᵀY) = 0 ⟹ Y = 0): tr(YᵀY) = Σ_ij y_ij², y_ij = e_iᵀYe_j."""
    p, q = fresh(Size, "p"), fresh(Size, "q")
    Y, i, j = fresh(Mat(p, q), "Y"), fresh(Index(p), "i"), fresh(Index(q), "j")
    k, l = fresh(Index(p), "k"), fresh(Index(q), "l")

    def entry(i: Expr, j: Expr) -> Expr:
        return tr(unit(i).T @ Y @ unit(j))

    def summed(part: Callable[[Expr, Expr], Expr]) -> Expr:
        return total(p, lambda k: total(q, lambda l: part(k, l)))

    def each(line: Line) -> Line:
        """Σ_kl a_kl ≤ Σ_kl b_kl from a_kl ≤ b_kl."""
        return s.apply("sum_order", [[s.gen(s.apply("sum_order", [[s.gen(line, l)]]), k)]])

    rows, columns = s.apply("units", [], [Y]), s.apply("units", [], [eye(q)])  # Y = Σ_i e_ie_iᵀY, I = Σ_j e_je_jᵀ
    written = s.lin(
        eq(tr(Y.T @ Y), summed(lambda k, l: entry(k, l) * entry(k, l))),
        [(rows, 1, Y.T, eye(q)), (columns, 1, eye(q), Y.T @ rows.right)],
    )
    square, value = square_nonnegative(s, entry(k, l)), entry(k, l) * entry(k, l)
    low = s.lin(num(0) <= tr(Y.T @ Y), [each(square), written])
    nothing = s.assume(eq(tr(Y.T @ Y), 0))
    a, b = delta(i, k), delta(j, l)
    claim = a * b * value <= value
    (a1, a0), (b1, b0) = ([s.assume(eq(x, v)) for v in (1, 0)] for x in (a, b))
    cases = [
        s.discharge(s.lin(claim, [(a0, b * value), square]), a0),
        s.discharge(s.lin(claim, [(b0, a * value), square]), b0),
        s.discharge(s.lin(claim, [(a1, b * value), (b1, value)]), a1, b1),
    ]
    chosen = each(s.taut(claim, *(s.apply("kronecker", [], [x, y]) for x, y in ((i, k), (j, l))), *cases))
    own = entry(i, j) * entry(i, j)
    flat = sandwich(s, s.lin(own <= 0, [chosen, written, nothing]), square_nonnegative(s, entry(i, j)))
    gone = s.gen(root_vanishes(s, flat), i, j)
    whole = s.lin(eq(Y, zero(p, q)), [rows, (columns, 1, rows.right, eye(q))], gone)
    return s.gen(s.both(low, s.discharge(whole, nothing)), p, q, Y)


def squared(s: Script, Y: Expr) -> tuple[Line, Line]:
    """0 ≤ tr(YᵀY), and tr(YᵀY) = 0 ⟹ Y = 0."""
    low, law = s.parts(s.known(gram, Y.rows, Y.cols, Y))
    return low, law


def square_norm(s: Script, Y: Expr) -> Line:
    """0 ≤ tr(YᵀY)."""
    return squared(s, Y)[0]


def vanishes(s: Script, Y: Expr, zero_square: Line) -> Line:
    """Y = 0 from tr(YᵀY) = 0, in whatever form normal forms recognise."""
    law = squared(s, Y)[1]
    claim = law.left
    return s.mp(law, zero_square if zero_square.formula.term is claim.term else s.lin(claim, [zero_square]))


def vanishes_below(s: Script, Y: Expr, low: Line) -> Line:
    """Y = 0 from tr(YᵀY) ≤ 0."""
    nonneg, law = squared(s, Y)
    return s.mp(law, sandwich(s, s.lin(law.left.left <= 0, [low]), nonneg))


def semidefinite(s: Script, definite: Line) -> Line:
    """X ⪰ 0 from X ≻ 0."""
    symmetric, positive = s.parts(definite)
    X = symmetric.left
    v = fresh(Col(X.rows), "v")
    claim = num(0) <= tr(v.T @ X @ v)
    supposed = s.assume(eq(v, zero(X.rows)))
    trivial = s.calc(claim, supposed)
    strict = s.spec(positive, v)
    other = s.assume(~supposed.formula)
    found = s.taut(claim, s.discharge(trivial, supposed), s.discharge(weaken(s, s.mp(strict, other)), other))
    return s.taut(psd(X), symmetric, s.gen(found, v))


def congruence(s: Script, definite: Line, F: Expr, left_inverse: Line) -> Line:
    """FᵀXF ≻ 0 from X ≻ 0 and F⁺F = I."""
    symmetric, positive = s.parts(definite)
    X = symmetric.left
    Y = F.T @ X @ F
    sym = s.calc(eq(Y, Y.T), symmetric)
    v = fresh(Col(F.cols), "v")
    nonzero = s.assume(~eq(v, zero(F.cols)))
    image_zero = s.assume(eq(F @ v, zero(F.rows)))
    plus = Expr(left_inverse.left.term.args[0])
    back = s.lin(eq(v, zero(F.cols)), [(left_inverse, -1, eye(F.cols), v), (image_zero, 1, plus, eye(1))])
    moved = s.taut(~image_zero.formula, s.discharge(back, image_zero), nonzero)
    strict = s.mp(s.spec(positive, F @ v), moved)
    found = s.lin(num(0) < tr(v.T @ Y @ v), [strict])
    return s.taut(pd(Y), sym, s.gen(s.discharge(found, nonzero), v))


def mixture_definite(s: Script, w: Expr, Sigma: Expr, positive: Line, definite: Line, nonempty: Line) -> Line:
    """Σ_k w_kΣ_k ≻ 0 from ∀k. 0 < w_k, ∀k. Σ_k ≻ 0 and 1 ≤ K."""
    K = Expr(definite.theorem.conclusion.args[0].args[0])
    X = total(K, lambda k: w(k) * Sigma(k))
    k = fresh(Index(K), "k")
    symmetric, strict = s.parts(s.spec(definite, k))
    sym = s.calc(eq(X, X.T), s.gen(symmetric, k))
    v = fresh(Col(X.rows), "v")
    nonzero = s.assume(~eq(v, zero(X.rows)))
    one = s.apply("product", [[s.spec(positive, k), s.mp(s.spec(strict, v), nonzero)]])
    part = s.lin(num(0) < w(k) * tr(v.T @ Sigma(k) @ v), [one])
    summed = positive_sum(s, s.gen(part, k), nonempty)
    found = s.lin(num(0) < tr(v.T @ X @ v), [summed])
    return s.taut(pd(X), sym, s.gen(s.discharge(found, nonzero), v))


# -- exponentials and log-sum-exps ------------------------------------------------------------------------------------


def exp_positive(s: Script, a: Like) -> Line:
    """0 < exp a."""
    return s.parts(s.apply("exponential", [], [real(a)]))[1]


def generating(s: Script, definite: Line, S: Expr, b: Expr) -> Line:
    """E exp(tr bᵀξ) = exp(½ tr bᵀΣb), ξ ~ N(Σ), from Σ ⪰ 0."""
    line = s.apply("tilt", [[definite]], [S, b, fn(Col(S.rows), lambda _: num(1))])
    return s.lin(eq(mean(S, lambda xi: exp(tr(b.T @ xi))), exp(num("1/2") * tr(b.T @ S @ b))), [line])


def exp_order(s: Script, line: Line) -> Line:
    """a ≤ b from exp a ≤ exp b."""
    a, b = Expr(line.left.term.args[0]), Expr(line.right.term.args[0])

    def absurd(negated: Line) -> tuple[Line, Line]:
        less = s.taut(b < a, negated)  # exp a = exp b · exp(a − b) ≥ exp b · (1 + a − b) > exp b
        tangent = s.parts(s.apply("exponential", [], [a - b]))[0]
        grows = s.apply("product", [[weaken(s, exp_positive(s, b)), tangent]])
        strict = s.apply("product", [[exp_positive(s, b), less]])
        return s.lin(exp(b) < exp(a), [grows, strict]), line

    return refute(s, a <= b, absurd)


def log_exp(s: Script, positive: Line) -> Line:
    """exp(log a) = a from 0 < a."""
    return s.mp(s.apply("logarithm", [], [positive.right]), positive)


def exp_injective(s: Script, line: Line) -> Line:
    """a = b from exp a = exp b."""
    up = exp_order(s, s.lin(line.left <= line.right, [line]))
    down = exp_order(s, s.lin(line.right <= line.left, [(line, -1)]))
    return sandwich(s, up, down)


class SoftMax:
    """Weights w and logits z of K terms: S = Σ w_l exp z_l > 0, lse = log S, p_k = w_k exp z_k / S, and their laws.

    The weights' positivity is a line ∀k. 0 < w_k, `nonempty` a line 1 ≤ K. Logits may hold free variables.
    """

    def __init__(self, s: Script, n: Like, w: Terms, z: Terms, positive: Line, nonempty: Line) -> None:
        """Derive 0 < S, lse = log S, S·S⁻¹ = 1."""
        self.s, self.n, self.w, self.z, self.positive, self.nonempty = s, n, w, z, positive, nonempty
        self.whole = total(n, lambda k: w(k) * exp(z(k)))
        self.lse = lse(n, w, z)
        k = fresh(Index(n), "k")
        term = s.lin(num(0) < w(k) * exp(z(k)), [s.apply("product", [[s.spec(positive, k), exp_positive(s, z(k))]])])
        self.whole_positive = positive_sum(s, s.gen(term, k), nonempty)
        self.is_log = s.apply("softmax", [], [self.lse])  # lse = log S
        self.exp_lse = s.lin(eq(exp(self.lse), self.whole), [log_exp(s, self.whole_positive)], self.is_log)
        nonzero = positive_nonzero(s, self.whole_positive)
        self.cancel = s.mp(s.apply("reciprocal", [], [self.whole]), nonzero)  # S·S⁻¹ = 1
        self.weights = s.gen(s.apply("softmax", [], [self.p(k)]), k)  # ∀k. p_k = w_k exp z_k · S⁻¹

    def p(self, k: Expr) -> Expr:
        """The softmax weight of k."""
        return softmax(self.n, self.w, self.z, k)

    def sums_to_one(self) -> Line:
        """Σ_k p_k = 1."""
        return self.s.lin(eq(total(self.n, self.p), 1), [self.cancel], self.weights)

    def weight_positive(self) -> Line:
        """∀k. 0 < p_k."""
        s, k = self.s, fresh(Index(self.n), "k")
        inverse = reciprocal_positive(s, self.whole_positive)
        top = s.apply("product", [[s.spec(self.positive, k), exp_positive(s, self.z(k))]])
        whole = s.apply("product", [[top, inverse]])
        return s.gen(s.lin(num(0) < self.p(k), [whole], self.weights), k)

    def tangent(self, h: Terms) -> Line:
        """lse(z) + Σ_k p_k h_k ≤ lse(z + h): log-sum-exp lies above its tangents."""
        s, n = self.s, self.n
        slope = total(n, lambda k: self.p(k) * h(k))
        k = fresh(Index(n), "k")
        above = s.parts(s.apply("exponential", [], [h(k) - slope]))[0]
        part = s.apply("product", [[weaken(s, s.spec(self.weight_positive(), k)), above]])
        part = s.lin(self.p(k) * (1 + h(k) - slope) <= self.p(k) * exp(h(k) - slope), [part])
        summed = s.apply("sum_order", [[s.gen(part, k)]])
        one = self.sums_to_one()
        # 1 = Σ p_k (1 + h_k − slope) ≤ Σ p_k exp(h_k − slope)
        other = SoftMax(s, n, self.w, lambda l: self.z(l) + h(l), self.positive, self.nonempty)
        low = s.lin(num(1) <= total(n, lambda k: self.p(k) * exp(h(k) - slope)), [summed, (one, 1 - slope)])
        ratio = s.calc(eq(low.right, other.whole * inv(self.whole) * exp(-slope)), self.weights)
        scaled = s.apply("product", [[weaken(s, self.whole_positive), s.lin(num(1) <= ratio.right, [low, ratio])]])
        again = s.apply("product", [[s.lin(num(0) <= scaled.right, [scaled]), weaken(s, exp_positive(s, slope))]])
        bound = s.lin(
            exp(self.lse + slope) <= exp(other.lse),
            [again, (self.exp_lse, -exp(slope)), (other.exp_lse, 1), (self.cancel, other.whole)],
        )
        return s.lin(self.lse + slope <= other.lse, [exp_order(s, bound)])

    def shifted(self, q: Expr) -> Line:
        """lse(z + q) = q + lse(z), for q that does not depend on k."""
        s = self.s
        other = SoftMax(s, self.n, self.w, lambda l: self.z(l) + q, self.positive, self.nonempty)
        line = s.lin(eq(exp(other.lse), exp(q + self.lse)), [other.exp_lse, (self.exp_lse, -exp(q))])
        return s.lin(eq(other.lse, q + self.lse), [exp_injective(s, line)])

    def scaled(self, q: Expr) -> Line:
        """log Σ_k w_k exp(z_k) exp(q) = q + lse, for q the same for every k."""
        shifted = self.shifted(q)
        whole = total(self.n, lambda k: self.w(k) * (exp(self.z(k)) * exp(q)))
        named = self.s.apply("softmax", [], [shifted.left])  # log Σ_k w_k exp(z_k + q) by its name
        return self.s.lin(eq(log(whole), q + self.lse), [shifted, named])


def positive_nonzero(s: Script, positive: Line) -> Line:
    """a ≠ 0 from 0 < a."""
    supposed = s.assume(eq(positive.right, 0))
    low = s.lin(positive.right <= 0, [supposed])
    return s.taut(~supposed.formula, s.discharge(low, supposed), positive)


def reciprocal_positive(s: Script, positive: Line) -> Line:
    """0 < a⁻¹ from 0 < a."""
    a = positive.right
    one = s.mp(s.apply("reciprocal", [], [a]), positive_nonzero(s, positive))
    return divide(s, positive, s.lin(num(0) < a * inv(a), [one]), num(0) < inv(a))
