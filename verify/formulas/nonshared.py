"""Hypotheses on covariances that each component has for itself."""

from __future__ import annotations

from thmverify.formulas.mixtures import K, Sigma, mu, w
from thmverify.proofs.expressions import Expr, Family, Index, Real, eq, exists, forall, minv, total


def maps_into_means(mu: Expr = mu, Sigma: Expr = Sigma) -> Expr:
    """Every Σ_k maps S_F into the span of the means: for all k and j, Σ_kΣ̄⁻¹μ_j = Σ_l c_l μ_l for some numbers c_l."""
    sigma_bar = total(K, lambda k: w(k) * Sigma(k))
    return forall(
        Index(K),
        lambda k: forall(
            Index(K),
            lambda j: exists(
                Family(K, Real), lambda c: eq(Sigma(k) @ minv(sigma_bar) @ mu(j), total(K, lambda i: c(i) * mu(i)))
            ),
        ),
    )


MAPS_INTO_MEANS = maps_into_means()
HYPOTHESES: dict[str, Expr] = {"maps-into-means": MAPS_INTO_MEANS}
