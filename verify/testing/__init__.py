"""Random exact models, maps and matrices: for Hypothesis, or from a seed.

Two ways to the same objects. In a property test::

    @given(shared_gmms(components=3, dimension=(1, 4), centred=True))
    def test_something(mixture): ...

and outside Hypothesis, where nothing needs to shrink::

    mixture = shared_gmm(Seeded(random.Random(7)), components=3)

Every strategy `things(…)` is the function `thing(source, …)` fed by Hypothesis. Sizes are an int or an inclusive
(low, high) pair. Everything is rational; small integers come first, so that failures shrink to readable models: equal
weights, covariance I, means near 0.

With `hostile=True` (the default) about half of the draws are degenerate on purpose: a component of weight 10⁻⁹, a
covariance with an eigenvalue near 10⁻⁶, coincident or collinear means, a mean at 0, means hundreds of standard
deviations apart, rank-deficient or zero maps, a bias of exactly 0 or 1.
"""

from __future__ import annotations

import os

from thmverify.testing.maps import (
    Posed,
    clip_factors,
    encoder,
    encoders,
    map_matrix,
    moderated,
    moderated_factors,
    posed,
    posed_questions,
    simsiam_pair,
)
from thmverify.testing.matrices import (
    invertible_matrices,
    invertible_matrix,
    orthonormal_columns,
    permutation,
    permutation_matrix,
    permutations,
    positive_definite,
    positive_definite_matrices,
    rational,
    rational_matrices,
    rational_matrix,
    rational_orthogonal_matrices,
    rational_orthogonal_matrix,
    rationals,
)
from thmverify.testing.models import (
    COMPONENTS,
    DIMENSION,
    augmented_pair,
    augmented_pairs,
    bias,
    clip_gmm,
    clip_gmms,
    gmm,
    gmms,
    instance,
    instances,
    mixture_instance,
    mixture_instances,
    mixture_means,
    mixture_weights,
    population_graph,
    population_graphs,
    shared_gmm,
    shared_gmms,
)
from thmverify.testing.sources import Drawn, Seeded, Source, Span, strategy

__all__ = [
    "COMPONENTS",
    "DIMENSION",
    "MULTIPLIER",
    "Drawn",
    "Posed",
    "Seeded",
    "Source",
    "Span",
    "augmented_pair",
    "augmented_pairs",
    "bias",
    "clip_factors",
    "clip_gmm",
    "clip_gmms",
    "encoder",
    "encoders",
    "examples",
    "gmm",
    "gmms",
    "instance",
    "instances",
    "invertible_matrices",
    "invertible_matrix",
    "map_matrix",
    "mixture_instance",
    "mixture_instances",
    "mixture_means",
    "mixture_weights",
    "moderated",
    "moderated_factors",
    "orthonormal_columns",
    "permutation",
    "permutation_matrix",
    "permutations",
    "population_graph",
    "population_graphs",
    "posed",
    "posed_questions",
    "positive_definite",
    "positive_definite_matrices",
    "rational",
    "rational_matrices",
    "rational_matrix",
    "rational_orthogonal_matrices",
    "rational_orthogonal_matrix",
    "rationals",
    "shared_gmm",
    "shared_gmms",
    "simsiam_pair",
    "strategy",
]

MULTIPLIER = int(os.environ.get("THMVERIFY_MULTIPLIER", "1"))


def examples(n: int) -> int:
    """Return how many examples a test should run: n times the environment variable THMVERIFY_MULTIPLIER."""
    return n * MULTIPLIER
