"""Decimal text of exact numbers: rounded outward, so that what is printed contains what was enclosed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor


@dataclass(frozen=True)
class DecimalInterval:
    """lower ≤ value ≤ upper as decimal text; [lower, upper] contains the interval that it was made from."""

    value: str
    lower: str
    upper: str


def outward(lower: Fraction, upper: Fraction, digits: int) -> DecimalInterval:
    """Return decimals with lower ≤ value ≤ upper whose interval contains [lower, upper].

    The numbers have at most `digits` significant digits, and fewer where the interval is so wide that more would say
    nothing: rounding then adds at most a tenth of its width at either end. A number known exactly that has a shorter
    decimal is that decimal.
    """
    middle, width = (lower + upper) / 2, upper - lower
    places = [_exponent(middle) - digits + 1] if middle else []
    if width:
        places.append(_exponent(width) - 1)
    place = max(places, default=0)
    unit = Fraction(10) ** place
    low, high = floor(lower / unit), ceil(upper / unit)
    if low == high:
        text = _text(low, place, strip=True)
        return DecimalInterval(text, text, text)
    return DecimalInterval(*(_text(n, place) for n in (round(middle / unit), low, high)))


def rounded(numbers: Sequence[Fraction], digits: int) -> list[str]:
    """Return the nearest decimals with one last place for all of them: `digits` significant digits of the largest."""
    largest = max((abs(x) for x in numbers), default=Fraction(0))
    place = _exponent(largest) - digits + 1 if largest else 0
    unit = Fraction(10) ** place
    return [_text(round(x / unit), place, strip=not x) for x in numbers]


def _exponent(x: Fraction) -> int:
    """Return ⌊log₁₀|x|⌋ for x ≠ 0, exactly."""
    x = abs(x)
    guess = round((x.numerator.bit_length() - x.denominator.bit_length()) * 0.30103)
    while Fraction(10) ** guess > x:
        guess -= 1
    while Fraction(10) ** (guess + 1) <= x:
        guess += 1
    return guess


def _text(n: int, place: int, strip: bool = False) -> str:
    """Return n · 10^place, without the zeros at its end when `strip`; scientific where that is shorter to read."""
    while strip and place < 0 and n % 10 == 0:
        n, place = n // 10, place + 1
    return str(Decimal((int(n < 0), tuple(int(c) for c in str(abs(n))), place)))
