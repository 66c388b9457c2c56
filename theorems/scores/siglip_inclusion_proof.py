"""Proof of siglip-inclusion: a sum of softplus functions of single scores is convex, and bends with one that counts."""

from __future__ import annotations

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
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
    nth,
    num,
    total,
    tr,
    unit,
    var,
    zero,
)
from thmverify.proofs.lemmas.basic import nonempty, unfolded
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.soft import Soft
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import HYPOTHESES, Corollary, literal, some_of

WEIGHT, SLOPE, SHIFT = (var(name, Family(f.q, Real)) for name in ("weight", "slope", "shift"))
TWO, ZERO, ONE = literal(2), nth(0, 2), nth(1, 2)
WEIGHTS = forall(Index(f.q), lambda e: num(0) <= WEIGHT(e))
COUNTS = exists(Index(f.q), lambda e: conj(num(0) < WEIGHT(e), ~eq(SLOPE(e), 0)))


def softplus(e: Expr, z: Expr) -> Expr:
    """log(1 + exp(slope·z_e + shift))."""
    return log(1 + exp(SLOPE(e) * f.score(z, e) + SHIFT(e)))


def inclusion(s: Script) -> Line:
    """A minimiser of E Σ_e weight_e log(1 + exp(slope_e z_e + shift_e)) has its columns in S_F."""
    batch, weights, counts = s.assume(f.Scores(s).batch), s.assume(WEIGHTS), s.assume(COUNTS)
    losses = fn(Index(f.T), lambda _: fn(Col(f.q), lambda z: total(f.q, lambda e: WEIGHT(e) * softplus(e, z))))
    m, l, z = fresh(Index(f.q), "e"), fresh(Index(TWO), "l"), fresh(Col(f.q), "z")
    soft = Soft(
        s, f.q, f.q, TWO, zero(f.q),
        WEIGHT,
        lambda *_: num(1),
        lambda e, l: (delta(l, ONE) * SLOPE(e)) * unit(e),
        lambda e, l: delta(l, ONE) * SHIFT(e),
        weights,
        s.gen(s.calc(num(0) < 1), m, l),
        s.calc(num(1) <= TWO),
    )  # fmt: skip
    named = s.lin(eq(soft.part(m, z), softplus(m, z)), [s.apply("softmax", [], [soft.part(m, z)])])
    named = s.gen(named, m, z)
    corollary = Corollary(Setting(s), losses, batch)
    convex = s.step(
        "convex",
        "log(1 + exp(az + b)) lies above its tangents and grows at most linearly.",
        corollary.convex(lambda t: soft.convex(losses(t), named)),
    )
    mark = s.mark()
    _, sums_to_one, _, different = s.parts(unfolded(s, batch))
    t, there = some_of(s, nonempty(s, sums_to_one), "s_0")
    (e,), facts = s.obtain(counts, "e")
    counted, sloped = s.parts(facts)
    a, b = f.first(e), f.second(e)
    rates, origin = fn(Index(f.n), lambda j: delta(j, b)), zero(f.q)
    h = f.direction(a, rates)
    apart = s.taut(eq(delta(a, b), 0), s.apply("kronecker", [], [a, b]), s.spec(different, e))
    moves = [s.lin(eq(tr(soft.slope(e, l).T @ h), value), [], apart) for l, value in ((ONE, SLOPE(e)), (ZERO, num(0)))]
    same = s.assume(eq(moves[0].left, moves[1].left))
    flat = s.lin(eq(SLOPE(e), 0), [same, *moves])
    apart = s.taut(~same.formula, s.discharge(flat, same), sloped)
    bend = soft.bends(origin, h, e, ONE, ZERO, counted, apart)
    ends = [s.gen(s.spec(named, m, end), m) for end in (origin, origin + h, origin - h)]
    bent = corollary.bent(t, a, rates, origin, s.taut(bend.formula, bend, there), *ends)
    bends = s.step("bends", "It is not affine in the score e with weight_e > 0 and slope_e ≠ 0.", s.release(bent, mark))
    s.forget(mark)
    return s.discharge(corollary.included(convex, bends), batch, weights, counts)


def prove() -> Proposal:
    """SigLIP."""
    line = derived("siglip-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
