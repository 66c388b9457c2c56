"""Theorem 5.2, second half: at δ = 1 InfoNCE is said to learn the whole Fisher subspace. It need not.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, (x, x̂) its augmented pairs with bias δ = 1, both points always from one
component, S_F = span{Σ⁻¹μ_k} and L the InfoNCE loss of the maps f(x) = Aᵀx with r ≥ K columns. The claim is that
Col(A*) = S_F for every minimiser A*. The source claims it for every SharedGMM; without mean 0 it fails already for two
components on one side of the origin, so the claim is taken here where it has a chance.

It is false: for three components with very unequal weights M* = A*A*ᵀ has rank 1 where S_F is a plane. M* is unique,
so the claim is about the sign of one number, which can be enclosed: at the best M of rank dim S_F − 1, the slope of L
along M + t vvᵀ, v in S_F and Σ-orthogonal to Col(M). With a_k = vᵀμ_k, p the softmax of the negatives at x and
Q_jk = w_j E[p_k | j] (infonce-slope),

    slope = −δ Σ_k w_k a_k² + Σ_jk Q_jk a_j a_k.

The claim holds on an instance exactly when no such M is a minimiser, which a negative slope shows.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 (the talk's Theorem 0.1: "Moreover if δ = 1, then
Col(A*) = S_F"), Definitions 4.1 and 5.1. That the mixture is centred is our addition.

Status: refuted.
"""

from __future__ import annotations

import sys

from thmverify.covering import Chart
from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import (
    ALWAYS_MATCHED,
    ENOUGH_COLUMNS,
)
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import COUNTEREXAMPLES, MAPS, PAPER
from thmverify.theorems.infonce.common import (
    CLAIM,
    COUNTEREXAMPLE,
    EQUALITY,
    QUANTITY,
    SETTING,
    SYMBOLS,
    WITNESS,
    sample_matched,
    slope_across,
)
from thmverify.verdicts import Status

ID = "infonce-equality"

LIGHT = Counterexample(
    COUNTEREXAMPLES / "infonce-equality-least-weight.json",
    tempting="A weight of 1/1000 is next to nothing: with three components that all have a share of the data, a few "
    "tenths of a per cent at least, the claim might hold.",
    catch="It fails with weights of 277 and 67 in 10,000, far out on nearly one line. As near as they are here in the "
    "direction that is missed, but less far out along the line, (199, 2903/5) and (334, 4883/5), it holds.",
    repaired="For three components with a least weight of 7/1000 or more no counterexample is known; searches still "
    "find a positive slope at 675 in 100,000. For equal weights it is proved.",
)

OFF_THE_ORIGIN = Chart(
    MAPS / "infonce-equality-off-the-origin.json",
    ID,
    "Three components off the origin, weights 1/2, 3/10 and 1/5, identity covariance, the means (−2, −5), (6, −6) and "
    "(−8, −8) times the separation, r = 3: where Col(A*) = S_F, without the hypothesis that the mean is 0",
)


WEIGHTS = Chart(
    MAPS / "infonce-equality-weights.json",
    ID,
    "The weights of three components, the third what the first two leave, identity covariance, the means (2, 0), "
    "(−1, 7/4) and (−1, −7/4), δ = 1, r = 3: where Col(A*) = S_F, without the hypothesis that the mean is 0",
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace when δ = 1",
    source=Source(
        PAPER,
        "Theorem 5.2, second half (in the talk: Theorem 0.1); Definitions 4.1 and 5.1",
        "that the mixture is centred is our addition: without it the claim fails for two components",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, ENOUGH_COLUMNS, ALWAYS_MATCHED),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample_matched,
    claim=CLAIM,
    counterexamples=(COUNTEREXAMPLE, LIGHT),
    charts=(OFF_THE_ORIGIN, WEIGHTS),
    guarantees=(Guarantee("infonce", Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
