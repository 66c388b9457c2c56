"""Does CLIP learn the whole Fisher subspaces? Not in general: what the other modality does not show is not learnt.

Setting and loss as in `clip-inclusion-effective`, W* = A_V* A_T*ᵀ and r ≥ K. The claim is that Col(W*) = S_{V,F} and
Col(W*ᵀ) = S_{T,F} for every minimiser. It is decided on an instance by the rank of W*, the minimiser over all W, which
is unique: the claim says rank W* = dim S_{V,F} = dim S_{T,F}. It is false

- where the dimensions differ, since rank W* is at most the smaller one: a caption on a line cannot teach a plane;
- where δ Cov(μ_V, μ_T) = 0, and then W* = 0, since ∇L(0) = −2δ Cov(μ_V, μ_T) (the sum of the two directions);
- where a symmetry moves the images and leaves the texts as they are. If a permutation of the components preserves the
  weights and moves the means by isometries U_V and U_T, then U_V W* U_Tᵀ = W*. For the eight components
  μ_V = (i, j), μ_T = (i, k), i, j, k = ±1, the exchange of j = 1 and j = −1 gives W* = diag(1, −1) W*, so rank W* = 1;
- and besides on a thin set, where W* loses rank for no such reason.

Balanced minimisers have Col(A_V*) = Col(W*) and Col(A_T*) = Col(W*ᵀ): the same instances refute the claim about the
factors themselves. Where it holds for W* the kernel encloses W* and its singular values. It always holds for two lines,
unless the means are uncorrelated or δ = 0: `clip-equality-lines`.

Source: ours. Bansal, Kavis, Sanghavi, arXiv:2411.03517, claim inclusion alone (the CLIP theorem, the talk's Theorem
5.2): CLIP "learns a subset of the Fisher-optimal subspaces". The question is the one that Theorem 5.2 of the paper
answers for InfoNCE; that the subset may be proper is shown here.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import Border, ByKernel, Counterexample, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, PAIRED
from thmverify.losses.clip import paired_mixture
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_clip_instance
from thmverify.statement import Statement
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS, PAPER
from thmverify.theorems.clip.common import (
    CORNERS,
    EQUALITY,
    PAIR,
    QUANTITY,
    SYMBOLS,
    plain,
    smallest_value,
)
from thmverify.verdicts import Status

ID = "clip-effective-equality"


def sample(rng: random.Random) -> Instance:
    """Draw a paired mixture of at most three components with r ≥ K."""
    instance = random_clip_instance(rng, most=3)
    return replace(instance, rank=len(paired_mixture(instance).weights) + rng.randint(0, 2))


STEP = Fraction(1, 100)
TURNED = plain([(i, j) for i, j, _ in CORNERS], [(i, k + STEP * j) for i, j, k in CORNERS])
CORRELATED = plain([(1,), (1,), (-1,), (-1,)], [(1 + STEP,), (-1,), (1,), (-1 - STEP,)])

MISMATCH = Counterexample(
    COUNTEREXAMPLES / "clip-effective-equality.json",
    tempting="Every component has its own text, so every difference between images can be read off the texts, and "
    "alignment rewards it.",
    catch="W* pairs directions of images with directions of texts. Texts on a line pair one direction of the images; "
    "the other direction of the plane that they span stays out.",
    repaired="It holds when both Fisher subspaces are lines, δ > 0 and the means are correlated (clip-equality-lines), "
    "and wherever the enclosed W* has rank dim S_{V,F} = dim S_{T,F}.",
)
SYMMETRIC = Counterexample(
    COUNTEREXAMPLES / "clip-effective-equality-reflected.json",
    tempting="Where both subspaces have one dimension nothing is lost: rank W* can be that dimension.",
    catch="Images (i, j) and texts (i, k) agree in i alone. Reflecting j changes neither weights nor texts, so W* does "
    "not see j; and likewise k.",
    repaired=MISMATCH.repaired,
    near=Border(TURNED, ByKernel(ID), "texts that tell j apart, however little, make W* see it"),
)
UNCORRELATED = Counterexample(
    COUNTEREXAMPLES / "clip-effective-equality-crossed.json",
    tempting="On two lines there is only one direction each, and the pairs are informative: each component has its own "
    "pair of means.",
    catch="The means are uncorrelated, and a bilinear score sees no more: W* = 0.",
    repaired=MISMATCH.repaired,
    near=Border(CORRELATED, ByKernel(ID), "W* is 0 only where the means are uncorrelated exactly"),
)
WRONG_CAPTIONS = Counterexample(
    COUNTEREXAMPLES / "clip-effective-equality-wrong-captions.json",
    tempting="With wrong captions among the pairs the loss is less sharp, and might spread to all directions.",
    catch="The dimensions differ as before, for every δ.",
    repaired=MISMATCH.repaired,
    near=Near(NEIGHBOURHOODS / "clip-effective-equality-biased-near.json", ID),
)

STATEMENT = Statement(
    id=ID,
    title="CLIP learns the whole Fisher subspaces",
    source=Source(
        PAPER,
        "the CLIP theorem (in the talk: Theorem 5.2) with = in place of ⊆; Definition 6.1 (in the talk: 5.1)",
        "the question is ours: the source claims inclusion alone",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRED, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=smallest_value,
    examine=ByKernel(ID),
    claim=ID,
    counterexamples=(MISMATCH, SYMMETRIC, UNCORRELATED, WRONG_CAPTIONS),
    witness=PAIR,
    sample=sample,
    guarantees=tuple(
        Guarantee(loss, column)
        for loss in ("clip", "clip-product")
        for column in (Column.EQUALITY, Column.EQUALITY_BIASED)
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
