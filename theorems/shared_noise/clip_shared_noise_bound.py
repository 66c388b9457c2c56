"""Image and caption that share noise draw CLIP out of the Fisher subspace no further than the noise that they share.

Let {w_k, μ_{V,k}, μ_{T,k}, Σ_V, Σ_T} be a paired mixture as in Definition 6.1 but for the noise: given their component,
x_V and x_T of a right caption are jointly Gaussian with Cov(x_V, x_T) = Γ. Then every minimiser of the CLIP loss has

    Col(W*) ⊆ S_{V,F} + Σ_V⁻¹Col Γ,     W* = A_V* A_T*ᵀ,

for every δ and every r; so have the texts, with the names exchanged. Only the alignment changes, by 2δ tr(WᵀΓ).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the CLIP theorem; Definition 6.1, whose modalities share no noise.
The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys

from thmverify.hypotheses import PAIRED
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_clip_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems.clip.common import QUANTITY, SYMBOLS, WITNESS
from thmverify.theorems.formal import formal
from thmverify.theorems.shared_noise.common import least_paired_gain, source
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "clip-shared-noise-bound"
CONCLUSION = Conclusion(
    r"(A_V^*, A_T^*) \in \mathrm{argmin}\, L \implies "
    r"\mathrm{Col}(W^*) \subseteq S_{V,F} + \Sigma_V^{-1} \mathrm{Col}(\Gamma),\quad W^* = A_V^* A_T^{*T}",
    "For every noise that image and caption share, every δ and every r, W* = A_V* A_T*ᵀ has Col(W*) ⊆ S_{V,F} + "
    "Σ_V⁻¹Col Γ for every minimiser (A_V*, A_T*).",
)


def margin(instance: Instance) -> float:
    """Return −[L(W) − L(W_in)]/h, the worst over random maps, on pairs whose first coordinates share noise.

    At most −1 by the proof, positive where leaving W_out out raises L; −1 where nothing lies outside.
    """
    found = least_paired_gain(instance)
    return -1.0 if found is None else -found


def examine(instance: Instance) -> Verdict:
    """Look for maps that do better with a part outside: floats can contradict the proof here, not prove it."""
    found = least_paired_gain(instance)
    if found is None:
        reason = "S_{V,F} + span{e₁} is the whole space, or no map was drawn outside"
        return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.EXACT)
    if found < 0:
        return Verdict(ID, Outcome.FAILED, "in floats a part outside lowers L", provenance=Provenance.FLOATING)
    reason = f"in floats parts outside raise L, by {found:.4g} times their noise or more"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


STATEMENT = Statement(
    id=ID,
    title="Image and caption that share noise draw CLIP no further out of S_F than that noise",
    source=source("the CLIP theorem, and Definition 6.1"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=PAIRED,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=random_clip_instance,
    proof=Proof("thmverify.theorems.shared_noise.clip_shared_noise_bound_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
