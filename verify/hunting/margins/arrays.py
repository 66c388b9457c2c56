"""What the margins share: which array library an array belongs to, and small linear algebra on batches."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # an array of any library that follows the array API


def namespace(array: Array) -> Any:
    """Return the library an array belongs to."""
    own = getattr(array, "__array_namespace__", None)
    return np if own is None else own()


def transposed(m: Array) -> Array:
    """Return a batch of matrices, each transposed."""
    return namespace(m).moveaxis(m, -1, -2)


def times(m: Array, v: Array) -> Array:
    """Return a batch of matrices times a batch of vectors."""
    return (m @ v[..., None])[..., 0]


def outer(u: Array, v: Array) -> Array:
    """Return u vᵀ of two batches of vectors."""
    return u[..., :, None] * v[..., None, :]


def projected(form: Array, direction: Array) -> tuple[Array, Array]:
    """Return a batch of quadratic forms restricted to the complement of a direction, and the unit direction."""
    xp = namespace(form)
    unit = direction / xp.sqrt(xp.sum(direction * direction, axis=-1))[..., None]
    along = times(form, unit)
    inner = xp.sum(unit * along, axis=-1)[..., None, None]
    mixed = outer(unit, along)
    return form - mixed - transposed(mixed) + inner * outer(unit, unit), unit
