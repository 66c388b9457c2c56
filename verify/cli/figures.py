"""The command that reproduces the paper's experiments as figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thmverify.cli.options import AsJson, Jobs
from thmverify.cli.output import DONE, progress, write_json, write_table


def figures(
    out: Annotated[Path, typer.Option(help="Folder to write index.html, figures.json, drawings and data into.")] = Path(
        "figures"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer values and smaller samples: under two minutes.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Make this figure alone; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the samples.")] = 0,
    jobs: Jobs = None,
    json: AsJson = False,
) -> int:
    """Reproduce the paper's synthetic experiments as figures.

    Each figure shows population minimisers beside maps trained on samples, and says whether this run confirms the
    claim that it tests. Figures that are finished are kept, and used again for the same seed and settings. The exit
    code is 0 once the figures are drawn, whatever became of the claims.
    """
    from thmverify.processes import cores
    from thmverify.reports.experiments import build

    with progress("figures", 1.0) as advance:
        gallery = build(
            out,
            only=only or (),
            quick=quick,
            seed=seed,
            jobs=jobs or cores(),
            progress=lambda name, done: advance(done, description=f"figures: experiment {name}"),
        )
    if json:
        found = [{"id": f.id, "verdict": f.verdict.value, "svg": str(out / f.svg)} for f in gallery.figures]
        write_json({"page": str(out / "index.html"), "records": str(out / "figures.json"), "figures": found})
    else:
        write_table(("figure", "title", "claim"), [(f.id, f.title, f.verdict.value) for f in gallery.figures])
        typer.echo(out / "index.html")
    return DONE
