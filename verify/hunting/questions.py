"""What a hunt can be asked: a conjecture of the box, with settings and without hypotheses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from thmverify.errors import InputError
from thmverify.hunting.conjectures import CONJECTURES
from thmverify.hunting.drafts import Draft
from thmverify.hunting.own import Fixed, OwnDraft, OwnTarget, fixed, has_space
from thmverify.hunting.settings import Settings
from thmverify.hunting.stated import Stated, StatedDraft, StatedTarget, in_batches, is_about_mixtures, stated
from thmverify.hunting.targets import Target
from thmverify.theories import registry


@dataclass(frozen=True)
class Question:
    """What is hunted: a conjecture and settings. It travels to workers, and into the ledger as JSON."""

    name: str
    settings: Settings | Stated | Fixed

    @property
    def claim(self) -> str:
        """The claim, or the statement, that decides it."""
        return CONJECTURES[self.name].claim if isinstance(self.settings, Settings) else self.name

    @property
    def batch(self) -> int:
        """How many points of each searcher make a round: few where margins are found one by one."""
        alone = isinstance(self.settings, Stated) and in_batches(registry()[self.name]) is None
        return 16 if alone else 128

    @property
    def by_kernel(self) -> bool:
        """Whether what refutes it is a certificate, and not an instance that the statement decides by itself."""
        return not isinstance(self.settings, Stated) or registry()[self.name].claim is not None

    def to_json(self) -> dict[str, object]:
        """Return the question as JSON."""
        return {"conjecture": self.name, "claim": self.claim, "settings": self.settings.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Question:
        """Return the question that `to_json` wrote."""
        settings = data["settings"]
        kind = Fixed if "fixed" in settings else Stated if "dropped" in settings else Settings
        return cls(str(data["conjecture"]), kind.from_json(settings))

    def target(self) -> Target:
        """Return what a searcher climbs.

        Raises InputError when there is no such instance.
        """
        if isinstance(self.settings, Fixed):
            return OwnTarget(self.name, self.settings)
        if isinstance(self.settings, Stated):
            return StatedTarget(self.name, self.settings)
        return CONJECTURES[self.name].build(self.settings)


def ask(name: str, pairs: Sequence[str] = (), dropped: Sequence[str] = ()) -> Question:
    """Return the question about a conjecture of the box, or any statement, with settings and dropped hypotheses.

    Raises InputError for what is unknown, or leaves nothing to search.
    """
    if name not in CONJECTURES and has_space(name):
        about = Question(name, fixed(name, pairs, dropped))
        about.target()
        return about
    if name not in CONJECTURES:
        return _about(name, pairs, dropped)
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


def _about(name: str, pairs: Sequence[str], dropped: Sequence[str]) -> Question:
    """Return the question about a statement without a conjecture. Raises InputError where nothing can be searched."""
    registry().find(name)
    if not is_about_mixtures(name):
        remedy = f"`thmverify verify {name}` tries random ones"
        raise InputError("ID", name, "is about graphs, which have no space to search", remedy)
    return Question(name, stated(name, pairs, [_ALIASES.get(h, h) for h in dropped]))


_ALIASES = {"r>=K": "enough-columns", "shared": "shared-covariance"}


def read_draft(data: dict[str, Any]) -> Draft | StatedDraft | OwnDraft:
    """Return the draft that its `to_json` wrote."""
    if data["kind"] == "record":
        return OwnDraft.from_json(data)
    return StatedDraft.from_json(data) if data["kind"] == "stated" else Draft.from_json(data)
