"""Figure 2b: variance orthogonal to the Fisher subspace."""

from __future__ import annotations

from thmverify.reports.experiments import laws
from thmverify.reports.experiments.figure import PAPER, log_axis
from thmverify.reports.experiments.records import INFONCE, PCA, SIMSIAM, Check
from thmverify.reports.experiments.swept import COLUMNS, Swept
from thmverify.reports.experiments.tables import Table, falls, invariant


def check(table: Table, regime: str) -> tuple[Check, ...]:
    """Check that InfoNCE and SimSiam do not move and that PCA does."""
    return invariant(table, regime, INFONCE), invariant(table, regime, SIMSIAM), falls(table, regime, PCA)


SWEPT = Swept(
    id="2b",
    title="Variance orthogonal to the Fisher subspace",
    claim="InfoNCE, and SimSiam too, are invariant to variance orthogonal to the Fisher subspace.",
    source=f"Figure 2 (b) and its caption; {PAPER}",
    criterion="At every σ² the scores of InfoNCE and SimSiam differ from those at the smallest by at most 0.05 (the "
    "whole 95 % interval lies inside), as population minimisers and trained on samples; PCA, which the sweep must "
    "hurt, loses more than 0.05.",
    change="The noise orthogonal to S_F grows from left to right; the means and the noise inside S_F stay as they are. "
    "InfoNCE sees x through Aᵀx alone, and each repetition rescales the same draws: any change of its score would be "
    "the optimiser's.",
    law=f"δ = 1; {COLUMNS}",
    axis=lambda values: log_axis(f"σ²: variance of {laws.LOUD} directions orthogonal to S_F", values),
    check=check,
)
FIGURE = SWEPT.figure
