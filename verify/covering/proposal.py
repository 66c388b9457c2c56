"""How a cover is proposed: the kernel's own test of boxes, until no box waits or the time is up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import ctx, fmpq

from thmverify.covering.boxes import Found, Journal, Team, explore
from thmverify.errors import InputError, one_of
from thmverify.kernel.claims import COVERS, statement_hash
from thmverify.kernel.covers import FIELDS, FORMAT, claims, line
from thmverify.kernel.covers.bisection import Box, halves
from thmverify.kernel.strict import Rejected, canonical, digest
from thmverify.rationals import Number, rational

CLAIMS = tuple(COVERS)
PRECISION = 64
_NEAR = Fraction(3, 5)  # up to this range the kernel's inequality for near means holds
_FARTHEST = 100  # the largest distance


@dataclass(frozen=True)
class Region:
    """The instances that a cover is about: whitened means are at most a distance apart, None for any.

    Raises InputError for a distance that is not positive, or more than 100.
    """

    distance: Fraction | None = None

    def __post_init__(self) -> None:
        if self.distance is not None and not 0 < self.distance <= _FARTHEST:
            remedy = f'write a number up to {_FARTHEST}, or "any"'
            raise InputError("--set distance", self.distance, f"is not positive, or more than {_FARTHEST}", remedy)

    @classmethod
    def of(cls, distance: Number = claims.ANY) -> Region:
        """Return the region that a number, or "any", says. Raises InputError.

        >>> Region.of("3/2")
        Region(distance=Fraction(3, 2))
        """
        return cls(None if distance == claims.ANY else rational("--set distance", distance))

    @property
    def text(self) -> str:
        """The region in words, as the kernel says it."""
        return self.kernel.text

    @property
    def kernel(self) -> claims.Set:
        """The kernel's set."""
        return claims.Set(None if self.distance is None else _fmpq(self.distance))

    def to_json(self) -> dict[str, Any]:
        """Return the set of a certificate."""
        return {"distance": claims.ANY if self.distance is None else str(self.distance)}


@dataclass(frozen=True)
class Covering:
    """What was found: the boxes that are settled, those that are left, and the certificate when none is.

    `share` is how much of the volume of the parameters is settled, exactly; `seconds` what it took.
    """

    claim: str
    region: Region
    settled: tuple[Box, ...]
    remaining: tuple[Box, ...]
    share: Fraction
    seconds: float
    certificate: bytes | None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify cover`: no box that is settled, every box that is left."""
        return {
            "statement": self.claim,
            "set": self.region.to_json(),
            "verdict": "undecided" if self.certificate is None else "proved",
            "settled": len(self.settled),
            "share": str(self.share),
            "axes": list(line.AXES),
            "remaining": [[[str(a), str(b)] for a, b in box] for box in self.remaining],
        }


def propose(
    claim: str,
    region: Region,
    seconds: float = 0,
    observe: Callable[[Fraction], None] = lambda _share: None,
    team: Team | None = None,
    journal: Callable[[str], Journal] | None = None,
) -> Covering:
    """Cover a set, for at most so many seconds (0 for no limit); `observe` is told the share that is settled.

    `team` looks at the boxes, `journal` is asked for one that is about the set. Raises InputError when there is no such
    claim, or the set is too large for the kernel.

    >>> found = propose("infonce-equality-three", Region.of(1))
    >>> found.remaining, found.share
    ((), Fraction(1, 1))
    """
    if claim not in CLAIMS:
        raise InputError(
            "ID",
            claim,
            "has no cover of its own",
            f"{one_of(claim, CLAIMS)}, or map a family with --set slice=FILE.json",
        )
    plan = _plan(region)
    try:
        claims.run(region.kernel, plan._replace(boxes=1))
    except Rejected as error:
        raise InputError("set", region.text, f"the kernel refuses it: {error}", "choose a smaller set") from None
    ends = tuple(str(x) for x in plan.range)
    kept = journal(f"{claim} {region.text} {ends}") if journal is not None else None
    found = explore(_look, (ends,), team=team, journal=kept, seconds=seconds, most=plan.boxes, observe=observe)
    whole = claims.parameters(plan)
    settled, remaining = (tuple(_box(whole, path) for path in paths) for paths in (found.settled, found.waiting))
    looked_at = 2 * len(settled) + len(remaining) - 1
    data = None if remaining else certificate(claim, region, plan._replace(boxes=looked_at))
    return Covering(claim, region, settled, remaining, found.share, found.seconds, data)


def _look(ends: tuple[str, str], paths: Sequence[str]) -> list[Found]:
    """Return what the kernel finds of boxes. Each digit of a path is a half along the longest axis of the box."""
    whole = claims.parameters(claims.Plan((_fmpq(Fraction(ends[0])), _fmpq(Fraction(ends[1]))), 1, PRECISION))
    with ctx.workprec(PRECISION):
        return [
            Found(path, settled=True) if line.settles(_box(whole, path)) else Found(path, axes=[0]) for path in paths
        ]


def _box(whole: Box, path: str) -> Box:
    for half in path:
        whole = halves(whole, line.SCALES)[int(half)]
    return whole


def _plan(region: Region) -> claims.Plan:
    """Return a plan with as many boxes as the kernel looks at."""
    reach = _far() if region.distance is None else _fmpq(max(region.distance, Fraction(1)))
    most = min(claims.MAX_BOXES, claims.MAX_WORK // claims.cost(reach, PRECISION))
    return claims.Plan((_fmpq(_NEAR), reach), most, PRECISION)


def _far() -> fmpq:
    """Return the least whole range from which on the kernel's inequality for far means holds."""
    return next(reach for reach in map(fmpq, range(1, _FARTHEST)) if line.far(reach))


def certificate(claim: str, region: Region, plan: claims.Plan) -> bytes:
    """Return the bytes of the certificate of a plan."""
    ends = [str(x) for x in plan.range]
    hints = {"range": ends, "boxes": str(plan.boxes), "precision": str(plan.precision)}
    values = (FORMAT, claim, statement_hash(claim), region.to_json(), hints)
    body = dict(zip(FIELDS, values, strict=False))
    return canonical(body | {"content": digest(list(body.items()))})


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)
