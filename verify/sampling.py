"""Random rational instances for randomised verification, nasty ones included, each reproducible from its seed."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from fractions import Fraction

from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.exact import Rows
from thmverify.instances import instance_to_json
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, SharedGMM

_TINY = Fraction(1, 1000)
Range = tuple[int, int]  # the least and the largest


def random_instance(
    rng: random.Random, shared: bool = True, dimensions: Range = (1, 8), components: Range = (1, 6)
) -> Instance:
    """Draw a mixture of so many components in so many dimensions, any bias δ, and r from 1 to beyond d.

    Some instances have nearly singular covariances, coincident or far means, centred means, or tiny weights.
    """
    d, K = rng.randint(*dimensions), rng.randint(*components)
    weights, means = _weights(rng, K), _means(rng, K, d)
    if rng.random() < 0.3:
        means = exact.centred(weights, means)
    mixture: GMM
    if shared:
        mixture = SharedGMM(weights, means, random_covariance(rng, d))
    else:
        mixture = GMM(weights, means, tuple(random_covariance(rng, d) for _ in range(K)))
    bias = rng.choice([Fraction(0), Fraction(1), Fraction(rng.randint(0, 20), 20)])
    return Instance(AugmentedPairs(mixture, bias), rng.randint(1, d + 2))


def random_biased_instance(rng: random.Random) -> Instance:
    """Draw a mixture, with one covariance or with one for each component, and δ > 0."""
    instance = random_instance(rng, shared=rng.random() < 0.5)
    bias = instance.pairs.bias or Fraction(rng.randint(1, 20), 20)
    return replace(instance, model=AugmentedPairs(instance.pairs.mixture, bias))


def random_clip_instance(
    rng: random.Random, most: int = 5, dimensions: tuple[Range, Range] = ((1, 5), (1, 5))
) -> Instance:
    """Draw a paired mixture of K = 1…`most` components, any share δ of right captions, and any r.

    `dimensions` are those of the modalities, each between two bounds.
    The modalities share the weights alone; each is nasty now and then in the ways of `random_instance`.
    """
    components = rng.randint(1, most)
    weights = _weights(rng, components)
    vision, text = (_modality(rng, weights, rng.randint(*bounds)) for bounds in dimensions)
    bias = rng.choice([Fraction(1), Fraction(1), Fraction(rng.randint(0, 20), 20)])
    return Instance(CLIPGMM(vision, text, bias), rng.randint(1, max(vision.dimension, text.dimension) + 2))


def _modality(rng: random.Random, weights: tuple[Fraction, ...], d: int) -> SharedGMM:
    means = _means(rng, len(weights), d)
    if rng.random() < 0.3:
        means = exact.centred(weights, means)
    return SharedGMM(weights, means, random_covariance(rng, d))


def _weights(rng: random.Random, components: int) -> tuple[Fraction, ...]:
    parts = [Fraction(rng.randint(1, 20)) for _ in range(components)]
    if rng.random() < 0.2:
        parts[rng.randrange(components)] = _TINY
    return tuple(x / sum(parts) for x in parts)


def _means(rng: random.Random, components: int, d: int) -> Rows:
    size = rng.choice([1, 1, 2, 6])  # in standard deviations of a typical covariance
    means = [[Fraction(rng.randint(-6, 6), 6) * size for _ in range(d)] for _ in range(components)]
    if components > 1 and rng.random() < 0.2:
        means[-1] = list(means[0])
    return tuple(tuple(row) for row in means)


def random_covariance(rng: random.Random, d: int) -> Rows:
    """Draw a full rational covariance, FFᵀ plus a positive diagonal that is tiny now and then."""
    factor = fmpq_mat(d, d, [exact.to_fmpq(Fraction(rng.randint(-3, 3), 3)) for _ in range(d * d)])
    floor = rng.choice([Fraction(1), Fraction(1, 2), Fraction(1, 20), _TINY])
    return exact.to_rows(factor * factor.transpose() + exact.identity(d) * exact.to_fmpq(floor))


def random_matrix(rng: random.Random, rows: int, columns: int) -> fmpq_mat:
    """Draw a matrix of small rationals."""
    return exact.matrix([[Fraction(rng.randint(-6, 6), 4) for _ in range(columns)] for _ in range(rows)], columns)


def instance_rng(instance: Instance) -> random.Random:
    """Return a random generator that depends on the instance alone, so that what is drawn for it is reproducible."""
    return random.Random(json.dumps(instance_to_json(instance), sort_keys=True))


def random_centred_instance(
    rng: random.Random,
    bias: Fraction,
    components: Range = (2, 4),
    equal_weights: bool = False,
) -> Instance:
    """Draw a mixture with mean 0 in d = 1…3 dimensions and r ≥ K columns; half of them have very unequal weights.

    S_F has at most two dimensions, so that a map of lower rank is a line and its integrals are cheap.
    """
    count = rng.randint(*components)
    d = rng.choice([1, 2, 2, 3] if count <= 3 else [1, 2, 2])
    weights = tuple(Fraction(1, count) for _ in range(count))
    if not equal_weights:
        spread = rng.choice([1, 3])
        parts = [Fraction(rng.randint(1, 10)) ** spread for _ in range(count)]
        weights = tuple(x / sum(parts) for x in parts)
    means = exact.centred(weights, _means(rng, count, d))
    covariance = random_covariance(rng, d)
    return Instance(AugmentedPairs(SharedGMM(weights, means, covariance), bias), rng.randint(count, count + 1))


def random_symmetric_instance(rng: random.Random) -> Instance:
    """Draw a simplex, a box or a cross of equal weights around 0, in random coordinates of its own space, at δ = 1."""
    kind = rng.choice(["simplex", "box", "cross"])
    if kind == "simplex":
        count = rng.randint(2, 3)
        points = [[Fraction(int(i == k)) - Fraction(1, count) for i in range(count)] for k in range(count)]
    elif kind == "box":
        sides = [Fraction(rng.randint(1, 6), 2) for _ in range(rng.randint(1, 2))]
        points = [[s * a for s, a in zip(signs, sides, strict=True)] for signs in _signs(len(sides))]
    else:
        points = [[Fraction(sign * int(i == k)) for i in range(2)] for k in range(2) for sign in (1, -1)]
    count, d = len(points), len(points[0])
    scale = Fraction(rng.randint(1, 6), 2)
    frame = random_matrix(rng, d, d) + exact.identity(d) * 7  # diagonally dominant, hence invertible, for d ≤ 4
    means = exact.to_rows((frame * exact.matrix(points).transpose() * exact.to_fmpq(scale)).transpose())
    mixture = SharedGMM((Fraction(1, count),) * count, means, exact.to_rows(frame * frame.transpose()))
    return Instance(AugmentedPairs(mixture, Fraction(1)), rng.randint(count, count + 1))


def _signs(n: int) -> list[tuple[int, ...]]:
    return list(itertools.product((1, -1), repeat=n))


def random_graph_instance(rng: random.Random) -> Instance:
    """Draw a graph of n = 2…6 points with up to three labels, and r from 1 to n.

    Half of the graphs come from random augmentations of random images; the others have small integer weights, many of
    them 0, so that some fall apart. The weights sum to 1.
    """
    n = rng.randint(2, 6)
    if rng.random() < 0.5:
        chances = fmpq_mat(3, n, [fmpq(rng.choice([0, 0, 1, 2, 3])) for _ in range(3 * n)])
        weights = chances.transpose() * chances
    else:
        drawn = fmpq_mat(n, n, [fmpq(rng.choice([0, 0, 0, 1, 4])) for _ in range(n * n)])
        weights = drawn + drawn.transpose()
    for i in range(n):
        if weights[i, i] == 0:  # a point without weight gets some
            weights[i, i] = fmpq(1)
    total = sum(weights.entries(), fmpq(0))
    labels = tuple(rng.randrange(3) for _ in range(n))
    return Instance(PopulationGraph(exact.to_rows(weights / total), labels), rng.randint(1, n))
