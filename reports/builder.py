"""Building a report: check and verify every statement, then write the page, its records and its text."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from thmverify import theories
from thmverify.errors import InputError
from thmverify.jsonfiles import write_text
from thmverify.processes import each
from thmverify.randomised import Known, known, remember, run
from thmverify.reports import collect, front, render, trust
from thmverify.reports.effort import SIZES, Effort
from thmverify.reports.figures import leak, loss_slices, pancakes, phase
from thmverify.reports.figures.growth import read
from thmverify.reports.figures.records import Figure, Growth
from thmverify.reports.findings import Words, told
from thmverify.reports.records import Generated, Report, Settings
from thmverify.reports.records import Statement as StatementRecord
from thmverify.statement import Statement, prepare

Progress = Callable[[str, float], None]


def build(
    out: Path,
    *,
    effort: Effort = Effort.STANDARD,
    seed: int = 0,
    jobs: int = 1,
    only: Sequence[str] = (),
    costs: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write index.html, report.json and report.md into the folder `out`, and return the path of the page.

    `progress(stage, fraction)` is called with the name of the stage under way and how much of the whole is done, from
    0 to 1. No file is written before everything is computed, and each appears whole or not at all. The numbers
    depend on `effort` and `seed` alone. `only` names the statements to report on: nothing else is computed.
    `costs` is a file of measurements, benchmarks/results.json, whose growth curves are shown; none are measured here.

    Raises InputError when the folder cannot be made or written, a statement is not known, or the file holds no curves.
    """
    chosen, growth = _chosen(only), None if costs is None else read(costs)
    _make_folder(out)  # a folder that cannot be written is better found before the work than after
    instances = SIZES[effort].instances
    settings = Settings(effort=effort, seed=seed, instances=instances, only=tuple(dict.fromkeys(only)))
    words = Words.of(theories.registry(), [s.id for s in chosen])
    report = make(chosen, settings, words=words, costs=growth, jobs=jobs, progress=progress)
    files = {"report.json": as_json(report), "report.md": render.markdown(report), "index.html": render.html(report)}
    for name, text in files.items():
        write_text(out / name, text)
    return out / "index.html"


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "cannot be made").lower()
    else:
        reason = "" if os.access(out, os.W_OK) else "cannot be written"
    if reason:
        raise InputError("--out", str(out), reason, "give a folder that can be made or written")


def as_json(report: Report) -> str:
    """Return the text of report.json."""
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def make(
    statements: Iterable[Statement],
    settings: Settings,
    *,
    words: Words | None = None,
    costs: Growth | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Return the records of a report on these statements: check every proof, verify every statement at random.

    `words` is what their theories say of themselves, `costs` what was measured elsewhere. Nothing but these statements
    is looked at.
    """
    chosen, words = list(statements), words or Words()
    clock = _Clock(len(chosen) + 4, progress or (lambda _stage, _fraction: None))
    figures = _begun(chosen, settings, jobs, clock)
    done = _statements([(s, words.families.get(s.id, words.title)) for s in chosen], settings, jobs, clock)
    with clock.stage("matrix"):
        matrix = front.matrix({s.id: s for s in chosen}, done, whole=not settings.only)
    with clock.stage("evidence"):
        evidence = trust.trust(chosen, SIZES[settings.effort], jobs)
    return Report(
        title=words.title,
        about=words.about,
        settings=settings,
        findings=told(words, done),
        numbers=collect.numbers(done),
        matrix=matrix,
        graph=front.graph(chosen, done),
        statements=done,
        figures=_figures({s.id for s in chosen}, settings, clock) if figures is None else figures,
        costs=costs,
        trust=evidence,
        environment=collect.environment(),
        generated=clock.finish(),
    )


def _begun(chosen: Sequence[Statement], settings: Settings, jobs: int, clock: _Clock) -> tuple[Figure, ...] | None:
    """Have the scripts of proofs run, which they do in a process of their own; with several jobs, draw meanwhile."""
    with clock.stage("proofs"):
        if jobs <= 1:
            prepare(chosen)
            return None
        with ThreadPoolExecutor(1) as beside:
            scripts = beside.submit(prepare, chosen)
            figures = _figures({s.id for s in chosen}, settings, clock)
            scripts.result()
    return figures


def _chosen(only: Sequence[str]) -> list[Statement]:
    registry = theories.registry()
    return [registry.find(name, "--only") for name in dict.fromkeys(only)] if only else [*registry.values()]


def _statements(
    chosen: Sequence[tuple[Statement, str]], settings: Settings, jobs: int, clock: _Clock
) -> tuple[StatementRecord, ...]:
    """Return the records of the statements, each with its family, in their order.

    There is one job for each; a single statement may use them all itself.
    """
    if jobs <= 1 or len(chosen) == 1:
        return tuple(_here(s, family, settings, jobs, clock) for s, family in chosen)
    tasks = [(s, family, known(s), settings) for s, family in chosen]
    done: dict[int, StatementRecord] = {}
    for number, (record, found, seconds) in each(_elsewhere, tasks, jobs, __name__):
        statement = chosen[number][0]
        remember(statement, found)
        clock.count(statement.id, seconds)
        done[number] = record
    return tuple(done[i] for i in range(len(chosen)))


def _here(statement: Statement, family: str, settings: Settings, jobs: int, clock: _Clock) -> StatementRecord:
    with clock.stage(statement.id) as advance:
        return _statement(statement, family, settings, jobs, advance)


def _elsewhere(
    statement: Statement, family: str, before: Known, settings: Settings
) -> tuple[StatementRecord, Known, float]:
    """Do one statement in a process of its own; return its record, what was found out, and the seconds it took."""
    start = time.perf_counter()
    remember(statement, before)
    record = _statement(statement, family, settings, 1, lambda _fraction: None)
    return record, known(statement), time.perf_counter() - start


def _statement(
    statement: Statement, family: str, settings: Settings, jobs: int, advance: Callable[[float], None]
) -> StatementRecord:
    n, size = settings.instances, SIZES[settings.effort]
    found = run(
        statement, n, settings.seed, jobs, progress=lambda done: advance(done / n), lines=size.lines, shown=True
    )
    return collect.statement(statement, found, family, size.charts)


_FIGURES: dict[str, Callable[[Settings], Figure]] = {  # by the statement that each belongs to
    "fisher-optimality": lambda settings: pancakes.compute(settings.seed),
    "infonce-inclusion": lambda _settings: loss_slices.compute(),
    "infonce-equality-biased": lambda settings: phase.compute(SIZES[settings.effort].cells),
    "simclr-normalised-inclusion": lambda _settings: leak.compute(),
}


def _figures(shown: Collection[str], settings: Settings, clock: _Clock) -> tuple[Figure, ...]:
    with clock.stage("figures"):
        return tuple(compute(settings) for statement, compute in _FIGURES.items() if statement in shown)


@dataclass
class _Clock:
    """Tells the progress of the stages and keeps their times, the one thing in a report that is not reproducible."""

    stages: int
    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[float], None]]:
        """Time a stage; the value yielded tells how much of it is done."""
        before, start = len(self.seconds), time.perf_counter()

        def advance(fraction: float) -> None:
            self.progress(name, (before + fraction) / self.stages)

        advance(0.0)
        yield advance
        self.count(name, time.perf_counter() - start)

    def count(self, name: str, seconds: float) -> None:
        """Count a stage that is done, here or elsewhere."""
        self.seconds[name] = round(seconds, 3)
        self.progress(name, len(self.seconds) / self.stages)

    def finish(self) -> Generated:
        """Return the times, and the time now."""
        return Generated(at=datetime.now(UTC).isoformat(timespec="seconds"), seconds=self.seconds)
