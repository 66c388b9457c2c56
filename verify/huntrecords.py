"""Records of hunts: what a hunt searched, how far it got, and what it certified. Evidence about an open statement.

`thmverify hunts export` writes them from the ledger. A float is text, its shortest form that reads back the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from thmverify.errors import InputError
from thmverify.instances import parse_instance
from thmverify.jsonfiles import read_object
from thmverify.models import Instance

Float = Annotated[str, Field(pattern=r"^[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$")]
Rational = Annotated[str, Field(pattern=r"^[0-9]+(/[1-9][0-9]*)?$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(strict=True, ge=1)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Searched(_Record):
    """The instances that were searched, as `thmverify.hunting.settings.Settings` has them; `named` by `--set`.

    `dropped` belongs to hunts of statements that are no conjecture of the box: it is written only where it was given.
    """

    components: Count
    dimension: Count
    delta: Rational
    centred: bool
    weights: Literal["free", "equal"]
    covariance: Literal["identity", "free"]
    shape: Literal["line", "any"]
    rank: Annotated[int, Field(strict=True, ge=0)]
    decay: Rational
    named: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    @model_serializer(mode="wrap")
    def _as_given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = write(self)
        return data if "dropped" in self.model_fields_set else {k: v for k, v in data.items() if k != "dropped"}

    @property
    def family(self) -> tuple[object, ...]:
        """What hunts share that differ in components, dimension and seed alone."""
        s = self
        return s.delta, s.centred, s.weights, s.covariance, s.shape, s.rank, s.decay, s.dropped

    def words(self, others: Sequence[Searched]) -> list[str]:
        """Return what was searched by it and others of its family."""
        return [
            f"{_range([s.components for s in others])} components",
            f"{'centred ' if self.centred else ''}means {'nearly on a line' if self.shape == 'line' else 'anywhere'}",
            f"d = {_range([s.dimension for s in others])}",
            *(["equal weights"] if self.weights == "equal" else []),
            f"δ = {self.delta}",
            *([f"r = {self.rank}"] if self.rank else []),
        ]


class SearchedSpace(_Record):
    """What a hunt about a model of one's own held fixed, as `thmverify.hunting.own.Fixed` has it."""

    fixed: dict[str, str]
    dropped: tuple[str, ...]

    @property
    def family(self) -> tuple[object, ...]:
        """What hunts share that differ in their seed alone."""
        return (*self.fixed.items(), self.dropped)

    def words(self, _others: Sequence[object]) -> list[str]:
        """Return what was searched."""
        return [f"{name} = {value}" for name, value in self.fixed.items()] or ["the whole space"]


class HuntRecord(_Record):
    """One hunt, as far as it got.

    `point` is the vector with the best margin and `instance` the first exact instance that it stands for; `certified`
    are the SHA-256 digests of the certificates found. Whoever has the versions gets the same record again. `islands` is
    how many searches it was; 0 in records of format 1, which had no islands.
    """

    format: Literal["thmverify-hunt/1", "thmverify-hunt/2"] = "thmverify-hunt/2"
    hunt: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    conjecture: str
    claim: str
    settings: Searched | SearchedSpace
    seed: Annotated[int, Field(strict=True, ge=0)]
    searchers: Annotated[tuple[str, ...], Field(min_length=1)]
    batch: Count
    islands: Annotated[int, Field(strict=True, ge=0)] = 0
    evaluations: Count
    best_margin: Float
    point: tuple[Float, ...]
    instance: dict[str, Any]
    certified: tuple[Digest, ...]
    versions: dict[str, str]

    @cached_property
    def exact_instance(self) -> Instance:
        """The instance near the best point. Raises InputError when it is none."""
        return parse_instance(self.instance)

    @property
    def family(self) -> tuple[object, ...]:
        """What hunts share that differ in components, dimension and seed alone."""
        return self.claim, *self.settings.family


def read_record(path: str | os.PathLike[str]) -> HuntRecord:
    """Return the record in the file at `path`.

    Raises InputError when there is none, or its instance is none.
    """
    name = os.fspath(path)
    data = read_object(name)
    try:
        record = HuntRecord.model_validate(data)
        _ = record.exact_instance
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "record"
        rule, remedy = f"breaks the rule {first['type']}", "write it anew with `thmverify hunts export`"
        raise InputError(field, first["input"], rule, remedy).in_file(name) from None
    except InputError as error:
        raise error.under("instance").in_file(name) from None
    return record


def record_schema() -> dict[str, Any]:
    """Return the JSON Schema of hunt records."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **HuntRecord.model_json_schema()}


def evaluations(records: Sequence[HuntRecord]) -> int:
    """Return how many instances were evaluated in all."""
    return sum(record.evaluations for record in records)


def summary(records: Sequence[HuntRecord], dropped: Sequence[str]) -> str:
    """Return one sentence about hunts of one family, which went without the hypotheses `dropped`."""
    settings: list[Any] = [record.settings for record in records]
    best = max(records, key=lambda record: float(record.best_margin))
    found = sum(bool(record.certified) for record in records)
    hunts = "A hunt" if len(records) == 1 else f"{len(records)} hunts"
    without = f" without {', '.join(dropped)}" if dropped else ""
    over = ", ".join(settings[0].words(settings))
    outcome = f"certified {found or 'no'} counterexample{'s' if found > 1 else ''}"
    margin = f"{float(best.best_margin):.4f}".replace("-", "−")
    where = best.settings
    at = f" at {where.components} components" if len(records) > 1 and isinstance(where, Searched) else ""
    return (
        f"{hunts}{without} ({over}) evaluated {evaluations(records):,} instances and {outcome}; "
        f"the best margin is {margin}{at}, in floating point (positive looks violated)."
    )


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
