"""How a certificate is written: the instance by value, every number as text, canonical bytes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.instances import instance_to_json, parse_instance
from thmverify.kernel.certificate import FIELDS, FORMAT
from thmverify.kernel.claims import statement_hash
from thmverify.kernel.models import Finding
from thmverify.kernel.strict import canonical, digest
from thmverify.models import AugmentedPairs, Floats, Instance, PopulationGraph, Record


def instance_fields(instance: Instance) -> dict[str, Any]:
    """Return the instance as a certificate holds it: as in a file, but every field there, and every number text."""
    fields = instance_to_json(instance)
    if isinstance(instance.model, Record):
        return fields
    fields["rank"] = str(instance.rank)
    if isinstance(instance.model, AugmentedPairs):
        fields["weight_decay"] = str(instance.weight_decay)
    if isinstance(instance.model, PopulationGraph):
        fields["labels"] = [str(x) for x in instance.model.labels]
    return fields


def written_instance(fields: dict[str, Any]) -> Instance:
    """Return the instance that a certificate holds: the inverse of `instance_fields`. Raises InputError."""
    whole: dict[str, Any] = {name: int(fields[name]) for name in ("rank",) if name in fields}
    if "labels" in fields:
        whole["labels"] = [int(x) for x in fields["labels"]]
    return parse_instance({**fields, **whole})


def dyadics(m: Floats) -> list[list[str]]:
    """Return a float64 matrix entry by entry, exactly, as text."""
    return [[str(Fraction(float(x))) for x in row] for row in np.atleast_2d(m)]


def rationals(m: fmpq_mat) -> list[list[str]]:
    """Return a rational matrix entry by entry as text."""
    return [[str(x) for x in row] for row in exact.to_rows(m)]


def certificate(claim: str, instance: dict[str, Any], rule: str, hints: dict[str, Any], finding: Finding) -> bytes:
    """Return the bytes of a certificate."""
    bounds, dimension = ([str(x) for x in part] for part in (finding.rank, finding.dimension))
    values = (FORMAT, claim, statement_hash(claim), instance, finding.verdict, bounds, dimension, rule, hints)
    body = dict(zip(FIELDS, values, strict=False))
    return canonical(body | {"content": digest(list(body.items()))})
