"""Figure 2c: the dimension of the projection."""

from __future__ import annotations

from reports.experiments import laws
from reports.experiments.charts import Sheet
from reports.experiments.figure import (
    METHODS,
    PAPER,
    Figure,
    Inputs,
    both_regimes,
    common_choices,
    described,
    even_axis,
    how_measured,
    keys,
    values,
)
from reports.experiments.records import INFONCE, LEARNED, PCA, POPULATION, SAMPLE, Check
from reports.experiments.tables import Table, better_everywhere

ID = "2c"
TITLE = "Projection dimension"
LABEL = "r: columns of the map (evenly spaced)"


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check that InfoNCE scores above PCA at every r."""
    table = Table(inputs[ID])
    return tuple(
        better_everywhere(table, regime, (INFONCE, LEARNED), (PCA, LEARNED)) for regime in (POPULATION, SAMPLE)
    )


def draw(inputs: Inputs) -> Sheet:
    """Return the two panels."""
    axis = even_axis(LABEL, values(inputs[ID].settings))
    return Sheet(f"{ID}  {TITLE}", both_regimes(inputs[ID], "", axis, METHODS), 2, keys(METHODS))


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    return (
        f"S_F has dimension {laws.SIGNAL}: with fewer columns no map can hold it, and more columns than that stay "
        "empty in the population. At r = d PCA is a rotation of the data. " + how_measured(inputs[ID].settings)
    )


def choices(inputs: Inputs) -> str:
    """Return our choices."""
    return common_choices(
        inputs[ID].settings, f"δ = 1; variance {laws.NOISE} in {laws.LOUD} directions orthogonal to S_F"
    )


def alt(inputs: Inputs) -> str:
    """Describe the curves."""
    return described(inputs[ID], (POPULATION, SAMPLE), METHODS, "r")


FIGURE = Figure(
    ID,
    TITLE,
    (ID,),
    "The InfoNCE loss does better than spectral methods for every projection dimension.",
    f"Figure 2 (c) and its caption; {PAPER}",
    "At every r InfoNCE scores above PCA with 95 % confidence, as population minimiser and trained on samples. "
    "(Spectral contrastive is a contrastive loss, and no spectral method in the paper's sense.)",
    choices,
    check,
    draw,
    caption,
    alt,
)
