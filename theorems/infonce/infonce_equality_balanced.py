"""Where the negatives take each component's own share, InfoNCE at δ = 1 learns the whole Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, δ = 1 and r ≥ dim S_F, and π the softmax weights of the negatives at a
minimiser A, π_k ∝ w_k exp(xᵀAAᵀμ_k). If E π_k ≤ w_k for all k, then Col(A) = S_F: since both sum to 1 they are equal,
and then the slope along a direction that A misses is −½ Σ_jk Q_jk (a_j − a_k)² < 0, Q_jk = w_j E[π_k | j]. (Q's column
sums are E π_k, its row sums w_j.)

The condition holds by symmetry when isometries (of the norm of Σ⁻¹) that permute the means move each component to each
other and the weights are equal: regular simplices, boxes, crosses, any orbit of a finite group around 0. So for every
such mixture Col(A*) = S_F at δ = 1; this is the form in which an instance is decided.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, which claims it without symmetry; the
condition and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import ALWAYS_MATCHED, CENTRED, COLUMNS_REACH, ENOUGH_COLUMNS, ONE_ORBIT, SHARED_PAIRS
from thmverify.models import AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_symmetric_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import (
    CLAIM,
    COUNTEREXAMPLE,
    COVARIANCES_DIFFER,
    QUANTITY,
    SYMBOLS,
    TRIANGLE,
    UNCENTRED,
    slope_across,
)
from thmverify.verdicts import Status

ID = "infonce-equality-balanced"
CONCLUSION = Conclusion(
    r"\mathbb{E}\pi_k \leq w_k \text{ for all } k \text{ at a minimiser } A^* \implies \mathrm{Col}(A^*) = S_F;\quad "
    r"\text{and } \mathbb{E}\pi_k = w_k \text{ there for one orbit of components}",
    "Col(A*) = S_F for every minimiser A* of L over R^{d×r}. Without the hypothesis of one orbit this holds for every "
    "minimiser at which the softmax of the negatives has E π_k ≤ w_k for all k.",
)
WITNESS = Instance(AugmentedPairs(TRIANGLE), 3)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of a symmetric mixture",
    source=Source(
        PAPER,
        "Theorem 5.2, second half, for symmetric mixtures",
        "the source claims it for all mixtures; the condition and the proof are ours",
    ),
    status=Status.PROVED,
    symbols=(*SYMBOLS, *vocabulary.entries("m", "n_orbits")),
    hypotheses=(*SHARED_PAIRS, COLUMNS_REACH, CENTRED, ALWAYS_MATCHED, ONE_ORBIT),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=random_symmetric_instance,
    proof=Proof("thmverify.theorems.infonce.infonce_equality_balanced_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(
        COVARIANCES_DIFFER,
        Break(COLUMNS_REACH.name, replace(WITNESS, rank=1), ByKernel(CLAIM)),
        Break(CENTRED.name, UNCENTRED.instance, ByKernel(CLAIM)),
        Break(ALWAYS_MATCHED.name, Instance(AugmentedPairs(TRIANGLE, Fraction(0)), 3), ByKernel(CLAIM)),
        Break(ONE_ORBIT.name, COUNTEREXAMPLE.instance, ByKernel(CLAIM)),
    ),
    special_case_of="infonce-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
