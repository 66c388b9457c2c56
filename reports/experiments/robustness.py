"""Figure 2a: noise in the augmentations."""

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
    linear_axis,
)
from reports.experiments.records import INFONCE, POPULATION, SAMPLE, SIMSIAM, Check
from reports.experiments.tables import Table, robust

ID = "2a"
TITLE = "Noise in the augmentations"
AXIS = linear_axis("δ: share of pairs from one component", (1, 0.8, 0.6, 0.4, 0.2, 0), 1.0, 0.0)


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check that both self-supervised losses keep most of their score while δ ≥ 1/2."""
    table = Table(inputs[ID])
    return tuple(robust(table, regime, method) for regime in (POPULATION, SAMPLE) for method in (INFONCE, SIMSIAM))


def draw(inputs: Inputs) -> Sheet:
    """Return the two panels."""
    return Sheet(f"{ID}  {TITLE}", both_regimes(inputs[ID], "", AXIS, METHODS), 2, keys(METHODS))


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    return (
        "From left to right more and more pairs are two unrelated points: x and x̂ come from one component with "
        "probability δ, and independently otherwise. A map of nothing, such as the minimiser at δ = 0, scores 0. "
        + how_measured(inputs[ID].settings)
    )


def choices(inputs: Inputs) -> str:
    """Return our choices."""
    return common_choices(
        inputs[ID].settings, f"variance {laws.NOISE} in {laws.LOUD} directions orthogonal to S_F; r = {laws.COLUMNS}"
    )


def alt(inputs: Inputs) -> str:
    """Describe the curves."""
    return described(inputs[ID], (POPULATION, SAMPLE), METHODS, "δ")


FIGURE = Figure(
    ID,
    TITLE,
    (ID,),
    "Self-supervised learning is robust to noise in the augmentation-enabled distribution.",
    f"Figure 2 (a) and its caption; {PAPER}",
    "InfoNCE and SimSiam keep at least 90 % of their score at δ = 1 for every δ ≥ 1/2, with 95 % confidence, as "
    "population minimisers and trained on samples.",
    choices,
    check,
    draw,
    caption,
    alt,
)
