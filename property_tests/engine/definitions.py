"""What each loss is by definition, on samples, and what leaves it alone: one entry for every registered loss.

Nothing here shares a closed form with the engine. x, x̂ and y are sampled. The log of an inner mean is biased, so it is
bracketed: with Z(x) = E_y exp(f(x)ᵀf(y)) and Z₁, Z₂ independent inner means of it,

    E log Z₁  ≤  log Z  ≤  E[log Z₁ + Z₂/Z₁ − 1],

by Jensen and by log z ≤ log a + z/a − 1. A definition returns both ends for one batch of
samples; for a mean they agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from property_tests.engine.support import floats
from thmverify.losses import Loss
from thmverify.testing import Posed

OUTER, INNER, MANY = 300, 1500, 20_000

Batch = Callable[[Loss, Posed, np.random.Generator], tuple[float, float]]


@dataclass(frozen=True)
class Definition:
    """A loss on one batch of samples, and the changes that leave it alone.

    coordinates: x ↦ Tx with A ↦ T⁻ᵀA for every invertible T ("linear"), or for orthogonal ones alone. features:
    A ↦ AQ for orthogonal Q, or for signed permutations alone. narrow: the width that the bracket must keep below,
    standard errors included, relative to 1 + |loss|. settings: of its parameters, to be tried in turn. options: how
    questions about it are posed. digits: to which it is enclosed in a second or so; where they are few, so is nothing
    of its gradient, and `test_losses_candidates` looks at it closely.
    """

    batch: Batch
    coordinates: str = "linear"
    features: str = "orthogonal"
    narrow: float = 0.3
    settings: tuple[tuple[tuple[str, Fraction], ...], ...] = ((),)
    options: tuple[tuple[str, object], ...] = ()
    digits: int = 15


def log_bracket(x: np.ndarray, y: np.ndarray, W: np.ndarray, importance: np.ndarray | None = None) -> np.ndarray:
    """Return estimates below and above E_x log E_y exp(xᵀWy), y weighed by its importance."""
    similarity = x @ W @ y.T
    np.exp(similarity, out=similarity)
    importance = np.ones(len(y)) if importance is None else importance
    halves = zip(np.split(similarity, 2, axis=1), np.split(importance, 2), strict=True)
    one, two = (half @ weights / len(weights) for half, weights in halves)
    low = np.log(one)
    return np.array([low.mean(), (low + two / one - 1).mean()])


def infonce(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    x, partner = pairs.sample(OUTER, rng)
    low, high = log_bracket(x, pairs.mixture.sample(INNER, rng), A @ A.T) - ((x @ A) * (partner @ A)).sum(1).mean()
    return low, high


def infonce_key_bias(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """The best bias of one sample: on it, least over a bias for each point, too low; on another one too high."""
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    x, partner = (side @ A for side in pairs.sample(OUTER, rng))
    anchors, y, fresh = (pairs.mixture.sample(size, rng) @ A for size in (OUTER, INNER, INNER))
    kernel, v = np.exp(anchors @ y.T), np.ones(INNER)
    for _ in range(30):  # Sinkhorn's scaling: the softmax weights are kernel · v over u, a row's mean
        u = kernel @ v / INNER
        v = OUTER / (kernel.T @ (1 / u))

    def importance(points: np.ndarray) -> np.ndarray:
        """Return e^b, the best on the anchors, at other points."""
        return OUTER / (np.exp(points @ anchors.T) @ (1 / u))

    aligned = (x * partner).sum(1).mean()
    high = log_bracket(x, fresh, np.eye(A.shape[1]), importance(fresh))[1] - np.log(importance(partner)).mean()
    return float(np.log(u).mean() - np.log(v).mean() - aligned), float(high - aligned)


def infonce_weighted(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """Negatives with other component weights, by importance: each y is weighed by v_k/w_k of its label."""
    tau, uniformity, balance = (float(loss.settings[name]) for name in ("temperature", "uniformity", "balance"))
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    mixture, w = pairs.mixture, np.array([float(w) for w in pairs.mixture.weights])
    x, partner = pairs.sample(OUTER, rng)
    labels = mixture.sample_labels(INNER, rng)
    importance = ((1 - balance) * w + balance / len(w))[labels] / w[labels]
    bracket = log_bracket(x, mixture.sample_given(labels, rng), A @ A.T / tau, importance)
    low, high = uniformity * bracket - ((x @ A) * (partner @ A)).sum(1).mean() / tau
    return low, high


def clip(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    model = question.instance.model
    A_V, A_T = floats(question.linear_map.A_V), floats(question.linear_map.A_T)
    W = A_V @ A_T.T
    images, texts = model.sample(OUTER, rng)
    to_text = log_bracket(images, model.text.sample(INNER, rng), W)
    to_image = log_bracket(texts, model.vision.sample(INNER, rng), W.T)
    low, high = to_text + to_image - 2 * ((images @ A_V) * (texts @ A_T)).sum(1).mean()
    return low, high


def spectral(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    x, partner = pairs.sample(MANY, rng)
    y = pairs.mixture.sample(MANY, rng)
    loss = -2 * ((x @ A) * (partner @ A)).sum(axis=1) + ((x @ A) * (y @ A)).sum(axis=1) ** 2
    return (float(loss.mean()),) * 2


def simsiam(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    pairs, decay = question.instance.pairs, float(question.instance.weight_decay)
    A, P = floats(question.linear_map.A), floats(question.linear_map.P)
    x, partner = pairs.sample(MANY, rng)
    distance = ((x @ A @ P.T - partner @ A) ** 2).sum(axis=1).mean()
    return (float(distance / 2 + decay / 2 * ((P**2).sum() + (A**2).sum())),) * 2


def pca(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    A = floats(question.linear_map.A)
    return (-float(((question.instance.pairs.mixture.sample(MANY, rng) @ A) ** 2).sum(axis=1).mean()),) * 2


def fisher(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """tr[(AᵀΣ̄A)⁻¹ AᵀSA], the noise about the class means and the means themselves sampled with labels."""
    mixture, A = question.instance.pairs.mixture, floats(question.linear_map.A)
    basis = np.linalg.svd(A, full_matrices=False)
    A = basis[0][:, basis[1] > 1e-9]
    labels = mixture.sample_labels(MANY, rng)
    centres = floats(mixture.mu).T[labels] @ A
    noise = mixture.sample_given(labels, rng) @ A - centres
    return (float(np.trace(np.linalg.solve(noise.T @ noise, centres.T @ centres))),) * 2


def siglip(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    pairs, linear_map = question.instance.pairs, question.linear_map
    A, b = floats(linear_map.A), float(linear_map.b.p) / float(linear_map.b.q)
    x, partner = pairs.sample(MANY, rng)
    y = pairs.mixture.sample(MANY, rng)
    positive, negative = (((x @ A) * (other @ A)).sum(axis=1) + b for other in (partner, y))
    value = np.logaddexp(0, -positive).mean() + float(loss.settings["negatives"]) * np.logaddexp(0, negative).mean()
    return (float(value),) * 2


def barlow_twins(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """The correlations of a batch, as the usual code computes them but for the centring."""
    A = floats(question.linear_map.A)
    x, partner = (side @ A for side in question.instance.pairs.sample(MANY, rng))
    c = x.T @ partner / np.sqrt(np.outer((x**2).sum(axis=0), (partner**2).sum(axis=0)))
    off = (c**2).sum() - (np.diag(c) ** 2).sum()
    return (float(((1 - np.diag(c)) ** 2).sum() + float(loss.settings["redundancy"]) * off),) * 2


def vicreg(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """The usual code's terms on a batch, each of both sides, times the number of columns."""
    A = floats(question.linear_map.A)
    sides = [side @ A for side in question.instance.pairs.sample(MANY, rng)]
    invariance, variance, covariance = (float(loss.settings[name]) for name in ("invariance", "variance", "covariance"))
    value = invariance * ((sides[0] - sides[1]) ** 2).sum(axis=1).mean()
    for side in sides:
        c = np.atleast_2d(np.cov(side.T))
        value += variance / 2 * np.maximum(0, 1 - np.sqrt(np.diag(c))).sum()
        value += covariance * ((c**2).sum() - (np.diag(c) ** 2).sum())
    return (float(value),) * 2


def _triplet(question: Posed, rng: np.random.Generator) -> np.ndarray:
    """Return z_1 − z_0 on samples."""
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    x, partner = pairs.sample(MANY, rng)
    return ((x @ A) * ((pairs.mixture.sample(MANY, rng) - partner) @ A)).sum(axis=1)


def logistic(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    return (float(np.logaddexp(0, _triplet(question, rng)).mean()),) * 2


def least_squares(_: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    return (float(((1 + _triplet(question, rng)) ** 2).mean()),) * 2


def _draws(question: Posed, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores of positives, and of `count` independent points, and whether these are of x's component."""
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    mixture, delta = pairs.mixture, float(pairs.bias)
    own, free = mixture.sample_labels(MANY, rng), mixture.sample_labels(MANY, rng)
    partners = np.where(rng.random(MANY) < delta, own, free)
    labels = mixture.sample_labels(MANY * count, rng)
    x, positive, negative = (mixture.sample_given(part, rng) @ A for part in (own, partners, labels))
    scores = np.einsum("nr,ncr->nc", x, negative.reshape(MANY, count, -1))
    return (x * positive).sum(axis=1), scores, labels.reshape(MANY, count) == own[:, None]


def infonce_finite(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    positive, negative, _ = _draws(question, int(loss.settings["negatives"]), rng)
    every = np.logaddexp.reduce(np.concatenate([positive[:, None], negative], axis=1), axis=1)
    return (float((every - positive).mean()),) * 2


def dcl(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    positive, negative, _ = _draws(question, int(loss.settings["negatives"]), rng)
    return (float((np.logaddexp.reduce(negative, axis=1) - positive).mean()),) * 2


def supcon(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    _, others, alike = _draws(question, int(loss.settings["batch"]) - 1, rng)
    gaps = np.logaddexp.reduce(others, axis=1)[:, None] - others
    return (float(((gaps * alike).sum(axis=1) / np.maximum(alike.sum(axis=1), 1)).mean()),) * 2


def ntxent(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """The first point of each of many batches of pairs, against all others."""
    pairs, A, B = question.instance.pairs, floats(question.linear_map.A), int(loss.settings["pairs"])
    sides = [side.reshape(MANY, B, -1) @ A for side in pairs.sample(MANY * B, rng)]
    others = np.concatenate([sides[1], sides[0][:, 1:]], axis=1)  # the partner first
    scores = np.einsum("nr,ncr->nc", sides[0][:, 0], others)
    return (float((np.logaddexp.reduce(scores, axis=1) - scores[:, 0]).mean()),) * 2


def clip_batch(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """The usual code on many batches: two cross-entropies, of rows and of columns of the matrix of scores."""
    n, linear_map = int(loss.settings["batch"]), question.linear_map
    images, texts = question.instance.model.sample(MANY * n, rng)
    left, right = images @ floats(linear_map.A_V), texts @ floats(linear_map.A_T)
    z = np.einsum("bir,bjr->bij", left.reshape(MANY, n, -1), right.reshape(MANY, n, -1))
    own = np.trace(z, axis1=1, axis2=2) / n
    rows, columns = (np.logaddexp.reduce(z, axis=axis).mean(axis=1) for axis in (2, 1))
    return (float((rows + columns - 2 * own).mean()),) * 2


def simclr(loss: Loss, question: Posed, rng: np.random.Generator) -> tuple[float, float]:
    """InfoNCE of features that are divided by their lengths, and are 0 where these are, over the temperature."""
    pairs, A = question.instance.pairs, floats(question.linear_map.A)
    tau = float(loss.settings["temperature"])
    x, partner, y = (
        f / np.maximum(np.linalg.norm(f, axis=1, keepdims=True), 1e-12)
        for f in (side @ A for side in (*pairs.sample(OUTER, rng), pairs.mixture.sample(INNER, rng)))
    )
    low, high = log_bracket(x, y, np.eye(A.shape[1]) / tau) - (x * partner).sum(axis=1).mean() / tau
    return low, high


# Maps whose features have a variance below 7/10 within a component, as far as the best bias is enclosed.
_FLAT = (("components", (1, 3)), ("columns", 1), ("spread", Fraction(2, 5)))
_SCORES = (("columns", (1, 2)), ("spread", 2), ("shared", None))
_FEW = (*_SCORES, ("components", (1, 2)), ("dimension", (1, 2)))
_LOGARITHM = (("components", (1, 4)), ("columns", (1, 2)), ("spread", 1))
DEFINITIONS: dict[str, Definition] = {
    "infonce": Definition(infonce, narrow=0.6, options=_LOGARITHM),
    "infonce-key-bias": Definition(infonce_key_bias, narrow=0.3, options=_FLAT, digits=8),
    "infonce-weighted": Definition(
        infonce_weighted,
        narrow=1.2,
        settings=((), (("temperature", Fraction(2)), ("uniformity", Fraction(3, 2)), ("balance", Fraction(2, 3)))),
        options=_LOGARITHM,
    ),
    "clip": Definition(clip, narrow=0.8, options=(("components", (1, 4)), ("columns", (1, 2)), ("spread", 2))),
    "spectral": Definition(spectral, options=(("dimension", (1, 3)), ("shared", None))),
    "simsiam": Definition(
        simsiam, coordinates="orthogonal", narrow=0.1, options=(("dimension", (1, 3)), ("shared", None))
    ),
    "pca": Definition(pca, coordinates="orthogonal", narrow=0.1, options=(("shared", None),)),
    "fisher": Definition(fisher, narrow=0.3, options=(("shared", None),)),
    "siglip": Definition(
        siglip,
        narrow=0.1,
        settings=((), (("negatives", Fraction(5, 2)),)),
        options=_SCORES,
    ),
    "logistic": Definition(logistic, narrow=0.1, options=(*_SCORES, ("components", (1, 2)), ("dimension", (1, 2)))),
    "least-squares": Definition(least_squares, options=(("dimension", (1, 3)), ("shared", None))),
    "barlow-twins": Definition(
        barlow_twins,
        features="signed permutations",
        narrow=0.2,
        settings=((), (("redundancy", Fraction(3, 4)),)),
        options=(("shared", None),),
    ),
    "infonce-finite": Definition(infonce_finite, narrow=0.1, options=_FEW),
    "dcl": Definition(dcl, narrow=0.1, settings=((), (("negatives", Fraction(1)),)), options=_FEW),
    "supcon": Definition(supcon, narrow=0.1, settings=((), (("batch", Fraction(2)),)), options=_FEW),
    "ntxent-unnormalised": Definition(ntxent, narrow=0.1, options=(*_FEW, ("columns", 1)), digits=3),
    "clip-batch": Definition(
        clip_batch, narrow=0.1, options=(("components", (1, 2)), ("columns", (1, 2)), ("spread", 2))
    ),
    "simclr-normalised": Definition(
        simclr, narrow=0.4, settings=((), (("temperature", Fraction(1, 2)),)), options=(*_FEW, ("columns", (1, 2)))
    ),
    "vicreg": Definition(
        vicreg,
        features="signed permutations",
        narrow=0.2,
        settings=((), (("invariance", Fraction(3, 2)), ("variance", Fraction(7)), ("covariance", Fraction(1, 3)))),
        options=(("shared", None),),
    ),
}
