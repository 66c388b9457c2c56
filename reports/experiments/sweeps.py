"""A sweep: one parameter varied, every method's map at each value, and k-means on the features of each map.

For each value the population minimisers are computed once. Each repetition draws a training sample and a test sample
from a stream of its own, which is the same at every value, so that differences along a sweep are differences of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from thmverify.exact import to_floats
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, AugmentedPairs, Floats, Instance
from thmverify.reports.experiments import laws, training
from thmverify.reports.experiments.metrics import agreement, orthonormal, outside
from thmverify.reports.experiments.records import (
    CLIP,
    FISHER,
    INFONCE,
    LEARNED,
    MEANS,
    ORTHONORMAL,
    PCA,
    POPULATION,
    RANDOM,
    SAMPLE,
    SIMSIAM,
    SPECTRAL,
    TEXT,
    VISION,
    Row,
)
from thmverify.reports.experiments.training import Sample
from thmverify.reports.figures import pancakes as plane
from thmverify.subspaces import mean_subspace

# What a method's features are: for pairs its map A; for paired mixtures A_V and A_T.
Maps: TypeAlias = dict[str, tuple[Floats, ...]]


@dataclass(frozen=True)
class Sweep:
    """An experiment: its parameter, the values in full and in quick runs, and the instance at a value.

    `number` keeps the random streams of the experiments apart.
    """

    id: str
    number: int
    parameter: str
    values: tuple[Fraction, ...]
    quick_values: tuple[Fraction, ...]
    instance: Callable[[Fraction], Instance]


def _plane(panel: Fraction) -> Instance:
    return Instance(AugmentedPairs(plane.MIXTURES[int(panel)][2]), 1)


def _at_bias(bias: Fraction) -> Instance:
    return laws.pairs(laws.pancakes(), bias)


def _at_noise(noise: Fraction) -> Instance:
    return laws.pairs(laws.pancakes(noise))


def _at_columns(columns: Fraction) -> Instance:
    return laws.pairs(laws.pancakes(), columns=int(columns))


def _at_stretch(stretch: Fraction) -> Instance:
    return laws.pairs(laws.pancakes(stretch=stretch))


def _fractions(*values: int | str) -> tuple[Fraction, ...]:
    return tuple(Fraction(x) for x in values)


_DELTAS = _fractions(1, "9/10", "4/5", "7/10", "3/5", "1/2", "2/5", "3/10", "1/5", "1/10", "1/20", 0)
_FEW_DELTAS = _fractions(1, "4/5", "1/2", "3/10", "1/10", 0)
_NOISES, _FEW_NOISES = _fractions(1, 2, 4, 8, 16, 32, 64), _fractions(1, 4, 16, 64)

SWEEPS = {
    sweep.id: sweep
    for sweep in (
        Sweep("1", 1, "panel", _fractions(0, 1, 2), _fractions(0, 1, 2), _plane),
        Sweep("2a", 2, "δ", _DELTAS, _FEW_DELTAS, _at_bias),
        Sweep("2b", 3, "σ²", _NOISES, _FEW_NOISES, _at_noise),
        Sweep("2c", 4, "r", _fractions(1, 2, 3, 4, 5, 6, 8, 12, 16, 20), _fractions(1, 2, 3, 6, 20), _at_columns),
        Sweep("2d", 5, "s", _fractions(1, 2, 3, 4, 6, 8), _fractions(1, 2, 4, 8), _at_stretch),
        Sweep("5", 6, "σ²", _NOISES, _FEW_NOISES, laws.captioned),
    )
}


@dataclass(frozen=True)
class Cell:
    """One repetition at one value of a sweep, with the population maps there."""

    sweep: str
    value: Fraction
    seed: int
    repetition: int
    points: int
    test_points: int
    population: Maps


def population_maps(task: tuple[str, Fraction]) -> Maps:
    """Return the maps that minimise the population losses at one value of a sweep (SimSiam: a stationary point)."""
    name, value = task
    instance = SWEEPS[name].instance(value)
    model = instance.model
    if isinstance(model, CLIPGMM):
        found = minimise("clip", instance).maps
        sides = [Instance(AugmentedPairs(side), instance.rank) for side in (model.vision, model.text)]
        return {
            CLIP: (found["A_V"], found["A_T"]),
            FISHER: tuple(minimise("fisher", side).maps["A"] for side in sides),
            PCA: tuple(minimise("pca", side).maps["A"] for side in sides),
        }
    maps: Maps = {
        method: (minimise(loss, instance).maps["A"],)
        for method, loss in ((FISHER, "fisher"), (INFONCE, "infonce"), (PCA, "pca"))
    }
    if name == "1":
        return maps | {MEANS: (to_floats(mean_subspace(instance.shared).basis),)}
    # Columns beyond the rank of C collapse under weight decay.
    kept = min(instance.rank, max(1, instance.pairs.C.rank()))
    return maps | {
        SPECTRAL: (minimise("spectral", instance).maps["A"],),
        SIMSIAM: (minimise("simsiam", instance, kept).maps["A"],),
    }


def trained_maps(name: str, sample: Sample, columns: int, rng: np.random.Generator) -> Maps:
    """Return the maps that each method learns from a sample; Fisher and the mean subspace see the labels."""
    if name == "5":
        sides = (sample.x, sample.partner)
        return {
            CLIP: training.train_clip(sample, columns, rng),
            FISHER: tuple(training.fit_fisher(side, sample.labels, columns) for side in sides),
            PCA: tuple(training.fit_pca(side, columns) for side in sides),
            RANDOM: tuple(training.random_projection(side.shape[1], columns, rng) for side in sides),
        }
    maps: Maps = {
        FISHER: (training.fit_fisher(sample.x, sample.labels, columns),),
        INFONCE: (training.train_info_nce(sample, columns, rng),),
        PCA: (training.fit_pca(sample.x, columns),),
    }
    if name == "1":
        return maps | {MEANS: (training.fit_means(sample.x, sample.labels, columns),)}
    return maps | {
        SPECTRAL: (training.fit_spectral(sample, columns),),
        SIMSIAM: (training.train_sim_siam(sample, columns, float(laws.DECAY), rng),),
        RANDOM: (training.random_projection(sample.x.shape[1], columns, rng),),
    }


def run_cell(cell: Cell) -> list[Row]:
    """Return the rows of one repetition: every method's map, both regimes, on one test sample."""
    sweep = SWEEPS[cell.sweep]
    instance = sweep.instance(cell.value)
    rng = np.random.default_rng([cell.seed, sweep.number, cell.repetition])
    sample = laws.draw(instance, cell.points, rng)
    test = laws.draw_test(instance, cell.test_points, rng)
    maps = trained_maps(cell.sweep, sample, instance.rank, rng)
    drawn = {RANDOM: maps[RANDOM]} if RANDOM in maps else {}
    return [
        row
        for regime, by_method in ((POPULATION, cell.population | drawn), (SAMPLE, maps))
        for method, A in by_method.items()
        for row in _rows(cell, instance, test, regime, method, A)
    ]


def _rows(
    cell: Cell, instance: Instance, test: Sample, regime: str, method: str, maps: tuple[Floats, ...]
) -> Iterator[Row]:
    for view, x, basis, A in _views(instance, test, method, maps):
        ami = agreement(x @ A, test.labels, cell.repetition)
        away = outside(A, basis)
        rounded = None if away is None else float(f"{away:.6g}")
        yield Row(float(cell.value), cell.repetition, regime, method, view, round(ami, 6), rounded)


def _views(
    instance: Instance, test: Sample, method: str, maps: tuple[Floats, ...]
) -> Iterator[tuple[str, Floats, Floats, Floats]]:
    """Yield what is clustered: the view's name, the points (n × d), a basis of S_F and the map (d × r)."""
    model = instance.model
    if isinstance(model, CLIPGMM):
        for view, points, mixture, A in zip(
            (VISION, TEXT), (test.x, test.partner), (model.vision, model.text), maps, strict=True
        ):
            yield view, points, laws.fisher_basis(mixture), A
        return
    basis = laws.fisher_basis(instance.shared)
    (A,) = maps
    yield LEARNED, test.x, basis, A
    if method not in (PCA, RANDOM, MEANS):  # those are orthonormal as they are
        yield ORTHONORMAL, test.x, basis, orthonormal(A)
