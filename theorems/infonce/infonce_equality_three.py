"""Three centred components with equal weights: InfoNCE learns the whole Fisher subspace, for every δ > 0.

Let {1/3, μ_k, Σ} be a SharedGMM with three components and mean 0, 0 < δ ≤ 1 and r ≥ dim S_F. Then Col(A*) = S_F for
every minimiser A*: no mixture of this kind is a counterexample to the second half of Theorem 5.2, nor to its analogue
for δ < 1.

The proof is a cover. If the claim fails, S_F is a plane and M = A*A*ᵀ = τuuᵀ. What the loss does there depends on three
numbers: the range D of √τ uᵀν_k (ν_k the whitened means), the share of the range that the smaller gap has, and τ < 1.
The slope of the loss along the direction that M misses, with what stationarity says of the offsets and of δ, is
negative: for D ≤ 3/5 and D ≥ 12 by inequalities, between by boxes in ball arithmetic. So M was no minimiser. The kernel
makes the boxes again; the reduction to them is proved by hand (verify/kernel/PROOFS.md, 10).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half; the case of three equal weights is ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.covering import Cover, Region
from thmverify.evidence import Break, ByKernel, Counterexample
from thmverify.headlines import Source
from thmverify.hypotheses import (
    BIAS_POSITIVE,
    CENTRED,
    COLUMNS_REACH,
    EQUAL_WEIGHTS,
    SHARED_COVARIANCE,
    THREE_COMPONENTS,
)
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Statement
from thmverify.theorems import COUNTEREXAMPLES, COVERS, PAPER
from thmverify.theorems.infonce.common import (
    CLAIM,
    COUNTEREXAMPLE,
    EQUALITY,
    QUANTITY,
    SETTING,
    SYMBOLS,
    THIRD,
    TRIANGLE,
    leaks,
    slope_across,
)
from thmverify.verdicts import Status

ID = "infonce-equality-three"
WITNESS = Instance(AugmentedPairs(TRIANGLE), 2)


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with three equal components and any δ > 0."""
    return random_centred_instance(rng, Fraction(rng.randint(1, 20), 20), components=(3, 3), equal_weights=True)


# Three collinear means with covariances of their own, which tilt the minimiser out of S_F; the triangle off the origin.
APART = Instance(
    AugmentedPairs(
        GMM((THIRD,) * 3, ((2, 0), (-2, 0), (0, 0)), (((1, 0), (0, 1)), ((3, 1), (1, 3)), ((1, 0), (0, 1))))
    ),
    2,
)
MOVED = Instance(AugmentedPairs(SharedGMM((THIRD,) * 3, ((1, 0, 0), (0, 1, 0), (0, 0, 1)))), 3)

MANY = Counterexample(COUNTEREXAMPLES / "infonce-equality-equal-weights-biased.json", "", "", "")  # 32, δ = 3/5

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of three centred components with equal weights",
    source=Source(PAPER, "Theorem 5.2, second half, for three equal weights", "the restriction and the proof are ours"),
    status=Status.PROVED,
    symbols=(*SYMBOLS, *vocabulary.entries("m")),
    hypotheses=(*SETTING, COLUMNS_REACH, BIAS_POSITIVE, EQUAL_WEIGHTS, THREE_COMPONENTS),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    cover=Cover(COVERS / f"{ID}.json", ID, Region.of("any")),
    claim=CLAIM,
    breaks=(
        Break(SHARED_COVARIANCE.name, APART, leaks),
        Break(CENTRED.name, MOVED, ByKernel(CLAIM)),
        Break(COLUMNS_REACH.name, Instance(AugmentedPairs(TRIANGLE), 1), ByKernel(CLAIM)),
        Break(BIAS_POSITIVE.name, Instance(AugmentedPairs(TRIANGLE, Fraction(0)), 3), ByKernel(CLAIM)),
        Break(EQUAL_WEIGHTS.name, COUNTEREXAMPLE.instance, ByKernel(CLAIM)),
        Break(THREE_COMPONENTS.name, MANY.instance, ByKernel(CLAIM)),
    ),
    evidence=(
        "Whether more components with equal weights, 4 to 8, can fail is open (infonce-equality-equal-weights).",
        "By numbers, the largest slope across for Σ w_k a_k² = 1 at δ = 1 is −2/3, approached by means −L, 0, L as L "
        "grows.",
    ),
    special_case_of="infonce-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
