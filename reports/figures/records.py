"""The records behind the figures of the report. Rationals are text ("93/100"), read exactly."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from thmverify.reports.base import InstanceJson, Record


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


class PhaseCell(Record):
    """One instance of a phase picture: rank M*, and whether the kernel has certified it or floating point proposed it.

    `verdict` is what was decided of Col(A*) = S_F.
    """

    delta: str
    separation: str
    rank: int
    certified: bool
    verdict: str


class Phase(Record):
    """Figure: rank M* of one mixture's minimiser, its means times each separation, at each δ.

    `instance` is the cell at separation 1 and δ = 1; `dimension` is dim S_F. Cells go through the δs row by row.
    """

    kind: Literal["phase"] = "phase"
    statement: str = "infonce-equality-biased"
    instance: InstanceJson
    dimension: int
    deltas: tuple[str, ...]
    separations: tuple[str, ...]
    cells: tuple[PhaseCell, ...]


class Leak(Record):
    """Figure: the loss of normalised features (x₁, t·x₂) less that of x₁ alone, over the weight t of the noise x₂.

    `enclosed` is the t at which the kernel encloses both losses.
    """

    kind: Literal["leak"] = "leak"
    statement: str = "simclr-normalised-inclusion"
    instance: InstanceJson
    temperature: str
    enclosed: str
    curve: Curve


Figure: TypeAlias = Annotated[Pancakes | LossSlices | Phase | Leak, Field(discriminator="kind")]


class Growth(Record):
    """How the CPU time of a value grows: curves of (size, seconds) by what grows, the machine, and the file of both."""

    source: str
    machine: str
    curves: dict[str, tuple[tuple[int, float], ...]]


class Direction(Record):
    """A line through the origin of the plane, in floats, and whether its direction is known exactly."""

    name: str
    direction: tuple[float, float]
    exact: bool


class Scene(Record):
    """A mixture in the plane, with the lines of its subspaces; `remarks` say which subspaces are no line."""

    title: str
    means: tuple[tuple[float, float], ...]
    covariances: tuple[tuple[tuple[float, float], tuple[float, float]], ...]
    weights: tuple[str, ...]
    lines: tuple[Direction, ...]
    remarks: tuple[str, ...]
