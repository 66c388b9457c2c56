"""Proof of measurable-encoders: the posterior is sufficient, so that points which share it are alike.

Let w(x, x') = Σ_kl c_kl P_k(x)P_l(x') with laws P_k that sum to 1, and π_k = Σ_l c_kl > 0. Then w_x = Σ_k π_k P_k(x)
and Pr(z = k | x) = π_k P_k(x)/w_x. Where a and b have one posterior, P_k(a)w_b = P_k(b)w_a for every k, and so
w(a, z)w_b = Σ_kl c_kl P_k(a)w_b P_l(z) = w(b, z)w_a for every point z: the pairs do not tell a and b apart, and
`sufficiency` says the rest.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import graphs as v
from thmverify.proofs.expressions import Expr, Index, eq, forall, fresh, inv, total, var
from thmverify.proofs.lemmas.basic import definition, folded, positive_nonzero, unfolded
from thmverify.proofs.lemmas.graphs import GraphSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.encoders.sufficiency_proof import HYPOTHESES, sufficiency


class Described:
    """A graph whose pairs come from pairs of components, as an assumption, and what follows of its points."""

    def __init__(self, s: Script, setting: GraphSetting) -> None:
        """Suppose that c and P describe the pairs."""
        self.s, self.set, self.graph = s, setting, setting.g
        self.K, self.c, self.P = v.K, v.coupling, v.laws
        self.given = s.assume(self.graph.describes(self.c, self.P))
        self.pairs, self.laws_sum, self.prior_positive = s.parts(unfolded(s, self.given))

    def prior(self, k: Expr) -> Expr:
        """π_k."""
        return total(self.K, lambda l: self.c(k, l))

    def mass(self, x: Expr) -> Expr:
        """Σ_k π_k P_k(x)."""
        return total(self.K, lambda k: self.prior(k) * self.P(k, x))

    @cached_property
    def degrees(self) -> Line:
        """∀x. w_x = Σ_k π_k P_k(x)."""
        s, x = self.s, fresh(Index(v.n), "x")
        opened = definition(s, self.graph.degree(x))
        return s.gen(s.lin(eq(opened.left, self.mass(x)), [opened], self.pairs, self.laws_sum), x)

    @cached_property
    def values(self) -> Line:
        """∀x, k. Pr(z = k | x) = π_k P_k(x)/w_x."""
        s, x, k = self.s, fresh(Index(v.n), "x"), fresh(Index(self.K), "k")
        opened = definition(s, self.graph.point_posterior(self.c, self.P, x, k))
        return s.gen(s.rewrite(s.flip(self.degrees), opened), x, k)

    def shares(self, same: Line, a: Expr, b: Expr) -> Line:
        """∀k. P_k(a)w_b = P_k(b)w_a, where a and b have one posterior."""
        s, k, w = self.s, fresh(Index(self.K), "k"), self.graph.degree
        here, there = (s.spec(self.values, x, k) for x in (a, b))
        one, of_a, of_b = (
            s.mp(s.apply("reciprocal", [], [line.right]), positive_nonzero(s, line))
            for line in (s.spec(self.prior_positive, k), s.spec(self.set.positive, a), s.spec(self.set.positive, b))
        )
        over, both = inv(self.prior(k)), w(a) * w(b)
        share = self.prior(k) * over * self.P(k, a) * w(b), self.prior(k) * over * self.P(k, b) * w(a)
        parts = [
            *((s.spec(same, k), over * both), (here, over * both), (there, over * both)),
            *((of_a, share[0]), (of_b, share[1])),
            *((one, self.P(k, a) * w(b)), (one, self.P(k, b) * w(a))),
        ]
        return s.gen(s.lin(eq(self.P(k, a) * w(b), self.P(k, b) * w(a)), parts), k)

    def alike(self, shares: Line, a: Expr, b: Expr) -> Line:
        """The pairs do not tell a and b apart, from ∀k. P_k(a)w_b = P_k(b)w_a."""
        s, z, w = self.s, fresh(Index(v.n), "z"), self.graph.degree

        known = [(s.spec(self.pairs, x, z), w(y)) for x, y in ((a, b), (b, a))]
        each = s.gen(s.lin(eq(v.w(a, z) * w(b), v.w(b, z) * w(a)), known, shares), z)
        return folded(s, self.graph.alike(a, b), each)


def encoders(s: Script) -> Line:
    """MinimisesGraphInfoNCE(f) ⟹ ∀K, c, P. Describes(c, P) ⟹ ∀a, b. (∀k. posteriors agree) ⟹ f(a) = f(b)."""
    setting, a, b = GraphSetting(s), var("a", Index(v.n)), var("b", Index(v.n))
    merged = s.cite("sufficiency", sufficiency)
    minimal = s.assume(merged.left)
    p = Described(s, setting)
    s.step("degrees", "Summed over its partner, a pair has at x the weight Σ_k π_k P_k(x), π_k = Σ_l c_kl.", p.degrees)
    s.step("posterior", "So the posterior at x is π_k P_k(x)/w_x.", p.values)
    same = s.assume(
        forall(
            Index(p.K),
            lambda k: eq(*(p.graph.point_posterior(p.c, p.P, x, k) for x in (a, b))),
        )
    )
    shares = s.step("shares", "Points of one posterior have P_k(a)w_b = P_k(b)w_a for every k.", p.shares(same, a, b))
    alike = s.step("alike", "So the pairs do not tell them apart: the posterior is sufficient.", p.alike(shares, a, b))
    equal = s.mp(s.spec(s.mp(merged, minimal), a, b), alike)
    line = s.step("merged", "By sufficiency a minimiser gives them one feature.", s.discharge(equal, same))
    found = s.gen(s.discharge(s.gen(line, a, b), p.given), p.K, p.c, p.P)
    return s.discharge(found, minimal)


def prove() -> Proposal:
    """measurable-encoders."""
    s = Script("measurable-encoders")
    return s.qed(encoders(s), {name: v.HYPOTHESES[name] for name in HYPOTHESES})
