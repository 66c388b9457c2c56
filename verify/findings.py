"""Findings: what a theory has found, in plain words, each sentence only as good as where its statements stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from thmverify.verdicts import Standing


@dataclass(frozen=True)
class Clause:
    """A sentence about statements that stand alike: `says` holds what is true of them for each standing.

    Where they stand otherwise, or not alike, nothing is said, and a reader is told so.

    >>> clause = Clause(("mine",), {Standing.PROVED: "It holds.", Standing.REFUTED: "It fails."})
    >>> clause.text({"mine": Standing.REFUTED}), clause.text({"mine": Standing.OPEN})
    ('It fails.', '')
    """

    statements: tuple[str, ...]
    says: Mapping[Standing, str]

    def text(self, standings: Mapping[str, Standing]) -> str:
        """Return what is true where the statements stand so; nothing where no sentence is meant for that."""
        found = {standings[name] for name in self.statements}
        return self.says.get(found.pop(), "") if len(found) == 1 else ""


@dataclass(frozen=True)
class Finding:
    """A finding: its headline, the clauses that it is made of, and the statement whose picture shows it, if any.

    The headline is borne out where each clause has something to say.
    """

    title: str
    clauses: tuple[Clause, ...]
    picture: str = ""

    @property
    def statements(self) -> tuple[str, ...]:
        """The ids of all statements that it is about."""
        named = [name for clause in self.clauses for name in clause.statements]
        return tuple(dict.fromkeys([*named, self.picture] if self.picture else named))
