"""Certified maps: a claim on a family of instances with a few parameters, proved, refuted or not settled box by box."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from flint import ctx, fmpq

from thmverify.certifying.grids import OutOfReachError, rational
from thmverify.certifying.infonce import least
from thmverify.certifying.proposal import Proposal
from thmverify.certifying.writing import instance_fields
from thmverify.covering.around import Hint, certificate
from thmverify.covering.boxes import Explored, Found, Journal, Team, explore
from thmverify.covering.following import Follower
from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL
from thmverify.instances import parse_instance
from thmverify.kernel.covers import regions, slopes
from thmverify.kernel.enclosure import Enclosed
from thmverify.kernel.strict import Rejected
from thmverify.rationals import rational as exactly

CLAIM = "infonce-equality"
_DEEPEST = 18  # halves: a box as small as that is left as it is
_BLUR = 0.6  # of logits: beyond it a ball around an exponential may contain 0
_AT_ONCE = 3  # halves, before a box is looked at again
_AXIS = ("name", "at", "range", "weights", "means", "bias")


@dataclass(frozen=True)
class Family:
    """Instances that depend on parameters: the set of a certificate, as JSON with canonical text."""

    text: str

    @classmethod
    def of(cls, fields: dict[str, Any], radius: Fraction = Fraction(0)) -> Family:
        """Return the family of {"instance": …, "axes": [{"name", "at", "range", "weights", "means", "bias"}, …]}.

        At a parameter θ the numbers of the instance are those given and θ − at times those of the axis, where weights,
        means (a row for each component) and bias may be left out. With a radius the family has all instances near
        these, too. Raises InputError.
        """
        if not 0 <= radius <= 1:
            raise InputError("--box", str(radius), "is not a radius from 0 to 1", "write a number such as 1/1000")
        if set(fields) != {"instance", "axes"} or not isinstance(fields["axes"], list):
            raise InputError(
                "slice", sorted(fields), "does not have exactly the fields instance and axes", "see the docs"
            )
        instance = parse_instance(fields["instance"])
        if instance.kind != "shared-gmm":
            raise InputError("model", instance.kind, f"is not what {CLAIM} is about", "use shared-gmm")
        given = instance_fields(instance)
        axes = [_axis(i, axis, given) for i, axis in enumerate(fields["axes"])]
        family = cls(json.dumps({"instance": given, "axes": axes, "radius": str(radius)}))
        try:
            family.region()
        except Rejected as error:
            raise InputError("slice", "the family", f"the kernel refuses it: {error}", "change the axes") from None
        return family

    @property
    def name(self) -> str:
        """The family in words."""
        return self.region().text

    def sides(self) -> list[tuple[str, fmpq, fmpq]]:
        """Return the name and the ends of each axis."""
        return [(axis.name, axis.ends[0], axis.ends[1]) for axis in self.region().axes]

    def region(self) -> regions.Region:
        """Return the kernel's set. Raises Rejected."""
        return regions.read_region(json.loads(self.text), CLAIM)


def _axis(i: int, axis: object, given: dict[str, Any]) -> dict[str, Any]:
    name = f"axes[{i}]"
    if not isinstance(axis, dict) or not {"name", "at", "range"} <= set(axis) <= set(_AXIS):
        raise InputError(
            name, axis, "is not an axis", f"give it {', '.join(_AXIS)}, of which the last three are optional"
        )
    K, d = len(given["means"]), len(given["means"][0])
    whole = {"weights": ["0"] * K, "means": [["0"] * d] * K, "bias": "0", **axis}
    try:
        return {
            "name": str(whole["name"]),
            "at": str(exactly(f"{name}.at", whole["at"])),
            "range": [str(exactly(f"{name}.range", x)) for x in whole["range"]],
            "weights": [str(exactly(f"{name}.weights", x)) for x in whole["weights"]],
            "means": [[[str(exactly(f"{name}.means", x)) for x in row] for row in whole["means"]]],
            "bias": str(exactly(f"{name}.bias", whole["bias"])),
        }
    except TypeError:
        raise InputError(name, axis, "has an entry that is not an array where one is due", "see the docs") from None


@dataclass(frozen=True)
class Map:
    """What is found of a family: the pieces by path, those that are not settled, and the certificate of the former."""

    family: Family
    pieces: dict[str, dict[str, Any]]
    unsettled: tuple[str, ...]
    seconds: float
    certificate: bytes | None

    def share(self, verdict: str) -> Fraction:
        """Return the share of the volume of the parameters on which the claim is proved, or refuted."""
        return sum(
            (Fraction(1, 2 ** len(path)) for path, piece in self.pieces.items() if piece["verdict"] == verdict),
            Fraction(0),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify cover --set slice=FILE`; the certificate has the boxes."""
        proved, refuted = self.share("proved"), self.share("refuted")
        return {
            "statement": CLAIM,
            "set": {"axes": [[axis.name, *map(str, axis.ends)] for axis in self.family.region().axes]},
            "verdict": "proved" if proved == 1 else "refuted" if refuted == 1 else "settled in part",
            "settled": len(self.pieces),
            "proved": str(proved),
            "refuted": str(refuted),
            "share": str(proved + refuted),
            "unsettled": len(self.unsettled),
        }


def chart(
    family: Family,
    seconds: float = 0,
    observe: Callable[[Fraction], None] = lambda _share: None,
    team: Team | None = None,
    journal: Callable[[str], Journal] | None = None,
    deepest: int = _DEEPEST,
) -> Map:
    """Settle as much of a family as can be in so many seconds (0 for no limit), down to boxes of `deepest` halves."""
    kept = journal(f"{CLAIM} {family.text}") if journal is not None else None
    found = explore(_look, (family.text, deepest), team=team, journal=kept, seconds=seconds, observe=observe)
    return _map(family, found)


def _map(family: Family, found: Explored) -> Map:
    follower, unsettled = _follower(family.text), (*found.waiting, *found.left)
    pieces = {path: found.settled[path] for path in sorted(found.settled)}
    data = certificate(CLAIM, json.loads(family.text), [follower.frame], list(pieces.values())) if pieces else None
    return Map(family, pieces, unsettled, found.seconds, data)


@lru_cache(maxsize=4)
def _region(text: str) -> regions.Region:
    return Family(text).region()


@lru_cache(maxsize=4)
def _follower(text: str) -> Follower:
    region = _region(text)
    return Follower(region.pairs, region.axes, Fraction(int(region.radius.p), int(region.radius.q)))


def _look(text: str, deepest: int, paths: Sequence[str]) -> list[Found]:
    """Return what the kernel finds of boxes, given what is proposed for each."""
    return [_looked(text, deepest, path) for path in paths]


def _looked(text: str, deepest: int, path: str) -> Found:
    region, follower = _region(text), _follower(text)
    box = regions.part(region.whole, path)
    at = follower.middle(box)
    axes = _halved(follower.changes(at), _BLUR, 1)
    if axes:
        return Found(path, axes=axes[: max(deepest - len(path), 0)])
    axes = [int(np.argmax(follower.changes(at)))]
    try:
        hints = follower.hints(at)
        digits, grids, V, turns, seed = slopes.read_hints(region.pairs, region.axes, hints)
        with ctx.workprec(digits):
            frame = rational(follower.frame, region.pairs.mixture.m)
            traced = slopes.trace(region.pairs, frame, region.axes, box, region.radius, grids, V, turns, seed)
            axes = _roughest(traced, len(region.axes))
            verdict = slopes.conclude(region.pairs, traced).verdict
        return Found(path, Hint([], Proposal("follow", hints)).to_json(verdict, path))
    except (Rejected, OutOfReachError, ZeroDivisionError, *FLOATS_FAIL):
        return Found(path, axes=axes[: max(deepest - len(path), 0)])


def _halved(changes: Sequence[float], wanted: float, order: int) -> list[int]:
    """Return along which axes to halve, a few at most, until changes of this order in the sides are small enough."""
    left, axes = list(changes), list[int]()
    while len(axes) < _AT_ONCE and sum(left) > wanted:
        axes.append(int(np.argmax(left)))
        left[axes[-1]] /= 2**order
    return axes


def _roughest(traced: slopes.Traced, count: int) -> list[int]:
    """Return along which axes the gradient may change most: those to halve until it should be settled, a few at most.

    The other parameters, beyond `count`, are of the radius and stay. Raises Rejected when that is not known of any.
    """
    rest = traced.made[2]
    changes = [0.0] * len(rest.steps)
    for i, slope in rest.slopes.items():
        changes[i] = math.hypot(*(float(abs(x).upper()) for x in slope.entries())) * float(rest.steps[i].rad())
    if not 0 < sum(changes) < math.inf:
        raise Rejected("the gradient has no finite slopes")
    try:
        room = _room(slopes.bounds(traced))
    except Rejected:  # not even that the gradient rises
        room = 1.0
    room = room if room > 0 else 1.0
    wanted = max(sum(changes) * room - sum(changes[count:]), 0.0)
    return _halved(changes[:count], wanted, 2) or [int(np.argmax(changes[:count]))]


def _room(e: Enclosed) -> float:
    """Return the part of its error that an enclosure may have for its rank to be known."""
    if not e.Gamma.nrows():
        return float((least(e.inner, e.inner_R.inv())[0].sqrt() / e.epsilon).lower())
    return float(least(e.Gamma, e.allowed)[0].lower())
