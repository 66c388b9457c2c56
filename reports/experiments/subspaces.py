"""Figure 1: spherical components, parallel pancakes, and shifted parallel pancakes."""

from __future__ import annotations

from collections.abc import Sequence

from thmverify.models import SharedGMM
from thmverify.reports.experiments.charts import Key, Panel, Sheet, line_key, marker, style, text
from thmverify.reports.experiments.figure import PAPER, Figure, Inputs
from thmverify.reports.experiments.intervals import Interval
from thmverify.reports.experiments.records import (
    FISHER,
    INFONCE,
    LEARNED,
    MEANS,
    PCA,
    POPULATION,
    SAMPLE,
    Check,
    Grounds,
)
from thmverify.reports.experiments.tables import REGIMES, SAME, Table, lead
from thmverify.reports.figures import pancakes as plane
from thmverify.reports.figures.drawing import Frame, number
from thmverify.reports.figures.records import Pancakes
from thmverify.reports.figures.records import Panel as Scene

ID = "1"
TITLE = "Spherical components, parallel pancakes, shifted pancakes"
_LINES = {"S_F": "fisher", "S_SVD": "pca", "S_μ": "means"}
_DASHES = {"S_F": "", "S_SVD": "9 3 2 3", "S_μ": "2 3"}
_METHODS = (("S_F", FISHER, "fisher"), ("S_SVD", PCA, "pca"), ("S_μ", MEANS, "means"), ("InfoNCE", INFONCE, "infonce"))
_COMPONENTS = ("infonce", "simsiam", "spectral")
_ROW, _LEFT = 21.0, 62.0
_SPHERICAL, _PARALLEL, _SHIFTED = 0.0, 1.0, 2.0
_LOW = 0.05


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check each of the three pictures: on its exact subspaces, and by clustering what is left on each line."""
    data = inputs[ID]
    table, scene = Table(data), _scene(inputs)
    found = [
        _coincidence("(a) S_SVD coincides with S_F", scene.panels[0], "S_SVD", True),
        _coincidence("(b) S_SVD differs from S_F", scene.panels[1], "S_SVD", False),
        _coincidence("(c) S_μ differs from S_F", scene.panels[2], "S_μ", False),
    ]
    for regime, name in REGIMES.items():
        found += [
            _as_good(table, regime, f"(a) the projection on S_SVD clusters as well as that on S_F ({name})"),
            _collapsed(table, regime, f"(b) the projection on S_SVD loses the components ({name})"),
            _worse(table, regime, f"(c) the projection on S_μ clusters worse than that on S_F ({name})"),
        ]
    return tuple(found)


def _scene(inputs: Inputs) -> Pancakes:
    scene = inputs[ID].scene
    if scene is None:
        raise ValueError("the data of figure 1 hold no scene")
    return scene


def _coincidence(words: str, panel: Scene, name: str, wanted: bool) -> Check:
    directions = {line.name: line.direction for line in panel.lines}
    same = directions[name] == directions["S_F"]
    shown = {n: f"({', '.join(d)})" for n, d in directions.items()}
    return Check(
        text=words,
        holds=same is wanted,
        detail=f"S_F = span {shown['S_F']}, {name} = span {shown[name]}".replace("-", "−"),
        grounds=Grounds.EXACT,
    )


def _as_good(table: Table, regime: str, words: str) -> Check:
    found = lead(table, _SPHERICAL, regime, (PCA, LEARNED), (FISHER, LEARNED))
    return Check(text=words, holds=found.low >= -SAME and found.high <= SAME, detail=f"difference in AMI {found}")


def _collapsed(table: Table, regime: str, words: str) -> Check:
    found = table.interval(_PARALLEL, regime, PCA)
    return Check(
        text=words,
        holds=found.high < _LOW,
        detail=f"AMI {found} on S_SVD, {table.interval(_PARALLEL, regime, FISHER)} on S_F",
    )


def _worse(table: Table, regime: str, words: str) -> Check:
    found = lead(table, _SHIFTED, regime, (FISHER, LEARNED), (MEANS, LEARNED))
    return Check(text=words, holds=found.low > 0, detail=f"S_F leads by {found}")


def draw(inputs: Inputs) -> Sheet:
    """Return the three scatters, each above the scores of its lines."""
    table = Table(inputs[ID])
    panels = tuple(_panel(panel, table, float(i)) for i, panel in enumerate(_scene(inputs).panels))
    lines = tuple(line_key(name, css, _DASHES[name]) for name, css in _LINES.items())
    dots = (
        Key("population minimiser", f'<g class="fisher">{marker("circle", 15, 8)}</g>'),
        Key("estimated from a sample", f'<g class="fisher">{marker("hollow", 15, 8)}</g>'),
    )
    return Sheet(f"{ID}  {TITLE}", panels, 3, (*lines, *dots))


def _panel(panel: Scene, table: Table, x: float) -> Panel:
    drawn = plane.layout(panel)
    side = drawn.frame.width
    parts = [text(0, 18, f"({panel.letter}) {panel.title}", kind="title"), '<g transform="translate(0 28)">']
    parts.append(f'<rect class="grid" width="{number(side)}" height="{number(side)}"/>')
    parts += [_points([m[:2] for m in drawn.marks if m[2] == k], k) for k in range(len(_COMPONENTS))]
    for k, e in enumerate(drawn.ellipses):
        at = f"translate({number(e.cx)} {number(e.cy)}) rotate({number(e.turn)})"
        shape = f'<ellipse class="shape" rx="{number(e.rx)}" ry="{number(e.ry)}" transform="{at}"/>'
        parts.append(f'<g class="{_COMPONENTS[k]}">{shape}</g>')
    for line in drawn.lines:
        parts.append(_line(line.names, line.start, line.end))
        parts += _names(line)
    parts.append("</g>")
    top = side + 46
    frame = Frame(_LEFT, top, side - _LEFT - 8, _ROW * len(_METHODS), (-0.04, 1.0), (0, 1))
    parts.append(_scores(frame, table, x))
    name = f"({panel.letter}) {panel.title}: scatter with S_F, S_SVD, S_μ and the AMI of each projection"
    return Panel(name, side, frame.bottom + 44, "".join(parts))


def _points(at: Sequence[tuple[float, float]], k: int) -> str:
    """Draw the points of a component: round, square, or upright crosses."""
    if k == len(_COMPONENTS) - 1:
        path = "".join(f"M{number(x - 2)} {number(y)}h4M{number(x)} {number(y - 2)}v4" for x, y in at)
        look = "stroke-width:1"
    else:
        path = "".join(f"M{number(x)} {number(y)}h0" for x, y in at)
        look = f"stroke-width:3.4;stroke-linecap:{('round', 'square')[k]}"
    return f'<g class="{_COMPONENTS[k]}"><path class="shape" style="{look}" stroke-opacity=".6" d="{path}"/></g>'


def _names(line: plane.DrawnLine) -> list[str]:
    """Write a line's names beside its end; more than two stand below each other, where they cover no component."""
    x, y = line.label
    if len(line.names) <= 2:
        return [text(x, y, " = ".join(line.names), line.anchor, "over")]
    words = [name if i == 0 else f"= {name}" for i, name in enumerate(line.names)]
    return [text(x, y + 26 + 16 * i, word, line.anchor, "over") for i, word in enumerate(words)]


def _line(names: Sequence[str], start: tuple[float, float], end: tuple[float, float]) -> str:
    """Draw a line, or several that coincide on top of each other, the dashed ones last."""
    (x0, y0), (x1, y1) = start, end
    path = f"M{number(x0)} {number(y0)}L{number(x1)} {number(y1)}"
    name = names[0]
    dashes = f' stroke-dasharray="{_DASHES[name]}"' if _DASHES[name] else ""
    return f'<g class="{_LINES[name]}"><path class="line" style="stroke-width:2.2"{dashes} d="{path}"/></g>'


def _scores(frame: Frame, table: Table, x: float) -> str:
    parts = []
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        at = number(frame.x(tick))
        parts.append(f'<path class="grid" d="M{at} {number(frame.top)}V{number(frame.bottom)}"/>')
        parts.append(text(float(at), frame.bottom + 15, f"{tick:g}", "middle", "small soft"))
    for i, (words, method, css) in enumerate(_METHODS):
        y = frame.top + (i + 0.5) * _ROW
        parts.append(text(frame.left - 10, y + 4, words, "end"))
        shape = style(css).marker
        for regime, look, dy in ((POPULATION, shape, -4.5), (SAMPLE, "hollow-" + shape, 4.5)):
            found = table.interval(x, regime, method)
            parts.append(f'<g class="{css}">{_dot(frame, found, look, y + dy)}</g>')
    parts.append(text(frame.left + frame.width / 2, frame.bottom + 34, "AMI of k-means on the projection", "middle"))
    return "".join(parts)


def _dot(frame: Frame, at: Interval, shape: str, y: float) -> str:
    low, high = (frame.x(min(max(v, frame.x_range[0]), 1.0)) for v in (at.low, at.high))
    bar = f'<path class="bar" d="M{number(low)} {number(y)}H{number(high)}"/>'
    return bar + marker(shape, frame.x(at.mean), y)


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    settings = inputs[ID].settings
    return (
        "Three components with one covariance (ellipses: two standard deviations), with S_F, the top singular "
        "direction S_SVD and the direction of the means S_μ. Below, AMI of k-means on the projection to each line and "
        f"to the map that InfoNCE learns: population minimisers, and estimates from n = {settings.points} points "
        f"(InfoNCE from pairs, S_F and S_μ with the labels), scored on {settings.test_points} fresh points; bars are "
        f"95 % confidence intervals over {settings.repetitions} seeds."
    )


def choices(_inputs: Inputs) -> str:
    """Return our choices."""
    laws = "; ".join(f"({letter}) {_law(mixture)}" for letter, _, mixture in plane.MIXTURES)
    return (
        "The source shows pictures and no parameters; the mixtures are our choice, rational so that every line drawn "
        f"is exact: three equal components at −μ, 0, μ with {laws}; r = 1, δ = 1."
    )


def _law(mixture: SharedGMM) -> str:
    mean = ", ".join(str(x) for x in mixture.means[-1])
    variances = ", ".join(str(row[i]) for i, row in enumerate(mixture.covariance))
    return f"μ = ({mean}) and Σ = diag({variances})"


def alt(inputs: Inputs) -> str:
    """Describe the three pictures."""
    table = Table(inputs[ID])
    parts = []
    for i, panel in enumerate(_scene(inputs).panels):
        groups = ", ".join(" = ".join(line.name for line in group) for group in plane.coinciding(panel.lines))
        scores = ", ".join(
            f"{words} {table.interval(float(i), POPULATION, method).mean:.2f}" for words, method, _ in _METHODS
        )
        parts.append(f"({panel.letter}) {panel.title}: lines {groups}; population AMI {scores}.")
    return "Three scatter plots of three components. " + " ".join(parts)


FIGURE = Figure(
    ID,
    TITLE,
    (ID,),
    "For spherical components the top singular subspace is the Fisher subspace and separates them; a large variance "
    "across the means makes it another one, on which the components collapse; and the subspace of the means need not "
    "be the Fisher subspace.",
    f"Figure 1 and its caption; {PAPER}",
    "(a) S_SVD = S_F exactly, and scores within 0.05 of each other; (b) S_SVD ≠ S_F exactly, and an AMI below 0.05 on "
    "S_SVD; (c) S_μ ≠ S_F exactly, and a lower score on S_μ; each with 95 % confidence, in the population and from "
    "samples.",
    choices,
    check,
    draw,
    caption,
    alt,
)
