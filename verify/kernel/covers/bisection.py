"""Boxes that are halved until a test settles each: nothing is searched for, and what is left is never dropped."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from flint import arb, fmpq

from thmverify.kernel.parse import rational
from thmverify.kernel.strict import Rejected, exactly

Box = tuple[tuple[fmpq, fmpq], ...]  # an interval for each axis
Settles = Callable[[Box], bool]  # whether what is claimed is certain at every point of a box
Watch = Callable[[Box, bool], None]


class Covered(NamedTuple):
    """How many boxes were settled, and the boxes that were not: together they are the whole."""

    settled: int
    remaining: list[Box]


def ignore(_box: Box, _settled: bool) -> None:
    """Watch and do nothing."""


def cover(whole: Box, settles: Settles, scales: Sequence[fmpq], limit: int, watch: Watch = ignore) -> Covered:
    """Settle or halve at most `limit` boxes, those made first before the others; `watch` is told of each."""
    waiting, settled = deque([whole]), 0
    for _ in range(limit):
        if not waiting:
            break
        box = waiting.popleft()
        certain = settles(box)
        if certain:
            settled += 1
        else:
            waiting.extend(halves(box, scales))
        watch(box, certain)
    return Covered(settled, list(waiting))


def halves(box: Box, scales: Sequence[fmpq]) -> tuple[Box, Box]:
    """Return both halves along the axis that is longest in units of its scale, the first of them."""
    lengths = [(high - low) / scale for (low, high), scale in zip(box, scales, strict=True)]
    i = lengths.index(max(lengths))
    low, high = box[i]
    middle = (low + high) / 2
    return (*box[:i], (low, middle), *box[i + 1 :]), (*box[:i], (middle, high), *box[i + 1 :])


def volume(box: Box) -> fmpq:
    """Return the product of the sides."""
    return math.prod((high - low for low, high in box), start=fmpq(1))


def read_range(value: object, least: int) -> tuple[fmpq, fmpq]:
    """Return an interval of a certificate, between `least` and 10,000."""
    low, high = (rational(x, "an end of range", least, 10**4) for x in exactly(2, value, "range"))
    if not low < high:
        raise Rejected("range is not an interval")
    return low, high


def interval(low: fmpq, high: fmpq) -> arb:
    """Return a ball that contains the interval."""
    return arb(low).union(arb(high))
