"""The commands about certificates: decide a claim on an instance, and check what was decided."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thmverify.cli.junit import Case, write_junit
from thmverify.cli.options import AsJson, Junit
from thmverify.cli.output import CLAIM_FAILED, DONE, UNDECIDED, progress, write_fields, write_json
from thmverify.cli.statements import find
from thmverify.errors import InputError, one_of

if TYPE_CHECKING:
    from thmverify.models import Instance
    from thmverify.statement import Statement
    from thmverify.verdicts import Verdict

_SHIPPED = ("counterexamples", "covers", "neighbourhoods", "maps")  # folders of certificates with names


def decide(
    statement: Annotated[str, typer.Argument(metavar="ID", help="A statement that `thmverify list` names.")],
    instance: Annotated[Path, typer.Argument(metavar="INSTANCE.json", help="The instance file.")],
    certificate: Annotated[
        Path | None, typer.Option(metavar="OUT.json", help="Where to write the certificate.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="RADIUS", help="Decide it for every instance within a radius: a number, or largest."),
    ] = None,
    json: AsJson = False,
) -> int:
    """Prove or refute a statement on one instance, or on all near it.

    The verdict is read off a certificate that the kernel has checked, or off rational arithmetic. The exit code is 1
    when the conclusion is refuted, and 3 when it is undecided, with no certificate to write, or when the instance
    violates a hypothesis, so that the statement is not about it.

    Within a RADIUS are the instances whose weights and bias differ by at most that, and whose means differ by at most
    so many standard deviations, within the span of the means; covariance and rank are the same.
    """
    from thmverify.instances import read_instance
    from thmverify.jsonfiles import keep, write_text

    keep([instance], "--certificate", certificate)
    found, model = find(statement), read_instance(instance)
    if box is not None:
        return _decide_near(found, model, box, certificate, json)
    with progress(f"deciding {statement}"):
        try:
            verdict, data = found.decided(model)
        except InputError as error:
            raise error.in_file(str(instance)) from None
    if certificate is not None and data is not None:
        write_text(certificate, data.decode("ascii"))
    if json:
        write_json({"statement": statement, **verdict.to_json()})
    else:
        write_fields(_readable(statement, verdict))
    if verdict.violated:
        return UNDECIDED
    return {"proved": DONE, "refuted": CLAIM_FAILED}.get(verdict.outcome.value, UNDECIDED)


def _decide_near(found: Statement, model: Instance, box: str, certificate: Path | None, json: bool) -> int:
    """Decide the conclusion for every instance within a radius."""
    from thmverify.covering.around import LARGEST, around
    from thmverify.jsonfiles import write_text
    from thmverify.rationals import rational

    radius = None if box == LARGEST else rational("--box", box)
    with progress(f"deciding {found.id} near the instance"):
        near = around(found.claim or found.id, model, radius)
    if certificate is not None and near.certificate is not None:
        write_text(certificate, near.certificate.decode("ascii"))
    if json:
        write_json({"statement": found.id, **near.to_json()})
    else:
        within = f"every instance within {near.radius} ({float(near.radius):.3g})"
        write_fields(
            [("statement", found.id), ("verdict", near.outcome.value), ("for", within), ("reason", near.reason)]
        )
    return {"proved": DONE, "refuted": CLAIM_FAILED}.get(near.outcome.value, UNDECIDED)


def _readable(statement: str, verdict: Verdict) -> list[tuple[str, str]]:
    from thmverify.verdicts import between

    fields = []
    if verdict.violated:
        names = ", ".join(verdict.violated)
        fails = f"{names} {'fails' if len(verdict.violated) == 1 else 'fail'} on this instance"
        fields.append(
            ("applicable", f"no: {fails}, so {statement} is not about it; the verdict is on the conclusion alone")
        )
    fields += [("statement", statement), ("verdict", verdict.outcome.value)]
    if verdict.rank is not None:
        fields.append(("rank", str(verdict.rank)))
    if verdict.dimension is not None:
        fields.append(("dimension", str(verdict.dimension)))
    if verdict.margin is not None:
        fields.append(("margin", between(*verdict.margin)))
    return [*fields, ("reason", verdict.reason)]


def _found(found: Any) -> dict[str, Any]:
    """Return the claim and the verdict of a file: with a formula and its hash, or what a proof concludes from what."""
    if found is None:
        return {"claim": None, "verdict": None}
    if hasattr(found, "formula"):
        texts = {"formula": found.formula, "definitions": list(found.definitions), "statement": found.statement}
        there = {"set": found.region.text} if hasattr(found, "region") else {}
        return {"claim": found.claim, "verdict": "proved", **there, **texts}
    if hasattr(found, "set"):
        return {"claim": found.claim, "verdict": found.finding.verdict, "set": found.set.text}
    if hasattr(found, "region"):
        shares = {"proved": str(found.proved), "refuted": str(found.refuted)}
        return {"claim": found.claim, "verdict": found.finding.verdict, "set": found.region.text, "shares": shares}
    if hasattr(found, "finding"):
        return {"claim": found.claim, "verdict": found.finding.verdict}
    verdict, assumed = "conditional" if found.assumptions else "proved", [name for name, _ in found.assumptions]
    return {"claim": found.theorem, "verdict": verdict, "conclusion": repr(found.conclusion), "assumed": assumed}


def found_file(path: Path) -> Path:
    """Return the file that is meant: a bare name that is none is that of a shipped certificate."""
    return _shipped().get(path.name, path) if is_name(path) else path


def is_name(path: Path) -> bool:
    """Whether a name is meant, of a statement or of what ships, and not a file: such names may have a point."""
    return path.suffix != ".json" and len(path.parts) == 1 and not path.exists()


def _meant(path: Path) -> Path:
    """Return the file to check. Raises InputError for a bare name that is neither a file nor a shipped certificate."""
    file = found_file(path)
    if is_name(file):
        rule = "is no file, and the name of no certificate that ships"
        raise InputError("CERT", str(path), rule, one_of(str(path), _shipped(), "give the path of a certificate"))
    return file


def _shipped() -> dict[str, Path]:
    """Return the certificates that ship, by their names."""
    home = Path(str(files("thmverify.theorems")))
    return {file.stem: file for folder in reversed(_SHIPPED) for file in (home / folder).glob("*.json")}


def check(
    certificates: Annotated[list[Path], typer.Argument(metavar="CERT.json...", help="Certificate files.")],
    junit: Junit = None,
    json: AsJson = False,
) -> int:
    """Check certificates and proofs with the kernel alone.

    The last line for each file is VERIFIED and what is proved or refuted, or REJECTED and the reason; the exit code is
    1 when any is rejected. A bare name such as infonce-equality finds the certificate that ships. A proof is verified
    for every instance: `thmverify show ID --proof OUT.json` writes one. A proof and a certificate that carries its own
    claim are answered with the formula: their names are their author's.
    `python -m thmverify.kernel` is the same checker without the rest of the package.
    """
    from thmverify.jsonfiles import keep
    from thmverify.kernel.answer import main, report

    keep(certificates, "--junit", junit)
    certificates = [_meant(path) for path in certificates]
    if junit is None and not json:
        return main([str(path) for path in certificates])
    answers: list[dict[str, Any]] = []
    cases = []
    for path in certificates:
        found, lines = report(str(path))
        word, _, rest = lines[-1].partition(" ")
        answers.append({"file": str(path), "answer": word, **_found(found), "reason": None if found else rest})
        cases.append(Case(str(path), said="\n".join(lines), failure="" if found else rest))
    if junit is not None:  # before the answers: where it cannot be written, nothing is on stdout
        write_junit(junit, "thmverify check", cases)
    if json:
        write_json({"certificates": answers})
    else:
        sys.stdout.writelines(f"{case.name!a}\n{case.said}\n" for case in cases)
    return CLAIM_FAILED if any(case.failure for case in cases) else DONE
