"""Minimisers of the population losses: proposals in float64, which certificates then prove or refute."""

from __future__ import annotations

from verify.errors import InputError
from verify.minimize.infonce import minimise_shared
from verify.minimize.result import ColumnSpace, Minimiser, Note
from verify.models import Instance, SharedGMM


def minimise(loss_name: str, instance: Instance, rank: int | None = None) -> Minimiser:
    r = instance.rank if rank is None else rank
    return minimise_shared(instance, r)
