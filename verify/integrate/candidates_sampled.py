"""Log-sum-exps of candidates over sampled ones, in float64: the start of a search, whose noise is not small.

The samples are the same in every call, so that what is minimised is smooth in W; each has its mirror image about the
means of its components. Of log Σ_i e^{z_i} only what exceeds log n and the mean score is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from thmverify import exact
from thmverify.integrate.candidates import Anchor, ReducedCandidates
from thmverify.models import Floats

_SCORES, _FEWEST, _MOST, _SEED = 2**15, 2**8, 2**11, 20261201  # candidates in all, and bounds of the samples of x


def expected_logarithm(reduced: ReducedCandidates) -> float:
    """Return Σ weight · E log Σ_i exp(xᵀWy_i), about."""
    value = exact.to_float(reduced.problem.mean)
    for _, weight, x, y in _samples(reduced):
        scores = _scores(reduced, x, y)
        excess = np.logaddexp.reduce(scores, axis=1) - scores.mean(axis=1)
        value += weight * float(excess.mean())
    return value


def outer(reduced: ReducedCandidates) -> Floats:
    """Return Σ weight · E Σ_i π_i xy_iᵀ, π the softmax of the scores, about: the derivative by W (d × d')."""
    total: Floats = np.zeros((reduced.scores.nrows(), reduced.scores.ncols()))
    means = np.array([exact.to_floats(nu)[:, 0] for nu, _ in reduced.targets])
    for (anchor, weight, x, y), (mu, _) in zip(_samples(reduced), reduced.sources, strict=True):
        scores = _scores(reduced, x, y)
        shares = np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None]) - 1 / anchor.count
        expected = np.array([exact.to_float(n) for n in anchor.expected]) / anchor.count
        total += weight * np.outer(exact.to_floats(mu)[:, 0], expected @ means)
        total += weight / len(x) * x.T @ np.einsum("sn,sne->se", shares, y)
    return total


def _scores(reduced: ReducedCandidates, x: Floats, y: Floats) -> Floats:
    return np.asarray(np.einsum("se,sne->sn", x @ exact.to_floats(reduced.scores), y))


def _samples(reduced: ReducedCandidates) -> Iterator[tuple[Anchor, float, Floats, Floats]]:
    """Yield each anchor and its weight, with samples of x (S × d) and of its candidates (S × n × d')."""
    means = np.array([exact.to_floats(nu)[:, 0] for nu, _ in reduced.targets])
    roots = np.array([np.linalg.cholesky(exact.to_floats(tau)) for _, tau in reduced.targets])
    rng = np.random.default_rng(_SEED)
    for anchor, (mu, sigma) in zip(reduced.problem.anchors, reduced.sources, strict=True):
        size = min(_MOST, max(_FEWEST, _SCORES // anchor.count))
        around = rng.standard_normal((size // 2, mu.nrows())) @ np.linalg.cholesky(exact.to_floats(sigma)).T
        labels = _labels(anchor, size // 2, rng)
        away = np.einsum("snij,snj->sni", roots[labels], rng.standard_normal((*labels.shape, means.shape[1])))
        x = exact.to_floats(mu)[:, 0] + np.concatenate([around, -around])
        y = np.concatenate([means[labels] + away, means[labels] - away])
        yield anchor, exact.to_float(anchor.weight), x, y


def _labels(anchor: Anchor, size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the components of the candidates (size × n)."""
    parts = []
    for group in anchor.draw:
        places = np.array([place for place, _ in group.chances])
        chances = np.array([exact.to_float(v) for _, v in group.chances])
        drawn = rng.choice(len(places), (size, group.count), p=chances / math.fsum(chances))
        parts.append(places[drawn].reshape(size, -1))
    return np.concatenate(parts, axis=1)
