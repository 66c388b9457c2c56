"""Lemma: the largest numbers of a family, the one that Ky Fan's maximum principle rests on."""

from __future__ import annotations

from typing import NamedTuple

from thmverify.proofs.expressions import Expr, Index, eq, fresh, num, total
from thmverify.proofs.lemmas.basic import by_cases, divide
from thmverify.proofs.lemmas.subspaces import summand_vanishes
from thmverify.proofs.script import Line, Script


class Chosen(NamedTuple):
    """Numbers κ_i ≥ 0, i < n, and a choice s_i ∈ {0, 1} of the largest ones.

    `ordered` says ∀i. ∀j. s_i = 1 ∧ s_j = 0 ⟹ κ_j ≤ κ_i, and `enough` that Σ s_i = r ∨ ∀i. s_i = 0 ⟹ κ_i = 0.
    """

    n: Expr
    kappa: Expr
    chosen: Expr
    nonnegative: Line
    binary: Line
    ordered: Line
    enough: Line


def selection(s: Script, c: Chosen, a: Expr, low: Line, high: Line, few: Line) -> Line:
    """Σ_i κ_i a_i ≤ Σ_i s_i κ_i, from ∀i. 0 ≤ a_i, ∀i. a_i ≤ 1 and Σ a_i ≤ r.

    Let α_i = s_i(1 − a_i) and β_j = (1 − s_j)a_j, X = Σ α_iκ_i, Y = Σ β_jκ_j; the claim is Y ≤ X. From
    α_iβ_j(κ_i − κ_j) ≥ 0, Σβ·X ≥ Σα·Y. If Σ s_i = r, then Σα ≥ Σβ, so Σβ·X ≥ Σβ·Y; and Y = 0 if Σβ = 0.
    """
    return _Selection(s, c, a, low, high, few).line()


class _Selection:
    """The steps of `selection`."""

    def __init__(self, s: Script, c: Chosen, a: Expr, low: Line, high: Line, few: Line) -> None:
        """Take the premises, and name the four sums."""
        self.s, self.c, self.a, self.low, self.high, self.few = s, c, a, low, high, few
        self.i, self.j = fresh(Index(c.n), "i"), fresh(Index(c.n), "j")
        self.A, self.B = total(c.n, self.alpha), total(c.n, self.beta)
        self.X = total(c.n, lambda i: self.alpha(i) * c.kappa(i))
        self.Y = total(c.n, lambda j: self.beta(j) * c.kappa(j))
        self.claim = self.Y <= self.X

    def alpha(self, i: Expr) -> Expr:
        """s_i(1 − a_i)."""
        return self.c.chosen(i) * (1 - self.a(i))

    def beta(self, j: Expr) -> Expr:
        """(1 − s_j)a_j."""
        return (1 - self.c.chosen(j)) * self.a(j)

    def either(self, i: Expr, claim: Expr) -> Line:
        """A claim that normal forms decide where s_i = 0, and where s_i = 1."""
        s, law = self.s, self.s.spec(self.c.binary, i)
        cases = [s.assume(Expr(t)) for t in law.theorem.conclusion.args]
        return s.taut(claim, law, *(s.discharge(s.calc(claim, case), case) for case in cases))

    def line(self) -> Line:
        """Σ_i κ_i a_i ≤ Σ_i s_i κ_i."""
        s, c, i = self.s, self.c, self.i
        self.alpha_low, self.beta_low = self._signs()
        parts = [
            s.apply("product", [[s.spec(x, i), s.spec(c.nonnegative, i)]]) for x in (self.alpha_low, self.beta_low)
        ]
        X, Y = (s.apply("sum_order", [[s.gen(p, i)]]) for p in parts)
        self.X_low, self.Y_low = s.lin(num(0) <= self.X, [X]), s.lin(num(0) <= self.Y, [Y])
        full, rest = (s.assume(Expr(t)) for t in c.enough.theorem.conclusion.args)
        found = s.taut(self.claim, c.enough, s.discharge(self._full(full), full), s.discharge(self._rest(rest), rest))
        goal = total(c.n, lambda i: c.kappa(i) * self.a(i)) <= total(c.n, lambda i: c.chosen(i) * c.kappa(i))
        return s.lin(goal, [found])

    def _signs(self) -> tuple[Line, Line]:
        """∀i. 0 ≤ α_i and ∀i. 0 ≤ β_i."""
        s, i, chosen = self.s, self.i, self.c.chosen(self.i)
        low, high = (self.either(i, claim) for claim in (num(0) <= chosen, chosen <= num(1)))
        pairs = [(low, s.spec(self.high, i), self.alpha(i)), (high, s.spec(self.low, i), self.beta(i))]
        alpha, beta = (s.gen(s.lin(num(0) <= t, [s.apply("product", [[p, q]])]), i) for p, q, t in pairs)
        return alpha, beta

    def _crossed(self) -> Line:
        """0 ≤ Σβ·X − Σα·Y."""
        s, c, i, j = self.s, self.c, self.i, self.j
        kappa, chosen = c.kappa, c.chosen
        claim = num(0) <= chosen(i) * (1 - chosen(j)) * (kappa(i) - kappa(j))
        one, none = s.assume(eq(chosen(i), 1)), s.assume(eq(chosen(j), 0))
        order = s.mp(s.spec(c.ordered, i, j), s.both(one, none))
        both = s.discharge(s.lin(claim, [order], one, none), one, none)
        other = s.assume(eq(chosen(j), 1))
        third = s.discharge(s.calc(claim, other), other)
        first = s.assume(eq(chosen(i), 0))
        fourth = s.discharge(s.calc(claim, first), first)
        order = s.taut(claim, s.spec(c.binary, i), s.spec(c.binary, j), both, third, fourth)
        shares = s.apply("product", [[s.spec(self.high, i), s.spec(self.low, j)]])
        part = s.apply("product", [[order, shares]])
        part = s.lin(num(0) <= self.alpha(i) * self.beta(j) * (kappa(i) - kappa(j)), [part])
        inner = s.apply("sum_order", [[s.gen(part, j)]])
        outer = s.apply("sum_order", [[s.gen(inner, i)]])
        return s.lin(num(0) <= self.B * self.X - self.A * self.Y, [outer])

    def _none(self, line: Line) -> Line:
        """Y ≤ X from ∀j. β_jκ_j = 0."""
        return self.s.lin(self.claim, [self.s.same(self.Y, line), self.X_low])

    def _full(self, full: Line) -> Line:
        """Y ≤ X from Σ s_i = r."""
        s, c, j = self.s, self.c, self.j
        crossed = self._crossed()

        def empty(low: Line) -> Line:
            zero = summand_vanishes(s, self.beta_low, low, j)
            return self._none(s.gen(s.lin(eq(self.beta(j) * c.kappa(j), 0), [(zero, c.kappa(j))]), j))

        def some(positive: Line) -> Line:
            more = s.lin(self.B <= self.A, [self.few, full])
            whole = s.lin(num(0) <= self.B * (self.X - self.Y), [crossed, s.apply("product", [[more, self.Y_low]])])
            return s.lin(self.claim, [divide(s, positive, whole, num(0) <= self.X - self.Y)])

        return by_cases(s, self.B, 0, self.claim, empty, some)

    def _rest(self, rest: Line) -> Line:
        """Y ≤ X from ∀i. s_i = 0 ⟹ κ_i = 0."""
        s, c, i = self.s, self.c, self.i
        claim = eq((1 - c.chosen(i)) * c.kappa(i), 0)
        none, one = s.assume(eq(c.chosen(i), 0)), s.assume(eq(c.chosen(i), 1))
        zero = s.lin(claim, [(s.mp(s.spec(rest, i), none), 1 - c.chosen(i))])
        other = s.calc(claim, one)
        vanish = s.taut(claim, s.spec(c.binary, i), s.discharge(zero, none), s.discharge(other, one))
        return self._none(s.gen(s.lin(eq(self.beta(i) * c.kappa(i), 0), [(vanish, self.a(i))]), i))
