"""What proofs about principal components speak of: the captured variance of a mixture, and its maximisers."""

from __future__ import annotations

from dataclasses import dataclass

from thmverify.formulas.mixtures import A, K, Mixture, Sigma, d, fisher_dimension, mu, r, w
from thmverify.proofs.expressions import Expr, Index, Mat, conj, eq, eye, forall, inv, mean, real, total, tr, unit


@dataclass(frozen=True)
class Pca:
    """Principal components of a mixture: maps A with orthonormal columns that capture the most variance."""

    mixture: Mixture

    def _own(self) -> Pca:
        return Pca(Mixture(self.mixture.script))

    @property
    def R(self) -> Expr:
        """R = E xxᵀ, entry by entry: R_ij = Σ_k w_k E_{ξ ~ N(Σ_k)} (μ_k + ξ)_i (μ_k + ξ)_j."""
        mix = self.mixture

        def entry(i: Expr, j: Expr) -> Expr:
            def moment(x: Expr) -> Expr:
                return tr(unit(i).T @ x) * tr(unit(j).T @ x)

            return total(K, lambda k: w(k) * mean(Sigma(k), lambda xi: moment(mu(k) + xi)))

        body = total(d, lambda i: total(d, lambda j: entry(i, j) * (unit(i) @ unit(j).T)))
        return mix.script.define("MomentMatrix", (d, K, w, mu, Sigma), body)(mix.d, mix.K, mix.w, mix.mu, mix.Sigma)

    @property
    def radius(self) -> Expr:
        """V = Σ_k w_k tr(Σ_k)/d: the mean variance of a coordinate, Σ̄ = vI for spherical components."""
        mix = self.mixture
        body = total(K, lambda k: w(k) * tr(Sigma(k))) * inv(real(d))
        return mix.script.define("MeanVariance", (d, K, w, Sigma), body)(mix.d, mix.K, mix.w, mix.Sigma)

    def variance(self, X: Expr) -> Expr:
        """V(X) = tr(XᵀRX)."""
        mix = self.mixture
        define = mix.script.define("CapturedVariance", (d, K, r, w, mu, Sigma, A), tr(A.T @ self._own().R @ A))
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, X)

    def maximises(self, X: Expr) -> Expr:
        """XᵀX = I, and V(B) ≤ V(X) for every B with as many columns and BᵀB = I."""
        mix, own = self.mixture, self._own()
        best = forall(Mat(d, r), lambda B: eq(B.T @ B, eye(r)) >> (own.variance(B) <= own.variance(A)))
        define = mix.script.define("MaximisesVariance", (d, K, r, w, mu, Sigma, A), conj(eq(A.T @ A, eye(r)), best))
        return define(mix.d, mix.K, X.cols, mix.w, mix.mu, mix.Sigma, X)


# -- hypotheses: formulas over the letters above, by the names that statements use ------------------------------------

SPHERICAL = forall(Index(K), lambda k: eq(Sigma(k), tr(Sigma(k)) * inv(real(d)) * eye(d)))
COLUMNS_MATCH = fisher_dimension(r)

HYPOTHESES: dict[str, Expr] = {"spherical": SPHERICAL, "columns-match": COLUMNS_MATCH}
