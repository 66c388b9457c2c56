"""Where the choices come from: Hypothesis, which shrinks them, or a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

T = TypeVar("T")
Span: TypeAlias = int | tuple[int, int]


class Source(Protocol):
    """Where the choices come from."""

    def integer(self, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Choices made, recorded and shrunk by Hypothesis."""

    draw: DrawFn

    def integer(self, low: int, high: int) -> int:
        """Return an integer in [low, high]; shrinks towards 0, or towards `low` when that is positive."""
        return self.draw(st.integers(low, high))


@dataclass(frozen=True)
class Seeded:
    """Choices made by a seeded generator: the same seed, the same object."""

    rng: random.Random

    def integer(self, low: int, high: int) -> int:
        """Return a uniform integer in [low, high]."""
        return self.rng.randint(low, high)


def strategy(make: Callable[[Source], T]) -> SearchStrategy[T]:
    """Return the Hypothesis strategy that draws the choices of `make`."""

    @st.composite
    def drawn(draw: DrawFn) -> T:
        return make(Drawn(draw))

    return drawn()


def size_in(source: Source, span: Span) -> int:
    """Return the size itself, or one in the inclusive (low, high) pair."""
    return span if isinstance(span, int) else source.integer(*span)


def choose(source: Source, options: Sequence[T]) -> T:
    """Return one of `options`; the first is the one that failures shrink to."""
    return options[source.integer(0, len(options) - 1)]
