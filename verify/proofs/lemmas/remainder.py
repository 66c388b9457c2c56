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
    exp,
    eye,
    fn,
    forall,
    fresh,
    num,
    total,
    tr,
    unit,
)
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    by_cases,
    divide,
    exp_positive,
    refute,
    square_nonnegative,
    square_norm,
    vanishes_below,
    weaken,
)
from thmverify.proofs.lemmas.subspaces import summand_at_most
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


def below_parabola(s: Script) -> Line:
    """∀c, ζ, z. ½ ≤ c ∧ 0 ≤ ζ ∧ exp ζ ≤ 1 + ζ + cζ² ∧ z ≤ ζ ⟹ exp z ≤ 1 + z + cz².

    φ(t) = (1 + t + ct²) exp(−t) has the derivative t(2c − 1 − ct) exp(−t): it falls to φ(0) = 1, rises, falls.
    """
    c, zeta, z = (fresh(Real, name) for name in ("c", "ζ", "z"))
    half, sign_ = s.assume(num("1/2") <= c), s.assume(num(0) <= zeta)
    ends, within = s.assume(exp(zeta) <= 1 + zeta + c * zeta * zeta), s.assume(z <= zeta)

    def phi(t: Expr) -> Expr:
        return (1 + t + c * t * t) * exp(-t)

    def moves(t: Expr) -> Expr:
        return t * (2 * c - 1 - c * t) * exp(-t)

    def ordered(way: int, a: Expr, b: Expr, within: Line, sign: Callable[[Expr, Line, Line], Line]) -> Line:
        """φ(a) ≤ φ(b), or φ(b) ≤ φ(a) for way −1, from a ≤ b and the sign of the derivative between them."""
        t = fresh(Real, "t")
        functions = [fn(Real, lambda t: way * phi(t)), fn(Real, lambda t: way * moves(t))]
        derivative = s.apply("differentiate", [[], [], []], functions)
        inside = s.assume(conj(a <= t, t <= b))
        low, high = s.parts(inside)
        part = s.apply("product", [[sign(t, low, high), weaken(s, exp_positive(s, -t))]])
        rate = s.lin(num(0) <= way * moves(t), [part])
        line = s.gen(s.discharge(rate, inside), t)
        return s.mp(s.apply("increasing", [[derivative, line]], [a, b]), within)

    def steep(t: Expr) -> Expr:
        return 2 * c - 1 - c * t

    def signed(claim: Expr, p: Line, q: Line) -> Line:
        return s.lin(claim, [s.apply("product", [[p, q]])])

    def before(low: Line) -> Line:  # z ≤ 0
        def sign(t: Expr, _: Line, high: Line) -> Line:
            down = s.apply("product", [[s.lin(num(0) <= c, [half]), high]])
            return signed(num(0) <= -(t * steep(t)), high, s.lin(num(0) <= steep(t), [half, down]))

        return s.lin(num(1) <= phi(z), [ordered(-1, z, num(0), low, sign)])

    def after(high: Line) -> Line:  # 0 < z
        positive = weaken(s, high)

        def risen(low: Line) -> Line:  # 0 ≤ 2c − 1 − cz
            def sign(t: Expr, start: Line, end: Line) -> Line:
                left = s.apply("product", [[s.lin(num(0) <= c, [half]), end]])
                return signed(num(0) <= t * steep(t), start, s.lin(num(0) <= steep(t), [low, left]))

            return s.lin(num(1) <= phi(z), [ordered(1, num(0), z, positive, sign)])

        def falls(over: Line) -> Line:  # 2c − 1 − cz < 0
            def sign(t: Expr, start: Line, _: Line) -> Line:
                gone = s.apply("product", [[s.lin(num(0) <= c, [half]), start]])
                later = s.lin(num(0) <= t, [start, positive])
                return signed(num(0) <= -(t * steep(t)), later, s.lin(num(0) <= -steep(t), [over, gone]))

            end = s.lin(num(1) <= phi(zeta), [s.apply("product", [[ends, weaken(s, exp_positive(s, -zeta))]])])
            return s.lin(num(1) <= phi(z), [ordered(-1, z, zeta, within, sign), end])

        return by_cases(s, 0, steep(z), num(1) <= phi(z), risen, falls)

    low = by_cases(s, z, 0, num(1) <= phi(z), before, after)
    scaled = s.apply("product", [[low, weaken(s, exp_positive(s, z))]])
    found = s.lin(exp(z) <= 1 + z + c * z * z, [scaled])
    return s.gen(s.discharge(found, half, sign_, ends, within), c, zeta, z)


@dataclass(frozen=True)
class Expansion:
    """How far Σ_j p_j a_j is from Σ_j w_j z_j a_j, for the softmax p of logits z: at most 2b Σ_j w_j c_j z_j².

    p_k ≤ w_k exp z_k, as Σ w exp z ≥ 1, and p_k ≤ 1; so p_k ≤ u_k = w_k(1 + z_k + c_k z_k²), by `below_parabola`. As
    Σ_k (u_k − p_k) = Σ_k w_k c_k z_k², moving p_k to u_k and that to w_k(1 + z_k) costs no more than b times this each.
    """

    weights: Weights

    def given(self, z: Terms, a: Terms, c: Terms, zeta: Terms, b: Expr) -> Expr:
        """What is supposed: |a_k| ≤ b, what c_k and ζ_k are, Σ_k w_k z_k = 0 and Σ_k w_k a_k = 0."""
        n, w = self.weights.n, self.weights.w

        def bounds(k: Expr) -> Expr:
            return conj(
                *(-b <= a(k), a(k) <= b, num("1/2") <= c(k), num(0) <= zeta(k), num(1) <= w(k) * exp(zeta(k))),
                exp(zeta(k)) <= 1 + zeta(k) + c(k) * zeta(k) * zeta(k),
            )

        def no_mean(x: Terms) -> Expr:
            return eq(total(n, lambda k: w(k) * x(k)), 0)

        return conj(forall(Index(n), bounds), no_mean(z), no_mean(a))

    def line(self) -> Line:
        """∀z, a, c, ζ, b. what is given ⟹ |Σ_j p_j a_j − Σ_j w_j z_j a_j| ≤ 2b Σ_j w_j c_j z_j²."""
        s, n, w = self.weights.s, self.weights.n, self.weights.w
        z, a, c, zeta = (fresh(Family(n, Real), name) for name in ("z", "a", "c", "ζ"))
        b, k = fresh(Real, "b"), fresh(Index(n), "k")
        given = s.assume(self.given(z, a, c, zeta, b))
        bounds, no_z, no_a = s.parts(given)
        soft = self.weights.soft(z)
        own = self._below(soft, c, zeta, s.parts(s.spec(bounds, k)), no_z, k)
        low, high, half, *_ = s.parts(s.spec(bounds, k))
        positive = weaken(s, s.spec(self.weights.positive, k))
        bend = s.apply("product", [[positive, s.lin(num(0) <= c(k), [half])]])
        bend = s.apply("product", [[s.lin(num(0) <= w(k) * c(k), [bend]), square_nonnegative(s, z(k))]])
        bend = s.lin(num(0) <= w(k) * c(k) * z(k) * z(k), [bend])
        gap = s.lin(num(0) <= self._upper(c, z, k) - soft.p(k), [own])
        size, average = total(n, lambda j: w(j) * c(j) * z(j) * z(j)), total(n, lambda j: soft.p(j) * a(j))
        first, one = total(n, lambda j: w(j) * z(j) * a(j)), soft.sums_to_one()
        moved, rho = (soft.p(k) - w(k) - w(k) * z(k)) * a(k), average - first
        room = b * (2 * w(k) * c(k) * z(k) * z(k) + w(k) + w(k) * z(k) - soft.p(k))
        found = []
        for least, most, near, far in ((moved, rho, high, low), (-moved, -rho, low, high)):
            parts = [s.apply("product", [[bend, near]]), s.apply("product", [[gap, far]])]
            summed = s.apply("sum_order", [[s.gen(s.lin(least <= room, parts), k)]])
            ends = [summed, (no_z, b), no_a, (self.weights.whole, b), (one, b)]
            found.append(s.lin(most <= 2 * b * size, ends))
        return s.gen(s.discharge(s.both(*found), given), z, a, c, zeta, b)

    def _upper(self, c: Terms, z: Terms, k: Expr) -> Expr:
        """u_k = w_k(1 + z_k + c_k z_k²)."""
        return self.weights.w(k) * (1 + z(k) + c(k) * z(k) * z(k))

    def _below(self, soft: SoftMax, c: Terms, zeta: Terms, bounds: list[Line], no_z: Line, k: Expr) -> Line:
        """p_k ≤ u_k."""
        s, w, z = self.weights.s, self.weights.w, soft.z
        _, _, half, sign, reached, ends = bounds
        claim, positive = soft.p(k) <= self._upper(c, z, k), weaken(s, s.spec(self.weights.positive, k))
        share = s.gen(weaken(s, s.spec(soft.weight_positive(), k)), k)

        def near(low: Line) -> Line:  # z ≤ ζ
            j = fresh(Index(soft.n), "j")
            above = s.parts(s.apply("exponential", [], [z(j)]))[0]
            part = s.apply("product", [[weaken(s, s.spec(self.weights.positive, j)), above]])
            part = s.lin(w(j) * (1 + z(j)) <= w(j) * exp(z(j)), [part])
            summed = s.apply("sum_order", [[s.gen(part, j)]])
            whole = s.lin(num(1) <= soft.whole, [summed, no_z, self.weights.whole])
            down = s.apply("product", [[s.spec(share, k), whole]])
            curve = s.mp(s.known(below_parabola, c(k), zeta(k), z(k)), half, sign, ends, low)
            raised = s.apply("product", [[positive, curve]])
            law = (soft.cancel, w(k) * exp(z(k)))
            return s.lin(claim, [down, raised, law], soft.weights)

        def far(high: Line) -> Line:  # ζ < z
            most = s.lin(soft.p(k) <= 1, [summand_at_most(s, share, k), soft.sums_to_one()])
            over = weaken(s, high)
            sum_ = s.lin(num(0) <= z(k) + zeta(k), [over, sign])
            square = s.apply("product", [[over, sum_]])
            square = s.apply("product", [[s.lin(num(0) <= c(k), [half]), s.lin(num(0) <= square.right, [square])]])
            curve = s.lin(exp(zeta(k)) <= 1 + z(k) + c(k) * z(k) * z(k), [ends, over, square])
            raised = s.apply("product", [[positive, curve]])
            return s.lin(claim, [most, reached, raised])

        return by_cases(s, z(k), zeta(k), claim, near, far)
