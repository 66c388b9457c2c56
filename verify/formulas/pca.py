"""What proofs about principal components speak of: the captured variance of a mixture, and its maximisers."""

from __future__ import annotations

from thmverify.formulas.mixtures import MAP, A, K, OfMixture, Sigma, d, fisher_dimension, mu, r, w
from thmverify.formulas.names import named
from thmverify.proofs.expressions import Expr, Index, Mat, conj, eq, eye, forall, inv, mean, real, total, tr, unit


class Pca(OfMixture):
    """Principal components of a mixture: maps A with orthonormal columns that capture the most variance."""

    @property
    @named("MomentMatrix", (d, K, w, mu, Sigma))
    def R(self) -> Expr:
        """R = E xxᵀ, entry by entry: R_ij = Σ_k w_k E_{ξ ~ N(Σ_k)} (μ_k + ξ)_i (μ_k + ξ)_j."""

        def entry(i: Expr, j: Expr) -> Expr:
            def moment(x: Expr) -> Expr:
                return tr(unit(i).T @ x) * tr(unit(j).T @ x)

            return total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: moment(mu(k) + xi)))

        return total(d, lambda i: total(d, lambda j: entry(i, j) * (unit(i) @ unit(j).T)))

    @property
    @named("MeanVariance", (d, K, w, Sigma))
    def radius(self) -> Expr:
        """V = Σ_k w_k tr(Σ_k)/d: the mean variance of a coordinate, Σ̄ = vI for spherical components."""
        return total(K, lambda k: w(k) * tr(Sigma(k))) * inv(real(d))

    @named("CapturedVariance", MAP, A)
    def variance(self, A: Expr) -> Expr:
        """V(A) = tr(AᵀRA)."""
        return tr(A.T @ self.R @ A)

    @named("MaximisesVariance", MAP, A)
    def maximises(self, A: Expr) -> Expr:
        """AᵀA = I, and V(B) ≤ V(A) for every B with as many columns and BᵀB = I."""
        best = forall(Mat(d, r), lambda B: eq(B.T @ B, eye(r)) >> (self.variance(B) <= self.variance(A)))
        return conj(eq(A.T @ A, eye(r)), best)


# -- hypotheses: formulas over the letters above, by the names that statements use ------------------------------------

SPHERICAL = forall(Index(K), lambda k: eq(Sigma(k), tr(Sigma(k)) * inv(real(d)) * eye(d)))
COLUMNS_MATCH = fisher_dimension(r)

HYPOTHESES: dict[str, Expr] = {"spherical": SPHERICAL, "columns-match": COLUMNS_MATCH}
