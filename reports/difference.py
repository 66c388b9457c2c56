"""What changed from one report to another, read off their records: verdicts, what is claimed, what it rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from thmverify.errors import InputError
from thmverify.verdicts import Standing

FORMATS = ("thmverify-report/3", "thmverify-report/4")
_SETTLED = (Standing.PROVED, Standing.REFUTED)


@dataclass(frozen=True)
class Moved:
    """A statement, or a cell of the matrix, that stands elsewhere; no standing where it is not there at all."""

    name: str
    old: Standing | None
    new: Standing | None

    @property
    def worse(self) -> bool:
        """Whether less is known: a verdict is lost or reversed, a check fails, or a statement is gone."""
        return self.new is Standing.FAILED or self.old in _SETTLED or (self.old is not None and self.new is None)

    @property
    def word(self) -> str:
        """What happened to it, in a word."""
        if self.old is None or self.new is None:
            return "new" if self.old is None else "gone"
        return "worse" if self.worse else "better"

    @property
    def text(self) -> str:
        """The two standings in words."""
        return f"{self.old or 'not there'} → {self.new or 'not there'}"


@dataclass(frozen=True)
class Difference:
    """What changed: statements and cells that stand elsewhere, and sentences on what else is new about a statement."""

    statements: tuple[Moved, ...]
    cells: tuple[Moved, ...]
    changed: tuple[tuple[str, str], ...]
    alike: int

    @property
    def worse(self) -> tuple[Moved, ...]:
        """The statements of which less is known than before."""
        return tuple(moved for moved in self.statements if moved.worse)

    @property
    def better(self) -> tuple[Moved, ...]:
        """The other statements that stand elsewhere."""
        return tuple(moved for moved in self.statements if not moved.worse)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify report --diff --json`."""
        return {
            **{part: [_moved(m) for m in getattr(self, part)] for part in ("worse", "better", "cells")},
            "changed": [{"name": name, "what": what} for name, what in self.changed],
            "alike": self.alike,
        }


def _moved(moved: Moved) -> dict[str, str | None]:
    return {"name": moved.name, "old": moved.old, "new": moved.new}


def read(path: Path) -> dict[str, Any]:
    """Return the records of a report. Raises InputError when the file is none, or is of another format."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise InputError("file", str(path), reason, "give the report.json of a report") from None
    except ValueError as error:
        raise InputError("file", str(path), f"is not JSON: {error}", "give the report.json of a report") from None
    found = data.get("format") if isinstance(data, dict) else None
    if found not in FORMATS:
        rule = f"is not the format of a report: expected {' or '.join(FORMATS)}"
        raise InputError("format", found, rule, "give the report.json that `thmverify report` wrote", str(path))
    return dict(data)


def compare(old: Path, new: Path) -> Difference:
    """Return what changed from the report at `old` to that at `new`. Raises InputError when one cannot be read."""
    before, after = read(old), read(new)
    try:
        return _difference(before, after)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("report", str(old), f"lacks a record: {error}", f"compare reports such as {new}") from None


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    old, new = ({s["id"]: s for s in report["statements"]} for report in (before, after))
    moved = _elsewhere(*({name: s["standing"] for name, s in part.items()} for part in (old, new)))
    both = [name for name in old if name in new]
    changed = tuple((name, what) for name in both for what in _changes(old[name], new[name]))
    touched = {m.name for m in moved} | {name for name, _ in changed}
    cells = _elsewhere(_cells(before), _cells(after))
    return Difference(moved, cells, changed, sum(name not in touched for name in both))


def _elsewhere(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> tuple[Moved, ...]:
    names = dict.fromkeys(chain(old, new))
    moved = (Moved(name, _standing(old.get(name)), _standing(new.get(name))) for name in names)
    return tuple(m for m in moved if m.old is not m.new)


def _standing(word: str | None) -> Standing | None:
    return None if word is None else Standing(word)


def _cells(report: Mapping[str, Any]) -> dict[str, str | None]:
    rows = report["matrix"]["rows"]
    return {f"{row['title']}: {cell['column']}": cell["standing"] for row in rows for cell in row["cells"]}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is new about a statement, a sentence each."""
    if (old["claim"], old["conclusion"]["latex"]) != (new["claim"], new["conclusion"]["latex"]):
        yield f"it claims something else: {new['claim']}"
    yield from _lists("hypotheses", *([h["name"] for h in s["hypotheses"] if h["stated"]] for s in (old, new)))
    yield from _lists("counterexamples", *([c["name"] for c in s["counterexamples"]] for s in (old, new)))
    a, b = (s["proof"] or {} for s in (old, new))
    if a.get("lines") != b.get("lines"):
        yield f"proof: {_lines(a)} → {_lines(b)}"
    yield from _lists("assumed", *([x["name"] for x in p.get("assumed", ())] for p in (a, b)))
    if old["evaluations"] != new["evaluations"]:
        yield f"hunted on {old['evaluations']:,} → {new['evaluations']:,} instances"


def _lists(what: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    parts = [f"without {name}" for name in old if name not in new] + [f"with {name}" for name in new if name not in old]
    if parts:
        yield f"{what}: now {', '.join(parts)}"


def _lines(proof: Mapping[str, Any]) -> str:
    return f"{proof['lines']:,} lines" if proof else "none"
