"""The instance of a certificate, rebuilt from its rationals: every model is valid or the certificate is rejected."""

from collections.abc import Sequence
from typing import NamedTuple

from flint import fmpq, fmpq_mat

from thmverify.kernel.linear import column_basis, diagonal, inertia, select
from thmverify.kernel.parse import check_work, integer, matrix, rational, vector
from thmverify.kernel.strict import MAX_SIZE, Rejected, array, record


class Mixture:
    """Σ_k w_k N(μ_k, Σ_k); K weights, means d × K, K covariances d × d, all of them equal when `shared`.

    w (K × 1), sigma = Σ̄, mean = μ̄, S = Σ_k w_k μ_k μ_kᵀ, R = Σ̄ + S, offsets μ_k − μ_1 (d × K), and fisher, the basis B
    of S_F (d × m): the columns of Σ̄⁻¹[μ_1 … μ_K] that are independent of those before them.
    """

    def __init__(self, weights: Sequence[fmpq], means: fmpq_mat, covariances: Sequence[fmpq_mat]) -> None:
        K, d = len(weights), means.nrows()
        self.weights, self.means, self.covariances = list(weights), means, list(covariances)
        self.shared = all(sigma == covariances[0] for sigma in covariances)
        self.w = fmpq_mat(K, 1, self.weights)
        self.sigma = sum((s * w for s, w in zip(covariances, weights, strict=True)), fmpq_mat(d, d))
        self.mean = means * self.w
        self.offsets = means - select(means, range(d), [0] * K)
        self.S = means * diagonal(weights) * means.transpose()
        self.R = self.sigma + self.S
        self.fisher = column_basis(self.sigma.inv() * means)
        self.m = self.fisher.ncols()

    def reduced(self, frame: fmpq_mat) -> "Mixture":
        """Return the law of t = frameᵀx."""
        covariances = [frame.transpose() * sigma * frame for sigma in self.covariances]
        return Mixture(self.weights, frame.transpose() * self.means, covariances)


class Pairs:
    """Draws (x, x̂) of one mixture, or (x_V, x_T) of two modalities, with bias δ; r columns; SimSiam's weight decay η.

    C = E x x̂ᵀ = δ Σ_k w_k μ_k μ'_kᵀ + (1−δ) μ̄μ̄'ᵀ; informative: whether δ Cov(μ, μ') ≠ 0; sizes: dim S_F of each.
    """

    def __init__(self, modalities: Sequence[Mixture], bias: fmpq, columns: int, decay: fmpq) -> None:
        self.modalities, self.bias, self.columns, self.decay = tuple(modalities), bias, columns, decay
        self.mixture, other = modalities[0], modalities[-1]
        apart = self.mixture.mean * other.mean.transpose()
        matched = self.mixture.means * diagonal(other.weights) * other.means.transpose()
        self.C = matched * bias + apart * (1 - bias)
        self.informative = apart != self.C
        self.sizes = tuple(x.m for x in modalities)
        self.kinds = ("clip",) if len(modalities) == 2 else ("pairs", "shared") if self.mixture.shared else ("pairs",)


class Graph(NamedTuple):
    """diag(w_x) − w_{xx'} (n × n), w_x = Σ_x' w_{xx'} > 0; r eigenvectors. No claim depends on what the labels are."""

    laplacian: fmpq_mat
    columns: int
    kinds: tuple[str, ...] = ("graph",)


Instance = Pairs | Graph


class Finding(NamedTuple):
    """The verdict; where the claim is about them, bounds of the minimiser's rank, and dim S_F of each modality."""

    verdict: str
    rank: tuple[int, ...] = ()
    dimension: tuple[int, ...] = ()


def instance(value: object) -> Instance:
    """Return the instance that the field of a certificate stands for."""
    model = value.get("model") if isinstance(value, dict) else None
    if model in ("shared-gmm", "gmm"):
        name = "covariance" if model == "shared-gmm" else "covariances"
        fields = ("model", "weights", "means", name, "bias", "rank", "weight_decay")
        _, w, means, given, bias, r, decay = record(value, "instance", fields)
        shared = model == "shared-gmm"
        covariances = [matrix(sigma, name) for sigma in ([given] if shared else array(given, name))]
        covariances *= len(array(w, "weights")) if shared else 1
        return _pairs([_mixture(w, means, covariances)], bias, r, decay)
    if model == "clip-gmm":
        _, w, *modalities, bias, r = record(value, "instance", ("model", "weights", "vision", "text", "bias", "rank"))
        parts = [record(part, "a modality", ("means", "covariance")) for part in modalities]
        K = len(array(w, "weights"))
        return _pairs([_mixture(w, m, [matrix(sigma, "covariance")] * K) for m, sigma in parts], bias, r, "0")
    if model == "population-graph":
        _, weights, labels, r = record(value, "instance", ("model", "weights", "labels", "rank"))
        return _graph(matrix(weights, "weights"), array(labels, "labels"), r)
    raise Rejected("the instance has no known model")


def _pairs(modalities: list[Mixture], bias: object, r: object, decay: object) -> Pairs:
    columns, eta = integer(r, "rank", 1, MAX_SIZE), rational(decay, "weight_decay", 0)
    return Pairs(modalities, rational(bias, "bias", 0, 1), columns, eta)


def _mixture(weights: object, means: object, covariances: list[fmpq_mat]) -> Mixture:
    w, points = vector(weights, "weights"), matrix(means, "means").transpose()
    d, K = points.nrows(), points.ncols()
    distinct = [sigma for k, sigma in enumerate(covariances) if sigma not in covariances[:k]]
    numbers = [*w, *points.entries(), *(x for sigma in distinct for x in sigma.entries())]
    check_work("the instance", d, max(d, K), numbers)
    if not (all(x > 0 for x in w) and sum(w, fmpq(0)) == 1):
        raise Rejected("the weights are not positive with sum 1")
    if d == 0 or not len(w) == K == len(covariances):
        raise Rejected("the weights, means and covariances do not fit together")
    if any(sigma.nrows() != d or sigma != sigma.transpose() or inertia(sigma)[0] < d for sigma in distinct):
        raise Rejected("a covariance is not d × d, symmetric and positive definite")
    return Mixture(w, points, covariances)


def _graph(weights: fmpq_mat, labels: list[object], r: object) -> Graph:
    degrees = [sum(row, fmpq(0)) for row in weights.tolist()]
    if weights != weights.transpose() or any(x < 0 for x in weights.entries()) or not weights.nrows():
        raise Rejected("the graph's weights are not symmetric and ≥ 0")
    if len([integer(x, "labels", -(10**9), 10**9) for x in labels]) != len(degrees) or not all(degrees):
        raise Rejected("a point of the graph has no label or no weight")
    return Graph(diagonal(degrees) - weights, integer(r, "rank", 1, MAX_SIZE))
