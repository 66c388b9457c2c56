"""What the proposers hand over."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

Interval: TypeAlias = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Proposal:
    """A rule and its hints, for the kernel to accept or reject."""

    rule: str
    hints: dict[str, Any]
