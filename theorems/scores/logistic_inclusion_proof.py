"""Proof of logistic-inclusion: a convex function of the difference of two scores of one item."""

from __future__ import annotations

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Real,
    conj,
    delta,
    eq,
    exists,
    exp,
    fn,
    forall,
    fresh,
    log,
    num,
    tr,
    unit,
    var,
)
from thmverify.proofs.lemmas.basic import (
    exp_order,
    log_exp,
    nonempty,
    reflexive,
    square_nonnegative,
    square_norm,
    unfolded,
)
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.soft import exp_monotone
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import HYPOTHESES, Corollary, some_of

PHI = var("phi", Fun(Real, Real))
POSITIVE, NEGATIVE = var("positive", Index(f.q)), var("negative", Index(f.q))
TRIPLET = conj(eq(f.first(POSITIVE), f.first(NEGATIVE)), ~eq(f.second(POSITIVE), f.second(NEGATIVE)))
TANGENTS = forall(Real, lambda u: exists(Real, lambda g: forall(Real, lambda v: PHI(u) + g * (v - u) <= PHI(v))))
GROWS = exists(Real, lambda c: forall(Real, lambda u: PHI(u) <= exp(c * (1 + log(1 + u * u)))))
BENT = exists(Real, lambda u: exists(Real, lambda t: num(2) * PHI(u) < PHI(u + t) + PHI(u - t)))


def difference(z: Expr) -> Expr:
    """z_negative − z_positive."""
    return f.score(z, NEGATIVE) - f.score(z, POSITIVE)


def slower(s: Script) -> Line:
    """∀c, u, x. 0 ≤ x ⟹ u² ≤ 4x ⟹ exp(c(1 + log(1 + u²))) ≤ exp(3(1 + c²)(1 + log(1 + x))).

    1 + u² ≤ 4(1 + x) ≤ exp(2)(1 + x), so log(1 + u²) ≤ 2 + log(1 + x).
    """
    c, u, x = (fresh(Real, name) for name in "cux")
    low, small = s.assume(num(0) <= x), s.assume(u * u <= 4 * x)
    own, other = log(1 + u * u), log(1 + x)
    square = square_nonnegative(s, u)
    is_own = log_exp(s, s.lin(num(0) < 1 + u * u, [square]))
    is_other = log_exp(s, s.lin(num(0) < 1 + x, [low]))
    e = s.parts(s.apply("exponential", [], [num(1)]))[0]  # 2 ≤ e
    four = s.apply("product", [[s.lin(num(0) <= exp(1) - 2, [e]), s.lin(num(0) <= exp(1) + 2, [e])]])
    wide = s.apply("product", [[s.lin(num(0) <= exp(1) * exp(1) - 4, [four]), s.lin(num(0) <= 1 + x, [low])]])
    power = s.calc(eq(exp(2 + other), exp(1) * exp(1) * exp(other)))
    above = s.lin(exp(own) <= exp(2 + other), [is_own, small, wide, power, (is_other, exp(1) * exp(1))])
    logs = exp_order(s, above)
    long = [
        exp_order(s, s.lin(exp(0) <= exp(L), [line, bound]))
        for L, line, bound in ((own, is_own, square), (other, is_other, low))
    ]
    factor = s.lin(num(0) <= 1 + c * c, [square_nonnegative(s, c)])
    first = s.apply(
        "product",
        [
            [
                s.lin(num(0) <= 1 + c * c - c, [square_nonnegative(s, c - num("1/2"))]),
                s.lin(num(0) <= 1 + own, [long[0]]),
            ]
        ],
    )
    second = s.apply("product", [[factor, logs]])
    third = s.apply("product", [[factor, long[1]]])
    exponents = s.lin(c * (1 + own) <= 3 * (1 + c * c) * (1 + other), [first, second, third])
    line = s.mp(s.known(exp_monotone, exponents.left, exponents.right), exponents)
    return s.gen(s.discharge(line, low, small), c, u, x)


def convex(s: Script, tangents: Line, grows: Line, losses: Expr) -> Line:
    """Φ is convex and of polynomial growth."""
    z, y, mark = fresh(Col(f.q), "z"), fresh(Col(f.q), "y"), s.mark()
    claim = f.convex(losses)
    growth = Expr(claim.term.args[1])
    across = unit(NEGATIVE) - unit(POSITIVE)
    (g,), tangent = s.obtain(s.spec(tangents, difference(z)), "g")
    line = s.spec(tangent, difference(y))
    inner = exists(Col(f.q), lambda g: forall(Col(f.q), lambda y: losses(z) + tr(g.T @ (y - z)) <= losses(y)))
    line = s.gen(s.lin(losses(z) + tr((g * across).T @ (y - z)) <= losses(y), [line]), y)
    support = s.gen(s.release(s.exhibit(inner, g * across, line), mark), z)
    s.forget(mark)
    (c,), bound = s.obtain(grows, "c")
    entries = [square_norm(s, z - f.score(z, e) * unit(e)) for e in (NEGATIVE, POSITIVE)]
    both = square_nonnegative(s, f.score(z, NEGATIVE) + f.score(z, POSITIVE))
    length = tr(z.T @ z)
    small = s.lin(difference(z) * difference(z) <= 4 * length, [*entries, both])
    power = s.mp(s.known(slower, c, difference(z), length), square_norm(s, z), small)
    below = s.lin(losses(z) <= power.right, [s.spec(bound, difference(z)), power])
    rate = num(3) * (1 + c * c)
    wanted = exp(rate * (1 + log(1 + length)))
    below = s.gen(s.lin(losses(z) <= wanted, [below]), z)
    grown = s.release(s.exhibit(growth, rate, below), mark)
    s.forget(mark)
    return s.taut(claim, support, grown)


def inclusion(s: Script) -> Line:
    """A minimiser of E φ(z_negative − z_positive), φ convex and not affine, has its columns in S_F."""
    given = [s.assume(x) for x in (f.Scores(s).batch, TRIPLET, TANGENTS, GROWS, BENT)]
    batch, triplet, tangents, grows, bent = given
    losses = fn(Index(f.T), lambda _: fn(Col(f.q), lambda z: PHI(difference(z))))
    corollary = Corollary(Setting(s), losses, batch)
    are_convex = s.step(
        "convex",
        "φ has a tangent from below at every number, so φ(z_negative − z_positive) has one at every z.",
        corollary.convex(lambda t: convex(s, tangents, grows, losses(t))),
    )
    mark = s.mark()
    _, sums_to_one, _, different = s.parts(unfolded(s, batch))
    t, there = some_of(s, nonempty(s, sums_to_one), "s_0")
    (u, step), bend = s.obtain(bent, "u", "t")
    same, apart = s.parts(triplet)
    a, b = f.first(NEGATIVE), f.second(NEGATIVE)
    rates = fn(Index(f.n), lambda j: step * delta(j, b))
    facts = [
        _kronecker(s, f.first(POSITIVE), a, same),
        _kronecker(s, f.second(POSITIVE), b, apart),
        _kronecker(s, a, b, s.spec(different, NEGATIVE)),
        _kronecker(s, f.second(POSITIVE), a, _turned(s, s.rewrite(same, s.spec(different, POSITIVE)))),
        _kronecker(s, POSITIVE, NEGATIVE, _unlike(s, apart)),
    ]
    start, h = u * unit(NEGATIVE), f.direction(a, rates)
    ends = [
        s.lin(eq(difference(z), value), [], *facts)
        for z, value in ((start, u), (start + h, u + step), (start - h, u - step))
    ]
    values = [
        s.same(losses(t)(z), s.lin(eq(difference(z), line.right), [line]))
        for z, line in zip((start, start + h, start - h), ends, strict=True)
    ]
    line = s.lin(num(2) * losses(t)(start) < losses(t)(start + h) + losses(t)(start - h), [bend, *values])
    line = corollary.bent(t, a, rates, start, s.taut(line.formula, line, there))
    bends = s.step(
        "bends", "φ bends somewhere, and the difference of the scores can be any number.", s.release(line, mark)
    )
    s.forget(mark)
    return s.discharge(corollary.included(are_convex, bends), *given)


def _kronecker(s: Script, i: Expr, j: Expr, line: Line) -> Line:
    """[i = j] = 1 from i = j, or [i = j] = 0 from i ≠ j."""
    value = 1 if line.theorem.conclusion.op == "eq" else 0
    return s.taut(eq(delta(i, j), value), s.apply("kronecker", [], [i, j]), line)


def _turned(s: Script, line: Line) -> Line:
    """j ≠ i from i ≠ j."""
    i, j = (Expr(t) for t in line.theorem.conclusion.args[0].args)
    supposed = s.assume(eq(j, i))
    absurd = s.rewrite(supposed, line)
    return s.taut(
        ~supposed.formula, s.discharge(s.taut(num(1) <= 0, absurd, reflexive(s, i)), supposed), s.calc(num(0) < 1)
    )


def _unlike(s: Script, apart: Line) -> Line:
    """positive ≠ negative, since their second items differ."""
    supposed = s.assume(eq(POSITIVE, NEGATIVE))
    absurd = s.rewrite(supposed, apart)
    nothing = s.taut(num(1) <= 0, absurd, reflexive(s, f.second(NEGATIVE)))
    return s.taut(~supposed.formula, s.discharge(nothing, supposed), s.calc(num(0) < 1))


def prove() -> Proposal:
    """Convex functions of the difference of two scores."""
    line = derived("logistic-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
