"""The InfoNCE loss on slices through one instance: why its minimisers stay inside the Fisher subspace.

Left, the least loss that a map of rank one reaches on each line of the plane; right, the loss along S_F and along the
part outside it, which is Σ-orthogonal to S_F. Everything is float64: the figure illustrates, the proof script decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
from flint import fmpq_mat
from scipy.optimize import minimize_scalar

from thmverify import exact
from thmverify.instances import instance_to_json
from thmverify.integrate.float64 import Estimate
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import Gram
from thmverify.models import AugmentedPairs, Instance
from thmverify.reports.figures.drawing import Frame, minus, ticks
from thmverify.reports.figures.pancakes import lines
from thmverify.reports.figures.records import Curve, Line, LossSlices
from thmverify.subspaces import fisher_subspace, mean_subspace
from thmverify.theorems.pca.common import three_in_a_row

INSTANCE = Instance(
    AugmentedPairs(three_in_a_row((3, 3), (Fraction(2), Fraction(18))), Fraction(7, 10)),
    rank=2,
)
_QUARTER = 40  # lines in a quarter turn
_STEPS = 40
_REACH = Fraction(2, 5)
_SCALE_TOLERANCE = 1e-4
_ANGLE_ROUNDING = 1e-3


@cache
def compute() -> LossSlices:
    """Return the record of the figure."""
    mixture = INSTANCE.shared
    fisher = fisher_subspace(mixture).basis
    outside = mean_subspace(mixture).orthogonal_complement().basis  # uᵀμ = 0 says uᵀΣv = 0 for v = Σ⁻¹μ
    best = _best_on_line(fisher)
    inside = _map(fisher, best.scale)
    scales = [_REACH * i / _STEPS for i in range(_STEPS + 1)]
    directions = [_rational_unit(i) for i in range(-_QUARTER, _QUARTER + 1)]
    directions.append(fisher)
    return LossSlices(
        instance=instance_to_json(INSTANCE),
        lines=lines(mixture),
        by_angle=_curve([(_degrees(v), _best_on_line(v).loss) for v in directions]),
        along=_curve([(float(s), _loss(_map(fisher, s))) for s in scales]),
        across=_curve([(float(t), _loss(inside + _map(outside, t))) for t in scales]),
        best=float(best.scale),
    )


@dataclass(frozen=True)
class _Best:
    """The least loss along a line and the scale that reaches it."""

    scale: Fraction
    loss: Estimate


def _best_on_line(v: fmpq_mat) -> _Best:
    """Minimise the loss over the scale of the map along v; it is convex in the scale."""
    found = minimize_scalar(
        lambda s: _loss(_map(v, _nearby(s))).value,
        bounds=(0.0, float(_REACH)),
        method="bounded",
        options={"xatol": _SCALE_TOLERANCE},
    )
    scale = _nearby(found.x)
    return _Best(scale, _loss(_map(v, scale)))


def _nearby(x: float) -> Fraction:
    return Fraction(x).limit_denominator(10**6)


def _map(v: fmpq_mat, scale: Fraction) -> fmpq_mat:
    """Return M ∝ vvᵀ whose output vᵀx has the variance `scale` within each component."""
    within = (v.transpose() * INSTANCE.shared.sigma * v)[0, 0]
    return v * v.transpose() * (exact.to_fmpq(scale) / within)


def _loss(M: fmpq_mat) -> Estimate:
    return float64_value(LOSSES["infonce"], INSTANCE, Gram(M))


def _rational_unit(step: int) -> fmpq_mat:
    """Return a rational unit vector, from −90° to 90° as `step` goes from −_QUARTER to _QUARTER: (1−t², 2t)/(1+t²)."""
    t = Fraction(step, _QUARTER)
    return exact.column([(1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)])


def _degrees(v: fmpq_mat) -> float:
    x, y = (float(exact.to_fraction(entry)) for entry in v.entries())
    return math.degrees(math.atan2(y, x))


def _curve(points: Sequence[tuple[float, Estimate]]) -> Curve:
    """Return the points sorted by x and rounded: the digits left are the same on every machine."""
    rounded = sorted((round(x, 4), round(estimate.value, 6)) for x, estimate in points)
    return Curve(points=tuple(rounded), error=float(f"{max(e.error for _, e in points):.0e}"))


# --- layout ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """A labelled vertical line: subspace name, pixel x, pixel y of its meeting with the curve, and text anchor."""

    name: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Chart:
    """A chart in pixels: frame, ticks as (pixel, text), and paths."""

    frame: Frame
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    paths: tuple[str, ...]
    ends: tuple[tuple[float, float], ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Drawn:
    """The two charts of the figure."""

    angle: Chart
    scale: Chart


def layout(record: LossSlices) -> Drawn:
    """Return where everything goes."""
    return Drawn(_angle_chart(record), _scale_chart(record))


def findings(record: LossSlices) -> tuple[str, str]:
    """Return what the two charts show, read off their points."""
    lowest = min(record.by_angle.points, key=lambda point: point[1])
    line = next(line for line in record.lines if line.name == "S_F")
    at_fisher = abs(lowest[0] - _line_degrees(line)) < _ANGLE_ROUNDING
    losses = [y for _, y in record.across.points]
    rises = all(a < b for a, b in pairwise(losses))
    return (
        "of all the lines drawn, S_F reaches the least loss" if at_fisher else "the least loss is not on S_F",
        "a part outside S_F raises the loss at every scale"
        if rises
        else "a part outside S_F lowers the loss somewhere",
    )


def _line_degrees(line: Line) -> float:
    return _degrees(exact.column([Fraction(x) for x in line.direction]))


def _chart_frame(x_range: tuple[float, float], values: Sequence[float]) -> Frame:
    low, high = min(values), max(values)
    margin = 0.09 * (high - low)
    return Frame(44, 22, 340, 196, x_range, (low - margin, high + margin))


def _axis_ticks(frame: Frame, x_values: Sequence[float], unit: str = "") -> dict[str, tuple[tuple[float, str], ...]]:
    return {
        "x_ticks": tuple((frame.x(t), minus(f"{t:g}") + unit) for t in x_values),
        "y_ticks": tuple((frame.y(t), minus(f"{t:g}")) for t in ticks(*frame.y_range, 5)),
    }


def _angle_chart(record: LossSlices) -> Chart:
    points = record.by_angle.points
    frame = _chart_frame((-90.0, 90.0), [y for _, y in points])
    marks = []
    for line in record.lines:
        angle = _line_degrees(line)
        height = _interpolate(points, angle)
        marks.append(Mark(line.name, frame.x(angle), frame.y(height), "middle"))
    axis = _axis_ticks(frame, (-90, -45, 0, 45, 90), "°")
    return Chart(frame, **axis, paths=(frame.path(points),), ends=(), marks=tuple(marks))


def _scale_chart(record: LossSlices) -> Chart:
    along = record.along.points
    across = record.across.points
    frame = _chart_frame((0.0, along[-1][0]), [y for _, y in (*along, *across)])
    best = Mark("S_F", frame.x(record.best), frame.y(_interpolate(along, record.best)), "middle")
    axis = _axis_ticks(frame, ticks(*frame.x_range, 5))
    ends = tuple((frame.x(x), frame.y(y)) for x, y in (along[-1], across[-1]))
    return Chart(frame, **axis, paths=(frame.path(along), frame.path(across)), ends=ends, marks=(best,))


def _interpolate(points: Sequence[tuple[float, float]], x: float) -> float:
    return float(np.interp(x, [p[0] for p in points], [p[1] for p in points]))
