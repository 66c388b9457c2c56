"""The commands about statements: the list, one of them in full, and randomised verification."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify import theories
from thmverify.cli.junit import Case, write_junit
from thmverify.cli.options import AsJson, Jobs, Junit
from thmverify.cli.output import CLAIM_FAILED, DONE, progress, terminal_width, write_fields, write_json, write_table
from thmverify.errors import InputError
from thmverify.headlines import OURS, Headline
from thmverify.verdicts import Status

if TYPE_CHECKING:
    from thmverify.artefacts import Artefact
    from thmverify.covering import Cover
    from thmverify.evidence import Counterexample
    from thmverify.hypotheses import Hypothesis
    from thmverify.proofs.checking import Named, ProofReport, StepReport
    from thmverify.proofs.evaluation import Evaluation
    from thmverify.randomised import Verification
    from thmverify.statement import Statement
    from thmverify.theories import Registry


def list_statements(json: AsJson = False) -> int:
    """List every statement: its id, title, status and source."""
    found = registry().headlines
    if json:
        write_json({"statements": [headline.to_json() for headline in found]})
    else:
        write_fields([(h.status.value, _listed(h)) for h in found])
        sys.stdout.write("\n")
        write_fields([("", text) for text in dict.fromkeys(h.source.text for h in found)])
    return DONE


def _listed(headline: Headline) -> str:
    """Return what the list says of a statement beside its status."""
    mark = " · Coq" if headline.coq else ""
    return f"{headline.id}{mark}\n{headline.title} ({headline.source.label}){_origin(headline)}"


def _origin(headline: Headline) -> str:
    """Return where a statement that is not the toolkit's own comes from."""
    return "" if headline.origin == OURS else f"\nfrom {headline.origin}"


def show(
    statement: Annotated[str, typer.Argument(metavar="ID", help="A statement that `thmverify list` names.")],
    proof: Annotated[
        Path | None, typer.Option(metavar="OUT.json", help="Write its proof, which `thmverify check` verifies.")
    ] = None,
    lines: Annotated[
        int, typer.Option(min=0, max=1000, help="Say of each step on how many random instances it is true.")
    ] = 0,
    json: AsJson = False,
) -> int:
    """Show one statement with its hypotheses and proof steps.

    The proof is made and checked on the spot; the exit code is 1 when it does not check.
    """
    found = find(statement)
    report = found.checked
    if proof is not None:
        _write_trace(found, proof)
    tried = _tried(found, lines)
    if json:
        proved = None if report is None else _proof(found, report, tried)
        covered = None if found.cover is None else _cover(found, found.cover)
        write_json({**found.headline.to_json(), **_details(found), "proof": proved, "cover": covered})
    else:
        _write_statement(found, report, tried)
    return CLAIM_FAILED if found.unproved else DONE


def _tried(statement: Statement, lines: int) -> dict[str, int]:
    """Return on how many random instances of its hypotheses each step is true, by name; nothing when not asked for."""
    if not lines:
        return {}
    from thmverify.randomised import evaluated, true_on

    return true_on(statement, evaluated(statement, lines, shown=True))


def _write_trace(statement: Statement, file: Path) -> None:
    """Write the trace of a statement's proof. Raises InputError when there is none."""
    from thmverify.jsonfiles import write_text
    from thmverify.kernel.strict import canonical

    if statement.proof is None:
        raise InputError("--proof", statement.id, "has no proof to write", "`thmverify list` says which are proved")
    write_text(file, canonical(statement.proof.propose().trace).decode("ascii"))


def registry() -> Registry:
    """Return every statement there is; on stderr, a line for each installed theory that is left out."""
    found = theories.registry()
    for line in found.broken:
        sys.stderr.write(f"thmverify: {line}\n")
    return found


def find(name: str) -> Statement:
    """Return a statement by id. Raises InputError when there is none."""
    return registry().find(name)


def _details(statement: Statement) -> dict[str, Any]:
    needs = {need.hypothesis: need for need in statement.necessity()}

    def described(hypothesis: Hypothesis) -> dict[str, str]:
        return {
            "name": hypothesis.name,
            "formula": str(hypothesis.formula),
            "latex": hypothesis.latex,
            "meaning": hypothesis.meaning,
            "need": needs[hypothesis.name].need.value,
            "need_reason": needs[hypothesis.name].reason,
        }

    return {
        "conclusion": {"latex": statement.conclusion.latex, "sentence": statement.conclusion.sentence},
        "hypotheses": [described(h) for h in statement.hypotheses],
        "redundant": [described(h) for h in statement.redundant],
        "certificates": [c.name for c in statement.counterexamples],
        "counterexamples": [_counterexample(c) for c in statement.counterexamples],
        "evidence": [*statement.known],
        "hunts": [
            {"without": [*dropped], **record.model_dump(mode="json", exclude={"point"})}
            for dropped, record in statement.hunted
        ],
        "maps": [{"caption": chart.caption, "certificate": chart.certificate.stem} for chart in statement.charts],
        "guarantees": [{"loss": g.loss, "column": g.column.value} for g in statement.guarantees],
        "special_case_of": statement.special_case_of or None,
    }


def _counterexample(counterexample: Counterexample) -> dict[str, Any]:
    from thmverify.matrix import check_command

    return {
        "name": counterexample.name,
        "tempting": counterexample.tempting,
        "catch": counterexample.catch,
        "repaired": counterexample.repaired,
        "command": check_command(counterexample),
        "radius": _radius(counterexample),
    }


def _radius(counterexample: Counterexample) -> str | None:
    """Return within which radius every instance is one, as the kernel verifies; None where none is known."""
    near = counterexample.neighbourhood
    return None if near is None or near.radius is None else str(near.radius)


def _cover(statement: Statement, cover: Cover) -> dict[str, Any]:
    return {
        "passed": not statement.unproved,
        "reason": statement.unproved or cover.checked.reason,
        "claim": cover.text,
        "set": cover.region.to_json(),
        "boxes": cover.checked.boxes,
        "certificate": cover.certificate.stem,
    }


def _proof(statement: Statement, report: ProofReport, tried: Mapping[str, int]) -> dict[str, Any]:
    return {
        "passed": not statement.unproved,
        "reason": statement.unproved or report.reason,
        "conditional": report.conditional,
        "conclusion": {"formula": report.conclusion, "latex": report.latex},
        "hypotheses": [{**_named(h), "used": h.name in report.used} for h in report.hypotheses],
        "assumed": [_named(a) for a in report.assumed],
        "classical": [*report.classical],
        "cited": [*report.cited],
        "definitions": [{**_named(d), "says": _words(statement).get(d.name)} for d in report.definitions],
        "steps": [{**_step(step), "true_on": tried.get(step.name)} for step in report.steps],
        "lines": report.lines,
        "rules": dict(report.rules),
    }


def _words(statement: Statement) -> dict[str, str]:
    """Return what the names of our own theorems are in words."""
    if statement.origin != OURS:
        return {}
    from thmverify.formulas import names

    return {name: record.says for name, record in names().items()}


def _named(named: Named) -> dict[str, Any]:
    return {"name": named.name, "formula": named.formula, "latex": named.latex}


def _step(step: StepReport) -> dict[str, Any]:
    return {
        "name": step.name,
        "claim": step.sentence,
        "formula": step.formula,
        "latex": step.latex,
        "rule": step.rule,
        "premises": [*step.premises],
        "lines": step.lines,
        "rules": [*step.rules],
    }


def _write_statement(statement: Statement, report: ProofReport | None, tried: Mapping[str, int]) -> None:
    fields = [
        (statement.id, statement.title),
        ("status", _status(statement)),
        ("source", str(statement.source)),
        ("claim", statement.conclusion.sentence),
        ("formula", statement.conclusion.latex),
    ]
    if statement.special_case_of:
        fields.append(("special case", f"of {statement.special_case_of}"))
    fields += [("known", sentence) for sentence in statement.known]
    write_fields(fields)
    needs = {need.hypothesis: need for need in statement.necessity()}
    hypotheses = [*statement.hypotheses, *statement.redundant]
    rows = [
        (h.name, "–" if str(h.formula) == "True" else str(h.formula), f"{h.meaning}\n{needs[h.name].need}")
        for h in hypotheses
    ]
    write_table(("hypothesis", "formula", "meaning, and whether it is needed"), rows)
    for counterexample in statement.counterexamples:
        _write_counterexample(counterexample)
    for chart in statement.charts:
        sys.stdout.write("\n")
        write_fields([("map", chart.caption), ("check it", f"thmverify check {chart.certificate.stem}")])
    for artefact in statement.coq:
        _write_artefact(artefact)
    if statement.cover is not None:
        _write_cover(statement, statement.cover)
    if report is not None:
        _write_proof(statement, report, tried)


def _write_artefact(artefact: Artefact) -> None:
    sys.stdout.write("\n")
    supposes = [("supposes", artefact.supposes)] if artefact.supposes else []
    rest = [("axioms", artefact.axioms), ("check it", artefact.command)]
    write_fields([("in Coq", artefact.theorem), ("covers", artefact.covers), *supposes, *rest])


def _write_cover(statement: Statement, cover: Cover) -> None:
    sys.stdout.write("\n")
    verdict = f"does NOT check: {statement.unproved}" if statement.unproved else f"checked: {cover.checked.reason}"
    says = [("Cover", cover.text), *(("kernel", line) for line in cover.checked.lines)]
    says.append(
        ("trusted", "that boxes which are settled prove the claim: a proof on paper, verify/kernel/PROOFS.md, 10")
    )
    write_fields([*says, ("proof", f"thmverify check {cover.certificate.stem}"), ("cover", verdict)])


def _write_proof(statement: Statement, report: ProofReport, tried: Mapping[str, int]) -> None:
    sys.stdout.write("\n")
    supposed = ", ".join(report.used) or "nothing"
    fields = [
        ("Proof", f"{report.lines} lines of {len(report.rules)} rules, shown as {len(report.steps)} steps"),
        ("theorem", report.conclusion),
        ("supposes", supposed + (f"; does not use {', '.join(report.unused)}" if report.unused else "")),
        ("assumed", "; ".join(f"{a.name}: {a.formula}" for a in report.assumed) or "nothing"),
        ("by name", "; ".join(report.classical) or "no classical theorem"),
    ]
    if report.cited:
        fields.append(("derives", f"on the way: {', '.join(report.cited)}"))
    write_fields(fields)
    sys.stdout.write("\n")
    words = _words(statement)
    meant = [(d.name, f"{words[d.name]}\n{d.formula}" if d.name in words else d.formula) for d in report.definitions]
    write_fields([("where", ""), *meant])
    sys.stdout.write("\n")
    steps = [(s.name, f"{s.sentence}\n{s.formula}\n{_ground(s, tried)}") for s in report.steps]
    verdict = f"does NOT check: {statement.unproved}" if statement.unproved else f"checked: {report.reason}"
    write_fields([*steps, ("proof", verdict)], apart=True)


def _ground(step: StepReport, tried: Mapping[str, int]) -> str:
    """Return what a step rests on, how it is derived from it, and on how many random instances it is true."""
    premises = f"from {', '.join(step.premises)} " if step.premises else ""
    ground = f"{premises}by {step.rule} ({step.lines} line{'' if step.lines == 1 else 's'})"
    if step.name not in tried:
        return ground
    count = tried[step.name]
    return f"{ground}; true on {count} random instances" if count else f"{ground}; not met at random"


def _status(statement: Statement) -> str:
    tried = statement.evaluations
    return f"{statement.status} · {tried:,} evaluations" if tried else statement.status.value


def _write_counterexample(counterexample: Counterexample) -> None:
    from thmverify.matrix import check_command

    command = check_command(counterexample)
    fields = [
        ("counterexample", counterexample.name),
        ("tempting", counterexample.tempting),
        ("the catch", counterexample.catch),
        ("repaired", counterexample.repaired),
        *([("check it", command)] if command else []),
    ]
    if (near := counterexample.neighbourhood) is not None:
        fields += [("open set", near.reason)]
        fields += [("check it", near.command)] if near.command else []
    sys.stdout.write("\n")
    write_fields(fields)


def verify(
    statements: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All when none is named.")] = None,
    instances: Annotated[int, typer.Option(min=1, max=1_000_000, help="Random instances a statement.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the instances.")] = 0,
    jobs: Jobs = None,
    lines: Annotated[
        int, typer.Option(min=0, max=1000, help="Random instances for each line of a proof; 0 leaves it out.")
    ] = 4,
    junit: Junit = None,
    json: AsJson = False,
) -> int:
    """Verify statements on random instances.

    The kernel replays each proof, and each of its lines is evaluated on random instances of its hypotheses besides: a
    line that is false on one would show that a rule is wrong.

    The exit code is 0 only if every recorded status is confirmed.
    """
    chosen = [find(name) for name in dict.fromkeys(statements)] if statements else [*registry().values()]
    from thmverify.processes import cores
    from thmverify.randomised import run_all
    from thmverify.statement import prepare

    with progress("checking proofs"):
        prepare(chosen)
    with progress("verifying", len(chosen) * instances) as advance:
        results = run_all(chosen, instances, seed, jobs or cores(), advance, lines)
    confirmed = all(result.confirmed for result in results)
    if junit is not None:  # before the answers: where it cannot be written, nothing is on stdout
        write_junit(junit, "thmverify verify", [_case(result) for result in results])
    if json:
        described = [_verified(result) for result in results]
        write_json({"seed": seed, "instances": instances, "confirmed": confirmed, "statements": described})
    else:
        _write_verified(results, seed)
    return DONE if confirmed else CLAIM_FAILED


def _case(result: Verification) -> Case:
    """Return a result for CI: of an open statement there is nothing to confirm."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
    said = f"{result.status}; {result.accepted} of {result.instances} random instances: {outcomes}"
    skipped = "open" if result.confirmed and result.status is Status.OPEN else ""
    return Case(result.id, said, result.unconfirmed if not result.confirmed else "", skipped)


def _verified(result: Verification) -> dict[str, Any]:
    from thmverify.instances import instance_to_json

    margin, worst = result.worst_margin, result.worst_instance
    return {
        "id": result.id,
        "status": result.status.value,
        "confirmed": result.confirmed,
        "reason": result.unconfirmed,
        "accepted": result.accepted,
        "discarded": result.discarded,
        "outcomes": {outcome.value: count for outcome, count in result.outcomes.items()},
        "worst_margin": margin if margin is None or math.isfinite(margin) else str(margin),
        "proof_lines": _evaluated(result.evaluation),
        "worst_index": result.worst_index,
        "worst_instance": None if worst is None else instance_to_json(worst),
    }


_VERDICTS = ("true", "unclear", "skipped", "false")


def _evaluated(evaluation: Evaluation | None) -> dict[str, int] | None:
    """Return how many lines of a proof are true, unclear, without an instance, and false on random instances."""
    return None if evaluation is None else {verdict: evaluation.count(verdict) for verdict in _VERDICTS}


def _standing(result: Verification) -> str:
    """Return what verification came to: of an open statement there is nothing to confirm."""
    if not result.confirmed:
        return "NOT confirmed"
    return "still open" if result.status is Status.OPEN else "confirmed"


def _fits(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table has room for every cell on one line."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    return sum(widths) + 3 * len(widths) <= terminal_width()


def _write_verified(results: Sequence[Verification], seed: int) -> None:
    rows = []
    for result in results:
        outcomes = ", ".join(f"{count} {outcome.value}" for outcome, count in result.outcomes.items())
        worst = "none" if result.worst_margin is None else f"{result.worst_margin:.2g}"
        standing = _standing(result)
        accepted = f"{result.accepted} of {result.instances}"
        rows.append((result.id, result.status.value, accepted, outcomes, worst, standing))
    columns = ("statement", "status", "accepted", "outcomes", "margin", "result")
    if _fits(columns, rows):
        write_table(columns, rows, right=("accepted", "margin"))
    else:  # a long name leaves no room for columns beside it
        texts = [(row[-1], f"{row[0]}\n{row[1]}; accepted {row[2]}: {row[3]}; margin {row[4]}") for row in rows]
        write_fields(texts)
    evaluated = [(r.id, r.evaluation) for r in results if r.evaluation is not None]
    counted = [f"{name} {e.count('true')} of {len(e.lines)}" for name, e in evaluated]
    notes = [("", f"{result.id}: {result.unconfirmed}") for result in results if not result.confirmed]
    fields = [
        ("seed", str(seed)),
        ("accepted", "instances on which every hypothesis holds, decided exactly"),
        ("margin", "the worst, in floating point: ≤ 0 where the conclusion holds; no verdict"),
    ]
    if counted:
        note = "lines of the proofs that are true on random instances of their hypotheses; for the rest none was found"
        fields.append(("lines", f"{note}\n{', '.join(counted)}"))
    write_fields([*fields, *notes])
