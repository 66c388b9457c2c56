"""The command `export`: a statement or a certificate for a test suite, an article, or another proof checker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thmverify.cli.certificates import found_file, is_name
from thmverify.cli.options import AsJson
from thmverify.cli.output import DONE, progress, write_fields, write_json
from thmverify.cli.statements import registry
from thmverify.errors import InputError
from thmverify.jsonfiles import keep, write_text

if TYPE_CHECKING:
    from thmverify.export.subjects import Subject


class Format(Enum):
    """What a statement or a certificate can be exported to."""

    PYTEST = "pytest"
    LATEX = "latex"
    BIBTEX = "bibtex"
    COQ = "coq"


def export(
    name: Annotated[str, typer.Argument(metavar="ID|CERT.json", help="A statement, or a file that `check` verifies.")],
    format: Annotated[Format, typer.Option(help="What to write.")] = Format.COQ,
    out: Annotated[
        Path | None, typer.Option(help="The file to write (coq: the folder, new or empty); stdout when left out.")
    ] = None,
    json: AsJson = False,
) -> int:
    """Write out a statement or a certificate.

    pytest: a test file that stands alone with the kernel: it holds the certificates, or the trace of the proof, and
    what the kernel answers. latex: the claim with its hypotheses, its verdict, a row of a table, the instances. bibtex:
    the source, the evidence by its hash, and the toolkit.

    coq: a folder that `make -C DIR` compiles, the theory included; nothing that is written is trusted. The certificate
    is one of infonce-equality by rule kkt, for a minimiser of rank 1 where S_F is a plane; or one that refutes
    pca-equality or clip-inclusion-literal, or proves spectral-equality.
    """
    keep([name], "--out", out)
    if format is Format.COQ:
        return _coq(name, out, json)
    with progress(f"exporting {name}"):
        text = _writer(format)(_subject(name))
    if out is not None:
        write_text(out, text)
    if json:
        write_json({"format": format.value, "out": None if out is None else str(out), "text": text})
    elif out is None:
        sys.stdout.write(text)
    else:
        write_fields([("format", format.value), ("file", str(out))])
    return DONE


def _writer(format: Format) -> Callable[[Subject], str]:
    if format is Format.PYTEST:
        from thmverify.export.pytest_file import pytest_file

        return pytest_file
    if format is Format.LATEX:
        from thmverify.export.latex import latex

        return latex
    from thmverify.export.bibtex import bibtex

    return bibtex


def _subject(name: str) -> Subject:
    """Return the statement of that name, or the file. Raises InputError when there is neither."""
    from thmverify.export.subjects import of_file, of_statement

    known = registry()
    if name in known:
        return of_statement(known[name])
    path = found_file(Path(name))
    if is_name(path):
        return of_statement(known.find(name))
    return of_file(path)


def _coq(name: str, out: Path | None, json: bool) -> int:
    from thmverify.export.folder import write_folder
    from thmverify.jsonfiles import read_bytes
    from thmverify.theorems import FORMAL

    certificate = found_file(Path(name))
    if is_name(certificate):
        rule = f"has no certificate to export: {registry().find(name).id} is {registry()[name].status}"
        raise InputError("ID", name, rule, "export it with --format pytest, latex or bibtex")
    if out is None:
        raise InputError(
            "--out", None, "is needed: coq writes a folder", "name one, or write --format pytest, latex or bibtex"
        )
    try:
        files = write_folder(read_bytes(certificate), FORMAL, out)
    except InputError as error:
        raise (error if error.field == "--out" else error.in_file(str(certificate))) from None
    command = f"make -C {out}"
    if json:
        write_json(
            {"format": Format.COQ.value, "out": str(out), "files": [str(path) for path in files], "command": command}
        )
    else:
        write_fields([("format", Format.COQ.value), ("files", f"{len(files)} in {out}"), ("compile", command)])
    return DONE
