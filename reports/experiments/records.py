"""What the experiments leave behind: rows of data, checks of a claim, and `figures.json`.

Everything that a drawing, a caption or a verdict says is computed from the rows. The same seed and settings give the
same bytes; no time and no machine is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter

from thmverify.reports.base import Record
from thmverify.reports.figures.records import Pancakes

POPULATION, SAMPLE = "population", "sample"
LEARNED, ORTHONORMAL = "learned", "orthonormal"
VISION, TEXT = "vision", "text"

FISHER, INFONCE, SIMSIAM, SPECTRAL = "Fisher", "InfoNCE", "SimSiam", "spectral contrastive"
PCA, RANDOM, MEANS, CLIP = "PCA", "random", "mean subspace", "CLIP"


class Row(NamedTuple):
    """One map on one test sample.

    x: the swept parameter. seed: the number of the repetition. regime: population minimiser or trained on a sample.
    view: which features of the map were clustered. ami: adjusted mutual information of k-means with the components.
    outside: ‖(I − Π)A‖/‖A‖ with Π the orthogonal projector on S_F, so 0 when Col(A) ⊆ S_F; none for A = 0.
    """

    x: float
    seed: int
    regime: str
    method: str
    view: str
    ami: float
    outside: float | None


class RankCell(NamedTuple):
    """The InfoNCE minimiser of one instance at one bias δ, and what the kernel decided about Col(M*) = S_F.

    eigenvalues: of M*, in float64. verdict: of `infonce-equality`; rank and dimension are those of its certificate,
    the text of which is `certificate`; where it is undecided they are none.
    """

    instance: str
    bias: str
    eigenvalues: tuple[float, ...]
    verdict: str
    rank: int | None
    dimension: int | None
    certificate: str | None


class Step(NamedTuple):
    """A map on its way: the step of training, the number of the repetition, the loss in words, and ‖(I − Π)A‖/‖A‖."""

    step: int
    seed: int
    loss: str
    outside: float


class Settings(Record):
    """What the rows depend on, and nothing else: the same settings give the same rows.

    repetitions: samples drawn for each value, each with a test sample of its own. code: digest of the programs.
    """

    experiment: str
    seed: int = Field(ge=0)
    quick: bool
    repetitions: int
    points: int
    test_points: int
    parameter: str
    values: tuple[str, ...]
    instances: tuple[dict[str, Any], ...]
    code: str


class Data(Record):
    """The data of one experiment."""

    settings: Settings
    rows: tuple[Row, ...] = ()
    ranks: tuple[RankCell, ...] = ()
    steps: tuple[Step, ...] = ()
    scene: Pancakes | None = None


class Grounds(StrEnum):
    """What a check rests on."""

    NUMERICAL = "numerical evidence"
    EXACT = "exact rational arithmetic"
    CERTIFIED = "certificates that the kernel has checked"


class Check(Record):
    """One thing that the claim says, whether this run bears it out, the numbers behind that, and what they rest on."""

    text: str
    holds: bool
    detail: str
    grounds: Grounds = Grounds.NUMERICAL


class Verdict(StrEnum):
    """Whether a run bears a claim out: all of its checks, some, or none."""

    CONFIRMED = "confirmed"
    PARTLY = "confirmed in part"
    REFUSED = "not confirmed"


def verdict(checks: Sequence[Check]) -> Verdict:
    """Return what the checks amount to; without checks nothing is confirmed."""
    held = sum(check.holds for check in checks)
    if not held:
        return Verdict.REFUSED
    return Verdict.CONFIRMED if held == len(checks) else Verdict.PARTLY


class FigureRecord(Record):
    """One figure: what it tests, what came of it, and its files, relative to `figures.json`."""

    id: str
    title: str
    claim: str
    source: str
    criterion: str
    verdict: Verdict
    checks: tuple[Check, ...]
    caption: str
    choices: str
    alt: str
    svg: str
    data: tuple[str, ...]


class Gallery(Record):
    """The content of `figures.json`."""

    format: str = "thmverify-figures-1"
    seed: int
    quick: bool
    repetitions: int
    points: int
    figures: tuple[FigureRecord, ...]


SCHEMA_FILE = Path(__file__).parent / "figures.schema.json"


def schema_text() -> str:
    """Return what the published JSON Schema of `figures.json` should hold."""
    schema = TypeAdapter(Gallery).json_schema(mode="serialization")
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
