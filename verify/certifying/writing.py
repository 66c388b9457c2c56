"""How a certificate is written: the instance by value, every number as text, canonical bytes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from thmverify.exact import Diagonal, Rows
from thmverify.instances import record_to_json
from thmverify.kernel.certificate import FIELDS, FORMAT
from thmverify.kernel.claims import statement_hash
from thmverify.kernel.models import Finding
from thmverify.kernel.strict import canonical, digest
from thmverify.models import CLIPGMM, AugmentedPairs, Covariance, Floats, Instance, PopulationGraph, Record, SharedGMM


def instance_fields(instance: Instance) -> dict[str, Any]:
    """Return the instance as a certificate holds it: every field there, every number text."""
    model, tail = instance.model, {"rank": str(instance.rank)}
    match model:
        case AugmentedPairs(mixture=mixture):
            shared = isinstance(mixture, SharedGMM)
            data: dict[str, Any] = {"model": "shared-gmm" if shared else "gmm"}
            data |= {"weights": _texts(mixture.weights), "means": _rows(mixture.means)}
            if isinstance(mixture, SharedGMM):
                data["covariance"] = _covariance(mixture.covariance)
            else:
                data["covariances"] = [_covariance(c) for c in mixture.covariances]
            return data | {"bias": str(model.bias)} | tail | {"weight_decay": str(instance.weight_decay)}
        case CLIPGMM():
            data = {"model": "clip-gmm", "weights": _texts(model.weights)}
            for name, modality in (("vision", model.vision), ("text", model.text)):
                data[name] = {"means": _rows(modality.means), "covariance": _covariance(modality.covariance)}
            return data | {"bias": str(model.bias)} | tail
        case PopulationGraph():
            return {
                "model": "population-graph",
                "weights": _rows(model.weights),
                "labels": [str(x) for x in model.labels],
            } | tail
        case Record():
            return record_to_json(model)


def _texts(values: Sequence[Fraction]) -> list[str]:
    return [str(x) for x in values]


def _covariance(covariance: Covariance) -> list[Any]:
    return _texts(covariance.entries) if isinstance(covariance, Diagonal) else _rows(covariance)


def _rows(rows: Rows) -> list[list[str]]:
    return [_texts(row) for row in rows]


def dyadics(m: Floats) -> list[list[str]]:
    """Return a float64 matrix entry by entry, exactly, as text."""
    return [[str(Fraction(float(x))) for x in row] for row in np.atleast_2d(m)]


def certificate(claim: str, instance: dict[str, Any], rule: str, hints: dict[str, Any], finding: Finding) -> bytes:
    """Return the bytes of a certificate."""
    bounds, dimension = ([str(x) for x in part] for part in (finding.rank, finding.dimension))
    values = (FORMAT, claim, statement_hash(claim), instance, finding.verdict, bounds, dimension, rule, hints)
    body = dict(zip(FIELDS, values, strict=False))
    return canonical(body | {"content": digest(list(body.items()))})
