"""What a list of statements shows of each: it is read without the mathematics being loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from thmverify.artefacts import Artefact
from thmverify.verdicts import Status

OURS = "thmverify"  # the origin of what ships with the toolkit


@dataclass(frozen=True)
class Source:
    """Where a statement comes from: the citation, its labels there, and what is our reading rather than theirs."""

    text: str
    label: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.label}, {self.text}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Headline:
    """A statement's id, title, recorded status and source, and which distribution or file it comes from.

    `coq` are the theorems in Coq about it, on no file of headlines: they are there while their sources are as checked.
    """

    id: str
    title: str
    status: Status
    source: Source
    origin: str = OURS
    coq: tuple[Artefact, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify list --json`."""
        source = {"text": self.source.text, "label": self.source.label, "note": self.source.note}
        return {
            "id": self.id,
            "title": self.title,
            "status": self.status.value,
            "source": source,
            "origin": self.origin,
            "coq": [artefact.to_json() for artefact in self.coq],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Headline:
        """Return the headline that a JSON object holds. Raises KeyError or ValueError when it holds none."""
        return cls(data["id"], data["title"], Status(data["status"]), Source(**data["source"]), data["origin"])


def read(file: Path) -> tuple[Headline, ...]:
    """Return the headlines on file. Raises OSError, KeyError or ValueError when it cannot be read."""
    return tuple(Headline.from_json(entry) for entry in json.loads(file.read_text(encoding="utf-8")))


def write(file: Path, headlines: tuple[Headline, ...]) -> None:
    """Write headlines to a file that `read` reads."""
    entries = [replace(headline, origin=OURS).to_json() for headline in headlines]
    for entry in entries:
        del entry["coq"]
    file.write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
