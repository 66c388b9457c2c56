"""What the statements about components with covariances of their own share."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.evidence import Counterexample
from thmverify.exact import to_floats
from thmverify.minimize import minimise
from thmverify.models import GMM, Instance
from thmverify.sampling import random_covariance
from thmverify.statement import Conclusion
from thmverify.subspaces import fisher_subspace, mean_subspace
from thmverify.theorems import COUNTEREXAMPLES

CLAIM = "nonshared-inclusion"

CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"\mathrm{Col}(A^*) \subseteq S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\}",
    "For every δ ∈ [0, 1] and every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
)

TOLERANCE = 1e-4  # of the float64 minimiser


def leak_margin(instance: Instance) -> float:
    """Return the share of M* that lies outside S_F, ‖M* − PM*Pᵀ‖ / ‖M*‖, less a tolerance, in float64.

    P is the Σ̄-orthogonal projector on S_F, and the norm is that of whitened coordinates.
    """
    mixture = instance.pairs.mixture
    fisher = fisher_subspace(mixture)
    if fisher.dimension in (0, mixture.dimension):
        return -TOLERANCE
    M, sigma, B = minimise("infonce", instance).maps["M"], to_floats(mixture.sigma_bar), fisher.as_floats()
    P = B @ np.linalg.solve(B.T @ sigma @ B, B.T @ sigma)
    root = np.linalg.cholesky(sigma)
    whole, outside = (np.linalg.norm(root.T @ X @ root) for X in (M, M - P @ M @ P.T))
    return float(outside / whole) - TOLERANCE if whole > TOLERANCE else -TOLERANCE


TILTED = Counterexample(
    COUNTEREXAMPLES / "nonshared-inclusion.json",
    tempting="Given the component, the part of x across S_F has mean 0 and its variance only costs: cut it off.",
    catch="The cut lowers the loss by Jensen only if that part is independent of the part within S_F. In the second "
    "component the two are correlated, so the part across tells how much of the part within is noise.",
    repaired="It holds when every Σ_k maps S_F into span{μ_l} (nonshared-proportional).",
)


def proportional(rng: random.Random, instance: Instance) -> GMM:
    """Return the mixture with its first covariance, times a factor for each component."""
    mixture = instance.pairs.mixture
    factors = [exact.to_fmpq(Fraction(rng.randint(1, 12), 4)) for _ in mixture.weights]
    covariances = tuple(exact.to_rows(mixture.sigmas[0] * factor) for factor in factors)
    return GMM(mixture.weights, mixture.means, covariances)


def block_diagonal(rng: random.Random, instance: Instance) -> GMM:
    """Return the mixture with covariances BUBᵀ + PVPᵀ, B a basis of the means' span, P one of its complement."""
    mixture = instance.pairs.mixture
    span = mean_subspace(mixture)
    blocks = [space.basis for space in (span, span.orthogonal_complement()) if space.dimension]

    def drawn() -> fmpq_mat:
        parts = [B * exact.matrix(random_covariance(rng, B.ncols())) * B.transpose() for B in blocks]
        return sum(parts[1:], parts[0])

    return GMM(mixture.weights, mixture.means, tuple(exact.to_rows(drawn()) for _ in mixture.weights))
