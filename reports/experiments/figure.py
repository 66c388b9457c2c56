"""What a figure is: the claim that it tests, the check of that claim, and the drawing, all functions of the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from thmverify.reports.experiments import laws
from thmverify.reports.experiments.charts import Axis, Curve, Key, Panel, Sheet, agreement_chart, key
from thmverify.reports.experiments.records import (
    FISHER,
    INFONCE,
    LEARNED,
    ORTHONORMAL,
    PCA,
    POPULATION,
    RANDOM,
    SAMPLE,
    SIMSIAM,
    SPECTRAL,
    Check,
    Data,
    Settings,
)
from thmverify.reports.experiments.tables import Table

Inputs = Mapping[str, Data]
AxisOf = Callable[[Sequence[float]], Axis]  # from the values of the swept parameter to their axis
PAPER = "Bansal, Kavis, Sanghavi, arXiv:2411.03517"


@dataclass(frozen=True)
class Figure:
    """A figure: `experiments` name the data that it is drawn from.

    claim: what the paper says, in our words, and `source` where. criterion: when this run confirms it. choices: what
    the sources leave open and we chose.
    """

    id: str
    title: str
    experiments: tuple[str, ...]
    claim: str
    source: str
    criterion: str
    choices: Callable[[Inputs], str]
    check: Callable[[Inputs], tuple[Check, ...]]
    draw: Callable[[Inputs], Sheet]
    caption: Callable[[Inputs], str]
    alt: Callable[[Inputs], str]


@dataclass(frozen=True)
class Drawn:
    """A series of a chart: its words in the legend, method, view and style."""

    words: str
    method: str
    view: str
    style: str


METHODS = (
    Drawn("Fisher (labels)", FISHER, LEARNED, "fisher"),
    Drawn("InfoNCE", INFONCE, LEARNED, "infonce"),
    Drawn("SimSiam", SIMSIAM, LEARNED, "simsiam"),
    Drawn("spectral contrastive", SPECTRAL, LEARNED, "spectral"),
    Drawn("PCA / SVD", PCA, LEARNED, "pca"),
    Drawn("random projection", RANDOM, LEARNED, "random"),
)
FLAT_FISHER = Drawn("orthonormal basis of S_F", FISHER, ORTHONORMAL, "fisher-flat")
FLAT_INFONCE = Drawn("InfoNCE, orthonormalised", INFONCE, ORTHONORMAL, "infonce-flat")
FLAT_SIMSIAM = Drawn("SimSiam, orthonormalised", SIMSIAM, ORTHONORMAL, "simsiam-flat")


def both_regimes(data: Data, title: str, axis: AxisOf, drawn: Sequence[Drawn]) -> tuple[Panel, ...]:
    """Return two charts of a sweep: population minimisers, and maps trained on samples."""
    table, shown = Table(data), axis(values(data.settings))
    return tuple(
        agreement_chart(
            name + (f": {title}" if title else ""),
            shown,
            [Curve(d.style, table.curve(regime, d.method, d.view)) for d in drawn],
        )
        for regime, name in ((POPULATION, "Population"), (SAMPLE, f"n = {data.settings.points} pairs"))
    )


def keys(drawn: Sequence[Drawn]) -> tuple[Key, ...]:
    """Return the legend of these series."""
    return tuple(key(d.words, d.style) for d in drawn)


def linear_axis(label: str, ticks: Sequence[float], first: float, last: float) -> Axis:
    """Return an axis from the value at its left end to that at its right, which may be the smaller."""
    return Axis(label, tuple((t, f"{t:g}") for t in ticks), lambda x: (x - first) / (last - first))


def even_axis(label: str, values: Sequence[float]) -> Axis:
    """Return an axis with the values evenly spaced, whatever lies between them."""
    order = sorted(values)
    steps = max(1, len(order) - 1)
    return Axis(label, tuple((v, f"{v:g}") for v in order), lambda x: order.index(x) / steps)


def log_axis(label: str, values: Sequence[float]) -> Axis:
    """Return a logarithmic axis with a tick at each value; the values are positive."""
    low, high = math.log(min(values)), math.log(max(values))
    return Axis(label, tuple((v, f"{v:g}") for v in sorted(values)), lambda x: (math.log(x) - low) / (high - low))


def values(settings: Settings) -> list[float]:
    """Return the values of the swept parameter."""
    return [float(Fraction(v)) for v in settings.values]


def how_measured(settings: Settings) -> str:
    """Return how the scores came about, in two sentences."""
    return (
        f"Adjusted mutual information (AMI) of k-means on {settings.test_points} fresh points with the components; "
        f"bands are 95 % confidence intervals of the mean over {settings.repetitions} seeds. Curves are moved sideways "
        "by a few pixels each, so that those which coincide stay visible."
    )


def common_choices(settings: Settings, law: str) -> str:
    """Return what the sources leave open in every sweep over augmented pairs."""
    return (
        f"The sources give no parameters; all are our choice: {laws.LAW}; {law}. n = {settings.points} pairs, InfoNCE "
        "with all n partners as negatives, trained by full-batch L-BFGS from a random start in coordinates that whiten "
        "the sample (the minimisers are the same); SimSiam with a linear predictor and weight decay "
        f"{laws.DECAY} in both panels, a fixed point of training. Fisher sees the labels and is the yardstick."
    )


def described(data: Data, drawn: Sequence[Drawn]) -> str:
    """Return the first and last mean of each series in words, for readers who do not see the charts."""
    table = Table(data)
    first, last = values(data.settings)[0], values(data.settings)[-1]
    parts = []
    for regime, name in ((POPULATION, "Population"), (SAMPLE, "Samples")):
        ends = (
            f"{d.words} {table.interval(first, regime, d.method, d.view).mean:.2f} to "
            f"{table.interval(last, regime, d.method, d.view).mean:.2f}"
            for d in drawn
        )
        parts.append(f"{name}: {', '.join(ends)}.")
    return f"Line chart, AMI against {table.parameter} from {first:g} to {last:g}. " + " ".join(parts)
