"""InfoNCE at the best map inside a line: the gradient across its border, which must vanish there for a minimiser.

Two claims confine the optimum to a line U when r = 1 or dim S_F = 1: that it is the best line for J, and, for
covariances that differ, that it is S_F. Whitened by Σ̄, U is spanned by a unit vector u; the best M inside is y·uuᵀ.
The gradient is taken relative to E(uᵀx)², about the curvature across, so that it says how far the optimum leans out.
"""

from __future__ import annotations

import numpy as np

from thmverify.hunting.margins.line import Line, lattice
from thmverify.hunting.margins.linear import root_inverse
from thmverify.hunting.space import Mixtures
from thmverify.models import Floats

_EXACT = 1e-6  # a gradient that floats certainly see
_GAP = 1e-3  # the least gap of the eigenvalues that single out the best line, as a part of the larger
_NODES = 96
_ITERATIONS = 60


def top_line_margins(mixtures: Mixtures, delta: float) -> Floats:
    """Return the gradient across the best line for J (n), for a shared covariance; −∞ where it is nearly a tie."""
    means = mixtures.means @ root_inverse(mixtures.sigma)
    S = np.einsum("nk,nki,nkj->nij", mixtures.weights, means, means)
    values, vectors = np.linalg.eigh(S)
    along = (means @ vectors[:, :, -1:])[:, :, 0]
    line = Line(mixtures.weights, along, delta)
    y, found = line.optimum()
    pull = line.pull(y, line.across(found))
    across = np.einsum("nk,nki->ni", pull, means @ vectors[:, :, :-1])
    usable = line.usable(y, found) & (values[:, -1] - values[:, -2] > _GAP * values[:, -1])
    return np.where(usable, np.linalg.norm(across, axis=1) / (1 + line.s) - _EXACT, -np.inf)


def fisher_line_margins(mixtures: Mixtures, delta: float) -> Floats:
    """Return the gradient across S_F (n), a line, for covariances that differ.

    Under component j, t = uᵀx is N(α_j, σ_j), and a coordinate q of x across has mean c_j(t − α_j)/σ_j given t, with
    c_j its covariance with t. With logits y α_k t + ½ y² σ_k t² the gradient is
    E Σ_k p_k[q α_k + y t² c_k + y t q σ_k].
    """
    whiten = root_inverse(mixtures.sigma)
    means, sigmas = mixtures.means @ whiten, whiten[:, None] @ mixtures.covariances @ whiten[:, None]
    axes = np.linalg.svd(means)[2]  # rows: u, then the directions across
    rotated = axes[:, None] @ sigmas @ np.moveaxis(axes, -1, -2)[:, None]
    curve = _Curve(mixtures.weights, (means @ axes[:, 0][:, :, None])[:, :, 0], rotated[:, :, 0, 0], delta)
    y, settled = curve.optimum()
    across = np.einsum("njd,nj->nd", *curve.across(y, rotated[:, :, 0, 1:]))
    size = 1 + np.sum(mixtures.weights * curve.alpha**2, axis=1)
    return np.where(settled, np.linalg.norm(across, axis=1) / size - _EXACT, -np.inf)


class _Curve:
    """The loss on M = y·uuᵀ for variances σ (n, K) along u: weights w (n, K), means α (n, K)."""

    def __init__(self, w: Floats, alpha: Floats, sigma: Floats, delta: float) -> None:
        self.w, self.alpha, self.sigma = w, alpha, sigma
        z, self.density = lattice(np, _NODES)
        self.t = alpha[:, :, None] + np.sqrt(sigma)[:, :, None] * z
        mean = np.sum(w * alpha, axis=1)
        self.C = delta * np.sum(w * alpha**2, axis=1) + (1 - delta) * mean**2

    def _softmax(self, y: Floats) -> tuple[Floats, Floats]:
        """Return p_k and ∂logit_k/∂y at the nodes of each component, (n, J, K, Z) both."""
        t, at = self.t[:, :, None, :], y[:, None, None, None]
        alpha, sigma = self.alpha[:, None, :, None], self.sigma[:, None, :, None]
        logits = at * alpha * t + at**2 / 2 * sigma * t**2 + np.log(self.w)[:, None, :, None]
        powers = np.exp(logits - logits.max(axis=2, keepdims=True))
        return powers / powers.sum(axis=2, keepdims=True), alpha * t + at * sigma * t**2

    def _slope(self, y: Floats) -> Floats:
        p, steep = self._softmax(y)
        slope: Floats = np.einsum("nj,njz,z->n", self.w, np.sum(p * steep, axis=2), self.density) - self.C
        return slope

    def optimum(self) -> tuple[Floats, Floats]:
        """Return the y ≥ 0 at which the slope is 0, by bisection (the loss is convex), and where it is found."""
        low, high = np.zeros(len(self.w)), np.ones(len(self.w))
        for _ in range(_ITERATIONS):
            middle = (low + high) / 2
            falling = self._slope(middle) < 0
            low, high = np.where(falling, middle, low), np.where(falling, high, middle)
        return low, np.asarray((low > 1e-6) & (high < 1 - 1e-6))

    def across(self, y: Floats, c: Floats) -> tuple[Floats, Floats]:
        """Return the gradient's part from each component (n, J, d − 1), and the weights; c: (n, K, d − 1)."""
        p, _ = self._softmax(y)
        t, at = self.t, y[:, None, None]
        pulled = np.sum(
            p * (self.alpha[:, None, :, None] + (at * t)[:, :, None] * self.sigma[:, None, :, None]), axis=2
        )
        leaning = (t - self.alpha[:, :, None]) / self.sigma[:, :, None]
        own = ((pulled * leaning) @ self.density)[:, :, None] * c
        shared = np.einsum("njkz,z,nkd->njd", p * (at * t**2)[:, :, None], self.density, c)
        return own + shared, self.w
