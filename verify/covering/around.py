"""All instances near one: a claim proved or refuted within a radius, and the largest radius of two digits that does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from flint import fmpq

from thmverify.certifying.border import infonce_top_proposals
from thmverify.certifying.clip import clip_proposals
from thmverify.certifying.formulas import Expression
from thmverify.certifying.grids import OutOfReachError, whitening
from thmverify.certifying.infonce import infonce_proposals
from thmverify.certifying.normalised import normalised_proposals
from thmverify.certifying.proposal import Proposal
from thmverify.certifying.simsiam import leak_proposals
from thmverify.certifying.writing import instance_fields
from thmverify.covering.following import Follower
from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL
from thmverify.kernel.claims import statement_hash
from thmverify.kernel.covers import regions, stated
from thmverify.kernel.formulas.values import Undefined
from thmverify.kernel.integrals import MAX_DIMENSION
from thmverify.kernel.models import Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.strict import Rejected, canonical, digest
from thmverify.models import Instance, PopulationGraph, Record
from thmverify.verdicts import Outcome

CLAIMS = tuple(regions.CLAIMS)
LARGEST = "largest"
_BOXES = [Fraction(1, 2**k) for k in range(3, 12)]  # of SimSiam's stationary point
_GUESSES = Fraction(1, 100), Fraction(1, 10**6)  # how far the logits may be from those of the instance
_DIGITS = 24  # the least radius that is looked for is 10⁻²⁴


@dataclass(frozen=True)
class Neighbourhood:
    """What a claim is on all instances within `radius` of one: proved or refuted, with a certificate; or undecided."""

    claim: str
    radius: Fraction
    outcome: Outcome
    reason: str
    certificate: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of `thmverify decide --box --json`."""
        return {
            "claim": self.claim,
            "radius": str(self.radius),
            "verdict": self.outcome.value,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Hint:
    """What is proposed to the kernel for a set: a frame for each modality, a rule and its hints."""

    frames: list[list[list[str]]]
    proposal: Proposal

    def to_json(self, verdict: str, path: str = "") -> dict[str, Any]:
        """Return a piece of a certificate."""
        return {"path": path, "verdict": verdict, "rule": self.proposal.rule, "hints": self.proposal.hints}


def around(claim: str, instance: Instance, radius: Fraction | None = None) -> Neighbourhood:
    """Return what the claim is on every instance within the radius, or within the largest for which that is found.

    Raises InputError when the claim has no rule for sets, is about another model, or the radius is not in (0, 1].
    """
    if claim not in CLAIMS:
        raise InputError(
            "ID", claim, "has no rule for sets of instances, which --box asks about", f"use one of {', '.join(CLAIMS)}"
        )
    if radius is not None and not 0 < radius <= 1:
        raise InputError("--box", str(radius), "is not a radius above 0 and up to 1", "write a number such as 1/1000")
    fields = instance_fields(instance)
    least, reasons = radius or Fraction(1, 10**_DIGITS), list[str]()
    try:
        region = _region(claim, fields, least)
        best: tuple[Fraction, str, Hint] | None = None
        for hint in hints(claim, instance, region.pairs, radius):
            found = _settled(claim, region, hint, least, reasons)
            if found is not None:
                within = partial(_within, claim, region, hint)
                reached = least if radius is not None else largest(within)
                best = max(best or (reached, found, hint), (reached, found, hint), key=lambda x: x[0])
                if radius is not None:
                    break
    except Rejected as error:
        return Neighbourhood(claim, least, Outcome.UNDECIDED, str(error))
    if best is None:
        reason = "; ".join(dict.fromkeys(reasons)) or "no rule applies"
        return Neighbourhood(claim, least, Outcome.UNDECIDED, reason)
    reached, verdict, hint = best
    data = certificate(
        claim, {"instance": fields, "axes": [], "radius": str(reached)}, hint.frames, [hint.to_json(verdict)]
    )
    said = regions.check(json.loads(data))
    reason = f"rule {hint.proposal.rule} of the kernel, for all of them at once"
    return Neighbourhood(claim, reached, Outcome(said.finding.verdict), reason, data)


def _region(claim: str, fields: dict[str, Any], radius: Fraction) -> regions.Region:
    return regions.read_region({"instance": fields, "axes": [], "radius": str(radius)}, claim)


def _settled(
    claim: str, region: regions.Region, hint: Hint, radius: Fraction, reasons: list[str] | None = None
) -> str | None:
    """Return what the kernel finds within a radius, or None, with the reason."""
    wide = region._replace(radius=fmpq(radius.numerator, radius.denominator))
    try:
        frames, _ = regions.read_hints({"frames": hint.frames, "pieces": [hint.to_json("proved")]}, claim, wide)
        return regions.settle(claim, wide, frames, (), hint.proposal.rule, hint.proposal.hints)
    except (Rejected, ZeroDivisionError) as error:
        if reasons is not None:
            reasons.append(str(error))
        return None


def _within(claim: str, region: regions.Region, hint: Hint, radius: Fraction) -> bool:
    return _settled(claim, region, hint, radius) is not None


def largest(settled: Callable[[Fraction], bool]) -> Fraction:
    """Return the largest radius of two digits that is settled: by tens, then by halves."""
    if settled(Fraction(1)):
        return Fraction(1)
    scale = next(Fraction(1, 10**k) for k in range(1, _DIGITS + 1) if settled(Fraction(1, 10**k)))
    low, high = 10, 100  # in tenths of the scale
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if settled(scale * middle / 10) else (low, middle)
    return scale * low / 10


def true_around(
    claim: str,
    formula: Expression,
    instance: Instance,
    radius: Fraction | None = None,
    definitions: Mapping[str, Expression] | None = None,
) -> Neighbourhood:
    """Return whether a formula is true on every instance within the radius, or within the largest of two digits.

    Raises InputError when the instance is no mixture whose components share a covariance.
    """
    if isinstance(instance.model, Record | PopulationGraph):
        raise InputError("model", instance.kind, "is no mixture", "the kernel's sets are of mixtures")
    meant, fields = [[name, term.node] for name, term in (definitions or {}).items()], instance_fields(instance)
    pairs = kernel_instance(fields)
    if not isinstance(pairs, Pairs) or not all(x.shared for x in pairs.modalities):
        raise InputError("covariances", instance.kind, "are not the same for all components", "give one covariance")
    hints = {"precision": "128", "frames": [whitening(x) for x in pairs.modalities]}

    def written(radius: Fraction) -> bytes:
        values = (stated.FORMAT, claim, meant, formula.node, digest([claim, meant, formula.node]))
        instances = {"instance": fields, "axes": [], "radius": str(radius)}
        body = dict(zip(stated.FIELDS, (*values, instances, hints), strict=False))
        return canonical(body | {"content": digest(list(body.items()))})

    def settled(radius: Fraction) -> bool:
        try:
            stated.check(json.loads(written(radius)))
        except (Rejected, Undefined) as error:
            reasons.append(str(error))
            return False
        return True

    reasons, least = list[str](), radius or Fraction(1, 10**_DIGITS)
    if not settled(least):
        return Neighbourhood(claim, least, Outcome.UNDECIDED, reasons[0])
    reached = radius or largest(settled)
    return Neighbourhood(claim, reached, Outcome.PROVED, "the formula in balls, for all of them", written(reached))


def hints(claim: str, instance: Instance, pairs: Pairs, radius: Fraction | None) -> Iterator[Hint]:
    """Yield what to try on a set around the instance: lattices in boxes alone, in coordinates that are nearly white."""
    units = [_unit(m) for m in pairs.sizes]
    if (claim, "exact") in regions.SEEN:
        yield Hint(units, Proposal("exact", {}))
    if (claim, "follow") in regions.SEEN and max(pairs.sizes) <= MAX_DIMENSION:
        for reach in _GUESSES if radius is None else (radius,):
            try:
                follower = Follower(pairs, [], reach)
                yield Hint([follower.frame], Proposal("follow", follower.hints(follower.middle(()))))
            except (OutOfReachError, Rejected, InputError, *FLOATS_FAIL):
                continue
    try:
        for proposal in _proposals(claim, instance, pairs):
            names = [name for name in ("Q", "Q_V", "Q_T") if name in proposal.hints]
            frames = [proposal.hints[name] for name in names] or units
            inside = {name: _unit(len(Q)) for name, Q in zip(names, frames, strict=True)} if names else {}
            yield Hint(frames, Proposal(proposal.rule, proposal.hints | inside))
    except (OutOfReachError, Rejected, InputError, *FLOATS_FAIL):
        return


def _proposals(claim: str, instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    if claim == "infonce-equality":
        return infonce_proposals(instance, pairs.on_fisher, boxes=True)
    if claim == "infonce-top-r":
        small = pairs.columns < pairs.mixture.m
        return infonce_top_proposals(instance, pairs.on_fisher, boxes=True) if small else iter(())
    if claim == "simsiam-inclusion":
        return (_wider(found, radius) for found in leak_proposals(pairs) for radius in _BOXES)
    if claim == "simclr-normalised-inclusion":
        return normalised_proposals(pairs)
    wanted = pairs.columns if claim == "clip-inclusion-literal" else pairs.mixture.m
    return clip_proposals(instance, pairs.on_fisher, wanted, boxes=True)


def _wider(proposal: Proposal, radius: Fraction) -> Proposal:
    """Return the proposal with another box for the stationary point, which moves with the instance."""
    return Proposal(proposal.rule, proposal.hints | {"radius": str(radius)})


def _unit(m: int) -> list[list[str]]:
    return [[str(int(i == j)) for j in range(m)] for i in range(m)]


def certificate(
    claim: str, instances: dict[str, Any], frames: list[list[list[str]]], pieces: list[dict[str, Any]]
) -> bytes:
    """Return the bytes of a certificate about a set of instances."""
    values = (regions.FORMAT, claim, statement_hash(claim), instances, {"frames": frames, "pieces": pieces})
    body = dict(zip(regions.FIELDS, values, strict=False))
    return canonical(body | {"content": digest(list(body.items()))})
