"""The Fisher discriminant of a map, and its largest value."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, mu, r, w
from thmverify.proofs.expressions import Expr, minv, tr


def discriminant(mixture: Mixture, X: Expr) -> Expr:
    """J(X) = tr[(XᵀΣ̄X)⁻¹ XᵀSX], for X with independent columns."""
    own = Mixture(mixture.script)
    body = tr(minv(A.T @ own.sigma_bar @ A) @ A.T @ own.S @ A)
    define = mixture.script.define("FisherDiscriminant", (d, K, r, w, mu, Sigma, A), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, X)


def bound(mixture: Mixture) -> Expr:
    """tr(Σ̄⁻¹S)."""
    return tr(minv(mixture.sigma_bar) @ mixture.S)
