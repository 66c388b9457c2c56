"""Maps trained step by step on fresh samples: how much of them lies outside S_F along the way.

Plain stochastic gradient descent, float64, every batch drawn anew: no sample is seen twice, so that what stays outside
is the noise of the steps and not of one sample. The scores of a batch are z_ij = f(x_i)ᵀf(x̂_j), of positive pairs where
i = j and of independent points else. Nothing here is a verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.special import expit, softmax

from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.reports.experiments.records import Step
from thmverify.subspaces import fisher_subspace

BATCH = 128
SHOWN = (0, 20, 40, 80, 160, 320)  # the steps at which maps are looked at
_SLOWER = 80  # steps after which the rate has halved
_START = 0.2  # of the entries of a map that starts anywhere
_ASIDE = 0.02  # of the entries outside S_F of a map that starts inside

Slope = Callable[[Floats, float], tuple[Floats, float]]  # (scores n × n, b) to the loss's derivatives by both


def _mean_of_positives(n: int) -> Floats:
    return np.asarray(np.eye(n) / n)


def in_batch(z: Floats, _: float) -> tuple[Floats, float]:
    """Slope of InfoNCE with N = n − 1 negatives: mean_i log Σ_j e^{z_ij} − z_ii."""
    return np.asarray(softmax(z, axis=1) / len(z) - _mean_of_positives(len(z))), 0.0


def decoupled(z: Floats, _: float) -> tuple[Floats, float]:
    """Slope of DCL: mean_i log Σ_{j≠i} e^{z_ij} − z_ii."""
    negatives = np.where(np.eye(len(z), dtype=bool), -np.inf, z)
    return np.asarray(softmax(negatives, axis=1) / len(z) - _mean_of_positives(len(z))), 0.0


def sigmoid(z: Floats, b: float) -> tuple[Floats, float]:
    """Slope of SigLIP: mean_i softplus(−z_ii − b) + mean_{i≠j} softplus(z_ij + b)."""
    n = len(z)
    slope = expit(z + b) / (n * (n - 1))
    slope[np.diag_indices(n)] = -expit(-np.diag(z) - b) / n
    return slope, float(slope.sum())


def logistic(z: Floats, _: float) -> tuple[Floats, float]:
    """Slope of the logistic loss of triplets: mean_{i≠j} softplus(z_ij − z_ii)."""
    n = len(z)
    slope = expit(z - np.diag(z)[:, None]) / (n * (n - 1))
    slope[np.diag_indices(n)] = 0
    slope[np.diag_indices(n)] = -slope.sum(axis=1)
    return slope, 0.0


def squared(z: Floats, _: float) -> tuple[Floats, float]:
    """Slope of the spectral contrastive loss: −2 mean_i z_ii + mean_{i≠j} z_ij²."""
    n = len(z)
    slope = 2 * z / (n * (n - 1))
    slope[np.diag_indices(n)] = -2 / n
    return slope, 0.0


@dataclass(frozen=True)
class Descent:
    """A loss that maps are trained by: its words, style and learning rate, and its slope.

    With a temperature, features are normalised first, and scores are divided by it. A map that starts `inside` has
    entries outside S_F that are 0 but for a hundredth or two.
    """

    words: str
    style: str
    rate: float
    slope: Slope = in_batch
    temperature: float | None = None
    inside: bool = False


PLANE = Instance(
    AugmentedPairs(
        SharedGMM(
            (Fraction(1, 3),) * 3,
            ((2, 0, 0, 0, 0), (-1, Fraction(6, 5), 0, 0, 0), (-1, Fraction(-6, 5), 0, 0, 0)),
        )
    ),
    3,
)
LINE = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((1, 0, 0, 0, 0), (-1, 0, 0, 0, 0)))), 2)

DESCENTS: dict[str, tuple[Instance, tuple[Descent, ...]]] = {
    "7": (
        PLANE,
        (
            Descent("InfoNCE, 127 negatives", "infonce", 0.15),
            Descent("DCL", "simsiam", 0.15, decoupled),
            Descent("SigLIP", "spectral", 0.5, sigmoid),
            Descent("logistic", "pca", 0.5, logistic),
            Descent("spectral contrastive", "fisher", 0.06, squared),
        ),
    ),
    "8": (
        LINE,
        (
            Descent("SimCLR, features normalised", "simsiam", 0.3, temperature=0.5, inside=True),
            Descent("the same loss, not normalised", "infonce", 0.1, inside=True),
        ),
    ),
}


def run(task: tuple[str, int, int, int]) -> tuple[Step, ...]:
    """Return what is outside S_F along one descent: (figure, number of the descent, seed, repetition)."""
    figure, number, seed, repetition = task
    instance, descents = DESCENTS[figure]
    descent, pairs = descents[number], instance.pairs
    rng = np.random.default_rng([seed, int(figure), repetition])
    basis = fisher_subspace(pairs.mixture).as_floats()
    A = _START * rng.standard_normal((pairs.mixture.dimension, instance.rank))
    if descent.inside:
        A = basis @ np.eye(basis.shape[1], instance.rank) + _ASIDE * A / _START
    b, found, total = 0.0, [], SHOWN[-1]
    points, partners = (side.reshape(total, BATCH, -1) for side in pairs.sample(total * BATCH, rng))
    for step in range(total + 1):
        if step in SHOWN:
            across = np.linalg.norm(A - basis @ (basis.T @ A)) / np.linalg.norm(A)
            found.append(Step(step, repetition, descent.words, float(f"{across:.6g}")))
        if step == total:
            break
        slope_A, slope_b = slopes(descent, A, b, points[step], partners[step])
        rate = descent.rate / (1 + step / _SLOWER)
        A, b = A - rate * slope_A, b - rate * slope_b
    return tuple(found)


def slopes(descent: Descent, A: Floats, b: float, x: Floats, partner: Floats) -> tuple[Floats, float]:
    """Return the derivatives of a batch's loss by A (d × r) and b; x and partner are n × d."""
    (f, f_size), (g, g_size) = (_features(side @ A, descent.temperature) for side in (x, partner))
    pull, along_b = descent.slope(f @ g.T / (descent.temperature or 1.0), b)
    pull = pull / (descent.temperature or 1.0)
    along_f, along_g = pull @ g, pull.T @ f
    if descent.temperature is not None:
        along_f = (along_f - f * (along_f * f).sum(axis=1, keepdims=True)) / f_size
        along_g = (along_g - g * (along_g * g).sum(axis=1, keepdims=True)) / g_size
    return x.T @ along_f + partner.T @ along_g, along_b


def _features(raw: Floats, temperature: float | None) -> tuple[Floats, Floats]:
    sizes = np.ones((len(raw), 1)) if temperature is None else np.linalg.norm(raw, axis=1, keepdims=True)
    return raw / sizes, sizes
