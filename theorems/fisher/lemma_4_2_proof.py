"""Proof of Lemma 4.2 in its sharp form: A preserves the posterior exactly when Col(A) contains S_LDA.

Let G = AᵀΣA and Δ = Σ⁻¹ − AG⁻¹Aᵀ. The log-odds of components k and l given x and given Aᵀx differ by
(x − ½(μ_k + μ_l))ᵀΔ(μ_k − μ_l). If they agree at x = ½(μ_k + μ_l) + Δ(μ_k − μ_l), then Δ(μ_k − μ_l) = 0; and if that
is 0 they agree everywhere. Δ(μ_k − μ_l) = 0 says that Σ⁻¹(μ_k − μ_l) = Ac for c = G⁻¹Aᵀ(μ_k − μ_l); any solution c
gives it, since ΔΣA = 0.

The posterior is a quotient of densities whose common normaliser is left out; so the covariance is shared. That the
projected mixture is the law of Aᵀx is part of the conclusion.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.posterior import posterior, preserves_posterior, projected, projects_to_mixture
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Fun,
    Index,
    Real,
    conj,
    eq,
    eye,
    fn,
    forall,
    fresh,
    iff,
    minv,
    num,
    softmax,
    tr,
    zero,
)
from thmverify.proofs.lemmas.basic import definition, folded, semidefinite, vanishes
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.posterior import odds
from thmverify.proofs.lemmas.subspaces import Complement, spans_fisher_spans_lda
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "shared-covariance")


class Projection(Complement):
    """The posterior given x and given Aᵀx, for a map A with independent columns; Σ = Σ̄."""

    def __init__(self, s: Script) -> None:
        """Take the mixture's letters, and A."""
        super().__init__(Setting(s), v.A)
        self.mix, self.mu = self.set.mix, self.set.mu

    def gap(self, k: Expr, j: Expr) -> Expr:
        """Δ(μ_k − μ_j)."""
        return self.delta @ (self.mu(k) - self.mu(j))

    def exponent(self, x: Expr, k: Expr) -> Expr:
        """−½(x − μ_k)ᵀΣ⁻¹(x − μ_k)."""
        apart = x - self.mu(k)
        return num("-1/2") * tr(apart.T @ minv(self.Sigma) @ apart)

    def exponent_given(self, x: Expr, k: Expr) -> Expr:
        """−½(Aᵀx − Aᵀμ_k)ᵀG⁻¹(Aᵀx − Aᵀμ_k)."""
        apart = self.A.T @ x - self.A.T @ self.mu(k)
        return num("-1/2") * tr(apart.T @ minv(self.gram) @ apart)

    # -- the steps ----------------------------------------------------------------------------------------------------

    def projected_law(self) -> Line:
        """Given component k, Aᵀx ~ N(Aᵀμ_k, AᵀΣ_kA)."""
        s, A, mu = self.s, self.A, self.mu
        k, t = fresh(Index(v.K), "k"), fresh(Fun(Col(v.r), Real), "t")
        covariance = semidefinite(s, s.spec(self.set.hypothesis("covariances-definite"), k))
        shifted = fn(Col(v.r), lambda eta: t(A.T @ mu(k) + eta))
        moved = s.apply("image", [[covariance]], [v.Sigma(k), A.T, shifted])
        law = definition(s, projects_to_mixture(self.mix, A)).right
        claim = s.lin(instance(law, k, t), [moved])
        return folded(s, projects_to_mixture(self.mix, A), s.gen(claim, k, t))

    def as_softmax(self, x: Expr, k: Expr) -> list[Line]:
        """Pr(z = k | x) and Pr(z = k | Aᵀx) as softmax weights, with the logits `exponent` and `exponent_given`."""
        s, found = self.s, []
        given = (self.mix, x, self.exponent), (projected(self.mix, self.A), self.A.T @ x, self.exponent_given)
        for mixture, point, logit in given:
            whole = posterior(mixture, point, k)
            weight = softmax(v.K, v.w, lambda j, logit=logit: logit(x, j), k)  # type: ignore[misc]
            claim = eq(whole, weight)
            law = s.apply("softmax", [], [weight])
            found.append(s.lin(claim, [definition(s, whole), law], self.set.shared))
        return found

    def agreement(self) -> Line:
        """The posterior is preserved ⟺ the log-odds agree: ∀x, k, l. q(x, k) − q(x, l) = q_A(x, k) − q_A(x, l)."""
        s = self.s
        x, k = fresh(Col(v.d), "x"), fresh(Index(v.K), "k")
        one, two = self.as_softmax(x, k)
        law = odds(s, v.K, v.w, self.set.positive, self.set.nonempty)
        logits = (
            fn(Index(v.K), lambda j, logit=logit: logit(x, j))  # type: ignore[misc]
            for logit in (self.exponent, self.exponent_given)
        )
        at_x = s.gen(s.spec(law, *logits), x)
        meaning = definition(s, preserves_posterior(self.mix, self.A))
        both = s.same(meaning.right, s.gen(one, x, k), s.gen(two, x, k), at_x)
        return s.taut(iff(meaning.left, both.right), meaning, both)

    def difference(self) -> Line:
        """∀x, k, l. the log-odds differ by (x − ½(μ_k + μ_l))ᵀΔ(μ_k − μ_l)."""
        s, mu = self.s, self.mu
        x, k, j = fresh(Col(v.d), "x"), fresh(Index(v.K), "k"), fresh(Index(v.K), "l")
        full, given = (q(x, k) - q(x, j) for q in (self.exponent, self.exponent_given))
        middle = x - num("1/2") * (mu(k) + mu(j))
        return s.gen(s.calc(eq(full - given, tr(middle.T @ self.gap(k, j))), *self.symmetric), x, k, j)

    def no_gap(self) -> Expr:
        """∀k, l. Δ(μ_k − μ_l) = 0."""
        return forall(Index(v.K), lambda k: forall(Index(v.K), lambda j: eq(self.gap(k, j), zero(v.d))))

    def slopes(self, agreement: Line, difference: Line) -> Line:
        """The log-odds agree ⟺ ∀k, l. Δ(μ_k − μ_l) = 0."""
        s, mu = self.s, self.mu
        k, j = fresh(Index(v.K), "k"), fresh(Index(v.K), "l")
        agree, none = s.assume(agreement.right), s.assume(self.no_gap())
        point = num("1/2") * (mu(k) + mu(j)) + self.gap(k, j)
        equal, apart = s.spec(agree, point, k, j), s.spec(difference, point, k, j)
        square = s.lin(eq(tr(self.gap(k, j).T @ self.gap(k, j)), 0), [equal, apart])
        forward = s.gen(vanishes(s, self.gap(k, j), square), k, j)
        x = fresh(Col(v.d), "x")
        apart, zeros = s.spec(difference, x, k, j), s.spec(none, k, j)
        middle = x - num("1/2") * (mu(k) + mu(j))
        claim = eq(self.exponent(x, k) - self.exponent(x, j), self.exponent_given(x, k) - self.exponent_given(x, j))
        back = s.gen(s.lin(claim, [apart, (zeros, 1, middle.T, eye(1))]), x, k, j)
        return s.taut(iff(agree.formula, none.formula), s.discharge(forward, agree), s.discharge(back, none))

    def contained(self) -> Line:
        """S_LDA ⊆ Col(A) ⟺ ∀k, l. Δ(μ_k − μ_l) = 0."""
        s, mu = self.s, self.mu
        k, j = fresh(Index(v.K), "k"), fresh(Index(v.K), "l")
        meaning = definition(s, self.mix.spans_lda(self.A))
        each = s.same(meaning.right, s.gen(self.within(mu(k) - mu(j)), k, j))
        return s.taut(iff(meaning.left, each.right), meaning, each)


def instance(formula: Expr, *values: Expr) -> Expr:
    """φ[t], for ∀x. φ and values t."""
    for value in values:
        formula = Expr(instantiate(formula.term.args[1], value.term))
    return formula


def prove() -> Proposal:
    """Lemma 4.2, sharp."""
    s = Script("lemma-4.2")
    p = Projection(s)
    A, mix = v.A, p.mix
    s.step("gram", "G = AᵀΣA is invertible: Σ ≻ 0 and the columns of A are independent.", p.gram_inverse[1])
    law = s.step("projected-law", "Given z = k, Aᵀx has the law N(Aᵀμ_k, AᵀΣ_kA).", p.projected_law())
    agreement = s.step(
        "preserved",
        "The posterior is preserved exactly when the log-odds given x and given Aᵀx agree for every x, k and l.",
        p.agreement(),
    )
    difference = s.step(
        "difference", "The log-odds differ by (x − ½(μ_k + μ_l))ᵀΔ(μ_k − μ_l), Δ = Σ⁻¹ − AG⁻¹Aᵀ.", p.difference()
    )
    slopes = s.step(
        "slope",
        "So they agree for every x exactly when Δ(μ_k − μ_l) = 0: take x = ½(μ_k + μ_l) + Δ(μ_k − μ_l).",
        p.slopes(agreement, difference),
    )
    contained = s.step(
        "contains",
        "S_LDA ⊆ Col(A) exactly when Δ(μ_k − μ_l) = 0: then Σ⁻¹(μ_k − μ_l) = Ac for c = G⁻¹Aᵀ(μ_k − μ_l), and ΔΣA = 0.",
        p.contained(),
    )
    smaller = s.step("smaller", "S_LDA ⊆ S_F: what contains S_F contains S_LDA.", spans_fisher_spans_lda(p.set, A))
    preserved, lda = preserves_posterior(mix, A), mix.spans_lda(A)
    sharp = s.step(
        "sharp",
        "The posterior is preserved exactly when S_LDA ⊆ Col(A).",
        s.taut(iff(lda, preserved), agreement, slopes, contained),
    )
    kept = s.taut(conj(mix.within_fisher(A), mix.spans_fisher(A)) >> preserved, sharp, smaller)
    line = s.both(law, smaller, s.discharge(s.release(s.both(kept, sharp)), p.independent))
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
