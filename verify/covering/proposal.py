"""How a cover is proposed: the kernel's own bisection, watched, until no box waits or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from thmverify.errors import InputError
from thmverify.kernel.covers import COVERS, FIELDS, FORMAT, claims, line
from thmverify.kernel.covers.bisection import Box, halves, volume
from thmverify.kernel.strict import Rejected, canonical, digest
from thmverify.rationals import Number, rational

CLAIMS = tuple(COVERS)
TESTS = ("signal", "slope", "stationarity")
PRECISION = 64
_FARTHEST = 100  # the largest range from which on far means are tried


@dataclass(frozen=True)
class Region:
    """The instances that a cover is about: δ in an interval, whitened means at most a distance apart, None for any.

    Raises InputError for an interval outside (0, 1] or a distance that is no positive number up to 100.
    """

    bias: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))
    distance: Fraction | None = None

    def __post_init__(self) -> None:
        low, high = self.bias
        if not 0 < low <= high <= 1:
            raise InputError("bias", f"{low}..{high}", "is no interval in (0, 1]", "write one such as 1/2..1")
        if self.distance is not None and not 0 < self.distance <= _FARTHEST:
            remedy = f'write a number up to {_FARTHEST}, or "any"'
            raise InputError("distance", self.distance, f"is not positive, or more than {_FARTHEST}", remedy)

    @classmethod
    def of(cls, bias: Number | tuple[Number, Number] = 1, distance: Number = claims.ANY) -> Region:
        """Return the region that numbers, or an interval of biases, and "any" say. Raises InputError.

        >>> Region.of(("1/2", 1), 3)
        Region(bias=(Fraction(1, 2), Fraction(1, 1)), distance=Fraction(3, 1))
        """
        ends = bias if isinstance(bias, tuple) else (bias, bias)
        low, high = (rational("bias", x) for x in ends)
        return cls((low, high), None if distance == claims.ANY else rational("distance", distance))

    @property
    def text(self) -> str:
        """The region in words, as the kernel says it."""
        return self.kernel.text

    @property
    def kernel(self) -> claims.Set:
        """The kernel's set."""
        low, high = (_fmpq(x) for x in self.bias)
        return claims.Set((low, high), None if self.distance is None else _fmpq(self.distance))

    def to_json(self) -> dict[str, Any]:
        """Return the set of a certificate."""
        distance = claims.ANY if self.distance is None else str(self.distance)
        return {"bias": [str(x) for x in self.bias], "distance": distance}


@dataclass(frozen=True)
class Covering:
    """What was found: the boxes that each test settles, those that are left, and the certificate when none is.

    `share` is how much of the volume of the parameters is settled, exactly; `seconds` what it took.
    """

    claim: str
    region: Region
    settled: tuple[tuple[Box, str], ...]
    remaining: tuple[Box, ...]
    share: Fraction
    seconds: float
    certificate: bytes | None

    @property
    def counts(self) -> dict[str, int]:
        """How many boxes each test settles."""
        tests = [test for _, test in self.settled]
        return {name: tests.count(name) for name in sorted(set(tests))}

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify cover`: no box that is settled, every box that is left."""
        return {
            "statement": self.claim,
            "set": self.region.to_json(),
            "verdict": "undecided" if self.certificate is None else "proved",
            "settled": self.counts,
            "share": str(self.share),
            "axes": list(line.AXES),
            "remaining": [[[str(a), str(b)] for a, b in box] for box in self.remaining],
        }


class _Stop(Exception):  # noqa: N818 (it is no error)
    """The time is up."""


class _Watcher:
    """Keeps which boxes are settled and which wait, as the kernel goes on."""

    def __init__(self, whole: Box, seconds: float, observe: Callable[[Fraction], None]) -> None:
        self.waiting: dict[Box, None] = {whole: None}
        self.settled: list[tuple[Box, str]] = []
        self.share = Fraction(0)
        self._whole, self._seconds, self._observe = volume(whole), seconds, observe
        self._start = time.monotonic()

    def __call__(self, box: Box, test: str) -> None:
        del self.waiting[box]
        if test:
            self.settled.append((box, test))
            self.share += _fraction(volume(box) / self._whole)
        else:
            self.waiting.update(dict.fromkeys(halves(box, line.SCALES)))
        self._observe(self.share)
        if self.waiting and 0 < self._seconds <= self.seconds:
            raise _Stop

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._start


def propose(
    claim: str, region: Region, seconds: float = 0, observe: Callable[[Fraction], None] = lambda _share: None
) -> Covering:
    """Cover a set, for at most so many seconds (0 for no limit); `observe` is told the share that is settled.

    Raises InputError when there is no such claim, or nothing is known of far means for these biases.

    >>> found = propose("infonce-equality-three", Region.of(1, 1))
    >>> found.remaining, found.share
    ((), Fraction(1, 1))
    """
    if claim not in CLAIMS:
        raise InputError("ID", claim, "has no cover", f"write one of {', '.join(CLAIMS)}")
    plan = _plan(region)
    whole = claims.parameters(region.kernel, plan)
    watcher = _Watcher(whole, seconds, observe)
    try:
        claims.run(region.kernel, plan, watcher)
    except _Stop:
        pass
    except Rejected as error:
        raise InputError("set", region.text, f"the kernel refuses it: {error}", "choose a smaller set") from None
    remaining, looked_at = tuple(watcher.waiting), 2 * len(watcher.settled) + len(watcher.waiting) - 1
    data = None if remaining else certificate(claim, region, plan._replace(boxes=looked_at))
    return Covering(claim, region, tuple(watcher.settled), remaining, watcher.share, watcher.seconds, data)


def _plan(region: Region) -> claims.Plan:
    """Return a plan with as many boxes as the kernel looks at. Raises InputError when far means are not known."""
    tests = TESTS[:2] if region.bias[0] == 1 else TESTS
    reach = region.distance or _far(region)
    cost = claims.cost(_fmpq(reach), PRECISION)
    return claims.Plan(list(tests), _fmpq(reach), min(claims.MAX_BOXES, claims.MAX_WORK // cost), PRECISION)


def _far(region: Region) -> Fraction:
    """Return a range from which on the kernel's inequality for far means holds."""
    least = _fmpq(region.bias[0])
    for reach in range(10, _FARTHEST + 1):
        if line.far(least, fmpq(reach)):
            return Fraction(reach)
    low = next(x for x in (Fraction(n, 20) for n in range(1, 21)) if line.far(_fmpq(x), fmpq(_FARTHEST)))
    rule = f"nothing is known of means that are far apart for biases below {low}"
    raise InputError("distance", "any", rule, f"give a distance, or biases of {low} and more")


def certificate(claim: str, region: Region, plan: claims.Plan) -> bytes:
    """Return the bytes of the certificate of a plan."""
    hints = {"tests": plan.tests, "range": str(plan.range), "boxes": str(plan.boxes), "precision": str(plan.precision)}
    values = (FORMAT, claim, claims.statement_hash(claim), region.to_json(), hints)
    body = dict(zip(FIELDS, values, strict=False))
    return canonical(body | {"content": digest(list(body.items()))})


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def _fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))
