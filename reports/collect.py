"""From statements to records: runs the proof checker and the randomised verification, and computes what they say."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from itertools import pairwise
from math import isfinite

import numpy as np

import reports.records as record
from reports.records import Bin, Command, Formula, Margin, News, Standing, Use
from verify.hypotheses import Hypothesis
from verify.instances import instance_to_json
from verify.proofs import ProofReport, Step, StepReport
from verify.randomised import Verification
from verify.statements import Statement
from verify.verdicts import Outcome, Provenance, Status

_BINS = 24
_PACKAGES = ("python-flint", "sympy", "mpmath", "numpy", "scipy", "jinja2", "latex2mathml")


def statement(source: Statement, verification: Verification) -> record.Statement:
    """Return all that the report says about a statement, given what its randomised verification found."""
    standing, reason = judge(verification)
    return record.Statement(
        id=source.id,
        title=source.title,
        recorded=source.status.value,
        standing=standing,
        reason=reason,
        source=record.Source(text=source.source.text, label=source.source.label, note=source.source.note),
        claim=source.conclusion.sentence,
        quantity=Formula(latex=source.quantity.latex),
        conclusion=Formula(latex=source.conclusion.latex),
        hypotheses=_hypotheses(source),
        proof=_proof(source, verification.proof),
        verification=_verification(verification),
        counterexamples=tuple(f"{c.name}: {c.catch}" for c in source.counterexamples),
        commands=_commands(source, verification),
    )


def judge(verification: Verification) -> tuple[Standing, str]:
    """Return where a statement stands, given its recorded status and what the checks found, and why."""
    status, proof = verification.status, verification.proof
    if status is Status.PROVED and proof is None:
        return Standing.FAILED, "It is recorded as proved, and there is no proof script."
    if proof is not None and proof.assumed and _only_assumed(proof) and not _contradicted(verification):
        return Standing.CONDITIONAL, f"Its proof script rests on assumed steps: {', '.join(proof.assumed)}."
    if verification.unconfirmed:
        return Standing.FAILED, f"Its recorded status, {status.value}, is not confirmed: {verification.unconfirmed}."
    return _CONFIRMED[status]


_CONFIRMED = {
    Status.PROVED: (
        Standing.PROVED,
        "Every step of its proof script was checked in this run, and the conclusion follows.",
    ),
    Status.REFUTED: (Standing.REFUTED, "An instance that satisfies every hypothesis decides against it."),
    Status.OPEN: (Standing.OPEN, "It is neither proved nor refuted; no random instance decides against it."),
}


def _only_assumed(proof: ProofReport) -> bool:
    """Return whether nothing but an assumed step keeps the proof from passing."""
    return proof.glue.passed and all(step.passed for step in proof.steps)


def _contradicted(verification: Verification) -> bool:
    against = (verification.outcomes.get(outcome, 0) for outcome in (Outcome.REFUTED, Outcome.FAILED))
    worst = verification.worst_margin
    return any(against) or worst is None or not worst <= 0


def _hypotheses(source: Statement) -> tuple[record.Hypothesis, ...]:
    unused = source.unused_hypotheses()
    stated = [(h, _use(h, unused, source.proof is not None)) for h in source.hypotheses]
    return tuple(
        record.Hypothesis(name=h.name, formula=Formula(latex=h.latex, sympy=str(h.formula)), meaning=h.meaning, use=use)
        for h, use in [*stated, *((h, Use.DROPPED) for h in source.redundant)]
    )


def _use(hypothesis: Hypothesis, unused: Sequence[str], proved: bool) -> Use:
    if not proved:
        return Use.UNKNOWN
    return Use.UNUSED if hypothesis.name in unused else Use.USED


def _proof(source: Statement, report: ProofReport | None) -> record.Proof | None:
    if source.proof is None or report is None:
        return None
    return record.Proof(
        givens=tuple(record.Given(name=g.name, sentence=g.sentence) for g in source.proof.givens),
        steps=tuple(_step(step, checked) for step, checked in zip(source.proof.steps, report.steps, strict=True)),
        glue=report.glue.how,
        glue_passed=report.glue.passed,
    )


def _step(step: Step, checked: StepReport) -> record.Step:
    return record.Step(
        name=checked.name,
        kind=checked.kind.value,
        claim=checked.sentence,
        formula=Formula(latex=checked.latex, sympy=str(step.claim)),
        premises=checked.premises,
        how=checked.how,
        passed=checked.passed,
        assumed=checked.assumed,
    )


def _verification(result: Verification) -> record.Verification:
    return record.Verification(
        seed=result.seed,
        requested=result.instances,
        accepted=result.accepted,
        discarded=result.discarded,
        outcomes={outcome.value: count for outcome, count in sorted(result.outcomes.items())},
        worst=_worst(result),
        histogram=histogram(result.margins),
    )


def _worst(result: Verification) -> Margin | None:
    if result.worst_margin is None or result.worst_index is None or result.worst_instance is None:
        return None
    return Margin(
        value=repr(result.worst_margin),
        provenance=Provenance.FLOATING,
        index=result.worst_index,
        instance=instance_to_json(result.worst_instance),
    )


def histogram(margins: Sequence[float], bins: int = _BINS) -> tuple[Bin, ...]:
    """Return counts of the margins in equal bins; nothing when they are all equal or one is no number."""
    if not margins or not all(isfinite(m) for m in margins) or min(margins) == max(margins):
        return ()
    counts, ends = np.histogram(margins, bins=bins)
    return tuple(
        Bin(lower=f"{a:.4g}", upper=f"{b:.4g}", count=int(n)) for (a, b), n in zip(pairwise(ends), counts, strict=True)
    )


def _commands(source: Statement, verification: Verification) -> tuple[Command, ...]:
    verify = f"thmverify verify {source.id} --instances {verification.instances} --seed {verification.seed}"
    commands = [
        Command(purpose="Check the proof script, step by step:", line=f"thmverify show {source.id}"),
        Command(purpose="Repeat the randomised verification:", line=verify),
    ]
    if verification.worst_margin is not None:
        program = (
            "from theorems import REGISTRY; from verify.instances import read_instance; "
            f"print(REGISTRY['{source.id}'].margin(read_instance('worst.json')))"
        )
        purpose = "Compute the worst margin again, the instance above saved as worst.json:"
        commands.append(Command(purpose=purpose, line=f'python -c "{program}"'))
    return tuple(commands)


def news(statements: Sequence[record.Statement]) -> tuple[News, ...]:
    """Return what is new in a few sentences, each computed from the records."""
    return (*(item for s in statements for item in _dropped(s)), _steps(statements), _instances(statements))


def _dropped(s: record.Statement) -> list[News]:
    dropped = [h.meaning.rstrip(".") for h in s.hypotheses if h.use is Use.DROPPED]
    if not dropped or s.standing is not Standing.PROVED:
        return []
    supposed = "; that ".join(text[:1].lower() + text[1:] for text in dropped)
    return [News(text=f"“{s.title}” is proved without supposing, as its source does, that {supposed}.", statement=s.id)]


def _steps(statements: Sequence[record.Statement]) -> News:
    steps = [step for s in statements if s.proof for step in s.proof.steps]
    checked = sum(step.passed and not step.assumed for step in steps)
    assumed = sum(step.assumed for step in steps)
    text = f"The proofs are scripts: {checked} of their {len(steps)} steps were checked by a program in this run"
    return News(text=f"{text}, and {assumed or 'none'} {'is' if assumed <= 1 else 'are'} assumed.", statement=None)


def _instances(statements: Sequence[record.Statement]) -> News:
    tried = sum(s.verification.accepted for s in statements)
    refuted = sum(s.verification.outcomes.get(Outcome.REFUTED.value, 0) for s in statements)
    text = f"Each statement was also tried on random mixtures with exact rational parameters, {tried} in all"
    return News(text=f"{text}: {refuted or 'none'} of them contradict{'' if refuted > 1 else 's'} it.", statement=None)


def environment() -> record.Environment:
    """Return the versions of what the records depend on."""
    return record.Environment(
        thmverify=version("thmverify"),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: version(name) for name in _PACKAGES},
    )
