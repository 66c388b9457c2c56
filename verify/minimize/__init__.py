"""Minimisers of the population losses: proposals in float64, which certificates then prove or refute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain

import numpy as np

from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL, Diagonal
from thmverify.kernel.strict import Rejected
from thmverify.losses import Loss, find_loss
from thmverify.minimize.effort import Effort
from thmverify.minimize.result import ColumnSpace, Minimiser, Note
from thmverify.models import AugmentedPairs, Instance, PairedGMM

_SMALLER = "give shorter numbers, fewer coordinates, or a diagonal covariance"
_DECADES = 60  # fourth powers of such numbers are floats still
_LARGEST = Fraction(10) ** _DECADES


def minimise(
    loss: str | Loss,
    instance: Instance,
    rank: int | None = None,
    digits: int | None = None,
    effort: Effort | None = None,
) -> Minimiser:
    """Return the optimum of a loss over maps with `rank` columns (the instance's r when omitted).

    `digits` asks for maps to so many digits, as rationals in `precise`; the floats that are always there have some 15.
    `effort` limits the time of InfoNCE and CLIP, and hears of their steps; when the time is over the best so far is
    returned, with a bound that says how far it is. What is optimised is what the record of the loss says:
    "fisher" is maximised, and "simsiam" has a stationary point in place of a minimum.
    Raises InputError when the name is no loss, the rank is below 1, the loss is not defined for the model, or a number
    of the instance is beyond what floating point can work with.
    """
    record = find_loss(loss) if isinstance(loss, str) else loss
    columns = instance.rank if rank is None else rank
    if columns < 1:
        raise InputError("rank", columns, "must be ≥ 1", "r is the number of columns of the map")
    record.check_model(instance)
    _check_range(instance)
    try:
        with np.errstate(all="ignore"):
            found = _found(record, instance, columns, effort or Effort())
            return found if digits is None else _polished(found, record, instance, digits)
    except Rejected as error:
        raise InputError("instance", instance.kind, f"is too large for exact coordinates: {error}", _SMALLER) from None
    except FLOATS_FAIL as error:
        rule = f"has numbers too far apart for floating point, which proposes minimisers ({error})"
        raise InputError("instance", instance.kind, rule, "rescale the coordinates of x") from None


def _found(record: Loss, instance: Instance, columns: int, effort: Effort) -> Minimiser:
    if record.minimiser is None:
        from thmverify.minimize.general import minimise_generally

        return minimise_generally(record, instance, columns)
    given = (record.settings,) if record.parameters else ()
    minimiser: Minimiser = record.minimiser(instance, columns, *given, *((effort,) if record.budgeted else ()))
    return minimiser


def _polished(found: Minimiser, record: Loss, instance: Instance, digits: int) -> Minimiser:
    from thmverify.minimize.polishing import polish

    return polish(found, record, instance, digits)


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
        case PairedGMM(vision=vision, text=text):
            mixtures = {"vision.": vision, "text.": text}
        case _:
            mixtures = {}
    for prefix, mixture in mixtures.items():
        yield f"{prefix}weights", mixture.weights
        yield f"{prefix}means", chain.from_iterable(mixture.means)
        for covariance in {id(c): c for c in mixture.covariances}.values():
            entries = covariance.entries if isinstance(covariance, Diagonal) else chain.from_iterable(covariance)
            yield f"{prefix}covariance", entries


__all__ = ["ColumnSpace", "Effort", "Minimiser", "Note", "minimise"]
