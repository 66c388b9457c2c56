"""Rows of data as tables of scores, and the comparisons that the verdicts rest on.

Every comparison is of paired repetitions: the same samples at both ends. A check that asks for something at every value
asks for it with 95 % confidence at each, so that no correction for their number is due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from thmverify.models import Floats
from thmverify.reports.experiments.intervals import Interval, interval
from thmverify.reports.experiments.records import LEARNED, POPULATION, SAMPLE, Check, Data

REGIMES = {POPULATION: "population minimisers", SAMPLE: "maps trained on samples"}
# Scores this close count as the same, and a robust method keeps this share of its score.
SAME = 0.05
KEPT = 0.9


class Table:
    """Scores by value, regime, method and view, each an array over the repetitions; `parameter` names the value."""

    def __init__(self, data: Data) -> None:
        self.parameter = data.settings.parameter
        rows = sorted(data.rows, key=lambda row: row.seed)
        self.values = tuple(dict.fromkeys(row.x for row in sorted(rows, key=lambda row: row.x)))
        self._scores: dict[tuple[float, str, str, str], list[float]] = defaultdict(list)
        self._outside: dict[tuple[float, str, str, str], list[float]] = defaultdict(list)
        for row in rows:
            place = (row.x, row.regime, row.method, row.view)
            self._scores[place].append(row.ami)
            if row.outside is not None:
                self._outside[place].append(row.outside)

    def at(self, x: float) -> str:
        """Return a value with the parameter's name."""
        return f"{self.parameter} = {x:g}"

    def scores(self, x: float, regime: str, method: str, view: str = LEARNED) -> Floats:
        """Return the adjusted mutual information of each repetition."""
        return np.array(self._scores[x, regime, method, view])

    def outside(self, x: float, regime: str, method: str, view: str = LEARNED) -> float:
        """Return the largest part of the map outside S_F over the repetitions."""
        return max(self._outside[x, regime, method, view], default=0.0)

    def interval(self, x: float, regime: str, method: str, view: str = LEARNED) -> Interval:
        """Return the mean score with its confidence interval."""
        return interval(self.scores(x, regime, method, view))

    def curve(self, regime: str, method: str, view: str = LEARNED) -> tuple[tuple[float, Interval], ...]:
        """Return the intervals at every value."""
        return tuple((x, self.interval(x, regime, method, view)) for x in self.values)


def lead(table: Table, x: float, regime: str, first: tuple[str, str], second: tuple[str, str]) -> Interval:
    """Return by how much one (method, view) scores above another at a value."""
    return interval(table.scores(x, regime, *first) - table.scores(x, regime, *second))


def robust(table: Table, regime: str, method: str, view: str = LEARNED, least: float = 0.5) -> Check:
    """Check that for every δ ≥ `least` the method keeps 90 % of its score at δ = 1."""
    best = table.scores(1.0, regime, method, view)
    spare = {x: interval(table.scores(x, regime, method, view) - KEPT * best) for x in table.values if 0 < x < 1}
    asked = {x: i for x, i in spare.items() if x >= least}
    worst = min(asked, key=lambda x: asked[x].low, default=None)
    held = worst is not None and asked[worst].low >= 0
    smallest = 1.0
    for x in sorted(spare, reverse=True):
        if spare[x].low < 0:
            break
        smallest = x
    scores = "" if worst is None else f"AMI {table.interval(worst, regime, method, view)} at δ = {worst:g} "
    return Check(
        text=f"{_named(method, view)} keeps {100 * KEPT:.0f} % of its score down to δ = {least:g} ({REGIMES[regime]})",
        holds=held,
        detail=f"{scores}against {interval(best)} at δ = 1; it keeps {100 * KEPT:.0f} % down to δ = {smallest:g}",
    )


def invariant(table: Table, regime: str, method: str, view: str = LEARNED) -> Check:
    """Check that the score stays within ±0.05 of that at the smallest value, with confidence."""
    first = table.values[0]
    base = table.scores(first, regime, method, view)
    changes = {x: interval(table.scores(x, regime, method, view) - base) for x in table.values[1:]}
    worst = max(changes, key=lambda x: max(abs(changes[x].low), abs(changes[x].high)))
    return Check(
        text=f"{_named(method, view)} stays within ±{SAME:g} of its score at {table.at(first)} ({REGIMES[regime]})",
        holds=all(i.low >= -SAME and i.high <= SAME for i in changes.values()),
        detail=f"largest change {changes[worst]}, at {table.at(worst)}; from {interval(base)}",
    )


def falls(table: Table, regime: str, method: str, view: str = LEARNED) -> Check:
    """Check that the score at the largest value is below that at the smallest by more than 0.05, with confidence."""
    first, last = table.values[0], table.values[-1]
    change = interval(table.scores(last, regime, method, view) - table.scores(first, regime, method, view))
    return Check(
        text=f"{_named(method, view)} loses more than {SAME:g}, so the sweep can tell ({REGIMES[regime]})",
        holds=change.high < -SAME,
        detail=f"change from {table.at(first)} to {last:g}: {change}",
    )


def better_everywhere(table: Table, regime: str, first: tuple[str, str], second: tuple[str, str]) -> Check:
    """Check that one (method, view) scores above another at every value, with confidence."""
    leads = {x: lead(table, x, regime, first, second) for x in table.values}
    worst = min(leads, key=lambda x: leads[x].low)
    return Check(
        text=f"{_named(*first)} scores above {_named(*second)} at every {table.parameter} ({REGIMES[regime]})",
        holds=all(i.low > 0 for i in leads.values()),
        detail=f"smallest lead {leads[worst]}, at {table.at(worst)}"
        + _failures([table.at(x) for x, i in leads.items() if i.low <= 0]),
    )


def better_at_last(table: Table, regime: str, first: tuple[str, str], second: tuple[str, str]) -> Check:
    """Check that one (method, view) scores above another at the largest value, with confidence."""
    last = table.values[-1]
    found = lead(table, last, regime, first, second)
    return Check(
        text=f"{_named(*first)} scores above {_named(*second)} at {table.at(last)} ({REGIMES[regime]})",
        holds=found.low > 0,
        detail=f"lead {found}",
    )


def _failures(places: Sequence[str]) -> str:
    return f"; not shown at {', '.join(places)}" if places else ""


def _named(method: str, view: str) -> str:
    return method if view == LEARNED else f"{method} ({view})"
