"""Rationals as Coq reads them."""

from __future__ import annotations

from fractions import Fraction


def rational(x: Fraction) -> str:
    """Return a rational as Coq reads it, in parentheses where it needs them."""
    if x.denominator == 1:
        return str(x.numerator) if x >= 0 else f"({x.numerator})"
    return f"({x.numerator} / {x.denominator})"
