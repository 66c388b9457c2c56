"""Minimisers of the population losses: proposals in float64, which certificates then prove or refute."""

from __future__ import annotations

from collections.abc import Callable

from verify.errors import InputError
from verify.minimize.clip import minimise_clip
from verify.minimize.closed_forms import maximise_fisher, minimise_pca, minimise_spectral
from verify.minimize.infonce import minimise_infonce
from verify.minimize.polishing import polish
from verify.minimize.result import ColumnSpace, Minimiser, Note
from verify.minimize.simsiam import stationary_simsiam
from verify.models import Instance

_MINIMISERS: dict[str, Callable[[Instance, int], Minimiser]] = {
    "infonce": minimise_infonce,
    "clip": minimise_clip,
    "spectral": minimise_spectral,
    "simsiam": stationary_simsiam,
    "pca": minimise_pca,
    "fisher": maximise_fisher,
}


def minimise(loss_name: str, instance: Instance, rank: int | None = None, digits: int | None = None) -> Minimiser:
    """Return the optimum of a loss over maps with `rank` columns (the instance's r when omitted).

    `digits` asks for maps to so many digits, as rationals in `precise`; the floats that are always there have some 15.
    "fisher" is maximised, and "simsiam" has a stationary point in place of a minimum.
    Raises InputError when the name is no loss, the rank is below 1, or the loss is not defined for the model.
    """
    if loss_name not in _MINIMISERS:
        raise InputError("LOSS", loss_name, "is not a loss", f"write one of {', '.join(_MINIMISERS)}")
    columns = instance.rank if rank is None else rank
    if columns < 1:
        raise InputError("rank", columns, "must be ≥ 1", "r is the number of columns of the map")
    found = _MINIMISERS[loss_name](instance, columns)
    return found if digits is None else polish(found, instance, digits)


__all__ = ["ColumnSpace", "Minimiser", "Note", "minimise"]
