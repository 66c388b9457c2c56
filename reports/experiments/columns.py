"""Figure 2c: the dimension of the projection."""

from __future__ import annotations

from thmverify.reports.experiments import laws
from thmverify.reports.experiments.figure import PAPER, even_axis
from thmverify.reports.experiments.records import INFONCE, LEARNED, PCA, Check
from thmverify.reports.experiments.swept import NOISE, Swept
from thmverify.reports.experiments.tables import Table, better_everywhere


def check(table: Table, regime: str) -> tuple[Check, ...]:
    """Check that InfoNCE scores above PCA at every r."""
    return (better_everywhere(table, regime, (INFONCE, LEARNED), (PCA, LEARNED)),)


SWEPT = Swept(
    id="2c",
    title="Projection dimension",
    claim="The InfoNCE loss does better than spectral methods for every projection dimension.",
    source=f"Figure 2 (c) and its caption; {PAPER}",
    criterion="At every r InfoNCE scores above PCA with 95 % confidence, as population minimiser and trained on "
    "samples. (Spectral contrastive is a contrastive loss, and no spectral method in the paper's sense.)",
    change=f"S_F has dimension {laws.SIGNAL}: with fewer columns no map can hold it, and more columns than that stay "
    "empty in the population. At r = d PCA is a rotation of the data.",
    law=f"δ = 1; {NOISE}",
    axis=lambda values: even_axis("r: columns of the map (evenly spaced)", values),
    check=check,
)
FIGURE = SWEPT.figure
