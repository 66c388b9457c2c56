"""Vocabulary of symmetric mixtures: components that symmetries move to each other, and shares of the negatives."""

from __future__ import annotations

from thmverify.formulas.mixtures import K, Mixture, Sigma, mu, w
from thmverify.proofs.expressions import Expr, Family, Index, conj, eq, exists, forall, minv, total, tr


def share(mixture: Mixture, A: Expr, k: Expr) -> Expr:
    """E π_k = Σ_j Q_jk, what component k takes of the negatives."""
    return total(mixture.K, lambda j: mixture.overlap(A, j, k))


def at_most_own_share(mixture: Mixture, A: Expr) -> Expr:
    """∀k. E π_k ≤ w_k."""
    return forall(Index(mixture.K), lambda k: share(mixture, A, k) <= mixture.w(k))


def own_share(mixture: Mixture, A: Expr) -> Expr:
    """∀k. E π_k = w_k."""
    return forall(Index(mixture.K), lambda k: eq(share(mixture, A, k), mixture.w(k)))


# -- hypotheses: formulas over the letters of mixtures, by the names that statements use ------------------------------


def symmetry(sigma: Expr, tau: Expr) -> Expr:
    """A symmetry σ: a permutation of the components, with the inverse τ, that keeps weights and all μ_kᵀΣ̄⁻¹μ_l.

    Exactly then some isometry of the norm of Σ̄⁻¹ takes μ_k to μ_σ(k) for every k.
    """
    metric = minv(total(K, lambda k: w(k) * Sigma(k)))
    index = Index(K)
    return conj(
        forall(index, lambda k: eq(tau(sigma(k)), k)),
        forall(index, lambda k: eq(sigma(tau(k)), k)),
        forall(index, lambda k: eq(w(sigma(k)), w(k))),
        forall(
            index,
            lambda j: forall(
                index, lambda k: eq(tr(mu(sigma(j)).T @ metric @ mu(sigma(k))), tr(mu(j).T @ metric @ mu(k)))
            ),
        ),
    )


def _moved(j: Expr, k: Expr) -> Expr:
    permutation = Family(K, Index(K))
    return exists(
        permutation, lambda sigma: exists(permutation, lambda tau: conj(symmetry(sigma, tau), eq(sigma(j), k)))
    )


ONE_ORBIT = forall(Index(K), lambda j: forall(Index(K), lambda k: _moved(j, k)))

HYPOTHESES: dict[str, Expr] = {"one-orbit": ONE_ORBIT}
