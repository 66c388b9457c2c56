"""From a claim and an instance to a certificate: untrusted proposals, which the kernel accepts or rejects.

The verdict is the kernel's: `decide` reads it off a certificate that the kernel has checked, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thmverify.certifying.border import infonce_top_proposals, nonshared_proposals
from thmverify.certifying.clip import clip_proposals
from thmverify.certifying.exact_hints import symmetry_proposals, top_proposals
from thmverify.certifying.grids import OutOfReachError
from thmverify.certifying.infonce import floating_margin, infonce_proposals
from thmverify.certifying.margins import margin
from thmverify.certifying.normalised import normalised_proposals
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.simsiam import leak_proposals
from thmverify.certifying.writing import certificate, instance_fields
from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL
from thmverify.kernel import Rejected, check
from thmverify.kernel.claims import STATEMENTS
from thmverify.kernel.models import Finding, Pairs
from thmverify.kernel.models import Instance as KernelInstance
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, PopulationGraph, SharedGMM
from thmverify.verdicts import Outcome, Provenance, Verdict

_MODELS: dict[str, tuple[type, str]] = {
    "lemma-4.2": (SharedGMM, "shared-gmm"),
    "infonce-inclusion": (SharedGMM, "shared-gmm"),
    "infonce-equality": (SharedGMM, "shared-gmm"),
    "infonce-top-r": (SharedGMM, "shared-gmm"),
    "simclr-normalised-inclusion": (SharedGMM, "shared-gmm"),
}
_ON_FISHER = (
    "infonce-equality",
    "infonce-top-r",
    "spectral-top-r",
    "clip-effective-equality",
    "clip-inclusion-literal",
)
_RATIONAL = ("exact", "symmetry", "threshold")  # rules without balls


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


def certify(claim: str, instance: Instance) -> Certificate | Undecided:
    """Return a certificate that decides the claim on the instance, or why there is none.

    Raises InputError when the claim is unknown or is about another model.
    """
    _check_model(claim, instance)
    fields = instance_fields(instance)
    try:
        seen = kernel_instance(json.loads(json.dumps(fields)))
    except Rejected as error:
        return Undecided(f"the kernel does not take the instance: {error}")
    reasons = []
    try:
        for proposal in _proposals(claim, instance, seen):
            try:
                finding = RULES[claim, proposal.rule](seen, proposal.hints)
                data = certificate(claim, fields, proposal.rule, proposal.hints, finding)
                return Certificate(data, check(data).finding, proposal, seen)
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
    if claim == "infonce-equality" and isinstance(seen, Pairs):
        needed = "more digits of the minimiser, or a larger lattice, would decide it unless the margin is 0"
        return Undecided(f"{reason}; {needed}", _floating_margin(instance, seen))
    return Undecided(reason)


def decide(claim: str, instance: Instance) -> tuple[Verdict, bytes | None]:
    """Return the verdict on a claim about an instance, and the certificate that it is read off.

    Raises InputError when the claim is unknown or is about another model.
    """
    with np.errstate(all="ignore"):  # floats propose: where they overflow, nothing is proposed
        return _decide(claim, instance)


def _decide(claim: str, instance: Instance) -> tuple[Verdict, bytes | None]:
    found = certify(claim, instance)
    if isinstance(found, Undecided):
        return Verdict(claim, Outcome.UNDECIDED, found.reason, found.margin, Provenance.FLOATING), None
    finding, seen = found.finding, found.seen
    rank = finding.rank[0] if finding.rank and finding.rank[0] == finding.rank[1] else None
    dimension = max(finding.dimension) if finding.dimension else None
    outcome = Outcome.PROVED if finding.verdict == "proved" else Outcome.REFUTED
    deciding = _margin(claim, instance, seen, found)
    provenance = Provenance.EXACT if found.proposal.rule in _RATIONAL else Provenance.ENCLOSED
    return Verdict(claim, outcome, _reason(found), deciding, provenance, rank, dimension), found.data


def _margin(claim: str, instance: Instance, seen: KernelInstance, found: Certificate) -> Interval | None:
    """Return the deciding number; for what rank ≥ 1 alone proves, by an enclosure of the minimiser."""
    proposal, proved = found.proposal, found.finding.verdict == "proved"
    try:
        if proved and proposal.rule == "exact" and isinstance(seen, Pairs) and _is_of_rank_one(claim, seen):
            small = seen.on_fisher
            enclosing = (
                infonce_proposals(instance, small)
                if claim == "infonce-equality"
                else clip_proposals(instance, small, 1)
            )
            proposal = next(enclosing)
        return margin(claim, seen, proposal, proved)
    except (OutOfReachError, Rejected, InputError, StopIteration, *FLOATS_FAIL):
        return None


def _floating_margin(instance: Instance, pairs: Pairs) -> Interval | None:
    """Return float64's idea of the deciding number, where floats have one."""
    try:
        return floating_margin(instance, pairs.on_fisher)
    except (InputError, Rejected, *FLOATS_FAIL):
        return None


def _is_of_rank_one(claim: str, pairs: Pairs) -> bool:
    """Whether the claim is that the minimiser's rank, which is not 0, is at least 1."""
    equality = claim in ("infonce-equality", "clip-effective-equality") and max(pairs.sizes) == 1
    return pairs.informative and (equality or (claim == "clip-inclusion-literal" and pairs.columns == 1))


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


def _check_model(claim: str, instance: Instance) -> None:
    if claim not in STATEMENTS:
        raise InputError("CLAIM", claim, "is not a claim", f"write one of {', '.join(STATEMENTS)}")
    model = instance.model
    given = model.mixture if isinstance(model, AugmentedPairs) else model
    wanted: tuple[type, str] = _MODELS.get(claim, (GMM, "gmm or shared-gmm"))
    if claim.startswith("clip"):
        wanted = (CLIPGMM, "clip-gmm")
    elif claim in ("population-graph-equivalence", "linear-probe-bound"):
        wanted = (PopulationGraph, "population-graph")
    if not isinstance(given, wanted[0]):
        raise InputError("model", type(given).__name__, f"is not what {claim} is about", f"use {wanted[1]}")


def _proposals(claim: str, instance: Instance, seen: KernelInstance) -> Iterator[Proposal]:
    """Yield what to try: rational arithmetic first, integrals last, and what lives on S_F in its coordinates."""
    yield Proposal("exact", {})
    if isinstance(seen, Pairs) and claim in _ON_FISHER:
        seen = seen.on_fisher
    match claim, seen:
        case "infonce-equality", Pairs():
            yield from symmetry_proposals(seen)
            yield from infonce_proposals(instance, seen)
        case "infonce-top-r", Pairs():
            yield from symmetry_proposals(seen)
            if seen.columns < seen.mixture.m:
                yield from infonce_top_proposals(instance, seen)
            yield from infonce_proposals(instance, seen)
        case "nonshared-inclusion", Pairs():
            yield from nonshared_proposals(instance, seen)
        case "simclr-normalised-inclusion", Pairs():
            yield from normalised_proposals(seen)
        case "spectral-top-r", Pairs():
            yield from top_proposals(seen)
        case "simsiam-inclusion", Pairs():
            yield from leak_proposals(seen)
        case "clip-effective-equality", Pairs():
            yield from symmetry_proposals(seen)
            yield from clip_proposals(instance, seen, seen.mixture.m)
        case "clip-inclusion-literal", Pairs():
            yield from symmetry_proposals(seen)
            yield from clip_proposals(instance, seen, seen.columns)


__all__ = ["Certificate", "Undecided", "certify", "decide"]
