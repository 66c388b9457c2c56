"""Theorems in Coq about statements: what Coq was seen to check, for as long as the files are those that it checked.

A record lies beside the sources (`theorems/formal/checked.json`). Each of its entries has a hash of all that its
theorem was compiled from: the options of `coqc`, the file, the files that it requires, and the certificate that an
instance is made from. An entry whose hash is not that of the files is left out, so a source that was changed after the
check has no mark.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from thmverify.errors import InputError
from thmverify.kernel.strict import digest

FORMAT = "thmverify-coq-1"
_REQUIRES = re.compile(r"\bFrom\s+(\w+)\s+Require\s+(?:Import\s+|Export\s+)?([\w\s]+?)\.(?=\s)")
_OPTIONS = re.compile(r"^[A-Z]+ = (.*-Q .*)$", re.MULTILINE)
_FEW = 4  # axioms of a module that a summary names


@dataclass(frozen=True)
class Artefact:
    """A theorem in Coq about a statement.

    `file` has it, `certificate` is what its instance was made from, or empty; both are paths from the record's folder.
    `covers` says in words what it proves, `supposes` what it supposes, `assumptions` are the axioms that Coq printed,
    and `checked` is the hash of what Coq read.
    """

    statement: str
    theorem: str
    file: str
    covers: str
    supposes: str = ""
    certificate: str = ""
    assumptions: tuple[str, ...] = ()
    checked: str = ""

    @property
    def axioms(self) -> str:
        """The axioms in one line: by name, or counted where a module has many."""
        groups = groupby(sorted(self.assumptions), lambda name: name.rpartition(".")[0])
        return "; ".join(_named(module, [*names]) for module, names in groups) or "none"

    @property
    def command(self) -> str:
        """How to have Coq check it again."""
        if Path(self.certificate).parent.name == "counterexamples":
            name = Path(self.certificate).stem
            return f"thmverify export {name} --format coq --out in-coq && make -C in-coq"
        return "make -C theorems/formal"

    def to_json(self) -> dict[str, Any]:
        """Return its JSON object."""
        return {**asdict(self), "assumptions": [*self.assumptions]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Artefact:
        """Return what a JSON object holds. Raises KeyError or TypeError when it holds something else."""
        return cls(**{**data, "assumptions": tuple(data["assumptions"])})


def _named(module: str, names: list[str]) -> str:
    return f"{module} ({len(names)} axioms)" if len(names) > _FEW else ", ".join(names)


def sources(folder: Path, file: str) -> tuple[str, ...]:
    """Return the file and the files of the folder that it requires, directly or not, sorted.

    Raises OSError when one cannot be read, and ValueError when the Makefile has no options for it.
    """
    folders = roots(options(folder, file))
    found: set[str] = set()
    left = [file]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            for root, modules in _REQUIRES.findall((folder / name).read_text(encoding="utf-8")):
                left += [f"{folders[root]}/{module}.v" for module in modules.split() if root in folders]
    return tuple(sorted(found))


def options(folder: Path, file: str) -> str:
    """Return the options of coqc for a file: the first in the folder's Makefile that give its folder a name.

    Raises OSError when there is no Makefile, and ValueError when it names the folder nowhere.
    """
    for found in _OPTIONS.findall((folder / "Makefile").read_text(encoding="utf-8")):
        if Path(file).parts[0] in roots(found).values():
            return str(found)
    raise ValueError(f"the Makefile has no options for {file}")


def roots(flags: str) -> dict[str, str]:
    """Return the folder of each logical name that options of coqc give."""
    return {name: path for path, name in re.findall(r"-Q (\S+) (\S+)", flags)}


def hash_of(folder: Path, artefact: Artefact) -> str:
    """Return the hash of what its theorem is compiled from. Raises OSError and ValueError as `options` does."""
    files = [*sources(folder, artefact.file), *([artefact.certificate] if artefact.certificate else [])]
    return digest([["FLAGS", options(folder, artefact.file)], *([name, _sha256(folder / name)] for name in files)])


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def entries(record: Path) -> tuple[Artefact, ...]:
    """Return what is on record, current or not. Raises InputError when there is none, or of another format."""
    try:
        whole = json.loads(record.read_text(encoding="utf-8"))
        if whole["format"] != FORMAT:
            raise InputError("format", whole["format"], f'is not "{FORMAT}"', "check it in Coq again", str(record))
        return tuple(Artefact.from_json(entry) for entry in whole["theorems"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        rule = f"is no record of what Coq has checked ({type(error).__name__})"
        raise InputError("formal", str(record), rule, "check it in Coq again") from None


def current(record: Path) -> tuple[Artefact, ...]:
    """Return what is on record and was checked on the files as they are. Raises InputError as `entries` does."""
    return tuple(artefact for artefact in entries(record) if _is_current(record.parent, artefact))


def _is_current(folder: Path, artefact: Artefact) -> bool:
    try:
        return artefact.checked == hash_of(folder, artefact)
    except (OSError, ValueError):
        return False


def write(record: Path, version: str, artefacts: tuple[Artefact, ...]) -> None:
    """Write what Coq of this version has checked, each entry with the hash of the files as they are."""
    checked = [replace(artefact, checked=hash_of(record.parent, artefact)).to_json() for artefact in artefacts]
    whole = {"format": FORMAT, "coq": version, "theorems": checked}
    record.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
