"""InfoNCE over affine maps: every minimiser uses only what the posterior depends on.

Let {w_k, μ_k, Σ} be a SharedGMM and L the InfoNCE loss of the maps f(x) = Aᵀx + c, A ∈ R^{d×r}, c ∈ R^r. Then every
minimiser has

    Col(A*) ⊆ S_LDA = span{Σ⁻¹(μ_k − μ_l)},

for every δ and every r. S_LDA does not depend on the origin, nor does the loss, as c takes up what a translation adds:
this repairs `translation`, where minimisers exist. It is the sharp subspace of `lemma-4.2`: a minimiser sees x only
through the posterior. Linear maps are a smaller class, and their minimisers may leave S_LDA (for S_F).

It is a case of a principle about any class of encoders that is closed under conditional means given a sufficient
statistic: a part of f(x) that the component does not explain is noise, and costs.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys

from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import ENOUGH_COLUMNS, SHARED_PAIRS
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import lda_subspace
from thmverify.theorems.encoders.common import QUANTITY, ROW, SYMBOLS, least_gain, source
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import WITNESS
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "affine-inclusion"
CONCLUSION = Conclusion(
    r"(A^*, c^*) \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r},\, c \in \mathbb{R}^r} L(A, c) \implies "
    r"\mathrm{Col}(A^*) \subseteq S_{\mathrm{LDA}} = \mathrm{span}\{\Sigma^{-1}(\mu_k - \mu_l)\}",
    "For every δ ∈ [0, 1] and every r ≥ 1, Col(A*) ⊆ S_LDA for every minimiser (A*, c*) of L over the affine maps.",
)


def margin(instance: Instance) -> float:
    """Return −[L(A, c) − L(A_in, c')]/½ tr Q², the worst over random maps: at most −1 by the proof.

    −1 where S_LDA is the whole space.
    """
    found = least_gain(instance)
    return -1.0 if found is None else -found


def examine(instance: Instance) -> Verdict:
    """Look for a map that is no worse than its part inside: floats can contradict the proof here, not prove it."""
    dimension, found = lda_subspace(instance.shared).dimension, least_gain(instance)
    if found is None:
        reason = "S_LDA is the whole space, so it contains every column space"
        return Verdict.exact(ID, True, reason, dimension)
    if found <= 0:
        reason = "on samples a part outside S_LDA lowers L"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING, dimension=dimension)
    reason = f"on samples parts outside S_LDA raise L, by {found:.4g} times half their squared noise or more"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING, dimension=dimension)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with one covariance, anywhere."""
    return random_instance(rng)


STATEMENT = Statement(
    id=ID,
    title="InfoNCE over affine maps learns nothing outside S_LDA, wherever the origin is",
    source=source("Theorem 5.2, first half, for affine maps", "the statement and its proof are ours"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=SHARED_PAIRS,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.encoders.affine_inclusion_proof"),
    formal=formal(ID),
    guarantees=(Guarantee(ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
