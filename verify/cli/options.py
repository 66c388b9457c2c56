"""Options that several commands have, each in one place."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

# None stands for as many as there are cores.
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, max=256, show_default="one a core", help="Processes; the result does not depend on it."
    ),
]
