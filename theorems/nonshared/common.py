"""What the statements about components with covariances of their own share, of InfoNCE and of CLIP."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.evidence import Counterexample
from thmverify.exact import to_floats
from thmverify.losses.clip import pairs_of
from thmverify.minimize import minimise
from thmverify.models import GMM, Floats, Instance, PairedGMM
from thmverify.sampling import random_clip_instance, random_covariance
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
    return _outside(minimise("infonce", instance).maps["M"], mixture, mixture)


def _outside(M: Floats, left: GMM, right: GMM) -> float:
    """Return ‖M − P M P'ᵀ‖ / ‖M‖ in whitened coordinates, less a tolerance; −tolerance for M = 0."""
    parts = [_whitened(mixture) for mixture in (left, right)]
    (P, root), (Q, other) = parts
    whole, outside = (np.linalg.norm(root.T @ X @ other) for X in (M, M - P @ M @ Q.T))
    return float(outside / whole) - TOLERANCE if whole > TOLERANCE else -TOLERANCE


def _whitened(mixture: GMM) -> tuple[Floats, Floats]:
    """Return the Σ̄-orthogonal projector on S_F, and the Cholesky factor of Σ̄."""
    sigma, B = to_floats(mixture.sigma_bar), fisher_subspace(mixture).as_floats()
    root = np.asarray(np.linalg.cholesky(sigma), dtype=np.float64)
    return np.asarray(B @ np.linalg.solve(B.T @ sigma @ B, B.T @ sigma)), root


OWN_COVARIANCES = "no radius is known: Σ̄ depends on the weights here, and the kernel's sets are of a shared covariance"

TILTED = Counterexample(
    COUNTEREXAMPLES / "nonshared-inclusion.json",
    tempting="Given the component, the part of x across S_F has mean 0 and its variance only costs: cut it off.",
    catch="The cut lowers the loss by Jensen only if that part is independent of the part within S_F. In the second "
    "component the two are correlated, so the part across tells how much of the part within is noise.",
    repaired="It holds when every Σ_k maps S_F into span{μ_l} (nonshared-proportional).",
    near=OWN_COVARIANCES,
)


def proportional(rng: random.Random, mixture: GMM) -> GMM:
    """Return the mixture with its first covariance, times a factor for each component."""
    factors = [exact.to_fmpq(Fraction(rng.randint(1, 12), 4)) for _ in mixture.weights]
    covariances = tuple(exact.to_rows(mixture.sigmas[0] * factor) for factor in factors)
    return GMM(mixture.weights, mixture.means, covariances)


def block_diagonal(rng: random.Random, mixture: GMM) -> GMM:
    """Return the mixture with covariances BUBᵀ + PVPᵀ, B a basis of the means' span, P one of its complement."""
    span = mean_subspace(mixture)
    blocks = [space.basis for space in (span, span.orthogonal_complement()) if space.dimension]

    def drawn() -> fmpq_mat:
        parts = [B * exact.matrix(random_covariance(rng, B.ncols())) * B.transpose() for B in blocks]
        return sum(parts[1:], parts[0])

    return GMM(mixture.weights, mixture.means, tuple(exact.to_rows(drawn()) for _ in mixture.weights))


# -- CLIP --------------------------------------------------------------------------------------------------------------

CLIP_CLAIM = "clip-nonshared-inclusion"
CLIP_CONCLUSION = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}\, L \implies \mathrm{Col}(W^*) \subseteq S_{V,F},\ "
    r"\mathrm{Col}(W^{*T}) \subseteq S_{T,F},\quad W^* = A_V^* A_T^{*T}",
    "For every δ ∈ [0, 1] and every r ≥ 1, W* = A_V* A_T*ᵀ has Col(W*) ⊆ S_{V,F} and Col(W*ᵀ) ⊆ S_{T,F} for every "
    "minimiser (A_V*, A_T*).",
)


def clip_leak_margin(instance: Instance) -> float:
    """Return the share of W* that lies outside the Fisher subspaces, less a tolerance, in float64."""
    model = pairs_of(instance)
    sides = model.vision, model.text
    if all(fisher_subspace(mixture).dimension == mixture.dimension for mixture in sides):
        return -TOLERANCE
    if 0 in (fisher_subspace(mixture).dimension for mixture in sides):
        return -TOLERANCE  # C_VT = μ̄_V μ̄_Tᵀ = 0, and W* = 0
    return _outside(minimise("clip", instance).maps["W"], *sides)


def small_pairs(rng: random.Random, of: Callable[[random.Random, GMM], GMM]) -> Instance:
    """Draw pairs of two components, images in the plane with means on a line and texts on the line, or the reverse.

    `of` makes the covariances of the images. Minimisers take little time there.
    """
    while True:
        model = pairs_of(instance := random_clip_instance(rng, 2, ((2, 2), (1, 1))))
        if mean_subspace(model.vision).dimension == 1:
            wide = of(rng, model.vision)
            sides = (wide, model.text) if rng.random() < 0.5 else (model.text, wide)
            return replace(instance, model=PairedGMM(*sides, model.bias), rank=min(instance.rank, 2))


def exchanged(instance: Instance) -> Instance:
    """Return the instance with images and texts exchanged."""
    model = pairs_of(instance)
    return replace(instance, model=PairedGMM(model.text, model.vision, model.bias))


TILTED_IMAGES = Counterexample(
    COUNTEREXAMPLES / "clip-nonshared-inclusion.json",
    tempting=TILTED.tempting,
    catch="In the second component of the images the part within S_{V,F} and the part across are correlated, so the "
    "part across tells how much of the part within is noise.",
    repaired="It holds when every Σ_k of a modality maps its S_F into the span of its means "
    "(clip-proportional-inclusion).",
    near=OWN_COVARIANCES,
)
