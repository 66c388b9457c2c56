"""Strict canonical JSON: objects, arrays, strings; numbers as text; one way to write each certificate (FORMAT.md)."""

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flint import fmpq, fmpq_mat

MAX_BYTES = 512 * 1024
MAX_TEXT = 400  # characters of a number
MAX_SIZE = 64  # rows or columns of a matrix
MAX_WORK = 3 * 10**7  # n³ · N · bits of numbers in n × N: elimination takes half a minute
MAX_BITS = 2000  # of precision
Kind = tuple[int, ...] | Callable[[object, str], Any]  # a matrix of so many rows (and columns), or its reader
_RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")


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


def parse(data: bytes) -> Any:
    """Return the value whose canonical bytes are `data`; so no key is given twice."""
    if len(data) > MAX_BYTES:
        raise Rejected(f"the file is larger than {MAX_BYTES} bytes")
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


def array(value: object, name: str, longest: int = MAX_SIZE) -> list[Any]:
    """Return an array of at most `longest` entries."""
    if not isinstance(value, list) or len(value) > longest:
        raise Rejected(f"{name} is not an array of at most {longest} entries")
    return value


def rational(value: object, name: str, low: int | None = None, high: int | None = None) -> fmpq:
    """Return the rational that canonical text stands for, which is between `low` and `high` where they are given."""
    match = _RATIONAL.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_TEXT else None
    if match is None:
        raise Rejected(f'{name} is not text such as "-3" or "93/100", of at most {MAX_TEXT} characters')
    number = fmpq(int(match[1]), int(match[2] or "1"))
    if str(number) != value:
        raise Rejected(f"{name} is not in lowest terms")
    if (low is not None and number < low) or (high is not None and number > high):
        raise Rejected(f"{name} is not {'at least' if high is None else f'at most {high} and at least'} {low}")
    return number


def integer(value: object, name: str, low: int, high: int) -> int:
    """Return an integer between `low` and `high`."""
    number = rational(value, name, low, high)
    if number.q != 1:
        raise Rejected(f"{name} is not an integer")
    return int(number.p)


bits = partial(integer, low=32, high=MAX_BITS)  # reads a precision


def vector(value: object, name: str) -> list[fmpq]:
    """Return an array of rationals."""
    return [rational(x, name) for x in array(value, name)]


def matrix(value: object, name: str, rows: int | None = None, columns: int | None = None) -> fmpq_mat:
    """Return an array of equally long rows as a matrix; where a number of rows or columns is given it must agree."""
    entries = [vector(row, name) for row in array(value, name)]
    width = len(entries[0]) if entries else columns or 0
    if any(len(row) != width for row in entries) or rows not in (None, len(entries)) or columns not in (None, width):
        raise Rejected(f"{name} has the wrong shape, or rows of different lengths")
    return fmpq_mat(len(entries), width, [x for row in entries for x in row])


def read(hints: object, **fields: Kind) -> list[Any]:
    """Return the hints, which have exactly these fields."""
    found = []
    for value, (name, kind) in zip(record(hints, "hints", list(fields)), fields.items(), strict=True):
        found.append(matrix(value, name, *kind) if isinstance(kind, tuple) else kind(value, name))
        if isinstance(kind, tuple):
            check_work(name, found[-1].nrows(), found[-1].ncols(), found[-1].entries())
    return found


def check_work(name: str, rows: int, columns: int, numbers: Sequence[fmpq]) -> None:
    """Check MAX_WORK, with the bits of the numbers' common denominator and of the largest numerator over it."""
    scale, excess, size = 1, 0, min(rows, columns) ** 3 * max(rows, columns)
    for x in numbers:
        scale = math.lcm(scale, int(x.q))
        excess = max(excess, int(abs(x.p)).bit_length() - int(x.q).bit_length())
        if size * (2 * scale.bit_length() + excess) > MAX_WORK:
            raise Rejected(f"{name} is too large, or its numbers are too long")
