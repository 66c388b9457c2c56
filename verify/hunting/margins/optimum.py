"""InfoNCE’s minimiser itself, for means in any position: the margins without the limits of those on a line."""

from __future__ import annotations

import numpy as np

from thmverify.hunting.margins.linear import root_inverse
from thmverify.hunting.margins.plane import plane_margins
from thmverify.hunting.space import Mixtures
from thmverify.minimize.energy import LogSumExpTerm, SharedEnergy
from thmverify.minimize.newton import minimise_on_cone
from thmverify.models import Floats

_TOLERANCE = 1e-9
_ZERO = 1e-12  # eigenvalues of M* below this part of the largest are 0


def deficiency_margins(mixtures: Mixtures, delta: float) -> Floats:
    """Return the largest slope across Col(M*) where M* is singular, and something negative where it is not (n).

    In a plane it is `plane_margins`, for the whole batch at once; where that does not tell, the slope across Col(M*) or
    −∞. Elsewhere it is the slope relative to the least eigenvalue s of S, how far the whitened means are from a proper
    subspace, or minus the least eigenvalue of M* relative to s/(1 + s)², which it is about when δ is small.
    """
    means = mixtures.means @ root_inverse(mixtures.sigma)
    flat = means.shape[2] == 2
    found = plane_margins(mixtures.weights, means, delta) if flat else np.full(len(means), np.nan)
    for i in np.flatnonzero(np.isnan(found)):
        slow = deficiency(mixtures.weights[i], means[i].T, delta)
        found[i] = slow if slow > 0 or not flat else -np.inf
    return found


def deficiency(weights: Floats, centres: Floats, delta: float) -> float:
    """Return the margin of one mixture: weights (K), whitened means as columns (d × K)."""
    S, mean = (centres * weights) @ centres.T, centres @ weights
    C = delta * S + (1 - delta) * np.outer(mean, mean)
    energy = SharedEnergy(C, S, LogSumExpTerm(weights, centres, centres))
    found = minimise_on_cone(energy, np.eye(len(S)) + S, _TOLERANCE)
    values, vectors = np.linalg.eigh(found.Y)
    extent = float(np.linalg.eigvalsh(S)[0])
    if values[0] > _ZERO * values[-1] or found.size > 1e-6:
        return -float(values[0]) * (1 + extent) ** 2 / extent
    null = vectors[:, values <= _ZERO * values[-1]]
    return float(np.linalg.eigvalsh(null.T @ found.point.gradient @ null)[-1]) / extent
