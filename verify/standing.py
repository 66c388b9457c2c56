"""Where a statement stands once its proof and its counterexamples have been checked again.

The word recorded in a statement is a claim like any other: it stands only when what was checked says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from thmverify.errors import InputError
from thmverify.statement import Statement
from thmverify.verdicts import Standing, Status


@dataclass(frozen=True)
class Judgement:
    """A standing and why."""

    standing: Standing
    reason: str


_RECORDED = {
    Status.PROVED: (Standing.PROVED, Standing.CONDITIONAL),
    Status.REFUTED: (Standing.REFUTED,),
    Status.OPEN: (Standing.OPEN, Standing.CONDITIONAL),
}


def judge(statement: Statement) -> Judgement:
    """Check the proof and every counterexample, and compare with the recorded status.

    Nothing is drawn at random here: that is randomised verification, which can contradict a status and not make one.
    """
    found = _found(statement)
    if found.standing in (*_RECORDED[statement.status], Standing.FAILED):
        return found
    return Judgement(Standing.FAILED, f"it is recorded as {statement.status}, yet {found.reason}")


def _found(statement: Statement) -> Judgement:
    proof = statement.checked
    unsupported = statement.unsupported()
    if unsupported:
        return Judgement(Standing.FAILED, unsupported)
    refuted = bool(statement.counterexamples)
    if statement.unproved:
        return Judgement(Standing.FAILED, f"the proof does not check: {statement.unproved}")
    if refuted and (statement.cover is not None or (proof is not None and not proof.conditional)):
        return Judgement(Standing.FAILED, "it has a proof that checks and a counterexample that holds")
    if proof is not None and proof.conditional:
        names = ", ".join(a.name for a in proof.assumed)
        return Judgement(Standing.CONDITIONAL, f"its proof rests on what is assumed: {names}")
    if proof is not None:
        return Judgement(Standing.PROVED, proof.reason)
    if statement.cover is not None:
        return Judgement(Standing.PROVED, statement.cover.checked.reason)
    if refuted:
        count = len(statement.counterexamples)
        what = "an instance that satisfies" if count == 1 else f"{count} instances that satisfy"
        shown = f"decided exactly, against it, on {what} every hypothesis{_certified(statement)}"
        return Judgement(Standing.REFUTED, shown)
    return _open(statement)


def _certified(statement: Statement) -> str:
    """Return how many of the counterexamples are certificates, which the kernel has verified."""
    count = sum(isinstance(c.evidence, Path) for c in statement.counterexamples)
    if count == 0:
        return ""
    of = "" if count == len(statement.counterexamples) else f"{count} of them "
    return f", {of}by {'a certificate' if count == 1 else 'certificates'} that the kernel verifies"


def _open(statement: Statement) -> Judgement:
    """Return what is known of a statement without script or counterexample; a hunt that found one contradicts."""
    try:
        refuting = [record.hunt for record in statement.hunted_without() if record.certified]
        tried = statement.evaluations
    except InputError as error:
        return Judgement(Standing.FAILED, f"a record of a hunt is no evidence: {error}")
    if refuting:
        return Judgement(Standing.FAILED, f"a hunt on record found a counterexample: {', '.join(refuting)}")
    hunted = (f"hunts evaluated {tried:,} instances and found no counterexample",) if tried else ()
    return Judgement(Standing.OPEN, "; ".join((*statement.evidence, *hunted)) or "no proof and no counterexample")
