"""The first screen: what the theory at hand is about, and its findings, as far as this run bears them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from thmverify import findings
from thmverify.reports.records import Clause, Finding, Statement
from thmverify.theories import Registry
from thmverify.verdicts import Standing

_MOST = 3  # statements of a kind that a first screen names where no theory says what it found
_KINDS = {
    Standing.FAILED: "Not established",
    Standing.REFUTED: "Refuted, by an instance that satisfies every hypothesis",
    Standing.PROVED: "Proved, for every instance",
    Standing.CONDITIONAL: "Proved, but for what is assumed",
    Standing.OPEN: "Open",
}


@dataclass(frozen=True)
class Words:
    """What theories say of themselves: title, what it is about, the family of each statement, what they found."""

    title: str = "Statements"
    about: str = ""
    families: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[findings.Finding, ...] = ()

    @classmethod
    def of(cls, registry: Registry, names: Sequence[str]) -> Words:
        """Return what the theories of these statements say."""
        theories = list({id(t): t for t in (registry.theory(name) for name in names)}.values())
        return cls(
            title=" · ".join(t.title or t.name for t in theories),
            about=" ".join(t.about for t in theories if t.about),
            families={name: registry.family(name) for name in names},
            findings=tuple(finding for t in theories for finding in t.findings),
        )


def told(words: Words, done: Sequence[Statement]) -> tuple[Finding, ...]:
    """Return the findings about these statements; what there is of each kind where no theory has one about them."""
    standings = {s.id: s.standing for s in done}
    about = [f for f in words.findings if set(f.statements) <= set(standings)]
    return tuple(_told(f, standings) for f in about) or _by_kind(done)


def _told(finding: findings.Finding, standings: Mapping[str, Standing]) -> Finding:
    clauses = tuple(Clause(text=c.text(standings), statements=c.statements) for c in finding.clauses)
    return Finding(title=finding.title, clauses=clauses, picture=finding.picture)


def _by_kind(done: Sequence[Statement]) -> tuple[Finding, ...]:
    groups = ((title, [s for s in done if s.standing is kind]) for kind, title in _KINDS.items())
    return tuple(_listed(title, group) for title, group in groups if group)


def _listed(title: str, group: Sequence[Statement]) -> Finding:
    clauses = [Clause(text=f"{s.title}.", statements=(s.id,)) for s in group[:_MOST]]
    if len(group) > _MOST:
        clauses.append(Clause(text=f"{len(group) - _MOST} more are listed below.", statements=()))
    drawn = (s.id for s in group if any(c.scenes for c in s.counterexamples))
    return Finding(title=title, clauses=tuple(clauses), picture=next(drawn, ""))
