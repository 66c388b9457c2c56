"""Proof of simsiam-inclusion: without weight decay and with an invertible predictor, Σ̄A is a combination of the means.

L(A, P, B) = ½E‖PAᵀx − Bᵀx̂‖² + ½η(‖A‖² + ‖P‖²) with the target map B = A held fixed. In the second moments R = E xxᵀ
and C = E x x̂ᵀ of the pairs it is ½ tr(PAᵀRAPᵀ) − tr(PAᵀCB) + ½ tr(BᵀRB) + ½η(‖A‖² + ‖P‖²), so its slope along H is
tr(Hᵀ(RAPᵀP − CAP + ηA)), and it is 0 for every H only where the gradient is. For η = 0 and PQ = QP = I that says
RA = CAQᵀ. So A = R⁻¹C·AQᵀ, and as R = Σ̄ + S, Σ̄A = CAQᵀ − SA is a combination of the means.

The components may have a covariance each. The proof holds for every real δ, every r and every K ≥ 1.
"""

from __future__ import annotations

from thmverify.formulas import mixtures, simsiam
from thmverify.proofs.expressions import conj, eq, eye, minv
from thmverify.proofs.lemmas.simsiam import SimSiamSetting
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script
from thmverify.theorems.simsiam.common_proof import encoder_step, model_steps, named

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "bias-range", "no-weight-decay")


def prove() -> Proposal:
    """Derive the statement."""
    s = Script("simsiam-inclusion")
    st, A, P = SimSiamSetting(s), mixtures.A, simsiam.P
    model_steps(st)
    equation = s.spec(encoder_step(st), A, P)
    R, C = st.R, st.C

    stationary, regular = s.assume(st.sim.stationary_encoder(A, P)), s.assume(st.sim.invertible(P))
    gradient = s.mp(s.taut(stationary.formula >> equation.right, equation), stationary)
    fixed = s.lin(eq(R @ A @ P.T @ P, C @ A @ P), [gradient, (st.hypothesis("no-weight-decay"), A)])
    s.step("no-decay", "Where (A, P) satisfies ∂_A L = 0 and η = 0, that says RAPᵀP = CAP.", fixed)

    opened = st.unfold(regular.formula)
    (Q,), right_inverse = s.obtain(s.taut(opened.right, opened, regular), "Q")
    left_inverse = s.parts(s.mp(s.apply("inverse", [], [P, Q]), right_inverse))[0]
    inverse = s.step(
        "inverse", "Let Q be the inverse of P: PQ = I, and so QP = I.", s.both(right_inverse, left_inverse)
    )
    right_inverse, left_inverse = s.parts(inverse)
    solved = s.lin(eq(R @ A, C @ (A @ Q.T)), [(fixed, 1, eye(st.d), Q @ Q.T)], right_inverse, left_inverse)
    s.step("solved", "Multiplied by QQᵀ from the right, the equation says RA = C(AQᵀ).", solved)

    learnt = s.lin(
        eq(A, minv(R) @ C @ (A @ Q.T)), [(st.R_inverse[1], 1, eye(st.d), A), (solved, 1, minv(R), eye(st.r))]
    )
    learning = st.unfold(st.sim.within_pairs(A))
    sharper = s.taut(learning.left, learning, s.exhibit(learning.right, A @ Q.T, learnt))
    s.step("included-more", "So A = R⁻¹C·AQᵀ: Col(A) ⊆ R⁻¹Col(C).", sharper)
    s.step(
        "pairs-inside",
        "R⁻¹Col(C) ⊆ S_F: where RX = CZ, Σ̄X = CZ − SX is a combination of the means.",
        st.pairs_within,
    )
    inside = st.learnt(A, A @ Q.T, solved)
    s.step("included", "So Col(A) ⊆ S_F.", inside)

    claims = s.both(sharper, st.pairs_within, inside)
    given = conj(stationary.formula, regular.formula)
    claim = given >> claims.formula
    whole = s.taut(claim, s.discharge(s.release(claims), stationary, regular))
    s.step(
        "theorem",
        "Where ∂_A L = 0 and P is invertible, Col(A) ⊆ R⁻¹Col(C) ⊆ S_F.",
        whole,
    )
    return s.qed(whole, named(HYPOTHESES))
