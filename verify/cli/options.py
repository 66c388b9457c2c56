"""Options that several commands have, each in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="OUT.xml", help="Write the results as JUnit XML as well, for CI.")
]

# None stands for as many as there are cores.
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, max=256, show_default="one a core", help="Processes; the result does not depend on it."
    ),
]
