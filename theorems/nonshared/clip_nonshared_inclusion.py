"""Components with covariances of their own: CLIP is hoped to stay inside the Fisher subspaces. It does not.

Let {w_k, μ_{V,k}, Σ_{V,k}, μ_{T,k}, Σ_{T,k}} be a paired mixture as in Definition 6.1, but with a covariance for each
component, S_{V,F} = span{Σ̄_V⁻¹μ_{V,k}} and S_{T,F} the Fisher subspaces, and L the CLIP loss. The claim is that
Col(W*) ⊆ S_{V,F} and Col(W*ᵀ) ⊆ S_{T,F}, W* = A_V* A_T*ᵀ, for every minimiser, as it is for one covariance in each
modality (`clip-inclusion-effective`).

It is false, for two images ±(1, 0) in the plane with covariances I and (2 1; 1 2) and texts ±1 on the line already.
The reason is that of `nonshared-inclusion`. A certificate bounds L from below on all W inside and shows one across the
border with a smaller loss. As Col(W) ⊆ Col(A_V), the literal claim about A_V* and A_T* fails there too.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem and Definition 6.1, for a covariance that the
components of a modality share; the talk names "non-shared covariance GMMs" as a next step. The claim is the theorem's,
carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import SEPARATELY_PAIRED
from thmverify.models import GMM, Instance, PairedGMM, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_covariance
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.clip.common import QUANTITY
from thmverify.theorems.nonshared.common import (
    CLIP_CLAIM,
    CLIP_CONCLUSION,
    TILTED_IMAGES,
    clip_leak_margin,
    small_pairs,
)
from thmverify.verdicts import Status

ID = CLIP_CLAIM
SYMBOLS = vocabulary.entries("d_V", "d_T", "K", "r", "w", "Sigma_V,k", "Sigma_T,k", "delta")


def separate(rng: random.Random, mixture: GMM) -> GMM:
    """Return the mixture with a random covariance for each component."""
    covariances = tuple(random_covariance(rng, mixture.dimension) for _ in mixture.weights)
    return GMM(mixture.weights, mixture.means, covariances)


def sample(rng: random.Random) -> Instance:
    """Draw pairs whose images, or texts, have covariances of their own."""
    return small_pairs(rng, separate)


WITNESS = Instance(
    PairedGMM(
        GMM((Fraction(1, 3), Fraction(2, 3)), ((2, 0), (-1, 0)), (((1, 0), (0, 2)), ((3, 0), (0, 1)))),
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1,), (-1,))),
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    title="CLIP learns nothing outside the Fisher subspaces, whatever the covariances: the product W",
    source=Source(
        PAPER,
        "the CLIP theorem without its shared covariances (in the talk: Possible next steps)",
        "the sources do not claim it: they ask for an extension to non-shared covariances",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=SEPARATELY_PAIRED,
    quantity=QUANTITY,
    conclusion=CLIP_CONCLUSION,
    margin=clip_leak_margin,
    examine=ByKernel(CLIP_CLAIM),
    witness=WITNESS,
    sample=sample,
    claim=CLIP_CLAIM,
    counterexamples=(TILTED_IMAGES,),
    guarantees=(Guarantee("clip-product", Column.SEPARATE), Guarantee("clip", Column.SEPARATE)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
