"""Margins of the claims that linear algebra decides: PCA, spectral contrastive, SimSiam with weight decay."""

from __future__ import annotations

import numpy as np

from thmverify.hunting.space import Mixtures
from thmverify.models import Floats

_EXACT = 1e-9  # a difference that floats still see


def root_inverse(m: Floats) -> Floats:
    """Return the inverse square roots of a batch of positive definite matrices."""
    values, vectors = np.linalg.eigh(m)
    root: Floats = (vectors / np.sqrt(values)[:, None, :]) @ np.moveaxis(vectors, -1, -2)
    return root


def fisher_bases(mixtures: Mixtures, m: int) -> Floats:
    """Return orthonormal bases of S_F = Σ̄⁻¹ span μ (n, d, m)."""
    images = np.linalg.solve(mixtures.sigma, np.moveaxis(mixtures.means, -1, -2))
    basis: Floats = np.linalg.svd(images)[0][:, :, :m]
    return basis


def pca_margins(mixtures: Mixtures, m: int) -> Floats:
    """Return the sine of the largest angle between S_F and the top-m eigenspace of R, less where they agree: −gap."""
    values, vectors = np.linalg.eigh(mixtures.sigma + mixtures.S)
    top, basis = vectors[:, :, -m:], fisher_bases(mixtures, m)
    outside = basis - top @ (np.moveaxis(top, -1, -2) @ basis)
    sine = np.linalg.norm(outside, 2, axis=(1, 2))
    rest = values[:, -m - 1] if m < values.shape[1] else np.zeros(len(values))
    found: Floats = np.where(sine > _EXACT, sine, -(values[:, -m] - rest) / values[:, -1])
    return found


def top_margins(mixtures: Mixtures, delta: float, r: int) -> Floats:
    """Return by which part the spectral contrastive optimum's J falls short of the best J of rank r.

    −∞ where the r-th and the next eigenvalue are too close for floats to tell which is larger.
    """
    sigma, S = mixtures.sigma, mixtures.S
    whiten, root = root_inverse(sigma), root_inverse(sigma + S)
    best = np.linalg.eigvalsh(whiten @ S @ whiten)[:, -r:].sum(axis=1)
    values, vectors = np.linalg.eigh(root @ mixtures.cross_moment(delta) @ root)
    top = root @ vectors[:, :, -r:]
    top = top / np.linalg.norm(top, axis=1, keepdims=True)
    right = np.moveaxis(top, -1, -2)
    reached = np.trace(np.linalg.solve(right @ sigma @ top, right @ S @ top), axis1=1, axis2=2)
    short: Floats = (best - reached) / best - _EXACT
    told_apart = values[:, -r] - values[:, -r - 1] > 1e-6 * values[:, -1]
    return np.where(told_apart, short, -np.inf)


def leak_margins(mixtures: Mixtures, delta: float, decay: float, m: int) -> Floats:
    """Return the lesser of two signs of a leak, for one column and η > 0.

    N(p) = p²R − pC + ηI has a negative eigenvalue for some p > 0 when (vᵀCv)² > 4η vᵀRv for a unit v; and Σ̄ moves S_F,
    by the sine of the largest angle between S_F and Σ̄S_F.
    """
    sigma = mixtures.sigma
    R, C = sigma + mixtures.S, mixtures.cross_moment(delta)
    root = root_inverse(R)
    v = root @ np.linalg.eigh(root @ C @ root)[1]
    v = v / np.linalg.norm(v, axis=1, keepdims=True)
    pull = np.sum(v * (C @ v), axis=1) ** 2 / (4 * decay * np.sum(v * (R @ v), axis=1))
    basis = fisher_bases(mixtures, m)
    moved = np.linalg.qr(sigma @ basis)[0]
    across = moved - basis @ (np.moveaxis(basis, -1, -2) @ moved)
    turn = np.linalg.norm(across, 2, axis=(1, 2)) - _EXACT
    found: Floats = np.minimum(pull.max(axis=1) - 1, turn)
    return found
