"""Linear maps trained on samples: empirical losses with analytic gradients, and full-batch L-BFGS.

Every loss is the population loss of `verify/losses/` with means over the sample in place of expectations. The negatives
of InfoNCE and CLIP are all n points of the other side of the batch, the partner among them, so that the empirical loss
tends to the population loss as n → ∞. Everything here is float64 and illustrates; nothing of it is a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize

from thmverify.models import Floats

Labels = NDArray[np.intp]
ValueAndGradient = tuple[float, Floats]

# L-BFGS: far below what a finite sample says about the map, and no run of the figures needs as many steps.
_TOLERANCE, _FLAT, _STEPS = 1e-5, 1e-10, 400
# Length of the columns that training starts from, for points of unit variance.
_START = 0.5
# SimSiam: how often the held target is renewed at most, and the relative change of AAᵀ that ends it.
_RENEWALS, _SETTLED = 200, 1e-4


@dataclass(frozen=True)
class Sample:
    """Pairs and the component of each first point: x, partner (n × d and n × d'), labels (n)."""

    x: Floats
    partner: Floats
    labels: Labels


def info_nce(A: Floats, x: Floats, partner: Floats) -> ValueAndGradient:
    """Return −mean_i f(x_i)ᵀf(x̂_i) + mean_i log mean_j exp f(x_i)ᵀf(x̂_j) and its gradient in A (d × r)."""
    value, by_f, by_g = _contrast(x @ A, partner @ A)
    return value, x.T @ by_f + partner.T @ by_g


def clip(A_V: Floats, A_T: Floats, x: Floats, partner: Floats) -> tuple[float, Floats, Floats]:
    """Return the sum of both directions' InfoNCE, f(x) = A_Vᵀx and g(x̂) = A_Tᵀx̂, and its gradients in A_V and A_T."""
    f, g = x @ A_V, partner @ A_T
    forward, by_f, by_g = _contrast(f, g)
    backward, back_g, back_f = _contrast(g, f)
    return forward + backward, x.T @ (by_f + back_f), partner.T @ (by_g + back_g)


_ROWS = 64  # of the n × n scores at a time, so that they stay in the cache


def _contrast(f: Floats, g: Floats) -> tuple[float, Floats, Floats]:
    """Return mean_i (−f_iᵀg_i + log mean_j exp f_iᵀg_j) and its gradients in f and in g (n × r)."""
    n, logs = len(f), 0.0
    by_f, by_g = np.empty_like(f), np.zeros_like(g)
    for rows in (slice(start, start + _ROWS) for start in range(0, n, _ROWS)):
        scores = f[rows] @ g.T
        top = scores.max(axis=1, keepdims=True)
        scores -= top
        np.exp(scores, out=scores)
        sums = scores.sum(axis=1, keepdims=True)
        logs += float(np.sum(top + np.log(sums / n)))
        by_f[rows] = scores @ g / sums
        by_g += scores.T @ (f[rows] / sums)
    return (logs - float(np.sum(f * g))) / n, (by_f - g) / n, (by_g - f) / n


def sim_siam(A: Floats, P: Floats, R: Floats, target: Floats, decay: float) -> tuple[float, Floats, Floats]:
    """Return ½E‖PAᵀx − z‖² + (η/2)(‖A‖² + ‖P‖²) up to E‖z‖², and its gradients in A (d × r) and P (r × r).

    z is the target, held fixed, R = E xxᵀ (d × d) and target = E xzᵀ (d × r): for z = A₀ᵀx̂ that is CA₀.
    """
    W = A @ P.T
    slope = R @ W - target
    value = 0.5 * float((W * (slope - target)).sum()) + 0.5 * decay * float((A * A).sum() + (P * P).sum())
    return value, slope @ P + decay * A, slope.T @ A + decay * P


def second_moments(sample: Sample) -> tuple[Floats, Floats]:
    """Return R = mean of xxᵀ over both points of each pair, and C = mean of x x̂ᵀ made symmetric (d × d each)."""
    n = len(sample.x)
    cross = sample.x.T @ sample.partner / n
    return (sample.x.T @ sample.x + sample.partner.T @ sample.partner) / (2 * n), (cross + cross.T) / 2


def train_info_nce(sample: Sample, columns: int, rng: np.random.Generator) -> Floats:
    """Return A (d × r) where L-BFGS on the empirical InfoNCE loss ends, from a random start."""
    frame = _frame(sample.x)

    def loss(B: Floats) -> tuple[float, Floats]:
        value, gradient = info_nce(frame @ B, sample.x, sample.partner)
        return value, frame.T @ gradient

    (B,) = _descend(loss, _start(frame, columns, rng))
    return np.asarray(frame @ B)


def train_clip(sample: Sample, columns: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return A_V (d_V × r) and A_T (d_T × r), balanced, where L-BFGS on the empirical CLIP loss ends."""
    vision, text = _frame(sample.x), _frame(sample.partner)

    def loss(B_V: Floats, B_T: Floats) -> tuple[float, Floats, Floats]:
        value, along_V, along_T = clip(vision @ B_V, text @ B_T, sample.x, sample.partner)
        return value, vision.T @ along_V, text.T @ along_T

    B_V, B_T = _descend(loss, _start(vision, columns, rng), _start(text, columns, rng))
    return balanced(vision @ B_V, text @ B_T)


def balanced(A_V: Floats, A_T: Floats) -> tuple[Floats, Floats]:
    """Return factors of the same product A_V A_Tᵀ with A_VᵀA_V = A_TᵀA_T: the ones of least norm."""
    columns = A_V.shape[1]
    left, sizes, right = np.linalg.svd(A_V @ A_T.T, full_matrices=False)
    roots = np.sqrt(sizes[:columns])
    return left[:, :columns] * roots, right[:columns].T * roots


def train_sim_siam(sample: Sample, columns: int, decay: float, rng: np.random.Generator) -> Floats:
    """Return the encoder A (d × r) of a fixed point of SimSiam's training on the sample.

    A stop-gradient leaves no function to minimise. Each round holds the target A₀ᵀx̂ fixed, minimises the empirical
    loss over the encoder and the predictor by L-BFGS, and renews the target: a fixed point of the rounds, up to a
    rotation of the features, is a stationary point of the loss with the target held fixed, and conversely. Between
    rounds A and P are replaced by the factors of PAᵀ of least norm, which lowers the loss and leaves the rest as it is.
    """
    R, C = second_moments(sample)
    frame = _frame(sample.x)
    back = np.linalg.inv(frame)
    A = frame @ _start(frame, columns, rng)
    A, P = balanced(A, A.T @ A)
    for _ in range(_RENEWALS):
        target, before = C @ A, A @ A.T

        def loss(B: Floats, P: Floats, target: Floats = target) -> tuple[float, Floats, Floats]:
            value, along_A, along_P = sim_siam(frame @ B, P, R, target, decay)
            return value, frame.T @ along_A, along_P

        B, P = _descend(loss, back @ A, P)
        A, P = balanced(frame @ B, P)
        if np.linalg.norm(A @ A.T - before) <= _SETTLED * np.linalg.norm(before):
            break
    return A


def fit_spectral(sample: Sample, columns: int) -> Floats:
    """Return the minimiser A (d × r) of −2⟨C, M⟩ + tr MRMR in closed form, with the sample's moments."""
    R, C = second_moments(sample)
    values, vectors = eigh(C, R)
    largest = slice(None, -columns - 1, -1)
    return np.asarray(vectors[:, largest] * np.sqrt(np.maximum(values[largest], 0.0)))


def fit_pca(x: Floats, columns: int) -> Floats:
    """Return the top-r eigenvectors (d × r) of the sample's second moment, which is not centred."""
    return np.asarray(np.linalg.eigh(x.T @ x / len(x))[1][:, : -columns - 1 : -1])


def fit_fisher(x: Floats, labels: Labels, columns: int) -> Floats:
    """Return the top-r generalised eigenvectors (d × r) of (S, Σ̄), both estimated with the true labels."""
    return np.asarray(eigh(*_scatters(x, labels))[1][:, : -columns - 1 : -1])


def fit_means(x: Floats, labels: Labels, columns: int) -> Floats:
    """Return the top-r eigenvectors (d × r) of S, estimated with the true labels: the subspace of the means."""
    return np.asarray(np.linalg.eigh(_scatters(x, labels)[0])[1][:, : -columns - 1 : -1])


def _scatters(x: Floats, labels: Labels) -> tuple[Floats, Floats]:
    """Return S = Σ_k w_k μ_k μ_kᵀ and Σ̄ with the frequencies, means and covariances of the labelled points."""
    n, d = x.shape
    between, within = np.zeros((d, d)), np.zeros((d, d))
    for k in np.unique(labels):
        part = x[labels == k]
        mean = part.mean(axis=0)
        between += len(part) / n * np.outer(mean, mean)
        within += (part - mean).T @ (part - mean) / n
    return between, within


def random_projection(dimension: int, columns: int, rng: np.random.Generator) -> Floats:
    """Return an orthonormal basis (d × r) of a subspace drawn uniformly."""
    return np.asarray(np.linalg.qr(rng.standard_normal((dimension, columns)))[0])


def _frame(x: Floats) -> Floats:
    """Return T (d × d) with TᵀR̂T = I for the sample's second moment R̂.

    Training moves B in A = TB: the same loss and the same minimisers as in A, and far fewer steps where the variances
    of the coordinates differ.
    """
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    return np.asarray(vectors / np.sqrt(values))


def _start(frame: Floats, columns: int, rng: np.random.Generator) -> Floats:
    d = len(frame)
    return np.asarray(_START / np.sqrt(d) * rng.standard_normal((d, columns)))


def _descend(loss: Callable[..., tuple[Any, ...]], *starts: Floats) -> list[Floats]:
    """Return where L-BFGS ends; `loss` takes matrices of the shapes of `starts` and returns value and gradients."""
    ends = [0, *accumulate(start.size for start in starts)]
    places = [(slice(*span), start.shape) for span, start in zip(pairwise(ends), starts, strict=True)]

    def unpacked(v: Floats) -> list[Floats]:
        return [v[place].reshape(shape) for place, shape in places]

    def flat(v: Floats) -> ValueAndGradient:
        value, *gradients = loss(*unpacked(v))
        return value, np.concatenate([gradient.reshape(-1) for gradient in gradients])

    options = {"maxiter": _STEPS, "gtol": _TOLERANCE, "ftol": _FLAT}
    found = minimize(
        flat, np.concatenate([s.reshape(-1) for s in starts]), jac=True, method="L-BFGS-B", options=options
    )
    return unpacked(np.asarray(found.x, dtype=np.float64))
