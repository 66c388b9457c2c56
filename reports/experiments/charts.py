"""Charts as SVG text: curves with confidence bands, dot plots, and sheets of panels with one legend.

A method always has the same colour, dash and marker, so that no chart needs its colours. The colours are Okabe and
Ito's, darkened where white paper asks for it, with a second set for dark screens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from thmverify.reports.experiments.intervals import Interval
from thmverify.reports.figures.drawing import Frame, minus, number

WIDTH, HEIGHT = 350.0, 268.0
_KEY = 30.0
_GAP = 18.0
_LETTER = 7.0  # a generous width for a letter of the legend, in pixels
# Curves are moved sideways by so much each, in pixels: methods that coincide stay visible.
_DODGE = 2.6


@dataclass(frozen=True)
class Style:
    """How a series looks: class name, colours on white and on black, dashes, marker."""

    name: str
    light: str
    dark: str
    dash: str
    marker: str


STYLES = (
    Style("fisher", "#222222", "#eeeeee", "", "circle"),
    Style("infonce", "#0072b2", "#63b8ee", "", "square"),
    Style("simsiam", "#c24e00", "#ff9752", "7 3", "up"),
    Style("spectral", "#00795a", "#4fcaa2", "2 3", "diamond"),
    Style("pca", "#9c4780", "#e79fc6", "9 3 2 3", "down"),
    Style("random", "#6a6a6a", "#a9a9a9", "1 4", "cross"),
    Style("infonce-flat", "#0072b2", "#63b8ee", "4 3", "hollow-square"),
    Style("simsiam-flat", "#c24e00", "#ff9752", "2 2", "hollow-up"),
    Style("fisher-flat", "#222222", "#eeeeee", "4 3", "hollow"),
    Style("means", "#00795a", "#4fcaa2", "2 3", "diamond"),
)

_BASE = """
.chart text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
.chart .title { font-weight: 600; font-size: 13px; }
.chart .small { font-size: 11px; }
.chart .over { paint-order: stroke; stroke-width: 4; stroke-linejoin: round; }
.chart .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.chart .band { stroke: none; fill-opacity: .16; }
.chart .dot { stroke-width: 1; }
.chart .hollow { stroke-width: 1.6; }
.chart .bar { fill: none; stroke-width: 1.4; }
.chart .point { fill-opacity: .45; stroke: none; }
.chart .shape { fill: none; stroke-width: 1.2; }
"""


def css() -> str:
    """Return the style sheet of the charts, for a page or for a drawing of its own."""
    dark = _theme("#15171a", "#e8e5dd", "#aaacb0", "#363a41", {style.name: style.dark for style in STYLES})
    light = _theme("#ffffff", "#1c1d1f", "#55595f", "#dcdcdc", {style.name: style.light for style in STYLES})
    return f"{_BASE}{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _theme(paper: str, ink: str, soft: str, rule: str, colours: dict[str, str]) -> str:
    lines = [
        f".chart .paper {{ fill: {paper}; }}",
        f".chart text {{ fill: {ink}; }}",
        f".chart .soft {{ fill: {soft}; }}",
        f".chart .over {{ stroke: {paper}; }}",
        f".chart .axis {{ stroke: {ink}; fill: none; }}",
        f".chart .grid {{ stroke: {rule}; fill: none; }}",
        f".chart .dot {{ stroke: {paper}; }}",
        f".chart .hollow {{ fill: {paper}; }}",
    ]
    for name, colour in colours.items():
        lines.append(f".chart .{name} .line, .chart .{name} .bar, .chart .{name} .shape {{ stroke: {colour}; }}")
        lines.append(f".chart .{name} .hollow, .chart .{name} .stroke {{ stroke: {colour}; }}")
        lines.append(f".chart .{name} .band, .chart .{name} .dot, .chart .{name} .point {{ fill: {colour}; }}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Panel:
    """A drawing of its own: what it shows in words, its size in pixels and its elements."""

    title: str
    width: float
    height: float
    body: str


@dataclass(frozen=True)
class Key:
    """An entry of the legend: a text and a sample, drawn in a box of 30 × 16 pixels."""

    text: str
    body: str


@dataclass(frozen=True)
class Sheet:
    """Panels in rows of `columns` with one legend."""

    title: str
    panels: tuple[Panel, ...]
    columns: int
    keys: tuple[Key, ...]


def standalone(sheet: Sheet, alt: str) -> str:
    """Return the sheet as one SVG file; `alt` describes it in words."""
    wide = max(panel.width for panel in sheet.panels)
    columns = min(sheet.columns, len(sheet.panels))
    width = columns * wide + (columns - 1) * _GAP + 2 * _GAP
    parts, top = [], 40.0
    for start in range(0, len(sheet.panels), columns):
        row = sheet.panels[start : start + columns]
        for i, panel in enumerate(row):
            parts.append(_moved(_GAP + i * (wide + _GAP), top, panel.body))
        top += max(panel.height for panel in row) + _GAP
    legend, top = _legend(sheet.keys, width, top)
    body = "".join(parts) + legend
    size = f'width="{number(width)}" height="{number(top)}" viewBox="0 0 {number(width)} {number(top)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} role="img" aria-labelledby="title description">'
        "\n"
        f'<title id="title">{escape(sheet.title)}</title>\n<desc id="description">{escape(alt)}</desc>\n'
        f"<style>{css()}</style>\n"
        f'<rect class="paper" width="{number(width)}" height="{number(top)}"/>\n'
        f'<text class="title" x="{number(_GAP)}" y="24" style="font-size:15px">{escape(sheet.title)}</text>\n'
        f"{body}</svg>\n"
    )


def inline(panel: Panel) -> str:
    """Return a panel as an SVG element of a page."""
    w, h = number(panel.width), number(panel.height)
    return (
        f'<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        f'aria-label="{escape(panel.title)}">{panel.body}</svg>'
    )


def inline_key(key: Key) -> str:
    """Return the sample of a legend's entry as an SVG element of a page."""
    return f'<svg class="chart" viewBox="0 0 30 16" width="30" height="16" aria-hidden="true">{key.body}</svg>'


def _legend(keys: Sequence[Key], width: float, top: float) -> tuple[str, float]:
    """Return the legend, as many entries in a line as fit, and the y below it."""
    parts, x = [], _GAP
    for key in keys:
        needed = _KEY + 8 + _LETTER * len(key.text) + _GAP
        if x > _GAP and x + needed > width:
            x, top = _GAP, top + 22
        text = f'<text x="{number(_KEY + 6)}" y="12">{escape(key.text)}</text>'
        parts.append(_moved(x, top, key.body + text))
        x += needed
    return "".join(parts), top + (22 if keys else 0) + 8


def _moved(x: float, y: float, body: str) -> str:
    return f'<g transform="translate({number(x)} {number(y)})">{body}</g>\n'


# --- elements -------------------------------------------------------------------------------------------------------


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """Return a text; `kind` is its class."""
    classes = f' class="{kind}"' if kind else ""
    return f'<text{classes} x="{number(x)}" y="{number(y)}" text-anchor="{anchor}">{escape(words)}</text>'


_SHAPES = {
    "square": "M-3.6 -3.6H3.6V3.6H-3.6Z",
    "up": "M0 -4.8L4.6 3.4H-4.6Z",
    "down": "M0 4.8L4.6 -3.4H-4.6Z",
    "diamond": "M0 -5L5 0L0 5L-5 0Z",
    "cross": "M-3.6 -3.6L3.6 3.6M-3.6 3.6L3.6 -3.6",
    "circle": "M-4 0A4 4 0 1 1 4 0A4 4 0 1 1 -4 0Z",
}


def marker(shape: str, x: float, y: float) -> str:
    """Return a marker centred at a pixel; `hollow` shapes show the paper inside."""
    outline = _SHAPES[shape.removeprefix("hollow").removeprefix("-") or "circle"]
    kind = "stroke" if shape == "cross" else "hollow" if shape.startswith("hollow") else "dot"
    wide = ' stroke-width="1.8"' if shape == "cross" else ""
    return f'<path class="{kind}"{wide} transform="translate({number(x)} {number(y)})" d="{outline}"/>'


def style(name: str) -> Style:
    """Return the style of that name."""
    return next(s for s in STYLES if s.name == name)


def key(words: str, name: str) -> Key:
    """Return the legend's entry of a curve."""
    shown = style(name)
    return Key(
        words, f'<g class="{name}"><path class="line" d="M1 8H29"{_dashes(shown)}/>{marker(shown.marker, 15, 8)}</g>'
    )


def line_key(words: str, name: str, dash: str = "", width: float = 1.8) -> Key:
    """Return the legend's entry of a line without markers."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return Key(words, f'<g class="{name}"><path class="line" style="stroke-width:{width:g}" d="M2 8H28"{dashes}/></g>')


def _dashes(shown: Style) -> str:
    return f' stroke-dasharray="{shown.dash}"' if shown.dash else ""


# --- curves ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Axis:
    """A horizontal axis: its name, the values with ticks, and where a value lies on it, from 0 (left) to 1 (right)."""

    label: str
    ticks: tuple[tuple[float, str], ...]
    place: Callable[[float], float]


@dataclass(frozen=True)
class Curve:
    """A series: the name of its style, and an interval at each value."""

    style: str
    points: tuple[tuple[float, Interval], ...]


def _frame() -> Frame:
    """Return the frame of a chart whose vertical axis goes from 0 to 1."""
    return Frame(46, 30, WIDTH - 60, HEIGHT - 78, (-0.04, 1.04), (-0.06, 1.06))


def agreement_chart(title: str, axis: Axis, curves: Sequence[Curve], name: str = "AMI") -> Panel:
    """Return a chart of numbers from 0 to 1, of adjusted mutual information unless another `name` is given."""
    inside = _frame()
    body = axes(title, inside, axis, tuple((y / 5, f"{y / 5:g}") for y in range(6)), name)
    for i, curve in enumerate(curves):
        body += _curve(inside, axis, curve, (i - (len(curves) - 1) / 2) * _DODGE)
    return Panel(title, WIDTH, HEIGHT, body)


def axes(title: str, inside: Frame, axis: Axis, heights: Sequence[tuple[float, str]], name: str) -> str:
    """Return title, grid, ticks and names of a chart; `heights` are the ticks of the vertical axis."""
    parts = [text(inside.left, 18, title, kind="title")]
    for value, label in heights:
        y = inside.y(value)
        parts.append(f'<path class="grid" d="M{number(inside.left)} {number(y)}H{number(inside.right)}"/>')
        parts.append(text(inside.left - 7, y + 4, minus(label), "end", "small soft"))
    for value, label in axis.ticks:
        x = inside.x(axis.place(value))
        parts.append(f'<path class="axis" d="M{number(x)} {number(inside.bottom)}v4"/>')
        parts.append(text(x, inside.bottom + 17, minus(label), "middle", "small soft"))
    parts.append(
        f'<path class="axis" d="M{number(inside.left)} {number(inside.top)}V{number(inside.bottom)}'
        f'H{number(inside.right)}"/>'
    )
    parts.append(text(inside.left + inside.width / 2, inside.bottom + 37, axis.label, "middle"))
    turned = f'transform="translate(12 {number(inside.top + inside.height / 2)}) rotate(-90)"'
    parts.append(f'<text {turned} text-anchor="middle">{escape(name)}</text>')
    return "".join(parts)


def _curve(inside: Frame, axis: Axis, curve: Curve, shift: float) -> str:
    shown = style(curve.style)
    at = [(inside.x(axis.place(x)) + shift, i) for x, i in curve.points]
    upper = [f"{number(x)} {number(_clipped(inside, i.high))}" for x, i in at]
    lower = [f"{number(x)} {number(_clipped(inside, i.low))}" for x, i in reversed(at)]
    line = "L".join(f"{number(x)} {number(inside.y(i.mean))}" for x, i in at)
    marks = "".join(marker(shown.marker, x, inside.y(i.mean)) for x, i in at)
    return (
        f'<g class="{curve.style}"><path class="band" d="M{"L".join([*upper, *lower])}Z"/>'
        f'<path class="line" d="M{line}"{_dashes(shown)}/>{marks}</g>'
    )


def _clipped(inside: Frame, value: float) -> float:
    low, high = inside.y_range
    return inside.y(min(max(value, low), high))
