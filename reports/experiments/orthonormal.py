"""Figure 4: the settings of Figure 2 with orthonormalised maps."""

from __future__ import annotations

from thmverify.reports.experiments import columns, robustness, scaling, variance
from thmverify.reports.experiments.charts import Sheet
from thmverify.reports.experiments.figure import (
    FLAT_FISHER,
    FLAT_INFONCE,
    FLAT_SIMSIAM,
    METHODS,
    PAPER,
    Figure,
    Inputs,
    both_regimes,
    common_choices,
    described,
    how_measured,
    keys,
)
from thmverify.reports.experiments.records import INFONCE, LEARNED, ORTHONORMAL, PCA, POPULATION, SAMPLE, SIMSIAM, Check
from thmverify.reports.experiments.tables import Table, better_at_last, better_everywhere, invariant, robust

ID = "4"
TITLE = "Orthonormalised maps"
SETTINGS = dict(zip("abcd", (robustness.SWEPT, variance.SWEPT, columns.SWEPT, scaling.SWEPT), strict=True))
EXPERIMENTS = tuple(swept.id for swept in SETTINGS.values())
DRAWN = (METHODS[1], FLAT_INFONCE, METHODS[2], FLAT_SIMSIAM, FLAT_FISHER, METHODS[4])


def check(inputs: Inputs) -> tuple[Check, ...]:
    """Check settings (a) to (c) for orthonormalised maps, and that (d) needs the scaling."""
    a, b, c, d = (Table(inputs[name]) for name in EXPERIMENTS)
    found: list[Check] = []
    for regime in (POPULATION, SAMPLE):
        for method in (INFONCE, SIMSIAM):
            flat = (method, ORTHONORMAL)
            found += [
                _in_setting("a", robust(a, regime, *flat)),
                _in_setting("b", invariant(b, regime, *flat)),
                _in_setting("c", better_everywhere(c, regime, flat, (PCA, LEARNED))),
            ]
        found.append(_in_setting("d", better_at_last(d, regime, (INFONCE, LEARNED), (INFONCE, ORTHONORMAL))))
    return tuple(found)


def _in_setting(letter: str, found: Check) -> Check:
    return found.model_copy(update={"text": f"({letter}) {found.text}"})


def draw(inputs: Inputs) -> Sheet:
    """Return four rows of two panels."""
    panels = tuple(
        panel
        for letter, swept in SETTINGS.items()
        for panel in both_regimes(inputs[swept.id], f"({letter})", swept.axis, DRAWN)
    )
    return Sheet(f"{ID}  {TITLE}", panels, 2, keys(DRAWN))


def caption(inputs: Inputs) -> str:
    """Return what is shown."""
    return (
        "Each map of Figure 2 as learned and with its columns replaced by an orthonormal basis of their span. With "
        "more columns than dim S_F a map trained on samples puts noise into the rest, little as learned and as much as "
        "signal once orthonormalised; at r = d an orthonormalised map is a rotation, as PCA is. "
        + how_measured(inputs[EXPERIMENTS[0]].settings)
    )


def choices(inputs: Inputs) -> str:
    """Return our choices."""
    return (
        common_choices(inputs[EXPERIMENTS[0]].settings, "the settings of Figures 2a to 2d")
        + " That orthonormalised maps should do as in (a) to (c), and lose the scaling of (d), is our reading."
    )


def alt(inputs: Inputs) -> str:
    """Describe the curves."""
    return " ".join(f"Setting {name}: {described(inputs[name], DRAWN)}" for name in EXPERIMENTS)


FIGURE = Figure(
    ID,
    TITLE,
    EXPERIMENTS,
    "The results of Figure 2 extend to orthonormalised InfoNCE and SimSiam maps.",
    f"Figure 4 and its caption; {PAPER}",
    "The criteria of Figures 2a, 2b and 2c hold for the orthonormalised maps of InfoNCE and SimSiam; in 2d InfoNCE as "
    "learned scores above its orthonormalised map at the largest stretch.",
    choices,
    check,
    draw,
    caption,
    alt,
)
