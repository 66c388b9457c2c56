"""The published JSON Schemas of instance files, map files and records of hunts, generated from what reads them.

`python -m thmverify.schemas` writes them anew; a test fails while they are out of date.
"""

from __future__ import annotations

import json
from pathlib import Path

from thmverify.huntrecords import record_schema
from thmverify.instances import instance_schema, map_schema

FOLDER = Path(__file__).parent


def texts() -> dict[str, str]:
    """Return what each schema file of this folder should hold, by its name."""
    schemas = {"instance.json": instance_schema(), "map.json": map_schema(), "hunt.json": record_schema()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}
