"""SimSiam with a singular predictor: what P does not see of A wanders out of the Fisher subspace at no cost.

Setting and loss as in `simsiam-inclusion`, with η = 0 and S_F not the whole space. Let (A, P) be stationary, ∂_A L = 0
and ∂_P L = 0, with a singular P: for example A = 0 and P = 0. Choose a ≠ 0 orthogonal to all means, v ≠ 0 with Pv = 0,
and N = avᵀ. Then (A + N, P) is stationary too, and Col(A) and Col(A + N) are not both inside S_F. So the inclusion of
`simsiam-inclusion` fails at every stationary point with a singular predictor or arbitrarily close to it, on every
instance with dim S_F < d: that P is invertible cannot be spared. For P = 0 the stationary A are those with CA = 0.

A = 0 is stationary for every P where η = 0, and only with P = 0 where η > 0. Weight decay ends the wandering: a
stationary pair then has AᵀA = PᵀP, so Pv = 0 forces Av = 0. It leaks in another way: `simsiam-weight-decay`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print them: the statement and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import Break
from thmverify.headlines import Source
from thmverify.hypotheses import NO_WEIGHT_DECAY, PAIRS, ROOM_OUTSIDE, SHARED_COVARIANCE
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.simsiam.common import (
    QUANTITY,
    READING,
    SYMBOLS,
    WITNESS,
    collapsed,
    examine_wandered,
    sample_anywhere,
    steepness,
    wandered,
)
from thmverify.verdicts import Status

ID = "simsiam-collapse"
CONCLUSION = Conclusion(
    r"\nabla L(A, P) = 0,\ Pv = 0,\ v \neq 0,\ \mu^T a = 0,\ a \neq 0 \implies \nabla L(A + a v^T, P) = 0,\quad "
    r"\mathrm{Col}(A) \not\subseteq S_F \text{ or } \mathrm{Col}(A + a v^T) \not\subseteq S_F",
    "There is an a ≠ 0 orthogonal to the means; and for every stationary pair (A, P) and every v ≠ 0 with Pv = 0 the "
    "pair (A + avᵀ, P) is stationary too, and not both encoders lie inside S_F.",
)


def margin(instance: Instance) -> float:
    """Return how far from stationary the pair with avᵀ added is, ‖∂_A L‖² + ‖∂_P L‖²; 1 where there is none."""
    moved = wandered(instance, collapsed(instance))
    return 1.0 if moved is None else steepness(instance, moved)


def sample(rng: random.Random) -> Instance:
    """Draw an instance without weight decay whose Fisher subspace is not the whole space."""
    while True:
        instance = sample_anywhere(rng)
        if ROOM_OUTSIDE.holds(instance):
            return instance


FULL = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (0, 1)))), 2)

STATEMENT = Statement(
    id=ID,
    title="SimSiam with a singular predictor leaks",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Definition 5.1", READING),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, NO_WEIGHT_DECAY, ROOM_OUTSIDE),
    redundant=(SHARED_COVARIANCE,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine_wandered,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.simsiam.simsiam_collapse_proof"),
    formal=formal(ID),
    breaks=(
        Break(NO_WEIGHT_DECAY.name, replace(WITNESS, weight_decay=Fraction(1, 10)), examine_wandered),
        Break(ROOM_OUTSIDE.name, FULL, examine_wandered),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
