"""PCA finds the Fisher subspace of spherical components, whatever their radii.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture whose covariances are multiples of I, each its own, Σ̄ = Σ_k w_k Σ_k,
S_F = span{Σ̄⁻¹μ_k}, m = dim S_F and R = E xxᵀ = Σ̄ + S. Then S_F = span{μ_k}, and for r = m every maximiser A* of the
captured variance tr(AᵀRA), AᵀA = I, has Col(A*) = S_F.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Figure 1 (a): "For spherical Gaussians, S_SVD and S_F overlap"; in
the talk: "Spherical: works really well". There the radii are equal; that they need not be is ours, and so is the proof.

Status: proved.
"""

from __future__ import annotations

import sys

from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import COLUMNS_MATCH, MIXTURE, SHARED_COVARIANCE, SPHERICAL
from thmverify.models import AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.pca.common import (
    BALLS,
    CLAIM,
    EQUALITY,
    PANCAKES,
    QUANTITY,
    SPHERICAL_SYMBOLS,
    angle_margin,
    line,
    sample_spherical,
)
from thmverify.verdicts import Status

ID = "pca-spherical"


STATEMENT = Statement(
    id=ID,
    title="PCA finds the Fisher subspace of spherical components",
    source=Source(
        PAPER,
        "Figure 1 (a); in the talk: Linear Representations for GMMs, Spherical",
        "stated there for equal radii and without proof",
    ),
    status=Status.PROVED,
    symbols=SPHERICAL_SYMBOLS,
    hypotheses=(*MIXTURE, SPHERICAL, COLUMNS_MATCH),
    redundant=(SHARED_COVARIANCE,),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=angle_margin,
    examine=ByKernel(CLAIM),
    witness=line(BALLS),
    sample=sample_spherical,
    proof=Proof("thmverify.theorems.pca.pca_spherical_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(
        Break(SPHERICAL.name, line(PANCAKES), ByKernel(CLAIM)),
        Break(COLUMNS_MATCH.name, Instance(AugmentedPairs(BALLS), 2), ByKernel(CLAIM)),
    ),
    special_case_of="pca-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
