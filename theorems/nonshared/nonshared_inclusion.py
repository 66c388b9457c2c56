"""Components with covariances of their own: InfoNCE is hoped to stay inside the Fisher subspace. It does not.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, Σ̄ = Σ_k w_k Σ_k, S_F = span{Σ̄⁻¹μ_k} (Definition 4.1 is for such mixtures) and
L the InfoNCE loss of the maps f(x) = Aᵀx, A ∈ R^{d×r}. The claim is that Col(A*) ⊆ S_F for every minimiser A*, as it is
for a shared covariance (`infonce-inclusion`).

It is false: two components ±(1, 0) in the plane with covariances I and (2 1; 1 2). The proof for a shared covariance
needs the part of x across S_F to be independent of the part within, given the component; here they are correlated. A
certificate bounds L from below on all of S_F and shows a map across its border with a smaller loss. What survives are
covariances that all map S_F into the span of the means, proportional ones for example (`nonshared-proportional`). The
linear spectral contrastive loss stays inside S_F for all covariances (`spectral-inclusion`).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 for a shared covariance; the talk names "non-shared
covariance GMMs" as a next step. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_RANGE, COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.infonce.common import QUANTITY
from thmverify.theorems.nonshared.common import CLAIM, CONCLUSION, TILTED, leak_margin
from thmverify.verdicts import Status

ID = "nonshared-inclusion"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "delta")
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, BIAS_RANGE)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture in the plane, where minimisers take little time; a third of them have their means on a line."""
    instance = random_instance(rng, shared=False, dimensions=(2, 2), components=(1, 3))
    mixture, pairs = instance.pairs.mixture, instance.pairs
    if rng.random() < 1 / 3:
        means = tuple((x, x / 2) for x, _ in mixture.means)
        pairs = replace(pairs, mixture=replace(mixture, means=means))
    return replace(instance, model=pairs, rank=min(instance.rank, 2))


WITNESS = Instance(
    AugmentedPairs(
        GMM((Fraction(1, 3), Fraction(2, 3)), ((2, 0), (-1, 0)), (((1, 0), (0, 2)), ((3, 0), (0, 1)))), Fraction(1, 2)
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns nothing outside the Fisher subspace, whatever the covariances",
    source=Source(
        PAPER,
        "Theorem 5.2, first half, without its shared covariance (in the talk: Possible next steps)",
        "the sources do not claim it: they ask for an extension to non-shared covariances",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=HYPOTHESES,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=leak_margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    counterexamples=(TILTED,),
    guarantees=(Guarantee("infonce", Column.SEPARATE),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
