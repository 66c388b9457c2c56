"""From data to files: drawings, `figures.json` and the page `index.html`, each a function of the records alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from thmverify.errors import InputError, one_of
from thmverify.jsonfiles import write_text
from thmverify.reports.experiments import (
    biases,
    captions,
    charts,
    columns,
    descending,
    descents,
    experiments,
    files,
    orthonormal,
    robustness,
    scaling,
    subspaces,
    variance,
)
from thmverify.reports.experiments.figure import Figure, Inputs
from thmverify.reports.experiments.records import SAMPLE, Data, FigureRecord, Gallery, Settings, Verdict, verdict
from thmverify.reports.experiments.tables import Table
from thmverify.reports.experiments.workers import Map, pool

FIGURES: dict[str, Figure] = {
    figure.id: figure
    for figure in (
        *(m.FIGURE for m in (subspaces, robustness, variance, columns, scaling, orthonormal, captions, biases)),
        *descending.FIGURES,
    )
}
_GLYPHS = {Verdict.CONFIRMED: "✓", Verdict.PARTLY: "◐", Verdict.REFUSED: "✗"}
_TONES = {Verdict.CONFIRMED: "good", Verdict.PARTLY: "warn", Verdict.REFUSED: "bad"}

Progress = Callable[[str, float], None]


def build(
    out: Path,
    *,
    only: Sequence[str] = (),
    quick: bool = False,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Gallery:
    """Write the figures into the folder `out`, and return what `figures.json` holds.

    `only` names figures, all of them when empty. Data on file for the same seed, settings and programs are used again.
    Each file appears whole or not at all, a drawing as soon as its data are there. `progress(figure, fraction)` is
    called after each step with how much of the whole is done. The files do not depend on `jobs`.

    Raises InputError when a figure is unknown or the folder cannot be written.
    """
    chosen = [_figure(name) for name in dict.fromkeys(only)] if only else list(FIGURES.values())
    chosen.sort(key=lambda figure: list(FIGURES).index(figure.id))
    files.make_folder(out / files.FOLDER)
    needed = {name: experiments.settings(name, seed, quick) for figure in chosen for name in figure.experiments}
    clock = _Clock(sum(map(experiments.cells, needed.values())), progress or (lambda _figure, _fraction: None))
    data: dict[str, Data] = {}
    drawn: list[_Drawn] = []
    with pool(jobs) as run:
        for figure in chosen:
            for name in figure.experiments:
                if name not in data:
                    data[name] = _data(out, needed[name], run, clock)
            drawn.append(_draw(out, figure, {name: data[name] for name in figure.experiments}))
    settings = next(iter(needed.values()))
    gallery = Gallery(
        seed=seed,
        quick=quick,
        repetitions=settings.repetitions,
        points=settings.points,
        figures=tuple(d.record for d in drawn),
    )
    write_text(out / "figures.json", json.dumps(gallery.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n")
    write_text(out / "index.html", page(gallery, drawn))
    return gallery


def _figure(name: str) -> Figure:
    if name not in FIGURES:
        raise InputError("--only", name, "is not a figure", one_of(name, FIGURES))
    return FIGURES[name]


def _data(out: Path, asked: Settings, run: Map, clock: _Clock) -> Data:
    found = files.load(out, asked)
    if found is not None:
        clock.advance(asked.experiment, experiments.cells(asked))
        return found
    computed = experiments.compute(asked, run, lambda: clock.advance(asked.experiment, 1))
    files.save(out, computed)
    return computed


@dataclass(frozen=True)
class _Drawn:
    """A figure with what the page shows of it: its record, panels, legend, and means as a table."""

    record: FigureRecord
    panels: tuple[Markup, ...]
    columns: int
    keys: tuple[tuple[Markup, str], ...]
    means: tuple[tuple[str, ...], ...]

    @property
    def glyph(self) -> str:
        """The verdict's sign."""
        return _GLYPHS[self.record.verdict]

    @property
    def tone(self) -> str:
        """The verdict's tone of colour."""
        return _TONES[self.record.verdict]


def record(figure: Figure, inputs: Inputs) -> FigureRecord:
    """Return the record of a figure: its claim with the verdict on it, computed from the data."""
    checks = figure.check(inputs)
    return FigureRecord(
        id=figure.id,
        title=figure.title,
        claim=figure.claim,
        source=figure.source,
        criterion=figure.criterion,
        verdict=verdict(checks),
        checks=checks,
        caption=figure.caption(inputs),
        choices=figure.choices(inputs),
        alt=figure.alt(inputs),
        svg=f"figure-{figure.id}.svg",
        data=tuple(name for data in inputs.values() for name in files.names(data.settings)),
    )


def _draw(out: Path, figure: Figure, inputs: Inputs) -> _Drawn:
    found = record(figure, inputs)
    sheet = figure.draw(inputs)
    write_text(out / found.svg, charts.standalone(sheet, found.alt))
    return _Drawn(
        found,
        tuple(Markup(charts.inline(panel)) for panel in sheet.panels),
        sheet.columns,
        tuple((Markup(charts.inline_key(key)), key.text) for key in sheet.keys),
        tuple(row for data in inputs.values() for row in _means(data)),
    )


def _means(data: Data) -> list[tuple[str, ...]]:
    """Return the intervals behind a figure as rows of text: parameter, regime, method, view, mean."""
    if data.steps:
        return [
            (f"step {step}", SAMPLE, descent.words, "part outside S_F", str(descending.at(data, descent, step)))
            for descent in descents.DESCENTS[data.settings.experiment][1]
            for step in descents.SHOWN
        ]
    table = Table(data)
    places = dict.fromkeys((row.x, row.regime, row.method, row.view) for row in data.rows)
    return [
        (table.at(x), regime, method, view, str(table.interval(x, regime, method, view)))
        for x, regime, method, view in places
    ]


def page(gallery: Gallery, drawn: Sequence[_Drawn]) -> str:
    """Return the page: self-contained, without scripts, and without a request until a link is followed."""
    return (
        _environment().get_template("gallery.html.j2").render(gallery=gallery, drawn=drawn, charts=Markup(charts.css()))
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("thmverify.reports.experiments"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


class _Clock:
    """Counts cells and tells the progress."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._done, self._progress = total, 0, progress

    def advance(self, experiment: str, cells: int) -> None:
        self._done += cells
        self._progress(experiment, self._done / self._total)
