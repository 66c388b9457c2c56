"""Figures 7 and 8: what lies outside S_F while maps are trained, for convex losses of scores and for SimCLR."""

from __future__ import annotations

from collections.abc import Sequence

from thmverify.reports.experiments.charts import Curve, Key, Sheet, agreement_chart, key
from thmverify.reports.experiments.descents import BATCH, DESCENTS, SHOWN, Descent
from thmverify.reports.experiments.figure import PAPER, Figure, Inputs, even_axis
from thmverify.reports.experiments.intervals import Interval, interval
from thmverify.reports.experiments.records import Check, Data

CONVEX, NORMALISED = "7", "8"
LITTLE, MUCH = 0.2, 0.3  # of a map outside S_F
_NAME = "part of A outside S_F"


def at(data: Data, descent: Descent, step: int) -> Interval:
    """Return the mean part outside S_F at a step, with its confidence interval."""
    return interval([s.outside for s in data.steps if s.loss == descent.words and s.step == step])


def _ends(data: Data, descent: Descent) -> str:
    first, last = at(data, descent, SHOWN[0]), at(data, descent, SHOWN[-1])
    return f"{first} at the start, {last} after {SHOWN[-1]} steps"


def _little(data: Data, descent: Descent) -> Check:
    return Check(
        text=f"{descent.words}: at most {LITTLE:g} of the map lies outside S_F in the end",
        holds=at(data, descent, SHOWN[-1]).high <= LITTLE,
        detail=_ends(data, descent),
    )


def _much(data: Data, descent: Descent) -> Check:
    return Check(
        text=f"{descent.words}: at least {MUCH:g} of the map lies outside S_F in the end",
        holds=at(data, descent, SHOWN[-1]).low >= MUCH,
        detail=_ends(data, descent),
    )


def _convex(inputs: Inputs) -> tuple[Check, ...]:
    return tuple(_little(inputs[CONVEX], descent) for descent in DESCENTS[CONVEX][1])


def _normalised(inputs: Inputs) -> tuple[Check, ...]:
    first, second = DESCENTS[NORMALISED][1]
    return _much(inputs[NORMALISED], first), _little(inputs[NORMALISED], second)


def _sheet(data: Data, title: str, panel: str, drawn: Sequence[Descent]) -> Sheet:
    curves = [Curve(d.style, tuple((float(s), at(data, d, s)) for s in SHOWN)) for d in drawn]
    chart = agreement_chart(panel, even_axis("steps", [float(s) for s in SHOWN]), curves, _NAME)
    keys: tuple[Key, ...] = tuple(key(d.words, d.style) for d in drawn)
    return Sheet(title, (chart,), 1, keys)


def _alt(data: Data, drawn: Sequence[Descent]) -> str:
    told = "; ".join(f"{d.words} {at(data, d, SHOWN[0]).mean:.2f} to {at(data, d, SHOWN[-1]).mean:.2f}" for d in drawn)
    return f"Line chart, {_NAME} against steps of training from {SHOWN[0]} to {SHOWN[-1]}. {told}."


def _choices(what: str) -> str:
    return (
        f"All is our choice: {what}, Σ = I, δ = 1; plain gradient steps on batches of {BATCH} fresh pairs, with a "
        "learning rate that falls off as the steps go on."
    )


def _measured(data: Data) -> str:
    return (
        f"‖(I − Π)A‖/‖A‖ with Π the projector on S_F; bands are 95 % confidence intervals of the mean over "
        f"{data.settings.repetitions} seeds."
    )


def _figure(
    id_: str, title: str, claim: str, source: str, criterion: str, panel: str, what: str, caption: str
) -> Figure:
    drawn = DESCENTS[id_][1]
    return Figure(
        id_,
        title,
        (id_,),
        claim,
        source,
        criterion,
        lambda _: _choices(what),
        {CONVEX: _convex, NORMALISED: _normalised}[id_],
        lambda inputs: _sheet(inputs[id_], f"{id_}  {title}", panel, drawn),
        lambda inputs: f"{caption} {_measured(inputs[id_])}",
        lambda inputs: _alt(inputs[id_], drawn),
    )


INSIDE = _figure(
    CONVEX,
    "Convex losses unlearn the noise",
    "Every loss that is a convex function of scores f(x)ᵀf(y) has its minimisers inside the Fisher subspace.",
    f"convex-scores-inclusion and its corollaries, ours; for InfoNCE {PAPER}, Theorem 5.2",
    f"For each loss at most {LITTLE:g} of the trained map lies outside S_F, with 95 % confidence.",
    "Three components in a plane of R⁵",
    "three components of equal weight in a plane of R⁵, three columns, a random start",
    "Maps that start anywhere, trained by five losses of scores. What lies outside the Fisher subspace is noise to all "
    "of them, and dies out; the batches keep a little of it alive.",
)
LEAVING = _figure(
    NORMALISED,
    "SimCLR learns a direction of noise",
    "With normalised features, as SimCLR has them, no minimiser lies inside the Fisher subspace.",
    "simclr-normalised-inclusion, ours",
    f"With normalised features at least {MUCH:g} of the trained map lies outside S_F, without at most {LITTLE:g}, with "
    "95 % confidence.",
    "Two components in R⁵, two columns",
    f"two components ±e₁ in R⁵, two columns, temperature {DESCENTS[NORMALISED][1][0].temperature:g} for SimCLR and "
    "1 without normalisation, a start inside S_F but for 0.02 in every other entry",
    "The same loss in the batch, with features of length 1 and without. Both start inside the Fisher subspace, a line "
    "here. SimCLR leaves it: a feature of length 1 can say that it is unsure only by a turn to a direction of noise.",
)
FIGURES = (INSIDE, LEAVING)
