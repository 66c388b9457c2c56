"""How the cost of a value grows: CPU time against the components, the dimension, the rank and the digits.

The curves are measured by `python -m benchmarks.pictures --measure`, not by the report that shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thmverify.errors import InputError
from thmverify.reports.figures.drawing import Frame, number
from thmverify.reports.figures.records import Growth

if TYPE_CHECKING:  # where it is drawn it is imported: it loads scikit-learn and SciPy's statistics
    from thmverify.reports.experiments.charts import Panel

STYLE = "infonce"
_POWERS = {-4: "0.1 ms", -3: "1 ms", -2: "10 ms", -1: "0.1 s", 0: "1 s", 1: "10 s"}


def read(path: Path) -> Growth:
    """Return the curves in a file of measurements. Raises InputError when it is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return record(found, f"{path.parent.name}/{path.name}")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no file of measurements"
        remedy = "write one: python -m benchmarks.pictures --measure"
        raise InputError("--costs", str(path), str(why).lower(), remedy) from None


def record(measured: dict[str, Any], source: str) -> Growth:
    """Return the record of the figure from the measurements, of which `source` says where they are kept."""
    return Growth(source=source, machine=measured["machine"], curves=measured["growth"])


def caption(growth: Growth) -> str:
    """Return what the picture shows, and where it was measured."""
    return (
        "The CPU time of one value of InfoNCE, as the components, the dimension of the data, the rank of the map, and "
        f"the digits asked for grow. Measured apart from this run: {growth.machine}; from {growth.source}."
    )


def said(growth: Growth) -> str:
    """Return the curves in words."""
    return "; ".join(
        f"{what} {', '.join(f'{x}: {seconds:.2g} s' for x, seconds in curve)}" for what, curve in growth.curves.items()
    )


def draw(growth: Growth) -> str:
    """Return the picture as SVG: a panel for each of what grows, both axes logarithmic."""
    from thmverify.reports.experiments import charts

    panels = tuple(_panel(what, curve) for what, curve in growth.curves.items())
    key = (charts.line_key("CPU time of a value", STYLE),)
    return charts.standalone(charts.Sheet("How the cost of a value of InfoNCE grows", panels, 2, key), said(growth))


def _panel(what: str, curve: Sequence[tuple[int, float]]) -> Panel:
    from thmverify.reports.experiments import charts

    frame = Frame(66, 30, charts.WIDTH - 80, charts.HEIGHT - 78, (0, 1), (-4.2, 1.2))
    low, high = math.log(curve[0][0]), math.log(curve[-1][0])
    axis = charts.Axis(
        what, tuple((x, f"{x:,}") for x, _ in curve), lambda x: 0.06 + 0.88 * (math.log(x) - low) / (high - low)
    )
    body = charts.axes(what, frame, axis, list(_POWERS.items()), "CPU time")
    places = [(frame.x(axis.place(x)), frame.y(math.log10(seconds))) for x, seconds in curve]
    path = "".join(f"{'L' if i else 'M'}{number(x)} {number(y)}" for i, (x, y) in enumerate(places))
    marks = "".join(charts.marker(charts.style(STYLE).marker, x, y) for x, y in places)
    drawn = f'{body}<g class="{STYLE}"><path class="line" d="{path}"/>{marks}</g>'
    return charts.Panel(what, charts.WIDTH, charts.HEIGHT, drawn)
