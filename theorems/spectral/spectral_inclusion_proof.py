"""Proof of spectral-inclusion: the square completed and Eckart–Young; and a map without its part outside S_F is better.

L(A) = −2 tr(CM) + tr(RMRM), M = AAᵀ, R = Σ̄ + S, C = δS + (1 − δ)μ̄μ̄ᵀ. For R = ΓΓᵀ this is ‖ΓᵀMΓ − Y‖² − ‖Y‖² with
Y = Γ⁻¹CΓ⁻ᵀ, and every d × r matrix is ΓᵀA for some A: so A is a minimiser exactly when ΓᵀMΓ is the part of Y on its r
largest eigenvalues, without the negative ones. The inclusion does not need this. Let A = A_in + A_out with the columns
of A_in in S_F and those of A_out orthogonal to the means. Then A_outᵀRA_in = 0 and A_outᵀC = 0, so that
L(A) = L(A_in) + 2 tr PQ + tr Q² with P = A_inᵀRA_in ⪰ 0 and Q = A_outᵀRA_out ⪰ 0. A minimiser has Q = 0: A_out = 0.

The bias δ may be any number here: 0 ≤ δ ≤ 1 is not used.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import eq, fresh
from thmverify.proofs.lemmas.spectral import ClosedForm, Inclusion, SpectralSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script
from thmverify.theorems.spectral.common_proof import loss_steps

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "bias-range")


def closed_form(st: SpectralSetting) -> Line:
    """∀Γ. R = ΓΓᵀ ⟹ (MinimisesSpectral(A) ⟺ ΓᵀAAᵀΓ is the top part of Γ⁻¹CΓ⁻ᵀ)."""
    s, G = st.s, fresh(st.R.sort, "Γ")
    rooted = s.assume(eq(st.R, G @ G.T))
    found = ClosedForm(st, v.A, G, rooted)
    s.step("square", "The square completed, for R = ΓΓᵀ: L(A) = ‖ΓᵀAAᵀΓ − Γ⁻¹CΓ⁻ᵀ‖² − ‖Γ⁻¹CΓ⁻ᵀ‖².", found.square(v.A))
    line = s.gen(s.discharge(found.equivalence(), rooted), G)
    sentence = (
        "Every d × r matrix is ΓᵀA for some A, so by Eckart and Young A minimises L exactly when ΓᵀAAᵀΓ is the part of "
        "Γ⁻¹CΓ⁻ᵀ at its r largest eigenvalues, without the negative ones; whatever root Γ of R is taken."
    )
    return s.step("closed-form", sentence, line)


def prove() -> Proposal:
    """A minimises L exactly when ΓᵀAAᵀΓ is the top part of Γ⁻¹CΓ⁻ᵀ, for each root R = ΓΓᵀ; and then Col(A) ⊆ S_F."""
    s = Script("spectral-inclusion")
    st = SpectralSetting(s)
    loss_steps(st)
    closed = closed_form(st)
    part = Inclusion(st, v.A)
    sentence = "A is A_in + A_out, the columns of A_in in S_F, those of A_out orthogonal to the means."
    s.step("split", sentence, part.split)
    included = part.derive()
    s.step("crossed", "A_in is Σ̄⁻¹ times means, so A_outᵀRA_in = 0.", part.crossed)
    s.step("gap", "So L(A) = L(A_in) + 2 tr PQ + tr Q², P = A_inᵀRA_in, Q = A_outᵀRA_out.", part.gap)
    s.step("nonnegative", "tr PQ ≥ 0, since P ⪰ 0 and Q ⪰ 0.", part.nonnegative)
    s.step("outside", "L(A) ≤ L(A_in) for a minimiser, so tr Q² = 0, Q = 0, and A_out = 0.", part.outside)
    s.step("included", "So the columns of a minimiser lie in S_F.", included)
    line = s.both(closed, included)
    return s.qed(line, {name: v.HYPOTHESES[name] for name in HYPOTHESES})
