"""Strict canonical JSON: one way to write each file (FORMAT.md). The standard library alone."""

import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

MAX_BYTES = 16 * 1024 * 1024  # of a certificate
MAX_SIZE = 64  # components, columns of a map, rows or columns of a hint
MAX_DIMENSION = 10**4  # entries of an array


class Rejected(Exception):  # noqa: N818 (it is an answer)
    """The certificate is not accepted; the message is one sentence that says why."""


def file_bytes(path: str | os.PathLike[str], limit: int = MAX_BYTES) -> bytes:
    """Return what a regular file holds, at most limit + 1 bytes; for anything else raise OSError, without waiting."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as handle:
        if not os.path.isfile(handle.fileno()):
            raise OSError(0, "is not a regular file")
        return handle.read(limit + 1) or b""


def canonical(value: object) -> bytes:
    """Return the bytes of a value: no blanks, ASCII, fields in the order given, one newline at the end."""
    return (json.dumps(value, separators=(",", ":")) + "\n").encode("ascii")


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def parse(data: bytes, limit: int = MAX_BYTES) -> Any:
    """Return the value whose canonical bytes are `data`; so no key is given twice."""
    if len(data) > limit:
        raise Rejected(f"the file is larger than {limit} bytes")
    try:
        value = json.loads(data.decode("ascii"))
        if canonical(value) != data:
            raise Rejected("the file is not in canonical form")
    except (ValueError, RecursionError):
        raise Rejected("the file is not JSON in ASCII, or is nested too deeply") from None
    return value


def record(value: object, name: str, fields: Sequence[str]) -> list[Any]:
    """Return the values of an object that has exactly these fields, in this order."""
    if not isinstance(value, dict) or list(value) != list(fields):
        raise Rejected(f"{name} does not have exactly the fields {', '.join(fields) or '(none)'}, in this order")
    return list(value.values())


def sealed(value: Any, name: str, form: str, fields: Sequence[str]) -> list[Any]:
    """Return the values between the first field of a file, its format, and the last, the hash of all before it."""
    found, *values, content = record(value, name, fields)
    if found != form:
        raise Rejected(f"the format is not {form}")
    if content != digest(list(value.items())[:-1]):
        raise Rejected("the content hash does not match")
    return values


def array(value: object, name: str, longest: int = MAX_DIMENSION) -> list[Any]:
    """Return an array of at most `longest` entries."""
    if not isinstance(value, list) or len(value) > longest:
        raise Rejected(f"{name} is not an array of at most {longest} entries")
    return value


def exactly(count: int, value: object, name: str) -> list[Any]:
    """Return an array of so many entries."""
    found = array(value, name)
    if len(found) != count:
        raise Rejected(f"{name} does not have {count} entries")
    return found
