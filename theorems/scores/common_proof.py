"""What the scripts about losses of scores share: the general theorem for a shared covariance, and softmax losses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from thmverify.formulas import mixtures as v
from thmverify.formulas import scores as f
from thmverify.formulas.nonshared import HYPOTHESES as OWN
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Fun,
    Index,
    Real,
    delta,
    eq,
    exists,
    fn,
    fresh,
    minv,
    nth,
    num,
    size,
    total,
    unit,
    var,
    zero,
)
from thmverify.proofs.lemmas.algebra import exhibited
from thmverify.proofs.lemmas.basic import definition, folded, nonempty, reflexive, some_index, unfolded
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.soft import Soft
from thmverify.proofs.script import Line, Script
from thmverify.theorems.scores.convex_scores_inclusion_proof import inclusion

HYPOTHESES = {
    name: v.HYPOTHESES[name]
    for name in ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")
}


def maps_into_means(setting: Setting) -> Line:
    """∀k, j. Σ_kΣ̄⁻¹μ_j = Σ_i [i = j] μ_i, for a shared covariance."""
    s, k, j = setting.s, fresh(Index(v.K), "k"), fresh(Index(v.K), "j")
    means = fn(Index(v.K), lambda i: delta(i, j))
    column = v.Sigma(k) @ minv(setting.mix.sigma_bar) @ v.mu(j)
    line = s.lin(eq(column, total(v.K, lambda i: means(i) * v.mu(i))), [], setting.shared, setting.sigma_inverse[0])
    line = s.rewrite(setting.sigma_unfolded, line)
    some = exists(Family(v.K, Real), lambda c: eq(line.left, total(v.K, lambda i: c(i) * v.mu(i))))
    return s.gen(s.exhibit(some, means, line), k, j)


@dataclass(frozen=True)
class Corollary:
    """A loss of scores, λs. λz. Φ_s(z); `batch` says that the batch is one, and the covariance is shared."""

    setting: Setting
    losses: Expr
    batch: Line

    def convex(self, convex: Callable[[Expr], Line]) -> Line:
        """The losses are convex, from the line that says it for a state."""
        s, t = self.setting.s, fresh(Index(f.T), "s")
        return folded(s, f.Scores(s).convex(self.losses), s.gen(convex(t), t))

    def included(self, are_convex: Line, bends: Line) -> Line:
        """A minimiser has its columns in S_F, from the lines that the losses are convex and that they bend."""
        s, scores = self.setting.s, f.Scores(self.setting.s)
        general = s.discharge(s.cite("convex-scores-inclusion", inclusion), OWN["maps-into-means"])
        applied = s.spec(s.mp(general, maps_into_means(self.setting)), self.losses)
        facts = s.mp(applied, self.batch, are_convex)
        return s.mp(s.parts(facts)[1], folded(s, scores.bends(self.losses), bends))

    @property
    def bending(self) -> Expr:
        """What it means that the losses bend."""
        return definition(self.setting.s, f.Scores(self.setting.s).bends(self.losses)).right

    def bent(self, t: Expr, a: Expr, rates: Expr, z: Expr, line: Line, *using: Line) -> Line:
        """The losses bend, from 2Φ(z) < Φ(z + h) + Φ(z − h) in state t, item a moving at these rates."""
        s, h = self.setting.s, f.direction(a, rates)
        value = self.losses(t)
        claim = num(2) * value(z) < value(z + h) + value(z - h)
        return exhibited(s, self.bending, (t, a, rates, z), s.lin(claim, [line], *using))


class Contrast:
    """Softmax losses Φ_s(z) = c_sᵀz + Σ_m a_sm log Σ_l exp z_{candidate(m, l)}, a_sm ≥ 0, of M anchors.

    Each anchor has N ≥ 2 candidates. A subclass says what the loss is: its value, and c and a beside it.
    """

    def __init__(self, script: Script, M: Expr) -> None:
        """Assume that the batch is one, what the candidates are, and that there are two of them."""
        s = self.s = script
        self.M, self.scores = M, f.Scores(s)
        self.anchors = var("anchor", Family(M, Index(f.n)))
        self.candidates = var("candidate", Fun(Index(M), Index(f.N), Index(f.q)))
        self.batch, self.two = s.assume(self.scores.batch), s.assume(f.two_candidates())
        self.contrasted = s.assume(f.contrasted(s, M, self.anchors, self.candidates))
        self.apart = unfolded(s, self.contrasted)
        _, self.sums_to_one, _, self.different = s.parts(unfolded(s, self.batch))
        mark, some = s.mark(), s.known(some_index, f.N)
        (l, _), there = s.obtain(self.two, "l", "k")
        self.some = s.release(s.taut(some.left, some, there, s.exhibit(some.right, l, reflexive(s, l))), mark)
        s.forget(mark)

    def value(self, t: Expr, z: Expr) -> Expr:
        """Φ_t(z), as it is printed."""
        raise NotImplementedError

    def linear(self, t: Expr) -> Expr:
        """c_t."""
        raise NotImplementedError

    def amount(self, t: Expr, m: Expr) -> Expr:  # noqa: ARG002
        """a_tm."""
        return num(1)

    def amounts(self, t: Expr) -> Line:  # noqa: ARG002
        """∀m. 0 ≤ a_tm."""
        return self.s.gen(self.s.calc(num(0) <= 1), fresh(Index(self.M), "m"))

    def chosen(self) -> tuple[Expr, Expr, Line]:
        """A state t and an anchor m, chosen, and 0 < a_tm."""
        s = self.s
        t, there = some_of(s, nonempty(s, self.sums_to_one), "s_0")
        positive = s.calc(num(0) < 1)
        if self.M.term.op == "lit":
            return t, nth(0, 1), s.taut(positive.formula, positive, there)
        m, too = some_of(s, s.assume(num(1) <= self.M), "m_0")
        return t, m, s.taut(positive.formula, positive, there, too)

    def partition(self, m: Expr, z: Expr) -> Expr:
        """log Σ_l exp z_{candidate(m, l)}."""
        return f.partition(z, self.candidates(m))

    @property
    def losses(self) -> Expr:
        """λs. λz. Φ_s(z)."""
        return fn(Index(f.T), lambda t: fn(Col(f.q), lambda z: self.value(t, z)))

    def inclusion(self, *further: Line) -> Line:
        """A minimiser has its columns in S_F: with what is assumed as premises, further assumptions among them."""
        s, mark = self.s, self.s.mark()
        corollary = Corollary(Setting(s), self.losses, self.batch)
        convex = s.step(
            "convex",
            "Log-sum-exps of scores lie above their tangents and grow at most linearly.",
            corollary.convex(self.convex),
        )
        t, anchor, positive = self.chosen()
        (l, k), _ = s.obtain(self.two, "l", "k")
        bend, using = self.bends(t, anchor, l, k, positive)
        bent = corollary.bent(t, self.anchors(anchor), self.rates(anchor, l), zero(f.q), bend, *using)
        bends = s.step(
            "bends", "A log-sum-exp is not affine when one of its scores moves alone.", s.release(bent, mark)
        )
        s.forget(mark)
        line = corollary.included(convex, bends)
        return s.discharge(line, self.batch, self.contrasted, self.two, *further)

    def convex(self, t: Expr) -> Line:
        """Φ_t is convex."""
        mark = self.s.mark()
        soft, using = self.soft(t)
        line = self.s.release(soft.convex(self.losses(t), *using), mark)
        self.s.forget(mark)
        return line

    def soft(self, t: Expr) -> tuple[Soft, Sequence[Line]]:
        """Φ_t with names for its linear part and its weights, and the equations that say what these are."""
        s, m, l = self.s, fresh(Index(self.M), "m"), fresh(Index(f.N), "l")
        linear, is_linear = s.let("c", self.linear(t))
        amount, is_amount = s.let_family("a", [Index(self.M)], lambda m: self.amount(t, m))
        low = s.lin(num(0) <= amount(m), [s.spec(self.amounts(t), m)], is_amount)
        soft = Soft(
            s, f.q, self.M, f.N, linear, amount,
            lambda *_: num(1),
            lambda m, l: unit(self.candidates(m, l)),
            lambda *_: num(0),
            s.gen(low, m),
            s.gen(s.calc(num(0) < 1), m, l),
            self.some,
        )  # fmt: skip
        return soft, (is_linear, is_amount)

    def rates(self, m: Expr, l: Expr) -> Expr:
        """η_j = [j is the item of candidate l]: of the scores of anchor m with candidates, that one alone moves."""
        return fn(Index(f.n), lambda j: delta(j, f.second(self.candidates(m, l))))

    def bends(self, t: Expr, m: Expr, l: Expr, k: Expr, positive: Line) -> tuple[Line, Sequence[Line]]:
        """2Φ_t(0) < Φ_t(h) + Φ_t(−h), from k ≠ l and 0 < a_tm: h moves the score of anchor m with candidate l alone."""
        s, a = self.s, self.anchors(m)
        h = f.direction(a, self.rates(m, l))
        values = [self.moved(m, l, other, equal) for other, equal in ((l, True), (k, False))]
        same = s.assume(eq(values[0].left, values[1].left))
        absurd = s.lin(num(1) <= 0, [*values, same])
        apart = s.taut(~same.formula, s.discharge(absurd, same), s.calc(num(0) < 1))
        soft, using = self.soft(t)
        some = s.lin(num(0) < soft.amount(m), [positive], *using)
        return soft.bends(zero(f.q), h, m, l, k, some, apart), using

    def moved(self, m: Expr, l: Expr, other: Expr, equal: bool) -> Line:
        """How candidate `other` of anchor m moves: at the rate 1 if it is l, else, supposed to be another, not."""
        s, a, e = self.s, self.anchors(m), self.candidates(m, other)
        own, injective = s.parts(s.spec(self.apart, m, other))
        is_anchor = s.taut(eq(delta(f.first(e), a), 1), s.apply("kronecker", [], [f.first(e), a]), own)
        apart = s.spec(self.different, e)  # second ≠ first = a
        not_anchor = s.taut(
            eq(delta(f.second(e), a), 0),
            s.apply("kronecker", [], [f.second(e), a]),
            self._second_is_not(apart, own, e, a),
        )
        facts = [is_anchor, not_anchor]
        if not equal:
            target = f.second(self.candidates(m, l))
            law = s.apply("kronecker", [], [f.second(e), target])
            facts.append(s.taut(eq(delta(f.second(e), target), 0), law, s.spec(injective, l), s.assume(~eq(other, l))))
        claim = eq(f.score(f.direction(a, self.rates(m, l)), e), 1 if equal else 0)
        return s.lin(claim, [], *facts)

    def _second_is_not(self, apart: Line, own: Line, e: Expr, a: Expr) -> Line:
        """second(e) ≠ a, from first(e) ≠ second(e) and first(e) = a."""
        s = self.s
        moved = s.rewrite(own, apart)  # a ≠ second(e)
        supposed = s.assume(eq(f.second(e), a))
        absurd = s.rewrite(supposed, moved)  # a ≠ a
        return s.taut(
            ~supposed.formula, s.discharge(s.taut(num(1) <= 0, absurd, reflexive(s, a)), supposed), s.calc(num(0) < 1)
        )


def some_of(s: Script, line: Line, name: str) -> tuple[Expr, Line]:
    """An index i below n, chosen, from 1 ≤ n, and the line i = i, on which what speaks of it must rest."""
    some = s.known(some_index, Expr(line.formula.right.term.args[0]))
    (i,), there = s.obtain(s.taut(some.right, some, line), name)
    return i, there


def literal(n: int) -> Expr:
    """A size that is a number."""
    return Expr(size(n))
