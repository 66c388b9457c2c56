"""Hunts about a model of one's own: the search space that a statement's `Space` offers, its drafts, its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from thmverify.errors import InputError
from thmverify.hunting.drafts import length, tallest
from thmverify.hunting.settings import assigned
from thmverify.hypotheses import Hypothesis
from thmverify.models import Floats, Instance, Record
from thmverify.rationals import rational
from thmverify.relations import Relation
from thmverify.spaces import Space, Variable
from thmverify.statement import Statement
from thmverify.theories import registry
from thmverify.verdicts import Verdict

_HALVINGS = (3, 6, 10, 16, 24)  # of the range of a quantity: how far a rational may be from its float
FAR = 1e6  # a margin from outside the hypotheses is below those of all instances inside


def has_space(name: str) -> bool:
    """Whether a statement is one about a model of one's own."""
    return name in registry() and registry()[name].space is not None


def _statement(name: str) -> tuple[Statement, Space, Relation]:
    """Return a statement with its space and its conclusion. Raises InputError when it is not one that has them."""
    found = registry().get(name)
    if found is None or found.space is None or not isinstance(found.examine, Relation):
        raise InputError("ID", name, "has no space of instances to search", "hunt a statement made by `Statement.of`")
    return found, found.space, found.examine


@dataclass(frozen=True)
class Fixed:
    """What a hunt holds fixed: quantities with their values, and the hypotheses that it goes without."""

    values: tuple[tuple[str, Fraction], ...] = ()
    dropped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the settings as JSON, rationals as text."""
        return {"fixed": {name: str(x) for name, x in self.values}, "dropped": [*self.dropped]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fixed:
        """Return the settings that `to_json` wrote."""
        values = tuple((name, Fraction(text)) for name, text in data["fixed"].items())
        return cls(values, tuple(data["dropped"]))


def fixed(name: str, pairs: Sequence[str], dropped: Sequence[str]) -> Fixed:
    """Return the settings of "quantity=value" and dropped hypotheses. Raises InputError for what is unknown."""
    statement, space, _ = _statement(name)
    known = [h.name for h in statement.hypotheses]
    for given in dropped:
        if given not in known:
            rule = f"is no hypothesis of {name}"
            raise InputError("--drop", given, rule, f"these can be dropped: {', '.join(known) or 'none'}")
    numbers = [v.name for v in space.variables if not v.shape]
    given_values = assigned(pairs, numbers, "that is a number of this model")
    values = {key: rational(f"--set {key}", value) for key, value in given_values.items()}
    return Fixed(tuple(values.items()), tuple(dict.fromkeys(dropped)))


@dataclass(frozen=True)
class _Search:
    """What settings leave of a statement: the conclusion, the free part of the space, and the hypotheses.

    `kept` are the hypotheses that the hunt has, `hypotheses` the same with the fixed quantities put in.
    """

    relation: Relation
    whole: Space
    space: Space
    values: dict[str, Fraction]
    kept: tuple[Hypothesis, ...]
    hypotheses: tuple[Hypothesis, ...]

    @classmethod
    def of(cls, name: str, settings: Fixed) -> _Search:
        """Return the search. Raises InputError when the statement has no space."""
        statement, whole, relation = _statement(name)
        values = dict(settings.values)
        kept = tuple(h for h in statement.hypotheses if h.name not in settings.dropped)
        put = {v.symbol: values[v.name] for v in whole.variables if v.name in values}
        free = replace(whole, variables=tuple(v for v in whole.variables if v.name not in values))
        stated = tuple(replace(h, formula=h.formula.subs(put)) for h in kept)
        return cls(relation, whole, free, values, kept, stated)

    @property
    def free(self) -> tuple[Variable, ...]:
        """The quantities that are searched."""
        return self.space.free(self.hypotheses)


class OwnTarget:
    """The conclusion of a statement over its model's space: a point is a share of the range of each free number."""

    def __init__(self, name: str, settings: Fixed) -> None:
        self.claim, self._settings, self._search = name, settings, _Search.of(name, settings)
        self._conditions = [Relation(h.name, h.formula) for h in self._search.kept]
        self.size = self._search.space.size(self._search.hypotheses)
        if self.size == 0:
            raise InputError(
                "--set", ", ".join(self._search.values), "leaves nothing to search", "set fewer quantities"
            )

    def _batch(self, points: Floats) -> dict[str, Floats]:
        found = self._search.space.batch(points, self._search.hypotheses)
        return found | {name: np.full(len(points), float(x)) for name, x in self._search.values.items()}

    def margins(self, points: Floats) -> Floats:
        """Return the margin of the conclusion; where a hypothesis looks false, how false, far below."""
        batch = self._batch(points)
        found = self._search.relation.margins(batch)
        outside = np.zeros(len(points))
        for condition in self._conditions:
            outside = np.maximum(outside, condition.margins(batch))
        within = outside <= 1e-12  # an equation that determines a quantity is kept to rounding alone
        lowest: Floats = np.where(within, np.maximum(found, -FAR), -FAR - outside)
        return lowest

    def drafts(self, point: Floats) -> Iterator[OwnDraft]:
        """Yield records near a point, in simple numbers first."""
        search = self._search
        batch = {name: values[0] for name, values in search.space.batch(point[None], search.hypotheses).items()}
        for halvings in _HALVINGS:
            values = dict(search.space.exact(batch, search.hypotheses, halvings).entries)
            draft = OwnDraft(self.claim, self._settings, tuple(x for v in search.free for x in _flat(values[v.name])))
            if draft.spans:
                yield draft


@dataclass(frozen=True)
class OwnDraft:
    """The free numbers of a record, and which statement and settings they belong to."""

    statement: str
    settings: Fixed
    numbers: tuple[Fraction, ...]

    def with_numbers(self, numbers: Sequence[Fraction]) -> OwnDraft:
        """Return the draft with other free numbers."""
        return replace(self, numbers=tuple(numbers))

    def instance(self) -> Instance:
        """Return the instance. Raises InputError when the numbers make none that satisfies the hypotheses."""
        search = _Search.of(self.statement, self.settings)
        rest = iter(self.numbers)
        found: dict[str, Any] = {}
        for v in search.free:
            found[v.name] = _shaped(v, rest)
            if any(not v.low <= x <= v.high for x in _flat(found[v.name])):
                raise InputError(v.name, found[v.name], f"is outside {v.low}…{v.high}", "stay in the range")
        entries = dict(search.space.complete(found, search.hypotheses).entries) | search.values
        instance = Instance(Record(**{v.name: entries[v.name] for v in search.whole.variables}))
        for h in search.kept:
            if not h.holds(instance):
                raise InputError(h.name, str(h.formula), "is false on the instance", "change the numbers")
        return instance

    @property
    def spans(self) -> bool:
        """Whether the numbers make an instance that satisfies the hypotheses."""
        try:
            self.instance()
        except (InputError, ArithmeticError, TypeError):
            return False
        return True

    def kept(self, _settings: object) -> bool:
        """Whether what the user fixed is kept: it is not among the numbers."""
        return True

    def canonical(self) -> OwnDraft:
        """Return the draft itself: no symmetry of the statement is known."""
        return self

    def decide(self, claim: str) -> tuple[Verdict, bytes | None]:
        """Return the verdict on the conclusion, and the certificate. Raises InputError when there is no instance."""
        return _statement(claim)[2].decide(self.instance())

    def smaller(self) -> Iterator[OwnDraft]:
        """A record has no part that could be left out."""
        return iter(())

    @property
    def height(self) -> int:
        """The largest numerator or denominator among the free numbers."""
        return tallest(self.numbers)

    @property
    def cost(self) -> tuple[int, int, int, float]:
        """What simplification lowers: the length of all numbers."""
        return 0, 0, 0, round(sum(length(x) for x in self.numbers), 6)

    def to_json(self) -> dict[str, Any]:
        """Return the draft as JSON, rationals as text."""
        numbers = [str(x) for x in self.numbers]
        return {"kind": "record", "statement": self.statement, "settings": self.settings.to_json(), "numbers": numbers}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> OwnDraft:
        """Return the draft that `to_json` wrote."""
        numbers = tuple(Fraction(x) for x in data["numbers"])
        return cls(data["statement"], Fixed.from_json(data["settings"]), numbers)


def _flat(value: Any) -> list[Fraction]:
    return [x for part in value for x in _flat(part)] if isinstance(value, list | tuple) else [value]


def _shaped(variable: Variable, rest: Iterator[Fraction]) -> Any:
    if not variable.shape:
        return next(rest)
    rows, columns = variable.shape
    return [[next(rest) for _ in range(columns)] for _ in range(rows)]
