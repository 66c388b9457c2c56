"""A certificate of a cover: a set of instances, what a claim says of each, and the boxes that prove it, made again."""

from typing import Any, NamedTuple

from flint import ctx, fmpq

from thmverify.kernel.claims import SETTING
from thmverify.kernel.covers import line
from thmverify.kernel.covers.bisection import Box, Covered, Watch, cover, ignore, volume
from thmverify.kernel.models import Finding
from thmverify.kernel.parse import bits, integer, rational
from thmverify.kernel.strict import Rejected, array, digest, record

FORMAT = "thmverify-cover-1"
FIELDS = ("format", "claim", "statement", "set", "hints", "content")
ANY = "any"
MAX_BOXES = 10**6
MAX_WORK = 4 * 10**9  # nodes · bits, at least 64, of all boxes: about ten minutes

COVERS = {
    "infonce-equality-three": (
        "K = 3, w = (1/3, 1/3, 1/3), shared covariance Σ, μ_1 + μ_2 + μ_3 = 0, δ in the interval `bias`, "
        "(μ_j − μ_k)ᵀΣ⁻¹(μ_j − μ_k) ≤ `distance`² for all j and k, or whatever they are for `any`, r ≥ dim S_F. "
        "Every minimiser A with r columns of L(A) = −E f(x)ᵀf(x̂) + E_x log E_y exp f(x)ᵀf(y), y ~ F independent of x, "
        "has Col(A) = S_F."
    ),
}


class Set(NamedTuple):
    """The instances: δ in `bias`, distances of the whitened means of at most `distance`, None for any."""

    bias: tuple[fmpq, fmpq]
    distance: fmpq | None

    @property
    def text(self) -> str:
        """The set in words."""
        low, high = self.bias
        apart = "any distance" if self.distance is None else f"distances of at most {self.distance}"
        return f"every bias in [{low}, {high}] and means at {apart}"


class Plan(NamedTuple):
    """How the set is proved: the tests in their order, the largest range of boxes, their number, and the precision."""

    tests: list[str]
    range: fmpq
    boxes: int
    precision: int


class VerifiedCover(NamedTuple):
    """A claim about every instance of a set, and the boxes that were settled, by test."""

    claim: str
    set: Set
    box: Box
    settled: dict[str, int]
    finding: Finding = Finding("proved")

    def lines_of_text(self) -> list[str]:
        """Return the answer; the last line names the claim and its set."""
        sides = ", ".join(f"{name} [{a}, {b}]" for name, (a, b) in zip(line.AXES, self.box, strict=True))
        tests = ", ".join(f"{count} by {name}" for name, count in sorted(self.settled.items()))
        return [f"covers {sides}", f"settles boxes: {tests}", f"VERIFIED {self.claim}, for {self.set.text}"]


def check(whole: Any) -> VerifiedCover:
    """Return what a certificate proves of its whole set. Raises Rejected with the reason, or with what remains."""
    _, claim, statement, instances, hints, content = record(whole, "the certificate", FIELDS)
    if content != digest(list(whole.items())[:-1]):
        raise Rejected("the content hash does not match")
    if not isinstance(claim, str) or claim not in COVERS or statement != statement_hash(claim):
        raise Rejected("the statement is not the one of this claim")
    given, plan = read_set(instances), read_plan(hints)
    box, found = run(given, plan)
    if found.remaining:
        raise Rejected(_remaining(box, found.remaining))
    return VerifiedCover(claim, given, box, found.settled)


def statement_hash(claim: str) -> str:
    """Return the hash of a claim's name, its text and the setting of all claims."""
    return digest([claim, SETTING, COVERS[claim]])


def read_set(value: object) -> Set:
    """Return the set of a certificate."""
    bias, distance = record(value, "the set", ("bias", "distance"))
    ends = [rational(x, "an end of bias", 0, 1) for x in array(bias, "bias", 2)]
    if len(ends) != 2 or not 0 < ends[0] <= ends[1]:
        raise Rejected("bias is not an interval of positive numbers")
    return Set((ends[0], ends[1]), None if distance == ANY else rational(distance, "distance", 0, 10**4))


def read_plan(value: object) -> Plan:
    """Return the hints of a certificate."""
    tests, largest, boxes, precision = record(value, "hints", ("tests", "range", "boxes", "precision"))
    if any(not isinstance(name, str) or name not in line.TESTS for name in array(tests, "tests", len(line.TESTS))):
        raise Rejected(f"tests are not some of {', '.join(line.TESTS)}")
    number = rational(largest, "range", 0, 10**4)
    return Plan(tests, number, integer(boxes, "boxes", 1, MAX_BOXES), bits(precision, "precision"))


def parameters(given: Set, plan: Plan) -> Box:
    """Return the box of parameters that proves the set."""
    return given.bias, (fmpq(0), line.HALF), (fmpq(0), plan.range), (fmpq(0), fmpq(1))


def cost(largest: fmpq, precision: int) -> int:
    """Return what a box costs: its nodes times the bits, at least 64."""
    return 3 * (2 * line.nodes(largest) + 1) * max(precision, 64)


def run(given: Set, plan: Plan, watch: Watch = ignore) -> tuple[Box, Covered]:
    """Return the box of parameters that proves the set, and how it was covered. Raises Rejected for too much work."""
    if cost(plan.range, plan.precision) * plan.boxes > MAX_WORK:
        raise Rejected("the boxes ask for too much work")

    def settle(part: Box) -> str:
        found = line.candidate(part)
        return next((name for name in plan.tests if line.TESTS[name](found)), "")

    with ctx.workprec(plan.precision):
        if given.distance is None and not line.far(given.bias[0], plan.range):
            raise Rejected("the inequality for far means does not hold from the range on")
        if given.distance is not None and given.distance > plan.range:
            raise Rejected("the range is smaller than the distance")
        whole = parameters(given, plan)
        return whole, cover(whole, settle, line.SCALES, plan.boxes, watch)


def _remaining(whole: Box, remaining: list[Box]) -> str:
    """Return how much is not settled, and the first of it."""
    share = sum((volume(box) for box in remaining), fmpq(0)) / volume(whole)
    first = ", ".join(f"{name} [{a}, {b}]" for name, (a, b) in zip(line.AXES, remaining[0], strict=True))
    return f"{len(remaining)} boxes of the set are not settled, {share} of its volume; the first is {first}"
