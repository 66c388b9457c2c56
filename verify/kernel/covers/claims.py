"""A certificate of a cover: a set of instances, what a claim says of each, and the boxes that prove it, made again."""

from typing import Any, NamedTuple

from flint import ctx, fmpq

from thmverify.kernel.claims import COVERS, check_statement
from thmverify.kernel.covers import line
from thmverify.kernel.covers.bisection import Box, Covered, Watch, cover, ignore, read_range, volume
from thmverify.kernel.models import Finding
from thmverify.kernel.parse import bits, integer, rational
from thmverify.kernel.strict import Rejected, record, sealed

FORMAT = "thmverify-cover-1"
FIELDS = ("format", "claim", "statement", "set", "hints", "content")
ANY = "any"
MAX_BOXES = 10**6
MAX_WORK = 4 * 10**9  # nodes · bits, at least 64, of all boxes: about ten minutes


class Set(NamedTuple):
    """The instances: the distances of the whitened means are at most `distance`, None for any."""

    distance: fmpq | None

    @property
    def text(self) -> str:
        """The set in words."""
        return "means at any distance" if self.distance is None else f"means at distances of at most {self.distance}"


class Plan(NamedTuple):
    """How the set is proved: the ranges of the boxes, the most boxes there may be, and the precision."""

    range: tuple[fmpq, fmpq]
    boxes: int
    precision: int


class VerifiedCover(NamedTuple):
    """A claim about every instance of a set, how many boxes were settled, and which."""

    claim: str
    set: Set
    box: Box
    settled: int
    boxes: tuple[Box, ...]
    finding: Finding = Finding("proved")

    def lines_of_text(self) -> list[str]:
        """Return the answer; the last line names the claim and its set."""
        return [f"settles {self.settled} boxes of {_sides(self.box)}", f"VERIFIED {self.claim}, for {self.set.text}"]


def check(whole: Any) -> VerifiedCover:
    """Return what a certificate proves of its whole set. Raises Rejected with the reason, or with what remains."""
    claim, statement, instances, hints = sealed(whole, "the certificate", FORMAT, FIELDS)
    check_statement(claim, statement, COVERS)
    given, plan = read_set(instances), read_plan(hints)
    settled = list[Box]()
    found = run(given, plan, lambda box, certain: settled.append(box) if certain else None)
    if found.remaining:
        raise Rejected(_remaining(parameters(plan), found.remaining))
    return VerifiedCover(claim, given, parameters(plan), found.settled, tuple(settled))


def read_set(value: object) -> Set:
    """Return the set of a certificate."""
    (distance,) = record(value, "the set", ("distance",))
    return Set(None if distance == ANY else rational(distance, "distance", 0, 10**4))


def read_plan(value: object) -> Plan:
    """Return the hints of a certificate."""
    ranges, boxes, precision = record(value, "hints", ("range", "boxes", "precision"))
    return Plan(read_range(ranges, 0), integer(boxes, "boxes", 1, MAX_BOXES), bits(precision, "precision"))


def parameters(plan: Plan) -> Box:
    """Return the box of parameters that is covered."""
    return (fmpq(0), line.HALF), plan.range, (fmpq(0), fmpq(1))


def cost(largest: fmpq, precision: int) -> int:
    """Return what a box costs: its nodes times the bits, at least 64."""
    return 3 * (2 * line.nodes(largest) + 1) * max(precision, 64)


def run(given: Set, plan: Plan, watch: Watch = ignore) -> Covered:
    """Return how the parameters were covered. Raises Rejected when that would not prove the set, or for its work."""
    least, most = plan.range
    if cost(most, plan.precision) * plan.boxes > MAX_WORK:
        raise Rejected("the boxes ask for too much work")
    with ctx.workprec(plan.precision):
        if not line.near(least):
            raise Rejected("the inequality for near means does not hold up to the least range")
        if given.distance is None and not line.far(most):
            raise Rejected("the inequality for far means does not hold from the largest range on")
        if given.distance is not None and given.distance > most:
            raise Rejected("the largest range is smaller than the distance")
        return cover(parameters(plan), line.settles, line.SCALES, plan.boxes, watch)


def _remaining(whole: Box, remaining: list[Box]) -> str:
    """Return how much is not settled, and the first of it."""
    share = sum((volume(box) for box in remaining), fmpq(0)) / volume(whole)
    return f"{len(remaining)} boxes are not settled, {share} of the volume; the first is {_sides(remaining[0])}"


def _sides(box: Box) -> str:
    return ", ".join(f"{name} [{a}, {b}]" for name, (a, b) in zip(line.AXES, box, strict=True))
