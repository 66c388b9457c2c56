"""Population losses of linear maps: a record for each, one module each, and the table of them.

`LOSSES` holds the records by the name used on the command line. To add one, write its module and name it here; from
outside the package, call `register`.
"""

from __future__ import annotations

from dataclasses import replace

from thmverify.errors import InputError, one_of
from thmverify.losses import (
    barlow_twins,
    clip,
    clip_batch,
    dcl,
    fisher,
    infonce,
    infonce_finite,
    infonce_key_bias,
    infonce_weighted,
    least_squares,
    logistic,
    ntxent_unnormalised,
    pca,
    siglip,
    simclr_normalised,
    simsiam,
    spectral,
    supcon,
    vicreg,
)
from thmverify.losses.expectations import from_formula
from thmverify.losses.record import Loss, Parameter, Row, Sense

LOSSES: dict[str, Loss] = {}

# Of statements about losses without a record, whose values are none of the integrals that we evaluate.
_ROWS = (
    Row("infonce-affine", "InfoNCE, affine maps", always=False),
    Row("infonce-shared-noise", "InfoNCE, shared noise", always=False),
    Row("clip-shared-noise", "CLIP’s W, shared noise", always=False),
    Row("whitening", "Whitening", always=False),
)


def register(loss: Loss, origin: str) -> Loss:
    """Add a loss to the table, and return its record there.

    origin: the distribution, module or file that the loss comes from. Raises InputError, naming both origins, when its
    name or the name of one of its rows is taken, and when `origin` is empty.

    Example: `register(Loss(name="my-loss", …), "my_theory.py")`, after which `thmverify loss my-loss …` knows it.
    """
    if not origin:
        raise InputError("origin", origin, "is empty", "name the distribution or the file that the loss comes from")
    if not isinstance(loss, Loss):
        raise InputError("loss", repr(loss), f"of {origin} is not a Loss", "register the record of a loss")
    if loss.name in LOSSES:
        rule = f"of {origin} is taken: {LOSSES[loss.name].origin} has a loss of that name"
        raise InputError("Loss.name", loss.name, rule, "rename one of the two")
    taken = {row.name: other for other in LOSSES.values() for row in other.rows}
    for row in loss.rows:
        if row.name in taken:
            rule = f"of {origin} is taken: the loss {taken[row.name].name} of {taken[row.name].origin} has that row"
            raise InputError("Loss.rows", row.name, rule, "rename one of the two")
    LOSSES[loss.name] = replace(loss, origin=origin)
    return LOSSES[loss.name]


def find_loss(name: str) -> Loss:
    """Return the loss of that name.

    Raises InputError, listing the names, when there is none.
    """
    if name not in LOSSES:
        raise InputError("LOSS", name, "is not a loss", one_of(name, LOSSES))
    return LOSSES[name]


def rows() -> dict[str, Row]:
    """Return the rows of the guarantee matrix by name, in the order of the table."""
    return {row.name: row for part in (*(loss.rows for loss in LOSSES.values()), _ROWS) for row in part}


def row_title(name: str) -> str:
    """Return the title of a row; a row that only a statement names goes by its name."""
    found = rows().get(name)
    return name if found is None else found.title


_OURS = (
    infonce, clip, simsiam, spectral, pca, fisher, infonce_weighted, siglip, barlow_twins, logistic, least_squares,
    vicreg, infonce_finite, dcl, supcon, ntxent_unnormalised, clip_batch, simclr_normalised,
    infonce_key_bias,
)  # fmt: skip
for _module in _OURS:
    register(_module.LOSS, "thmverify")

__all__ = [
    "LOSSES",
    "Loss",
    "Parameter",
    "Row",
    "Sense",
    "find_loss",
    "from_formula",
    "register",
    "row_title",
    "rows",
]
