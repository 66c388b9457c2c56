"""Paired mixtures whose modalities share noise: x_V = μ_{V,k} + Uψ and x_T = μ_{T,k} + Vψ with one Gaussian ψ."""

from __future__ import annotations

from thmverify.formulas.clip import (
    A_T,
    A_V,
    LETTERS,
    K,
    Pairs,
    Sigma_T,
    Sigma_V,
    against_text,
    against_vision,
    d_T,
    d_V,
    delta,
    mu_T,
    mu_V,
    r,
    w,
)
from thmverify.formulas.names import named
from thmverify.proofs.expressions import (
    Col,
    Expr,
    Family,
    Mat,
    Size,
    conj,
    eq,
    exists,
    forall,
    mean,
    minv,
    psd,
    total,
    tr,
    var,
)

p = var("p", Size)
Psi, U, V = var("Psi", Mat(p, p)), var("U", Mat(d_V, p)), var("V", Mat(d_T, p))
NOISE = (p, Psi, U, V)
SHARED = U @ Psi @ V.T  # Γ = Cov(x_V, x_T) given the component


ALL = (*LETTERS, *NOISE, A_V, A_T)


@named("SharedNoiseCLIP", ALL, A_V, A_T)
def clip_shared(_: Pairs, A_V: Expr, A_T: Expr) -> Expr:
    """The CLIP loss of f_V(x) = A_Vᵀx and f_T(x) = A_Tᵀx on such pairs; wrong captions share no noise."""
    W = A_V @ A_T.T

    def score(x: Expr, y: Expr) -> Expr:
        return tr(x.T @ W @ y)

    matched = total(K, lambda k: w(k) * mean(Psi, lambda psi: score(mu_V(k) + U @ psi, mu_T(k) + V @ psi)))
    mixed = total(
        K,
        lambda k: total(
            K,
            lambda j: (
                w(k) * w(j) * mean(Sigma_V, lambda xi: mean(Sigma_T, lambda eta: score(mu_V(k) + xi, mu_T(j) + eta)))
            ),
        ),
    )
    return -2 * (delta * matched + (1 - delta) * mixed) + against_text(W) + against_vision(W)


@named("MinimisesSharedNoiseCLIP", ALL, A_V, A_T)
def minimises_shared(pairs: Pairs, A_V: Expr, A_T: Expr) -> Expr:
    """(A_V, A_T) minimises the loss over the pairs of maps with as many columns."""
    return forall(
        Mat(d_V, r),
        lambda F: forall(Mat(d_T, r), lambda G: clip_shared(pairs, A_V, A_T) <= clip_shared(pairs, F, G)),
    )


@named("WithinSharedVision", ALL, A_V, A_T)
def within_shared(_: Pairs, A_V: Expr, A_T: Expr) -> Expr:
    """Col(A_V A_Tᵀ) ⊆ S_{V,F} + Σ_V⁻¹Col Γ: A_V A_Tᵀ = Σ_k Σ_V⁻¹μ_{V,k} c_kᵀ + Σ_V⁻¹ΓE for some c_k and E."""
    inverse = minv(Sigma_V)

    def written(c: Expr, E: Expr) -> Expr:
        return eq(A_V @ A_T.T, total(K, lambda k: inverse @ mu_V(k) @ c(k).T) + inverse @ SHARED @ E)

    return exists(Family(K, Col(d_T)), lambda c: exists(Mat(d_T, d_T), lambda E: written(c, E)))


SHARED_NOISE = conj(psd(Psi), eq(U @ Psi @ U.T, Sigma_V), eq(V @ Psi @ V.T, Sigma_T))
HYPOTHESES: dict[str, Expr] = {"shared-noise": SHARED_NOISE}
