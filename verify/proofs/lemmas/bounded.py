"""A bounded odd function, ψ(z) = (eᶻ − e⁻ᶻ)/(eᶻ + e⁻ᶻ), as a softmax of two: |ψ| ≤ 1, ψ(−z) = −ψ(z), zψ(z) > 0."""

from __future__ import annotations

from thmverify.proofs.expressions import (
    Expr,
    Index,
    Real,
    conj,
    delta,
    eq,
    exp,
    fresh,
    inv,
    nth,
    num,
    real,
    size,
    softmax,
)
from thmverify.proofs.lemmas.basic import (
    SoftMax,
    by_cases,
    exp_positive,
    reciprocal_positive,
    root_vanishes,
    sandwich,
    square_nonnegative,
    weaken,
)
from thmverify.proofs.script import Line, Script

FIRST, SECOND = nth(0, 2), nth(1, 2)


def logit(z: Expr, k: Expr) -> Expr:
    """z for the first of two, −z for the second."""
    return (2 * delta(k, FIRST) - 1) * z


def upper(z: Expr) -> Expr:
    """p(z) = eᶻ/(eᶻ + e⁻ᶻ)."""
    return softmax(2, lambda _: num(1), lambda k: logit(z, k), FIRST)


def odd(z: Expr) -> Expr:
    """ψ(z) = 2p(z) − 1."""
    return 2 * upper(z) - 1


def ones(s: Script) -> Line:
    """∀k < 2. 0 < 1."""
    return s.gen(s.calc(num(0) < 1), fresh(Index(2), "k"))


def odd_bounded(s: Script) -> Line:
    """∀z. −1 ≤ ψ(z) ∧ ψ(z) ≤ 1 ∧ ψ(−z) = −ψ(z) ∧ 0 ≤ zψ(z) ∧ (z ≠ 0 ⟹ 0 < zψ(z))."""
    z = fresh(Real, "z")

    def soft_at(z: Expr) -> SoftMax:
        return SoftMax(s, 2, lambda _: num(1), lambda k: logit(z, k), ones(s), s.calc(num(1) <= real(Expr(size(2)))))

    soft, other = soft_at(z), soft_at(-z)
    first, second = (s.spec(soft.weight_positive(), k) for k in (FIRST, SECOND))
    one = soft.sums_to_one()
    low, high = s.lin(num(-1) <= odd(z), [first]), s.lin(odd(z) <= 1, [second, one])
    facts = s.spec(soft.weights, FIRST), s.spec(soft.weights, SECOND), s.spec(other.weights, FIRST)
    turned = s.lin(eq(odd(-z), -odd(z)), [one], *facts)
    value = s.lin(eq(z * odd(z), z * (exp(z) - exp(-z)) * inv(soft.whole)), [(one, z)], *facts)
    return s.gen(s.both(low, high, turned, _signed(s, z, reciprocal_positive(s, soft.whole_positive), value)), z)


def _signed(s: Script, z: Expr, over: Line, value: Line) -> Line:
    """0 ≤ zψ(z) ∧ (z ≠ 0 ⟹ 0 < zψ(z)), from 0 < (eᶻ + e⁻ᶻ)⁻¹ and what zψ(z) is."""
    square, apart, nothing = square_nonnegative(s, z), s.assume(~eq(z, 0)), s.assume(z * z <= 0)
    gone = s.discharge(root_vanishes(s, sandwich(s, s.lin(z * z <= 0, [nothing]), square)), nothing)
    strict = s.taut(num(0) < z * z, gone, apart)
    claim = conj(num(0) <= z * odd(z), ~eq(z, 0) >> (num(0) < z * odd(z)))

    def above(sign: Line, gap: Expr) -> Line:
        """From 1 + gap ≤ exp gap, gap = ±2z: z(eᶻ − e⁻ᶻ) ≥ 2z²e, e = exp(−½ gap) the smaller of eᶻ and e⁻ᶻ."""
        least = exp_positive(s, num("-1/2") * gap)
        scaled = s.apply("product", [[weaken(s, least), s.parts(s.apply("exponential", [], [gap]))[0]]])
        part = s.apply("product", [[sign, s.lin(num(0) <= least.right * (exp(gap) - 1 - gap), [scaled])]])
        whole = s.lin(2 * z * z * least.right <= z * (exp(z) - exp(-z)), [part])
        reached = s.apply("product", [[whole, weaken(s, over)]])
        tops = (s.apply("product", [[s.apply("product", [[line, least]]), over]]) for line in (square, strict))
        low, more = (
            s.lin(c, [reached, t, value])
            for c, t in zip((num(0) <= z * odd(z), num(0) < z * odd(z)), tops, strict=True)
        )
        return s.both(low, s.discharge(more, apart))

    return by_cases(s, 0, z, claim, lambda sign: above(sign, 2 * z), lambda sign: above(weaken(s, sign), -2 * z))
