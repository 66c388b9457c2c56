"""Paired mixtures whose components have covariances of their own: x_V ~ N(μ_{V,k}, Σ_{V,k}), and the texts alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thmverify.formulas.clip import A_T, A_V, K, d_T, d_V, delta, loss_body, mu_T, mu_V, r, w
from thmverify.formulas.mixtures import WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.formulas.names import named
from thmverify.formulas.nonshared import maps_into_means
from thmverify.proofs.expressions import Expr, Family, Index, Mat, forall, pd, var

if TYPE_CHECKING:
    from thmverify.proofs.script import Script

Sigma_V, Sigma_T = var("Sigma_V", Family(K, Mat(d_V, d_V))), var("Sigma_T", Family(K, Mat(d_T, d_T)))
LETTERS = (d_V, d_T, K, r, w, mu_V, mu_T, Sigma_V, Sigma_T, delta)


@named("SeparateCLIP", (*LETTERS, A_V, A_T), A_V, A_T)
def loss(_: Script, A_V: Expr, A_T: Expr) -> Expr:
    """The CLIP loss of f_V(x) = A_Vᵀx and f_T(x) = A_Tᵀx."""
    return loss_body(A_V @ A_T.T, Sigma_V, Sigma_T)


@named("MinimisesSeparateCLIP", (*LETTERS, A_V, A_T), A_V, A_T)
def minimises(script: Script, A_V: Expr, A_T: Expr) -> Expr:
    """(A_V, A_T) minimises the loss over the pairs of maps with as many columns."""
    return forall(
        Mat(d_V, r),
        lambda F: forall(Mat(d_T, r), lambda G: loss(script, A_V, A_T) <= loss(script, F, G)),
    )


def definite(Sigma: Expr) -> Expr:
    """Every Σ_k is positive definite."""
    return forall(Index(K), lambda k: pd(Sigma(k)))


HYPOTHESES: dict[str, Expr] = {
    "weights-positive": WEIGHTS_POSITIVE,
    "weights-sum": WEIGHTS_SUM,
    "vision-covariances-definite": definite(Sigma_V),
    "text-covariances-definite": definite(Sigma_T),
    "vision-maps-into-means": maps_into_means(mu_V, Sigma_V),
    "text-maps-into-means": maps_into_means(mu_T, Sigma_T),
}
