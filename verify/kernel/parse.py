"""The numbers of a certificate: rationals as text, vectors and matrices of them, with bounds on the work they make."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from flint import fmpq, fmpq_mat

from thmverify.kernel.strict import MAX_SIZE, Rejected, array, record

MAX_TEXT = 2100  # characters of a number
MAX_WORK = 3 * 10**12  # multiplications · bits²: to solve n × n for N columns takes n³ · N, and a quarter of a minute
MAX_BITS = 2000  # of precision
Kind = tuple[int, ...] | Callable[[object, str], Any]  # a matrix of so many rows (and columns), or its reader
_RATIONAL = re.compile(r"(0|-?[1-9][0-9]*)(?:/([1-9][0-9]*))?")


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
            check_hint(name, found[-1])
    return found


def check_hint(name: str, m: fmpq_mat) -> None:
    """Check that a matrix of the hints has at most MAX_SIZE columns, and MAX_WORK."""
    sizes = sorted((m.nrows(), m.ncols()))
    if m.ncols() > MAX_SIZE:
        raise Rejected(f"{name} has more than {MAX_SIZE} columns")
    check_work(name, sizes[0] ** 3 * sizes[1], [m.entries()])


def check_work(name: str, multiplications: int, rows: Iterable[Sequence[fmpq]]) -> None:
    """Check MAX_WORK, with the bits of the longest number when each row is over a common denominator, and 64 more."""
    longest = math.isqrt(MAX_WORK // max(multiplications, 1))
    for row in rows:
        scale, excess = 1, 0
        for x in row:
            scale = math.lcm(scale, int(x.q))
            excess = max(excess, int(abs(x.p)).bit_length() - int(x.q).bit_length())
            if scale.bit_length() + excess + 64 > longest:
                raise Rejected(f"{name}: {multiplications} multiplications of more than {longest} bits are too many")
