"""The CLIP theorem for the factors themselves, repaired: balanced factors, or shortest ones, learn nothing outside.

Setting and loss as in `clip-inclusion-effective`. Let (A_V, A_T) be a minimiser or a stationary pair of L, with any
number r of columns, and suppose one of

- balanced: A_VᵀN_V A_V = A_TᵀN_T A_T for some N_V ≻ 0 and N_T ≻ 0, for example I and I, or Σ_V and Σ_T;
- of minimal norm: no pair with the same product A_V A_Tᵀ has a smaller tr(A_VᵀN_V A_V) + tr(A_TᵀN_T A_T);
- ker A_V = ker A_T, as when the columns of each are independent, and so whenever r ≤ rank W*.

Then Col(A_V) ⊆ S_{V,F} and Col(A_T) ⊆ S_{T,F}. Each of the three excludes what makes the printed claim false
(`clip-inclusion-literal`): a column that is free in A_V because A_T does not use it. Gradient flow keeps
A_VᵀA_V − A_TᵀA_T as it is, so small initial values give nearly balanced factors; of all minimisers, vanishing weight
decay selects one of minimal norm.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem (the talk's Theorem 5.2; CLIPGMM is Definition 6.1
of the paper and 5.1 of the talk), which supposes none of the three. The repair and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from thmverify import exact
from thmverify.evidence import ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, PAIRED
from thmverify.losses.clip import paired_mixture
from thmverify.maps import CLIPFactors
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_clip_instance, random_matrix
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import Subspace
from thmverify.theorems import PAPER
from thmverify.theorems.clip.common import QUANTITY, SYMBOLS, WITNESS, leaks
from thmverify.theorems.common import split
from thmverify.theorems.formal import formal
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "clip-inclusion-balanced"
CONCLUSION = Conclusion(
    r"\nabla L(A_V, A_T) = 0,\ A_V^T N_V A_V = A_T^T N_T A_T \implies "
    r"\mathrm{Col}(A_V) \subseteq S_{V,F},\ \mathrm{Col}(A_T) \subseteq S_{T,F}",
    "For every δ ∈ [0, 1], every r ≥ 1 and all positive definite N_V and N_T, Col(A_V) ⊆ S_{V,F} and "
    "Col(A_T) ⊆ S_{T,F} for every minimiser and every stationary pair (A_V, A_T) with A_VᵀN_V A_V = A_TᵀN_T A_T, or "
    "with tr(A_VᵀN_V A_V) + tr(A_TᵀN_T A_T) minimal for the product A_V A_Tᵀ, or with ker A_V = ker A_T.",
)


def one_kernel_pair(instance: Instance) -> CLIPFactors:
    """Return a random pair A_V = U_V Y, A_T = U_T Y of rank at most 2, scaled so that W is of moderate size."""
    model, rng = paired_mixture(instance), instance_rng(instance)
    rank = min(instance.rank, 2, model.vision.dimension, model.text.dimension)
    while True:
        Y = random_matrix(rng, rank, instance.rank)
        A_V, A_T = (random_matrix(rng, m.dimension, rank) * Y for m in (model.vision, model.text))
        spread = exact.inner(A_V.transpose() * model.vision.R * A_V, A_T.transpose() * model.text.R * A_T)
        if A_V.rank() == A_T.rank() == rank:
            return CLIPFactors(A_V / (1 + spread.ceil()), A_T)


def margin(instance: Instance) -> float:
    """Return −slope / least slope of `clip-inclusion-effective` for a random pair with one kernel, if it leaks.

    At most −1 by the proof; 1 if a factor leaks and W does not, since then nothing would push it back.
    """
    factors, model = one_kernel_pair(instance), paired_mixture(instance)
    parts = (split(model.vision, factors.A_V)[1], split(model.text, factors.A_T)[1])
    found = leaks(instance, factors)
    if len(found) < sum(not exact.is_zero(part) for part in parts):
        return 1.0
    return max((-leak.slope / leak.least for leak in found), default=-1.0)


def examine(instance: Instance) -> Verdict:
    """Decide exactly that W lies inside, and that factors with one kernel have the column spaces of W and Wᵀ."""
    factors = one_kernel_pair(instance)
    for A, W in ((factors.A_V, factors.W), (factors.A_T, factors.W.transpose())):
        if Subspace.spanned_by(A) != Subspace.spanned_by(W):
            reason = "two factors have one kernel, and one of them has columns that W has not"
            return Verdict(ID, Outcome.REFUTED, reason, provenance=Provenance.EXACT)
    seen = ByKernel("clip-inclusion-effective")(instance)
    return replace(seen, claim=ID, reason=f"{seen.reason}; factors with one kernel have the column spaces of W and Wᵀ")


STATEMENT = Statement(
    id=ID,
    title="CLIP learns nothing outside the Fisher subspaces: balanced factors",
    source=Source(
        PAPER,
        "the CLIP theorem (in the talk: Theorem 5.2); Definition 6.1 (in the talk: 5.1)",
        "the source supposes neither balance nor minimal norm; the repair is ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=PAIRED,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=random_clip_instance,
    proof=Proof("thmverify.theorems.clip.clip_inclusion_balanced_proof"),
    formal=formal(ID),
    special_case_of="clip-inclusion-literal",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
