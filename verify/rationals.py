"""Numbers as people write them, read exactly: 3, "93/100", "0.93", "1e-3", a Fraction, a Decimal, a SymPy rational.

A float is refused: it is rarely the number that was meant.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from thmverify.errors import InputError

Number: TypeAlias = int | Fraction | str | Decimal | Any  # SymPy's and NumPy's integers and rationals carry no types
Numbers: TypeAlias = Sequence[Number] | Any  # or an array of integers
NumberRows: TypeAlias = Sequence[Sequence[Number]] | Any

MAX_DIGITS = 1000
PATTERN = r"[+-]?(?:[0-9]+/[0-9]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)"
_RATIONAL = re.compile(PATTERN)
_PERCENT = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?) ?%")
_COMMA = re.compile(r"([+-]?[0-9]+),([0-9]+)")


@dataclass
class NotRationalError(Exception):
    """A value that is no rational number: the rule that it breaks, and what to write instead."""

    rule: str
    remedy: str


def read(value: object) -> Fraction:
    """Return the rational that a value stands for. Raises NotRationalError when it stands for none.

    >>> read("93/100"), read(".5"), read("1e-3")
    (Fraction(93, 100), Fraction(1, 2), Fraction(1, 1000))
    """
    match value:
        case Fraction():
            return value
        case bool():
            raise NotRationalError("is not a number", 'write an integer or a string such as "93/100"')
        case numbers.Rational():  # NumPy's integers among them
            return Fraction(int(value.numerator), int(value.denominator))
        case str():
            return _text(value)
        case Decimal() if value.is_finite() and abs(value.adjusted()) <= MAX_DIGITS:
            return Fraction(value)
    if hasattr(value, "p") and hasattr(value, "q") and not isinstance(value, float):  # SymPy's and flint's rationals
        return Fraction(int(value.p), int(value.q))
    if isinstance(value, numbers.Real):
        raise NotRationalError(
            "is a float, which is rarely the number that was meant",
            'write it exactly, as "93/100", "0.93" or Fraction(93, 100)',
        )
    raise NotRationalError("is not a number", 'write an integer or a string such as "93/100"')


def _text(value: str) -> Fraction:
    if len(value) > MAX_DIGITS:
        raise NotRationalError(f"has more than {MAX_DIGITS} characters", "write a shorter rational")
    if _RATIONAL.fullmatch(value) is None:
        raise NotRationalError("is not a rational number", _corrected(value))
    mantissa, _, exponent = value.lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_DIGITS:
        raise NotRationalError(f"has an exponent beyond ±{MAX_DIGITS}", "write a number of a moderate size")
    try:
        return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
    except ZeroDivisionError:
        raise NotRationalError("has denominator 0", "write a nonzero denominator") from None


def _corrected(value: str) -> str:
    """Return what to write instead: the corrected text where the slip is a common one."""
    if percent := _PERCENT.fullmatch(value):
        return f'write "{Fraction(percent[1]) / 100}"'
    if comma := _COMMA.fullmatch(value):
        return f'write "{comma[1]}.{comma[2]}", with a point'
    return 'write it as "93/100", "0.93" or "-5"'


def rational(field: str, value: object) -> Fraction:
    """Return the rational that the value of a field stands for. Raises InputError, with the field, when it is none."""
    try:
        return read(value)
    except NotRationalError as error:
        raise InputError(field, value, error.rule, error.remedy) from None


def vector(field: str, values: Iterable[object]) -> tuple[Fraction, ...]:
    """Return the rationals of a sequence or an array of one axis. Raises InputError for what is none."""
    return tuple(rational(f"{field}[{i}]", x) for i, x in enumerate(_entries(field, values, "numbers")))


def rows(field: str, values: Iterable[Iterable[object]]) -> tuple[tuple[Fraction, ...], ...]:
    """Return the rows of a sequence of sequences or an array of two axes. Raises InputError for what is none."""
    return tuple(vector(f"{field}[{i}]", row) for i, row in enumerate(_entries(field, values, "rows of numbers")))


def _entries(field: str, values: Any, what: str) -> Iterable[Any]:
    if hasattr(values, "tolist"):  # an array of NumPy's, or a matrix of SymPy's, whose entries come in one sequence
        flat = what == "numbers" and hasattr(values, "is_Matrix")
        values = list(values) if flat else values.tolist()
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError(field, values, f"is not a sequence of {what}", "write a list")
    return values
