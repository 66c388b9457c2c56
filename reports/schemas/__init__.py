"""The published JSON Schema of `report.json`, generated from the record classes.

`python -m thmverify.reports.schemas` writes it anew; a test fails while it is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path

from thmverify.reports.records import schema

FILE = Path(__file__).parent / "report.schema.json"


def text() -> str:
    """Return what the schema file should hold."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
