"""PCA is said to find the Fisher subspace. For pancakes it does not.

Let {w_k, μ_k, Σ} be a SharedGMM, S_F = span{Σ⁻¹μ_k}, m = dim S_F and R = E xxᵀ = Σ + S. The claim is that for r = m
every maximiser A* of the captured variance tr(AᵀRA), AᵀA = I, has Col(A*) = S_F. The talk: "Spherical: works really
well"; "Parallel pancakes: works really poorly", since PCA sees Σ + S and not how S compares with Σ.

It is false. Parallel pancakes: a large variance along a direction without means moves every principal direction there,
though S_F is an eigenspace of R. Shifted parallel pancakes: here S_F is not even the span of the means, and no
eigenspace of R. What survives are multiples of I (`pca-spherical`). The mixtures below are those of the report's
figure.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Figure 1 (a) to (c), and the talk's "Linear Representations for
GMMs". The sources show it in pictures; the claim and the exact instances are ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace

from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import COLUMNS_MATCH, COVARIANCES_DEFINITE, SHARED_COVARIANCE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.pca.common import (
    BALLS,
    CLAIM,
    EQUALITY,
    QUANTITY,
    SYMBOLS,
    THIN,
    WIDE,
    angle_margin,
    line,
    line_missed,
    three_in_a_row,
)
from thmverify.verdicts import Status

ID = "pca-equality"
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, COLUMNS_MATCH)


SHIFTED_PANCAKES = three_in_a_row((3, 3), (THIN, WIDE))


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with r = dim S_F ≥ 1."""
    while True:
        instance = random_instance(rng)
        m = fisher_subspace(instance.shared).dimension
        if m:
            return replace(instance, rank=m)


FOUND = Counterexample(
    COUNTEREXAMPLES / "pca-equality.json",
    tempting="The means are what the components differ in, so they make up most of the variance of x.",
    catch="The variance is Σ + S: two thin layers at ±(2, 0), each of variance 9 along (0, 1), vary most along (0, 1), "
    "which says nothing about the layer.",
    repaired="For Σ_k = σ_k²I it holds (pca-spherical).",
    near=line_missed("pca-equality-near.json"),
)
PARALLEL = Counterexample(
    COUNTEREXAMPLES / "pca-equality-parallel.json",
    tempting="S_F = span μ here and is an eigenspace of R, so PCA should find it.",
    catch="It is the eigenspace of the smaller eigenvalue, 25/4 against 65/4.",
    repaired="Compare S with Σ and not with I: the top eigenvector of Sv = λΣv, or the spectral contrastive loss "
    "(spectral-equality).",
    near=line_missed("pca-equality-parallel-near.json"),
)
SHIFTED = Counterexample(
    COUNTEREXAMPLES / "pca-equality-shifted.json",
    tempting="Even where PCA fails, the line through the means should be what to project on.",
    catch="S_F is Σ⁻¹μ ∝ (65, 1), the line through the means (1, 1), and R has neither for an eigenvector.",
    repaired="As for parallel pancakes.",
    near=line_missed("pca-equality-shifted-near.json"),
)

STATEMENT = Statement(
    id=ID,
    title="PCA finds the Fisher subspace",
    source=Source(
        PAPER,
        "Figure 1 (b) and (c); in the talk: Linear Representations for GMMs, Parallel Pancakes",
        "refuted there in pictures; the claim as stated here is ours",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=HYPOTHESES,
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=angle_margin,
    examine=ByKernel(CLAIM),
    witness=line(BALLS),
    sample=sample,
    claim=CLAIM,
    counterexamples=(FOUND, PARALLEL, SHIFTED),
    guarantees=tuple(
        Guarantee("pca", column) for column in (Column.INCLUSION, Column.EQUALITY, Column.EQUALITY_BIASED)
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
