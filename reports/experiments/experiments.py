"""Running an experiment: its settings, and the data that they determine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from thmverify.instances import instance_to_json
from thmverify.reports.experiments import descents, ranks
from thmverify.reports.experiments.descents import DESCENTS
from thmverify.reports.experiments.records import Data, Settings, Step
from thmverify.reports.experiments.sweeps import SWEEPS, Cell, population_maps, run_cell
from thmverify.reports.experiments.workers import Map
from thmverify.reports.figures import pancakes as plane

RANKS = "6"
EXPERIMENTS = (*SWEEPS, RANKS, *DESCENTS)
_SWEPT = ("laws", "metrics", "sweeps", "training")  # the programs that the data of a sweep depend on


@dataclass(frozen=True)
class Size:
    """How large the experiments are: repetitions at each value, pairs to learn from, points to cluster."""

    repetitions: int
    points: int
    test_points: int


MOST_DESCENTS = 5  # seeds
FULL, QUICK = Size(20, 2000, 2000), Size(10, 800, 800)


def settings(experiment: str, seed: int, quick: bool) -> Settings:
    """Return the settings of an experiment."""
    size = QUICK if quick else FULL
    if experiment == RANKS:
        parameter, values = "δ", ranks.biases(quick)
        instances = [ranks.instance(name) for name in ranks.MIXTURES]
    elif experiment in DESCENTS:
        parameter, values = "step", tuple(map(Fraction, descents.SHOWN))
        instances = [DESCENTS[experiment][0]]
    else:
        sweep = SWEEPS[experiment]
        parameter, values = sweep.parameter, sweep.quick_values if quick else sweep.values
        instances = [sweep.instance(value) for value in values]
    return Settings(
        experiment=experiment,
        seed=seed,
        quick=quick,
        repetitions=min(size.repetitions, MOST_DESCENTS) if experiment in DESCENTS else size.repetitions,
        points=size.points,
        test_points=size.test_points,
        parameter=parameter,
        values=tuple(str(value) for value in values),
        instances=tuple(instance_to_json(instance) for instance in instances),
        code=code(experiment),
    )


@cache
def code(experiment: str) -> str:
    """Return a digest of the programs that make the data of an experiment: data of other programs are computed anew."""
    own = ("ranks",) if experiment == RANKS else ("descents",) if experiment in DESCENTS else _SWEPT
    files = [Path(__file__).parent / f"{name}.py" for name in ("experiments", "records", *own)]
    files += [Path(plane.__file__)] if experiment == "1" else []
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


def cells(asked: Settings) -> int:
    """Return of how many cells an experiment consists."""
    if asked.experiment in DESCENTS:
        return len(DESCENTS[asked.experiment][1]) * asked.repetitions
    return len(asked.values) * (len(ranks.MIXTURES) if asked.experiment == RANKS else asked.repetitions)


def compute(asked: Settings, run: Map, advance: Callable[[], None]) -> Data:
    """Return the data for these settings; `run` maps tasks on processes, and `advance` is called after each cell."""
    if asked.experiment == RANKS:
        tasks = [(name, bias) for name in ranks.MIXTURES for bias in ranks.biases(asked.quick)]
        found = []
        for cell in run(ranks.run_cell, tasks):
            found.append(cell)
            advance()
        return Data(settings=asked, ranks=tuple(found))
    if asked.experiment in DESCENTS:
        count = len(DESCENTS[asked.experiment][1])
        descended = [(asked.experiment, i, asked.seed, k) for i in range(count) for k in range(asked.repetitions)]
        steps: list[Step] = []
        for found_steps in run(descents.run, descended):
            steps += found_steps
            advance()
        return Data(settings=asked, steps=tuple(steps))
    sweep = SWEEPS[asked.experiment]
    values = sweep.quick_values if asked.quick else sweep.values
    maps = list(run(population_maps, [(sweep.id, value) for value in values]))
    todo = [
        Cell(sweep.id, value, asked.seed, repetition, asked.points, asked.test_points, population)
        for value, population in zip(values, maps, strict=True)
        for repetition in range(asked.repetitions)
    ]
    rows = []
    for found_rows in run(run_cell, todo):
        rows += found_rows
        advance()
    scene = plane.compute(asked.seed) if sweep.id == "1" else None
    return Data(settings=asked, rows=tuple(rows), scene=scene)
