"""What each theorem says, as the kernel writes it, kept apart from the scripts that prove it.

`theorems/formal.json` holds, for each statement with a proof, the conclusion, its hypotheses and the definitions that
it speaks of. `python -m thmverify.theorems.formal` writes it anew; read the difference before you commit it: it is what
is claimed.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from thmverify.statement import Formal, prepare

FILE = Path(__file__).parent / "formal.json"


@cache
def _read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    return found


def formal(statement: str) -> Formal:
    """Return the theorem of a statement, as on record; one that says nothing when there is no record."""
    entry = _read().get(statement, {"conclusion": "", "hypotheses": {}, "definitions": {}, "digest": ""})
    hypotheses, definitions = (tuple(sorted(entry[part].items())) for part in ("hypotheses", "definitions"))
    return Formal(entry["conclusion"], hypotheses, definitions, entry["digest"])


def write() -> None:
    """Write what the scripts prove now, and what a list shows of each statement."""
    from thmverify import headlines
    from thmverify.theorems import HEADLINES, REGISTRY

    headlines.write(HEADLINES, tuple(statement.headline for statement in REGISTRY.values()))

    prepare(REGISTRY.values())
    found = {}
    for name, statement in REGISTRY.items():
        report = statement.checked
        if report is not None and report.passed:
            now = Formal.of(report)
            found[name] = {
                "conclusion": now.conclusion,
                "hypotheses": dict(now.hypotheses),
                "definitions": dict(now.definitions),
                "digest": now.digest,
            }
    FILE.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
