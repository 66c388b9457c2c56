"""What a searcher climbs: vectors in, margins out; and the exact drafts that a promising vector stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from thmverify.hunting import space
from thmverify.hunting.drafts import Draft, Kind, Proposed, Rows, lower_triangle, near, rows_near
from thmverify.hunting.margins.collinear import collinear_slopes, slope_at_zero
from thmverify.hunting.margins.paired import effective_margins, literal_margin
from thmverify.hunting.settings import Settings
from thmverify.hunting.space import Columns, Mixtures
from thmverify.models import Floats

_ACROSS = (1.0, 0.25, 4.0, 0.0625)  # how far the means leave the line, tried in turn
_COARSE, _FINE = 2.0**-5, 2.0**-12  # how far a rational may be from its float
_CLEAR = 1e-4  # of a vector's largest entry: no rounding error, so its sign is the vector's


class Target(Protocol):
    """A claim on a space of instances.

    `margins` takes points (n × size) and returns (n), positive where the claim looks violated; a point of independent
    standard normal numbers is a typical instance. `drafts` yields the instances a point stands for, those most likely
    to be decided first.
    """

    @property
    def claim(self) -> str:
        """The claim, as `thmverify.certifying` knows it."""
        ...

    @property
    def size(self) -> int:
        """The length of a point."""
        ...

    def margins(self, points: Floats) -> Floats:
        """Return the margin of each point."""
        ...

    def drafts(self, point: Floats) -> Iterator[Proposed]:
        """Yield drafts for one point (size)."""
        ...


def fisher_dimension(components: int, dimension: int, centred: bool) -> int:
    """Return dim S_F for means in general position."""
    return min(dimension, components - 1 if centred else components)


def drawn(settings: Settings) -> int:
    """Return how many columns the weights take."""
    return 0 if settings.equal_weights else settings.components


class CollinearTarget:
    """infonce-equality on nearly collinear means: a point is the weights and the positions on the line."""

    claim = "infonce-equality"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        K = settings.components
        self.across = settings.dimension - 1
        self.room = K - (2 if settings.centred else 1)
        self.size = drawn(settings) + 1 + K

    @property
    def _on_a_line(self) -> bool:
        """Whether M* = 0 is the only way to be rank deficient."""
        return self.across == 0 or self.room < 1 or self.settings.delta == 0

    def _decoded(self, points: Floats) -> tuple[Floats, Floats]:
        columns = Columns(points)
        weights = space.weights(columns, self.settings.components, self.settings.equal_weights)
        return weights, space.means(columns, weights, 1, self.settings.centred)[:, :, 0]

    def margins(self, points: Floats) -> Floats:
        """Return the slope across the line, or at 0 where the means stay on the line."""
        weights, line = self._decoded(points)
        if self._on_a_line:
            slope: Floats = slope_at_zero(weights, line, self.settings.delta)
            return slope + 1e-12
        found: Floats = collinear_slopes(weights, line, self.settings.delta, self.settings.centred).margin
        return found

    def drafts(self, point: Floats) -> Iterator[Draft]:
        """Yield drafts nearer and nearer to the line, then with finer numbers."""
        weights, line = self._decoded(point[None])
        if self._on_a_line:
            rows = np.concatenate([line[0][:, None], np.zeros((len(line[0]), self.across))], axis=1)
            yield self._draft(weights[0], rows, _COARSE)
            return
        found = collinear_slopes(weights, line, self.settings.delta, self.settings.centred)
        across = found.directions[0][:, : self.across]
        across = _oriented(across / np.abs(across[1:]).max(axis=0))
        for tolerance in (_COARSE, _FINE):
            for factor in _ACROSS:
                yield self._draft(weights[0], np.column_stack([line[0], factor * across]), tolerance)

    def _draft(self, weights: Floats, rows: Floats, tolerance: float) -> Draft:
        return pairs_draft(self.settings, "shared-gmm", weights, rows, None, tolerance)


def _oriented(vectors: Floats) -> Floats:
    """Return the columns (K × q) with the first clear entry of each positive: an eigenvector has no sign of its own.

    LAPACKs give one or the other, and a point should stand for the same drafts with all of them.
    """
    first = (np.abs(vectors) > _CLEAR * np.abs(vectors).max(axis=0)).argmax(axis=0)
    signed: Floats = vectors * np.sign(np.take_along_axis(vectors, first[None], axis=0))
    return signed


def pairs_draft(
    settings: Settings, kind: Kind, weights: Floats, rows: Floats, sigmas: Floats | None, tolerance: float
) -> Draft:
    """Return the draft near one mixture: weights (K), means (K × d), covariances (1 or K, d, d) or None for I."""
    return Draft(
        kind,
        len(weights),
        weights_near(weights, settings.equal_weights, tolerance),
        (means_near(rows, settings.centred, tolerance),),
        () if sigmas is None else tuple(lower_triangle(rows_near(s, tolerance)) for s in sigmas),
        settings.delta,
        settings.rank,
        settings.decay,
        settings.centred,
    )


def weights_near(weights: Floats, equal: bool, tolerance: float) -> tuple[Fraction, ...]:
    """Return simple weights of components 1…K−1."""
    return () if equal else tuple(near(float(w), tolerance) for w in weights[1:])


def means_near(rows: Floats, centred: bool, tolerance: float) -> Rows:
    """Return simple means; of the components 1…K−1 only when the first balances the others."""
    return rows_near((rows[1:] if centred else rows).tolist(), tolerance)


@dataclass(frozen=True)
class MixtureTarget:
    """A claim on mixtures in general position, its margin computed from their parameters."""

    claim: str
    settings: Settings
    measure: Callable[[Mixtures], Floats]
    kind: Kind = "shared-gmm"

    @property
    def size(self) -> int:
        """The length of a point."""
        K, d = self.settings.components, self.settings.dimension
        return drawn(self.settings) + 1 + K * d + self._covariances * d * d

    @property
    def _covariances(self) -> int:
        if self.settings.identity:
            return 0
        return self.settings.components if self.kind == "gmm" else 1

    def _decoded(self, points: Floats) -> Mixtures:
        settings, columns = self.settings, Columns(points)
        weights = space.weights(columns, settings.components, settings.equal_weights)
        means = space.means(columns, weights, settings.dimension, settings.centred)
        return Mixtures(
            weights,
            means,
            space.covariances(columns, max(1, self._covariances), settings.dimension, settings.identity),
        )

    def margins(self, points: Floats) -> Floats:
        """Return the measure of each mixture, −∞ where floats are not to be trusted with it."""
        found, settings = self._decoded(points), self.settings
        m = fisher_dimension(settings.components, settings.dimension, settings.centred)
        usable = found.well_conditioned(m)
        values = np.full(len(points), -np.inf)
        if usable.any():
            values[usable] = self.measure(found.where(usable))
        return values

    def drafts(self, point: Floats) -> Iterator[Draft]:
        """Yield the mixture in coarse numbers, then in finer ones."""
        found = self._decoded(point[None])
        sigmas = None if self.settings.identity else found.covariances[0]
        for tolerance in (_COARSE, _FINE):
            yield pairs_draft(self.settings, self.kind, found.weights[0], found.means[0], sigmas, tolerance)


@dataclass(frozen=True)
class PairedTarget:
    """A CLIP claim: paired mixtures, the text in as many dimensions as a coordinate of the point says, at most d."""

    claim: str
    settings: Settings

    @property
    def size(self) -> int:
        """The length of a point."""
        return drawn(self.settings) + 3 + 2 * self.settings.components * self.settings.dimension

    def _decoded(self, points: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        settings, columns = self.settings, Columns(points)
        weights = space.weights(columns, settings.components, settings.equal_weights)
        vision, text = (space.means(columns, weights, settings.dimension, settings.centred) for _ in range(2))
        fewer = np.floor(np.abs(columns.take(1)[:, 0]) * 2)  # 0 half of the time, as a rule
        return weights, vision, text, np.maximum(settings.dimension - fewer, 1).astype(np.intp)

    def margins(self, points: Floats) -> Floats:
        """Return the margin of each pair of mixtures."""
        weights, vision, text, dimensions = self._decoded(points)
        found = np.empty(len(points))
        for d in np.unique(dimensions):
            chosen = dimensions == d
            found[chosen] = self._of_dimension(weights[chosen], vision[chosen], text[chosen][:, :, :d])
        return found

    def _of_dimension(self, weights: Floats, vision: Floats, text: Floats) -> Floats:
        settings, dimensions = self.settings, (vision.shape[2], text.shape[2])
        sizes = (
            fisher_dimension(settings.components, dimensions[0], settings.centred),
            fisher_dimension(settings.components, dimensions[1], settings.centred),
        )
        if self.claim == "clip-inclusion-literal":
            return np.full(len(weights), literal_margin(settings.columns, dimensions, sizes))
        return effective_margins(weights, vision, text, float(settings.delta), sizes)

    def drafts(self, point: Floats) -> Iterator[Draft]:
        """Yield the mixtures in coarse numbers, then in finer ones."""
        settings = self.settings
        weights, vision, text, dimensions = (x[0] for x in self._decoded(point[None]))
        for tolerance in (_COARSE, _FINE):
            rows = (
                means_near(vision, settings.centred, tolerance),
                means_near(text[:, : int(dimensions)], settings.centred, tolerance),
            )
            free = weights_near(weights, settings.equal_weights, tolerance)
            yield Draft(
                "clip-gmm", len(weights), free, rows, (), settings.delta, settings.rank, centred=settings.centred
            )
