"""The command that builds the verification report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    out: Annotated[Path, typer.Option(help="Folder to write index.html, report.json and report.md into.")] = Path(
        "report"
    ),
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print report.pdf with headless Chromium.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer random instances: under a minute.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the random instances.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the files written.")] = False,
) -> int:
    """Write the verification report.

    It is one self-contained page, index.html, with its data, report.json, and its text, report.md.
    """
    raise NotImplementedError
