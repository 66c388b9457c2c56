"""Boxes that are looked at in rounds, here or by workers, until each is settled; a journal keeps what is done.

A box goes by the path of halves that lead to it from the whole. Boxes made first, the larger ones, are looked at first.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from thmverify.errors import InputError

Job = tuple[Callable[..., Any], tuple[Any, ...]]
_BUNDLE = 8  # boxes that a worker looks at before it reports


class Found(NamedTuple):
    """What was found of a box: what settles it, or the axes that halve it in turn; where it has neither it is left."""

    path: str
    settled: Any = None
    axes: Sequence[int] = ()


@dataclass(frozen=True)
class Team:
    """Who looks: `run` does jobs and returns their results in order, so many `workers` at once."""

    run: Callable[[Sequence[Job]], list[Any]] = lambda jobs: [function(*arguments) for function, arguments in jobs]
    workers: int = 1


@dataclass
class Explored:
    """What is settled by path, which boxes wait, which are left as they are, and how long it took."""

    settled: dict[str, Any] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=lambda: [""])
    left: list[str] = field(default_factory=list)
    share: Fraction = Fraction(0)
    seconds: float = 0.0

    def take(self, found: Found) -> None:
        """Take over what was found of a box that waits."""
        if found.settled is not None:
            self.settled[found.path] = found.settled
            self.share += Fraction(1, 2 ** len(found.path))
        elif found.axes:
            halves = itertools.product(*((2 * axis, 2 * axis + 1) for axis in found.axes))
            self.waiting += [found.path + "".join(map(str, way)) for way in halves]
        else:
            self.left.append(found.path)


class Journal:
    """A file with what was found of each box, a line each, after a line that says what it is about.

    Raises InputError when the file is there and is not to be gone on with, or is about something else.
    """

    def __init__(self, path: Path, about: str, resume: bool) -> None:
        self._path, self.found = path, list[Found]()
        if path.exists():
            if not resume:
                raise InputError(
                    "--out", str(path), "is there from another run", "add --resume to go on with it, or delete it"
                )
            lines = path.read_text(encoding="utf-8").splitlines()
            if not lines or lines[0] != about:
                raise InputError("--resume", str(path), "is about another set", "choose another --out, or delete it")
            self.found = _whole_lines(lines[1:])
        rows = [about, *(_line(found) for found in self.found)]
        path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")

    def write(self, found: Sequence[Found]) -> None:
        """Add what was found in a round."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{_line(one)}\n" for one in found))
            file.flush()
            os.fsync(file.fileno())


def _line(found: Found) -> str:
    return json.dumps(list(found), separators=(",", ":"))


def _whole_lines(lines: Sequence[str]) -> list[Found]:
    """Return what the lines say, up to one that a run was killed in."""
    found = []
    for line in lines:
        try:
            found.append(Found(*json.loads(line)))
        except (ValueError, TypeError):
            break
    return found


def explore(
    look: Callable[..., list[Found]],
    about: tuple[Any, ...],
    *,
    team: Team | None = None,
    journal: Journal | None = None,
    seconds: float = 0,
    most: int = 10**6,
    observe: Callable[[Fraction], None] = lambda _share: None,
) -> Explored:
    """Look at boxes, `look(*about, paths)` at some of them, until none waits, the time is up or `most` were looked at.

    `observe` is told the share of the volume that is settled.
    """
    team, start, explored = team or Team(), time.monotonic(), Explored()
    for found in journal.found if journal is not None else ():
        explored.waiting.remove(found.path)
        explored.take(found)
    looked_at = len(explored.settled) * 2
    while explored.waiting and looked_at < most and not 0 < seconds <= time.monotonic() - start:
        here = explored.waiting[: min(team.workers * _BUNDLE, most - looked_at)]
        bundles = [here[i : i + _BUNDLE] for i in range(0, len(here), _BUNDLE)]
        results = team.run([(look, (*about, bundle)) for bundle in bundles])
        new = [found for result in results for found in result]
        del explored.waiting[: len(here)]
        for found in new:
            explored.take(found)
        if journal is not None:
            journal.write(new)
        looked_at += len(here)
        observe(explored.share)
    explored.seconds = time.monotonic() - start
    return explored
