"""Lemma 4.2 and the optimality of the Fisher subspace: the projection identity."""

from __future__ import annotations

from verify.kernel.linear import rank
from verify.kernel.models import Mixture, Pairs
from verify.kernel.parse import Rejected
from verify.kernel.rules.finding import PROVED, Finding, shared


def posterior(pairs: Pairs) -> Finding:
    """Pr(z=k|x) ∝ w_k exp(xᵀΣ⁻¹μ_k − ½μ_kᵀΣ⁻¹μ_k); given Bᵀx, Π = B(BᵀΣB)⁻¹Bᵀ takes the place of Σ⁻¹.

    Both agree for every x when Πμ_k = Σ⁻¹μ_k. Another A with Col(A) = S_F is a function of B and conversely.
    """
    mixture = shared(pairs)
    return _projection_identity(mixture)


def fisher(pairs: Pairs) -> Finding:
    """Whitened, J(A) = tr(P_A Ŝ) ≤ tr Ŝ, P_A the projector on Col(Σ̄^{1/2}A), with equality iff P_AŜ = Ŝ.

    That is Col(A) ⊇ Σ̄⁻¹Col(S), and Col(S) = span μ since all w_k > 0. Πμ_k = Σ̄⁻¹μ_k says that S_F attains it.
    """
    if rank(pairs.mixture.S) != pairs.mixture.m:
        raise Rejected("S does not have the rank of the means")
    return _projection_identity(pairs.mixture)


def _projection_identity(mixture: Mixture) -> Finding:
    B, sigma, mu = mixture.fisher, mixture.sigma, mixture.means
    if B * (B.transpose() * sigma * B).inv() * B.transpose() * mu != sigma.inv() * mu:
        raise Rejected("the projection identity fails")
    return PROVED
