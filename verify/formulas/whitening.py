"""What proofs about whitening speak of: maps with white features whose pairs agree most (canonical correlations)."""

from __future__ import annotations

from thmverify.formulas.mixtures import PAIRED_MAP, A, Mixture, d, r
from thmverify.formulas.names import named
from thmverify.proofs.expressions import Expr, Mat, conj, eq, eye, forall, tr


@named("MaximisesAgreement", PAIRED_MAP, A)
def maximises_agreement(mixture: Mixture, A: Expr) -> Expr:
    """AᵀRA = I, and tr(YᵀCY) ≤ tr(AᵀCA) for every Y with as many columns and YᵀRY = I."""
    R, C = mixture.R, mixture.C
    best = forall(Mat(d, r), lambda Y: eq(Y.T @ R @ Y, eye(r)) >> (tr(Y.T @ C @ Y) <= tr(A.T @ C @ A)))
    return conj(eq(A.T @ R @ A, eye(r)), best)
