"""Proof of population-graph-equivalence: the square completed on a finite graph, then Eckart–Young.

Let w_x = Σ_x' w(x, x') > 0, let Ā have the entries w(x, x')/(√w_x √w_x') and F the rows √w_x f(x)ᵀ. Entry by entry,

    ‖FFᵀ − Ā‖² = Σ (√w_x √w_x' f(x)ᵀf(x') − Ā_xx')² = L(f) + ‖Ā‖².

Every n × r matrix G is the F of some f, f(x) = G_x/√w_x. So f minimises L exactly when F is a best approximation FFᵀ of
Ā = Āᵀ, which Eckart, Young and Mirsky describe: FFᵀ is the part of Ā at its r largest eigenvalues, without the negative
ones. The identity does not need w to be symmetric; n, r ≥ 0 are any sizes.
"""

from __future__ import annotations

from thmverify.formulas import graphs as v
from thmverify.formulas.graphs import norm
from thmverify.proofs.expressions import Expr, Mat, conj, eq, forall, fresh, iff
from thmverify.proofs.lemmas.basic import definition, folded, unfolded
from thmverify.proofs.lemmas.graphs import GraphSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-symmetric", "degrees-positive")


class Equivalence:
    """Features f, and what minimises the loss in terms of F."""

    def __init__(self, script: Script) -> None:
        """Take any features f."""
        self.s, self.set, self.f = script, GraphSetting(script), v.f
        self.g = self.set.g
        self.F, self.minimal = self.g.rows(self.f), self.g.minimises(self.f)
        self.best = forall(Mat(v.n, v.r), lambda G: self.set.gap(self.F) <= self.set.gap(G))
        self.constant = script.spec(self.set.completed, self.f)

    def reached(self) -> Line:
        """F minimises L ⟹ F is a best approximation: every G is the F of other features."""
        s, G = self.s, fresh(Mat(v.n, v.r), "G")
        supposed = s.assume(self.minimal)
        other = self.set.features(G)
        low = s.spec(unfolded(s, supposed), other)
        claim = self.set.gap(self.F) <= self.set.gap(G)
        found = s.lin(claim, [low, self.constant, s.spec(self.set.completed, other)], s.spec(self.set.onto, G))
        return s.discharge(s.gen(found, G), supposed)

    def conversely(self) -> Line:
        """F is a best approximation ⟹ f minimises L."""
        s, other = self.s, fresh(self.f.sort, "g")
        supposed = s.assume(self.best)
        low = s.spec(supposed, self.g.rows(other))
        claim = self.g.loss(self.f) <= self.g.loss(other)
        found = s.lin(claim, [low, self.constant, s.spec(self.set.completed, other)])
        return s.discharge(folded(s, self.minimal, s.gen(found, other)), supposed)

    def top(self) -> Line:
        """F is a best approximation exactly when FFᵀ is the top part of Ā: Eckart–Young–Mirsky."""
        s, A = self.s, self.g.similarity
        law = s.mp(s.apply("best_approximation", [], [A, self.F]), self.set.symmetric)
        part = self.g.top_part(A, self.F @ self.F.T)
        return s.taut(iff(self.best, part), law, definition(s, part))


def conclusion(p: Equivalence) -> Expr:
    """‖FFᵀ − Ā‖² = L(f) + ‖Ā‖², and f minimises L exactly when FFᵀ is the top part of Ā."""
    A = p.g.similarity
    part = p.g.top_part(A, p.F @ p.F.T)
    return conj(eq(p.set.gap(p.F), p.g.loss(p.f) + norm(A)), iff(p.minimal, part))


def prove() -> Proposal:
    """Return the proposal for the theorem."""
    s = Script("population-graph-equivalence")
    p = Equivalence(s)
    s.step("roots", "Every point x has weight w_x > 0, so √w_x √w_x = w_x.", p.set.roots)
    s.step("reciprocals", "√w_x is not 0.", p.set.cancel)
    s.step("symmetric", "The graph is undirected, so Ā = Āᵀ.", p.set.symmetric)
    s.step(
        "constant",
        "‖FFᵀ − Ā‖² = L(f) + ‖Ā‖², entry by entry: the loss and the error of FFᵀ as an approximation of Ā differ by a "
        "constant.",
        p.constant,
    )
    s.step("onto", "Every n × r matrix G is F for the features f(x) = G_x/√w_x.", p.set.onto)
    reached = s.step("reached", "So where f minimises L, no GGᵀ is nearer to Ā than FFᵀ.", p.reached())
    back = s.step("conversely", "And where no GGᵀ is nearer to Ā than FFᵀ, f minimises L.", p.conversely())
    top = s.step(
        "eckart-young",
        "Eckart–Young–Mirsky: no GGᵀ is nearer to Ā exactly when FFᵀ is a part of Ā at its r largest eigenvalues, "
        "without the negative ones.",
        p.top(),
    )
    line = s.step(
        "closed-form",
        "The loss is the error up to the constant ‖Ā‖², and f minimises it exactly when FFᵀ is such a part of Ā.",
        s.taut(conclusion(p), p.constant, reached, back, top),
    )
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
