"""What a hunt can be asked: a conjecture of the box, with settings and without hypotheses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from thmverify.errors import InputError
from thmverify.headlines import OURS
from thmverify.hunting.conjectures import CONJECTURES
from thmverify.hunting.drafts import Draft
from thmverify.hunting.own import Fixed, OwnDraft, OwnTarget, fixed, has_space
from thmverify.hunting.settings import Settings
from thmverify.hunting.targets import Target
from thmverify.theories import registry


@dataclass(frozen=True)
class Question:
    """What is hunted: a conjecture and settings. It travels to workers, and into the ledger as JSON."""

    name: str
    settings: Settings | Fixed

    @property
    def claim(self) -> str:
        """The claim that decides it."""
        return self.name if isinstance(self.settings, Fixed) else CONJECTURES[self.name].claim

    def to_json(self) -> dict[str, object]:
        """Return the question as JSON."""
        return {"conjecture": self.name, "claim": self.claim, "settings": self.settings.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Question:
        """Return the question that `to_json` wrote."""
        settings = data["settings"]
        read = Fixed.from_json(settings) if "fixed" in settings else Settings.from_json(settings)
        return cls(str(data["conjecture"]), read)

    def target(self) -> Target:
        """Return what a searcher climbs.

        Raises InputError when there is no such instance.
        """
        if isinstance(self.settings, Fixed):
            return OwnTarget(self.name, self.settings)
        return CONJECTURES[self.name].build(self.settings)


def ask(name: str, pairs: Sequence[str] = (), dropped: Sequence[str] = ()) -> Question:
    """Return the question about a conjecture, or a statement of one's own, with settings and dropped hypotheses.

    Raises InputError for what is unknown, or leaves nothing to search.
    """
    if name not in CONJECTURES and has_space(name):
        about = Question(name, fixed(name, pairs, dropped))
        about.target()
        return about
    if name not in CONJECTURES:
        own = [name for name, s in registry().items() if s.origin != OURS and s.space is not None]
        raise InputError("ID", name, "is nothing that can be hunted", f"write one of {', '.join([*CONJECTURES, *own])}")
    conjecture = CONJECTURES[name]
    settings = conjecture.settings
    for given in dropped:
        hypothesis = _ALIASES.get(given, given)
        if hypothesis not in conjecture.droppable:
            known = ", ".join(conjecture.droppable) or "none"
            rule = f"is no hypothesis that {conjecture.name} can be hunted without"
            raise InputError("--drop", given, rule, f"these can be dropped: {known}")
        left, change = conjecture.droppable[hypothesis]
        same = left == conjecture.name
        conjecture = CONJECTURES[left]
        settings = replace(settings if same else conjecture.settings, **change)
    question = Question(conjecture.name, settings.with_text(pairs, conjecture.allowed))
    question.target()
    return question


_ALIASES = {"r>=K": "enough-columns", "shared": "shared-covariance"}


def read_draft(data: dict[str, Any]) -> Draft | OwnDraft:
    """Return the draft that its `to_json` wrote."""
    return OwnDraft.from_json(data) if data["kind"] == "record" else Draft.from_json(data)
