"""Proof of fisher-optimality: J(A) ≤ tr(Σ̄⁻¹S), with equality exactly when Col(A) contains S_F.

Let G = AᵀΣ̄A and Δ = Σ̄⁻¹ − AG⁻¹Aᵀ. Since ΔΣ̄Δ = Δ, tr(Σ̄⁻¹S) − J(A) = Σ_k w_k (Δμ_k)ᵀΣ̄(Δμ_k) ≥ 0. It is 0 exactly when
Δμ_k = 0 for every k, which says that Σ̄⁻¹μ_k = Ac for c = G⁻¹Aᵀμ_k; any solution c gives it, since ΔΣ̄A = 0.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.fisher import bound, discriminant
from thmverify.proofs.expressions import Expr, Index, eq, eye, forall, fresh, iff, inv, num, total, tr, zero
from thmverify.proofs.lemmas.basic import definition, positive_nonzero, weaken
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.subspaces import Complement, definite_vanishes, summand_vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite")


class Discriminant(Complement):
    """Fisher's discriminant J(A), for a map A with independent columns."""

    def __init__(self, s: Script) -> None:
        """Take the mixture's letters, and A."""
        super().__init__(Setting(s), v.A)
        self.mix, self.mu = self.set.mix, self.set.mu
        self.J, self.bound = discriminant(self.mix, v.A), bound(self.mix)

    def gap(self, k: Expr) -> Expr:
        """Δμ_k."""
        return self.delta @ self.mu(k)

    def square(self, k: Expr) -> Expr:
        """(Δμ_k)ᵀΣ̄(Δμ_k)."""
        return tr(self.gap(k).T @ self.Sigma @ self.gap(k))

    def no_gap(self) -> Expr:
        """∀k. Δμ_k = 0."""
        return forall(Index(v.K), lambda k: eq(self.gap(k), zero(v.d)))

    # -- the steps ----------------------------------------------------------------------------------------------------

    def identity(self) -> Line:
        """tr(Σ̄⁻¹S) − J(A) = Σ_k w_k (Δμ_k)ᵀΣ̄(Δμ_k)."""
        s = self.s
        claim = eq(self.bound - self.J, total(v.K, lambda k: v.w(k) * self.square(k)))
        inverses = self.set.sigma_inverse[0], self.gram_inverse[1]
        meaning = definition(s, self.J), definition(s, self.mix.S)
        return s.calc(claim, *meaning, *self.symmetric, *inverses)

    def nonnegative(self) -> Line:
        """∀k. 0 ≤ w_k (Δμ_k)ᵀΣ̄(Δμ_k)."""
        s, k = self.s, fresh(Index(v.K), "k")
        form = s.spec(s.parts(self.set.sigma_psd)[-1], self.gap(k))
        part = s.apply("product", [[weaken(s, s.spec(self.set.positive, k)), form]])
        return s.gen(s.lin(num(0) <= v.w(k) * self.square(k), [part]), k)

    def inequality(self, identity: Line, nonnegative: Line) -> Line:
        """J(A) ≤ tr(Σ̄⁻¹S)."""
        s = self.s
        return s.lin(self.bound >= self.J, [identity, s.apply("sum_order", [[nonnegative]])])

    def equality(self, identity: Line, nonnegative: Line) -> Line:
        """J(A) = tr(Σ̄⁻¹S) ⟺ ∀k. Δμ_k = 0."""
        s, k = self.s, fresh(Index(v.K), "k")
        equal, none = s.assume(eq(self.J, self.bound)), s.assume(self.no_gap())
        whole = s.lin(identity.right <= 0, [identity, equal])
        part = summand_vanishes(s, nonnegative, whole, k)  # w_k (Δμ_k)ᵀΣ̄(Δμ_k) = 0
        nonzero = positive_nonzero(s, s.spec(self.set.positive, k))
        cancel = s.mp(s.apply("reciprocal", [], [v.w(k)]), nonzero)
        square = s.lin(eq(self.square(k), 0), [(cancel, self.square(k)), (part, inv(v.w(k)))])
        forward = s.gen(definite_vanishes(s, self.set.sigma_definite, self.gap(k), square), k)
        zero_part = s.lin(eq(part.left, 0), [(s.spec(none, k), v.w(k), self.gap(k).T @ self.Sigma, eye(1))])
        zeros = s.same(identity.right, s.gen(zero_part, k))
        back = s.lin(equal.formula, [identity, zeros])
        claim = iff(equal.formula, none.formula)
        return s.taut(claim, s.discharge(forward, equal), s.discharge(back, none))

    def contained(self) -> Line:
        """S_F ⊆ Col(A) ⟺ ∀k. Δμ_k = 0."""
        s, k = self.s, fresh(Index(v.K), "k")
        meaning = definition(s, self.mix.spans_fisher(self.A))
        each = s.same(meaning.right, s.gen(self.within(self.mu(k)), k))
        return s.taut(iff(meaning.left, each.right), meaning, each)


def prove() -> Proposal:
    """Fisher optimality."""
    s = Script("fisher-optimality")
    p = Discriminant(s)
    s.step("mean-covariance", "Σ̄ = Σ_k w_kΣ_k ≻ 0.", p.set.sigma_definite)
    s.step("gram", "G = AᵀΣ̄A is invertible, so J(A) = tr(G⁻¹AᵀSA) is defined.", p.gram_inverse[1])
    identity = s.step(
        "gap",
        "With Δ = Σ̄⁻¹ − AG⁻¹Aᵀ, ΔΣ̄Δ = Δ, so tr(Σ̄⁻¹S) − J(A) is the sum of w_k times the squared length of Δμ_k.",
        p.identity(),
    )
    nonnegative = p.nonnegative()
    inequality = s.step(
        "bound", "Each of these is at least 0, so J(A) ≤ tr(Σ̄⁻¹S).", p.inequality(identity, nonnegative)
    )
    equality = s.step(
        "equality",
        "Equality forces each of them to be 0, and Δμ_k = 0 since w_k > 0 and Σ̄ ≻ 0; and back.",
        p.equality(identity, nonnegative),
    )
    contained = s.step(
        "contains",
        "S_F ⊆ Col(A) exactly when Δμ_k = 0 for every k: then Σ̄⁻¹μ_k = Ac for c = G⁻¹Aᵀμ_k, and ΔΣ̄A = 0.",
        p.contained(),
    )
    reached = s.taut(iff(equality.left, contained.left), equality, contained)
    line = s.discharge(s.release(s.both(inequality, reached)), p.independent)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
