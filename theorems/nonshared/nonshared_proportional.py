"""Covariances that differ but map the Fisher subspace into the span of the means: InfoNCE stays inside.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, Σ̄ = Σ_k w_k Σ_k, S_F = span{Σ̄⁻¹μ_k}, and suppose Σ_k S_F ⊆ span{μ_l} for
every k. Proportional covariances Σ_k = c_kΣ are of this kind, and so are covariances that are simultaneously block
diagonal along span{μ_l} and its complement, whatever the blocks. Then Col(A*) ⊆ S_F for every minimiser A* of InfoNCE
over R^{d×r}, for every δ ∈ [0, 1] and every r. It is what is left of `nonshared-inclusion`.

Given the component, the part of x across S_F is then independent of the part within, with mean 0: cutting it off lowers
every exponent of the log-sum-exp, and Jensen does the rest, as for a shared covariance. Unlike there, nothing is
claimed of stationary points.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 for a shared covariance; the talk names "non-shared
covariance GMMs" as a next step. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, MAPS_INTO, PAIRS
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Statement
from thmverify.subspaces import mean_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import QUANTITY
from thmverify.theorems.nonshared.common import CLAIM, CONCLUSION, TILTED, block_diagonal, leak_margin, proportional
from thmverify.verdicts import Status

ID = "nonshared-proportional"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Pi_F", "Pi_mu", "delta")


def sample(rng: random.Random) -> Instance:
    """Draw proportional or block-diagonal covariances in the plane, where minimisers take little time."""
    while True:
        instance = random_instance(rng, dimensions=(2, 2), components=(1, 3))
        mixture = instance.pairs.mixture
        if mean_subspace(mixture).dimension < 2:
            separate = (proportional if rng.random() < 0.5 else block_diagonal)(rng, mixture)
            return Instance(AugmentedPairs(separate, instance.pairs.bias), min(instance.rank, 2))


WITNESS = Instance(
    AugmentedPairs(
        GMM((Fraction(1, 3), Fraction(2, 3)), ((2, 1), (-1, -Fraction(1, 2))), (((2, 1), (1, 3)), ((4, 2), (2, 6)))),
        Fraction(1, 2),
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE stays inside the Fisher subspace when every covariance maps it into the span of the means",
    source=Source(
        PAPER,
        "Theorem 5.2, first half, for more than a shared covariance (in the talk: Possible next steps)",
        "the statement and its proof are ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, MAPS_INTO),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=leak_margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.nonshared.nonshared_proportional_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(Break(MAPS_INTO.name, TILTED.instance, ByKernel(CLAIM)),),
    special_case_of="nonshared-inclusion",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
