"""A picture of a covering: its boxes in slices, by share and range, coloured by the test that settles them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from flint import fmpq

from thmverify.covering.proposal import Covering
from thmverify.kernel.covers.bisection import Box

SLICES = (fmpq(0), fmpq(1, 4), fmpq(1))  # deviations at which boxes are shown, at the least bias
_COLOURS = {"slope": "#7fb2d6", "signal": "#b7d99a", "stationarity": "#d8b4e2", "": "#ffffff"}
_MEANINGS = {
    "slope": "the slope across is negative",
    "signal": "so it is whatever the offsets",
    "stationarity": "no candidate is stationary",
    "": "not settled",
}
_SIDE, _GAP, _TOP, _FOOT = 260, 56, 46, 84


def draw(found: Covering) -> str:
    """Return the picture as SVG: at each deviation a panel, the share to the right and the range upwards."""
    boxes = [*found.settled, *((box, "") for box in found.remaining)]
    least, top = min(box[0][0] for box, _ in boxes), max(box[2][1] for box, _ in boxes)
    shown = [test for test in _COLOURS if any(test == other for _, other in boxes)]
    width, height = len(SLICES) * (_SIDE + _GAP) + _GAP, _TOP + _SIDE + _FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="12">',
        f"<title>{escape(found.claim)}: {escape(found.region.text)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for i, deviation in enumerate(SLICES):
        parts += _panel(_GAP + i * (_SIDE + _GAP), [b for b in boxes if _in(b[0], least, deviation)], deviation, top)
    for i, test in enumerate(shown):
        x = _GAP + i * (width - _GAP) // max(len(shown), 1)
        parts.append(_rect(x, height - 28, 14, 14, test))
        parts.append(f'<text x="{x + 20}" y="{height - 17}">{test or "none"}: {_MEANINGS[test]}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _in(box: Box, bias: fmpq, deviation: fmpq) -> bool:
    """Whether a box meets the slice at this bias and deviation; of two that share the border, the first."""
    (low, high), (left, right) = box[0], box[3]
    return bool(low <= bias <= high) and bool(left < deviation <= right or left == deviation == 0)


def _panel(left: int, boxes: Sequence[tuple[Box, str]], deviation: fmpq, top: fmpq) -> list[str]:
    def x(share: fmpq) -> float:
        return left + float(2 * share) * _SIDE

    def y(value: fmpq) -> float:
        return _TOP + _SIDE * (1 - float(value / top))

    parts = [f'<text x="{left}" y="{_TOP - 10}">deviation σ = {deviation}</text>']
    for (_, (a, b), (low, high), _), test in boxes:
        parts.append(_rect(x(a), y(high), x(b) - x(a), y(low) - y(high), test))
    foot = _TOP + _SIDE + 16
    parts.append(f'<text x="{left}" y="{foot}">0</text><text x="{left + _SIDE - 18}" y="{foot}">1/2</text>')
    parts.append(f'<text x="{left + _SIDE // 2 - 26}" y="{foot}">share y</text>')
    parts.append(f'<text x="{left - 8}" y="{_TOP + _SIDE}" text-anchor="end">0</text>')
    parts.append(f'<text x="{left - 8}" y="{_TOP + 10}" text-anchor="end">{top}</text>')
    parts.append(f'<text x="{left - 8}" y="{_TOP + _SIDE // 2}" text-anchor="end">range</text>')
    return parts


def _rect(x: float, y: float, width: float, height: float, test: str) -> str:
    shape = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
    edge = "#c0392b" if not test else "#00000040"
    return f'<rect {shape} fill="{_COLOURS[test]}" stroke="{edge}" stroke-width=".4"/>'
