"""Strict canonical JSON. A certificate holds objects, arrays and strings, and nothing else.

Numbers are text: an integer is "0" or "-12", a rational is an integer or "p/q" in lowest terms with q > 1. There is
one way to write each certificate: a different byte is a different certificate or none.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from flint import fmpq, fmpq_mat

MAX_BYTES = 512 * 1024
MAX_TEXT = 400  # characters of a number
MAX_SIZE = 64  # rows or columns of a matrix
_RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?", re.ASCII)


class Rejected(Exception):  # noqa: N818 (it is an answer)
    """The certificate is not accepted; the message is one sentence that says why."""


def canonical(value: object) -> bytes:
    """Return the bytes of a value: no blanks, ASCII, fields in the order given, one newline at the end."""
    return (json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n").encode("ascii")


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def parse(data: bytes) -> object:
    """Return the value whose canonical bytes are `data`."""
    if len(data) > MAX_BYTES:
        raise Rejected(f"the file is larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(
            data.decode("ascii"),
            parse_int=_no_number,
            parse_float=_no_number,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
        if canonical(value) != data:
            raise Rejected("the file is not in canonical form")
    except UnicodeDecodeError:
        raise Rejected("the file is not ASCII") from None
    except RecursionError:
        raise Rejected("the file is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Rejected(f"the file is not JSON: {error.msg}") from None
    return value


def _no_number(_text: str) -> NoReturn:
    raise Rejected("a JSON number stands where only text is allowed")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Rejected("a key is given twice")
    return found


def record(value: object, name: str, fields: Sequence[str]) -> list[object]:
    """Return the values of an object that has exactly these fields, in this order."""
    if not isinstance(value, dict) or list(value) != list(fields):
        raise Rejected(f"{name} does not have exactly the fields {', '.join(fields) or '(none)'}, in this order")
    return list(value.values())


def text(value: object, name: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise Rejected(f"{name} is not text")
    return value


def array(value: object, name: str, longest: int = MAX_SIZE) -> list[object]:
    """Return an array of at most `longest` entries."""
    if not isinstance(value, list) or len(value) > longest:
        raise Rejected(f"{name} is not an array of at most {longest} entries")
    return value


def rational(value: object, name: str) -> fmpq:
    """Return the rational that canonical text stands for."""
    written = text(value, name)
    match = _RATIONAL.fullmatch(written) if len(written) <= MAX_TEXT else None
    if match is None:
        raise Rejected(f'{name} is not text such as "-3" or "93/100", of at most {MAX_TEXT} characters')
    number = fmpq(int(match[1]), int(match[2] or "1"))
    if str(number) != written:
        raise Rejected(f"{name} is not in lowest terms")
    return number


def integer(value: object, name: str, low: int, high: int) -> int:
    """Return an integer between `low` and `high`."""
    number = rational(value, name)
    if number.q != 1 or not low <= number <= high:
        raise Rejected(f"{name} is not an integer between {low} and {high}")
    return int(number.p)


def vector(value: object, name: str) -> list[fmpq]:
    """Return an array of rationals."""
    return [rational(x, name) for x in array(value, name)]


def matrix(value: object, name: str, rows: int | None = None, columns: int | None = None) -> fmpq_mat:
    """Return an array of equally long rows as a matrix; where a number of rows or columns is given it must agree."""
    entries = [vector(row, name) for row in array(value, name)]
    width = len(entries[0]) if entries else columns or 0
    if any(len(row) != width for row in entries):
        raise Rejected(f"{name} has rows of different lengths")
    if rows not in (None, len(entries)) or columns not in (None, width):
        raise Rejected(f"{name} has the wrong shape")
    return fmpq_mat(len(entries), width, [x for row in entries for x in row])
