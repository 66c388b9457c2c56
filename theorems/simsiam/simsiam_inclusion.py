"""SimSiam, linear, without weight decay: an invertible predictor keeps the encoder inside the Fisher subspace.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, (x, x̂) its augmented pairs with bias δ ∈ [0, 1], R = E xxᵀ, C = E x x̂ᵀ,
S_F = span{Σ̄⁻¹μ_k} and, for an encoder A (d × r), a predictor P (r × r) and a stop-gradient on the target,

    L(A, P) = ½ E‖P Aᵀx − sg(Aᵀx̂)‖² + (η/2)(‖A‖² + ‖P‖²),  ∂_A L = RAPᵀP − CAP + ηA.

Let η = 0 and let P be invertible. Wherever ∂_A L = 0, Col(A) ⊆ R⁻¹Col(C) ⊆ S_F: for every δ and every r, whether or not
P is stationary too, and with as many covariances as components, since L sees Σ̄ alone. Both conditions are needed:
with η > 0 A leaks (`simsiam-weight-decay`), and with a singular P as well (`simsiam-collapse`).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print it: the loss, the conditions and the statement are our reading,
the proof is ours.

Status: proved.
"""

from __future__ import annotations

import sys

from thmverify.evidence import Break, ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, NO_WEIGHT_DECAY, PAIRS, SHARED_COVARIANCE
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.simsiam.common import (
    LEAK,
    QUANTITY,
    READING,
    SYMBOLS,
    WITNESS,
    leak_margin,
    sample_anywhere,
)
from thmverify.verdicts import Status

ID = "simsiam-inclusion"
CONCLUSION = Conclusion(
    r"\partial_A L(A, P) = R A P^T P - C A P = 0,\ P \text{ invertible} \implies "
    r"\mathrm{Col}(A) \subseteq R^{-1}\mathrm{Col}(C) \subseteq S_F",
    "For every δ ∈ [0, 1], every r ≥ 1 and every invertible P, Col(A) ⊆ R⁻¹Col(C) and Col(A) ⊆ S_F for every encoder "
    "A with ∂_A L(A, P) = 0, the target held fixed.",
)


STATEMENT = Statement(
    id=ID,
    title="SimSiam learns nothing outside the Fisher subspace",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Definition 5.1", READING),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, NO_WEIGHT_DECAY),
    redundant=(SHARED_COVARIANCE, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=leak_margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample_anywhere,
    proof=Proof("thmverify.theorems.simsiam.simsiam_inclusion_proof"),
    formal=formal(ID),
    breaks=(Break(NO_WEIGHT_DECAY.name, LEAK.instance, ByKernel(ID)),),
    guarantees=(Guarantee("simsiam", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
