"""The instance of a certificate, rebuilt from its rationals: every model is valid or the certificate is rejected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from flint import fmpq, fmpq_mat

from verify.kernel.linear import column, column_basis, diagonal, is_positive_definite
from verify.kernel.parse import MAX_SIZE, Rejected, array, integer, matrix, rational, record, text, vector

Weights: TypeAlias = tuple[fmpq, ...]
MAX_WORK = 3 * 10**7  # d³ · max(d, K) · bits: elimination takes half a minute


@dataclass(frozen=True)
class Mixture:
    """Σ_k w_k N(μ_k, Σ_k). means: d × K; covariances: one shared Σ, or K of them, each d × d."""

    weights: Weights
    means: fmpq_mat
    covariances: tuple[fmpq_mat, ...]

    def __post_init__(self) -> None:
        K, d = len(self.weights), self.means.nrows()
        if not (self.weights and all(w > 0 for w in self.weights) and sum(self.weights, fmpq(0)) == 1):
            raise Rejected("the weights are not positive with sum 1")
        if self.means.ncols() != K or d == 0 or len(self.covariances) not in (1, K):
            raise Rejected("the weights, means and covariances do not fit together")
        for sigma in self.covariances:
            if (
                (sigma.nrows(), sigma.ncols()) != (d, d)
                or sigma != sigma.transpose()
                or not is_positive_definite(sigma)
            ):
                raise Rejected("a covariance is not symmetric positive definite of the means' dimension")

    @property
    def shared(self) -> bool:
        """Whether the components share their covariance by the model, or all K are equal."""
        return all(sigma == self.covariances[0] for sigma in self.covariances)

    @property
    def w(self) -> fmpq_mat:
        """The weights as a column (K × 1)."""
        return fmpq_mat(len(self.weights), 1, list(self.weights))

    @cached_property
    def sigma(self) -> fmpq_mat:
        """Σ̄ (d × d)."""
        if len(self.covariances) == 1:
            return self.covariances[0]
        zero = fmpq_mat(self.means.nrows(), self.means.nrows())
        return sum((s * w for s, w in zip(self.covariances, self.weights, strict=True)), zero)

    @cached_property
    def mean(self) -> fmpq_mat:
        """μ̄ (d × 1)."""
        return self.means * self.w

    @cached_property
    def S(self) -> fmpq_mat:
        """S = Σ_k w_k μ_k μ_kᵀ (d × d)."""
        return self.means * diagonal(self.weights) * self.means.transpose()

    @cached_property
    def R(self) -> fmpq_mat:
        """R = E xxᵀ = Σ̄ + S (d × d)."""
        return self.sigma + self.S

    @cached_property
    def fisher(self) -> fmpq_mat:
        """B, a basis of S_F: independent columns of Σ̄⁻¹[μ_1 … μ_K] (d × m)."""
        return column_basis(self.sigma.inv() * self.means)

    @cached_property
    def m(self) -> int:
        """The dimension of S_F."""
        return self.fisher.ncols()

    def reduced(self, Q: fmpq_mat) -> Mixture:
        """Return the law of t = (BQ)ᵀx for a shared Σ, whose covariance G is ≻ 0 only if Q (m × m) is invertible."""
        B = self.fisher * Q
        return Mixture(self.weights, B.transpose() * self.means, (B.transpose() * self.sigma * B,))

    @cached_property
    def offsets(self) -> fmpq_mat:
        """μ_k − μ_1 (d × K)."""
        return self.means - column(self.means, 0) * fmpq_mat(1, len(self.weights), [1] * len(self.weights))


@dataclass(frozen=True)
class Pairs:
    """(x, x̂) with bias δ; r columns; SimSiam's weight decay η."""

    mixture: Mixture
    bias: fmpq
    columns: int
    decay: fmpq

    @property
    def C(self) -> fmpq_mat:
        """C = δS + (1−δ) μ̄μ̄ᵀ (d × d)."""
        return cross_moment(self.mixture, self.mixture, self.bias)


@dataclass(frozen=True)
class Paired:
    """(x_V, x_T) with bias δ; r columns."""

    vision: Mixture
    text: Mixture
    bias: fmpq
    columns: int


@dataclass(frozen=True)
class Graph:
    """Weights w_{xx'} (n × n), a label for each point, r eigenvectors."""

    weights: fmpq_mat
    labels: tuple[int, ...]
    columns: int

    @cached_property
    def degrees(self) -> list[fmpq]:
        """w_x = Σ_x' w_{xx'}."""
        n = self.weights.nrows()
        return [sum((self.weights[i, j] for j in range(n)), fmpq(0)) for i in range(n)]


Instance: TypeAlias = Pairs | Paired | Graph


def cross_moment(left: Mixture, right: Mixture, bias: fmpq) -> fmpq_mat:
    """Return δ Σ_k w_k μ_k μ'_kᵀ + (1−δ) μ̄ μ̄'ᵀ."""
    matched = left.means * diagonal(left.weights) * right.means.transpose()
    return matched * bias + left.mean * right.mean.transpose() * (1 - bias)


def covariance_of_means(left: Mixture, right: Mixture) -> fmpq_mat:
    """Return Σ_k w_k μ_k μ'_kᵀ − μ̄ μ̄'ᵀ."""
    return cross_moment(left, right, fmpq(1)) - left.mean * right.mean.transpose()


def instance(value: object) -> Instance:
    """Return the instance that the field of a certificate stands for."""
    model = text(value.get("model"), "model") if isinstance(value, dict) else ""
    if model == "shared-gmm":
        _, w, means, sigma, *rest = record(value, "instance", (*_MIXTURE, "covariance", *_PAIRS))
        return _pairs(_mixture(w, means, (matrix(sigma, "covariance"),)), *rest)
    if model == "gmm":
        _, w, means, sigmas, *rest = record(value, "instance", (*_MIXTURE, "covariances", *_PAIRS))
        mixture = _mixture(w, means, tuple(matrix(s, "covariances") for s in array(sigmas, "covariances")))
        if len(mixture.covariances) != len(mixture.weights):
            raise Rejected("there is not one covariance for each weight")
        return _pairs(mixture, *rest)
    if model == "clip-gmm":
        _, w, vision, caption, bias, r = record(
            value, "instance", ("model", "weights", "vision", "text", "bias", "rank")
        )
        return Paired(_modality(w, vision), _modality(w, caption), _bias(bias), _columns(r))
    if model == "population-graph":
        _, weights, labels, r = record(value, "instance", ("model", "weights", "labels", "rank"))
        return _graph(matrix(weights, "weights"), array(labels, "labels"), _columns(r))
    raise Rejected("the instance has no known model")


_MIXTURE = ("model", "weights", "means")
_PAIRS = ("bias", "rank", "weight_decay")


def _mixture(weights: object, means: object, covariances: tuple[fmpq_mat, ...]) -> Mixture:
    points = matrix(means, "means").transpose()
    d, K = points.nrows(), points.ncols()
    if d**3 * max(d, K) * max(_bits(m) for m in (points, *covariances)) > MAX_WORK:
        raise Rejected("the instance is too large, or its numbers are too long")
    return Mixture(tuple(vector(weights, "weights")), points, covariances)


def hint(value: object, name: str, rows: int | None = None, columns: int | None = None) -> fmpq_mat:
    """Return a matrix of the hints, bounded as an instance is: long numbers in Q alone would make a slow G."""
    found = matrix(value, name, rows, columns)
    few, many = sorted((found.nrows(), found.ncols()))
    if few**3 * many * _bits(found) > MAX_WORK:
        raise Rejected(f"{name} is too large, or its numbers are too long")
    return found


def _bits(m: fmpq_mat) -> int:
    """Return the bits of the common denominator and of the largest numerator over it."""
    numerators, denominator = m.numer_denom()
    longest = max((abs(int(x)) for x in numerators.entries()), default=0)
    return longest.bit_length() + int(denominator).bit_length()


def _modality(weights: object, value: object) -> Mixture:
    means, sigma = record(value, "a modality", ("means", "covariance"))
    return _mixture(weights, means, (matrix(sigma, "covariance"),))


def _pairs(mixture: Mixture, bias: object, r: object, decay: object) -> Pairs:
    eta = rational(decay, "weight_decay")
    if eta < 0:
        raise Rejected("the weight decay is negative")
    return Pairs(mixture, _bias(bias), _columns(r), eta)


def _graph(weights: fmpq_mat, labels: list[object], r: int) -> Graph:
    found = Graph(weights, tuple(integer(x, "labels", -(10**9), 10**9) for x in labels), r)
    if weights != weights.transpose() or any(x < 0 for x in weights.entries()) or not weights.nrows():
        raise Rejected("the graph's weights are not symmetric and ≥ 0")
    if len(labels) != weights.nrows() or not all(w > 0 for w in found.degrees):
        raise Rejected("a point of the graph has no label or no weight")
    return found


def _bias(value: object) -> fmpq:
    bias = rational(value, "bias")
    if not 0 <= bias <= 1:
        raise Rejected("the bias is not in [0, 1]")
    return bias


def _columns(value: object) -> int:
    return integer(value, "rank", 1, MAX_SIZE)
