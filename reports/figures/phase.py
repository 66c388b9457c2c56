"""The phase picture: rank M* of InfoNCE's minimiser, δ against the separation of the means, one mixture.

Whether a cell is certified is the kernel's word; the rank of any other cell is floating point's, and it is hatched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from thmverify.hunting.phase import default_grid, default_slice, phase_picture, scaled
from thmverify.instances import instance_to_json
from thmverify.reports.figures.drawing import Frame
from thmverify.reports.figures.records import Phase, PhaseCell

_SIDE, _LEFT, _TOP = 340.0, 44.0, 22.0  # pixels


@cache
def compute(cells: int) -> Phase:
    """Return the record of the figure on a grid of so many cells each way."""
    mixture = default_slice()
    picture = phase_picture(mixture, *default_grid(cells), measured=False)
    return Phase(
        instance=instance_to_json(scaled(mixture, Fraction(1), Fraction(1))),
        dimension=picture.dimension,
        deltas=tuple(map(str, picture.deltas)),
        separations=tuple(map(str, picture.separations)),
        cells=tuple(
            PhaseCell(
                delta=str(cell.delta),
                separation=str(cell.separation),
                rank=cell.rank,
                certified=cell.certified,
                verdict=cell.verdict,
            )
            for cell in picture.cells
        ),
    )


# --- layout ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Square:
    """A cell in pixels."""

    x: float
    y: float
    cell: PhaseCell


@dataclass(frozen=True)
class Key:
    """An entry of the legend: cells of one rank, certified or not; and how many there are."""

    rank: int
    certified: bool
    count: int


@dataclass(frozen=True)
class Drawn:
    """The picture in pixels: squares of this width and height, ticks as (pixel, text), and the legend."""

    frame: Frame
    width: float
    height: float
    squares: tuple[Square, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    keys: tuple[Key, ...]


def layout(record: Phase) -> Drawn:
    """Return where everything goes: separations from left to right on a logarithmic axis, δ upwards."""
    exponents = [math.log2(Fraction(s)) for s in record.separations]
    deltas = [float(Fraction(x)) for x in record.deltas]
    across, up = _half_step(exponents), _half_step(deltas)
    x_range = (exponents[0] - across, exponents[-1] + across)
    frame = Frame(_LEFT, _TOP, _SIDE, _SIDE, x_range, (deltas[0] - up, deltas[-1] + up))
    width, height = _SIDE / len(exponents), _SIDE / len(deltas)
    places = ((i, j) for i in range(len(deltas)) for j in range(len(exponents)))
    squares = tuple(
        Square(frame.left + j * width, frame.bottom - (i + 1) * height, cell)
        for (i, j), cell in zip(places, record.cells, strict=True)
    )
    powers = range(math.ceil(exponents[0] - 1e-9), math.floor(exponents[-1] + 1e-9) + 1)
    return Drawn(
        frame,
        width,
        height,
        squares,
        tuple((frame.x(p), str(Fraction(2) ** p)) for p in powers),
        tuple((frame.y(i / 5), f"{i / 5:g}") for i in range(6) if deltas[0] <= i / 5 <= deltas[-1]),
        tuple(_keys(record)),
    )


def _half_step(values: list[float]) -> float:
    return (values[-1] - values[0]) / (2 * max(len(values) - 1, 1)) or 0.5


def _keys(record: Phase) -> Iterable[Key]:
    for rank in sorted({cell.rank for cell in record.cells}, reverse=True):
        for certified in (True, False):
            count = sum((cell.rank, cell.certified) == (rank, certified) for cell in record.cells)
            if count:
                yield Key(rank, certified, count)


@dataclass(frozen=True)
class Row:
    """The cells of one δ whose rank is below dim S_F: their separations, those not certified apart."""

    delta: str
    certified: tuple[str, ...]
    floating: tuple[str, ...]


def deficient_rows(record: Phase) -> tuple[Row, ...]:
    """Return, for each δ at which M* is rank deficient somewhere, where it is."""
    rows = []
    for delta in record.deltas:
        here = [c for c in record.cells if c.delta == delta and c.rank < record.dimension]
        certified, floating = (tuple(c.separation for c in here if c.certified is known) for known in (True, False))
        if here:
            rows.append(Row(delta, certified, floating))
    return tuple(rows)


def finding(record: Phase) -> str:
    """Return what the picture shows, in one sentence, computed from its cells."""
    size, rows = len(record.cells), deficient_rows(record)
    certified = sum(cell.certified for cell in record.cells)
    how = "all of them certified" if certified == size else f"{certified} of them certified"
    if not rows:
        return f"M* has full rank {record.dimension} in each of the {size} cells, {how}."
    fewer = sum(len(row.certified) + len(row.floating) for row in rows)
    where = f"for δ = {rows[0].delta}" if len(rows) == 1 else f"with δ from {rows[0].delta} to {rows[-1].delta}"
    return f"Of {size} cells, {how}, M* is rank deficient in {fewer}, {where}."
