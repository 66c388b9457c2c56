"""A certificate as a folder that Coq checks: the theory, copied, the instance, and a Makefile."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from thmverify.errors import InputError
from thmverify.export import coq, exact
from thmverify.export.planar import CLAIM
from thmverify.jsonfiles import write_text


class Kind(NamedTuple):
    """How certificates of a claim are written: what writes the instance, and the files of the theory that it needs."""

    write: Callable[[bytes], dict[str, str]]
    theory: tuple[str, ...]


_RATIONAL = Kind(exact.case_files, ("theory/Sums.v", "exact/*.v"))
KINDS = {CLAIM: Kind(coq.instance_files, ("theory/*.v",)), **dict.fromkeys(exact.CASES, _RATIONAL)}


def theory_files(theory: Path, patterns: tuple[str, ...]) -> dict[str, str]:
    """Return what the folder `theory` holds of these patterns, with README and Makefile: text by path below it."""
    paths = [theory / "README.md", theory / "Makefile"]
    paths += [path for pattern in patterns for path in sorted(theory.glob(pattern))]
    return {path.relative_to(theory).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def folder_files(data: bytes, theory: Path) -> dict[str, str]:
    """Return the files of a certificate's folder: text by path below it.

    Raises InputError when the certificate cannot be exported.
    """
    try:
        claim = json.loads(data)["claim"]
    except (ValueError, KeyError, TypeError):
        claim = CLAIM  # no certificate: its reader says what is wrong
    if claim not in KINDS:
        names = ", ".join(f'"{name}"' for name in KINDS)
        raise InputError("claim", claim, f"only {names} can be exported", "give a certificate of one of these claims")
    kind = KINDS[claim]
    return theory_files(theory, kind.theory) | kind.write(data)


def write_folder(data: bytes, theory: Path, out: Path) -> list[Path]:
    """Write the theory and the instance of a certificate into the folder `out`, new or empty; return the files.

    Raises InputError when the certificate cannot be exported, or the folder is not empty or cannot be written.
    """
    files = folder_files(data, theory)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise InputError("--out", str(out), "the folder is not empty", "give a new folder")
        for folder in {(out / name).parent for name in files}:
            folder.mkdir(exist_ok=True)
    except OSError as error:
        rule = f"cannot be written ({(error.strerror or 'an error of the system').lower()})"
        raise InputError("--out", str(out), rule, "give a folder that can") from None
    for name, text in files.items():
        write_text(out / name, text)
    return [out / name for name in files]
