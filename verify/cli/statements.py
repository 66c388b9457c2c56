"""The commands about statements: the list, one of them in full, and randomised verification."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verify.cli.output import CLAIM_FAILED, DONE, progress, terminal_width, write_fields, write_json, write_table
from verify.errors import InputError

if TYPE_CHECKING:
    from verify.evidence import Counterexample
    from verify.hypotheses import Hypothesis
    from verify.proofs import ProofReport, StepReport
    from verify.randomised import Verification
    from verify.statements import Statement

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def list_statements(json: AsJson = False) -> int:
    """List every statement: its id, title, status and source."""
    statements = _registry().values()
    if json:
        write_json({"statements": [_summary(s) for s in statements]})
    else:
        write_fields([(s.status.value, f"{s.id}\n{s.title} ({s.source.label})") for s in statements])
        sys.stdout.write("\n")
        write_fields([("", text) for text in dict.fromkeys(s.source.text for s in statements)])
    return DONE


def show(
    statement: Annotated[str, typer.Argument(metavar="ID", help="A statement that `thmverify list` names.")],
    json: AsJson = False,
) -> int:
    """Show one statement with its hypotheses and proof steps.

    The proof script is checked on the spot; the exit code is 1 when a proof does not check.
    """
    found = _find(statement)
    from verify.proofs import check

    report = None if found.proof is None else check(found.proof)
    if json:
        write_json({**_summary(found), **_details(found), "proof": None if report is None else _proof(report)})
    else:
        _write_statement(found, report)
    return DONE if report is None or report.passed else CLAIM_FAILED


def _registry() -> Mapping[str, Statement]:
    from theorems import REGISTRY

    return REGISTRY


def _find(name: str) -> Statement:
    registry = _registry()
    if name not in registry:
        raise InputError("ID", name, "names no statement", f"write one of {', '.join(registry)}")
    return registry[name]


def _summary(statement: Statement) -> dict[str, Any]:
    source = statement.source
    return {
        "id": statement.id,
        "title": statement.title,
        "status": statement.status.value,
        "source": {"text": source.text, "label": source.label, "note": source.note},
    }


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
        "guarantees": [{"loss": g.loss, "column": g.column.value} for g in statement.guarantees],
        "special_case_of": statement.special_case_of or None,
    }


def _counterexample(counterexample: Counterexample) -> dict[str, Any]:
    return {
        "name": counterexample.name,
        "tempting": counterexample.tempting,
        "catch": counterexample.catch,
        "repaired": counterexample.repaired,
        "command": counterexample_command(counterexample),
    }


def _proof(report: ProofReport) -> dict[str, Any]:
    steps = [
        {
            "name": step.name,
            "kind": step.kind.value,
            "claim": step.sentence,
            "latex": step.latex,
            "premises": [*step.premises],
            "how": step.how,
            "passed": step.passed,
            "assumed": step.assumed,
        }
        for step in report.steps
    ]
    glue = {"how": report.glue.how, "passed": report.glue.passed}
    return {"passed": report.passed, "reason": report.reason, "steps": steps, "glue": glue}


def _write_statement(statement: Statement, report: ProofReport | None) -> None:
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
    rows = [(h.name, str(h.formula), f"{h.meaning}\n{needs[h.name].need}") for h in hypotheses]
    write_table(("hypothesis", "formula", "meaning, and whether it is needed"), rows)
    for counterexample in statement.counterexamples:
        _write_counterexample(counterexample)
    if report is None:
        return
    kinds = Counter(step.kind.value for step in report.steps)
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    sys.stdout.write("\n")
    total = f"{len(report.steps)} steps: {counted}; {len(report.assumed) or 'none'} assumed"
    write_fields([("Proof script", total)])
    sys.stdout.write("\n")
    steps = [(f"{s.name}\n{s.kind}", f"{s.sentence}\n{_mark(s)}: {s.how}") for s in report.steps]
    glue = ("glue", f"The conclusion follows.\n{'checked' if report.glue.passed else 'FAILED'}: {report.glue.how}")
    verdict = ("proof", f"{'checked' if report.passed else 'does NOT check'}: {report.reason}")
    write_fields([*steps, glue, verdict], apart=True)


def _status(statement: Statement) -> str:
    tried = statement.evaluations
    return f"{statement.status} · {tried:,} evaluations" if tried else statement.status.value


def _write_counterexample(counterexample: Counterexample) -> None:
    command = counterexample_command(counterexample)
    fields = [
        ("counterexample", counterexample.name),
        ("tempting", counterexample.tempting),
        ("the catch", counterexample.catch),
        ("repaired", counterexample.repaired),
        *([("check it", command)] if command else []),
    ]
    sys.stdout.write("\n")
    write_fields(fields)


def counterexample_command(counterexample: Counterexample) -> str:
    """Return the command that checks its certificate; nothing for an instance that rationals decide."""
    from verify.matrix import certificate_file

    file = certificate_file(counterexample)
    return f"thmverify check {file}" if file else ""


def _mark(step: StepReport) -> str:
    if step.assumed:
        return "ASSUMED"
    return "checked" if step.passed else "FAILED"


def verify(
    statements: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="All when none is named.")] = None,
    instances: Annotated[int, typer.Option(min=1, max=1_000_000, help="Random instances a statement.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the instances.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes; the result does not depend on it.")] = 1,
    json: AsJson = False,
) -> int:
    """Verify statements on random instances.

    The exit code is 0 only if every recorded status is confirmed.
    """
    chosen = [_find(name) for name in dict.fromkeys(statements)] if statements else [*_registry().values()]
    from verify.randomised import run

    results = []
    with progress("verifying", len(chosen) * instances) as advance:
        for i, statement in enumerate(chosen):
            results.append(run(statement, instances, seed, jobs, partial(_advance, advance, i * instances)))
    confirmed = all(result.confirmed for result in results)
    if json:
        described = [_verified(result) for result in results]
        write_json({"seed": seed, "instances": instances, "confirmed": confirmed, "statements": described})
    else:
        _write_verified(results, seed)
    return DONE if confirmed else CLAIM_FAILED


def _advance(advance: Callable[[int], None], before: int, done: int) -> None:
    advance(before + done)


def _verified(result: Verification) -> dict[str, Any]:
    from verify.instances import instance_to_json

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
        "worst_index": result.worst_index,
        "worst_instance": None if worst is None else instance_to_json(worst),
    }


def _fits(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table has room for every cell on one line."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    return sum(widths) + 3 * len(widths) <= terminal_width()


def _write_verified(results: Sequence[Verification], seed: int) -> None:
    rows = []
    for result in results:
        outcomes = ", ".join(f"{count} {outcome.value}" for outcome, count in result.outcomes.items())
        worst = "none" if result.worst_margin is None else f"{result.worst_margin:.2g}"
        standing = "confirmed" if result.confirmed else "NOT confirmed"
        accepted = f"{result.accepted} of {result.instances}"
        rows.append((result.id, result.status.value, accepted, outcomes, worst, standing))
    columns = ("statement", "status", "accepted", "outcomes", "margin", "result")
    if _fits(columns, rows):
        write_table(columns, rows, right=("accepted", "margin"))
    else:  # a long name leaves no room for columns beside it
        texts = [(row[-1], f"{row[0]}\n{row[1]}; accepted {row[2]}: {row[3]}; margin {row[4]}") for row in rows]
        write_fields(texts)
    notes = [("", f"{result.id}: {result.unconfirmed}") for result in results if not result.confirmed]
    fields = [
        ("seed", str(seed)),
        ("accepted", "instances on which every hypothesis holds, decided exactly"),
        ("margin", "the worst, in floating point: ≤ 0 where the conclusion holds; no verdict"),
    ]
    write_fields([*fields, *notes])
