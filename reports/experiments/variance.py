"""Figure 2b: variance orthogonal to the Fisher subspace."""

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
    how_measured,
    keys,
    log_axis,
    values,
)
from reports.experiments.records import INFONCE, PCA, POPULATION, SAMPLE, SIMSIAM, Check
from reports.experiments.tables import Table, falls, invariant

ID = "2b"
TITLE = "Variance orthogonal to the Fisher subspace"
LABEL = f"σ²: variance of {laws.LOUD} directions orthogonal to S_F"


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check that InfoNCE and SimSiam do not move and that PCA does."""
    table = Table(inputs[ID])
    return tuple(
        found
        for regime in (POPULATION, SAMPLE)
        for found in (
            invariant(table, regime, INFONCE),
            invariant(table, regime, SIMSIAM),
            falls(table, regime, PCA),
        )
    )


def draw(inputs: Inputs) -> Sheet:
    """Return the two panels."""
    axis = log_axis(LABEL, values(inputs[ID].settings))
    return Sheet(f"{ID}  {TITLE}", both_regimes(inputs[ID], "", axis, METHODS), 2, keys(METHODS))


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    return (
        "The noise orthogonal to S_F grows from left to right; the means and the noise inside S_F stay as they are. "
        "InfoNCE sees x through Aᵀx alone, and each repetition rescales the same draws: any change of its score would "
        "be the optimiser's. " + how_measured(inputs[ID].settings)
    )


def choices(inputs: Inputs) -> str:
    """Return our choices."""
    return common_choices(inputs[ID].settings, f"δ = 1; r = {laws.COLUMNS}")


def alt(inputs: Inputs) -> str:
    """Describe the curves."""
    return described(inputs[ID], (POPULATION, SAMPLE), METHODS, "σ²")


FIGURE = Figure(
    ID,
    TITLE,
    (ID,),
    "InfoNCE, and SimSiam too, are invariant to variance orthogonal to the Fisher subspace.",
    f"Figure 2 (b) and its caption; {PAPER}",
    "At every σ² the scores of InfoNCE and SimSiam differ from those at the smallest by at most 0.05 (the whole 95 % "
    "interval lies inside), as population minimisers and trained on samples; PCA, which the sweep must hurt, loses "
    "more than 0.05.",
    choices,
    check,
    draw,
    caption,
    alt,
)
