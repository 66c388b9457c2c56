"""Every loss that is a convex function of scores stays inside the Fisher subspace.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, Σ̄ = Σ_k w_k Σ_k, S_F = span{Σ̄⁻¹μ_k}, and suppose Σ_k S_F ⊆ span{μ_l} for
every k: a shared covariance is of this kind, and so are proportional ones. A batch is n items: with probability p_s,
in state s, item i is of component c_si, and given the state the items are independent. Take the scores z_e =
f(x_i)ᵀf(x_j) of pairs e of different items, f(x) = Aᵀx, A ∈ R^{d×r}, and

    L(A) = E Φ_s(z),

Φ_s a function of all scores, which may know the state. Suppose that every Φ_s is convex and of polynomial growth.

1. Cut A to its part in S_F, the projection that is orthogonal in the inner product of Σ̄: the loss does not grow.
2. Suppose also that in some state Φ_s is not affine in the scores of some one item: 2Φ_s(z) < Φ_s(z + h) + Φ_s(z − h)
   for some z and some h in which the score of that item with item i moves at a rate η_i, and no other score moves.
   Then Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}, for every r and every law of the components.

Augmented pairs with bias δ and N negatives are batches of N + 2 items: δ is in the law of the components, which the
theorem does not look at. InfoNCE with N ≥ 1 negatives, SimCLR's loss without normalisation, SigLIP, logistic and
triplet losses (the hinge included: Φ need not be smooth), decoupled and supervised contrastive losses, the spectral
contrastive loss and least squares of scores are of this kind. The InfoNCE of Theorem 5.2, where the mean over
negatives stands inside the logarithm, is the limit of the first. The second part needs its condition: −z_0 + z_1, the
decoupled loss with one negative, is affine; its mean is −δ tr(M Cov(μ)), so for δ > 0 and means that differ it has no
minimiser, and for δ = 0 every map is one, wherever its columns lie.

Given its component, the part of an item across S_F is independent of the part within, with mean 0, so the scores of
the cut map are the means of the scores given all parts within: Jensen's inequality. Were it an equality, Φ_s would be
affine on what the scores can be, which holds a whole line in direction h when A has a part across. A convex function
that is affine on one line is so on every parallel line.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for other losses; the talk names "a better contrastive
loss" as a next step. The statement and its proof are ours. Unlike for InfoNCE, nothing is claimed of stationary
points.

Status: proved.
"""

from __future__ import annotations

import sys

from thmverify.evidence import Break
from thmverify.hypotheses import MAPS_INTO
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Quantity, Statement
from thmverify.theorems.formal import formal
from thmverify.theorems.nonshared.common import TILTED
from thmverify.theorems.scores.common import (
    MAPPED_PAIRS,
    MAPPED_WITNESS,
    SYMBOLS,
    Cut,
    Leaks,
    conclusion,
    margin,
    sample_mapped,
    source,
)
from thmverify.verdicts import Status

ID = "convex-scores-inclusion"
QUANTITY = Quantity(
    r"L(A) = \mathbb{E}\,\Phi_s(z),\quad z_{ij} = f(x_i)^T f(x_j),\ i \neq j,\quad f(x) = A^T x,\quad "
    r"\Phi_s \text{ convex}"
)
CONCLUSION = conclusion(
    "For every law of the components of a batch of independent items and every r ≥ 1, if each Φ_s is convex and of "
    "polynomial growth, some map with columns in S_F has a loss no larger than that of A, for every A; if some Φ_s is "
    "also not affine in the scores of one item, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
)

STATEMENT = Statement(
    id=ID,
    title="Losses that are convex functions of scores learn nothing outside the Fisher subspace",
    source=source(""),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=MAPPED_PAIRS,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=Cut(ID),
    witness=MAPPED_WITNESS,
    sample=sample_mapped,
    proof=Proof("thmverify.theorems.scores.convex_scores_inclusion_proof"),
    formal=formal(ID),
    breaks=(Break(MAPS_INTO.name, TILTED.instance, Leaks(ID, "least-squares")),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
