"""The errors a user can cause or meet, each one sentence on one line."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

_VALUE_LENGTH = 60
_TEXT_LENGTH = 200
_BITS_OF_TEXT = 200


class _Brief(reprlib.Repr):
    """Values much as a JSON file writes them, cut before they are rendered: a million entries cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxstring = self.maxother = self.maxlong = _VALUE_LENGTH

    def repr_bool(self, value: bool, _level: int) -> str:
        return "true" if value else "false"

    def repr_NoneType(self, _value: None, _level: int) -> str:
        return "null"

    def repr_int(self, value: int, _level: int) -> str:
        return brief_number(value)

    def repr_Fraction(self, value: Fraction, _level: int) -> str:
        return brief_number(value)


def brief_number(value: Fraction | int) -> str:
    """Return the number as text or, when that would be long, what size it has."""
    p, q = value.numerator, value.denominator
    if max(p.bit_length(), q.bit_length()) <= _BITS_OF_TEXT:
        return str(value)
    digits = round(max(p.bit_length(), q.bit_length()) * 0.30103)
    return f"({'integer' if q == 1 else 'fraction'} of about {digits} digits)"


def one_line(text: str, length: int) -> str:
    """Return `text` with what is not printable escaped, cut to about `length` characters."""
    full = len(text)
    if full > length:
        text = text[: length * 3 // 4]
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if full <= length else f"{text}… ({full} characters)"


def shown(value: object) -> str:
    """Return `value` as it appears in an error: one line, cut to a readable length."""
    if isinstance(value, str):
        return f'"{one_line(value, _VALUE_LENGTH)}"'
    return one_line(_BRIEF.repr(value), _VALUE_LENGTH)


_BRIEF = _Brief()


def one_of(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """Return what to write instead of an unknown name: the nearest names first, then `otherwise`, or all of them.

    >>> one_of("infonse", ["infonce", "clip"])
    'did you mean infonce? write one of infonce, clip'
    """
    from difflib import get_close_matches  # a tenth of the start, for those alone who mistype

    known = [*names]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    guess = f"did you mean {' or '.join(near)}? " if near else ""
    return guess + (otherwise or f"write one of {', '.join(known)}")


@dataclass(eq=False)  # not frozen: `with` blocks assign the traceback of an exception that passes through them
class InputError(Exception):
    """Input that breaks a rule: which field, which value, which rule, and what to write instead.

    `file` is empty for objects built in Python; the reader of a file fills it in with `in_file`. However long or odd
    the value, the message is one line.
    """

    field: str
    value: object
    rule: str
    remedy: str
    file: str = ""

    def __str__(self) -> str:
        where = f"{one_line(self.file, 4 * _TEXT_LENGTH)}: " if self.file else ""
        field, rule = (one_line(text, _TEXT_LENGTH) for text in (self.field, self.rule))
        remedy = one_line(self.remedy, 4 * _TEXT_LENGTH)  # which may list all names
        return f"{where}{field}: {shown(self.value)}: {rule}; {remedy}"

    def in_file(self, file: str) -> InputError:
        """Return the same error, naming `file`."""
        return InputError(self.field, self.value, self.rule, self.remedy, file)

    def under(self, prefix: str) -> InputError:
        """Return the same error with its field inside `prefix`."""
        return InputError(f"{prefix}.{self.field}", self.value, self.rule, self.remedy, self.file)
