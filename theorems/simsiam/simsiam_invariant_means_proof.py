"""Proof of simsiam-invariant-means: where Σ̄ maps span{μ_k} to itself, what lies across it has positive energy.

Let Π be the orthogonal projection on span{μ_k}: Π = Πᵀ = Σ_k μ_k e_kᵀ and Πμ_k = μ_k. As each Σ̄μ_k is a combination of
means, ΠΣ̄Π = Σ̄Π, and transposed ΠΣ̄Π = ΠΣ̄: so Π and Σ̄ commute, and Π and Σ̄⁻¹ too. Hence Σ̄⁻¹μ_k = ΠΣ̄⁻¹μ_k lies in
span{μ_l}, and μ_k = Σ̄⁻¹Σ̄μ_k in S_F. For A_out = A − ΠA, A_outᵀ(RAPᵀP − CAP + ηA) = 0 has the trace

    tr(P A_outᵀΣ̄A_out Pᵀ) + η‖A_out‖² = 0,

so A_out = 0 for η > 0, and A = ΠA = Σ̄⁻¹ΠΣ̄A is Σ̄⁻¹ times means.
"""

from __future__ import annotations

from thmverify.formulas import mixtures, simsiam
from thmverify.proofs.expressions import Col, Expr, Index, eq, eye, fn, fresh, minv, num, pd, total, tr, zero
from thmverify.proofs.lemmas.algebra import root
from thmverify.proofs.lemmas.basic import divide, square_norm, vanishes_below
from thmverify.proofs.lemmas.null_vectors import square_positive
from thmverify.proofs.lemmas.projector import projector
from thmverify.proofs.lemmas.simsiam import SimSiamSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.simsiam.common_proof import encoder_step, model_steps, named

HYPOTHESES = (
    "weights-positive",
    "weights-sum",
    "covariances-definite",
    "bias-range",
    "weight-decay",
    "means-invariant",
)


class Across:
    """The orthogonal projection Π on the span of the means, which commutes with Σ̄."""

    def __init__(self, st: SimSiamSetting) -> None:
        """Choose Π, with Π = Σ_k μ_k e_kᵀ, Πμ_k = μ_k and Π = Πᵀ."""
        self.s, self.st = st.s, st
        s, one = st.s, eye(st.d)
        N, plain = s.let("N", one)
        (self.Pi, self.e), facts = s.obtain(projector(s, st.mu, self._definite(N, plain)), "Π", "e")
        made, keeps, mirror = s.parts(facts)
        Pi, Sb, k = self.Pi, st.mix.sigma_bar, fresh(Index(st.K), "k")
        projection = s.step(
            "projection",
            "Let Π be the orthogonal projection on span{μ_k}: Π = Πᵀ = Σ_k μ_k e_kᵀ and Πμ_k = μ_k.",
            s.both(made, keeps, s.lin(eq(Pi, Pi.T), [mirror], plain)),
        )
        self.made, self.keeps, self.symmetric = s.parts(projection)
        self.square = s.lin(eq(Pi @ Pi, Pi), [(self.made, 1, Pi, one), (self.made, 1, one, one)], self.keeps)

        self.invariant = s.rewrite(s.flip(st.sigma_unfolded), st.hypothesis("means-invariant"))
        mark = s.mark()
        (_,), spanned = s.obtain(s.spec(self.invariant, k), "c")
        kept = s.lin(
            eq(Pi @ Sb @ st.mu(k), Sb @ st.mu(k)), [(spanned, 1, Pi, eye(1)), (spanned, 1, one, eye(1))], self.keeps
        )
        kept = s.gen(s.release(kept, mark), k)
        s.forget(mark)
        s.step("invariant", "Σ̄ maps the span to itself: ΠΣ̄μ_k = Σ̄μ_k.", kept)
        one_side = s.lin(eq(Pi @ Sb @ Pi, Sb @ Pi), [(self.made, 1, Pi @ Sb, one), (self.made, 1, Sb, one)], kept)
        other_side = s.same((Pi @ Sb @ Pi).T, one_side)
        self.commutes = s.lin(eq(Sb @ Pi, Pi @ Sb), [one_side, other_side], self.symmetric, st.sigma_symmetric)
        s.step("commutes", "So ΠΣ̄Π = Σ̄Π, and transposed ΠΣ̄Π = ΠΣ̄: Π and Σ̄ commute.", self.commutes)

    def _definite(self, N: Expr, plain: Line) -> Line:
        """N ≻ 0 for N = I: vᵀv > 0 for v ≠ 0."""
        s, column = self.s, fresh(Col(self.st.d), "v")
        nonzero = s.assume(~eq(column, zero(self.st.d)))
        strict = s.lin(num(0) < tr(column.T @ N @ column), [square_positive(s, nonzero)], plain)
        return s.taut(pd(N), s.calc(eq(N, N.T), plain), s.gen(s.discharge(strict, nonzero), column))

    def spans(self) -> Line:
        """S_F = span{μ_k}."""
        s, st, Pi, k = self.s, self.st, self.Pi, fresh(Index(self.st.K), "k")
        one, back, _ = st.sigma_inverse
        law = st.unfold(st.sim.fisher_is_span_of_means)
        outward, inward = (Expr(t) for t in s.spec(s.assume(law.right), k).theorem.conclusion.args)
        Si, mu, unit = minv(st.mix.sigma_bar), st.mu, eye(1)
        # Σ̄⁻¹μ_k = Σ̄⁻¹Πμ_k = ΠΣ̄⁻¹μ_k = Σ_l μ_l e_lᵀΣ̄⁻¹μ_k
        swapped = s.lin(
            eq(Si @ Pi, Pi @ Si),
            [(self.commutes, 1, Si, Si), (one, 1, Si @ Pi, eye(st.d)), (back, 1, eye(st.d), Pi @ Si)],
        )
        weights = fn(Index(st.K), lambda j: tr(self.e(j).T @ Si @ mu(k)))
        written = eq(Si @ mu(k), total(st.K, lambda j: weights(j) * mu(j)))
        parts = [
            (s.spec(self.keeps, k), 1, Si, unit),
            (swapped, 1, eye(st.d), mu(k)),
            (self.made, 1, eye(st.d), Si @ mu(k)),
        ]
        out = s.exhibit(outward, weights, s.lin(written, parts))
        # μ_k = Σ̄⁻¹Σ̄μ_k = Σ_l c_l Σ̄⁻¹μ_l
        mark = s.mark()
        (c,), spanned = s.obtain(s.spec(self.invariant, k), "c")
        written = eq(mu(k), total(st.K, lambda j: c(j) * (Si @ mu(j))))
        found = s.exhibit(inward, c, s.lin(written, [(back, 1, eye(st.d), mu(k)), (spanned, 1, Si, unit)]))
        line = s.gen(s.release(s.both(out, found), mark), k)
        s.forget(mark)
        return s.taut(law.left, law, line)

    def included(self, A: Expr, P: Expr) -> Line:
        """Col(A) ⊆ S_F where ∂_A L = 0 at (A, P)."""
        s, st, Pi, Sb, one = self.s, self.st, self.Pi, self.st.mix.sigma_bar, eye(self.st.d)
        law, decay = s.spec(st.encoder_equation, A, P), st.hypothesis("weight-decay")
        gradient = s.taut(law.right, law, s.assume(law.left))
        s.step("stationary", "Let ∂_A L(A, P) = 0.", gradient)

        across = A - Pi @ A
        kinetic, size = tr(P @ across.T @ Sb @ across @ P.T), tr(across.T @ across)
        facts = (st.R_parts, *map(st.unfold, (st.C, st.mix.S, st.mix.mean)), st.sigma_symmetric)
        energy = s.lin(
            eq(kinetic + st.eta * size, 0),
            [(gradient, 1, across.T, eye(st.r)), (self.commutes, 1, across.T, A @ P.T @ P)],
            *facts,
            self.symmetric,
            self.keeps,
            self.square,
        )
        s.step(
            "energy",
            "With A_out = A − ΠA, A_outᵀ∂_A = 0 says that tr(PA_outᵀΣ̄A_outPᵀ) + η‖A_out‖² = 0: A_out is orthogonal to "
            "the means and to Σ̄ΠA.",
            energy,
        )
        root_of, square = root(s, st.sigma_psd, "Ω")
        positive = s.lin(num(0) <= kinetic, [square_norm(s, root_of.T @ across @ P.T)], square)
        s.step("kinetic", "The first is ≥ 0.", positive)
        low = divide(s, decay, s.lin(num(0) <= st.eta * (-size), [positive, energy]), num(0) <= -size)
        none = vanishes_below(s, across, s.lin(size <= 0, [low]))
        s.step("outside-vanishes", "So the second is ≤ 0, and as η > 0, A_out = 0.", none)

        back, Si = st.sigma_inverse[1], minv(Sb)

        def column(k: Expr) -> Expr:
            return A.T @ Sb @ self.e(k)

        parts = [
            (none, 1, one, eye(st.r)),
            (back, 1, one, Pi @ A),
            (self.commutes, 1, Si, A),
            (self.made, 1, Si, Sb @ A),
        ]
        combination = total(st.K, lambda k: Si @ st.mu(k) @ column(k).T)
        inside = st.spanned(A, column, s.lin(eq(A, combination), parts, st.sigma_symmetric))
        s.step("included", "Then A = ΠA = Σ̄⁻¹ΠΣ̄A is Σ̄⁻¹ times means: Col(A) ⊆ S_F.", inside)
        return s.discharge(inside, law.left)


def prove() -> Proposal:
    """Derive the statement."""
    s = Script("simsiam-invariant-means")
    st = SimSiamSetting(s)
    model_steps(st)
    encoder_step(st)
    across = Across(st)
    spans = s.step("same-span", "Then Σ̄⁻¹μ_k = ΠΣ̄⁻¹μ_k and μ_k = Σ̄⁻¹Σ̄μ_k: S_F = span{μ_k}.", across.spans())
    line = s.both(across.included(mixtures.A, simsiam.P), spans)
    s.step("theorem", "Wherever ∂_A L = 0, Col(A) ⊆ S_F, and S_F = span{μ_k}.", line)
    return s.qed(line, named(HYPOTHESES))
