"""Proof of clip-batch-inclusion: the argument of convex-scores-inclusion, for one modality and then for the other."""

from __future__ import annotations

from collections.abc import Callable

from thmverify.formulas import bilinear as f
from thmverify.formulas import clip as v
from thmverify.formulas.scores import Phi, Scores, T, q
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Index,
    delta,
    eq,
    exists,
    fn,
    fresh,
    num,
    total,
    tr,
    unit,
    zero,
)
from thmverify.proofs.lemmas.algebra import exhibited
from thmverify.proofs.lemmas.basic import folded, nonempty, reflexive, some_index, unfolded
from thmverify.proofs.lemmas.bilinear import TEXT, VISION, Letters, Side
from thmverify.proofs.lemmas.paired import Setting
from thmverify.proofs.lemmas.soft import Soft, convex_sum
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import some_of

HYPOTHESES = {name: v.HYPOTHESES[name] for name in ("vision-definite", "text-definite")}
LOSSES = fn(Index(T), lambda _: fn(Col(q), f.clip))
TWO = exists(Index(f.n), lambda l: exists(Index(f.n), lambda k: ~eq(k, l)))


class Batch:
    """A batch of n ≥ 2 pairs of images and texts, and what CLIP's loss is as a function of its scores."""

    def __init__(self, s: Script) -> None:
        """Assume that there are two pairs, and which score is whose."""
        self.s, bilinear = s, f.Bilinear(s)
        self.batch, self.pairs, self.two = (s.assume(x) for x in (bilinear.batch, bilinear.all_pairs, TWO))
        mark, some = s.mark(), s.known(some_index, f.n)
        (l, _), there = s.obtain(self.two, "l", "k")
        self.some = s.release(s.taut(some.left, some, there, s.exhibit(some.right, l, reflexive(s, l))), mark)
        s.forget(mark)

    def soft(self, candidate: Callable[[Expr, Expr], Expr]) -> Soft:
        """Σ_m (log Σ_l exp z_{candidate(m, l)} − z_{candidate(m, m)})."""
        s, m, l = self.s, fresh(Index(f.n), "m"), fresh(Index(f.n), "l")
        return Soft(
            s, q, f.n, f.n, -total(f.n, lambda m: unit(candidate(m, m))),
            lambda _: num(1),
            lambda *_: num(1),
            lambda m, l: unit(candidate(m, l)),
            lambda *_: num(0),
            s.gen(s.calc(num(0) <= 1), m),
            s.gen(s.calc(num(0) < 1), m, l),
            self.some,
        )  # fmt: skip

    @property
    def halves(self) -> tuple[Soft, Soft]:
        """The part whose anchors are images, and the part whose anchors are texts."""
        return self.soft(f.pair), self.soft(lambda m, l: f.pair(l, m))

    def convex(self) -> Line:
        """The losses are convex."""
        s, t = self.s, fresh(Index(T), "s")
        return folded(s, Scores(s).convex(LOSSES), s.gen(convex_sum(s, self.halves, fn(Col(q), f.clip)), t))

    def bends(self, own: Letters, other: Letters, half: int) -> Line:
        """The losses bend in the scores of an item of one modality: that with item l of the other moves alone."""
        s, mark = self.s, self.s.mark()
        _, sums_to_one, *_ = s.parts(unfolded(s, self.batch))
        t, there = some_of(s, nonempty(s, sums_to_one), "s_0")
        (l, k), different = s.obtain(self.two, "l", "k")
        soft, rest = self.halves[half], self.halves[1 - half]
        a, rates, z = l, fn(Index(f.n), lambda j: delta(j, l)), zero(q)
        h = f.direction(own.own, other.own, a, rates)
        values = [self.moved(h, soft, own, other, a, l, j, different) for j in (l, k)]
        same = s.assume(eq(values[0].left, values[1].left))
        absurd = s.lin(num(1) <= 0, [*values, same])
        apart = s.taut(~same.formula, s.discharge(absurd, same), s.calc(num(0) < 1))
        strict = soft.bends(z, h, a, l, k, s.calc(num(0) < 1), apart)
        flat = [rest.tangent(z, z + h), rest.tangent(z, z - h)]
        value = LOSSES(t)
        line = s.lin(num(2) * value(z) < value(z + h) + value(z - h), [strict, *flat])
        line = exhibited(s, f.bends(LOSSES, own.own, other.own), (t, a, rates, z), s.taut(line.formula, line, there))
        line = s.release(line, mark)
        s.forget(mark)
        return line

    def moved(
        self, h: Expr, soft: Soft, own: Letters, other: Letters, a: Expr, l: Expr, j: Expr, different: Line
    ) -> Line:
        """How the score of item a with item j of the other modality moves: at the rate [j = l]."""
        s = self.s
        (e,) = (Expr(x) for x in soft.slope(a, j).term.args)
        images, texts = s.parts(s.spec(unfolded(s, self.pairs), *((a, j) if own is VISION else (j, a))))
        is_own, is_other = (images, texts) if own is VISION else (texts, images)
        facts = [s.taut(eq(delta(own.own(e), a), 1), s.apply("kronecker", [], [own.own(e), a]), is_own)]
        law = s.apply("kronecker", [], [other.own(e), l])
        if j is l:
            facts.append(s.taut(eq(delta(other.own(e), l), 1), law, is_other))
        else:
            supposed = s.assume(eq(other.own(e), l))
            equal = s.rewrite(is_other, supposed)  # k = l
            not_l = s.taut(~supposed.formula, s.discharge(equal, supposed), different)
            facts.append(s.taut(eq(delta(other.own(e), l), 0), law, not_l))
        return s.lin(eq(tr(soft.slope(a, j).T @ h), 1 if j is l else 0), [], *facts)


def general(s: Script, own: Letters, other: Letters) -> Line:
    """∀Φ. for convex losses that bend in the scores of one modality, a minimiser has W inside on that side."""
    side = Side(Setting(s), Phi, own, other)
    minimal, bends = s.assume(side.bilinear.minimises(Phi, v.A_V, v.A_T)), s.assume(f.bends(Phi, own.own, other.own))
    maps = (side.P @ v.A_V, v.A_T) if own is VISION else (v.A_V, side.P @ v.A_T)
    flat = side.flat(s.spec(unfolded(s, minimal), *maps), bends)
    within = s.release(side.included(flat))
    return s.gen(s.discharge(within, side.batch, side.are_convex, bends, minimal), Phi)


def inclusion(s: Script) -> Line:
    """A minimiser of CLIP's loss of batches of n ≥ 2 pairs has Col(W) ⊆ S_{V,F} and Col(Wᵀ) ⊆ S_{T,F}."""
    batch, bilinear = Batch(s), f.Bilinear(s)
    convex = s.step("convex", "A sum of log-sum-exps of scores is convex, less a linear form.", batch.convex())
    minimal, lines = s.assume(bilinear.minimises(LOSSES, v.A_V, v.A_T)), []
    for own, other, half, name in ((VISION, TEXT, 0, "images"), (TEXT, VISION, 1, "texts")):
        law = s.step(
            f"{name}-cut",
            f"A convex loss of the scores falls when the map of the {name} is cut to its part in the Fisher subspace, "
            f"if it is not affine in the scores of one of the {name} and the cut changes W.",
            general(s, own, other),
        )
        bends = s.step(
            f"{name}-bend", "A log-sum-exp is not affine in one of its scores.", batch.bends(own, other, half)
        )
        lines.append(s.mp(s.spec(law, LOSSES), batch.batch, convex, bends, minimal))
    return s.discharge(s.both(*lines), batch.batch, batch.pairs, batch.two, minimal)


def prove() -> Proposal:
    """CLIP in batches."""
    line = derived("clip-batch-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
