"""Minimisers of the population losses: proposals in float64, which certificates then prove or refute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain

import numpy as np

from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL
from thmverify.minimize.clip import minimise_clip
from thmverify.minimize.closed_forms import maximise_fisher, minimise_pca, minimise_spectral
from thmverify.minimize.infonce import minimise_infonce
from thmverify.minimize.polishing import polish
from thmverify.minimize.result import ColumnSpace, Minimiser, Note
from thmverify.minimize.simsiam import stationary_simsiam
from thmverify.models import CLIPGMM, AugmentedPairs, Instance

_DECADES = 60  # fourth powers of such numbers are floats still
_LARGEST = Fraction(10) ** _DECADES

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
    Raises InputError when the name is no loss, the rank is below 1, the loss is not defined for the model, or a number
    of the instance is beyond what floating point can work with.
    """
    if loss_name not in _MINIMISERS:
        raise InputError("LOSS", loss_name, "is not a loss", f"write one of {', '.join(_MINIMISERS)}")
    columns = instance.rank if rank is None else rank
    if columns < 1:
        raise InputError("rank", columns, "must be ≥ 1", "r is the number of columns of the map")
    _check_range(instance)
    try:
        with np.errstate(all="ignore"):
            found = _MINIMISERS[loss_name](instance, columns)
            return found if digits is None else polish(found, instance, digits)
    except FLOATS_FAIL as error:
        rule = f"has numbers too far apart for floating point, which proposes minimisers ({error})"
        raise InputError("instance", type(instance.model).__name__, rule, "rescale the coordinates of x") from None


def _check_range(instance: Instance) -> None:
    """Raise InputError unless every number of the instance is 0 or well within the range of floats."""
    for field, numbers in _numbers(instance):
        for x in numbers:
            if x and not 1 / _LARGEST <= abs(x) <= _LARGEST:
                rule = f"is not between 10^-{_DECADES} and 10^{_DECADES}, where floating point can propose a minimiser"
                raise InputError(field, str(x), rule, "rescale the coordinates of x")


def _numbers(instance: Instance) -> Iterator[tuple[str, Iterable[Fraction]]]:
    """Yield the instance's numbers, field by field."""
    yield "weight_decay", [instance.weight_decay]
    match instance.model:
        case AugmentedPairs(mixture=mixture):
            mixtures = {"": mixture}
        case CLIPGMM(vision=vision, text=text):
            mixtures = {"vision.": vision, "text.": text}
        case _:
            mixtures = {}
    for prefix, mixture in mixtures.items():
        yield f"{prefix}weights", mixture.weights
        yield f"{prefix}means", chain.from_iterable(mixture.means)
        for covariance in mixture.covariances:
            yield f"{prefix}covariance", chain.from_iterable(covariance)


__all__ = ["ColumnSpace", "Minimiser", "Note", "minimise"]
