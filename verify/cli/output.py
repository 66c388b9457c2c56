"""What the commands write: one JSON object, or text and tables for people, on stdout; progress on stderr."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

DONE, CLAIM_FAILED, BAD_INPUT, UNDECIDED = range(4)  # exit codes


class OutputError(Exception):
    """Standard output takes no more; `gone` when that is because its reader went away."""

    def __init__(self, error: OSError) -> None:
        super().__init__((error.strerror or "an error of the system").lower())
        self.gone = isinstance(error, BrokenPipeError)


class Output:
    """Standard output as the commands see it: when it cannot be written, that is an OutputError and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return what else the stream has."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write some text. Raises OutputError when it cannot be written."""
        try:
            return self._stream.write(text)
        except OSError as error:
            raise OutputError(error) from None

    def flush(self) -> None:
        """Pass on what is held back. Raises OutputError when it cannot be written."""
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputError(error) from None


def write_json(data: dict[str, Any]) -> None:
    """Write the one JSON object of a command; what is not ASCII is escaped, so any encoding carries it.

    A float that is no finite number is null: JSON has no word for it.
    """
    sys.stdout.write(json.dumps(_plain(data), indent=2, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """Return the value with NumPy's numbers as Python's, and null for a float that is not finite."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Write a table; its first column is never broken, and the columns named in `right` align at the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if name in right else "left", overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    _write(table)


def write_fields(fields: Sequence[tuple[str, str]], apart: bool = False) -> None:
    """Write names and values, which continue under themselves; `apart` leaves a line between two pairs."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for i, field in enumerate(fields):
        if apart and i:
            table.add_row()
        table.add_row(*field)
    _write(table)


def terminal_width() -> int:
    """Return how many columns a line may have: the terminal's, 80 in a pipe."""
    return Console().width


def _write(table: Table) -> None:
    """Write a table as wide as the terminal, 80 columns in a pipe, without blanks at the end of its lines."""
    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    lines = (line.rstrip() for line in capture.get().strip("\n").splitlines())
    sys.stdout.write("\n".join(lines) + "\n")


LOG_EVERY = 60.0  # seconds between the lines of progress where there is no terminal


class ProgressLog:
    """How far a long work is, as a line on stderr now and then: for logs, where a bar is no use.

    total: what `done` is when the work is done; None where that is not known, and then nothing is said.
    """

    def __init__(self, description: str, total: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.description, self.total, self._clock = description, total, clock
        self._begun = self._said = clock()

    def __call__(self, done: float | None, description: str | None = None) -> None:
        """Note that `done` of the total is done, and say so where the last line is old enough."""
        self.description = description or self.description
        now = self._clock()
        if not (self.total and done) or now - self._said < LOG_EVERY:
            return
        self._said = now
        left = (now - self._begun) * (self.total - done) / done
        share = f"{100 * done / self.total:.0f} % done, about {duration(left)} left"
        with suppress(OSError):  # a log that cannot be written stops no work
            print(f"thmverify: {self.description}: {share}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    >>> duration(42), duration(300), duration(9000)
    ('42 s', '5 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[..., None]]:
    """Show on stderr how far the block is, and how long it may take yet; it calls `advance(done, description=…)`.

    On a terminal a bar; elsewhere a line now and then, where the total is known.
    """
    if not sys.stderr.isatty():
        yield ProgressLog(description, total)
        return
    left = () if total is None else (TimeRemainingColumn(),)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), *left)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda done, description=None: bar.update(task, completed=done, description=description)
