"""Figure 2d: the scaling that a map learns inside the Fisher subspace."""

from __future__ import annotations

from thmverify.reports.experiments.figure import FLAT_FISHER, METHODS, PAPER, log_axis
from thmverify.reports.experiments.records import FISHER, INFONCE, LEARNED, ORTHONORMAL, Check
from thmverify.reports.experiments.swept import COLUMNS, NOISE, Swept
from thmverify.reports.experiments.tables import Table, better_at_last, invariant


def check(table: Table, regime: str) -> tuple[Check, ...]:
    """Check that InfoNCE undoes the stretch, which a basis of S_F does not."""
    return (
        better_at_last(table, regime, (INFONCE, LEARNED), (FISHER, ORTHONORMAL)),
        invariant(table, regime, INFONCE),
    )


SWEPT = Swept(
    id="2d",
    title="Learned scaling inside the Fisher subspace",
    claim="The InfoNCE loss learns a good scaling within the Fisher subspace, not the subspace alone.",
    source=f"Figure 2 (d) and its caption; {PAPER}",
    criterion="At the largest stretch InfoNCE scores above an orthonormal basis of S_F (of its estimate from labels, "
    "for samples) with 95 % confidence, and at every stretch its score is within 0.05 of that without one.",
    change="One coordinate of S_F, its means and its noise, is multiplied by s: a change of units, to which a map that "
    "scales well inside S_F is indifferent, and an orthonormal basis of S_F is not.",
    law=f"δ = 1; {NOISE}; {COLUMNS}",
    axis=lambda values: log_axis("s: stretch of one coordinate of S_F", values),
    check=check,
    reading=" That the scaling is tried by a stretch is our reading.",
    drawn=(METHODS[0], FLAT_FISHER, *METHODS[1:]),
)
FIGURE = SWEPT.figure
