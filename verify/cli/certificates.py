"""The commands about certificates: decide a claim on an instance, and check what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify.cli.output import CLAIM_FAILED, DONE, UNDECIDED, progress, write_fields, write_json
from thmverify.errors import InputError

if TYPE_CHECKING:
    from thmverify.verdicts import Verdict

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def decide(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="e.g. infonce-equality, clip-inclusion-literal.")],
    instance: Annotated[Path, typer.Argument(metavar="INSTANCE.json", help="The instance file.")],
    certificate: Annotated[
        Path | None, typer.Option(metavar="OUT.json", help="Where to write the certificate.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Prove or refute a claim on one instance.

    The verdict is read off a certificate that the kernel has checked. The exit code is 1 when the claim is refuted
    and 3 when it is undecided; then there is no certificate to write.
    """
    from thmverify.certify import decide as decided
    from thmverify.instances import read_instance
    from thmverify.jsonfiles import write_text

    model = read_instance(instance)
    with progress(f"deciding {claim}"):
        try:
            verdict, data = decided(claim, model)
        except InputError as error:
            raise (error if error.field == "CLAIM" else error.in_file(str(instance))) from None
    if certificate is not None and data is not None:
        write_text(certificate, data.decode("ascii"))
    if json:
        write_json(verdict.to_json())
    else:
        write_fields(_readable(verdict))
    return {"proved": DONE, "refuted": CLAIM_FAILED}.get(verdict.outcome.value, UNDECIDED)


def _readable(verdict: Verdict) -> list[tuple[str, str]]:
    fields = [("claim", verdict.claim), ("verdict", verdict.outcome.value)]
    if verdict.rank is not None:
        fields.append(("rank", str(verdict.rank)))
    if verdict.dimension is not None:
        fields.append(("dimension", str(verdict.dimension)))
    if verdict.margin is not None:
        fields.append(("margin", "between {:.6g} and {:.6g}".format(*map(float, verdict.margin))))
    return [*fields, ("reason", verdict.reason)]


def _found(found: Any) -> dict[str, Any]:
    """Return the claim and the verdict of a file: with a formula and its hash, or what a proof is conditional on."""
    if found is None:
        return {"claim": None, "verdict": None}
    if hasattr(found, "formula"):
        texts = {"formula": found.formula, "definitions": list(found.definitions), "statement": found.statement}
        return {"claim": found.claim, "verdict": "proved", **texts}
    if hasattr(found, "finding"):
        return {"claim": found.claim, "verdict": found.finding.verdict}
    verdict = "conditional" if found.assumptions else "proved"
    return {"claim": found.theorem, "verdict": verdict, "assumed": [name for name, _ in found.assumptions]}


def check(
    certificates: Annotated[list[Path], typer.Argument(metavar="CERT.json...", help="Certificate files.")],
    json: AsJson = False,
) -> int:
    """Check certificates and proofs with the kernel alone.

    The last line for each file is VERIFIED and the claim, or REJECTED and the reason; the exit code is 1 when any is
    rejected. A proof is verified for every instance: `thmverify show ID --proof OUT.json` writes one.
    `python -m thmverify.kernel` is the same checker without the rest of the package.
    """
    from thmverify.kernel.answer import main, report

    if not json:
        return main([str(path) for path in certificates])
    answers: list[dict[str, Any]] = []
    for path in certificates:
        found, lines = report(str(path))
        word, _, rest = lines[-1].partition(" ")
        answers.append({"file": str(path), "answer": word, **_found(found), "reason": None if found else rest})
    write_json({"certificates": answers})
    return DONE if all(answer["answer"] == "VERIFIED" for answer in answers) else CLAIM_FAILED
