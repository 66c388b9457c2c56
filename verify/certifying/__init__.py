"""From a claim and an instance to a certificate: untrusted proposals, which the kernel accepts or rejects.

The verdict is the kernel's: `decide` reads it off a certificate that the kernel has checked, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from thmverify.certifying.claims import CLAIMS, Claim, claim_of
from thmverify.certifying.grids import OutOfReachError
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.writing import certificate, instance_fields
from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL
from thmverify.kernel import Rejected, check
from thmverify.kernel.certificate import find
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.models import Instance as KernelInstance
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.strict import canonical
from thmverify.models import Instance
from thmverify.verdicts import Outcome, Provenance, Verdict

_RATIONAL = ("exact", "symmetry", "threshold", "levels", "unseen")  # rules without balls


@dataclass(frozen=True)
class Certificate:
    """A certificate that the kernel has accepted, and the instance as the kernel sees it."""

    data: bytes
    finding: Finding
    proposal: Proposal
    seen: KernelInstance


@dataclass(frozen=True)
class Undecided:
    """No proposal was accepted: the last reason, and a float64 interval for the deciding number where there is one."""

    reason: str
    margin: Interval | None = None


def certify(claim: str, instance: Instance, measured: bool = True) -> Certificate | Undecided:
    """Return a certificate that decides the claim on the instance, or why there is none.

    Where there is none, floats are asked for the deciding number if it is to be `measured`.

    Raises InputError when the claim is unknown or is about another model.
    """
    record = claim_of(claim)
    record.check(instance)
    fields = instance_fields(instance)
    try:
        seen = kernel_instance(json.loads(json.dumps(fields)))
    except Rejected as error:
        return Undecided(f"the kernel does not take the instance: {error}")
    reasons = []
    try:
        for proposal in record.proposals(instance, seen):
            try:
                return _judged(record, fields, proposal, seen)
            except Rejected as error:
                reasons.append(str(error))
    except (OutOfReachError, Rejected, InputError) as error:
        reasons.append(str(error))
    except np.linalg.LinAlgError:
        reasons.append("float64 cannot factor the covariance")
    except FLOATS_FAIL as error:
        reasons.append(
            f"numbers too large, too small or too far apart for floats, which propose certificates ({error})"
        )
    reason = "; ".join(dict.fromkeys(reasons)) or "no rule applies"
    if record.floating is None or not isinstance(seen, Pairs):
        return Undecided(reason)
    return Undecided(f"{reason}; {record.remedy}", _floating(record.floating, instance, seen) if measured else None)


def _judged(record: Claim, fields: dict[str, Any], proposal: Proposal, seen: KernelInstance) -> Certificate:
    """Return the certificate of a proposal. Raises Rejected when the kernel does not accept it.

    It says what the kernel finds, which the kernel's check then remembers: it is computed once.
    """
    name = record.name
    finding = find(name, proposal.rule, canonical([fields, proposal.hints]))
    data = certificate(name, fields, proposal.rule, proposal.hints, finding)
    return Certificate(data, check(data).finding, proposal, seen)


def decide(claim: str, instance: Instance, measured: bool = True) -> tuple[Verdict, bytes | None]:
    """Return the verdict on a claim about an instance, and the certificate that it is read off.

    The verdict's margin is not looked for unless it is to be `measured`: it may cost as much as the verdict.

    Raises InputError when the claim is unknown or is about another model.
    """
    with np.errstate(all="ignore"):  # floats propose: where they overflow, nothing is proposed
        return _decide(claim, instance, measured)


def _decide(claim: str, instance: Instance, measured: bool) -> tuple[Verdict, bytes | None]:
    found = certify(claim, instance, measured)
    if isinstance(found, Undecided):
        return Verdict(claim, Outcome.UNDECIDED, found.reason, found.margin, Provenance.FLOATING), None
    finding, seen = found.finding, found.seen
    rank = finding.rank[0] if finding.rank and finding.rank[0] == finding.rank[1] else None
    dimension = max(finding.dimension) if finding.dimension else None
    outcome = Outcome.PROVED if finding.verdict == "proved" else Outcome.REFUTED
    deciding = _margin(claim, instance, seen, found) if measured else None
    provenance = Provenance.EXACT if _is_rational(found.proposal) else Provenance.ENCLOSED
    return Verdict(claim, outcome, _reason(found), deciding, provenance, rank, dimension), found.data


def _is_rational(proposal: Proposal) -> bool:
    rules = [half["rule"] for half in proposal.hints.values()] if proposal.rule == "both" else [proposal.rule]
    return all(rule in _RATIONAL for rule in rules)


def _margin(claim: str, instance: Instance, seen: KernelInstance, found: Certificate) -> Interval | None:
    """Return the deciding number, where it can be had."""
    try:
        return CLAIMS[claim].margin(instance, seen, found.proposal, found.finding.verdict == "proved")
    except (OutOfReachError, Rejected, InputError, StopIteration, *FLOATS_FAIL):
        return None


def _floating(
    measure: Callable[[Instance, Pairs], Interval | None], instance: Instance, pairs: Pairs
) -> Interval | None:
    """Return float64's idea of the deciding number, where floats have one."""
    try:
        return measure(instance, pairs.on_fisher)
    except (InputError, Rejected, *FLOATS_FAIL):
        return None


def _reason(found: Certificate) -> str:
    """Return one sentence on what the certificate shows."""
    finding = found.finding
    rule = f"rule {found.proposal.rule} of the kernel"
    if not finding.rank:
        return f"{rule}: the statement {'holds' if finding.verdict == 'proved' else 'fails'} on this instance"
    low, high = finding.rank
    size = f"{low}" if low == high else f"between {low} and {high}"
    dimension = " and ".join(dict.fromkeys(str(m) for m in finding.dimension))
    return f"{rule}: the minimiser has rank {size}, the Fisher subspace dimension {dimension}"


__all__ = ["Certificate", "Undecided", "certify", "decide"]
