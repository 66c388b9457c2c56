"""A draft: the free rational numbers of an instance, and the instance that they make.

What is fixed (centred means, equal weights, Σ = I) is not among the numbers, so whatever is done to them keeps it:
component 0 takes the weight that the others leave, and its mean balances theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal, Protocol, Self, TypeAlias

from thmverify.certifying import decide
from thmverify.errors import InputError
from thmverify.hunting.settings import Settings
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.spaces import simplest
from thmverify.subspaces import fisher_subspace
from thmverify.verdicts import Verdict

Rows: TypeAlias = tuple[tuple[Fraction, ...], ...]
Kind: TypeAlias = Literal["shared-gmm", "gmm", "clip-gmm"]


class Proposed(Protocol):
    """An instance in the making: free numbers that a search may change, and a simplification make shorter."""

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The free numbers."""
        ...

    def with_numbers(self, numbers: Sequence[Fraction]) -> Self:
        """Return the draft with other free numbers."""
        ...

    def instance(self) -> Instance:
        """Return the instance. Raises InputError when the numbers make none."""
        ...

    @property
    def spans(self) -> bool:
        """Whether the numbers make an instance of the kind that is searched."""
        ...

    def kept(self, settings: Any) -> bool:
        """Whether what the user fixed is kept."""
        ...

    def canonical(self) -> Self:
        """Return the draft that stands for all that differ from it by a symmetry of the claims."""
        ...

    def decide(self, claim: str) -> tuple[Verdict, bytes | None]:
        """Return the verdict on the claim, and the certificate. Raises InputError when there is no instance."""
        ...

    def smaller(self) -> Iterator[Self]:
        """Yield drafts with a part left out."""
        ...

    @property
    def height(self) -> int:
        """The largest numerator or denominator."""
        ...

    @property
    def cost(self) -> tuple[int, int, int, float]:
        """What simplification lowers."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the draft as JSON."""
        ...


@dataclass(frozen=True)
class Draft:
    """Free numbers and what is fixed beside them.

    weights: of components 1…K−1, empty when equal. means: a matrix for each modality (two for "clip-gmm"), its rows
    those of the components 0…K−1, or 1…K−1 when centred. covariances: lower triangles, row by row: one for each
    modality, one for each component for "gmm"; empty for Σ = I. `rank` 0 stands for K.
    """

    kind: Kind
    components: int
    weights: tuple[Fraction, ...]
    means: tuple[Rows, ...]
    covariances: tuple[Rows, ...]
    bias: Fraction
    rank: int = 0
    decay: Fraction = Fraction(0)
    centred: bool = True

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The free numbers: weights, then means, then covariances."""
        return (*self.weights, *(x for matrix in (*self.means, *self.covariances) for row in matrix for x in row))

    @property
    def dimensions(self) -> tuple[int, ...]:
        """The dimension of each modality."""
        return tuple(len(matrix[0]) for matrix in self.means)

    def with_numbers(self, numbers: Sequence[Fraction]) -> Draft:
        """Return the draft with other free numbers."""
        rest = iter(numbers)
        weights = tuple(next(rest) for _ in self.weights)
        means, covariances = (
            tuple(tuple(tuple(next(rest) for _ in row) for row in matrix) for matrix in group)
            for group in (self.means, self.covariances)
        )
        return replace(self, weights=weights, means=means, covariances=covariances)

    def instance(self) -> Instance:
        """Return the instance.

        Raises InputError when the numbers make none: a weight that is not positive, a covariance not definite.
        """
        weights = self._all_weights()
        means = [self._all_means(matrix, weights) for matrix in self.means]
        sigmas = [_symmetric(lower) for lower in self.covariances]
        model: AugmentedPairs | CLIPGMM
        if self.kind == "clip-gmm":
            vision, text = (SharedGMM(weights, mu, sigmas[i] if sigmas else None) for i, mu in enumerate(means))
            model = CLIPGMM(vision, text, self.bias)
        elif self.kind == "gmm" and sigmas:
            model = AugmentedPairs(GMM(weights, means[0], tuple(sigmas)), self.bias)
        else:
            model = AugmentedPairs(SharedGMM(weights, means[0], sigmas[0] if sigmas else None), self.bias)
        return Instance(model, self.rank or self.components, self.decay)

    @property
    def spans(self) -> bool:
        """Whether the means are in general position; false, too, when the numbers make no instance."""
        try:
            model = self.instance().model
        except InputError:
            return False
        mixtures = (model.vision, model.text) if isinstance(model, CLIPGMM) else (self.instance().pairs.mixture,)
        most = self.components - (1 if self.centred else 0)
        return all(fisher_subspace(x).dimension == min(most, x.dimension) for x in mixtures)

    def _all_weights(self) -> tuple[Fraction, ...]:
        if not self.weights:
            return (Fraction(1, self.components),) * self.components
        return (1 - sum(self.weights, Fraction(0)), *self.weights)

    def _all_means(self, matrix: Rows, weights: tuple[Fraction, ...]) -> Rows:
        if not self.centred:
            return matrix
        if weights[0] <= 0:  # the instance will say so
            return ((Fraction(0),) * len(matrix[0]), *matrix)
        pulls = zip(*[[w * x for x in row] for w, row in zip(weights[1:], matrix, strict=True)], strict=True)
        return (tuple(-sum(column, Fraction(0)) / weights[0] for column in pulls), *matrix)

    @property
    def height(self) -> int:
        """The largest numerator or denominator among the free numbers, the bias and the decay."""
        return tallest((*self.numbers, self.bias, self.decay))

    @property
    def cost(self) -> tuple[int, int, int, float]:
        """What simplification lowers: components, dimensions, covariance entries, the length of all numbers."""
        entries = sum(len(row) for lower in self.covariances for row in lower)
        return self.components, sum(self.dimensions), entries, round(sum(length(x) for x in self.numbers), 6)

    def without_component(self, k: int) -> Draft:
        """Return the draft without component k ≥ 1; component 0 takes its weight."""
        drop = k - 1 if self.centred else k
        return replace(
            self,
            components=self.components - 1,
            weights=_without(self.weights, k - 1) if self.weights else (),
            means=tuple(_without(matrix, drop) for matrix in self.means),
            covariances=_without(self.covariances, k) if self.kind == "gmm" else self.covariances,
        )

    def without_dimension(self, modality: int, i: int) -> Draft:
        """Return the draft without coordinate i of a modality."""
        means = tuple(
            tuple(_without(row, i) for row in matrix) if n == modality else matrix
            for n, matrix in enumerate(self.means)
        )
        covariances = tuple(
            _without_axis(lower, i) if self.kind != "clip-gmm" or n == modality else lower
            for n, lower in enumerate(self.covariances)
        )
        return replace(self, means=means, covariances=covariances)

    def canonical(self) -> Draft:
        """Return the draft whose means have a positive first entry in each coordinate, but for zeros.

        Which mirror image floats propose is up to the machine (the signs of eigenvectors); no claim depends on it.
        """
        weights, draft = self._all_weights(), self
        for modality, matrix in enumerate(self.means):
            columns = zip(*self._all_means(matrix, weights), strict=True)
            signs = tuple(-1 if next((x for x in column if x), Fraction(0)) < 0 else 1 for column in columns)
            draft = draft._mirrored(modality, signs)
        return draft

    def _mirrored(self, modality: int, signs: tuple[int, ...]) -> Draft:
        """Return the draft with coordinates of one modality multiplied by these signs."""
        means = tuple(
            tuple(tuple(s * x for s, x in zip(signs, row, strict=True)) for row in matrix) if n == modality else matrix
            for n, matrix in enumerate(self.means)
        )
        covariances = tuple(
            tuple(tuple(signs[i] * signs[j] * x for j, x in enumerate(row)) for i, row in enumerate(lower))
            if self.kind != "clip-gmm" or n == modality
            else lower
            for n, lower in enumerate(self.covariances)
        )
        return replace(self, means=means, covariances=covariances)

    def kept(self, settings: Settings) -> bool:
        """Whether what the user fixed is kept."""
        if "components" in settings.named and self.components != settings.components:
            return False
        return "dimension" not in settings.named or max(self.dimensions) == settings.dimension

    def decide(self, claim: str) -> tuple[Verdict, bytes | None]:
        """Return the verdict on a claim, and the certificate. Raises InputError when the numbers make no instance."""
        return decide(claim, self.instance(), measured=False)

    def smaller(self) -> Iterator[Draft]:
        """Yield the draft without a component, a dimension, a covariance; then with a covariance half as large."""
        if self.components > (2 if self.centred else 1):
            yield from (self.without_component(k) for k in range(self.components - 1, 0, -1))
        for modality, dimension in enumerate(self.dimensions):
            if dimension > 1:
                yield from (self.without_dimension(modality, i) for i in range(dimension - 1, -1, -1))
        if self.covariances:
            yield replace(self, kind="shared-gmm" if self.kind == "gmm" else self.kind, covariances=())
        for i, lower in enumerate(self.covariances):
            half = tuple(tuple(x / 2 for x in row) for row in lower)
            yield replace(self, covariances=(*self.covariances[:i], half, *self.covariances[i + 1 :]))

    def to_json(self) -> dict[str, Any]:
        """Return the draft as JSON, rationals as text."""
        return {
            "kind": self.kind,
            "components": self.components,
            "weights": [str(x) for x in self.weights],
            "means": [[[str(x) for x in row] for row in matrix] for matrix in self.means],
            "covariances": [[[str(x) for x in row] for row in lower] for lower in self.covariances],
            "bias": str(self.bias),
            "rank": self.rank,
            "decay": str(self.decay),
            "centred": self.centred,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Draft:
        """Return the draft that `to_json` wrote."""
        means, covariances = (
            tuple(tuple(tuple(Fraction(x) for x in row) for row in matrix) for matrix in data[key])
            for key in ("means", "covariances")
        )
        return cls(
            data["kind"],
            data["components"],
            tuple(Fraction(x) for x in data["weights"]),
            means,
            covariances,
            Fraction(data["bias"]),
            data["rank"],
            Fraction(data["decay"]),
            data["centred"],
        )


def tallest(numbers: Sequence[Fraction]) -> int:
    """Return the largest numerator or denominator; 1 where there is no number."""
    return max((max(abs(x.numerator), x.denominator) for x in numbers), default=1)


def length(x: Fraction) -> float:
    """Return how long a number is, in bits: of its numerator and its denominator, and a little for a sign."""
    return math.log2(1 + abs(x.numerator)) + math.log2(x.denominator) + 0.1 * (x < 0)


def _without(items: tuple[Any, ...], i: int) -> tuple[Any, ...]:
    return (*items[:i], *items[i + 1 :])


def _without_axis(lower: Rows, i: int) -> Rows:
    return tuple(_without(row, i) if len(row) > i else row for row in _without(lower, i))


def _symmetric(lower: Rows) -> Rows:
    n = len(lower)
    return tuple(tuple(lower[max(i, j)][min(i, j)] for j in range(n)) for i in range(n))


def near(x: float, relative: float = 2.0**-7) -> Fraction:
    """Return the simplest rational within `relative` of x."""
    exact = Fraction(x)
    slack = abs(exact) * Fraction(relative)
    return simplest(exact - slack, exact + slack)


def rows_near(rows: Sequence[Sequence[float]], relative: float = 2.0**-7) -> Rows:
    """Return `near` of every entry."""
    return tuple(tuple(near(float(x), relative) for x in row) for row in rows)


def lower_triangle(rows: Rows) -> Rows:
    """Return the lower triangle of a square matrix, row by row."""
    return tuple(row[: i + 1] for i, row in enumerate(rows))


def convergents(x: Fraction) -> Iterator[Fraction]:
    """Yield the convergents of the continued fraction of x, x itself last."""
    p, q, p_before, q_before = 1, 0, 0, 1
    rest = x
    while True:
        whole = rest.numerator // rest.denominator
        p, q, p_before, q_before = whole * p + p_before, whole * q + q_before, p, q
        yield Fraction(p, q)
        if rest == whole:
            return
        rest = 1 / (rest - whole)
