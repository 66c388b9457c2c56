"""A plot of lines of text: how the best margin grew."""

from __future__ import annotations

import math
from collections.abc import Sequence


def climb_plot(seconds: Sequence[float], margins: Sequence[float], width: int = 60, height: int = 10) -> list[str]:
    """Return the lines of a plot of a margin that never falls over time; the dashes mark 0 where it is in sight."""
    points = [(t, m) for t, m in zip(seconds, margins, strict=True) if math.isfinite(m)]
    if not points:
        return []
    low, high = min(m for _, m in points), max(m for _, m in points)
    low, high = (low, high) if high > low else (low - abs(low) / 2 - 1e-12, high)
    end = max(points[-1][0], 1e-9)
    columns = _columns(points, end, width)

    def row(margin: float) -> int:
        return 1 + round((margin - low) / (high - low) * (height - 1))

    lines = []
    for i in range(height, 0, -1):
        blank = "-" if i == row(0.0) else " "
        label = {height: f"{high:.3g}", 1: f"{low:.3g}"}.get(i, "")
        marks = ("*" if m is not None and row(m) == i else blank for m in columns)
        lines.append(f"{label:>10} |{''.join(marks)}".rstrip())
    axis = f"{'':>10} +{'-' * width}"
    return [*lines, axis, f"{'0 s':>14}{f'{end:.3g} s':>{width - 2}}"]


def _columns(points: Sequence[tuple[float, float]], end: float, width: int) -> list[float | None]:
    """Return the best margin by the end of each column's time, None before the first."""
    columns: list[float | None] = []
    for i in range(width):
        past = [m for t, m in points if t <= end * (i + 1) / width]
        columns.append(past[-1] if past else None)
    return columns
