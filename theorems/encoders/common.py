"""What the statements about InfoNCE over affine maps and larger classes share: the loss, and what a cut gains."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import vocabulary
from thmverify.exact import to_floats
from thmverify.headlines import Source
from thmverify.models import Floats, Instance
from thmverify.sampling import instance_rng, random_matrix
from thmverify.statement import Quantity
from thmverify.subspaces import lda_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.common import leaking

ROW = "infonce-affine"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1", "delta")
QUANTITY = Quantity(
    r"L(A, c) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),"
    r"\quad f(x) = A^T x + c"
)
POINTS = 200  # of each component


def source(label: str, note: str) -> Source:
    """Return the source of a statement: the talk's next steps, non-linear encoders."""
    return Source(PAPER, f"{label} (in the talk: Possible next steps, non-linear encoders)", note)


@lru_cache(maxsize=4)
def least_gain(instance: Instance) -> float | None:
    """Return the least of [L(A, c) − L(A_in, c')]/½ tr Q² over random maps, on points of each component.

    A_in has its columns in S_LDA, A_out is Σ-orthogonal to that, Q = A_outᵀΣA_out and c' = c + A_outᵀμ̄. At least 1 by
    the proof; the noise along A_out takes both signs at each point, so that this holds on every sample. None where
    S_LDA is the whole space.
    """
    mixture, rng = instance.shared, instance_rng(instance)
    space = lda_subspace(mixture)
    if space.dimension == mixture.dimension:
        return None
    points = np.random.default_rng(rng.getrandbits(32)).standard_normal((POINTS, mixture.dimension))
    noise = points @ np.linalg.cholesky(to_floats(mixture.sigma)).T
    found = []
    for scale in (1, 3):
        size = fmpq(scale, 4)
        inside, outside = leaking(rng, space.basis, mixture.sigma, instance.rank)
        offset = random_matrix(rng, instance.rank, 1)
        found.append(_gain(instance, inside * size, outside * size, offset * size, noise))
    return min(found)


def _gain(instance: Instance, inside: fmpq_mat, outside: fmpq_mat, offset: fmpq_mat, noise: Floats) -> float:
    mixture = instance.shared
    sigma, w = to_floats(mixture.sigma), np.array([float(x) for x in mixture.weights])
    a, b = to_floats(inside), to_floats(outside)
    u = to_floats((inside + outside).transpose() * mixture.mu).T + to_floats(offset)[:, 0]  # K × r, E[f | k]
    P, Q = a.T @ sigma @ a, b.T @ sigma @ b
    half = 0.5 * float(np.sum(Q * Q))
    quadratic = half + float(np.sum(P * Q)) + 0.5 * float(np.einsum("k,ki,ij,kj->", w, u, Q, u))

    def potential(features: Floats) -> Floats:  # K × N × r
        logits = features @ u.T + np.log(w)
        top = logits.max(axis=-1)
        found: Floats = top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))
        return found

    within, across = u[:, None] + noise @ a, noise @ b
    gained = (potential(within + across) + potential(within - across)) / 2 - potential(within)
    return (quadratic + float(w @ gained.mean(axis=1))) / half
