"""Margins of the CLIP claims: what ranks alone say, and how nearly the modalities are uncorrelated."""

from __future__ import annotations

import numpy as np

from thmverify.models import Floats


def literal_margin(columns: int, dimensions: tuple[int, int], sizes: tuple[int, int]) -> float:
    """Return how many columns are left for a factor outside S_F, if there is an outside; less a half.

    sizes: the dimensions of the Fisher subspaces; no W* has a larger rank than the least of them.
    """
    outside = max(d - m for d, m in zip(dimensions, sizes, strict=True))
    return min(columns - min(sizes), outside) - 0.5


def effective_margins(weights: Floats, vision: Floats, text: Floats, delta: float, sizes: tuple[int, int]) -> Floats:
    """Return how far the Fisher subspaces differ in dimension, less a half; or minus the least singular value.

    Of δ Cov(μ_V, μ_T), whitened by the means' own covariances, where the dimensions agree. weights: (n, K); vision and
    text: (n, K, d) each.
    """
    n, m = len(weights), min(sizes)
    if sizes[0] != sizes[1]:
        return np.full(n, abs(sizes[0] - sizes[1]) - 0.5)
    root = np.sqrt(weights)[:, :, None]
    bases = []
    for means in (vision, text):
        centred = means - np.einsum("nk,nki->ni", weights, means)[:, None]
        bases.append(np.linalg.svd(root * centred, full_matrices=False)[0][:, :, :m])
    values = np.linalg.svd(np.moveaxis(bases[0], -1, -2) @ bases[1], compute_uv=False)
    found: Floats = -delta * values[:, -1]
    return found
