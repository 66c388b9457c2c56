"""Lemmas: Cauchy–Schwarz for matrices, and a mean under softmax weights to first order in their logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thmverify.proofs.expressions import (
    Expr,
    Family,
    Index,
    Like,
    Real,
    conj,
    eq,
    eye,
    fn,
    forall,
    fresh,
    num,
    softmax,
    total,
    tr,
    unit,
)
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    by_cases,
    divide,
    refute,
    square_nonnegative,
    square_norm,
    vanishes_below,
    weaken,
)
from thmverify.proofs.script import Line, Script

Terms = Callable[[Expr], Expr]


# -- numbers and matrices ---------------------------------------------------------------------------------------------


def at_most_root(s: Script, nonnegative: Line, squares: Line, a: Expr) -> Line:
    """a ≤ b from 0 ≤ b and a·a ≤ b·b."""
    b = nonnegative.right

    def absurd(negated: Line) -> tuple[Line, Line]:
        less = s.taut(b < a, negated)  # a·a − b·b = (a − b)² + 2b(a − b) > 0
        square, rest = s.apply("product", [[less, less]]), s.apply("product", [[nonnegative, weaken(s, less)]])
        return s.lin(b * b < a * a, [square, rest]), squares

    return refute(s, a <= b, absurd)


def submultiplicative(s: Script, Z: Expr, p: Expr) -> Line:
    """‖Zp‖² ≤ ‖Z‖²‖p‖² for a column p: ‖(pᵀp)Z − Zppᵀ‖² = pᵀp (‖Z‖²pᵀp − ‖Zp‖²)."""
    size = tr(p.T @ p)
    rest = tr(Z.T @ Z) * size - tr(p.T @ Z.T @ Z @ p)
    claim = num(0) <= rest

    def none(low: Line) -> Line:
        return s.calc(claim, vanishes_below(s, p, low))

    def some(positive: Line) -> Line:
        whole = square_norm(s, size * Z - Z @ p @ p.T)
        return divide(s, positive, s.lin(num(0) <= size * rest, [whole]), claim)

    line = by_cases(s, size, num(0), claim, none, some)
    return s.lin(tr(p.T @ Z.T @ Z @ p) <= tr(Z.T @ Z) * size, [line])


def submultiplicative_matrices(s: Script, Z: Expr, Y: Expr) -> Line:
    """‖ZY‖² ≤ ‖Z‖²‖Y‖²: column by column."""
    i = fresh(Index(Y.cols), "i")
    summed = s.apply("sum_order", [[s.gen(submultiplicative(s, Z, Y @ unit(i)), i)]])
    units = s.apply("units", [], [eye(Y.cols)])
    columns = [(units, 1, Y.T @ Z.T @ Z @ Y, eye(Y.cols)), (units, tr(Z.T @ Z), Y.T @ Y, eye(Y.cols))]
    return s.lin(tr(Y.T @ Z.T @ Z @ Y) <= tr(Z.T @ Z) * tr(Y.T @ Y), [summed, *columns])


# -- softmax weights --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Weights:
    """Positive weights w of n terms that sum to 1: lines ∀k. 0 < w_k, Σ_k w_k = 1 and 1 ≤ n."""

    s: Script
    n: Like
    w: Terms
    positive: Line
    whole: Line
    nonempty: Line

    def soft(self, z: Terms) -> SoftMax:
        """The softmax of these logits."""
        return SoftMax(self.s, self.n, self.w, z, self.positive, self.nonempty)

    def flat(self) -> Line:
        """∀k. p_k = w_k for logits 0."""
        s, k = self.s, fresh(Index(self.n), "k")
        flat = self.soft(lambda _: num(0))
        one = s.lin(eq(flat.whole, 1), [self.whole])
        return s.gen(s.lin(eq(flat.p(k), self.w(k)), [s.spec(flat.weights, k)], one), k)

    def drawn(self, z: Terms, average: Line) -> Line:
        """0 ≤ Σ_j p_j z_j for logits z with Σ_j w_j z_j = 0: lse is convex, so Σ p z ≥ lse(z) − lse(0) ≥ Σ w z."""
        s, n = self.s, self.n
        soft, flat = self.soft(z), self.soft(lambda _: num(0))
        down, up = soft.tangent(lambda j: -z(j)), flat.tangent(z)
        return s.lin(num(0) <= total(n, lambda j: soft.p(j) * z(j)), [down, up, average], self.flat())


class Expansion:
    """Families z and a and numbers b and c: how Σ_j p_j a_j moves with t, for the softmax p of the logits tz.

    G(t) = Σ_j p_j a_j has G′ = Σ_j p_j (z_j − z̄) a_j and G″ = Σ_j p_j (z_j − z̄)² (a_j − ā), at most 2bc where |a_j| ≤ b
    and z_j² ≤ c.
    """

    def __init__(self, weights: Weights) -> None:
        """Take fresh families and numbers."""
        self.weights, self.s, self.n, self.w = weights, weights.s, weights.n, weights.w
        self.z, self.a = (fresh(Family(self.n, Real), name) for name in ("z", "a"))
        self.b, self.c = fresh(Real, "b"), fresh(Real, "c")

    def p(self, t: Expr) -> Terms:
        """The softmax of the logits tz."""
        return lambda j: softmax(self.n, self.w, lambda i: t * self.z(i), j)

    def average(self, t: Expr, x: Terms) -> Expr:
        """Σ_j p_j x_j."""
        p = self.p(t)
        return total(self.n, lambda j: p(j) * x(j))

    def apart(self, t: Expr) -> Terms:
        """z_j − z̄."""
        average = self.average(t, self.z)
        return lambda j: self.z(j) - average

    def spread(self, t: Expr) -> Expr:
        """V = Σ_j p_j (z_j − z̄) z_j, the derivative of z̄."""
        apart = self.apart(t)
        return self.average(t, lambda j: apart(j) * self.z(j))

    def slope(self, t: Expr) -> Expr:
        """G′(t) = Σ_j p_j (z_j − z̄) a_j."""
        apart = self.apart(t)
        return self.average(t, lambda j: apart(j) * self.a(j))

    def bend(self, t: Expr) -> Expr:
        """G″(t) = Σ_j p_j (z_j − z̄)² a_j − V ā."""
        apart = self.apart(t)
        return self.average(t, lambda j: apart(j) * apart(j) * self.a(j)) - self.spread(t) * self.average(t, self.a)

    @property
    def first(self) -> Expr:
        """Σ_j w_j z_j a_j = G′(0)."""
        return total(self.n, lambda j: self.w(j) * self.z(j) * self.a(j))

    @property
    def given(self) -> Expr:
        """0 ≤ b, |a_k| ≤ b and z_k² ≤ c for all k, Σ_k w_k z_k = 0 and Σ_k w_k a_k = 0."""
        n, w, z, a, b, c = self.n, self.w, self.z, self.a, self.b, self.c
        return conj(
            num(0) <= b,
            forall(Index(n), lambda k: -b <= a(k)),
            forall(Index(n), lambda k: a(k) <= b),
            forall(Index(n), lambda k: z(k) * z(k) <= c),
            eq(total(n, lambda k: w(k) * z(k)), 0),
            eq(total(n, lambda k: w(k) * a(k)), 0),
        )

    def bent(self, t: Expr, nonnegative: Line, low: Line, high: Line, small: Line) -> Line:
        """0 ≤ 2bc − G″(t): G″ = Σ p (z − z̄)² a − Vā ≤ bV + bV and V ≤ Σ p z² ≤ c."""
        s, n, b, c = self.s, self.n, self.b, self.c
        soft = self.weights.soft(lambda j: t * self.z(j))
        j, apart, one = fresh(Index(n), "j"), self.apart(t), soft.sums_to_one()
        weight = weaken(s, s.spec(soft.weight_positive(), j))

        def summed(line: Line) -> Line:
            return s.apply("sum_order", [[s.gen(line, j)]])

        square = s.apply("product", [[weight, square_nonnegative(s, apart(j))]])
        part = s.lin(num(0) <= soft.p(j) * (apart(j) * apart(j)), [square])
        above = summed(s.apply("product", [[s.spec(high, j), part]]))  # Σ p (b − a)(z − z̄)² ≥ 0
        lowest = summed(s.apply("product", [[weight, s.spec(low, j)]]))  # Σ p (b + a) ≥ 0
        short = summed(s.apply("product", [[weight, s.spec(small, j)]]))  # Σ p (c − z²) ≥ 0
        mean_z, mean_a, spread = self.average(t, self.z), self.average(t, self.a), self.spread(t)
        wide = s.lin(num(0) <= spread, [summed(square), (one, mean_z * mean_z)])
        less = s.lin(num(0) <= b + mean_a, [lowest, (one, b)])
        narrow = s.lin(spread <= c, [short, square_nonnegative(s, mean_z), (one, c)])
        down, across = s.apply("product", [[wide, less]]), s.apply("product", [[nonnegative, narrow]])
        return s.lin(num(0) <= 2 * b * c - self.bend(t), [above, down, across, (one, b * mean_z * mean_z)])

    def above(self) -> Line:
        """∀z, a, b, c. what is given ⟹ Σ_j p_j a_j ≤ Σ_j w_j z_j a_j + bc, for the softmax p of z."""
        s, b, c, first = self.s, self.b, self.c, self.first
        given = s.assume(self.given)
        nonnegative, low, high, small, no_z, no_a = s.parts(given)
        t, flat = fresh(Real, "t"), self.weights.flat()
        bounded = s.gen(self.bent(t, nonnegative, low, high, small), t)
        rises = self._increasing(lambda t: 2 * b * c * t - self.slope(t), lambda t: 2 * b * c - self.bend(t), bounded)
        later = s.assume(num(0) <= t)
        mean_a = total(self.n, lambda j: self.w(j) * self.a(j))
        claim = num(0) <= 2 * b * c * t + first - self.slope(t)
        slow = s.lin(claim, [s.mp(s.spec(rises, t), later), (no_z, mean_a)], flat)
        line = self._increasing(
            lambda t: b * c * t * t + t * first - self.average(t, self.a),
            lambda t: 2 * b * c * t + first - self.slope(t),
            s.gen(s.discharge(slow, later), t),
        )
        line = s.mp(s.spec(line, num(1)), s.calc(num(0) <= 1))
        p = self.weights.soft(self.z).p
        line = s.lin(total(self.n, lambda j: p(j) * self.a(j)) <= first + b * c, [line, no_a], flat)
        return s.gen(s.discharge(line, given), self.z, self.a, self.b, self.c)

    def _increasing(self, f: Terms, rate: Terms, nonnegative: Line) -> Line:
        """∀t. 0 ≤ t ⟹ f(0) ≤ f(t), from ∀t. 0 ≤ rate(t), or ∀t. 0 ≤ t ⟹ 0 ≤ rate(t)."""
        s, x, t = self.s, fresh(Real, "s"), fresh(Real, "t")
        derivative = s.apply("differentiate", [[], [self.weights.positive], []], [fn(Real, f), fn(Real, rate)])
        within = s.assume(conj(num(0) <= x, x <= t))
        here = s.taut(num(0) <= rate(x), s.spec(nonnegative, x), within)
        line = s.gen(s.discharge(here, within), x)
        return s.gen(s.apply("increasing", [[derivative, line]], [num(0), t]), t)

    def line(self) -> Line:
        """∀z, a, b, c. what is given ⟹ |Σ_j p_j a_j − Σ_j w_j z_j a_j| ≤ bc, for the softmax p of z."""
        s, b, c, above = self.s, self.b, self.c, self.above()
        given = s.assume(self.given)
        nonnegative, low, high, small, no_z, no_a = s.parts(given)
        up = s.mp(s.spec(above, self.z, self.a, b, c), given)
        minus = fn(Index(self.n), lambda j: -self.a(j))
        turned = s.mp(
            s.spec(above, self.z, minus, b, c),
            nonnegative,
            s.under(high, lambda y: s.lin(-b <= -y.left, [y])),
            s.under(low, lambda y: s.lin(-y.right <= b, [y])),
            small,
            no_z,
            s.lin(eq(total(self.n, lambda j: self.w(j) * -self.a(j)), 0), [no_a]),
        )
        down = s.lin(self.first - b * c <= up.left, [turned])
        return s.gen(s.discharge(s.both(up, down), given), self.z, self.a, b, c)
