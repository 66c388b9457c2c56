"""Two components with mean 0: InfoNCE learns the whole Fisher subspace, for every bias δ > 0.

Let {w_k, μ_k, Σ} be a SharedGMM of two components with Σ_k w_k μ_k = 0. Then Col(A*) = S_F for every minimiser A* of
the InfoNCE loss over R^{d×r}, for every δ ∈ (0, 1] and every r. For S_F is a line (or {0}), and A = 0 is no minimiser:
there the softmax of the negatives is w whatever x is, so the negatives do not resist, and the slope along the line is
−δ Σ_k w_k a_k² < 0. The same proof serves any number of components whose means lie on one line through 0.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half (there δ = 1, any K, any mean); this case
and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE, CENTRED, ENOUGH_COLUMNS, SHARED_PAIRS, SOME_COLUMN, TWO_COMPONENTS
from thmverify.models import AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import (
    CLAIM,
    COUNTEREXAMPLE,
    COVARIANCES_DIFFER,
    EQUALITY,
    QUANTITY,
    SYMBOLS,
    UNCENTRED,
    WITNESS,
    slope_across,
)
from thmverify.verdicts import Status

ID = "infonce-equality-two"


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance of two components, with any bias δ > 0 and any number of columns."""
    instance = random_centred_instance(rng, Fraction(rng.randint(1, 20), 20), components=(2, 2))
    return replace(instance, rank=rng.randint(1, 3))


UNRELATED = replace(WITNESS, model=AugmentedPairs(WITNESS.shared, Fraction(0)))  # δ = 0: nothing to learn, M* = 0

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of two centred components",
    source=Source(PAPER, "Theorem 5.2, second half, for K = 2", "there δ = 1; the case and the proof are ours"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*SHARED_PAIRS, CENTRED, TWO_COMPONENTS, BIAS_POSITIVE, SOME_COLUMN),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=replace(EQUALITY, sentence="For every r ≥ 1, Col(A*) = S_F for every minimiser A* of L over R^{d×r}."),
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=replace(WITNESS, rank=1),
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.infonce_equality_two_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(
        COVARIANCES_DIFFER,
        Break(CENTRED.name, UNCENTRED.instance, ByKernel(CLAIM)),
        Break(TWO_COMPONENTS.name, COUNTEREXAMPLE.instance, ByKernel(CLAIM)),
        Break(BIAS_POSITIVE.name, UNRELATED, ByKernel(CLAIM)),
    ),
    special_case_of="infonce-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
