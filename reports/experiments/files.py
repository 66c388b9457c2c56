"""The files of an experiment: data as JSON and CSV, read back when the settings agree, and certificates."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from pydantic import ValidationError

from thmverify.errors import InputError
from thmverify.jsonfiles import read_bytes, write_text
from thmverify.reports.experiments.records import Data, RankCell, Row, Settings, Step

FOLDER = "data"
CERTIFICATES = "certificates"
_MAX_BYTES = 2**28


def make_folder(folder: Path) -> None:
    """Make a folder. Raises InputError when that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "cannot be made").lower()
        raise InputError("--out", str(folder), reason, "give a folder that can be made and written") from None


def names(asked: Settings) -> tuple[str, ...]:
    """Return the data files of an experiment, relative to the gallery's folder."""
    return tuple(f"{FOLDER}/{asked.experiment}.{kind}" for kind in ("json", "csv"))


def load(out: Path, asked: Settings) -> Data | None:
    """Return the data on file for exactly these settings, or None; a file that is damaged counts as missing."""
    path = out / names(asked)[0]
    try:
        data = Data.model_validate_json(read_bytes(path, _MAX_BYTES))
    except (InputError, ValidationError):
        return None
    return data if data.settings == asked else None


def save(out: Path, data: Data) -> None:
    """Write the data, the JSON file last: once it is there, so is everything."""
    json_name, csv_name = names(data.settings)
    certified = [cell for cell in data.ranks if cell.certificate is not None]
    if certified:
        make_folder(out / FOLDER / CERTIFICATES)
    for cell in certified:
        write_text(out / certificate_name(cell), cell.certificate or "")
    write_text(out / csv_name, as_csv(data))
    write_text(out / json_name, as_json(data))


def certificate_name(cell: RankCell) -> str:
    """Return where the certificate of a cell lies, relative to the gallery's folder."""
    return f"{FOLDER}/{CERTIFICATES}/{cell.instance}-delta-{cell.bias.replace('/', '_')}.json"


def as_json(data: Data) -> str:
    """Return the data as JSON, one row a line."""
    fields = data.model_dump(mode="json")
    parts = [f'"settings": {_compact(fields["settings"])}', f'"scene": {_compact(fields["scene"])}']
    for name in ("rows", "ranks", "steps"):
        lines = ",\n".join(_compact(row) for row in fields[name])
        parts.append(f'"{name}": [\n{lines}\n]' if lines else f'"{name}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def as_csv(data: Data) -> str:
    """Return the rows as CSV, with a line of column names."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    if data.ranks:
        size = len(data.ranks[0].eigenvalues)
        eigenvalues = [f"eigenvalue_{i + 1}" for i in range(size)]
        table.writerow(["mixture", "delta", *eigenvalues, "verdict", "rank", "dimension", "certificate"])
        for cell in data.ranks:
            name = certificate_name(cell) if cell.certificate else ""
            table.writerow([cell.instance, cell.bias, *cell.eigenvalues, cell.verdict, cell.rank, cell.dimension, name])
    elif data.steps:
        table.writerow(Step._fields)
        table.writerows(data.steps)
    else:
        table.writerow([data.settings.parameter, *Row._fields[1:]])
        table.writerows(data.rows)
    return stream.getvalue()
