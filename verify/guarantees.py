"""The guarantee matrix: losses against what one would like to know of their minimisers. Its cells are computed.

A statement names the cells whose general claim it is. A special case of it (fewer components, centred means, …) names
the statement instead, and shows beside the cells that it names, or beside all of that statement when it names none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Column(StrEnum):
    """The questions of the matrix; the values are its column heads."""

    INCLUSION = "Col(A*) ⊆ S_F"
    EQUALITY = "= S_F at δ = 1"
    EQUALITY_BIASED = "= S_F for δ < 1"
    TOP_R = "top-r optimal for r < dim S_F"
    COLUMNS = "without r ≥ K"
    UNCENTRED = "uncentred"
    SEPARATE = "non-shared Σ"
    ANY_RANK = "every r"


@dataclass(frozen=True)
class Guarantee:
    """A cell of the matrix: a loss (its row) and a question (its column)."""

    loss: str
    column: Column
