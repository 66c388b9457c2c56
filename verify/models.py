"""Exact models: Gaussian mixtures, augmented pairs, paired mixtures, population graphs.

Every parameter is an exact rational. A model is immutable and valid: its constructor checks every rule and raises
`InputError` with the field, the value and the rule that it breaks. Sources: Bansal, Kavis, Sanghavi (arXiv:2411.03517),
Definitions 3.1 (SharedGMM), 5.1 (augmentation-enabled distribution) and 6.1 (CLIPGMM).
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from thmverify import exact, notebook
from thmverify.errors import InputError
from thmverify.exact import Diagonal, Rows
from thmverify.kernel.linear import Diagonal as Entries
from thmverify.kernel.linear import solve
from thmverify.kernel.models import Mixture
from thmverify.rationals import Number, NumberRows, Numbers, rational, rows, vector

Floats: TypeAlias = NDArray[np.float64]

Covariance: TypeAlias = Rows | Diagonal  # of one component
MAX_WHOLE = 1000  # dimensions in which matrices of the whole space are made

_LONG = 10**40  # longer integers are described in an error, not printed


def _covariance(name: str, given: Covariance | NumberRows | Number, dimension: int) -> Covariance:
    """Return a matrix, or the diagonal one that d numbers, or one number for a multiple of the identity, stand for."""
    if isinstance(given, Diagonal):
        return Diagonal(vector(name, given.entries))
    given = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(given, str) or not isinstance(given, Sequence):
        variance = rational(name, given)
        _check_variance(name, variance)
        return Diagonal([variance] * dimension)
    flat = given and not any(isinstance(x, Sequence) and not isinstance(x, str) for x in given)
    return Diagonal(vector(name, given)) if flat else rows(name, given)


def _dimension(means: Rows) -> int:
    return len(means[0]) if means else 0


def _check_weights(weights: tuple[Fraction, ...]) -> None:
    if not weights:
        raise InputError("weights", [], "a mixture has at least one component", "give one weight per component")
    for k, w in enumerate(weights):
        if w <= 0:
            raise InputError(f"weights[{k}]", str(w), "must be positive", "drop the component or give it mass")
    total = sum(weights)
    if total != 1:
        side = "above" if total > 1 else "below"
        given = str(total) if max(total.numerator, total.denominator) < _LONG else f"a rational {side} 1"
        rule = f"must sum to exactly 1, not {given}"
        raise InputError("weights", [str(w) for w in weights], rule, "divide each by their sum")


def _check_means(name: str, means: Rows, components: int) -> None:
    if len(means) != components:
        rule = f"has {len(means)} rows for {components} weights"
        raise InputError(name, f"{len(means)} rows", rule, "give one row per component")
    dimension = len(means[0])
    if dimension == 0:
        raise InputError(f"{name}[0]", [], "a mean has at least one coordinate", "give d ≥ 1 numbers per row")
    for k, row in enumerate(means):
        if len(row) != dimension:
            rule = f"has {len(row)} coordinates where row 0 has {dimension}"
            raise InputError(f"{name}[{k}]", [str(x) for x in row], rule, "give every row the same length")


def _check_covariance(name: str, covariance: Covariance, dimension: int) -> None:
    if isinstance(covariance, Diagonal):
        _check_diagonal(name, covariance.entries, dimension)
        return
    if len(covariance) != dimension or any(len(row) != dimension for row in covariance):
        shape = f"{len(covariance)} rows of {sorted({len(row) for row in covariance})}"
        rule = f"must be {dimension} × {dimension}, like the means"
        raise InputError(name, shape, rule, f"give {dimension} rows of {dimension} numbers")
    for i in range(dimension):
        for j in range(i):
            if covariance[i][j] != covariance[j][i]:
                rule = f"differs from {name}[{j}][{i}] = {covariance[j][i]}: a covariance is symmetric"
                raise InputError(f"{name}[{i}][{j}]", str(covariance[i][j]), rule, "make the two entries equal")
    if not exact.is_positive_definite(exact.matrix(covariance)):
        value = [[str(x) for x in row] for row in covariance]
        raise InputError(name, value, "is not positive definite", "every eigenvalue must be > 0 (decided exactly)")


def _check_diagonal(name: str, entries: Sequence[Fraction], dimension: int) -> None:
    if len(entries) != dimension:
        rule = f"has {len(entries)} entries for a diagonal matrix of {dimension}, the dimension of the means"
        raise InputError(name, [str(x) for x in entries], rule, f"give {dimension} numbers, or a matrix")
    for i, x in enumerate(entries):
        _check_variance(f"{name}[{i}]", x)


def _check_variance(name: str, variance: Fraction) -> None:
    if variance <= 0:
        raise InputError(name, str(variance), "is not positive", "variances are > 0")


def _check_bias(bias: Fraction) -> None:
    if not 0 <= bias <= 1:
        raise InputError("bias", str(bias), "must lie in [0, 1]", "δ is a probability, e.g. 7/10")


def _square_root(sigma: fmpq_mat) -> Floats:
    """Return F (d × d) with FFᵀ = Σ; from the exact LDLᵀ, since a float Cholesky fails when Σ is nearly singular."""
    factors = exact.ldl(sigma)
    if factors is None:
        raise InputError("covariance", str(sigma), "is not positive definite", "every eigenvalue must be > 0")
    pivots = np.array([float(exact.to_fraction(p)) for p in factors.pivots])
    lower: Floats = np.array(exact.to_rows(factors.factor), dtype=np.float64)
    root: Floats = lower * np.sqrt(pivots)
    return root


class _Shown:
    """A model that shows its quantities in a notebook."""

    def _repr_html_(self) -> str:
        return notebook.table(type(self).__name__, _shown(self))


@dataclass(frozen=True, init=False)
class GMM(_Shown):
    """x ~ Σ_k w_k N(μ_k, Σ_k): weights (K), means (K × d), covariances (K of d × d), all rational, Σ_k ≻ 0.

    Numbers are written exactly: 1, Fraction(1, 2), "1/2", "0.5"; arrays of integers will do. A covariance is a matrix,
    d numbers for a diagonal one, or one number for a multiple of the identity.

    Raises InputError when a weight is not positive, the weights do not sum to exactly 1, a shape is off, or a
    covariance is not symmetric positive definite.
    """

    weights: tuple[Fraction, ...]
    means: Rows
    covariances: tuple[Covariance, ...]

    def __init__(self, weights: Numbers, means: NumberRows, covariances: Sequence[Covariance | NumberRows]) -> None:
        centres = rows("means", means)
        d = _dimension(centres)
        found = tuple(_covariance(f"covariances[{k}]", c, d) for k, c in enumerate(covariances))
        self._make(weights, centres, found)

    def _make(self, weights: Numbers, means: NumberRows, covariances: tuple[Covariance, ...]) -> None:
        object.__setattr__(self, "weights", vector("weights", weights))
        object.__setattr__(self, "means", rows("means", means))
        object.__setattr__(self, "covariances", covariances)
        _check_weights(self.weights)
        _check_means("means", self.means, len(self.weights))
        count = len(self.covariances)
        if count != self.components:
            rule = f"has {count} matrices for {self.components} weights"
            raise InputError("covariances", f"{count} matrices", rule, "give one per component")
        for k, c in enumerate(self.covariances):
            self._check_component_covariance(k, c)

    def _check_component_covariance(self, k: int, covariance: Covariance) -> None:
        _check_covariance(f"covariances[{k}]", covariance, self.dimension)

    def _check_whole(self) -> None:
        if self.dimension > MAX_WHOLE:
            rule = f"is above {MAX_WHOLE}, up to which d × d matrices are made"
            raise InputError("means", f"d = {self.dimension}", rule, "ask about InfoNCE, or drop coordinates")

    @property
    def components(self) -> int:
        """K, the number of components."""
        return len(self.weights)

    @property
    def dimension(self) -> int:
        """d, the dimension of x."""
        return len(self.means[0])

    @cached_property
    def w(self) -> tuple[fmpq, ...]:
        """The weights as flint rationals."""
        return tuple(exact.to_fmpq(x) for x in self.weights)

    @cached_property
    def mu(self) -> fmpq_mat:
        """The means as the columns of a d × K matrix."""
        return exact.matrix(self.means).transpose()

    @cached_property
    def sigmas(self) -> tuple[fmpq_mat, ...]:
        """The covariances Σ_k, each d × d."""
        self._check_whole()
        made = {id(c): exact.matrix(c) for c in self.covariances}
        return tuple(made[id(c)] for c in self.covariances)

    @cached_property
    def _roots(self) -> Floats:
        """F_k with F_k F_kᵀ = Σ_k (K × d × d)."""
        made = {id(sigma): _square_root(sigma) for sigma in self.sigmas}
        return np.array([made[id(sigma)] for sigma in self.sigmas])

    @cached_property
    def law(self) -> Mixture:
        """The mixture as the kernel sees it, unchecked: a diagonal covariance costs d there."""
        parts = {
            id(c): Entries([exact.to_fmpq(x) for x in c.entries]) if isinstance(c, Diagonal) else exact.matrix(c)
            for c in self.covariances
        }
        return Mixture(self.w, self.mu, [parts[id(c)] for c in self.covariances])

    @cached_property
    def sigma_bar(self) -> fmpq_mat:
        """Σ̄ = Σ_k w_k Σ_k (d × d), the within-component covariance."""
        if self.law.shared:
            return self.sigmas[0]
        return sum(
            (s * w for w, s in zip(self.w, self.sigmas, strict=True)), exact.zeros(self.dimension, self.dimension)
        )

    @cached_property
    def mean(self) -> fmpq_mat:
        """μ̄ = Σ_k w_k μ_k (d × 1)."""
        return self.mu * fmpq_mat(self.components, 1, list(self.w))

    @cached_property
    def S(self) -> fmpq_mat:
        """S = Σ_k w_k μ_k μ_kᵀ (d × d), the uncentred between-component moment of Definition 3.2."""
        self._check_whole()
        return self.mu * exact.diagonal(self.w) * self.mu.transpose()

    @cached_property
    def R(self) -> fmpq_mat:
        """R = E xxᵀ = Σ̄ + S (d × d)."""
        return self.sigma_bar + self.S

    @property
    def is_centred(self) -> bool:
        """Whether μ̄ = 0."""
        return exact.is_zero(self.mean)

    def with_one_covariance(self, model: str) -> SharedGMM:
        """Return the mixture as one whose components share a covariance; `model` is the word for it in files.

        Raises InputError when they do not.
        """
        if len(set(self.covariances)) == 1:
            return SharedGMM(self.weights, self.means, self.covariances[0])
        raise InputError("model", model, "has components with different covariances", "use a shared covariance here")

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """Draw n independent points, shape (n, d), as float64."""
        return self.sample_given(self.sample_labels(n, rng), rng)

    def sample_labels(self, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Draw n component labels, shape (n,)."""
        probabilities = np.array([float(w) for w in self.weights])
        ends = np.cumsum(probabilities / probabilities.sum())
        places, labels = rng.random(n), np.zeros(n, dtype=np.intp)
        for end in ends[:-1] / ends[-1]:  # few: faster than a search, as rng.choice does it
            labels += places >= end
        return labels

    def sample_given(self, labels: NDArray[np.intp], rng: np.random.Generator) -> Floats:
        """Draw one point of the labelled component for each label, shape (n, d)."""
        noise = rng.standard_normal((len(labels), self.dimension))
        means = np.array(self.means, dtype=np.float64)
        if self.law.shared:
            spread = np.einsum("ij,nj->ni", self._roots[0], noise)
        else:
            spread = np.einsum("nij,nj->ni", self._roots.take(labels, axis=0), noise)
        points: Floats = means.take(labels, axis=0) + spread
        return points


@dataclass(frozen=True, init=False)
class SharedGMM(GMM):
    """A GMM whose components share one covariance Σ (Definition 3.1)."""

    covariance: Covariance

    def __init__(
        self, weights: Numbers, means: NumberRows, covariance: Covariance | NumberRows | Number | None = None
    ) -> None:
        centres = rows("means", means)
        shared = _covariance("covariance", 1 if covariance is None else covariance, _dimension(centres))
        object.__setattr__(self, "covariance", shared)
        self._make(weights, centres, (shared,) * len(weights))

    def _check_component_covariance(self, k: int, covariance: Covariance) -> None:
        if k == 0:  # all the others are the same matrix
            _check_covariance("covariance", covariance, self.dimension)

    def with_one_covariance(self, _model: str) -> SharedGMM:
        """Return the mixture itself."""
        return self

    @property
    def sigma(self) -> fmpq_mat:
        """Σ (d × d)."""
        return self.sigmas[0]

    @cached_property
    def sigma_inverse_mu(self) -> fmpq_mat:
        """Σ⁻¹[μ_1 … μ_K] (d × K)."""
        return solve(self.law.average, self.mu)


@dataclass(frozen=True, init=False)
class AugmentedPairs(_Shown):
    """(x, x̂) ~ δ Σ_k w_k N_k × N_k + (1 − δ) F × F: the augmentation-enabled distribution (AeD), Definition 5.1.

    Raises InputError when the bias δ is outside [0, 1].
    """

    mixture: GMM
    bias: Fraction

    def __init__(self, mixture: GMM, bias: Number = 1) -> None:
        object.__setattr__(self, "mixture", mixture)
        object.__setattr__(self, "bias", rational("bias", bias))
        _check_bias(self.bias)

    @cached_property
    def coupling(self) -> fmpq_mat:
        """The joint law of the components of x and x̂, δ diag(w) + (1 − δ) wwᵀ (K × K)."""
        return _coupling(self.mixture.w, self.bias)

    @cached_property
    def C(self) -> fmpq_mat:
        """C = E[x x̂ᵀ] = δ S + (1 − δ) μ̄ μ̄ᵀ (d × d)."""
        delta, mean = exact.to_fmpq(self.bias), self.mixture.mean
        return self.mixture.S * delta + mean * mean.transpose() * (1 - delta)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw n pairs (x, x̂), each of shape (n, d)."""
        labels = self.mixture.sample_labels(n, rng)
        partners = _partner_labels(self.mixture, labels, self.bias, rng)
        return self.mixture.sample_given(labels, rng), self.mixture.sample_given(partners, rng)


def _coupling(w: Sequence[fmpq], bias: Fraction) -> fmpq_mat:
    delta, column = exact.to_fmpq(bias), fmpq_mat(len(w), 1, list(w))
    return exact.diagonal(w) * delta + column * column.transpose() * (1 - delta)


def _partner_labels(
    mixture: GMM, labels: NDArray[np.intp], bias: Fraction, rng: np.random.Generator
) -> NDArray[np.intp]:
    same = rng.random(len(labels)) < float(bias)
    return np.where(same, labels, mixture.sample_labels(len(labels), rng))


@dataclass(frozen=True, init=False)
class PairedGMM(_Shown):
    """(x_V, x_T) ~ Σ_k w_k N(μ_{V,k}, Σ_{V,k}) × N(μ_{T,k}, Σ_{T,k}): paired mixtures with covariances of their own.

    With probability 1 − δ (`bias` δ) the two modalities are drawn independently: a wrong caption.
    Raises InputError when the modalities' weights differ or δ is outside [0, 1].
    """

    vision: GMM
    text: GMM
    bias: Fraction

    def __init__(self, vision: GMM, text: GMM, bias: Number = 1) -> None:
        object.__setattr__(self, "vision", vision)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "bias", rational("bias", bias))
        _check_bias(self.bias)
        if self.vision.weights != self.text.weights:
            value = [str(w) for w in self.text.weights]
            raise InputError("text.weights", value, "differ from vision.weights", "the modalities share components")

    @property
    def weights(self) -> tuple[Fraction, ...]:
        """The weights (K) that both modalities share."""
        return self.vision.weights

    @cached_property
    def coupling(self) -> fmpq_mat:
        """The joint law of the components of x_V and x_T, δ diag(w) + (1 − δ) wwᵀ (K × K)."""
        return _coupling(self.vision.w, self.bias)

    @cached_property
    def C(self) -> fmpq_mat:
        """C_VT = E[x_V x_Tᵀ] = δ Σ_k w_k μ_{V,k} μ_{T,k}ᵀ + (1 − δ) μ̄_V μ̄_Tᵀ (d_V × d_T)."""
        delta = exact.to_fmpq(self.bias)
        matched = self.vision.mu * exact.diagonal(self.vision.w) * self.text.mu.transpose()
        return matched * delta + self.vision.mean * self.text.mean.transpose() * (1 - delta)

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw n pairs (x_V, x_T), shapes (n, d_V) and (n, d_T)."""
        labels = self.vision.sample_labels(n, rng)
        partners = _partner_labels(self.vision, labels, self.bias, rng)
        return self.vision.sample_given(labels, rng), self.text.sample_given(partners, rng)

    @property
    def shared(self) -> CLIPGMM:
        """The same pairs, when the components of each modality share a covariance.

        Raises InputError when they do not.
        """
        return CLIPGMM(
            self.vision.with_one_covariance("clip-gmm"), self.text.with_one_covariance("clip-gmm"), self.bias
        )


@dataclass(frozen=True, init=False)
class CLIPGMM(PairedGMM):
    """(x_V, x_T) ~ Σ_k w_k N(μ_{V,k}, Σ_V) × N(μ_{T,k}, Σ_T): a covariance for each modality, Definition 6.1."""

    vision: SharedGMM
    text: SharedGMM

    def __init__(self, vision: SharedGMM, text: SharedGMM, bias: Number = 1) -> None:
        super().__init__(vision, text, bias)

    @property
    def shared(self) -> CLIPGMM:
        """The pairs themselves."""
        return self


@dataclass(frozen=True, init=False)
class PopulationGraph(_Shown):
    """A finite set X with weights w_{xx'} ≥ 0 (n × n, symmetric) and a label for each point (HaoChen et al. 2021).

    Raises InputError when a weight is negative, the matrix is not symmetric, a point has no weight, or labels are
    missing.
    """

    weights: Rows
    labels: tuple[int, ...]

    def __init__(self, weights: NumberRows, labels: Sequence[int]) -> None:
        object.__setattr__(self, "weights", rows("weights", weights))
        object.__setattr__(self, "labels", tuple(labels))
        for i, label in enumerate(self.labels):
            if isinstance(label, bool) or not isinstance(label, int):
                raise InputError(f"labels[{i}]", label, "is not an integer", "number the classes")
        n = len(self.weights)
        if n == 0:
            raise InputError("weights", [], "a graph has at least one point", "give an n × n matrix")
        for i, row in enumerate(self.weights):
            if len(row) != n:
                raise InputError(f"weights[{i}]", f"{len(row)} entries", f"must have {n}", "give a square matrix")
        for i, row in enumerate(self.weights):
            for j, x in enumerate(row):
                if x < 0:
                    raise InputError(f"weights[{i}][{j}]", str(x), "must be ≥ 0", "weights are probabilities")
                if x != self.weights[j][i]:
                    rule = f"differs from weights[{j}][{i}] = {self.weights[j][i]}: the graph is undirected"
                    raise InputError(f"weights[{i}][{j}]", str(x), rule, "make the two entries equal")
            if sum(row) == 0:
                raise InputError(f"weights[{i}]", "zero row", "every point needs weight", "drop the isolated point")
        if len(self.labels) != n:
            raise InputError("labels", f"{len(self.labels)} labels", f"must be {n}", "give one label per point")

    @property
    def points(self) -> int:
        """n, the number of points."""
        return len(self.labels)


Value: TypeAlias = Fraction | tuple[Fraction, ...] | Rows
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True, init=False)
class Record(_Shown):
    """Numbers, columns and matrices by name: an instance of a model of one's own.

    Raises InputError when a name is not a letter and at most 39 letters, digits or _, or a value is not exact.

    >>> Record(L=2, x=["1/2", 1])["x"]
    (Fraction(1, 2), Fraction(1, 1))
    """

    entries: tuple[tuple[str, Value], ...]

    def __init__(self, **values: Any) -> None:
        for name in values:
            if not _NAME.fullmatch(name):
                rule = "is not a letter and at most 39 letters, digits or _"
                raise InputError("values", name, rule, "give the quantity a shorter name in ASCII")
        object.__setattr__(self, "entries", tuple((name, _value(name, x)) for name, x in values.items()))

    def __getitem__(self, name: str) -> Value:
        """Return a value by name. Raises KeyError when there is none."""
        return dict(self.entries)[name]


def _value(name: str, value: Any) -> Value:
    if not hasattr(value, "tolist") and not isinstance(value, list | tuple):
        return rational(name, value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not value:
        raise InputError(name, value, "is empty", "give at least one number")
    if not any(isinstance(x, list | tuple) for x in value):
        return vector(name, value)
    found = rows(name, value)
    for i, row in enumerate(found):
        if len(row) != len(found[0]) or not row:
            rule = f"has {len(row)} entries where row 0 has {len(found[0])}"
            raise InputError(f"{name}[{i}]", [str(x) for x in row], rule, "give every row the same length")
    return found


def _shown(model: Any) -> Iterator[tuple[str, str]]:
    """Yield the quantities of a model for a notebook."""
    match model:
        case AugmentedPairs():
            yield from _shown(model.mixture)
            yield "δ", str(model.bias)
        case PairedGMM():
            for name, part in (("vision", model.vision), ("text", model.text)):
                yield from ((f"{name}: {quantity}", value) for quantity, value in _shown(part))
            yield "δ", str(model.bias)
        case GMM():
            yield "weights", notebook.values(model.weights)
            yield "means", notebook.values(model.means)
            covariances = model.covariances[:1] if isinstance(model, SharedGMM) else model.covariances
            for k, covariance in enumerate(covariances, 1):
                diagonal = isinstance(covariance, Diagonal)
                value = notebook.values(covariance.entries if isinstance(covariance, Diagonal) else covariance)
                yield f"Σ{'' if isinstance(model, SharedGMM) else f'_{k}'}", f"diagonal {value}" if diagonal else value
        case PopulationGraph():
            yield "weights", notebook.values(model.weights)
            yield "labels", notebook.values(model.labels)
        case Record():
            yield from ((name, notebook.values(value)) for name, value in model.entries)


Model: TypeAlias = AugmentedPairs | PairedGMM | PopulationGraph | Record


def _columns(model: Model) -> int:
    match model:
        case AugmentedPairs(mixture=mixture):
            return mixture.components
        case PairedGMM():
            return model.vision.components
        case PopulationGraph():
            return len(set(model.labels))
        case Record():  # which has no map
            return 1


@dataclass(frozen=True, init=False)
class Instance:
    """What a claim is asked about: a model, the number of columns r of the map, and SimSiam's weight decay η.

    r is the number of components when it is left out, of a graph that of its labels.

    Raises InputError when r is not an integer ≥ 1, or η < 0, or η > 0 for a model that has no SimSiam.
    """

    model: Model
    rank: int
    weight_decay: Fraction

    def __init__(self, model: Model, rank: int | None = None, weight_decay: Number = 0) -> None:
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "rank", _columns(model) if rank is None else rank)
        object.__setattr__(self, "weight_decay", rational("weight_decay", weight_decay))
        if not isinstance(self.rank, int) and isinstance(self.rank, numbers.Integral):  # NumPy's
            object.__setattr__(self, "rank", int(self.rank))
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or self.rank < 1:
            raise InputError("rank", self.rank, "must be an integer ≥ 1", "r is the number of columns of the map")
        if self.weight_decay < 0:
            raise InputError("weight_decay", str(self.weight_decay), "must be ≥ 0", "omit it for η = 0")
        if self.weight_decay and not isinstance(self.model, AugmentedPairs):
            rule = "is for models of augmented pairs, where SimSiam lives"
            raise InputError("weight_decay", str(self.weight_decay), rule, "omit it here")

    def _repr_html_(self) -> str:
        rows = [*_shown(self.model), ("r", str(self.rank))]
        rows += [("η", str(self.weight_decay))] if self.weight_decay else []
        return notebook.table(notebook.escaped(self.kind), rows)

    @property
    def kind(self) -> str:
        """The word for the model in instance files, e.g. "shared-gmm"."""
        match self.model:
            case AugmentedPairs(mixture=SharedGMM()):
                return "shared-gmm"
            case AugmentedPairs():
                return "gmm"
            case PairedGMM():
                return "clip-gmm"
            case PopulationGraph():
                return "population-graph"
            case Record():
                return "record"

    @property
    def pairs(self) -> AugmentedPairs:
        """The model, when it is one of augmented pairs.

        Raises InputError for the other models.
        """
        if not isinstance(self.model, AugmentedPairs):
            raise InputError("model", self.kind, "is not a Gaussian mixture", "use gmm or shared-gmm")
        return self.model

    @property
    def shared(self) -> SharedGMM:
        """The mixture, when its components share a covariance.

        Raises InputError for the other models.
        """
        return self.pairs.mixture.with_one_covariance("gmm")
