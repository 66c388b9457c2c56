"""What a hunt can be asked: a conjecture of the box, with settings and without hypotheses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from thmverify.errors import InputError
from thmverify.hunt.conjectures import CONJECTURES
from thmverify.hunt.settings import Settings
from thmverify.hunt.targets import Target


@dataclass(frozen=True)
class Question:
    """What is hunted: a conjecture and settings. It travels to workers, and into the ledger as JSON."""

    name: str
    settings: Settings

    @property
    def claim(self) -> str:
        """The claim that decides it."""
        return CONJECTURES[self.name].claim

    def to_json(self) -> dict[str, object]:
        """Return the question as JSON."""
        return {"conjecture": self.name, "claim": self.claim, "settings": self.settings.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Question:
        """Return the question that `to_json` wrote."""
        return cls(str(data["conjecture"]), Settings.from_json(data["settings"]))

    def target(self) -> Target:
        """Return what a searcher climbs.

        Raises InputError when there is no such instance.
        """
        return CONJECTURES[self.name].build(self.settings)


def ask(name: str, pairs: Sequence[str] = (), dropped: Sequence[str] = ()) -> Question:
    """Return the question about a conjecture with settings "key=value" and dropped hypotheses.

    Raises InputError for what is unknown, or leaves nothing to search.
    """
    if name not in CONJECTURES:
        raise InputError("CONJECTURE", name, "is not a conjecture", f"write one of {', '.join(CONJECTURES)}")
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
