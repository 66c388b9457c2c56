"""From statements to records: has the proofs replayed, runs the randomised verification, and computes what they say."""

from __future__ import annotations

import platform
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from math import isfinite
from pathlib import Path

import numpy as np

import thmverify.reports.records as record
from thmverify import standing
from thmverify.artefacts import Artefact
from thmverify.covering import Chart
from thmverify.covering.picture import draw
from thmverify.evidence import Counterexample
from thmverify.huntrecords import HuntRecord, Searched
from thmverify.instances import instance_to_json
from thmverify.losses import row_title
from thmverify.matrix import certificate_file, check_command
from thmverify.proofs.checking import Named, StepReport
from thmverify.randomised import Verification, true_on
from thmverify.reports.base import Formula
from thmverify.reports.figures import scenes
from thmverify.reports.records import Bin, Command, Margin
from thmverify.standing import Judgement
from thmverify.statement import Statement
from thmverify.verdicts import Outcome, Provenance, Standing, Status

_BINS = 24
_PACKAGES = ("python-flint", "sympy", "mpmath", "numpy", "scipy", "jinja2", "latex2mathml")


def statement(source: Statement, verification: Verification, family: str, charts: bool = True) -> record.Statement:
    """Return all that the report says about a statement of a family, given what its randomised verification found."""
    judged = judge(source, verification)
    return record.Statement(
        id=source.id,
        title=source.title,
        family=family,
        recorded=source.status.value,
        standing=judged.standing,
        reason=judged.reason,
        source=record.Source(text=source.source.text, label=source.source.label, note=source.source.note),
        claim=source.conclusion.sentence,
        quantity=Formula(latex=source.quantity.latex),
        conclusion=Formula(latex=source.conclusion.latex),
        hypotheses=_hypotheses(source),
        proof=_proof(source, true_on(source, verification.evaluation)),
        cover=_cover(source),
        charts=tuple(_chart(chart) for chart in source.charts if charts),
        verification=_verification(verification),
        counterexamples=tuple(_counterexample(source, c) for c in source.counterexamples),
        evidence=source.known,
        evaluations=source.evaluations,
        hunts=_hunts(source),
        special_case_of=source.special_case_of,
        guarantees=tuple(f"{row_title(g.loss)}: {g.column}" for g in source.guarantees),
        commands=_commands(source, verification),
        coq=tuple(_artefact(artefact) for artefact in source.coq),
    )


def _artefact(found: Artefact) -> record.Artefact:
    return record.Artefact(
        theorem=found.theorem,
        covers=found.covers,
        supposes=found.supposes,
        axioms=found.axioms,
        command=found.command,
    )


def judge(source: Statement, verification: Verification) -> Judgement:
    """Return where a statement stands: what its records bear out, unless a random instance contradicts it."""
    status = verification.status
    if status is Status.REFUTED and not source.counterexamples and not verification.unconfirmed:
        return Judgement(Standing.REFUTED, "A random instance that satisfies every hypothesis decides against it.")
    judged = standing.judge(source)
    if judged.standing is Standing.CONDITIONAL and not _contradicted(verification):
        return replace(judged, reason=sentence(judged.reason))
    if verification.unconfirmed:
        reason = f"Its recorded status, {status.value}, is not confirmed: {verification.unconfirmed}."
        return Judgement(Standing.FAILED, reason)
    return replace(judged, reason=sentence(judged.reason))


def sentence(text: str) -> str:
    """Return a remark of a checker as a sentence: a capital first, a full stop last; a formula's letter stays.

    Remarks in a row that are sentences stay so: "one.; two" becomes "One. Two."
    """
    first, *others = text.split(".; ")
    first = (first[:1].upper() if re.match(r"[a-z]{2}|a ", first) else first[:1]) + first[1:]
    ended = first + ("" if first.endswith((".", "!", "?")) else ".")
    return " ".join((ended, *(sentence(other) for other in others)))


def _contradicted(verification: Verification) -> bool:
    against = (verification.outcomes.get(outcome, 0) for outcome in (Outcome.REFUTED, Outcome.FAILED))
    worst = verification.worst_margin
    return any(against) or worst is None or not worst <= 0


def _hypotheses(source: Statement) -> tuple[record.Hypothesis, ...]:
    needs = {need.hypothesis: need for need in source.necessity()}
    stated = len(source.hypotheses)
    return tuple(
        record.Hypothesis(
            name=h.name,
            formula=Formula(latex=h.latex, sympy=str(h.formula)),
            meaning=h.meaning,
            stated=i < stated,
            need=needs[h.name].need,
            reason=needs[h.name].reason,
        )
        for i, h in enumerate((*source.hypotheses, *source.redundant))
    )


def _hunts(source: Statement) -> tuple[record.Hunt, ...]:
    """Return the rows of the table of hunts; those about a model of one's own have sentences alone (`known`)."""
    return tuple(_hunt(dropped, h, h.settings) for dropped, h in source.hunted if isinstance(h.settings, Searched))


def _hunt(dropped: tuple[str, ...], found: HuntRecord, searched: Searched) -> record.Hunt:
    return record.Hunt(
        id=found.hunt,
        without=dropped,
        components=searched.components,
        dimension=searched.dimension,
        delta=searched.delta,
        anywhere=searched.shape == "any",
        seed=found.seed,
        evaluations=found.evaluations,
        best_margin=found.best_margin,
        certified=len(found.certified),
    )


def _counterexample(source: Statement, found: Counterexample) -> record.Counterexample:
    verdict = found.verdict(source.claim, source.examine)
    file = certificate_file(found)
    path, near = found.evidence if isinstance(found.evidence, Path) else None, found.neighbourhood
    try:
        instance = found.instance
    except (OSError, ValueError):  # the verdict says what is wrong with the file
        instance = None
    return record.Counterexample(
        name=found.name,
        tempting=found.tempting,
        catch=found.catch,
        repaired=found.repaired,
        verdict=verdict.reason,
        refutes=verdict.outcome is Outcome.REFUTED,
        file=file,
        certificate=path.read_text(encoding="utf-8") if path is not None and path.is_file() else "",
        near="" if near is None else near.reason,
        near_command="" if near is None else near.command,
        instance=None if instance is None else instance_to_json(instance),
        command=check_command(found) or f"thmverify verify {source.id}",
        scenes=() if instance is None else scenes.compute(instance, source.quantity.loss),
    )


def _cover(source: Statement) -> record.Cover | None:
    """Return what the kernel says of the cover, and a picture of the boxes that it settled."""
    cover = source.cover
    if cover is None:
        return None
    passed = not source.unproved
    return record.Cover(
        claim=cover.text,
        passed=passed,
        reason=source.unproved or cover.checked.reason,
        boxes=cover.checked.boxes,
        certificate=cover.certificate.stem,
        picture=inline(draw(cover.covering)) if passed else "",
    )


def _chart(chart: Chart) -> record.Chart:
    """Return what the kernel says of a certified map, and its picture."""
    found = chart.check()
    return record.Chart(
        caption=chart.caption,
        passed=found.passed,
        reason=found.reason,
        certificate=chart.certificate.stem,
        picture=inline(found.picture) if found.picture else "",
    )


def inline(picture: str) -> str:
    """Return SVG as a data URI."""
    return f"data:image/svg+xml;base64,{b64encode(picture.encode()).decode('ascii')}"


def _proof(source: Statement, tried: Mapping[str, int]) -> record.Proof | None:
    report = source.checked
    if source.proof is None or report is None:
        return None
    return record.Proof(
        script=source.proof.module,
        passed=not source.unproved,
        reason=source.unproved or report.reason,
        letters=Formula(latex=report.letters),
        hypotheses=tuple(
            record.Supposed(name=h.name, formula=_formula(h), used=h.name in report.used) for h in report.hypotheses
        ),
        parts=tuple(Formula(latex=part) for part in report.parts),
        conclusion=report.conclusion,
        assumed=_named(report.assumed),
        classical=report.classical,
        cited=report.cited,
        definitions=_named(report.definitions),
        steps=tuple(_step(step, tried.get(step.name)) for step in report.steps),
        lines=report.lines,
        rules=dict(report.rules),
    )


def _formula(found: Named | StepReport) -> Formula:
    return Formula(latex=found.latex, kernel=found.formula)


def _named(group: Sequence[Named]) -> tuple[record.Named, ...]:
    return tuple(record.Named(name=x.name, formula=_formula(x)) for x in group)


def _step(step: StepReport, true_on: int | None) -> record.Step:
    return record.Step(
        name=step.name,
        sentence=step.sentence,
        formula=_formula(step),
        premises=step.premises,
        rule=step.rule,
        rules=step.rules,
        lines=step.lines,
        true_on=true_on,
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
    """Return counts of the margins in equal bins; nothing when four digits tell no two apart, or one is no number."""
    if not margins or not all(isfinite(m) for m in margins) or f"{min(margins):.4g}" == f"{max(margins):.4g}":
        return ()
    counts, ends = np.histogram(margins, bins=bins)
    return tuple(
        Bin(lower=f"{a:.4g}", upper=f"{b:.4g}", count=int(n)) for (a, b), n in zip(pairwise(ends), counts, strict=True)
    )


_SHOWS = {True: "Make the proof and have the kernel replay it:", False: "Show it, and check which hypotheses it needs:"}


def _commands(source: Statement, verification: Verification) -> tuple[Command, ...]:
    verify = f"thmverify verify {source.id} --instances {verification.instances} --seed {verification.seed}"
    commands = [
        Command(purpose=_SHOWS[source.proof is not None], line=f"thmverify show {source.id}"),
        Command(purpose="Repeat the randomised verification:", line=verify),
    ]
    if source.proof is not None:
        line = f"thmverify show {source.id} --proof proof.json && python -m thmverify.kernel proof.json"
        commands.insert(1, Command(purpose="Write its trace, and have the kernel alone replay it:", line=line))
    if source.cover is not None:
        line = f"thmverify check {source.cover.certificate.stem}"
        commands.insert(1, Command(purpose="Have the kernel make the boxes of its cover again:", line=line))
    if verification.worst_margin is not None:
        program = (
            "from thmverify.theories import registry; from thmverify.instances import read_instance; "
            f"print(registry()['{source.id}'].margin(read_instance('worst.json')))"
        )
        purpose = "Compute the worst margin again, the instance above saved as worst.json:"
        commands.append(Command(purpose=purpose, line=f'python -c "{program}"'))
    return tuple(commands)


def numbers(statements: Sequence[record.Statement]) -> tuple[str, ...]:
    """Return what this run came to, in sentences computed from the records."""
    return tuple(text for text in (_tally(statements), _dropped(statements)) if text)


def _tally(statements: Sequence[record.Statement]) -> str:
    counts = Counter(s.standing for s in statements)
    proved, refuted = counts[Standing.PROVED], counts[Standing.REFUTED]
    others = [s for s in statements if s.recorded != Status.REFUTED.value]
    tried, against = sum(s.verification.accepted for s in others), _against(others)
    refutes = f"refute{'' if against > 1 else 's'} a statement that is not refuted on record"
    drawn = f", and {against or 'none'} of {_counted(tried, 'random instance')} {refutes}" if tried else ""
    return (
        f"Of {_counted(len(statements), 'statement')} {_are(proved)} proved for every instance, "
        f"{_are(refuted)} refuted by instances and {_are(len(statements) - proved - refuted)} not settled: "
        f"in this run {_replayed(statements)}{drawn}."
    )


def _replayed(statements: Sequence[record.Statement]) -> str:
    """Return what the kernel replayed, what of it is conditional, and what does not check."""
    proofs = [s for s in statements if s.proof]
    if not proofs:
        return "there was no proof to replay"
    passed = [s for s in proofs if s.proof and s.proof.passed]
    conditional = [s for s in passed if s.proof and s.proof.assumed]
    lines = sum(s.proof.lines for s in passed if s.proof)
    failed = len(proofs) - len(passed)
    whole = f"the kernel replayed {_counted(lines, 'line')} of {_counted(len(passed), 'proof')}"
    assumed = f"{_are(len(conditional))} conditional" if conditional else "with nothing assumed"
    return f"{whole}, {assumed}" + (f", and {_counted(failed, 'proof')} did not check" if failed else "")


def _against(statements: Sequence[record.Statement]) -> int:
    """Return how many random instances decide against one of these statements."""
    outcomes = [s.verification.outcomes for s in statements]
    return sum(o.get(Outcome.REFUTED.value, 0) + o.get(Outcome.FAILED.value, 0) for o in outcomes)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return f"{number or 'none'} {'is' if number <= 1 else 'are'}"


def _dropped(statements: Sequence[record.Statement]) -> str:
    """Return what proved statements do without, though their sources suppose it; nothing where none is proved."""
    proved = [s for s in statements if s.standing is Standing.PROVED]
    if not proved:
        return ""
    spared = [s for s in proved if any(not h.stated for h in s.hypotheses)]
    if not spared:
        return "Every proved statement supposes what its source supposes."
    counts = Counter(h.meaning for s in spared for h in s.hypotheses if not h.stated)
    parts = (f"that {_lowered(meaning)} (in {_counted(n, 'statement')})" for meaning, n in counts.items())
    return f"Proved without supposing, as the source does, {'; or '.join(parts)}."


def _lowered(meaning: str) -> str:
    return (meaning[:1].lower() + meaning[1:]).rstrip(".")


def environment() -> record.Environment:
    """Return the versions of what the records depend on."""
    return record.Environment(
        thmverify=version("thmverify"),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: version(name) for name in _PACKAGES},
    )
