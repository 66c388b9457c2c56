"""Proof of temperature: InfoNCE at temperature τ > 0 is InfoNCE at 1 of the map A/√τ.

Both losses take the mean and the log-mean of the same numbers, (A/√τ)ᵀx·(A/√τ)ᵀy = f(x)ᵀf(y)/τ. A ↦ A/√τ maps R^{d×r}
onto itself, so A minimises L_τ exactly when A/√τ minimises L_1; and A = √τ·(A/√τ) has the same column space. Nothing is
supposed but τ > 0. √τ is written exp(½ log τ): that it is positive and its square is τ is part of the conclusion.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.subspaces import columns_within
from thmverify.formulas.temperature import HYPOTHESES as LETTERS
from thmverify.formulas.temperature import infonce_at, minimises_infonce_at, root, tau
from thmverify.proofs.expressions import Expr, eq, eye, fresh, iff, inv
from thmverify.proofs.lemmas.basic import definition, exp_positive, folded, log_exp, positive_nonzero, unfolded
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("temperature-positive",)


class Temperature:
    """A temperature τ > 0, its root σ, and the map A/σ."""

    def __init__(self, s: Script) -> None:
        """Suppose τ > 0: 0 < σ, σ² = τ, σ⁻² = τ⁻¹."""
        self.s, self.mix, self.A, self.sigma = s, v.Mixture(s), v.A, root(tau)
        self.positive = s.assume(LETTERS["temperature-positive"])
        self.root_positive = exp_positive(s, Expr(self.sigma.term.args[0]))
        self.square = s.lin(eq(self.sigma * self.sigma, tau), [log_exp(s, self.positive)])
        cancel = s.mp(s.apply("reciprocal", [], [tau]), positive_nonzero(s, self.positive))
        over = inv(self.sigma) * inv(self.sigma)
        self.inverse_square = s.lin(eq(over, inv(tau)), [(self.square, inv(tau) * over), (cancel, over)])

    def over(self, X: Expr) -> Expr:
        """X/σ."""
        return inv(self.sigma) * X

    def same_loss(self) -> Line:
        """∀X. L_τ(X) = L_1(X/σ)."""
        s, X = self.s, fresh(self.A.sort, "X")
        here, there = infonce_at(self.mix, X, tau), self.mix.infonce(self.over(X))
        return s.gen(s.lin(eq(here, there), [definition(s, here), definition(s, there)], self.inverse_square), X)

    def same_minimisers(self, loss: Line) -> Line:
        """A minimises L_τ ⟺ A/σ minimises L_1: to Y belong σY and Y/σ."""
        s, A, sigma = self.s, self.A, self.sigma
        hot, cold = minimises_infonce_at(self.mix, A, tau), self.mix.minimises_infonce(self.over(A))
        first, second = s.assume(hot), s.assume(cold)
        Y = fresh(A.sort, "Y")
        back = s.calc(eq(self.over(sigma * Y), Y))
        at_A, at_Y, at_scaled = (s.spec(loss, X) for X in (A, Y, sigma * Y))
        other = s.same(at_scaled.right, back)  # L_1(σY/σ) = L_1(Y)
        least = s.spec(unfolded(s, first), sigma * Y)
        forward = folded(s, cold, s.gen(s.lin(at_A.right <= other.right, [least, at_A, at_scaled, other]), Y))
        least = s.spec(unfolded(s, second), self.over(Y))
        found = folded(s, hot, s.gen(s.lin(at_A.left <= at_Y.left, [least, at_A, at_Y]), Y))
        return s.taut(iff(hot, cold), s.discharge(forward, first), s.discharge(found, second))

    def same_columns(self) -> Line:
        """Col(A/σ) = Col(A)."""
        s, A, found = self.s, self.A, []
        for X, Y, q in ((self.over(A), A, inv(self.sigma)), (A, self.over(A), self.sigma)):
            inside = columns_within(s, X, Y)
            there = definition(s, inside).right
            found.append(folded(s, inside, s.exhibit(there, q * eye(A.cols), s.calc(eq(X, Y @ (q * eye(A.cols)))))))
        return s.both(*found)


def prove() -> Proposal:
    """temperature."""
    s = Script("temperature")
    p = Temperature(s)
    square = s.step("root", "√τ = exp(½ log τ) is positive, and its square is τ.", s.both(p.root_positive, p.square))
    loss = s.step(
        "same-loss",
        "Both losses take the mean and the log-mean of the same numbers: (A/√τ)ᵀx·(A/√τ)ᵀy = f(x)ᵀf(y)/τ.",
        p.same_loss(),
    )
    minimisers = s.step(
        "same-minimisers",
        "A ↦ A/√τ maps R^{d×r} onto itself, so A minimises L_τ exactly when A/√τ minimises L_1.",
        p.same_minimisers(loss),
    )
    columns = s.step("same-columns", "A = √τ·(A/√τ) has the same column space.", p.same_columns())
    line = s.both(square, s.spec(loss, v.A), minimisers, columns)
    return s.qed(s.discharge(line, LETTERS["temperature-positive"]), {})
