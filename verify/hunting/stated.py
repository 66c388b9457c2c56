"""Hunts of statements about mixtures that have no conjecture in the box: their own margins, instance by instance
unless a margin has batches (`SlopeAcross` has).

The search space is what the model offers: weights, means, covariances and the settings of a hunt. Instances on which a
hypothesis is false are far below all others, decided exactly; a statement that needs more luck than that is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import takewhile
from typing import Any, Protocol, runtime_checkable

import numpy as np

from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL
from thmverify.hunting.drafts import Draft, Kind
from thmverify.hunting.own import FAR
from thmverify.hunting.settings import Settings
from thmverify.hunting.targets import MixtureTarget, PairedTarget
from thmverify.instances import instance_to_json
from thmverify.models import Floats, Instance, PairedGMM, PopulationGraph, Record
from thmverify.statement import Statement
from thmverify.theories import registry
from thmverify.verdicts import Outcome, Provenance, Verdict

ALLOWED = ("components", "dimension", "delta", "centred", "weights", "covariance", "rank", "decay")
_NARROWER: tuple[dict[str, str], ...] = (  # tried in this order, for hypotheses that ask for it
    {},
    {"weights": "equal"},
    {"covariance": "identity"},
    {"weights": "equal", "covariance": "identity"},
)
_TRIED = 64  # points that are tried before a search begins: one of them has to satisfy the hypotheses


def is_about_mixtures(name: str) -> bool:
    """Whether a statement is there and is about mixtures, so that there is a space to search."""
    return name in registry() and not isinstance(registry()[name].witness.model, PopulationGraph | Record)


@runtime_checkable
class BatchMargin(Protocol):
    """A margin that is found for many instances at once: NaN where it is not, and that of one instance is asked."""

    def batch(self, instances: Sequence[Instance]) -> Floats:
        """Return the margins (n)."""
        ...


def in_batches(statement: Statement) -> BatchMargin | None:
    """Return the margin of a statement where it is found for many instances at once."""
    return statement.margin if isinstance(statement.margin, BatchMargin) else None


@dataclass(frozen=True)
class Stated:
    """What a hunt of a statement holds fixed: settings, and the hypotheses that it goes without."""

    settings: Settings
    dropped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the settings as JSON, rationals as text."""
        return {**self.settings.to_json(), "dropped": [*self.dropped]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Stated:
        """Return the settings that `to_json` wrote."""
        settings = {key: value for key, value in data.items() if key != "dropped"}
        return cls(Settings.from_json(settings), tuple(data["dropped"]))


def stated(name: str, pairs: Sequence[str], dropped: Sequence[str]) -> Stated:
    """Return the settings of a hunt, those of the statement's witness where `pairs` say nothing.

    Raises InputError for what is unknown, and when no typical point satisfies the hypotheses.
    """
    statement = registry()[name]
    known = [h.name for h in statement.hypotheses if not h.constitutive]
    for given in dropped:
        if given not in known:
            rule = f"is no hypothesis that {name} can be hunted without"
            raise InputError("--drop", given, rule, f"these can be dropped: {', '.join(known) or 'none'}")
    settings = _of_witness(statement.witness).with_text(pairs, ALLOWED)
    without = tuple(dict.fromkeys(dropped))
    missing = []
    for change in _NARROWER:
        about = Stated(_narrowed(settings, change), without)
        missing.append(StatedTarget(name, about).out_of_reach)
        if not missing[-1]:
            return about
    raise _out_of_reach(statement, missing[0])


def _out_of_reach(statement: Statement, missing: str) -> InputError:
    """Return what to raise when no typical point satisfies the hypotheses that are named."""
    first = missing.partition(", ")[0]
    droppable = any(h.name == first and not h.constitutive for h in statement.hypotheses)
    other = f"add --drop {first}" if droppable else f"`thmverify verify {statement.id}` draws some that do"
    remedy = f"set what it asks for, or {other}" if droppable else other
    return InputError("ID", statement.id, f"no random mixture satisfies {missing} with these settings", remedy)


def _narrowed(settings: Settings, change: Mapping[str, str]) -> Settings:
    """Return the settings with what the user did not name changed."""
    return replace(settings, **{key: value for key, value in change.items() if key not in settings.named})  # type: ignore[arg-type]


def _of_witness(witness: Instance) -> Settings:
    """Return the settings of instances like this one; small means and identity covariances are not asked for."""
    model = witness.model
    if isinstance(model, PairedGMM):
        centred = model.vision.is_centred and model.text.is_centred
        dimension = max(model.vision.dimension, model.text.dimension)
        return Settings(model.vision.components, dimension, model.bias, centred, rank=witness.rank)
    mixture = witness.pairs.mixture
    return Settings(
        mixture.components,
        mixture.dimension,
        witness.pairs.bias,
        mixture.is_centred,
        covariance="free",
        shape="any",
        rank=witness.rank,
        decay=witness.weight_decay,
    )


class StatedTarget:
    """The conclusion of a statement over mixtures: a point stands for the instance of its first draft."""

    def __init__(self, name: str, about: Stated) -> None:
        self.claim, self._about = name, about
        settings, statement = about.settings, registry()[name]
        self._statement = statement
        if isinstance(statement.witness.model, PairedGMM):
            self._points: MixtureTarget | PairedTarget = PairedTarget("clip-effective-equality", settings)
        else:
            shared = any(h.name == "shared-covariance" for h in _kept(statement, about))
            kind: Kind = "shared-gmm" if shared else "gmm"
            self._points = MixtureTarget(name, settings, lambda mixtures: np.zeros(len(mixtures.weights)), kind)
        self.size = self._points.size

    @property
    def out_of_reach(self) -> str:
        """The hypotheses that a typical point does not satisfy, if none does; else nothing."""
        points = np.random.default_rng(0).standard_normal((_TRIED, self.size))
        missing = [*takewhile(bool, (_missing(self._first(point)) for point in points))]
        return missing[0] if len(missing) == _TRIED else ""

    def _first(self, point: Floats) -> StatedDraft:
        return next(self.drafts(point))

    def margins(self, points: Floats) -> Floats:
        """Return the statement's margin at each point; far below all others where a hypothesis is false."""
        drafts = [self._first(point) for point in points]
        asked = [i for i, draft in enumerate(drafts) if not _missing(draft)]
        found = np.full(len(points), -FAR)
        instances = [drafts[i].instance() for i in asked]
        for i, instance, told in zip(asked, instances, self._at_once(instances), strict=True):
            found[i] = self._margin(instance) if math.isnan(told) else max(told, -FAR)
        return found

    def _at_once(self, instances: Sequence[Instance]) -> Floats:
        """Return the margins that the statement has for a batch, NaN where it tells none."""
        margin = in_batches(self._statement)
        return np.full(len(instances), np.nan) if margin is None else margin.batch(instances)

    def _margin(self, instance: Instance) -> float:
        try:
            found = self._statement.margin(instance)
        except (InputError, *FLOATS_FAIL):
            return -FAR
        return -FAR if math.isnan(found) else max(found, -FAR)

    def drafts(self, point: Floats) -> Iterator[StatedDraft]:
        """Yield the instance in coarse numbers, then in finer ones."""
        for draft in self._points.drafts(point):
            yield StatedDraft(self.claim, self._about.dropped, draft)


def _kept(statement: Statement, about: Stated) -> list[Any]:
    return [h for h in statement.hypotheses if h.name not in about.dropped]


def _missing(draft: StatedDraft) -> str:
    """Return which hypotheses are false on a draft's instance, or why there is none; nothing when all hold."""
    try:
        return ", ".join(draft.false_hypotheses)
    except InputError as error:
        return error.field


@dataclass(frozen=True)
class StatedDraft:
    """The free numbers of a mixture, and which statement it is to refute without which hypotheses."""

    statement: str
    dropped: tuple[str, ...]
    draft: Draft

    @property
    def numbers(self) -> tuple[Fraction, ...]:
        """The free numbers."""
        return self.draft.numbers

    def with_numbers(self, numbers: Sequence[Fraction]) -> StatedDraft:
        """Return the draft with other free numbers."""
        return replace(self, draft=self.draft.with_numbers(numbers))

    def instance(self) -> Instance:
        """Return the instance. Raises InputError when the numbers make none."""
        return self.draft.instance()

    @cached_property
    def false_hypotheses(self) -> tuple[str, ...]:
        """The hypotheses, but those that the hunt goes without, that are false on the instance.

        Raises InputError when the numbers make none.
        """
        missing = registry()[self.statement].false_hypotheses(self.instance())
        return tuple(name for name in missing if name not in self.dropped)

    @property
    def spans(self) -> bool:
        """Whether the numbers make an instance that satisfies the hypotheses."""
        return not _missing(self)

    def kept(self, settings: Stated) -> bool:
        """Whether what the user fixed is kept."""
        return self.draft.kept(settings.settings)

    def canonical(self) -> StatedDraft:
        """Return the draft whose instance is the same up to signs and orders that nothing depends on."""
        return replace(self, draft=self.draft.canonical())

    def decide(self, _claim: str) -> tuple[Verdict, bytes | None]:
        """Return the verdict on the conclusion, and what shows it: a certificate, or the instance itself.

        It is the instance where the kernel has no claim that says the same and the statement's own rational arithmetic
        or enclosures decide. Raises InputError when there is no instance.
        """
        instance = self.instance()
        verdict, certificate = registry()[self.statement].decided(instance)
        decided = verdict.outcome is Outcome.REFUTED and verdict.provenance is not Provenance.FLOATING
        if certificate is None and decided:
            certificate = (json.dumps(instance_to_json(instance), indent=1) + "\n").encode("ascii")
        return verdict, certificate

    def smaller(self) -> Iterator[StatedDraft]:
        """Yield the draft without a component, a dimension, a covariance."""
        return (replace(self, draft=draft) for draft in self.draft.smaller())

    @property
    def height(self) -> int:
        """The largest numerator or denominator."""
        return self.draft.height

    @property
    def cost(self) -> tuple[int, int, int, float]:
        """What simplification lowers."""
        return self.draft.cost

    def to_json(self) -> dict[str, Any]:
        """Return the draft as JSON, rationals as text."""
        return {
            "kind": "stated",
            "statement": self.statement,
            "dropped": [*self.dropped],
            "draft": self.draft.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StatedDraft:
        """Return the draft that `to_json` wrote."""
        return cls(data["statement"], tuple(data["dropped"]), Draft.from_json(data["draft"]))
