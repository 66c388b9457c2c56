"""The command that shows the guarantee matrix."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify.cli.output import CLAIM_FAILED, DONE, progress, terminal_width, write_fields, write_json, write_table
from thmverify.cli.statements import registry
from thmverify.errors import InputError, one_of

if TYPE_CHECKING:
    from thmverify.matrix import Cell, Matrix

GLYPHS = {"proved": "✓", "conditional": "◐", "refuted": "✗", "open": "○", "failed": "▲"}
_MEANINGS = {
    "proved": "the kernel replays its proof, with nothing assumed",
    "conditional": "the kernel replays its proof, which rests on a step that is assumed",
    "refuted": "an instance that satisfies every hypothesis decides against it, exactly or in balls",
    "open": "neither; a special case that is proved is named with its cell",
    "failed": "what is recorded is not confirmed by what was checked",
}
_NONE = "–"
_WIDE = 150  # columns of a terminal that holds a row for each loss
_QUESTION, _CELL = 31, 16  # columns of a question, and of one cell beside it at most


def matrix(
    losses: Annotated[list[str] | None, typer.Argument(metavar="[LOSS]...", help="Explain these rows alone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> int:
    """Show what is proved, refuted and open of each loss.

    Every cell is computed: proofs and certificates are checked on the spot. Name a loss to see the statement and
    the reason behind each of its cells, and the command that checks it again. The exit code is 1 when a record is not
    confirmed.
    """
    from thmverify.matrix import Matrix
    from thmverify.statement import prepare

    statements = registry()
    found = Matrix(statements)
    for loss in losses or ():
        if loss not in found.losses:
            raise InputError(
                "LOSS",
                loss,
                "is no row of the matrix",
                one_of(loss, found.losses, "`thmverify matrix` has all of them"),
            )
    with progress("checking proofs"):
        prepare(statements.values())
    cells = [cell for cell in found.cells if not losses or cell.loss in losses]
    if json:
        write_json({"losses": [*found.losses], "cells": [_described(cell) for cell in cells]})
    elif losses:
        for loss in dict.fromkeys(losses):
            _write_row(found, loss)
    else:
        _write_matrix(found)
    return CLAIM_FAILED if any(str(cell.standing) == "failed" for cell in cells) else DONE


def _described(cell: Cell) -> dict[str, Any]:
    return {
        "loss": cell.loss,
        "column": cell.column.value,
        "standing": None if cell.standing is None else cell.standing.value,
        "statement": cell.statement or None,
        "reason": cell.reason,
        "special_cases": [*cell.special],
        "hunted_cases": [*cell.hunted],
        "commands": [*cell.commands],
        "coq": cell.coq,
    }


def _word(cell: Cell) -> str:
    if cell.standing is None:
        return _NONE
    marks = f"{'*' if cell.special else ''}{' Coq' if cell.coq else ''}"
    return f"{GLYPHS[cell.standing.value]} {cell.standing.value}{marks}"


def _write_matrix(found: Matrix) -> None:
    from thmverify.losses import row_title

    heads = [cell.column.value for cell in found.row(found.losses[0])]
    rows = [(row_title(loss), *map(_word, found.row(loss))) for loss in found.losses]
    if terminal_width() >= _WIDE:
        write_table(("", *heads), rows)
    else:  # the losses across, as many at a time as fit
        several = max(1, (terminal_width() - _QUESTION) // _CELL)
        for i in range(0, len(rows), several):
            first, *others = zip(("", *heads), *rows[i : i + several], strict=True)
            write_table(first, others)
    sys.stdout.write("\n")
    _write_legend(found.cells)
    commands = dict.fromkeys(line for cell in found.cells for line in cell.commands)
    if commands:
        sys.stdout.write("\nChecked again by\n\n")
        write_fields([("", line) for line in commands])


def _write_legend(cells: Iterable[Cell]) -> None:
    shown = {cell.standing.value for cell in cells if cell.standing is not None}
    legend = [(f"{GLYPHS[word]} {word}", meaning) for word, meaning in _MEANINGS.items() if word in shown]
    if any(cell.special for cell in cells):
        legend.append(("*", "a special case is proved: `thmverify matrix LOSS` names it"))
    if any(cell.coq for cell in cells):
        legend.append(("Coq", "there is a theorem in Coq too: `thmverify show ID` says what it covers"))
    write_fields([*legend, (_NONE, "no statement on record claims it")])


def _write_row(found: Matrix, loss: str) -> None:
    from thmverify.losses import row_title

    sys.stdout.write(f"{row_title(loss)}\n\n")
    write_fields([(cell.column.value, _explained(found, cell)) for cell in found.row(loss)], apart=True)


def _explained(found: Matrix, cell: Cell) -> str:
    if cell.standing is None:
        return _NONE
    lines = [f"{_word(cell)}: {cell.statement}", cell.reason]
    lines += [f"proved: {found.statements[name].title} ({name})" for name in cell.special]
    for name in cell.hunted:
        case = found.statements[name]
        lines.append(f"open · {case.evaluations:,} evaluations: {case.title} ({name})")
    return "\n".join([*lines, *(f"$ {command}" for command in cell.commands)])
