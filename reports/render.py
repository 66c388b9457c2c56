"""From the records to the page: HTML and Markdown are functions of a `Report` alone.

Everything that comes from data is escaped: autoescaping in HTML, `_markdown` in Markdown, and formulas go through
`thmverify.mathml`, which lets nothing but presentation MathML pass.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from thmverify import mathml, scripts
from thmverify.evidence import Need
from thmverify.reports.base import Formula
from thmverify.reports.collect import inline, sentence
from thmverify.reports.effort import Effort
from thmverify.reports.figures import families, graph, growth, histogram, leak, loss_slices, pancakes, phase, scenes
from thmverify.reports.figures.drawing import minus, number
from thmverify.reports.figures.records import Angle, Leak, Line, LossSlices, Panel, Phase, Scene
from thmverify.reports.records import Clause, Finding, Level, Node, Proof, Report, Statement, Step
from thmverify.verdicts import Standing


@dataclass(frozen=True)
class Mark:
    """How a status looks: a glyph and a word always, and a tone of colour besides."""

    glyph: str
    word: str
    tone: str

    @property
    def text(self) -> str:
        """Glyph and word."""
        return f"{self.glyph} {self.word}"


_STANDINGS = {
    Standing.PROVED: (
        Mark("✓", "proved", "good"),
        "The kernel replayed a proof of the theorem on record, nothing is assumed, no random instance contradicts it.",
    ),
    Standing.CONDITIONAL: (
        Mark("◐", "proved under assumptions", "warn"),
        "The kernel replayed a proof, but its theorem is conditional on a step that is assumed, not derived.",
    ),
    Standing.REFUTED: (
        Mark("✗", "refuted", "bad"),
        "An instance satisfies every hypothesis and violates the claim, decided in exact or ball arithmetic.",
    ),
    Standing.OPEN: (
        Mark("○", "open", "plain"),
        "Neither proved nor refuted; the random instances are evidence and no more.",
    ),
    Standing.FAILED: (
        Mark("▲", "check failed", "bad"),
        "The recorded status is not confirmed: its proof does not check, or a random instance contradicts the claim.",
    ),
}
_REPLAYED = Mark("✓", "replayed", "good")
_FAILED = Mark("✗", "does not check", "bad")
_NEEDS = {
    Need.NECESSARY: Mark("●", "necessary", "bad"),
    Need.REDUNDANT: Mark("◌", "not needed", "good"),
    Need.CONSTITUTIVE: Mark("□", "part of the model", "plain"),
    Need.MOOT: Mark("–", "false anyway", "plain"),
    Need.UNKNOWN: Mark("?", "not known", "plain"),
}
_LEVELS = {
    Level.PROOF: "a proof that the kernel replays",
    Level.KERNEL: "a claim that the kernel decides on an instance",
    Level.FORMULA: "formulas that are evaluated on an instance",
    Level.DEFINITION: "a definition",
}
_REFUTES = {True: Mark("✓", "checked in this run", "good"), False: Mark("▲", "does not refute", "bad")}
_NO_CLAIM = Mark("–", "no claim", "none")
_ASSUMED = Mark("◇", "assumed", "warn")
_LONG = 900  # characters of LaTeX that fill more than a few lines


def html(report: Report) -> str:
    """Return the whole page, self-contained: no script, no request, no file beside it."""
    return _page(report, "report.html.j2", autoescape=True)


def markdown(report: Report) -> str:
    """Return the report as Markdown: the same records, for a repository or an editor."""
    text = _page(report, "report.md.j2", autoescape=False)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _page(report: Report, template: str, *, autoescape: bool) -> str:
    return (
        _environment(autoescape)
        .get_template(template)
        .render(
            report=report,
            tally=tally(report),
            standings=[(standing, meaning) for standing, (_, meaning) in _STANDINGS.items()],
            levels=[(level, meaning) for level, meaning in _LEVELS.items() if level is not Level.DEFINITION],
            command=command(report),
            shown={statement.id for statement in report.statements},
            titles={statement.id: statement.title for statement in report.statements},
            families=by_family(report),
            kinds=kinds(report),
            columns=families.columns(report.graph),
            notes=special_notes(report),
            no_claim=_NO_CLAIM,
        )
    )


@cache
def _environment(autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("thmverify.reports"),
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        mark=lambda standing: _STANDINGS[Standing(standing)][0],
        need=lambda need: _NEEDS[need],
        around=around,
        rests_on=rests_on,
        needs=needs,
        first_scene=first_scene,
        node_lines=node_lines,
        illustration=illustration,
        grounds=grounds,
        anchor=anchor,
        scene=scenes.layout,
        share=share,
        minus=minus,
        refutes_mark=lambda refutes: _REFUTES[refutes],
        capitalize_first=lambda text: text[:1].upper() + text[1:],
        percent=percent,
        proof_mark=proof_mark,
        named_mark=lambda _: _ASSUMED,
        is_long=is_long,
        counted=counted,
        tried=tried,
        in_folder=lambda files, folder: [file for file in files if file.file.startswith(f"{folder}/")],
        mathml=typeset,
        px=number,
        sentence=sentence,
        grown=lambda costs: inline(growth.draw(costs)),
        grown_caption=growth.caption,
        grown_words=growth.said,
        short=short,
        degrees=degrees,
        prose=prose,
        svg_prose=svg_prose,
        relation=relation,
        fisher=lambda lines, name: next(line.fisher for line in lines if line.name == name),
        layout=_layout,
        findings=loss_slices.findings,
        leak_finding=leak.finding,
        phase_finding=phase.finding,
        deficient_rows=phase.deficient_rows,
        histogram=histogram.layout,
        instance_text=instance_text,
        mark_text=lambda standing: _STANDINGS[Standing(standing)][0].text,
        text=lambda mark: mark.text,
        verification_text=verification_text,
        md=_markdown,
        fence=_fence,
    )
    return environment


def scene_alone(scene: Scene, title: str) -> str:
    """Return a scene as an SVG file of its own, with the colours of the page, light and dark."""
    environment = _environment(True)
    drawn = environment.get_template("scene.svg.j2").render(scene=scene, title=title).strip()
    style = "".join(environment.get_template(name).render() for name in ("palette.css", "drawing.css"))
    height = scenes.layout(scene).frame.height + 2
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{scenes.WIDTH:g}" height="{height:.0f}" '
    ground = '<rect x="-1" y="-1" width="100%" height="100%" fill="var(--paper)"/>'
    return drawn.replace("<svg ", head, 1).replace("<title", f"<style>{style}</style>{ground}<title", 1) + "\n"


def _layout(record: Panel | LossSlices | Phase | Leak) -> Any:
    match record:
        case Leak():
            return leak.layout(record)
        case Panel():
            return pancakes.layout(record)
        case LossSlices():
            return loss_slices.layout(record)
        case Phase():
            return phase.layout(record)


def proof_mark(proof: Proof) -> Mark:
    """Return how a proof shows: one with an assumed step never looks replayed alone."""
    return _FAILED if not proof.passed else _ASSUMED if proof.assumed else _REPLAYED


def is_long(formula: Formula) -> bool:
    """Return whether a formula is so long that it is folded away."""
    return len(formula.latex) > _LONG


def counted(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun, for example "1,034 lines"."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def tried(step: Step) -> str:
    """Return on how many random instances a step was found true; nothing where none was looked for."""
    if step.true_on is None:
        return ""
    return f"true on {counted(step.true_on, 'random instance')}" if step.true_on else "not met at random"


def special_notes(report: Report) -> dict[str, tuple[int, str]]:
    """Return the special cases that are proved beside a cell of the matrix: id → number of the note, title."""
    cases = {case.id: case.title for row in report.matrix.rows for cell in row.cells for case in cell.special}
    return {name: (number, title) for number, (name, title) in enumerate(cases.items(), 1)}


def node_lines(node: Node) -> tuple[str, str]:
    """Return the two lines of a box of the graph, with the glyph of its standing."""
    if node.standing is None:
        return graph.label_lines(node, "")
    mark = _STANDINGS[node.standing][0]
    first, second = graph.label_lines(node, mark.word)
    return f"{mark.glyph} {first}", second


def around(statement: Statement, record: Report) -> graph.Drawing:
    """Return the picture of what a statement rests on, and of what rests on it, in pixels."""
    part = graph.around(record.graph, statement.id)
    return graph.layout(part, {node.id: node_lines(node) for node in part.nodes})


def rests_on(statement: Statement, record: Report) -> list[str]:
    """Return what a statement rests on directly, for a line of text."""
    found = (e.source for e in record.graph.edges if e.target == statement.id and e.kind != "special case")
    return [name.replace("definition-", "Definition ") for name in found]


def needs(statement: Statement) -> list[tuple[Need, int]]:
    """Return how many hypotheses are necessary, not needed and so on; what is part of the model is left out."""
    counts = Counter(h.need for h in statement.hypotheses if h.need is not Need.CONSTITUTIVE)
    return list(counts.items())


def first_scene(statement: Statement) -> Scene | None:
    """Return the picture of its first counterexample that can be drawn, if there is one."""
    return next((c.scenes[0] for c in statement.counterexamples if c.scenes), None)


def by_family(report: Report) -> dict[str, list[Statement]]:
    """Return the statements by the title of their family."""
    found: dict[str, list[Statement]] = {}
    for statement in report.statements:
        found.setdefault(statement.family, []).append(statement)
    return found


def anchor(title: str) -> str:
    """Return the name that links to a family go by."""
    return "family-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


@dataclass(frozen=True)
class Illustration:
    """The picture of a finding, a chart or a scene, and what to say under it."""

    caption: str
    figure: LossSlices | Leak | None = None
    scene: Scene | None = None


def illustration(finding: Finding, report: Report) -> Illustration | None:
    """Return the picture of the statement that shows a finding, if it has one that fits."""
    for figure in report.figures:
        if figure.statement == finding.picture and isinstance(figure, LossSlices):
            return Illustration(f"One mixture in the plane: {loss_slices.findings(figure)[0]}. In floats.", figure)
        if figure.statement == finding.picture and isinstance(figure, Leak):
            count = len(figure.instance["weights"])
            lead = f"{count} components, τ = {figure.temperature}: {leak.finding(figure)}."
            return Illustration(f"{lead} In floats; enclosed by the kernel at the dots.", figure)
    statement = next((s for s in report.statements if s.id == finding.picture), None)
    scene = None if statement is None else first_scene(statement)
    if scene is None:
        return None
    learnt = any(not line.exact and line.name != "PCA" for line in scene.lines)
    lines = " Dotted: what is learnt, in floats." if learnt else ""
    said = " ".join(sentence(remark) for remark in scene.remarks)
    return Illustration(f"The components as 2σ ellipses, with their weights. {said}{lines}", scene=scene)


def grounds(clause: Clause, report: Report) -> list[tuple[Standing, list[str]]]:
    """Return what a clause rests on: its statements, by where they stand."""
    found: dict[Standing, list[str]] = {}
    standings = {statement.id: statement.standing for statement in report.statements}
    for name in clause.statements:
        found.setdefault(standings[name], []).append(name)
    return list(found.items())


def share(value: str) -> str:
    """Return a relative error: as a percentage where it is one that anybody would mind."""
    x = float(value)
    return f"{100 * x:.{2 if x < 1 else 3}g} %" if x >= 1e-4 else short(value)


def percent(part: int, whole: int) -> str:
    """Return a share as a percentage that never rounds up to 100 %."""
    if part == whole:
        return "100 %"
    return f"{math.floor(1000 * part / whole) / 10:g} %"


def kinds(report: Report) -> list[tuple[Standing, int]]:
    """Return how many statements stand where, the empty ones left out."""
    counts = Counter(statement.standing for statement in report.statements)
    return [(standing, counts[standing]) for standing in _STANDINGS if counts[standing]]


def tally(report: Report) -> str:
    """Return how many statements stand where, for example "3 statements: 2 proved, 1 open"."""
    parts = (f"{count} {_STANDINGS[standing][0].word}" for standing, count in kinds(report))
    return f"{counted(len(report.statements), 'statement')}: {', '.join(parts)}"


def command(report: Report) -> str:
    """Return the command that makes this report again."""
    effort = report.settings.effort
    options = "" if effort is Effort.STANDARD else f" --{effort}"
    options += "".join(f" --only {name}" for name in report.settings.only)
    options += f" --costs {report.costs.source}" if report.costs else ""
    return f"thmverify report{options} --seed {report.settings.seed} --out DIR"


def typeset(latex: str, display: bool = False) -> Markup:
    """Return a formula as MathML; one that cannot be set is shown as its LaTeX source, and says so."""
    try:
        return Markup(mathml.formula(latex, display=display))
    except mathml.FormulaError:
        return Markup("<code>{}</code> (not typeset)").format(latex)


def short(value: str) -> str:
    """Return a decimal number with at most three significant digits, in plain or scientific notation."""
    x = Decimal(value)
    if x == 0 or not x.is_finite():
        return "0" if x == 0 else value
    text = f"{float(x):.3g}" if Decimal("0.001") <= abs(x) < 10000 else f"{x:.2e}"
    return minus(text)


def degrees(angle: Angle) -> str:
    """Return an angle for reading; a zero and a right angle are exact, since cos² is known exactly."""
    exactly = {"0": "90°", "1": "0°"}.get(angle.cos2)
    return exactly or f"{Decimal(angle.value):.4g}°"


def relation(angle: Angle, lines: Sequence[Line]) -> str:
    """Return one sentence on how two lines of a panel compare: how far apart, and Fisher's J on each."""
    first, second = (_decimal(line.fisher) for line in lines if line.name in (angle.first, angle.second))
    if angle.cos2 == "1":
        return f"{angle.first} and {angle.second} coincide, J = {first} on both."
    return (
        f"{angle.first} and {angle.second} are {degrees(angle)} apart; J is {first} on the one, {second} on the other."
    )


def _decimal(rational: str) -> str:
    return f"{float(Fraction(rational)):.3g}"


def verification_text(statement: Statement) -> str:
    """Return what was tried at random and what came of it."""
    v = statement.verification
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in v.outcomes.items())
    discarded = f"{v.discarded} did not and were discarded" if v.discarded else "none was discarded"
    return (
        f"Of {v.requested} instances drawn (seed {v.seed}), {v.accepted} satisfied every hypothesis, decided exactly; "
        f"{discarded}. Outcomes: {outcomes or 'none'}."
    )


def instance_text(instance: dict[str, Any]) -> str:
    """Return an instance as the text of an instance file, one field a line."""
    fields = (f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in instance.items())
    return "{\n" + ",\n".join(fields) + "\n}"


def prose(text: str) -> Markup:
    """Return a sentence in which S_F, w_k and R^{d×r} carry true subscripts and superscripts; the rest is escaped."""
    return Markup(scripts.marked(str(escape(text))))


def svg_prose(text: str) -> Markup:
    """Return a label for SVG in which S_F has a true subscript; the rest is escaped."""
    begin, end = '<tspan class="sub" dy="3">', '</tspan><tspan dy="-3">&#8203;</tspan>'
    return Markup(scripts.lowered(str(escape(text)), begin, end))


def _markdown(text: object) -> str:
    """Return text with every character that Markdown or HTML would interpret made literal, on one line."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_\[\]<>&|#$~])", r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;")


def _fence(text: str, language: str = "") -> str:
    """Return text as a code block, fenced with more backticks than any run inside it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"
