"""The command that builds the verification report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thmverify.cli.options import AsJson, Jobs
from thmverify.cli.output import CLAIM_FAILED, DONE, progress, write_fields, write_json


def report(
    out: Annotated[Path, typer.Option(help="Folder to write index.html, report.json and report.md into.")] = Path(
        "report"
    ),
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print report.pdf with headless Chromium.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="5 random instances of each statement, not 20.")] = False,
    full: Annotated[bool, typer.Option("--full", help="200 random instances, and certified maps: minutes.")] = False,
    only: Annotated[list[str] | None, typer.Option(metavar="ID", help="Report on this statement; repeatable.")] = None,
    jobs: Jobs = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the random instances.")] = 0,
    costs: Annotated[
        Path | None,
        typer.Option(metavar="results.json", help="Show the growth curves that `benchmarks.pictures` measured."),
    ] = None,
    diff: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="OLD.json NEW.json", help="Say what changed between two reports."),
    ] = None,
    json: AsJson = False,
) -> int:
    """Write the verification report, or compare two.

    It is one self-contained page, index.html, with its data, report.json, and its text, report.md. The exit code
    is 1 when a check of the report failed; with --diff, when less is known than before: a verdict is lost or reversed,
    a check fails, or a statement is gone.
    """
    if diff is not None:
        return _compare(*diff, json=json)
    from json import loads

    from thmverify import reports
    from thmverify.errors import InputError
    from thmverify.processes import cores
    from thmverify.reports.browser import run_chromium
    from thmverify.reports.effort import Effort

    if quick and full:
        raise InputError("--full", "--quick --full", "are two sizes of one report", "give one of them")
    effort = Effort.QUICK if quick else Effort.FULL if full else Effort.STANDARD
    if pdf:
        run_chromium("--version")  # a missing browser is better found now than after the work
    with progress("report", 1.0) as advance:
        page = reports.build(
            out,
            effort=effort,
            seed=seed,
            jobs=jobs or cores(),
            only=only or (),
            costs=costs,
            progress=lambda stage, done: advance(done, description=f"report: {stage}"),
        )
    files = [page, page.with_name("report.json"), page.with_name("report.md")]
    if pdf:
        files.append(page.with_name("report.pdf"))
        reports.print_pdf(page, files[-1])
    statements = loads(files[1].read_text(encoding="utf-8"))["statements"]
    failed = [statement["id"] for statement in statements if statement["standing"] == "failed"]
    if json:
        write_json({"page": str(page), "files": [str(file) for file in files], "failed": failed})
    else:
        for file in files:
            typer.echo(file)
        for name in failed:
            typer.echo(f"FAILED: {name}")
    return CLAIM_FAILED if failed else DONE


def _compare(old: Path, new: Path, *, json: bool) -> int:
    from thmverify.reports.difference import compare

    found = compare(old, new)
    if json:
        write_json(found.to_json())
    else:
        rows = [(m.word, f"{m.name}: {m.text}") for m in (*found.worse, *found.better)]
        rows += [("changed", f"{name}: {what}") for name, what in found.changed]
        rows += [("matrix", f"{m.name}: {m.text}") for m in found.cells]
        write_fields([*rows, ("alike", f"{found.alike} statement{'' if found.alike == 1 else 's'}")])
    return CLAIM_FAILED if found.worse else DONE
