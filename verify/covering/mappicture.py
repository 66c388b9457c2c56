"""A picture of a certified map: where a claim is proved, where it is refuted, and in white where it is not settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape

from flint import fmpq

from thmverify.kernel.covers.regions import part

COLOURS = {"proved": "#56b4e9", "refuted": "#e69f00", "not settled": "#ffffff"}  # told apart by most eyes
_SIDE, _LEFT, _TOP, _FOOT, _LEGEND = 480, 70, 40, 50, 190

Side = tuple[fmpq, fmpq]


def draw_map(title: str, axes: Sequence[tuple[str, fmpq, fmpq]], verdicts: Mapping[str, str]) -> str:
    """Return the picture as SVG; verdicts by path, the first of the two axes to the right and the second upwards."""
    (across, left, right), (up, bottom, top) = axes
    width, height = _LEFT + _SIDE + _LEGEND, _TOP + _SIDE + _FOOT

    def x(value: fmpq) -> float:
        return _LEFT + _SIDE * float((value - left) / (right - left))

    def y(value: fmpq) -> float:
        return _TOP + _SIDE * float((top - value) / (top - bottom))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="{_TOP - 14}">{escape(title)}</text>',
    ]
    for verdict in ("proved", "refuted"):
        strokes = [
            f"M{x(a):.2f} {y(d):.2f}H{x(b):.2f}V{y(c):.2f}H{x(a):.2f}z"
            for (a, b), (c, d) in _merged(axes, verdicts, verdict)
        ]
        parts.append(f'<path fill="{COLOURS[verdict]}" d="{"".join(strokes)}"/>')
    parts.append(f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#333333"/>')
    for share in (fmpq(0), fmpq(1, 2), fmpq(1)):
        here, there = left + share * (right - left), bottom + share * (top - bottom)
        parts.append(f'<text x="{x(here):.1f}" y="{_TOP + _SIDE + 18}" text-anchor="middle">{float(here):.4g}</text>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(there) + 4:.1f}" text-anchor="end">{float(there):.4g}</text>')
    parts.append(f'<text x="{_LEFT + _SIDE // 2}" y="{_TOP + _SIDE + 38}" text-anchor="middle">{escape(across)}</text>')
    middle = _TOP + _SIDE // 2
    parts.append(
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{escape(up)}</text>'
    )
    for i, (meaning, colour) in enumerate(COLOURS.items()):
        at, row = _LEFT + _SIDE + 18, _TOP + 20 + 26 * i
        parts.append(f'<rect x="{at}" y="{row - 12}" width="14" height="14" fill="{colour}" stroke="#333333"/>')
        parts.append(f'<text x="{at + 22}" y="{row}">{meaning}: {_percent(_share(verdicts, meaning))}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _share(verdicts: Mapping[str, str], meaning: str) -> Fraction:
    found = sum((Fraction(1, 2 ** len(path)) for path, verdict in verdicts.items() if meaning == verdict), Fraction(0))
    settled = sum((Fraction(1, 2 ** len(path)) for path in verdicts), Fraction(0))
    return found if meaning in ("proved", "refuted") else 1 - settled


def _percent(share: Fraction) -> str:
    """Return a share in per cent, to the digit below: what is not settled entirely is not 100."""
    return f"{int(share * 1000) / 10} %"


def _merged(
    axes: Sequence[tuple[str, fmpq, fmpq]], verdicts: Mapping[str, str], wanted: str
) -> list[tuple[Side, Side]]:
    """Return the boxes of a verdict, those that share a side put together along the first axis."""
    rows: dict[Side, list[Side]] = defaultdict(list)
    whole = tuple((low, high) for _, low, high in axes)
    for path, verdict in verdicts.items():
        if verdict == wanted:
            across, up = part(whole, path)
            rows[up].append(across)
    merged = []
    for up, sides in rows.items():
        sides.sort()
        low, high = sides[0]
        for left, right in sides[1:]:
            if left != high:
                merged.append(((low, high), up))
                low = left
            high = right
        merged.append(((low, high), up))
    return merged
