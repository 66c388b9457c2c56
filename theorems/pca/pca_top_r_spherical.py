"""PCA finds the best directions of spherical components for every number of columns, whatever their radii.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture whose covariances are multiples of I, each its own, Σ̄ = Σ_k w_k Σ_k = vI and
R = E xxᵀ = vI + S. On orthonormal columns tr(AᵀRA) = vr + v·J(A), J(A) = tr[(AᵀΣ̄A)⁻¹AᵀSA], and J depends on Col(A)
alone: every maximiser A* of the captured variance, AᵀA = I, has J(A*) ≥ J(B) for all B of r independent columns. The
mixture need not be centred.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Figure 1 (a) and Definition 3.2; in the talk: "Spherical: works
really well". The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import FEWER_COLUMNS, MIXTURE, SHARED_COVARIANCE, SPHERICAL
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.common import corners
from thmverify.theorems.formal import formal
from thmverify.theorems.pca.common import QUANTITY, SPHERICAL_SYMBOLS, TOP_CLAIM, sample_spherical, top_r_margin
from thmverify.verdicts import Status

ID = "pca-top-r-spherical"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmax}_{A^T A = I} \mathrm{tr}(A^T R A) \implies J(A^*) \geq J(B)",
    "For every r, each maximiser A* of tr(AᵀRA) over the A ∈ R^{d×r} with AᵀA = I has J(A*) ≥ J(B) for every B ∈ "
    "R^{d×r} of independent columns.",
)


def sample(rng: random.Random) -> Instance:
    """Draw spherical components, of one radius or of their own, not all at 0, and r ≤ d."""
    instance = sample_spherical(rng)
    return replace(instance, rank=rng.randint(1, instance.pairs.mixture.dimension))


STATEMENT = Statement(
    id=ID,
    title="PCA finds the best directions of spherical components",
    source=Source(PAPER, "Figure 1 (a) and Definition 3.2", "the source claims no optimality; the statement is ours"),
    status=Status.PROVED,
    symbols=SPHERICAL_SYMBOLS,
    hypotheses=(*MIXTURE, SPHERICAL),
    redundant=(SHARED_COVARIANCE, FEWER_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=top_r_margin,
    examine=ByKernel(TOP_CLAIM),
    claim=TOP_CLAIM,
    witness=corners((2, 1), (1, 1)),
    sample=sample,
    proof=Proof("thmverify.theorems.pca.pca_top_r_spherical_proof"),
    formal=formal(ID),
    breaks=(Break(SPHERICAL.name, corners((1, 1), (Fraction(1, 4), Fraction(65, 4))), ByKernel(TOP_CLAIM)),),
    special_case_of="pca-top-r",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
