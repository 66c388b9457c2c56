"""Tables of numbers from files: CSV with or without a header, and NumPy's .npz."""

from __future__ import annotations

import csv
import io
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thmverify.errors import InputError
from thmverify.jsonfiles import read_bytes
from thmverify.models import Floats

MAX_BYTES = 64 * 1024 * 1024  # of a file, and of what is unpacked from one
MAX_COLUMNS = 10_000
_DATA_NAMES = ("X", "data", "x")
_LABEL_NAMES = ("y", "target", "labels")
_SHOWN = 12  # columns that a message lists


@dataclass(frozen=True)
class Table:
    """n points of d coordinates with their names, and a label for each point where there are labels."""

    points: Floats
    names: tuple[str, ...]
    labels: tuple[str, ...] | None = None


def read_table(path: str | Path, labels: str | None = None) -> Table:
    """Return the table in a .csv or .npz file; `labels` names the column, or the array, of the labels.

    A column is named by the header, or by its number from 1 where there is no header.

    Raises InputError naming the file, the line and the column of what is no finite number.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".npz":
            return _npz(read_bytes(path, MAX_BYTES), labels)
        if path.suffix.lower() in (".csv", ".tsv", ".txt"):
            return _csv(_text(read_bytes(path, MAX_BYTES)), labels)
    except InputError as error:
        raise error.in_file(str(path)) from None
    if path.suffix.lower() in (".pkl", ".pickle", ".joblib"):
        remedy = "load it in Python, where you trust it, and call thmverify.from_sklearn(model)"
        raise InputError("file", str(path), "is a pickle, and reading one runs the program in it", remedy)
    raise InputError("file", str(path), "is neither .csv nor .npz", "save the data as CSV, or with numpy.savez")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("file", f"byte {error.start}", "is not UTF-8", "save the file as UTF-8") from None


def _csv(text: str, labels: str | None) -> Table:
    lines = _lines(text)
    if not lines:
        raise InputError("file", "", "is empty", "give one row for each point")
    headed = not any(_number(cell) is not None for cell in lines[0][1])
    width = len(lines[0][1])
    names = [cell.strip() for cell in lines[0][1]] if headed else [str(i + 1) for i in range(width)]
    if width > MAX_COLUMNS:
        raise InputError("file", f"{width} columns", f"has more than {MAX_COLUMNS}", "drop columns")
    at = None if labels is None else _column(names, labels)
    rows, marks = [], []
    for line, cells in lines[headed:]:
        if len(cells) != width:
            raise InputError(f"line {line}", f"{len(cells)} cells", f"must have {width}, like line 1", "mend the row")
        if at is not None:
            marks.append(cells[at].strip())
            if not marks[-1]:
                raise InputError(f"line {line}, column {names[at]}", "", "has no label", "fill it in or drop the row")
        rows.append([_cell(line, names[j], cell) for j, cell in enumerate(cells) if j != at])
    kept = tuple(name for j, name in enumerate(names) if j != at)
    if not rows or not kept:
        what = "no row of numbers" if not rows else "no column of numbers"
        raise InputError(
            "file", what, "holds no data", "give one row for each point and one column for each coordinate"
        )
    return Table(np.array(rows), kept, tuple(marks) if at is not None else None)


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, each with its line number."""
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"line {reader.line_num}", "", f"is not CSV: {error}", "mend the row") from None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _cell(line: int, name: str, cell: str) -> float:
    value = _number(cell)
    if value is not None and math.isfinite(value):
        return value
    where = f"line {line}, column {name}"
    if value is not None or not cell.strip():
        raise InputError(where, cell, "is not a finite number", "fill it in or drop the row")
    whole, comma, decimals = cell.strip().partition(",")
    if comma and whole.lstrip("+-").isdigit() and decimals.isdigit():
        raise InputError(where, cell, "is not a number", f"write {whole}.{decimals}, with a point")
    remedy = f'name the column with --labels "{name}" if it holds the labels, or drop it'
    raise InputError(where, cell, "is not a number", remedy)


def _column(names: Sequence[str], wanted: str) -> int:
    if names.count(wanted) > 1:
        raise InputError("--labels", wanted, "names more than one column", "give the columns different names")
    if wanted in names:
        return names.index(wanted)
    listed = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    raise InputError("--labels", wanted, "is no column of the file", f"its columns are {listed}")


def _npz(data: bytes, labels: str | None) -> Table:
    arrays = _arrays(data)
    name = next((n for n in _DATA_NAMES if n in arrays), None)
    if name is None:
        candidates = [n for n, a in arrays.items() if a.ndim == 2 and n != labels]
        if len(candidates) != 1:
            raise InputError("file", sorted(arrays), "has no array X", "save the points as X: numpy.savez(file, X=…)")
        name = candidates[0]
    mark = labels if labels is not None else next((n for n in _LABEL_NAMES if n in arrays), None)
    if mark is not None and (mark not in arrays or mark == name):
        listed = ", ".join(sorted(arrays))
        raise InputError("--labels", mark, "is no array of labels in the file", f"its arrays are {listed}")
    points = _points(name, arrays[name])
    names = tuple(str(i + 1) for i in range(points.shape[1]))
    return Table(points, names, None if mark is None else _marks(mark, arrays[mark], len(points)))


def _arrays(data: bytes) -> dict[str, Any]:
    """Return the arrays of an .npz file; nothing in it is run, and its size is known before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > MAX_BYTES:
            raise InputError("file", f"{size} bytes", f"unpacks to more than {MAX_BYTES}", "give fewer points")
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError) as error:
        if "pickle" in str(error):
            remedy = "save arrays of numbers or of text"
            raise InputError("file", "an array of objects", "cannot be read without running it", remedy) from None
        raise InputError("file", "", "is not an .npz file", "write it with numpy.savez(file, X=…, y=…)") from None


def _points(name: str, array: Any) -> Floats:
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiu":
        shape = f"{' × '.join(map(str, array.shape))} of {array.dtype}"
        raise InputError(name, shape, "is not n × d numbers", "give one row for each point")
    if array.shape[1] > MAX_COLUMNS:
        raise InputError(name, f"{array.shape[1]} columns", f"has more than {MAX_COLUMNS}", "drop columns")
    points: Floats = array.astype(np.float64)
    for i, j in np.argwhere(~np.isfinite(points)):
        raise InputError(f"{name}[{i}][{j}]", float(points[i, j]), "is not a finite number", "fill it in or drop it")
    return points


def _marks(name: str, array: Any, n: int) -> tuple[str, ...]:
    if array.shape != (n,):
        shape = " × ".join(map(str, array.shape)) or "one value"
        raise InputError(name, shape, f"is not one label for each of the {n} points", "give an array of one axis")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(name, "nan", "is not a label", "fill it in or drop the row")
    return tuple(str(x) for x in array.tolist())
