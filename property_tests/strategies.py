"""Random exact models, maps and matrices: for Hypothesis, or from a seed.

Two ways to the same objects. In a property test::

    @given(shared_gmms(components=3, dimension=(1, 4), centred=True))
    def test_something(mixture): ...

and outside Hypothesis, where nothing needs to shrink::

    mixture = shared_gmm(Seeded(random.Random(7)), components=3)

Every strategy `things(…)` is the function `thing(source, …)` of this module fed by Hypothesis. Sizes are an int or an
inclusive (low, high) pair. Everything is rational; small integers come first, so that failures shrink to readable
models: equal weights, covariance I, means near 0.

With `hostile=True` (the default) about half of the draws are degenerate on purpose: a component of weight 10⁻⁹, a
covariance with an eigenvalue near 10⁻⁶, coincident or collinear means, a mean at 0, means hundreds of standard
deviations apart, rank-deficient or zero maps, a bias of exactly 0 or 1.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, TypeAlias, TypeVar

from flint import fmpq, fmpq_mat
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from verify import exact
from verify.exact import Rows
from verify.maps import CLIPFactors, Encoder, LinearMap, SimSiamPair
from verify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, SharedGMM

T = TypeVar("T")
Span: TypeAlias = int | tuple[int, int]

COMPONENTS: Span = (1, 6)
DIMENSION: Span = (1, 8)

MULTIPLIER = int(os.environ.get("THMVERIFY_MULTIPLIER", "1"))


def examples(n: int) -> int:
    """Return how many examples a test should run: n times the environment variable THMVERIFY_MULTIPLIER."""
    return n * MULTIPLIER


# ---------------------------------------------------------------------------------------------- sources of choice


class Source(Protocol):
    """Where the choices come from."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Choices made, recorded and shrunk by Hypothesis."""

    draw: DrawFn

    def integer(self, low: int, high: int) -> int:
        """Return an integer in [low, high]; shrinks towards 0, or towards `low` when that is positive."""
        return self.draw(st.integers(low, high))


@dataclass(frozen=True)
class Seeded:
    """Choices made by a seeded generator: the same seed, the same object."""

    rng: random.Random

    def integer(self, low: int, high: int) -> int:
        """Return a uniform integer in [low, high]."""
        return self.rng.randint(low, high)


def strategy(make: Callable[[Source], T]) -> SearchStrategy[T]:
    """Return the Hypothesis strategy that draws the choices of `make`."""

    @st.composite
    def drawn(draw: DrawFn) -> T:
        return make(Drawn(draw))

    return drawn()


def _size(source: Source, span: Span) -> int:
    return span if isinstance(span, int) else source.integer(*span)


def _choose(source: Source, options: Sequence[T]) -> T:
    """Return one of `options`; the first is the one that failures shrink to."""
    return options[source.integer(0, len(options) - 1)]


# ------------------------------------------------------------------------------------------- numbers and matrices


def rational(source: Source, size: int = 3, denominators: Sequence[int] = (1, 2, 3, 5)) -> Fraction:
    """Return a rational in [−size, size] with one of these denominators."""
    denominator = _choose(source, denominators)
    return Fraction(source.integer(-size * denominator, size * denominator), denominator)


def rational_matrix(source: Source, rows: int, columns: int, size: int = 3) -> fmpq_mat:
    """Return a rows × columns matrix of small rationals; a third of them have integer entries only."""
    denominators = _choose(source, ((1,), (1, 2), (1, 2, 3, 5)))
    entries = [exact.to_fmpq(rational(source, size, denominators)) for _ in range(rows * columns)]
    return fmpq_mat(rows, columns, entries)


def invertible_matrix(source: Source, n: int) -> fmpq_mat:
    """Return an invertible n × n matrix with small entries: permutation · unit lower · upper triangular."""
    lower, upper = exact.identity(n), exact.zeros(n, n)
    for i in range(n):
        upper[i, i] = fmpq(_choose(source, (1, -1, 2, -3)), _choose(source, (1, 2)))
        for j in range(i):
            lower[i, j] = fmpq(source.integer(-2, 2))
            upper[j, i] = fmpq(source.integer(-2, 2))
    return permutation_matrix(permutation(source, n)) * lower * upper


def rational_orthogonal_matrix(source: Source, n: int) -> fmpq_mat:
    """Return a rational T with TᵀT = I: a product of up to n reflections I − 2vvᵀ/vᵀv along integer vectors."""
    product = exact.identity(n)
    for _ in range(source.integer(0, n)):
        v = exact.column([source.integer(-3, 3) for _ in range(n)])
        if not exact.is_zero(v):
            product = product - (product * v) * v.transpose() * (fmpq(2) / exact.inner(v, v))
    return product


def permutation(source: Source, n: int) -> list[int]:
    """Return a permutation of 0 … n−1."""
    order = list(range(n))
    for i in range(n - 1):
        j = source.integer(i, n - 1)
        order[i], order[j] = order[j], order[i]
    return order


def permutation_matrix(order: Sequence[int]) -> fmpq_mat:
    """Return the matrix with (Px)_i = x_{order[i]}."""
    return exact.submatrix(exact.identity(len(order)), order, range(len(order)))


def positive_definite(source: Source, n: int, hostile: bool = True) -> fmpq_mat:
    """Return a symmetric positive definite n × n matrix, LDLᵀ; when hostile, one pivot may be as small as 10⁻⁶."""
    kind = source.integer(0, 3 if hostile else 2)
    pivots = [fmpq(_choose(source, (1, 2, 3)), _choose(source, (1, 2))) if kind else fmpq(1) for _ in range(n)]
    lower = exact.identity(n)
    if kind >= 2:
        for i in range(n):
            for j in range(i):
                lower[i, j] = fmpq(source.integer(-2, 2), 2)
    if kind == 3:
        pivots[source.integer(0, n - 1)] = fmpq(1, 10 ** source.integer(1, 6))
    return lower * exact.diagonal(pivots) * lower.transpose()


# ---------------------------------------------------------------------------------------------------------- models


def mixture_weights(source: Source, components: int, hostile: bool = True) -> tuple[Fraction, ...]:
    """Return positive weights that sum to 1: equal, small multiples of a unit, or (hostile) one as small as 10⁻⁹."""
    kind = source.integer(0, 2 if hostile else 1)
    counts = [source.integer(1, 9) if kind else 1 for _ in range(components)]
    if kind == 2:
        rare = source.integer(0, components - 1)
        factor = 10 ** source.integer(1, 9)
        counts = [n if k == rare else n * factor for k, n in enumerate(counts)]
    total = sum(counts)
    return tuple(Fraction(n, total) for n in counts)


def mixture_means(
    source: Source, weights: Sequence[Fraction], dimension: int, centred: bool | None, hostile: bool = True
) -> Rows:
    """Return one mean per weight; `centred` shifts them to Σ w_k μ_k = 0 (None: sometimes)."""
    K = len(weights)
    rows = [[rational(source) for _ in range(dimension)] for _ in range(K)]
    if hostile:
        rows = _degenerate(source, rows)
    if centred or (centred is None and source.integer(0, 1)):
        mean = [sum((w * row[i] for w, row in zip(weights, rows, strict=True)), Fraction(0)) for i in range(dimension)]
        rows = [[x - m for x, m in zip(row, mean, strict=True)] for row in rows]
    return tuple(tuple(row) for row in rows)


def _degenerate(source: Source, rows: list[list[Fraction]]) -> list[list[Fraction]]:
    k, other = source.integer(0, len(rows) - 1), source.integer(0, len(rows) - 1)
    match source.integer(0, 7):
        case 4:
            rows[k] = list(rows[other])  # coincident
        case 5:
            rows[k] = [Fraction(0)] * len(rows[0])
        case 6:
            rows = [[rational(source) * x for x in rows[0]] for _ in rows]  # collinear
        case 7:
            scale = _choose(source, (10, 100, 1000, Fraction(1, 1000)))
            rows = [[scale * x for x in row] for row in rows]
    return rows


def shared_gmm(
    source: Source,
    components: Span = COMPONENTS,
    dimension: Span = DIMENSION,
    centred: bool | None = None,
    hostile: bool = True,
) -> SharedGMM:
    """Return a mixture with one covariance."""
    weights = mixture_weights(source, _size(source, components), hostile)
    means = mixture_means(source, weights, _size(source, dimension), centred, hostile)
    covariance = positive_definite(source, len(means[0]), hostile)
    return SharedGMM(weights, means, exact.to_rows(covariance))


def gmm(
    source: Source,
    components: Span = COMPONENTS,
    dimension: Span = DIMENSION,
    centred: bool | None = None,
    hostile: bool = True,
) -> GMM:
    """Return a mixture with a covariance for each component; some of them may coincide or be proportional."""
    weights = mixture_weights(source, _size(source, components), hostile)
    means = mixture_means(source, weights, _size(source, dimension), centred, hostile)
    covariances = [positive_definite(source, len(means[0]), hostile) for _ in weights]
    match source.integer(0, 4):
        case 3:
            covariances = [covariances[0]] * len(weights)
        case 4:
            covariances = [covariances[0] * fmpq(source.integer(1, 4)) for _ in weights]
    return GMM(weights, means, tuple(exact.to_rows(c) for c in covariances))


def bias(source: Source) -> Fraction:
    """Return δ: 1, 0, or a rational between them."""
    return _choose(source, (Fraction(1), Fraction(0), Fraction(source.integer(1, 9), 10)))


def augmented_pair(
    source: Source,
    components: Span = COMPONENTS,
    dimension: Span = DIMENSION,
    centred: bool | None = None,
    shared: bool | None = True,
    hostile: bool = True,
) -> AugmentedPairs:
    """Return pairs (x, x̂) over a mixture with one covariance; `shared=False`: one for each; None: either."""
    one = shared if shared is not None else source.integer(0, 1) == 0
    mixture = (shared_gmm if one else gmm)(source, components, dimension, centred, hostile)
    return AugmentedPairs(mixture, bias(source))


def clip_gmm(
    source: Source,
    components: Span = COMPONENTS,
    dimensions: tuple[Span, Span] = (DIMENSION, DIMENSION),
    centred: bool | None = None,
    hostile: bool = True,
) -> CLIPGMM:
    """Return a paired mixture; `dimensions` are those of vision and text."""
    weights = mixture_weights(source, _size(source, components), hostile)
    modalities = []
    for span in dimensions:
        means = mixture_means(source, weights, _size(source, span), centred, hostile)
        covariance = positive_definite(source, len(means[0]), hostile)
        modalities.append(SharedGMM(weights, means, exact.to_rows(covariance)))
    return CLIPGMM(modalities[0], modalities[1], bias(source))


def population_graph(source: Source, points: Span = (1, 6), labels: int = 3) -> PopulationGraph:
    """Return a graph with small integer weights; it may be disconnected, but no point is isolated."""
    n = _size(source, points)
    weights = [[Fraction(0)] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            weights[i][j] = weights[j][i] = Fraction(source.integer(0, 4))
    for i in range(n):
        if sum(weights[i]) == 0:
            weights[i][i] = Fraction(1)
    marks = tuple(source.integer(0, labels - 1) for _ in range(n))
    return PopulationGraph(tuple(tuple(row) for row in weights), marks)


def instance(source: Source, hostile: bool = True) -> Instance:
    """Return an instance of any of the four models, with r from 1 to beyond d, and sometimes a weight decay."""
    match source.integer(0, 3):
        case 0:
            return mixture_instance(source, hostile=hostile)
        case 1:
            return mixture_instance(source, shared=False, hostile=hostile)
        case 2:
            return Instance(clip_gmm(source, hostile=hostile), source.integer(1, 10))
        case _:
            return Instance(population_graph(source), source.integer(1, 6))


def mixture_instance(
    source: Source,
    components: Span = COMPONENTS,
    dimension: Span = DIMENSION,
    centred: bool | None = None,
    shared: bool | None = True,
    hostile: bool = True,
) -> Instance:
    """Return an instance over augmented pairs."""
    pairs = augmented_pair(source, components, dimension, centred, shared, hostile)
    rank = source.integer(1, pairs.mixture.dimension + 2)
    return Instance(pairs, rank, _choose(source, (Fraction(0), Fraction(1, 2), Fraction(3))))


# ------------------------------------------------------------------------------------------------------------ maps


def map_matrix(source: Source, rows: int, columns: int, hostile: bool = True) -> fmpq_mat:
    """Return a rows × columns factor; when hostile, sometimes 0, of rank 1, or with a repeated column."""
    A = rational_matrix(source, rows, columns, size=2)
    if hostile:
        match source.integer(0, 7):
            case 5:
                return exact.zeros(rows, columns)
            case 6:
                return A * exact.column([1] + [0] * (columns - 1)) * rational_matrix(source, 1, columns)
            case 7:
                return exact.submatrix(A, range(rows), [source.integer(0, columns - 1) for _ in range(columns)])
    return A


def encoder(source: Source, dimension: int, columns: Span | None = None, hostile: bool = True) -> Encoder:
    """Return f(x) = Aᵀx with A of d × r; r defaults to 1 … d + 2."""
    return Encoder(map_matrix(source, dimension, _size(source, columns or (1, dimension + 2)), hostile))


def clip_factors(source: Source, dimensions: tuple[int, int], columns: Span = (1, 4)) -> CLIPFactors:
    """Return A_V and A_T with the same number of columns."""
    r = _size(source, columns)
    return CLIPFactors(map_matrix(source, dimensions[0], r), map_matrix(source, dimensions[1], r))


def simsiam_pair(source: Source, dimension: int, columns: Span = (1, 4)) -> SimSiamPair:
    """Return an encoder and a predictor, which is singular now and then."""
    r = _size(source, columns)
    return SimSiamPair(map_matrix(source, dimension, r), map_matrix(source, r, r))


def moderated(A: fmpq_mat, mixture: GMM, spread: int = 4) -> fmpq_mat:
    """Return A scaled by a power of 2 so that the logits of InfoNCE, xᵀAAᵀμ_k and so on, spread by at most `spread`."""
    while _spread(A * A.transpose(), mixture, mixture) > spread:
        A = A * fmpq(1, 2)
    return A


def moderated_factors(factors: CLIPFactors, model: CLIPGMM, spread: int = 4) -> CLIPFactors:
    """Return the factors scaled alike by a power of 2, as `moderated` does, for both directions of CLIP."""
    W = factors.W
    scale = fmpq(1)
    while max(_spread(W, model.vision, model.text), _spread(W.transpose(), model.text, model.vision)) > spread:
        W, scale = W * fmpq(1, 4), scale * fmpq(1, 2)
    return CLIPFactors(factors.A_V * scale, factors.A_T * scale)


def _spread(W: fmpq_mat, source: GMM, target: GMM) -> float:
    """Return the size of log E_y exp(xᵀWy) as a function of x: within a component, between them, and bent."""
    slopes = W * target.mu
    within = [slopes.transpose() * sigma * slopes for sigma in source.sigmas]
    between = [abs(x) for x in (source.mu.transpose() * slopes).entries()]
    bends = [W * sigma * W.transpose() for sigma in target.sigmas]
    bent = [exact.inner(bend, sigma) for bend in bends for sigma in source.sigmas]
    worst = max(w[k, k] for w in within for k in range(target.components))
    return float(exact.to_fraction(worst)) ** 0.5 + float(exact.to_fraction(max(between) + max(bent)))


@dataclass(frozen=True)
class Posed:
    """A question about a loss: its name, an instance, and a map it takes."""

    loss: str
    instance: Instance
    linear_map: LinearMap


def posed(
    source: Source,
    loss: str,
    components: Span = (1, 4),
    dimension: Span = (1, 4),
    columns: Span = 1,
    spread: int = 4,
    shared: bool | None = True,
    hostile: bool = True,
) -> Posed:
    """Return a question about `loss`; maps of losses with integrals have r = `columns` and are moderated."""
    if loss == "clip":
        model = clip_gmm(source, components, (dimension, dimension), hostile=hostile)
        factors = clip_factors(source, (model.vision.dimension, model.text.dimension), columns)
        return Posed(loss, Instance(model, 1), moderated_factors(factors, model, spread))
    question = mixture_instance(source, components, dimension, None, shared, hostile)
    mixture = question.pairs.mixture
    d = mixture.dimension
    match loss:
        case "infonce":
            A = encoder(source, d, columns, hostile).A
            return Posed(loss, question, Encoder(moderated(A, mixture, spread)))
        case "simsiam":
            return Posed(loss, question, simsiam_pair(source, d))
        case "pca":
            columns = source.integer(1, d)
            return Posed(loss, question, Encoder(orthonormal_columns(source, d, columns)))
        case _:
            return Posed(loss, question, encoder(source, d, hostile=hostile))


def orthonormal_columns(source: Source, rows: int, columns: int) -> fmpq_mat:
    """Return A (rows × columns) with AᵀA = I."""
    return exact.submatrix(rational_orthogonal_matrix(source, rows), range(rows), range(columns))


# ------------------------------------------------------------------------------------------------ the strategies


def rationals(size: int = 3, denominators: Sequence[int] = (1, 2, 3, 5)) -> SearchStrategy[Fraction]:
    """Rationals in [−size, size]; see `rational`."""
    return strategy(lambda source: rational(source, size, denominators))


def rational_matrices(rows: Span, columns: Span) -> SearchStrategy[fmpq_mat]:
    """Matrices of small rationals; see `rational_matrix`."""
    return strategy(lambda source: rational_matrix(source, _size(source, rows), _size(source, columns)))


def invertible_matrices(n: Span) -> SearchStrategy[fmpq_mat]:
    """Invertible n × n matrices; see `invertible_matrix`."""
    return strategy(lambda source: invertible_matrix(source, _size(source, n)))


def rational_orthogonal_matrices(n: Span) -> SearchStrategy[fmpq_mat]:
    """Orthogonal n × n matrices with rational entries; see `rational_orthogonal_matrix`."""
    return strategy(lambda source: rational_orthogonal_matrix(source, _size(source, n)))


def positive_definite_matrices(n: Span, hostile: bool = True) -> SearchStrategy[fmpq_mat]:
    """Covariances; see `positive_definite`."""
    return strategy(lambda source: positive_definite(source, _size(source, n), hostile))


def permutations(n: Span) -> SearchStrategy[list[int]]:
    """Permutations of 0 … n−1."""
    return strategy(lambda source: permutation(source, _size(source, n)))


def shared_gmms(
    components: Span = COMPONENTS, dimension: Span = DIMENSION, centred: bool | None = None, hostile: bool = True
) -> SearchStrategy[SharedGMM]:
    """Mixtures with one covariance; see `shared_gmm`."""
    return strategy(lambda source: shared_gmm(source, components, dimension, centred, hostile))


def gmms(
    components: Span = COMPONENTS, dimension: Span = DIMENSION, centred: bool | None = None, hostile: bool = True
) -> SearchStrategy[GMM]:
    """Mixtures with a covariance for each component; see `gmm`."""
    return strategy(lambda source: gmm(source, components, dimension, centred, hostile))


def augmented_pairs(
    components: Span = COMPONENTS,
    dimension: Span = DIMENSION,
    centred: bool | None = None,
    shared: bool | None = True,
    hostile: bool = True,
) -> SearchStrategy[AugmentedPairs]:
    """Augmented pairs with any bias; see `augmented_pair`."""
    return strategy(lambda source: augmented_pair(source, components, dimension, centred, shared, hostile))


def clip_gmms(
    components: Span = COMPONENTS,
    dimensions: tuple[Span, Span] = (DIMENSION, DIMENSION),
    centred: bool | None = None,
    hostile: bool = True,
) -> SearchStrategy[CLIPGMM]:
    """Paired mixtures with any bias; see `clip_gmm`."""
    return strategy(lambda source: clip_gmm(source, components, dimensions, centred, hostile))


def population_graphs(points: Span = (1, 6), labels: int = 3) -> SearchStrategy[PopulationGraph]:
    """Population graphs; see `population_graph`."""
    return strategy(lambda source: population_graph(source, points, labels))


def instances(hostile: bool = True) -> SearchStrategy[Instance]:
    """Instances of all four models; see `instance`."""
    return strategy(lambda source: instance(source, hostile))


def mixture_instances(
    components: Span = COMPONENTS,
    dimension: Span = DIMENSION,
    centred: bool | None = None,
    shared: bool | None = True,
    hostile: bool = True,
) -> SearchStrategy[Instance]:
    """Instances over augmented pairs, with rank and weight decay; see `mixture_instance`."""
    return strategy(lambda source: mixture_instance(source, components, dimension, centred, shared, hostile))


def encoders(dimension: int, columns: Span | None = None, hostile: bool = True) -> SearchStrategy[Encoder]:
    """Encoders on Q^d; see `encoder`."""
    return strategy(lambda source: encoder(source, dimension, columns, hostile))


def posed_questions(
    loss: str,
    components: Span = (1, 4),
    dimension: Span = (1, 4),
    columns: Span = 1,
    spread: int = 4,
    shared: bool | None = True,
    hostile: bool = True,
) -> SearchStrategy[Posed]:
    """Questions about a loss; see `posed`."""
    return strategy(lambda source: posed(source, loss, components, dimension, columns, spread, shared, hostile))
