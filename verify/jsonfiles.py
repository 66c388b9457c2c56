"""Strict JSON: bounded size, no duplicate key, no float, no surprise.

A number in a file is an integer or a string such as "93/100". A JSON float, or an integer too long to read, is kept as
its own text so that the reader of the field can refuse it by name.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thmverify.errors import InputError
from thmverify.kernel.strict import file_bytes
from thmverify.rationals import MAX_DIGITS

MAX_BYTES = 8 * 1024 * 1024
_REMEDY = "give the path of a readable file"
_TABLES = (".csv", ".tsv", ".npz")
_ARRAYS = (".npy", ".pkl", ".pickle", ".joblib")


@dataclass(frozen=True)
class RefusedNumber:
    """A JSON number, as it stands in the file, that no field accepts, and the rule that it breaks."""

    text: str
    rule: str
    remedy: str

    def __repr__(self) -> str:
        return self.text


def _parse_int(text: str) -> int | RefusedNumber:
    if len(text) > MAX_DIGITS:
        return RefusedNumber(text, f"has more than {MAX_DIGITS} digits", "write a shorter number")
    return int(text)


def _parse_float(text: str) -> RefusedNumber:
    rule = "is a JSON float, which is not the number you wrote"
    return RefusedNumber(text, rule, 'write a string such as "93/100" or "0.93", which is read exactly')


def _parse_constant(text: str) -> RefusedNumber:
    return RefusedNumber(text, "is not a number", 'write an integer or a string such as "93/100"')


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise InputError(key, "given twice", "a key appears once in an object", "remove one of the two")
        out[key] = value
    return out


def read_object(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the JSON object in the file at `path`.

    Raises InputError when the file is missing, unreadable, too large, not UTF-8, not JSON, not an object, nested too
    deeply, or repeats a key.
    """
    name = os.fspath(path)
    try:
        return _parse(_read_text(name))
    except InputError as error:
        raise error.in_file(name) from None


def read_bytes(path: str | os.PathLike[str], limit: int = MAX_BYTES) -> bytes:
    """Return what the file at `path` holds: every file that is named from outside is read here, or by the kernel.

    Raises InputError when it is missing, unreadable, larger than `limit`, or no regular file: a pipe or a device is
    refused without waiting for it.
    """
    name = os.fspath(path)
    try:
        data = file_bytes(name, limit)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = (getattr(error, "strerror", None) or "cannot be read").lower()
        raise InputError("file", name, reason, _REMEDY) from None
    if len(data) > limit:
        raise InputError("file", name, f"is larger than {limit} bytes", "give fewer components or shorter numbers")
    return data


def _read_text(name: str) -> str:
    data = read_bytes(name)
    _refuse_data(name)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("file", f"byte {error.start}", "is not UTF-8", "save the file as UTF-8") from None


def _refuse_data(name: str) -> None:
    """Raise InputError, with what to do, for a file of data where one of JSON is meant."""
    suffix = Path(name).suffix.lower()
    if suffix in _TABLES:
        remedy = f"make an instance file of it: thmverify fit {name} --out {Path(name).stem}.json"
        raise InputError("file", name, "holds data, not a JSON object", remedy)
    if suffix in _ARRAYS:
        remedy = "in Python, make a mixture of what it holds: thmverify.from_sklearn(model) or thmverify.from_floats(…)"
        raise InputError("file", name, "holds Python objects, not a JSON object", remedy)


def _parse(text: str) -> dict[str, Any]:
    if not text.strip():
        raise InputError("file", "", "is empty", 'write a JSON object, e.g. {"model": "shared-gmm", …}')
    try:
        value = json.loads(
            text,
            parse_int=_parse_int,
            parse_float=_parse_float,
            parse_constant=_parse_constant,
            object_pairs_hook=_parse_object,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(
            "file", where, f"is not JSON: {error.msg}", "see docs/pages/instance.md, or the files in examples/"
        ) from None
    except RecursionError:
        raise InputError("file", "nested arrays", "is nested too deeply", "a matrix is a list of rows") from None
    if not isinstance(value, dict):
        raise InputError("file", value, "is not a JSON object", 'write e.g. {"model": "shared-gmm", …}')
    return value


def keep(inputs: Iterable[str | os.PathLike[str]], field: str, output: str | os.PathLike[str] | None) -> None:
    """Raise InputError, about `field`, when a command is about to write over a file that it reads."""
    for path in inputs:
        if output is not None and os.path.exists(output) and os.path.exists(path) and os.path.samefile(path, output):
            raise InputError(field, os.fspath(output), "is a file that this command reads", "write to another one")


def to_be_written(path: str | os.PathLike[str]) -> Path:
    """Return where a file that replaces the one at `path` goes: behind links, which stay.

    Raises InputError when a folder, a pipe or a device is there: to replace it would destroy it.
    """
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            raise InputError("output", os.fspath(path), "is not a regular file", "give a path in a writable folder")
    except OSError:  # a link that leads nowhere yet; what else is wrong shows when the file is written
        pass
    return Path(os.path.realpath(path))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` so that a reader sees the old file or the whole new one, never a part.

    Raises InputError when the folder does not exist or cannot be written, or something else than a file is there.
    """
    target = to_be_written(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes it private; a report is for others to read
            os.replace(temporary, target)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        reason = (error.strerror or "cannot be written").lower()
        raise InputError("output", str(target), reason, "give a path in a writable folder") from None
