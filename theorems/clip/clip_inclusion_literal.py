"""The CLIP theorem as it is printed, about A_V and A_T themselves. Free columns refute it.

Setting and loss as in `clip-inclusion-effective`. The claim is that Col(A_V*) ⊆ S_{V,F} and Col(A_T*) ⊆ S_{T,F} for
every minimiser (A_V*, A_T*) of L over factors with r ≥ K columns.

It is false: L sees A_V and A_T in W = A_V A_Tᵀ alone, and where a column of A_T is 0, the same column of A_V may be
anything. Let W° minimise L over all W, unique since L is strictly convex in W; rank W° ≤ min(dim S_{V,F}, dim S_{T,F}).
The claim fails exactly when r > rank W° and S_{V,F} or S_{T,F} is not the whole space:

- for r > rank W° an optimal pair has W = W°, so there is one with a zero column in both factors, and in the modality
  whose S_F is not the whole space that column may be moved out of S_F;
- for r ≤ rank W° every optimal W has rank r. One of lower rank would leave a column free in both modalities, so
  ∇L(W) = 0 along every uvᵀ and W = W°. Then A_V and A_T have independent columns, so Col(A_V) = Col(W) and
  Col(A_T) = Col(Wᵀ), which lie inside by `clip-inclusion-effective`.

The source's r ≥ K makes it worse: rank W° ≤ K always, and rank W° ≤ K − 1 when a modality is centred.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem (the talk's Theorem 5.2; CLIPGMM is Definition 6.1
of the paper and 5.1 of the talk). δ < 1 is our addition. The refutation and the exact condition are ours; the repair
is `clip-inclusion-balanced`.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace

import numpy as np

from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, PAIRED
from thmverify.losses.clip import paired_mixture
from thmverify.minimize import minimise
from thmverify.minimize.result import ACCEPTED
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_clip_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.clip.common import QUANTITY, SYMBOLS, WITNESS
from thmverify.verdicts import Status

ID = "clip-inclusion-literal"
CONCLUSION = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}_{A_V \in \mathbb{R}^{d_V \times r}, A_T \in \mathbb{R}^{d_T \times r}} L "
    r"\implies \mathrm{Col}(A_V^*) \subseteq S_{V,F},\ \mathrm{Col}(A_T^*) \subseteq S_{T,F}",
    "Col(A_V*) ⊆ S_{V,F} and Col(A_T*) ⊆ S_{T,F} for every minimiser (A_V*, A_T*) of the CLIP loss over factors with "
    "r columns.",
)


def margin(instance: Instance) -> float:
    """Return how many columns are free at least; where none need be, minus the r-th singular value of W°, in float64.

    −1 where both Fisher subspaces are everything, and a free column can do no harm.
    """
    modalities = (paired_mixture(instance).vision, paired_mixture(instance).text)
    sizes = [fisher_subspace(mixture).dimension for mixture in modalities]
    if all(m == mixture.dimension for m, mixture in zip(sizes, modalities, strict=True)):
        return -1.0
    if instance.rank > min(sizes):
        return float(instance.rank - min(sizes))
    W = minimise("clip", instance, min(sizes)).maps["W"]
    return ACCEPTED - float(np.linalg.svd(W, compute_uv=False)[instance.rank - 1])


def sample(rng: random.Random) -> Instance:
    """Draw a paired mixture with r ≥ K."""
    instance = random_clip_instance(rng)
    return replace(instance, rank=len(paired_mixture(instance).weights) + rng.randint(0, 2))


COUNTEREXAMPLE = Counterexample(
    COUNTEREXAMPLES / "clip-inclusion-literal.json",
    tempting="Cut A_V and A_T to their parts inside the Fisher subspaces: the alignment stays, the quadratics and, by "
    "Jensen, the log-partition functions do not grow. So a minimiser has no part outside.",
    catch="What strictly decreases is tr(A_TᵀΣ_T A_T · A_outᵀΣ_V A_out), and that may vanish without A_out: in a "
    "column where A_T is 0. For two components ±e₁ in the plane rank W* = 1, so with r = 2 ≥ K the second column of "
    "A_V may be e₂, orthogonal to all that the components differ in, at no cost.",
    repaired="W = A_V A_Tᵀ lies inside (clip-inclusion-effective), and so do A_V and A_T when r ≤ rank W*, when the "
    "factors are balanced, or of minimal norm (clip-inclusion-balanced).",
)

STATEMENT = Statement(
    id=ID,
    title="CLIP learns nothing outside the Fisher subspaces, as printed: the factors",
    source=Source(
        PAPER,
        "the CLIP theorem (in the talk: Theorem 5.2); Definition 6.1 (in the talk: 5.1)",
        "that δ may be below 1 is our addition; the counterexample has δ = 1",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRED, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    counterexamples=(COUNTEREXAMPLE,),
    witness=WITNESS,
    sample=sample,
    guarantees=(Guarantee("clip", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
