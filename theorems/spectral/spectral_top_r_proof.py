"""Proof of spectral-top-r: for a centred mixture the largest eigenvectors of (C, R) are those of (S, Σ̄), and Ky Fan.

For R = ΓΓᵀ, A is a minimiser exactly when ΓᵀAAᵀΓ is the part of Γ⁻¹CΓ⁻ᵀ at its r largest eigenvalues, without the
negative ones: there are q_i with q_iᵀRq_j = [i = j], Cq_i = λ_iRq_i, and AAᵀ = Σ s_iλ_i q_iq_iᵀ for a choice s of r
largest λ_i ≥ 0. Centred, C = δS: (δ − λ_i)Sq_i = λ_iΣ̄q_i, so that Sq_i = κ_iΣ̄q_i with κ_i = λ_i/(δ − λ_i), which
increases with λ_i. The chosen q_i with λ_i ≠ 0 span Col(A): A = Σ q_iq_iᵀRA, and λ_iq_i = AAᵀRq_i. By Ky Fan no B of at
most r independent columns has J(B) > J(F), F a basis of Col(A).

J(A) itself has no meaning for r > dim S_F, where the columns of A are dependent. For r ≤ dim S_F they are independent.
Suppose not: A = FH with fewer than r columns in F, and Az = 0 for some z ≠ 0. Then A + t·xzᵀ is no better than A for
any x and t, so xᵀCx ≤ xᵀRAAᵀRx, which puts S_F into Col(F).

δ may be any positive number here: δ ≤ 1 is not used.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.subspaces import columns_within, independent_columns
from thmverify.proofs.expressions import (
    Expr,
    conj,
    eq,
    eye,
)
from thmverify.proofs.lemmas.basic import definition, folded, unfolded
from thmverify.proofs.lemmas.discriminant import TopSpace
from thmverify.proofs.lemmas.independence import Independence
from thmverify.proofs.lemmas.pencil import Choice, Pencil, Shifted
from thmverify.proofs.lemmas.spectral import SpectralSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.spectral.common_proof import loss_steps

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "bias-range", "bias-positive", "centred")


def own_discriminant(st: SpectralSetting, A: Expr) -> Line:
    """BestColumnSpace(A) ∧ IndependentColumns(A) ⟹ BestDiscriminant(A): then A is a basis of Col(A)."""
    s, r = st.s, A.cols
    best, independent = s.assume(st.spec.best_column_space(A)), s.assume(independent_columns(s, A))
    law = s.spec(unfolded(s, best), r, A)
    within = columns_within(s, A, A)
    itself = s.exhibit(definition(s, within).right, eye(r), s.calc(eq(A, A @ eye(r))))
    itself = folded(s, within, itself)
    line = s.mp(law, s.both(independent, itself, itself))
    return s.discharge(line, best, independent)


def eigenvectors(st: SpectralSetting, A: Expr, minimal: Line) -> Line:
    """TopEigenspace(A), from MinimisesSpectral(A)."""
    s, mark = st.s, st.s.mark()
    pencil = Pencil(st, A, minimal)
    s.step("eigenvectors", "There are q_i with q_iᵀRq_j = [i = j] and Cq_i = λ_iRq_i: here Q holds them.", pencil.eigen)
    sentence = "By Eckart and Young AAᵀ = Σ s_iλ_i q_iq_iᵀ, s a choice of r largest λ_i, without negative ones."
    s.step("closed-form", sentence, pencil.square)
    shifted = Shifted(pencil)
    s.step("centred-target", "Centred, μ̄ = 0 and C = δS.", st.centred)
    sentence = "R = Σ̄ + S, so (δ − λ_i)Sq_i = λ_iΣ̄q_i: Sq_i = κ_iΣ̄q_i for κ_i = λ_i/(δ − λ_i), and δ > λ_i."
    s.step("same-pencil", sentence, shifted.eigen)
    s.step("across", "The q_i are orthogonal in Σ̄ as well, q_iᵀΣ̄q_i = σ_i > 0.", shifted.across)
    choice = Choice(shifted)
    s.step(
        "ordered", "κ_i increases with λ_i: those that are chosen are largest, t_i = s_i where λ_i ≠ 0.", choice.ordered
    )
    s.step("within", "A = Σ t_i q_iq_iᵀRA, since the difference D has DDᵀ = 0.", choice.within)
    s.step("spans", "λ_iq_i = AAᵀRq_i, so each chosen q_i lies in Col(A); P has the columns q_i/√σ_i.", choice.spans)
    line = s.release(choice.line(), mark)
    s.forget(mark)
    return s.discharge(line, minimal)


def prove() -> Proposal:
    """Centred: Col(A) of a minimiser is a top eigenspace, and J is largest on it; on A itself where r ≤ dim S_F."""
    s = Script("spectral-top-r")
    st, A = SpectralSetting(s), v.A
    loss_steps(st)
    minimal = s.assume(st.spec.minimises(A))
    top = eigenvectors(st, A, minimal)
    s.step("top-columns", "Col(A) of a minimiser is spanned by eigenvectors Sv = κΣ̄v at the r largest κ.", top)
    space = TopSpace(st, A, st.S_nonnegative)
    s.step("spectrum", "With such a basis P, S = Σ κ_i Σ̄Pe_i(Σ̄Pe_i)ᵀ, κ_i ≥ 0.", space.spectrum)
    best = s.step(
        "optimal", "Ky Fan: no B of at most r independent columns has a larger J than a basis of Col(A).", space.line()
    )
    independence = Independence(st, A)
    independent = independence.line()
    sentence = "If r ≤ dim S_F, the columns of A are independent: else A + t·xzᵀ would be better, where Az = 0."
    s.step("independent", sentence, independent)
    own = s.step("own", "Then A is a basis of Col(A) itself.", own_discriminant(st, A))
    few = st.spec.few_columns(A)
    claim = conj(top.right, best.right, few >> conj(independent_columns(s, A), own.right.right))
    line = s.discharge(s.taut(claim, minimal, top, best, independent, own), minimal)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
