"""How objects show themselves in a notebook: small tables, everything in them escaped, and a line that renews itself.

Nothing here is needed outside one; IPython is asked only where it runs already.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

MOST = 8  # rows and columns of a matrix that are shown, and characters of a number on one line times that
_TONES = {"proved": "#2e8b57", "refuted": "#cc4b37", "open": "#888888", "undecided": "#888888"}
_CELL = "text-align: left; vertical-align: top; padding: .2em .8em .2em 0; white-space: normal"


def table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names and values, which are HTML, under a title, which is HTML as well."""
    body = "".join(
        f'<tr><td style="{_CELL}"><em>{html.escape(name)}</em></td><td style="{_CELL}">{value}</td></tr>'
        for name, value in rows
    )
    return f'<div><p style="margin: .3em 0">{title}</p><table style="border: 0">{body}</table></div>'


def escaped(text: object) -> str:
    """Return text as HTML."""
    return html.escape(str(text))


def word(outcome: str) -> str:
    """Return a verdict as a word with its colour."""
    return f'<strong style="color: {_TONES.get(outcome, "#b8860b")}">{escaped(outcome)}</strong>'


def values(value: Any) -> str:
    """Return a number, a column or the rows of a matrix, long ones cut.

    >>> values(Fraction(1, 3))
    '1/3'
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        return escaped(_number(value))
    shown = [*value[:MOST]]
    if not (shown and isinstance(shown[0], Sequence)):
        return f"({', '.join(escaped(_number(x)) for x in shown)}{', …' if len(value) > MOST else ''})"
    body = "".join(
        f"<tr>{''.join(_cell(x) for x in row[:MOST])}{_cell('…') if len(row) > MOST else ''}</tr>" for row in shown
    )
    more = "<tr><td>…</td></tr>" if len(value) > MOST else ""
    return f'<table style="border-left: 1px solid; border-right: 1px solid">{body}{more}</table>'


def _cell(value: Any) -> str:
    return f'<td style="text-align: right">{escaped(_number(value))}</td>'


def _number(value: Any) -> str:
    """Return a number, one of many digits by its size."""
    text = str(value)
    return f"≈ {float(value):.6g}" if len(text) > 4 * MOST and isinstance(value, Fraction | int) else text


def live() -> Callable[[Any], None]:
    """Return a function that shows an object in a notebook, in place of the one before; elsewhere it does nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if ipython is None or shell is None or not hasattr(shell, "kernel"):
        return lambda _shown: None
    handles: list[Any] = []

    def show(shown: Any) -> None:
        if handles:
            handles[0].update(shown)
        else:
            handles.append(ipython.display.display(shown, display_id=True))

    return show
