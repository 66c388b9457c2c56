"""What is measured: how well k-means on the features recovers the components, and how much of a map misses S_F."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score

from thmverify.models import Floats
from thmverify.reports.experiments.training import Labels

# k-means is started so many times and the best of them kept.
_STARTS = 5
# Singular values this much smaller than the largest are 0 as far as float64 can tell.
_NEGLIGIBLE = 1e-9


def agreement(features: Floats, labels: Labels, seed: int) -> float:
    """Return the adjusted mutual information of k-means on the features (n × r) with the labels (n).

    It is 1 for a perfect match and 0 on average for a random one, and 0 for features that do not vary: they leave one
    cluster. k is the number of different labels.
    """
    if not features.size or not np.ptp(features, axis=0).any():
        return 0.0
    clusters = KMeans(len(np.unique(labels)), n_init=_STARTS, random_state=seed).fit_predict(features)
    return float(adjusted_mutual_info_score(labels, clusters))


def orthonormal(A: Floats) -> Floats:
    """Return an orthonormal basis (d × rank) of Col(A)."""
    left, sizes, _ = np.linalg.svd(A, full_matrices=False)
    return np.asarray(left[:, sizes > _NEGLIGIBLE * sizes.max(initial=0.0)])


def outside(A: Floats, basis: Floats) -> float | None:
    """Return ‖(I − BBᵀ)A‖/‖A‖, the part of a map outside the subspace of the orthonormal basis B; none for A = 0."""
    size = float(np.linalg.norm(A))
    return float(np.linalg.norm(A - basis @ (basis.T @ A))) / size if size else None
