"""Second encodings of an instance: the same mixture in other coordinates, its components in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flint import fmpq_mat

from thmverify import exact
from thmverify.losses.clip import paired_mixture
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, SharedGMM


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


def swapped(instance: Instance) -> Instance:
    """Return the paired instance with its modalities exchanged."""
    model = paired_mixture(instance)
    return replace(instance, model=CLIPGMM(model.text, model.vision, model.bias))


def transformed_pair(instance: Instance, T_V: fmpq_mat, T_T: fmpq_mat) -> Instance:
    """Return the instance of (T_V x_V, T_T x_T)."""
    model = paired_mixture(instance)
    vision, text = (_mapped(m, T) for m, T in ((model.vision, T_V), (model.text, T_T)))
    return replace(instance, model=CLIPGMM(vision, text, model.bias))


def permuted_pair(instance: Instance, order: Sequence[int]) -> Instance:
    """Return the paired instance with its components in another order; a repeated one shares its weight."""
    model = paired_mixture(instance)
    weights = [model.weights[k] / order.count(k) for k in order]
    vision, text = (SharedGMM(weights, [m.means[k] for k in order], m.covariance) for m in (model.vision, model.text))
    return replace(instance, model=CLIPGMM(vision, text, model.bias))


def _mapped(mixture: SharedGMM, T: fmpq_mat) -> SharedGMM:
    means = exact.to_rows((T * mixture.mu).transpose())
    return SharedGMM(mixture.weights, means, exact.to_rows(T * mixture.sigma * T.transpose()))
