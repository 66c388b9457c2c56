"""Why SimCLR leaves the Fisher subspace: the loss of normalised features when a noise direction is let in.

The instance is that of the certificate: S_F is a line, x₁ the coordinate along it. The features (x₁, t·x₂), scaled to
length one, are inside S_F for t = 0 and hold noise for t > 0. Everything is float64: the kernel encloses the losses at
one t.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from functools import cache

from thmverify.certifying.normalised import Line
from thmverify.certifying.writing import instance_fields
from thmverify.instances import instance_to_json
from thmverify.kernel.models import Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.strict import file_bytes
from thmverify.reports.figures.drawing import Frame, minus, ticks
from thmverify.reports.figures.loss_slices import Chart
from thmverify.reports.figures.records import Curve, Leak
from thmverify.theorems import COUNTEREXAMPLES
from thmverify.theorems.simclr.simclr_normalised_inclusion import LOSSES

CERTIFICATE = COUNTEREXAMPLES / f"{LOSSES.name}.json"
_TILTS = tuple(i / 20 for i in range(2, 51))
_ERROR = 1e-9  # of the sums over the circle, which converge geometrically


@cache
def compute() -> Leak:
    """Return the record of the figure. Raises OSError when the certificate is missing."""
    instance, hints = LOSSES.instance, json.loads(file_bytes(CERTIFICATE))["hints"]
    pairs = kernel_instance(json.loads(json.dumps(instance_fields(instance))))
    if not isinstance(pairs, Pairs):
        raise TypeError("a mixture is pairs")
    line, temperature = Line.of(pairs), float(Fraction(hints["temperature"]))
    inside = line.inside(temperature)
    losses = [(tilt, line.across(temperature, tilt)) for tilt in _TILTS]
    points = [(0.0, 0.0), *((t, round(loss - inside, 6)) for t, loss in losses if not math.isnan(loss))]
    return Leak(
        instance=instance_to_json(instance),
        temperature=hints["temperature"],
        enclosed=hints["tilt"],
        curve=Curve(points=tuple(points), error=_ERROR),
    )


def finding(record: Leak) -> str:
    """Return what the curve shows, read off its points."""
    tilt, least = min(record.curve.points, key=lambda point: point[1])
    if least >= 0:
        return "the features without noise have the least loss"
    return f"the loss is least with noise at {tilt:g} times the weight of the signal"


def layout(record: Leak) -> Chart:
    """Return where everything goes."""
    points, enclosed = record.curve.points, float(Fraction(record.enclosed))
    low, high = min(y for _, y in points), max(y for _, y in points)
    margin = 0.09 * (high - low)
    frame = Frame(50, 22, 334, 196, (0.0, points[-1][0]), (low - margin, high + margin))
    return Chart(
        frame,
        x_ticks=tuple((frame.x(t), f"{t:g}") for t in ticks(*frame.x_range, 5)),
        y_ticks=tuple((frame.y(t), minus(f"{t:g}")) for t in ticks(*frame.y_range, 5)),
        paths=(frame.path(points),),
        ends=tuple((frame.x(t), frame.y(y)) for t, y in points if t in (0.0, enclosed)),
        marks=(),
    )
