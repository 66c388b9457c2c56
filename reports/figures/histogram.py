"""Layout of a histogram of margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thmverify.reports.figures.drawing import Frame, minus, ticks
from thmverify.reports.records import Bin


@dataclass(frozen=True)
class Bar:
    """A bar in pixels and what it says on its own."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """A histogram in pixels."""

    width: float
    height: float
    frame: Frame
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    tallest: int


def layout(bins: Sequence[Bin]) -> Histogram:
    """Return where the bars and ticks of a histogram go."""
    low, high = float(bins[0].lower), float(bins[-1].upper)
    tallest = max(b.count for b in bins)
    frame = Frame(6, 18, 448, 90, (low, high), (0, tallest))
    bars = tuple(_bar(frame, b) for b in bins if b.count)
    labels = tuple((frame.x(t), minus(f"{t:g}")) for t in ticks(low, high, 5))
    return Histogram(460, 146, frame, bars, labels, tallest)


def _bar(frame: Frame, b: Bin) -> Bar:
    left, right, top = frame.x(float(b.lower)), frame.x(float(b.upper)), frame.y(b.count)
    return Bar(left + 0.5, top, right - left - 1, frame.bottom - top, f"{b.lower} to {b.upper}: {b.count}")
