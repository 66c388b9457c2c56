"""A picture of a covering: its boxes in slices, by share and range; those that are not settled are white."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from flint import fmpq

from thmverify.covering.proposal import Covering
from thmverify.kernel.covers.bisection import Box

SLICES = (fmpq(0), fmpq(1, 4), fmpq(1))  # deviations at which boxes are shown
_COLOURS, _MEANINGS = {True: "#9fc5e0", False: "#ffffff"}, {True: "the slope across is negative", False: "not settled"}
_SIDE, _GAP, _TOP, _FOOT = 260, 56, 46, 84


def draw(found: Covering) -> str:
    """Return the picture as SVG: at each deviation a panel, the share to the right and the range upwards."""
    boxes = [*((box, True) for box in found.settled), *((box, False) for box in found.remaining)]
    low, high = min(box[1][0] for box, _ in boxes), max(box[1][1] for box, _ in boxes)
    shown = [kind for kind in _COLOURS if any(kind is other for _, other in boxes)]
    width, height = len(SLICES) * (_SIDE + _GAP) + _GAP, _TOP + _SIDE + _FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="12">',
        f"<title>{escape(found.claim)}: {escape(found.region.text)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for i, deviation in enumerate(SLICES):
        here = [(box, settled) for box, settled in boxes if _meets(box, deviation)]
        parts += _panel(_GAP + i * (_SIDE + _GAP), here, deviation, (low, high))
    for i, settled in enumerate(shown):
        parts.append(_rect(_GAP + 260 * i, height - 28, 14, 14, settled))
        parts.append(f'<text x="{_GAP + 260 * i + 20}" y="{height - 17}">{_MEANINGS[settled]}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _meets(box: Box, deviation: fmpq) -> bool:
    """Whether a box meets the slice at a deviation; of two that share the border, the first."""
    low, high = box[2]
    return bool(low < deviation <= high) or bool(low == deviation == 0)


def _panel(left: int, boxes: Sequence[tuple[Box, bool]], deviation: fmpq, ends: tuple[fmpq, fmpq]) -> list[str]:
    bottom, top = ends

    def x(share: fmpq) -> float:
        return left + float(2 * share) * _SIDE

    def y(value: fmpq) -> float:
        return _TOP + _SIDE * float((top - value) / (top - bottom))

    parts = [f'<text x="{left}" y="{_TOP - 10}">deviation σ = {deviation}</text>']
    for ((a, b), (low, high), _), settled in boxes:
        parts.append(_rect(x(a), y(high), x(b) - x(a), y(low) - y(high), settled))
    foot = _TOP + _SIDE + 16
    parts.append(f'<text x="{left}" y="{foot}">0</text><text x="{left + _SIDE - 18}" y="{foot}">1/2</text>')
    parts.append(f'<text x="{left + _SIDE // 2 - 26}" y="{foot}">share y</text>')
    parts.append(f'<text x="{left - 8}" y="{_TOP + _SIDE}" text-anchor="end">{bottom}</text>')
    parts.append(f'<text x="{left - 8}" y="{_TOP + 10}" text-anchor="end">{top}</text>')
    parts.append(f'<text x="{left - 8}" y="{_TOP + _SIDE // 2}" text-anchor="end">range</text>')
    return parts


def _rect(x: float, y: float, width: float, height: float, settled: bool) -> str:
    shape = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
    edge = "#00000040" if settled else "#c0392b"
    return f'<rect {shape} fill="{_COLOURS[settled]}" stroke="{edge}" stroke-width=".4"/>'
