"""PCA finds the Fisher subspace of spherical components, whatever their radii.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture whose covariances are multiples of I, each its own, Σ̄ = Σ_k w_k Σ_k,
S_F = span{Σ̄⁻¹μ_k}, m = dim S_F and R = E xxᵀ = Σ̄ + S. Then S_F = span{μ_k}, and for r = m every maximiser A* of the
captured variance tr(AᵀRA), AᵀA = I, has Col(A*) = S_F.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Figure 1 (a): "For spherical Gaussians, S_SVD and S_F overlap"; in
the talk: "Spherical: works really well". There the radii are equal; that they need not be is ours, and so is the proof.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import COLUMNS_MATCH, MIXTURE, SHARED_COVARIANCE, SPHERICAL
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Statement
from thmverify.subspaces import mean_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.pca_equality import BALLS, CLAIM, CONCLUSION, PANCAKES, QUANTITY, line, margin
from thmverify.verdicts import Status

ID = "pca-spherical"
SYMBOLS = vocabulary.entries("d", "K", "r", "m", "w", "Sigma_k")


def sample(rng: random.Random) -> Instance:
    """Draw spherical components, of one radius or of their own, with r = dim S_F ≥ 1."""
    while True:
        instance = random_instance(rng)
        mixture = instance.shared
        m = mean_subspace(mixture).dimension
        if m == 0:
            continue
        common = rng.random() < 0.5
        variances = [Fraction(rng.randint(1, 40), 10) for _ in mixture.weights]
        covariances = tuple(_multiple(variances[0] if common else v, mixture.dimension) for v in variances)
        spherical = GMM(mixture.weights, mixture.means, covariances)
        return replace(instance, model=AugmentedPairs(spherical, instance.pairs.bias), rank=m)


def _multiple(variance: Fraction, d: int) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(variance if i == j else Fraction(0) for j in range(d)) for i in range(d))


STATEMENT = Statement(
    id=ID,
    title="PCA finds the Fisher subspace of spherical components",
    source=Source(
        PAPER,
        "Figure 1 (a); in the talk: Linear Representations for GMMs, Spherical",
        "stated there for equal radii and without proof",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*MIXTURE, SPHERICAL, COLUMNS_MATCH),
    redundant=(SHARED_COVARIANCE,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=line(BALLS),
    sample=sample,
    proof=Proof("thmverify.theorems.proofs.pca_spherical"),
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
