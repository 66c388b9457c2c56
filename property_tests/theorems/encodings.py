"""Second encodings of an instance: the same mixture in other coordinates, its components in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flint import fmpq_mat

from verify import exact
from verify.models import GMM, AugmentedPairs, Instance


def transformed(instance: Instance, T: fmpq_mat) -> Instance:
    """Return the instance of Tx."""
    mixture = instance.pairs.mixture
    means = exact.to_rows((T * mixture.mu).transpose())
    covariances = tuple(exact.to_rows(T * sigma * T.transpose()) for sigma in mixture.sigmas)
    return _over(instance, GMM(mixture.weights, means, covariances))


def permuted(instance: Instance, order: Sequence[int]) -> Instance:
    """Return the instance with its components in another order."""
    mixture = instance.pairs.mixture
    parts = (mixture.weights, mixture.means, mixture.covariances)
    weights, means, covariances = (tuple(part[k] for k in order) for part in parts)
    return _over(instance, GMM(weights, means, covariances))


def split_component(instance: Instance) -> Instance:
    """Return the same mixture with its first component written as two halves."""
    mixture = instance.pairs.mixture
    half = mixture.weights[0] / 2
    weights = (half, half, *mixture.weights[1:])
    means, covariances = (mixture.means[0], *mixture.means), (mixture.covariances[0], *mixture.covariances)
    return _over(instance, GMM(weights, means, covariances))


def _over(instance: Instance, mixture: GMM) -> Instance:
    return replace(instance, model=AugmentedPairs(mixture, instance.pairs.bias))
