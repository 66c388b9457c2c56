"""Pairs that share noise draw InfoNCE out of the Fisher subspace no further than the noise that they share.

Let {w_k, μ_k, Σ} be a mixture with a shared covariance, and (x, x̂) augmented pairs as in Definition 5.1 but for the
noise: given their component, x and x̂ are jointly Gaussian with Cov(x, x̂) = Γ. So are real augmentations: both crops of
an image hold its background. Then every minimiser of the InfoNCE loss over R^{d×r} has

    Col(A*) ⊆ S_F + Σ⁻¹Col(Γ + Γᵀ),

for every δ and every r. Only the alignment changes, by δ tr(AᵀΓA): the argument of `infonce-inclusion` cuts off what is
orthogonal to the means and to Γ. Without the second part of the bound it is false: see `shared-noise-inclusion`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, first half; Definition 5.1, whose pairs share no noise.
The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys
from fractions import Fraction

from thmverify.hypotheses import SHARED_PAIRS
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import COVARIANCES_DIFFER
from thmverify.theorems.shared_noise.common import QUANTITY, SYMBOLS, least_gain, sample, source
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "shared-noise-bound"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"\mathrm{Col}(A^*) \subseteq S_F + \Sigma^{-1} \mathrm{Col}(\Gamma + \Gamma^T)",
    "For every noise that the points of a pair share, every δ and every r, Col(A*) ⊆ S_F + Σ⁻¹Col(Γ + Γᵀ) for every "
    "minimiser A* of L over R^{d×r}.",
)


def margin(instance: Instance) -> float:
    """Return −[L(A) − L(A_in)]/½ tr Q², the worst over random maps, for pairs that keep the first coordinate's noise.

    At most −1 by the proof, positive where leaving A_out out raises L; −1 where nothing lies outside.
    """
    found = least_gain(instance)
    return -1.0 if found is None else -found


def examine(instance: Instance) -> Verdict:
    """Look for a map that does better with a part outside: floats can contradict the proof here, not prove it."""
    found = least_gain(instance)
    if found is None:
        reason = "S_F + span{e₁} is the whole space"
        return Verdict(ID, Outcome.PROVED, reason, provenance=Provenance.EXACT)
    if found < 0:
        return Verdict(ID, Outcome.FAILED, "in floats a part outside lowers L", provenance=Provenance.FLOATING)
    reason = f"in floats parts outside raise L, by {found:.4g} times ½ tr Q² or more"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


WITNESS = Instance(
    AugmentedPairs(
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3))),
        Fraction(7, 10),
    ),
    2,
)

STATEMENT = Statement(
    id=ID,
    title="Pairs that share noise draw InfoNCE no further out of S_F than that noise",
    source=source("Theorem 5.2, first half, and Definition 5.1"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=SHARED_PAIRS,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.shared_noise.shared_noise_bound_proof"),
    formal=formal(ID),
    breaks=(COVARIANCES_DIFFER,),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
