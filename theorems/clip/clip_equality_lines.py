"""CLIP on two lines: it learns both Fisher subspaces whole, exactly when the pairs are informative.

Setting and loss as in `clip-inclusion-effective`. Let S_{V,F} and S_{T,F} be lines, as for two centred components, or
for means on one line through 0 in each modality. If δ > 0 and the means are correlated,
Σ_k w_k (μ_{V,k} − μ̄_V)(μ_{T,k} − μ̄_T)ᵀ ≠ 0, then Col(W*) = S_{V,F} and Col(W*ᵀ) = S_{T,F} for every minimiser and every
r ≥ 1. For W* lies inside, so on a line all that could be lost is W* itself; and W = 0 is no minimiser, since there the
slope of L along Cov is −2δ‖Cov‖² < 0. Each condition is needed: without one the rank of W* is wrong.

This is the special case of `clip-effective-equality` that a proof covers. Two centred components are always correlated:
Cov = w_1 w_2 (μ_{V,1} − μ_{V,2})(μ_{T,1} − μ_{T,2})ᵀ.

Source: ours. Bansal, Kavis, Sanghavi, arXiv:2411.03517, claim inclusion alone (the CLIP theorem, the talk's Theorem
5.2; CLIPGMM is Definition 6.1 of the paper and 5.1 of the talk).

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break, ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import CORRELATED, ENOUGH_COLUMNS, PAIRED, SOME_MATCHED, TEXT_LINE, VISION_LINE
from thmverify.losses.clip import paired_mixture
from thmverify.models import CLIPGMM, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_clip_instance
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.clip.common import BLURRED, CROSSED, EQUALITY, PAIR, QUANTITY, plain, smallest_value
from thmverify.theorems.formal import formal
from thmverify.verdicts import Status

ID = "clip-equality-lines"
SYMBOLS = vocabulary.entries("d_V", "d_T", "K", "r", "w", "Sigma_V", "Sigma_T", "delta", "m_V", "m_T", "Cov_VT")


def on_a_line(rng: random.Random, mixture: SharedGMM) -> SharedGMM:
    """Return the mixture with its means moved to one line through 0, in a direction that is not 0."""
    direction = [Fraction(rng.randint(1, 4), 3) for _ in range(mixture.dimension)]
    places = [Fraction(rng.randint(-4, 4), 3) for _ in mixture.weights]
    means = [[place * x for x in direction] for place in places]
    return SharedGMM(mixture.weights, means, mixture.covariance)


def sample(rng: random.Random) -> Instance:
    """Draw a paired mixture whose means lie on lines and are correlated, with δ > 0 and any r."""
    while True:
        instance = random_clip_instance(rng, most=3)
        model = paired_mixture(instance)
        model = CLIPGMM(on_a_line(rng, model.vision), on_a_line(rng, model.text), model.bias)
        instance = replace(instance, model=model)
        if all(h.holds(instance) for h in (VISION_LINE, TEXT_LINE, CORRELATED, SOME_MATCHED)):
            return instance


def exchanged(instance: Instance) -> Instance:
    """Return the instance with its modalities exchanged."""
    model = paired_mixture(instance)
    return replace(instance, model=CLIPGMM(model.text, model.vision, model.bias))


WRONG = plain([(1,), (-1,)], [(1,), (-1,)], Fraction(0))

STATEMENT = Statement(
    id=ID,
    title="CLIP learns both Fisher subspaces whole where they are lines",
    source=Source(
        PAPER,
        "the CLIP theorem (in the talk: Theorem 5.2) with = in place of ⊆; Definition 6.1 (in the talk: 5.1)",
        "the question, the case and the proof are ours: the source claims inclusion alone",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRED, VISION_LINE, TEXT_LINE, CORRELATED, SOME_MATCHED),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=replace(
        EQUALITY,
        sentence="For every r ≥ 1, Col(W*) = S_{V,F} and Col(W*ᵀ) = S_{T,F} for W* = A_V* A_T*ᵀ of every minimiser.",
    ),
    margin=smallest_value,
    examine=ByKernel("clip-effective-equality"),
    claim="clip-effective-equality",
    witness=replace(PAIR, rank=1),
    sample=sample,
    proof=Proof("thmverify.theorems.clip.clip_equality_lines_proof"),
    formal=formal(ID),
    breaks=(
        Break(VISION_LINE.name, BLURRED, ByKernel("clip-effective-equality")),
        Break(TEXT_LINE.name, exchanged(BLURRED), ByKernel("clip-effective-equality")),
        Break(CORRELATED.name, CROSSED, ByKernel("clip-effective-equality")),
        Break(SOME_MATCHED.name, WRONG, ByKernel("clip-effective-equality")),
    ),
    special_case_of="clip-effective-equality",
    guarantees=(Guarantee("clip-product", Column.EQUALITY), Guarantee("clip-product", Column.EQUALITY_BIASED)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
