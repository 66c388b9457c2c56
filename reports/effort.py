"""How much a report tries: three sizes, and the numbers that belong to each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effort(StrEnum):
    """The size of a run: `--quick`, what a report takes by default, or `--full`."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"


@dataclass(frozen=True)
class Size:
    """What is tried in a run.

    instances: random instances of each statement
    lines: random instances of what a step of a proof supposes, for each step
    replayed: lines of proof replayed for each kind of change of each trace
    every: one change of a certificate in so many is tried
    cells: of the phase picture, each way
    charts: whether certified maps are checked, and shown
    """

    instances: int
    lines: int
    replayed: int
    every: int
    cells: int
    charts: bool


SIZES = {
    Effort.QUICK: Size(instances=5, lines=2, replayed=500, every=12, cells=10, charts=False),
    Effort.STANDARD: Size(instances=20, lines=4, replayed=1000, every=6, cells=16, charts=False),
    Effort.FULL: Size(instances=200, lines=20, replayed=6000, every=1, cells=20, charts=True),
}
