"""From the vectors that searchers propose to the parameters of instances: a normal vector makes a sensible instance.

Weights are softmaxes of logits, so tiny ones are common; the size of the means is drawn on a logarithmic scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thmverify.models import Floats

_WORST = 1e4  # of the condition numbers that floats are trusted with
_LOGIT, _SPREAD, _TYPICAL = 2.5, 1.0, 1.0  # of log-weights; of the log-size of the means, and its mean


class Columns:
    """The columns of a batch of points (n × size), handed out from the left."""

    def __init__(self, points: Floats) -> None:
        self.points, self._next = points, 0

    def take(self, *shape: int) -> Floats:
        """Return the next columns in this shape, (n, *shape)."""
        count = int(np.prod(shape))
        start, self._next = self._next, self._next + count
        return self.points[:, start : self._next].reshape(len(self.points), *shape)


def weights(columns: Columns, components: int, equal: bool) -> Floats:
    """Return weights (n, K), the heaviest first; equal ones need no columns."""
    if equal:
        return np.full((len(columns.points), components), 1.0 / components)
    logits = _LOGIT * columns.take(components)
    powers = np.exp(-np.sort(-logits, axis=1))
    sizes: Floats = powers / powers.sum(axis=1, keepdims=True)
    return sizes


def means(columns: Columns, given: Floats, dimension: int, centred: bool) -> Floats:
    """Return means (n, K, d), for weights (n, K)."""
    size = np.exp(_TYPICAL + _SPREAD * columns.take(1, 1))
    rows: Floats = size * columns.take(given.shape[1], dimension)
    return rows - np.einsum("nk,nki->ni", given, rows)[:, None] if centred else rows


def covariances(columns: Columns, count: int, dimension: int, identity: bool) -> Floats:
    """Return covariances (n, count, d, d), FFᵀ with F lower triangular; identities need no columns."""
    n = len(columns.points)
    if identity:
        return np.broadcast_to(np.eye(dimension), (n, count, dimension, dimension))
    entries = columns.take(count, dimension, dimension)
    diagonal = np.exp(np.diagonal(entries, axis1=2, axis2=3) / 2)
    factors = np.tril(entries, -1) + diagonal[..., None] * np.eye(dimension)
    found: Floats = factors @ np.moveaxis(factors, -1, -2)
    return found


@dataclass(frozen=True)
class Mixtures:
    """A batch of mixtures: weights (n, K), means (n, K, d), covariances (n, 1 or K, d, d)."""

    weights: Floats
    means: Floats
    covariances: Floats

    def where(self, chosen: NDArray[np.bool_]) -> Mixtures:
        """Return the chosen mixtures."""
        return Mixtures(self.weights[chosen], self.means[chosen], self.covariances[chosen])

    @property
    def sigma(self) -> Floats:
        """Σ̄ (n, d, d)."""
        if self.covariances.shape[1] == 1:
            return self.covariances[:, 0]
        mean: Floats = np.einsum("nk,nkij->nij", self.weights, self.covariances)
        return mean

    def well_conditioned(self, m: int) -> NDArray[np.bool_]:
        """Return where Σ̄ is far from singular and the means, neither huge nor tiny, span m dimensions clearly (n)."""
        spectrum = np.linalg.eigvalsh(self.sigma)
        sizes = np.linalg.svd(self.means, compute_uv=False)
        spread = np.sqrt(spectrum[:, -1])
        found: NDArray[np.bool_] = (
            (spectrum[:, 0] * _WORST > spectrum[:, -1])
            & (sizes[:, 0] < _WORST * spread)
            & (sizes[:, m - 1] * _WORST > np.maximum(sizes[:, 0], spread))
        )
        return found

    @property
    def S(self) -> Floats:
        """S = Σ w_k μ_k μ_kᵀ (n, d, d)."""
        moment: Floats = np.einsum("nk,nki,nkj->nij", self.weights, self.means, self.means)
        return moment

    @property
    def mean(self) -> Floats:
        """μ̄ (n, d)."""
        mean: Floats = np.einsum("nk,nki->ni", self.weights, self.means)
        return mean

    def cross_moment(self, delta: float) -> Floats:
        """Return C = δS + (1−δ)μ̄μ̄ᵀ (n, d, d)."""
        C: Floats = delta * self.S + (1 - delta) * self.mean[:, :, None] * self.mean[:, None, :]
        return C
