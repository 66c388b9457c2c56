"""The instance of a certificate, rebuilt from its rationals: every model is valid or the certificate is rejected."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from flint import fmpq, fmpq_mat

from thmverify.kernel.linear import (
    PRECISIONS,
    Covariance,
    Diagonal,
    beside,
    coefficients,
    definite,
    dense,
    diagonal,
    images,
    independent,
    product,
    select,
    solve,
    times,
    vanishes,
)
from thmverify.kernel.parse import check_work, integer, matrix, rational, vector
from thmverify.kernel.strict import MAX_SIZE, Rejected, array, record

MAX_POINTS = 256  # of a graph
MAX_CUBES = 3 * 10**7  # d³ for each covariance that is to be seen definite: half a minute
MAX_DENSE = 200  # dimensions of a covariance that is not diagonal, and of what is computed in all of them


class Mixture:
    """Σ_k w_k N(μ_k, Σ_k); K weights, means d × K, K covariances, all of them equal when `shared`.

    What follows from these is computed when a rule asks for it, so that a rule costs what it uses.
    """

    def __init__(self, weights: Sequence[fmpq], means: fmpq_mat, covariances: Sequence[Covariance]) -> None:
        self.weights, self.means, self.given = list(weights), means, list(covariances)
        self.dimension = means.nrows()
        self.shared = all(sigma == covariances[0] for sigma in covariances)

    @cached_property
    def average(self) -> Covariance:
        """Σ̄ = Σ_k w_k Σ_k, diagonal when all Σ_k are."""
        if self.shared:
            return self.given[0]
        lines = [sigma.entries for sigma in self.given if isinstance(sigma, Diagonal)]
        if len(lines) == len(self.given):
            columns = fmpq_mat(len(lines), self.dimension, [x for row in lines for x in row]).transpose()
            return Diagonal(images(columns, self.weights))
        parts = [dense(sigma) * w for sigma, w in zip(self.given, self.weights, strict=True)]
        return sum(parts, fmpq_mat(self.dimension, self.dimension))

    @cached_property
    def mean(self) -> fmpq_mat:
        """μ̄ = Σ_k w_k μ_k (d × 1)."""
        return fmpq_mat(self.dimension, 1, images(self.means, self.weights))

    @cached_property
    def pivots(self) -> tuple[list[int], list[int]]:
        """Rows and columns of an invertible block of the means, as large as their rank."""
        return independent(self.means, self.weights)

    @property
    def m(self) -> int:
        """dim S_F, the rank of the means."""
        return len(self.pivots[1])

    @cached_property
    def basis(self) -> fmpq_mat:
        """The independent means, a basis of span μ (d × m)."""
        return select(self.means, range(self.dimension), self.pivots[1])

    @cached_property
    def fisher(self) -> fmpq_mat:
        """The basis B = Σ̄⁻¹·basis of S_F (d × m)."""
        return solve(self.average, self.basis)

    @property
    def spherical(self) -> bool:
        """Whether Σ̄ is a multiple of I."""
        return isinstance(self.average, Diagonal) and len(set(self.average.entries)) == 1

    @cached_property
    def invariant(self) -> bool:
        """Whether Σ̄ preserves span μ, so that it is S_F."""
        return self.spherical or coefficients(self.means, self.pivots, times(self.average, self.basis)) is not None

    @cached_property
    def on_fisher(self) -> "Mixture":
        """The law of t = Bᵀx, with covariance BᵀΣ̄B for each component (PROOFS.md, 1.6); its own B is the identity."""
        law = Mixture(self.weights, product(self.fisher.transpose(), self.means), [])
        law.given = [select(law.means, range(self.m), self.pivots[1])] * len(self.weights)
        law.shared, law.fisher = True, diagonal([1] * self.m)
        law.pivots = list(range(self.m)), self.pivots[1]
        return law

    @cached_property
    def sigma(self) -> fmpq_mat:
        """Σ̄ (d × d). From here on everything is in d dimensions, for rules that work there."""
        whole = dense(self.average) if self.dimension <= MAX_DENSE else None
        if whole is None:
            raise Rejected(f"the rule works in all {self.dimension} dimensions, and takes at most {MAX_DENSE}")
        n = max(self.dimension, len(self.weights))
        check_work("the instance", self.dimension**3 * n, beside(whole, self.means).tolist())
        return whole

    @cached_property
    def covariances(self) -> list[fmpq_mat]:
        """The Σ_k (d × d)."""
        average = self.sigma  # bounds the dimension, before there are matrices of d × d
        return [average] * len(self.weights) if self.shared else [dense(sigma) for sigma in self.given]

    @cached_property
    def S(self) -> fmpq_mat:
        """S = Σ_k w_k μ_k μ_kᵀ (d × d)."""
        return self.moment(self)

    @cached_property
    def R(self) -> fmpq_mat:
        """R = Σ̄ + S (d × d)."""
        return self.sigma + self.S

    @cached_property
    def offsets(self) -> fmpq_mat:
        """μ_k − μ_1 (d × K)."""
        return self.means - select(self.means, range(self.dimension), [0] * len(self.weights))

    def moment(self, other: "Mixture") -> fmpq_mat:
        """Return Σ_k w_k μ_k μ'_kᵀ, the μ'_k those of the `other`."""
        if max(self.dimension, other.dimension) > MAX_DENSE:
            raise Rejected(f"the rule takes at most {MAX_DENSE} dimensions")
        left = product(self.means, diagonal(self.weights))
        return product(left, other.means.transpose())

    def reduced(self, frame: fmpq_mat) -> "Mixture":
        """Return the law of t = frameᵀx."""
        covariances = [frame.transpose() * sigma * frame for sigma in self.covariances]
        return Mixture(self.weights, frame.transpose() * self.means, covariances)


class Pairs:
    """Draws (x, x̂) of one mixture, or (x_V, x_T) of two modalities, with bias δ; r columns; weight decay η."""

    def __init__(self, modalities: Sequence[Mixture], bias: fmpq, columns: int, decay: fmpq) -> None:
        self.modalities, self.bias, self.columns, self.decay = tuple(modalities), bias, columns, decay
        self.mixture = modalities[0]
        of_all, of_shared = ("paired", "clip") if len(modalities) == 2 else ("pairs", "shared")
        self.kinds = (of_all, of_shared) if all(x.shared for x in modalities) else (of_all,)

    @cached_property
    def C(self) -> fmpq_mat:
        """C = E x x̂ᵀ = δ Σ_k w_k μ_k μ'_kᵀ + (1−δ) μ̄μ̄'ᵀ."""
        other = self.modalities[-1]
        return self.mixture.moment(other) * self.bias + self.mixture.mean * other.mean.transpose() * (1 - self.bias)

    @cached_property
    def informative(self) -> bool:
        """Whether δ Cov(μ, μ') ≠ 0; the rows of an invertible block tell."""
        rows = [select(x.means, x.pivots[0], range(len(x.weights))) for x in self.modalities]
        w = fmpq_mat(len(self.mixture.weights), 1, self.mixture.weights)
        covariance = diagonal(w.entries()) - w * w.transpose()
        return self.bias > 0 and not vanishes(rows[0], covariance, rows[-1].transpose())

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """dim S_F of each modality."""
        return tuple(x.m for x in self.modalities)

    @cached_property
    def on_fisher(self) -> "Pairs":
        """The pairs of t = Bᵀx, for claims about maps on S_F."""
        return Pairs([x.on_fisher for x in self.modalities], self.bias, self.columns, self.decay)


class Graph(NamedTuple):
    """w_{xx'} ≥ 0 (n × n, symmetric, no row of zeros); r eigenvectors. No claim depends on what the labels are."""

    weights: fmpq_mat
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
        return _pairs([_mixture(w, means, _covariances(given, name, w))], bias, r, decay)
    if model == "clip-gmm":
        _, w, *modalities, bias, r = record(value, "instance", ("model", "weights", "vision", "text", "bias", "rank"))
        return _pairs([_modality(w, part) for part in modalities], bias, r, "0")
    if model == "population-graph":
        _, weights, labels, r = record(value, "instance", ("model", "weights", "labels", "rank"))
        return _graph(matrix(array(weights, "weights", MAX_POINTS), "weights"), array(labels, "labels"), r)
    raise Rejected("the instance has no known model")


def _pairs(modalities: list[Mixture], bias: object, r: object, decay: object) -> Pairs:
    columns, eta = integer(r, "rank", 1, MAX_SIZE), rational(decay, "weight_decay", 0)
    return Pairs(modalities, rational(bias, "bias", 0, 1), columns, eta)


def _modality(w: object, value: object) -> Mixture:
    """Return one modality of a paired mixture."""
    name = "covariances" if isinstance(value, dict) and "covariances" in value else "covariance"
    means, given = record(value, "a modality", ("means", name))
    return _mixture(w, means, _covariances(given, name, w))


def _covariances(given: object, name: str, weights: object) -> list[Covariance]:
    """Return the covariance of each component: of all the same one, or of each its own."""
    if name == "covariance":
        return [_covariance(given, name)] * len(array(weights, "weights", MAX_SIZE))
    return [_covariance(sigma, name) for sigma in array(given, name, MAX_SIZE)]


def _covariance(value: object, name: str) -> Covariance:
    """Return a covariance: a matrix, or the array of the entries of a diagonal one."""
    rows = array(value, name)
    if not (rows and isinstance(rows[0], list)):
        return Diagonal(vector(rows, name))
    m = matrix(array(rows, name, MAX_DENSE), name)
    entries = m.tolist()
    straight = m.nrows() == m.ncols() and not any(any(row[:i]) or any(row[i + 1 :]) for i, row in enumerate(entries))
    return Diagonal([row[i] for i, row in enumerate(entries)]) if straight else m


def _mixture(weights: object, means: object, covariances: list[Covariance]) -> Mixture:
    w, points = vector(weights, "weights"), matrix(array(means, "means", MAX_SIZE), "means").transpose()
    d, K = points.nrows(), points.ncols()
    distinct = [sigma for k, sigma in enumerate(covariances) if sigma not in covariances[:k]]
    if not (all(x > 0 for x in w) and sum(w, fmpq(0)) == 1):
        raise Rejected("the weights are not positive with sum 1")
    if d == 0 or not len(w) == K == len(covariances):
        raise Rejected("the weights, means and covariances do not fit together")
    if d**3 * sum(not isinstance(sigma, Diagonal) for sigma in distinct) > MAX_CUBES:
        raise Rejected(f"d³ times the number of covariances that are not diagonal is more than {MAX_CUBES}")
    if not all(_fits(sigma, d) for sigma in distinct):
        raise Rejected(f"a covariance is not d × d, symmetric and positive definite, as {PRECISIONS[-1]} bits see it")
    return Mixture(w, points, covariances)


def _fits(sigma: Covariance, d: int) -> bool:
    if isinstance(sigma, Diagonal):
        return len(sigma.entries) == d and definite(sigma)
    return sigma.nrows() == d and sigma == sigma.transpose() and definite(sigma)


def _graph(weights: fmpq_mat, labels: list[object], r: object) -> Graph:
    if weights != weights.transpose() or any(x < 0 for x in weights.entries()) or not weights.nrows():
        raise Rejected("the graph's weights are not symmetric and ≥ 0")
    labelled = len([integer(x, "labels", -(10**9), 10**9) for x in labels]) == weights.nrows()
    if not (labelled and all(any(row) for row in weights.tolist())):
        raise Rejected("a point of the graph has no label or no weight")
    return Graph(weights, integer(r, "rank", 1, MAX_SIZE))
