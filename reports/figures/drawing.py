"""Geometry for the SVG templates: data coordinates to pixels, ticks, paths.

The drawings carry no colour and no font of their own: the page's style sheet gives both, so that they follow its light
and dark themes and its text size.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from thmverify.models import Floats


def number(value: float) -> str:
    """Return a coordinate as short text with at most two decimals, the same on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def minus(text: str) -> str:
    """Return a number's text with a true minus sign."""
    return text.replace("-", "−")


@dataclass(frozen=True)
class Frame:
    """A rectangle of the drawing, in pixels, that shows the data range [x0, x1] × [y0, y1]."""

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    @property
    def right(self) -> float:
        """The right edge in pixels."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge in pixels."""
        return self.top + self.height

    def x(self, value: float) -> float:
        """Return the horizontal pixel of a data coordinate."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        """Return the vertical pixel of a data coordinate; larger values are higher up."""
        low, high = self.y_range
        return self.bottom - (value - low) / (high - low) * self.height

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """Return the SVG path through data points."""
        return "M" + "L".join(f"{number(self.x(x))} {number(self.y(y))}" for x, y in points)

    def clipped_line(self, direction: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the ends, in pixels, of the line through the data origin inside this frame, the upper right one last.

        The data ranges must be symmetric about 0.
        """
        dx, dy = direction
        if (dy, dx) < (0.0, 0.0):
            dx, dy = -dx, -dy
        reach = min(limit[1] / abs(d) for limit, d in ((self.x_range, dx), (self.y_range, dy)) if d)
        return (self.x(-dx * reach), self.y(-dy * reach)), (self.x(dx * reach), self.y(dy * reach))


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in pixels: centre, semi-axes and the rotation of the first in degrees, clockwise."""

    cx: float
    cy: float
    rx: float
    ry: float
    turn: float


def sigma_ellipse(frame: Frame, mean: Sequence[float], covariance: Floats, sigmas: float) -> Ellipse:
    """Return {x : (x−μ)ᵀΣ⁻¹(x−μ) = sigmas²} in a frame whose two axes have the same scale."""
    variances, axes = np.linalg.eigh(covariance)
    rx, ry = (sigmas * math.sqrt(v) * frame.width / (frame.x_range[1] - frame.x_range[0]) for v in variances)
    turn = -math.degrees(math.atan2(axes[1, 0], axes[0, 0]))
    return Ellipse(frame.x(mean[0]), frame.y(mean[1]), rx, ry, turn)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return round numbers in [low, high], roughly `about` of them: multiples of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]
