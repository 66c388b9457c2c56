"""What the scripts about the spectral contrastive loss share."""

from __future__ import annotations

from thmverify.proofs.lemmas.spectral import SpectralSetting


def loss_steps(st: SpectralSetting) -> None:
    """The loss as a polynomial in M = AAᵀ."""
    s = st.s
    s.step("mean-covariance", "Σ̄ = Σ_k w_k Σ_k ≻ 0.", st.sigma_definite)
    s.step("second-moment", "R = E xxᵀ is Σ̄ + S.", st.R_parts)
    s.step("second-moment-definite", "R ≻ 0, since Σ̄ ≻ 0 and S ⪰ 0.", st.R_definite)
    s.step("alignment", "E[f(x)ᵀf(x̂)] = tr(CM) for M = AAᵀ, C = δS + (1 − δ)μ̄μ̄ᵀ.", st.alignment)
    s.step("negatives", "E_{x,y}[(f(x)ᵀf(y))²] = tr(RMRM): x and y are independent.", st.negatives)
    s.step("form", "So L(A) = −2 tr(CM) + tr(RMRM).", st.form)
