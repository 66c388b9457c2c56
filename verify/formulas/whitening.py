"""What proofs about whitening speak of: maps with white features whose pairs agree most (canonical correlations)."""

from __future__ import annotations

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, delta, mu, r, w
from thmverify.proofs.expressions import Expr, Mat, conj, eq, eye, forall, tr


def maximises_agreement(mixture: Mixture, X: Expr) -> Expr:
    """XᵀRX = I, and tr(YᵀCY) ≤ tr(XᵀCX) for every Y with as many columns and YᵀRY = I."""
    own = Mixture(mixture.script)
    R, C = own.R, own.C
    best = forall(Mat(d, r), lambda Y: eq(Y.T @ R @ Y, eye(r)) >> (tr(Y.T @ C @ Y) <= tr(A.T @ C @ A)))
    body = conj(eq(A.T @ R @ A, eye(r)), best)
    define = mixture.script.define("MaximisesAgreement", (d, K, r, w, mu, Sigma, delta, A), body)
    return define(mixture.d, mixture.K, X.cols, mixture.w, mixture.mu, mixture.Sigma, mixture.delta, X)
