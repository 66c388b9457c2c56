"""What is exported: a statement with the files that the kernel verifies for it, or one such file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thmverify.errors import InputError
from thmverify.instances import instance_to_json
from thmverify.jsonfiles import read_bytes
from thmverify.kernel import Rejected
from thmverify.kernel.answer import answer
from thmverify.kernel.strict import canonical, digest
from thmverify.standing import judge
from thmverify.statement import Statement
from thmverify.verdicts import Standing


@dataclass(frozen=True)
class File:
    """A file that the kernel has verified: its bytes, and its answer, line by line."""

    name: str
    data: bytes
    lines: tuple[str, ...]

    @classmethod
    def checked(cls, name: str, data: bytes) -> File:
        """Return the file. Raises InputError with the kernel's reason when it is rejected."""
        try:
            return cls(name, data, tuple(answer(data)[1]))
        except Rejected as error:
            raise InputError("CERT", name, f"is rejected by the kernel: {error}", "export one that verifies") from None

    @property
    def whole(self) -> dict[str, Any]:
        """What the file holds."""
        found: dict[str, Any] = json.loads(self.data)
        return found

    @property
    def instance(self) -> dict[str, Any] | None:
        """The instance that it is about; None for a proof and for a set of instances."""
        return self.whole.get("instance")

    @property
    def middle(self) -> dict[str, Any] | None:
        """The instance that it is about, or in the middle of those that it is about."""
        found = self.instance or self.whole.get("set", {}).get("instance")
        return None if found is None else dict(found)

    @property
    def digest(self) -> str:
        """The SHA-256 of what it holds, as it stands in the file."""
        return str(self.whole.get("content") or digest(self.whole))


@dataclass(frozen=True)
class Subject:
    """What is exported: its name, the files that the kernel verifies, and the statement, where there is one."""

    name: str
    files: tuple[File, ...]
    statement: Statement | None = None

    @property
    def standing(self) -> Standing | None:
        """Where the statement stands, checked now; None where there is no statement."""
        return None if self.statement is None else judge(self.statement).standing

    @property
    def instances(self) -> tuple[Mapping[str, Any], ...]:
        """The instances of its files, each once, then those of counterexamples that no file is about."""
        of_files = {canonical(f.middle): f.middle for f in self.files if f.middle is not None}
        exact = () if self.statement is None else self.statement.counterexamples
        decided = (instance_to_json(c.instance) for c in exact if not isinstance(c.evidence, Path) and c.nearby is None)
        return (*of_files.values(), *decided)


def of_statement(statement: Statement) -> Subject:
    """Return a statement with its certificates, those of all instances near, its cover or the trace of its proof.

    Raises InputError when one of them is rejected.
    """
    paths = [c.evidence for c in statement.counterexamples if isinstance(c.evidence, Path)]
    near = [c.neighbourhood for c in statement.counterexamples]
    paths += dict.fromkeys(x.certificate for x in near if x is not None and x.certificate is not None)
    paths += [] if statement.cover is None else [statement.cover.certificate]
    files = [File.checked(path.stem, read_bytes(path)) for path in paths]
    if statement.proof is not None and not statement.unproved:
        files.append(File.checked(f"{statement.id}-proof", canonical(statement.proof.propose().trace)))
    return Subject(statement.id, tuple(files), statement)


def of_file(path: Path) -> Subject:
    """Return one file. Raises InputError when it cannot be read or is rejected."""
    return Subject(path.stem, (File.checked(path.stem, read_bytes(path)),))
