"""Models and instances, drawn from a source of choices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq
from hypothesis.strategies import SearchStrategy

from thmverify import exact
from thmverify.exact import Rows
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, SharedGMM
from thmverify.testing.matrices import positive_definite, rational
from thmverify.testing.sources import Source, Span, choose, size_in, strategy

COMPONENTS: Span = (1, 6)
DIMENSION: Span = (1, 8)


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
            scale: Fraction = choose(source, (Fraction(10), Fraction(100), Fraction(1000), Fraction(1, 1000)))
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
    weights = mixture_weights(source, size_in(source, components), hostile)
    means = mixture_means(source, weights, size_in(source, dimension), centred, hostile)
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
    weights = mixture_weights(source, size_in(source, components), hostile)
    means = mixture_means(source, weights, size_in(source, dimension), centred, hostile)
    covariances = [positive_definite(source, len(means[0]), hostile) for _ in weights]
    match source.integer(0, 4):
        case 3:
            covariances = [covariances[0]] * len(weights)
        case 4:
            covariances = [covariances[0] * fmpq(source.integer(1, 4)) for _ in weights]
    return GMM(weights, means, tuple(exact.to_rows(c) for c in covariances))


def bias(source: Source) -> Fraction:
    """Return δ: 1, 0, or a rational between them."""
    return choose(source, (Fraction(1), Fraction(0), Fraction(source.integer(1, 9), 10)))


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
    weights = mixture_weights(source, size_in(source, components), hostile)
    modalities = []
    for span in dimensions:
        means = mixture_means(source, weights, size_in(source, span), centred, hostile)
        covariance = positive_definite(source, len(means[0]), hostile)
        modalities.append(SharedGMM(weights, means, exact.to_rows(covariance)))
    return CLIPGMM(modalities[0], modalities[1], bias(source))


def population_graph(source: Source, points: Span = (1, 6), labels: int = 3) -> PopulationGraph:
    """Return a graph with small integer weights; it may be disconnected, but no point is isolated."""
    n = size_in(source, points)
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
    return Instance(pairs, rank, choose(source, (Fraction(0), Fraction(1, 2), Fraction(3))))


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
