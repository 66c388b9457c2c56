"""A figure of one sweep: population minimisers beside maps trained on samples, curves against the parameter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thmverify.reports.experiments import laws
from thmverify.reports.experiments.charts import Sheet
from thmverify.reports.experiments.figure import (
    METHODS,
    AxisOf,
    Drawn,
    Figure,
    Inputs,
    both_regimes,
    common_choices,
    described,
    how_measured,
    keys,
)
from thmverify.reports.experiments.records import POPULATION, SAMPLE, Check
from thmverify.reports.experiments.tables import Table

# What a sweep leaves as it is, if not its subject.
NOISE = f"variance {laws.NOISE} in {laws.LOUD} directions orthogonal to S_F"
COLUMNS = f"r = {laws.COLUMNS}"


@dataclass(frozen=True)
class Swept:
    """What is its own of a figure that shows one sweep, the one named like the figure.

    title, claim, source, criterion: those of the figure. change: what the sweep does. law: what it leaves as it is, and
    `reading` what else is our choice. check: what is asked of the scores in one regime.
    """

    id: str
    title: str
    claim: str
    source: str
    criterion: str
    change: str
    law: str
    axis: AxisOf
    check: Callable[[Table, str], tuple[Check, ...]]
    reading: str = ""
    drawn: tuple[Drawn, ...] = METHODS

    @property
    def figure(self) -> Figure:
        """The figure: all that it says and draws, as functions of the data."""
        return Figure(
            self.id,
            self.title,
            (self.id,),
            self.claim,
            self.source,
            self.criterion,
            choices=lambda inputs: common_choices(inputs[self.id].settings, self.law) + self.reading,
            check=self._checks,
            draw=self._sheet,
            caption=lambda inputs: f"{self.change} {how_measured(inputs[self.id].settings)}",
            alt=lambda inputs: described(inputs[self.id], self.drawn),
        )

    def _checks(self, inputs: Inputs) -> tuple[Check, ...]:
        table = Table(inputs[self.id])
        return tuple(found for regime in (POPULATION, SAMPLE) for found in self.check(table, regime))

    def _sheet(self, inputs: Inputs) -> Sheet:
        panels = both_regimes(inputs[self.id], "", self.axis, self.drawn)
        return Sheet(f"{self.id}  {self.title}", panels, 2, keys(self.drawn))
