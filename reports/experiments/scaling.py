"""Figure 2d: the scaling that a map learns inside the Fisher subspace."""

from __future__ import annotations

from reports.experiments import laws
from reports.experiments.charts import Sheet
from reports.experiments.figure import (
    FLAT_FISHER,
    METHODS,
    PAPER,
    Figure,
    Inputs,
    both_regimes,
    common_choices,
    described,
    how_measured,
    keys,
    log_axis,
    values,
)
from reports.experiments.records import FISHER, INFONCE, LEARNED, ORTHONORMAL, POPULATION, SAMPLE, Check
from reports.experiments.tables import Table, better_at_last, invariant

ID = "2d"
TITLE = "Learned scaling inside the Fisher subspace"
LABEL = "s: stretch of one coordinate of S_F"
DRAWN = (METHODS[0], FLAT_FISHER, *METHODS[1:])


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check that InfoNCE undoes the stretch, which a basis of S_F does not."""
    table = Table(inputs[ID])
    return tuple(
        found
        for regime in (POPULATION, SAMPLE)
        for found in (
            better_at_last(table, regime, (INFONCE, LEARNED), (FISHER, ORTHONORMAL)),
            invariant(table, regime, INFONCE),
        )
    )


def draw(inputs: Inputs) -> Sheet:
    """Return the two panels."""
    axis = log_axis(LABEL, values(inputs[ID].settings))
    return Sheet(f"{ID}  {TITLE}", both_regimes(inputs[ID], "", axis, DRAWN), 2, keys(DRAWN))


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    return (
        "One coordinate of S_F, its means and its noise, is multiplied by s: a change of units, to which a map that "
        "scales well inside S_F is indifferent, and an orthonormal basis of S_F is not. "
        + how_measured(inputs[ID].settings)
    )


def choices(inputs: Inputs) -> str:
    """Return our choices."""
    law = f"δ = 1; variance {laws.NOISE} in {laws.LOUD} directions orthogonal to S_F; r = {laws.COLUMNS}"
    return common_choices(inputs[ID].settings, law) + " That the scaling is tried by a stretch is our reading."


def alt(inputs: Inputs) -> str:
    """Describe the curves."""
    return described(inputs[ID], (POPULATION, SAMPLE), DRAWN, "s")


FIGURE = Figure(
    ID,
    TITLE,
    (ID,),
    "The InfoNCE loss learns a good scaling within the Fisher subspace, not the subspace alone.",
    f"Figure 2 (d) and its caption; {PAPER}",
    "At the largest stretch InfoNCE scores above an orthonormal basis of S_F (of its estimate from labels, for "
    "samples) with 95 % confidence, and at every stretch its score is within 0.05 of that without one.",
    choices,
    check,
    draw,
    caption,
    alt,
)
