"""Questions told another way: in other coordinates of x, with components in another order, with other features."""

from __future__ import annotations

from dataclasses import replace

from flint import fmpq_mat

from thmverify import exact
from thmverify.maps import BiasedEncoder, CLIPFactors, Encoder, LinearMap, SimSiamPair
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Posed


def reordered(mixture: GMM, order: list[int]) -> GMM:
    """Return the mixture with its components in this order."""
    weights, means = [mixture.weights[k] for k in order], [mixture.means[k] for k in order]
    if isinstance(mixture, SharedGMM):
        return SharedGMM(weights, means, mixture.covariance)
    return GMM(tuple(weights), tuple(means), tuple(mixture.covariances[k] for k in order))


def moved(mixture: GMM, T: fmpq_mat) -> GMM:
    """Return the law of Tx."""
    means = exact.to_rows((T * mixture.mu).transpose())
    covariances = tuple(exact.to_rows(T * s * T.transpose()) for s in mixture.sigmas)
    if isinstance(mixture, SharedGMM):
        return SharedGMM(mixture.weights, means, covariances[0])
    return GMM(mixture.weights, means, covariances)


def with_model(instance: Instance, model: AugmentedPairs | CLIPGMM) -> Instance:
    """Return the instance with another model."""
    return replace(instance, model=model)


def in_order(question: Posed, order: list[int]) -> Posed:
    """Return the question with the components in this order."""
    model = question.instance.model
    if isinstance(model, CLIPGMM):
        told: AugmentedPairs | CLIPGMM = CLIPGMM(
            reordered(model.vision, order), reordered(model.text, order), model.bias
        )
    else:
        told = AugmentedPairs(reordered(model.mixture, order), model.bias)
    return replace(question, instance=with_model(question.instance, told))


def in_coordinates(question: Posed, T: fmpq_mat, U: fmpq_mat) -> Posed:
    """Return the question for Tx in place of x, and Ux_T in place of x_T, with the map that makes the same features."""
    model = question.instance.model
    back = T.inv().transpose()
    if isinstance(model, CLIPGMM):
        told: AugmentedPairs | CLIPGMM = CLIPGMM(moved(model.vision, T), moved(model.text, U), model.bias)
        factors = question.linear_map
        linear_map: LinearMap = CLIPFactors(back * factors.A_V, U.inv().transpose() * factors.A_T)
    else:
        told = AugmentedPairs(moved(model.mixture, T), model.bias)
        linear_map = with_encoder(question.linear_map, back * question.linear_map.A)
    return replace(question, instance=with_model(question.instance, told), linear_map=linear_map)


def with_features(linear_map: LinearMap, Q: fmpq_mat) -> LinearMap:
    """Return the map whose features are Qᵀf(x), Q orthogonal."""
    if isinstance(linear_map, CLIPFactors):
        return CLIPFactors(linear_map.A_V * Q, linear_map.A_T * Q)
    if isinstance(linear_map, SimSiamPair):
        return SimSiamPair(linear_map.A * Q, Q.transpose() * linear_map.P * Q)
    return with_encoder(linear_map, linear_map.A * Q)


def with_encoder(linear_map: LinearMap, A: fmpq_mat) -> LinearMap:
    """Return the map with another encoder."""
    return Encoder(A) if isinstance(linear_map, Encoder) else replace(linear_map, A=A)


def columns_of(linear_map: LinearMap) -> fmpq_mat:
    """Return A, or A_V."""
    return linear_map.A_V if isinstance(linear_map, CLIPFactors) else linear_map.A


def shifted(linear_map: LinearMap, B: fmpq_mat) -> LinearMap:
    """Return the map with A + B, or A_V + B."""
    if isinstance(linear_map, CLIPFactors):
        return CLIPFactors(linear_map.A_V + B, linear_map.A_T)
    return with_encoder(linear_map, linear_map.A + B)


def has_bias(linear_map: LinearMap) -> bool:
    """Whether the map has a bias of its scores."""
    return isinstance(linear_map, BiasedEncoder)


def signed_permutation(order: list[int], signs: list[int]) -> fmpq_mat:
    """Return the matrix that permutes and flips columns."""
    Q = exact.zeros(len(order), len(order))
    for i, j in enumerate(order):
        Q[i, j] = exact.to_fmpq(signs[i])
    return Q
