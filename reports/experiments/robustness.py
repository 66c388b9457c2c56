"""Figure 2a: noise in the augmentations."""

from __future__ import annotations

from thmverify.reports.experiments.figure import PAPER, linear_axis
from thmverify.reports.experiments.records import INFONCE, SIMSIAM, Check
from thmverify.reports.experiments.swept import COLUMNS, NOISE, Swept
from thmverify.reports.experiments.tables import Table, robust


def check(table: Table, regime: str) -> tuple[Check, ...]:
    """Check that both self-supervised losses keep most of their score while δ ≥ 1/2."""
    return robust(table, regime, INFONCE), robust(table, regime, SIMSIAM)


SWEPT = Swept(
    id="2a",
    title="Noise in the augmentations",
    claim="Self-supervised learning is robust to noise in the augmentation-enabled distribution.",
    source=f"Figure 2 (a) and its caption; {PAPER}",
    criterion="InfoNCE and SimSiam keep at least 90 % of their score at δ = 1 for every δ ≥ 1/2, with 95 % confidence, "
    "as population minimisers and trained on samples.",
    change="From left to right more and more pairs are two unrelated points: x and x̂ come from one component with "
    "probability δ, and independently otherwise. A map of nothing, such as the minimiser at δ = 0, scores 0.",
    law=f"{NOISE}; {COLUMNS}",
    axis=lambda _: linear_axis("δ: share of pairs from one component", (1, 0.8, 0.6, 0.4, 0.2, 0), 1.0, 0.0),
    check=check,
)
FIGURE = SWEPT.figure
