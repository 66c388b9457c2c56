"""The commands about statements: the list, one of them in full, and randomised verification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verify.cli.output import CLAIM_FAILED, DONE, progress, write_fields, write_json, write_table
from verify.errors import InputError

if TYPE_CHECKING:
    from verify.proofs import ProofReport, StepReport
    from verify.statements import Hypothesis, Statement

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def list_statements(json: AsJson = False) -> int:
    """List every statement: its id, title, status and source."""
    statements = _registry().values()
    if json:
        write_json({"statements": [_summary(s) for s in statements]})
    else:
        rows = [(s.id, s.status.value, s.title, f"{s.source.label}, {s.source.text}") for s in statements]
        write_table(("id", "status", "title", "source"), rows)
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
    def described(hypothesis: Hypothesis) -> dict[str, str]:
        return {
            "name": hypothesis.name,
            "formula": str(hypothesis.formula),
            "latex": hypothesis.latex,
            "meaning": hypothesis.meaning,
        }

    return {
        "conclusion": {"latex": statement.conclusion.latex, "sentence": statement.conclusion.sentence},
        "hypotheses": [described(h) for h in statement.hypotheses],
        "redundant": [described(h) for h in statement.redundant],
        "certificates": [*statement.counterexamples],
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
        ("status", statement.status.value),
        ("source", str(statement.source)),
        ("claim", statement.conclusion.sentence),
        ("formula", statement.conclusion.latex),
    ]
    if statement.counterexamples:
        fields.append(("certificates", ", ".join(statement.counterexamples)))
    write_fields(fields)
    hypotheses = [(h.name, str(h.formula), h.meaning) for h in statement.hypotheses]
    unneeded = [(h.name, str(h.formula), f"{h.meaning} (not needed by the proof)") for h in statement.redundant]
    write_table(("hypothesis", "formula", "meaning"), [*hypotheses, *unneeded])
    if report is None:
        return
    steps = [(step.name, f"{_mark(step)}, {step.kind.value}", f"{step.sentence} — {step.how}") for step in report.steps]
    glue = ("glue", "checked" if report.glue.passed else "FAILED", report.glue.how)
    write_table(("step", "check", "claim and how it was checked"), [*steps, glue])
    write_fields([("proof", "checked" if report.passed else "does NOT check"), ("", report.reason)])


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
    chosen = [_find(name) for name in statements] if statements else [*_registry().values()]
    raise NotImplementedError(chosen, instances, seed, jobs, json, progress)
