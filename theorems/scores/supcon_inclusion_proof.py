"""Proof of supcon-inclusion: in each state, a sum of log-sum-exps with weights 0 or 1, less a linear form."""

from __future__ import annotations

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import Expr, Index, delta, eq, exists, fresh, inv, num, total, unit
from thmverify.proofs.lemmas.basic import positive_nonzero, refute
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import HYPOTHESES, Contrast


class Supervised(Contrast):
    """Σ_m (number of positives)⁻¹ Σ_l [candidate l is of the anchor's component] (log Σ_k exp z_k − z_l)."""

    def alike(self, t: Expr, m: Expr, l: Expr) -> Expr:
        """[candidate l of anchor m is of its component]."""
        return delta(f.c(t, f.second(self.candidates(m, l))), f.c(t, self.anchors(m)))

    def count(self, t: Expr, m: Expr) -> Expr:
        """The number of positives."""
        return total(f.N, lambda l: self.alike(t, m, l))

    def value(self, t: Expr, z: Expr) -> Expr:
        """Return it; an anchor without positives counts 0."""

        def part(m: Expr, l: Expr) -> Expr:
            return self.alike(t, m, l) * (self.partition(m, z) - f.score(z, self.candidates(m, l)))

        return total(f.M, lambda m: inv(self.count(t, m)) * total(f.N, lambda l: part(m, l)))

    def linear(self, t: Expr) -> Expr:
        """Return its linear part."""

        def part(m: Expr) -> Expr:
            return total(f.N, lambda l: self.alike(t, m, l) * unit(self.candidates(m, l)))

        return -total(f.M, lambda m: inv(self.count(t, m)) * part(m))

    def amount(self, t: Expr, m: Expr) -> Expr:
        """1 where an anchor has positives, else 0."""
        return self.count(t, m) * inv(self.count(t, m))

    def amounts(self, t: Expr) -> Line:
        """∀m. 0 ≤ a_tm: it is 0 or 1."""
        s, m = self.s, fresh(Index(f.M), "m")
        count, claim = self.count(t, m), num(0) <= self.amount(t, m)
        nothing, some = s.assume(eq(count, 0)), s.assume(~eq(count, 0))
        one = s.mp(s.apply("reciprocal", [], [count]), some)
        cases = [
            s.discharge(s.lin(claim, [(nothing, inv(count))]), nothing),
            s.discharge(s.lin(claim, [one]), some),
        ]
        return s.gen(s.taut(claim, *cases), m)

    @property
    def some_positive(self) -> Expr:
        """In some state some anchor has a positive."""

        def says(t: Expr, m: Expr, l: Expr) -> Expr:
            return eq(f.c(t, f.second(self.candidates(m, l))), f.c(t, self.anchors(m)))

        return exists(Index(f.T), lambda t: exists(Index(f.M), lambda m: exists(Index(f.N), lambda l: says(t, m, l))))

    def chosen(self) -> tuple[Expr, Expr, Line]:
        """A state and an anchor with a positive: its weight is 1."""
        s, k = self.s, fresh(Index(f.N), "k")
        (t, m, l), same = s.obtain(s.assume(self.some_positive), "s_0", "m_0", "l_0")
        alike = self.alike(t, m, l)
        law = s.apply("kronecker", [], list(alike.term.args))
        is_one = s.taut(eq(alike, 1), law, same)
        other = self.alike(t, m, k)
        cases = s.apply("kronecker", [], list(other.term.args))
        values = [s.assume(eq(other, value)) for value in (1, 0)]
        claim = num(0) <= other
        low = s.taut(claim, cases, *(s.discharge(s.lin(claim, [v]), v) for v in values))
        count = self.count(t, m)

        def absurd(negated: Line) -> tuple[Line, Line]:
            none = summand_vanishes(s, s.gen(low, k), s.taut(count <= 0, negated), l)
            return s.lin(num(1) <= 0, [none, (is_one, -1)]), s.calc(num(0) < 1)

        some = refute(s, num(0) < count, absurd)
        one = s.mp(s.apply("reciprocal", [], [count]), positive_nonzero(s, some))
        return t, m, s.lin(num(0) < self.amount(t, m), [one])


def inclusion(s: Script) -> Line:
    """A minimiser of the supervised contrastive loss has its columns in S_F."""
    loss = Supervised(s, f.M)
    return loss.inclusion(s.assume(loss.some_positive))


def prove() -> Proposal:
    """The supervised contrastive loss."""
    line = derived("supcon-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
