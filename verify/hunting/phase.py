"""Phase pictures: the rank of InfoNCE's minimiser over a slice of instances, δ against the separation of the means.

A cell is certified when the kernel has verified a certificate that gives its rank; otherwise the rank is floating
point's, and the cell says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from thmverify.certifying import decide
from thmverify.hunting.drafts import Draft
from thmverify.hunting.executors import Executor, Here, Job, run_all
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace

CLAIM = "infonce-equality"
_SHARE = 16  # cells that are handed out together


@dataclass(frozen=True)
class Cell:
    """One instance of a slice: rank M*, how it is known, and an interval for the deciding number, if there is one.

    `margin` is minus the least eigenvalue of M* where the rank is full, the slope across Col(M*) where it is not.
    """

    delta: Fraction
    separation: Fraction
    rank: int
    certified: bool
    verdict: str
    margin: tuple[float, float] | None


@dataclass(frozen=True)
class PhasePicture:
    """A slice: one mixture, its means times each separation, at each δ. The cells go through the δs row by row."""

    mixture: SharedGMM
    dimension: int
    deltas: tuple[Fraction, ...]
    separations: tuple[Fraction, ...]
    cells: tuple[Cell, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the picture as JSON, rationals as text."""
        return {
            "weights": [str(w) for w in self.mixture.weights],
            "means": [[str(x) for x in row] for row in self.mixture.means],
            "covariance": [[str(x) for x in row] for row in self.mixture.covariance],
            "dimension": self.dimension,
            "deltas": [str(x) for x in self.deltas],
            "separations": [str(x) for x in self.separations],
            "cells": [
                {
                    "delta": str(cell.delta),
                    "separation": str(cell.separation),
                    "rank": cell.rank,
                    "certified": cell.certified,
                    "verdict": cell.verdict,
                    "margin": None if cell.margin is None else [*cell.margin],
                }
                for cell in self.cells
            ],
        }


def scaled(mixture: SharedGMM, delta: Fraction, separation: Fraction) -> Instance:
    """Return the instance of one cell: r = K columns."""
    means = [[x * separation for x in row] for row in mixture.means]
    return Instance(AugmentedPairs(SharedGMM(mixture.weights, means, mixture.covariance), delta), len(mixture.weights))


def phase_picture(
    mixture: SharedGMM,
    deltas: Sequence[Fraction],
    separations: Sequence[Fraction],
    executor: Executor | None = None,
    observe: Callable[[int], None] = lambda _: None,
    measured: bool = True,
) -> PhasePicture:
    """Return the picture of a slice; `observe` is called with the number of cells done.

    The cells have margins where these are to be `measured`.

    Raises InputError when a δ is no probability.
    """
    executor = executor or Here()
    places = [(delta, separation) for delta in deltas for separation in separations]
    cells: list[Cell] = []
    for at in range(0, len(places), _SHARE * executor.workers):
        share = places[at : at + _SHARE * executor.workers]
        todo: list[Job] = [(_cell, (mixture, *place, measured)) for place in share]
        cells += run_all(executor, todo)
        observe(len(cells))
    dimension = fisher_subspace(mixture).dimension
    return PhasePicture(mixture, dimension, tuple(deltas), tuple(separations), tuple(cells))


def _cell(mixture: SharedGMM, delta: Fraction, separation: Fraction, measured: bool) -> Cell:
    instance = scaled(mixture, delta, separation)
    verdict, certificate = decide(CLAIM, instance, measured)
    margin = None if verdict.margin is None else (float(verdict.margin[0]), float(verdict.margin[1]))
    certified = certificate is not None and verdict.rank is not None
    rank = verdict.rank
    if rank is None:
        rank = minimise("infonce", instance, fisher_subspace(mixture).dimension).rank
    return Cell(delta, separation, rank, certified, verdict.outcome.value, margin)


def default_slice() -> SharedGMM:
    """Return three components nearly in line, centred: the minimiser's rank is 1 at separation 1 and δ = 1."""
    weights = (Fraction(1, 18), Fraction(1, 197))
    means = ((Fraction(-23), Fraction(0)), (Fraction(-44), Fraction(-1)))
    return Draft("shared-gmm", 3, weights, (means,), (), Fraction(1)).instance().shared


def default_grid(size: int) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """Return δs evenly spaced up to 1, and separations from 1/8 to 4 in nearly equal ratios, `size` of each."""
    deltas = tuple(Fraction(i, size) for i in range(1, size + 1))
    separations = tuple(Fraction(2.0 ** (5 * i / max(size - 1, 1) - 3)).limit_denominator(64) for i in range(size))
    return deltas, separations
