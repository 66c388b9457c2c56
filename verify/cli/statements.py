"""The commands about statements: the list, one of them in full, and randomised verification."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def list_statements(json: AsJson = False) -> int:
    """List every statement: its id, title, status and source."""
    raise NotImplementedError


def show(
    statement: Annotated[str, typer.Argument(metavar="ID", help="A statement that `thmverify list` names.")],
    json: AsJson = False,
) -> int:
    """Show one statement with its hypotheses and proof steps."""
    raise NotImplementedError


def verify(
    statements: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All when none is named.")] = None,
    instances: Annotated[int, typer.Option(min=1, max=1_000_000, help="Random instances a statement.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the instances.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes; the result does not depend on it.")] = 1,
    json: AsJson = False,
) -> int:
    """Verify statements on random instances.

    The exit code is 0 only if every recorded status is confirmed.
    """
    raise NotImplementedError
