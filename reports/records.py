"""The records behind a report: what `report.json` holds, and all that `index.html` and `report.md` show.

A page is a function of these records alone. Whatever changes from run to run, the time and the timings, is in
`Generated` and nowhere else. Rationals are text ("93/100"), read exactly.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from verify.verdicts import Provenance

# The schema of its content is that of instance files.
InstanceJson: TypeAlias = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]


class Record(BaseModel):
    """An immutable record that knows all its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Standing(StrEnum):
    """Where a statement stands after this run: computed from the checks, never declared."""

    PROVED = "proved"
    CONDITIONAL = "conditional"
    REFUTED = "refuted"
    OPEN = "open"
    FAILED = "failed"


class Formula(Record):
    """A formula for people (LaTeX, set as MathML) and the SymPy expression that the checks evaluate."""

    latex: str
    sympy: str = ""


class Source(Record):
    """Where the statement comes from: citation, its numbers there, and a note when the wording is ours."""

    text: str
    label: str
    note: str


class Use(StrEnum):
    """What the proof script makes of a hypothesis, found by dropping it and checking again."""

    USED = "used"
    UNUSED = "unused"
    DROPPED = "dropped"
    UNKNOWN = "unknown"


class Hypothesis(Record):
    """A named hypothesis: formula, meaning, and whether the proof uses it.

    A dropped one stands in the source and not in the statement proved here.
    """

    name: str
    formula: Formula
    meaning: str
    use: Use


class Step(Record):
    """One step of a proof: what it claims, from which premises, how it was checked, and what came of it."""

    name: str
    kind: str
    claim: str
    formula: Formula
    premises: tuple[str, ...]
    how: str
    passed: bool
    assumed: bool


class Given(Record):
    """What the theorem is quantified over: a name that the steps refer to, and the condition in words."""

    name: str
    sentence: str


class Proof(Record):
    """A checked proof script; the glue is the propositional check that the steps imply the conclusion."""

    givens: tuple[Given, ...]
    steps: tuple[Step, ...]
    glue: str
    glue_passed: bool


class Margin(Record):
    """The worst margin met: negative or zero, the claim holds there; positive, it is violated."""

    value: str
    provenance: Provenance
    index: int
    instance: InstanceJson


class Bin(Record):
    """How many margins m lie in [lower, upper); the ends are decimal text."""

    lower: str
    upper: str
    count: int


class Verification(Record):
    """Randomised verification: every accepted instance satisfies all hypotheses, decided exactly."""

    seed: int
    requested: int
    accepted: int
    discarded: int
    outcomes: dict[str, int]
    worst: Margin | None
    histogram: tuple[Bin, ...]


class Command(Record):
    """A command line and what it shows."""

    purpose: str
    line: str


class Statement(Record):
    """Everything the report says about one statement."""

    id: str
    title: str
    recorded: str
    standing: Standing
    reason: str
    source: Source
    claim: str
    quantity: Formula
    conclusion: Formula
    hypotheses: tuple[Hypothesis, ...]
    proof: Proof | None
    verification: Verification
    counterexamples: tuple[str, ...]
    commands: tuple[Command, ...]


class Angle(Record):
    """The angle between two lines, in degrees within [lower, upper], and its cos² exactly."""

    first: str
    second: str
    cos2: str
    value: str
    lower: str
    upper: str


class Line(Record):
    """A one-dimensional subspace of the plane: its name, a rational direction and Fisher's J along it, exact."""

    name: str
    direction: tuple[str, str]
    fisher: str


class Panel(Record):
    """One mixture of the parallel-pancakes figure with the points sampled from it (x, y, component)."""

    letter: str
    title: str
    instance: InstanceJson
    lines: tuple[Line, ...]
    angles: tuple[Angle, ...]
    points: tuple[tuple[float, float, int], ...]


class Pancakes(Record):
    """Figure: PCA against Fisher on three mixtures; shown with the statement it illustrates."""

    kind: Literal["pancakes"] = "pancakes"
    statement: str = "fisher-optimality"
    seed: int
    panels: tuple[Panel, ...]


class Curve(Record):
    """A sampled curve in float64: its points (x, y) and the largest error estimate of a y."""

    points: tuple[tuple[float, float], ...]
    error: float


class LossSlices(Record):
    """Figure: the InfoNCE loss of maps of rank one, direction by direction, and along and across S_F.

    `by_angle` holds (angle of the line in degrees, least loss over the scale); `along` and `across` hold (variance of
    the output within a component, loss), the latter added to the best map along S_F, whose variance is `best`.
    """

    kind: Literal["loss-slices"] = "loss-slices"
    statement: str = "infonce-inclusion"
    instance: InstanceJson
    lines: tuple[Line, ...]
    by_angle: Curve
    along: Curve
    across: Curve
    best: float


Figure: TypeAlias = Annotated[Pancakes | LossSlices, Field(discriminator="kind")]


class News(Record):
    """One sentence on what is new, computed from the checks, and the statement that it is about, if it is about one."""

    text: str
    statement: str | None


class Settings(Record):
    """What the run was asked for; the number of processes is left out because nothing depends on it."""

    quick: bool
    seed: int
    instances: int


class Environment(Record):
    """Software and machine; a report made elsewhere may differ here and in floating digits only."""

    thmverify: str
    python: str
    platform: str
    packages: dict[str, str]


class Generated(Record):
    """All that differs between two runs with the same seed: when, and how long each stage took in seconds."""

    at: str
    seconds: dict[str, float]


class Report(Record):
    """A whole report."""

    format: Literal["thmverify-report/1"] = "thmverify-report/1"
    settings: Settings
    news: tuple[News, ...]
    statements: tuple[Statement, ...]
    figures: tuple[Figure, ...]
    environment: Environment
    generated: Generated


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `report.json`, published in `reports/schemas/report.schema.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}
