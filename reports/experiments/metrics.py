"""What is measured: how well k-means on the features recovers the components, and how sure the mean of that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score

from reports.experiments.training import Labels
from verify.models import Floats

CONFIDENCE = 0.95
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


@dataclass(frozen=True)
class Interval:
    """A mean and the ends of its 95 % confidence interval by Student's t."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        mean, low, high = (f"{round(x, 3) + 0.0:.3f}".replace("-", "−") for x in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"


def interval(values: Sequence[float] | Floats) -> Interval:
    """Return the mean of independent values with its confidence interval; one value alone has the whole line."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Interval(mean, -math.inf, math.inf)
    half = float(student.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half)
