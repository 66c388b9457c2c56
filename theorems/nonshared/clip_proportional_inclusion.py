"""Covariances that differ but map the Fisher subspaces into the spans of the means: CLIP stays inside.

Setting as in `clip-nonshared-inclusion`, and suppose that Σ_{V,k}S_{V,F} ⊆ span{μ_{V,l}} and
Σ_{T,k}S_{T,F} ⊆ span{μ_{T,l}} for every k. Proportional covariances are of this kind, and so are covariances that are
block diagonal along the span of the means and its complement. Then Col(W*) ⊆ S_{V,F} and Col(W*ᵀ) ⊆ S_{T,F},
W* = A_V* A_T*ᵀ, for every minimiser over maps with r columns, for every δ ∈ [0, 1] and every r.

Given the component the part of x_V across S_{V,F} is independent of the part within, with mean 0: against the texts
Jensen's inequality lowers the loss when it is cut off, against the images every exponent falls.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem and Definition 6.1, for a covariance that the
components of a modality share; the talk names "non-shared covariance GMMs" as a next step. The statement and its proof
are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break, ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, SEPARATELY_PAIRED, TEXT_MAPS_INTO, VISION_MAPS_INTO
from thmverify.models import GMM, Instance, PairedGMM, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.clip.common import QUANTITY
from thmverify.theorems.formal import formal
from thmverify.theorems.nonshared.common import (
    CLIP_CLAIM,
    CLIP_CONCLUSION,
    TILTED_IMAGES,
    block_diagonal,
    clip_leak_margin,
    exchanged,
    proportional,
    small_pairs,
)
from thmverify.verdicts import Status

ID = "clip-proportional-inclusion"
SYMBOLS = vocabulary.entries(
    "d_V", "d_T", "K", "r", "w", "Sigma_V,k", "Sigma_T,k", "Pi_V,F", "Pi_V,mu", "Pi_T,F", "Pi_T,mu", "delta"
)


def sample(rng: random.Random) -> Instance:
    """Draw pairs whose images, or texts, have proportional or block-diagonal covariances."""
    return small_pairs(rng, rng.choice((proportional, block_diagonal)))


WITNESS = Instance(
    PairedGMM(
        GMM((Fraction(1, 3), Fraction(2, 3)), ((2, 1), (-1, -Fraction(1, 2))), (((2, 1), (1, 3)), ((4, 2), (2, 6)))),
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1,), (-1,))),
        Fraction(1, 2),
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    title="CLIP stays inside the Fisher subspaces when every covariance maps them into the spans of the means",
    source=Source(
        PAPER,
        "the CLIP theorem, for more than shared covariances (in the talk: Possible next steps)",
        "the statement and its proof are ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*SEPARATELY_PAIRED, VISION_MAPS_INTO, TEXT_MAPS_INTO),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CLIP_CONCLUSION,
    margin=clip_leak_margin,
    examine=ByKernel(CLIP_CLAIM),
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.nonshared.clip_proportional_inclusion_proof"),
    formal=formal(ID),
    claim=CLIP_CLAIM,
    breaks=(
        Break(VISION_MAPS_INTO.name, TILTED_IMAGES.instance, ByKernel(CLIP_CLAIM)),
        Break(TEXT_MAPS_INTO.name, exchanged(TILTED_IMAGES.instance), ByKernel(CLIP_CLAIM)),
    ),
    special_case_of=CLIP_CLAIM,
    guarantees=(Guarantee("clip-product", Column.SEPARATE),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
