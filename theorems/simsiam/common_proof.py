"""What the scripts about SimSiam share: the model, and what a stationary encoder is."""

from __future__ import annotations

from thmverify.formulas import mixtures, simsiam
from thmverify.proofs.expressions import Expr
from thmverify.proofs.lemmas.simsiam import SimSiamSetting
from thmverify.proofs.script import Line


def named(names: tuple[str, ...]) -> dict[str, Expr]:
    """Return the formulas of the hypotheses with these names."""
    known = {**mixtures.HYPOTHESES, **simsiam.HYPOTHESES}
    return {name: known[name] for name in names}


def model_steps(st: SimSiamSetting) -> None:
    """Show what the loss sees of the pairs."""
    s = st.s
    s.step("mean-covariance", "The mean covariance Σ̄ = Σ_k w_k Σ_k is positive definite.", st.sigma_definite)
    s.step(
        "pairs",
        "R = Σ̄ + S is E xxᵀ and C = δS + (1 − δ)μ̄μ̄ᵀ is E x x̂ᵀ over augmented pairs (Definition 5.1): "
        "E xᵀXx = E x̂ᵀXx̂ = tr(XR) and E x̂ᵀXx = tr(XC) for every X.",
        st.second_moments,
    )
    s.step(
        "loss",
        "The loss of an encoder A, a predictor P and a target map B, from the second moments of the pairs.",
        st.loss_form,
    )


def encoder_step(st: SimSiamSetting) -> Line:
    """Show ∂_A L = 0 as an equation of matrices."""
    return st.s.step(
        "gradient-A",
        "With the target held fixed, the slope along every direction H of A is tr(Hᵀ(RAPᵀP − CAP + ηA)): "
        "it is 0 for every H exactly where the gradient RAPᵀP − CAP + ηA is 0.",
        st.encoder_equation,
    )
