"""Proof of linear-probe-bound: the labels' energy bounds what the probe misses, and that bounds its errors.

Let M = I − Ā, U orthonormal eigenvectors of M at its r lowest eigenvalues, λ the next one, and g the matrix with the
rows √w_x e_{y_x}ᵀ of the labels. The proof compares E = Σ_x w_x [p_x ≠ y_x] and Φ = Σ w(x, x') [y_x ≠ y_x'].

    Φ = tr(gᵀMg)                     since ½‖e_y − e_y'‖² = [y ≠ y'],
    λ tr(gᵀ(I − UUᵀ)g) ≤ tr(gᵀMg)    since M ⪰ 0 on the span of U, and M ≥ λ on its complement,
    Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖² = ‖g − Ub‖² = tr(gᵀ(I − UUᵀ)g) + ‖Uᵀg − b‖²,
    [p_x ≠ y_x] ≤ 2‖e_{y_x} − bᵀφ(x)‖²    since (1 − p)² + q² ≥ ½ where another class scores q ≥ p, the label's score.

By the third line the least-squares probe is b = Uᵀg; so λE ≤ 2Φ, and both are divided by Σ_x w_x = Σ w(x, x'). That
there are fewer eigenvectors than points is not used: it is what makes λ exist. The weights need not sum to 1.
"""

from __future__ import annotations

from functools import cached_property

from thmverify.formulas import graphs as v
from thmverify.formulas.graphs import norm
from thmverify.proofs.expressions import Expr, Index, conj, delta, eq, eye, fresh, iff, num, total, tr, unit
from thmverify.proofs.lemmas.basic import (
    definition,
    folded,
    square_nonnegative,
    square_norm,
    unfolded,
    vanishes_below,
    weaken,
)
from thmverify.proofs.lemmas.eigenvectors import Lowest
from thmverify.proofs.lemmas.graphs import GraphSetting, inverse_nonnegative
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-symmetric", "weights-nonnegative", "degrees-positive", "fewer-than-points")


class Probe:
    """A least-squares probe b of the features of lowest eigenvectors U, and predictions p of its arg-max."""

    def __init__(self, script: Script) -> None:
        """Suppose what U, λ, b and p are."""
        self.s, self.set = script, GraphSetting(script)
        self.g, self.n = self.set.g, v.n
        self.lowest = script.assume(self.g.lowest(self.g.laplacian, v.U, v.lam))
        self.fitted = script.assume(self.g.least_squares(v.label, v.U, v.b))
        self.chosen = script.assume(self.g.arg_max(v.U, v.b, v.predicted))
        self.labels = self.set.labels
        self.missed = tr(self.labels.T @ (eye(self.n) - v.U @ v.U.T) @ self.labels)

    @cached_property
    def energy(self) -> Line:
        """Φ = tr(gᵀ(I − Ā)g)."""
        return self.set.disagreement

    @cached_property
    def eigen(self) -> list[Line]:
        """∀g. λ tr(gᵀ(I − P)g) + tr((Pg)ᵀM(Pg)) ≤ tr(gᵀMg), and M ⪰ 0 ⟹ 0 ≤ λ."""
        s, M = self.s, self.g.laplacian
        law = s.spec(Lowest(self.g, v.c).theorem(), M, v.U, v.lam)
        symmetric = s.lin(eq(M, M.T), [self.set.symmetric])
        return s.parts(s.mp(law, symmetric, self.lowest))

    @cached_property
    def gap(self) -> Line:
        """λ tr(gᵀ(I − UUᵀ)g) ≤ tr(gᵀ(I − Ā)g)."""
        s, g = self.s, self.labels
        low = s.spec(self.set.energy, v.c, v.U @ v.U.T @ g)
        law = s.spec(self.eigen[0], g)
        return s.lin(v.lam * self.missed <= tr(g.T @ self.g.laplacian @ g), [law, low])

    @cached_property
    def level(self) -> Line:
        """0 ≤ λ."""
        s = self.s
        return s.mp(self.eigen[1], s.spec(self.set.energy, 1))

    @cached_property
    def residual(self) -> Line:
        """∀b. Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖² = tr(gᵀ(I − UUᵀ)g) + ‖Uᵀg − b‖²."""
        s, g, b = self.s, self.labels, fresh(v.b.sort, "b")
        orthonormal = s.parts(unfolded(s, self.lowest))[0]
        fit = s.spec(self.set.fit, b)
        return s.gen(s.lin(eq(fit.left, self.missed + norm(v.U.T @ g - b)), [fit], orthonormal), b)

    @cached_property
    def solution(self) -> Expr:
        """Uᵀg."""
        return v.U.T @ self.labels

    @cached_property
    def solved(self) -> Line:
        """b is a least-squares probe exactly when b = Uᵀg."""
        s, other = self.s, fresh(v.b.sort, "b")
        equal = eq(v.b, self.solution)
        here, best = s.spec(self.residual, v.b), s.spec(self.residual, self.solution)
        low = s.spec(unfolded(s, self.fitted), self.solution)
        gap = vanishes_below(s, self.solution - v.b, s.lin(norm(self.solution - v.b) <= 0, [low, here, best]))
        one = s.discharge(s.lin(equal, [gap]), self.fitted)
        same, there = s.assume(equal), s.spec(self.residual, other)
        square = square_norm(s, self.solution - other)
        least = s.lin(here.left <= there.left, [square, here, there, s.same(norm(self.solution - v.b), same)])
        two = s.discharge(folded(s, self.fitted.formula, s.gen(least, other)), same)
        return s.taut(iff(self.fitted.formula, equal), one, two)

    @cached_property
    def fit(self) -> Line:
        """Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖² ≤ tr(gᵀ(I − UUᵀ)g), for a least-squares probe."""
        s = self.s
        least = s.spec(unfolded(s, self.fitted), self.solution)
        return s.lin(least.left <= self.missed, [least, s.spec(self.residual, self.solution)])

    # -- one point ----------------------------------------------------------------------------------------------------

    def score(self, x: Expr, j: Expr) -> Expr:
        """e_jᵀbᵀφ(x)."""
        return tr(unit(j).T @ v.b.T @ self.g.feature(v.U, x))

    def error(self, x: Expr) -> Expr:
        """‖e_{y_x} − bᵀφ(x)‖²."""
        return norm(unit(v.label(x)) - v.b.T @ self.g.feature(v.U, x))

    def wrong(self, x: Expr) -> Expr:
        """[p_x ≠ y_x]."""
        return 1 - delta(v.predicted(x), v.label(x))

    @cached_property
    def margin(self) -> Line:
        """∀x. [p_x ≠ y_x] ≤ 2 ‖e_{y_x} − bᵀφ(x)‖²."""
        s, x = self.s, fresh(Index(self.n), "x")
        p, y, claim = v.predicted(x), v.label(x), self.wrong(x) <= 2 * self.error(x)
        law = s.apply("kronecker", [], [p, y])
        right, wrong = (s.assume(Expr(a)) for a in law.theorem.conclusion.args)
        z = unit(y) - v.b.T @ self.g.feature(v.U, x)
        trivial = s.lin(claim, [s.parts(right)[1], square_norm(s, z)])
        found = s.lin(claim, self.squares(x, z), s.parts(wrong)[1])
        return s.gen(s.taut(claim, law, s.discharge(trivial, right), s.discharge(found, wrong)), x)

    def squares(self, x: Expr, z: Expr) -> list[Line]:
        """What gives ½ ≤ ‖z‖² where p_x ≠ y_x: z has the entries 1 − p and −q, p ≤ q the scores of y_x and p_x."""
        s, i, j = self.s, unit(v.predicted(x)), unit(v.label(x))
        q, p = self.score(x, v.predicted(x)), self.score(x, v.label(x))
        rest = square_norm(s, z - (1 - p) * j + q * i)
        lead = s.spec(unfolded(s, self.chosen), x, v.label(x))
        return [rest, lead, square_nonnegative(s, 1 - p - q), square_nonnegative(s, q - p)]

    # -- all points ---------------------------------------------------------------------------------------------------

    @cached_property
    def errors(self) -> Line:
        """E = Σ_x w_x [p_x ≠ y_x] ≤ 2 Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖²."""
        s, x, fit = self.s, fresh(Index(self.n), "x"), self.g.fit(v.label, v.U, v.b)
        degree = self.g.degree
        part = s.apply("product", [[weaken(s, s.spec(self.set.positive, x)), s.spec(self.margin, x)]])
        each = s.lin(degree(x) * self.wrong(x) <= 2 * (degree(x) * self.error(x)), [part])
        summed = s.apply("sum_order", [[s.gen(each, x)]])
        return s.lin(summed.left <= 2 * fit, [summed], definition(s, fit))

    @cached_property
    def bound(self) -> Line:
        """λE ≤ 2Φ."""
        s, E, Phi = self.s, self.errors.left, self.energy.left
        scaled = s.apply("product", [[self.level, s.lin(2 * self.missed >= E, [self.errors, self.fit])]])
        return s.lin(v.lam * E <= 2 * Phi, [scaled, self.gap, self.energy])

    @cached_property
    def quotient(self) -> Line:
        """λ·Pr(p_x ≠ y_x) ≤ 2φ: both are divided by the whole weight."""
        s, error, phi = self.s, self.g.error(v.label, v.predicted), self.g.disagreement(v.label)
        whole = total(self.n, self.g.degree)
        x = fresh(Index(self.n), "x")
        positive = s.gen(weaken(s, s.spec(self.set.positive, x)), x)
        low = s.apply("sum_order", [[positive]])
        share = inverse_nonnegative(s, s.lin(num(0) <= whole, [low]))
        scaled = s.apply("product", [[share, self.bound]])
        opened = [definition(s, error), definition(s, phi), self.set.sums]
        return s.lin(v.lam * error <= 2 * phi, [scaled], *opened)


def prove() -> Proposal:
    """Return the proposal for the theorem."""
    s = Script("linear-probe-bound")
    p = Probe(s)
    s.step(
        "semidefinite",
        "Weights are nonnegative, so tr(Gᵀ(I − Ā)G) = ½Σ w(x, x') ‖G_x/√w_x − G_x'/√w_x'‖² ≥ 0 for every matrix G.",
        p.set.energy,
    )
    s.step(
        "label-energy",
        "The weight of the pairs whose labels differ is tr(gᵀ(I − Ā)g), g with the rows √w_x e_{y_x}ᵀ.",
        p.energy,
    )
    s.step(
        "eigenvectors",
        "U holds orthonormal eigenvectors of I − Ā at its r lowest eigenvalues, and λ is the next: "
        "λ tr(gᵀ(I − UUᵀ)g) ≤ tr(gᵀ(I − Ā)g) − tr(gᵀUUᵀ(I − Ā)UUᵀg).",
        p.eigen[0],
    )
    s.step("gap", "So λ tr(gᵀ(I − UUᵀ)g) ≤ tr(gᵀ(I − Ā)g).", p.gap)
    s.step("level", "λ ≥ 0, as an eigenvalue of I − Ā.", p.level)
    s.step(
        "residual",
        "A probe b misses the labels by Σ_x w_x ‖e_{y_x} − bᵀφ(x)‖² = ‖g − Ub‖² = tr(gᵀ(I − UUᵀ)g) + ‖Uᵀg − b‖².",
        p.residual,
    )
    solved = s.step("coefficients", "So the least-squares probe is b = Uᵀg.", p.solved)
    s.step("missed", "It misses the labels by at most tr(gᵀ(I − UUᵀ)g).", p.fit)
    s.step(
        "margin",
        "Where another class scores q ≥ p, the score of the label, (1 − p)² + q² ≥ ½: a point on which the arg-max "
        "errs is missed by at least ½.",
        p.margin,
    )
    s.step("error", "So the arg-max errs on a weight of at most twice what the probe misses.", p.errors)
    s.step("bound", "λ times that weight is at most twice the weight of the pairs whose labels differ.", p.bound)
    s.step("quotient", "Divide by the weight of all points: λ·Pr(the arg-max errs) ≤ 2φ.", p.quotient)
    given = s.assume(conj(p.fitted.formula, p.chosen.formula))
    bound = s.discharge(s.mp(s.discharge(p.quotient, p.fitted, p.chosen), *s.parts(given)), given)
    line = s.step(
        "conclusion",
        "For eigenvectors U at the r lowest eigenvalues the least-squares probe is b = Uᵀg, and every arg-max of its "
        "scores errs with λ·Pr(p_x ≠ y_x) ≤ 2φ.",
        s.discharge(s.release(s.both(solved, bound)), p.lowest),
    )
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
