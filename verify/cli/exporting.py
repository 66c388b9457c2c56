"""The command `export`: a certificate written out for another proof checker."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from thmverify.cli.certificates import AsJson
from thmverify.cli.output import DONE, write_fields, write_json
from thmverify.errors import InputError


class Format(Enum):
    """What a certificate can be exported to."""

    COQ = "coq"


def export(
    certificate: Annotated[Path, typer.Argument(metavar="CERT.json", help="A certificate of infonce-equality.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write, new or empty.")],
    format: Annotated[Format, typer.Option(help="The proof checker to write for.")] = Format.COQ,
    json: AsJson = False,
) -> int:
    """Write a certificate as a folder that Coq checks.

    The theory is included; `make -C DIR` compiles it.
    The certificate is one of infonce-equality by rule kkt, for a minimiser of rank 1 where S_F is a plane. Its mixture
    is restated by value; make ends with the axioms that the theorem rests on. Nothing that is written is trusted.
    """
    from thmverify.export.coq import write_folder
    from thmverify.jsonfiles import read_bytes
    from thmverify.theorems import FORMAL

    data = read_bytes(certificate)
    try:
        files = write_folder(data, FORMAL, out)
    except InputError as error:
        raise (error if error.field == "--out" else error.in_file(str(certificate))) from None
    command = f"make -C {out}"
    if json:
        write_json(
            {"format": format.value, "out": str(out), "files": [str(path) for path in files], "command": command}
        )
    else:
        write_fields([("format", format.value), ("files", f"{len(files)} in {out}"), ("compile", command)])
    return DONE
