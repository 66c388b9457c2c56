"""Figure 6: the rank of the InfoNCE minimiser against δ, with certificates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from thmverify.reports.experiments import ranks
from thmverify.reports.experiments.charts import HEIGHT, WIDTH, Panel, Sheet, axes, line_key, text
from thmverify.reports.experiments.figure import PAPER, Figure, Inputs, linear_axis
from thmverify.reports.experiments.records import Check, Grounds, RankCell
from thmverify.reports.figures.drawing import Frame, number

ID = "6"
TITLE = "Rank of the InfoNCE minimiser against δ"
PROVED, REFUTED = "proved", "refuted"
_AXIS = linear_axis("δ: share of pairs from one component", (0, 0.2, 0.4, 0.6, 0.8, 1), 0.0, 1.0)
# Eigenvalues below this are 0 up to rounding; they are drawn on the lowest line.
_ZERO = 1e-9
_LANES = ((PROVED, "Col(M*) = S_F, certified", "infonce"), (REFUTED, "Col(M*) ≠ S_F, certified", "simsiam"))
_UNDECIDED = "undecided, numbers only"
_LANE = 27.0
_DASH = "6 3"
_LEFT = 58.0


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check equality at δ = 1, and that nothing is certified against it between 0 and 1."""
    cells = inputs[ID].ranks
    return (_at_one(cells), _between(cells))


def _at_one(cells: Sequence[RankCell]) -> Check:
    last = [cell for cell in cells if Fraction(cell.bias) == 1]
    return Check(
        text="at δ = 1 the minimiser fills the Fisher subspace",
        holds=bool(last) and all(cell.verdict == PROVED for cell in last),
        detail="; ".join(f"mixture {cell.instance}: {_finding(cell)}" for cell in last),
        grounds=Grounds.CERTIFIED,
    )


def _between(cells: Sequence[RankCell]) -> Check:
    inner = [cell for cell in cells if 0 < Fraction(cell.bias) < 1]
    parts = []
    for name in dict.fromkeys(cell.instance for cell in inner):
        refuted = [cell.bias for cell in inner if cell.instance == name and cell.verdict == REFUTED]
        parts.append(f"mixture {name}: {_span(refuted)}")
    return Check(
        text="no δ between 0 and 1 is known at which it does not",
        holds=not any(cell.verdict == REFUTED for cell in inner),
        detail="; ".join(parts),
        grounds=Grounds.CERTIFIED,
    )


def _finding(cell: RankCell) -> str:
    if cell.rank is None:
        return cell.verdict
    return f"{cell.verdict}, rank M* = {cell.rank}, dim S_F = {cell.dimension}"


def _span(biases: Sequence[str]) -> str:
    if not biases:
        return "none refuted"
    return f"{len(biases)} values of δ refuted, from {biases[0]} to {biases[-1]}"


def draw(inputs: Inputs) -> Sheet:
    """Return a panel for each mixture."""
    cells = inputs[ID].ranks
    panels = tuple(
        _panel(f"Mixture {name}", [cell for cell in cells if cell.instance == name])
        for name in dict.fromkeys(cell.instance for cell in cells)
    )
    keys = (
        line_key("λ₁(M*)", "fisher"),
        line_key("λ₂(M*)", "infonce", _DASH),
        *(line_key(words, css, width=6) for _, words, css in _LANES),
    )
    return Sheet(f"{ID}  {TITLE}", panels, 2, keys)


def _panel(title: str, cells: Sequence[RankCell]) -> Panel:
    positive = [value for cell in cells for value in cell.eigenvalues if value > _ZERO]
    low = math.floor(math.log10(min(positive)))
    high = math.ceil(math.log10(max(positive)))
    inside = Frame(_LEFT, 30, WIDTH - _LEFT - 14, HEIGHT - 84, (-0.03, 1.03), (low - 1.0, float(high)))
    powers = "⁰¹²³⁴⁵⁶⁷⁸⁹"
    heights = [(low - 1.0, "0"), *((float(p), f"10⁻{powers[-p]}" if p < 0 else "1") for p in range(low, high + 1))]
    body = axes(title, inside, _AXIS, heights, "eigenvalues of M*")
    for index, css in enumerate(("fisher", "infonce")):
        body += _eigenvalues(inside, cells, index, css)
    top = inside.bottom + 58
    shown = [*_LANES]
    if any(cell.verdict not in (PROVED, REFUTED) for cell in cells):
        shown.append(("undecided", _UNDECIDED, "random"))
    for i, (verdict, words, css) in enumerate(shown):
        body += _lane(inside, cells, verdict, words, css, top + i * _LANE)
    return Panel(title, WIDTH, top + len(shown) * _LANE, body)


def _eigenvalues(inside: Frame, cells: Sequence[RankCell], index: int, css: str) -> str:
    """Draw one eigenvalue along δ: a line where it is positive, on the lowest line where it is 0."""
    runs: list[list[tuple[float, float]]] = []
    before: bool | None = None
    for cell in cells:
        value = cell.eigenvalues[index]
        positive = value > _ZERO
        height = math.log10(value) if positive else inside.y_range[0]
        if positive is not before:
            runs.append([])
        runs[-1].append((_place(cell), height))
        before = positive
    dashes = f' stroke-dasharray="{_DASH}"' if index else ""
    lines = "".join(f'<path class="line" d="{inside.path(run)}h.01"{dashes}/>' for run in runs)
    dots = "".join(
        f'<circle class="dot" style="stroke:none" r="1.7" cx="{number(inside.x(x))}" cy="{number(inside.y(y))}"/>'
        for run in runs
        for x, y in run
    )
    return f'<g class="{css}">{lines}{dots}</g>'


def _lane(inside: Frame, cells: Sequence[RankCell], verdict: str, words: str, css: str, y: float) -> str:
    """Mark on a line of its own where the kernel gave this verdict."""
    half = inside.width / (len(cells) - 1) / 2
    marks = "".join(
        f"M{number(inside.x(_place(cell)) - half * 0.8)} {number(y + 8)}h{number(1.6 * half)}"
        for cell in cells
        if cell.verdict == verdict
    )
    rule = f'<path class="grid" d="M{number(inside.left)} {number(y + 8)}H{number(inside.right)}"/>'
    label = text(inside.left, y, words, kind="small")
    drawn = f'<g class="{css}"><path class="line" style="stroke-width:6" d="{marks}"/></g>' if marks else ""
    return label + rule + drawn


def _place(cell: RankCell) -> float:
    return float(Fraction(cell.bias))


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    steps = len(inputs[ID].settings.values) - 1
    mixtures = "; ".join(f"{name}: {ranks.describe(ranks.instance(name).shared)}" for name in ranks.MIXTURES)
    return (
        f"Eigenvalues of the population minimiser M* in float64 for {steps + 1} values of δ, and below what the kernel "
        "certified at each of them from a certificate of its own; where neither line is marked, the numbers are "
        f"evidence only. Two centred mixtures of three components in the plane, identity covariance. {mixtures}."
    )


def choices(_inputs: Inputs) -> str:
    """Return our choices."""
    return (
        "The sources have no such experiment. The mixtures are those of the shipped certificates "
        f"{' and '.join(ranks.MIXTURES.values())}; the values of δ are our choice."
    )


def alt(inputs: Inputs) -> str:
    """Describe the panels."""
    cells = inputs[ID].ranks
    parts = []
    for name in dict.fromkeys(cell.instance for cell in cells):
        own = [cell for cell in cells if cell.instance == name]
        counts = ", ".join(
            f"{verdict} at {sum(cell.verdict == verdict for cell in own)}"
            for verdict in dict.fromkeys(cell.verdict for cell in own)
        )
        parts.append(f"mixture {name}, {len(own)} values of δ: equality {counts}")
    return f"Line charts of the eigenvalues of M* against δ, with lanes of certified verdicts. {'; '.join(parts)}."


FIGURE = Figure(
    ID,
    TITLE,
    (ID,),
    "At δ = 1 the InfoNCE optimum spans exactly the Fisher subspace; and for δ < 1 no counterexample is known.",
    f"The talk's Theorem 0.1 (Theorem 5.2), second half, and its remark on δ < 1; {PAPER}",
    "For both mixtures the kernel certifies Col(M*) = S_F at δ = 1, and it refutes it at no δ between 0 and 1.",
    choices,
    check,
    draw,
    caption,
    alt,
)
