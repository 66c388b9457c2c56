"""InfoNCE learns a product of centred mixtures factor by factor.

Let x = (x_1, x_2) with independent x_1 ~ F_1 and x_2 ~ F_2, two SharedGMM with mean 0: a SharedGMM whose components are
the pairs (j, k), with weights w_j w'_k, means (μ_j, μ'_k) and a block diagonal covariance. If r ≥ dim S_F then

    M*(F_1 × F_2) = M*(F_1) ⊕ M*(F_2),

whatever δ is. So equality with S_F holds for the product exactly when it holds for both factors, and one factor without
it, a counterexample in the plane, gives counterexamples in every dimension.

For let M ⪰ 0 have blocks M_1, N, M_2. As the means are 0, E[x x̂ᵀ] is block diagonal. The log-sum-exp of the product is
φ_1(M_1x_1 + Nx_2) + φ_2(Nᵀx_1 + M_2x_2), and by Jensen E φ_1(M_1x_1 + Nx_2) ≥ E φ_1(M_1x_1). So N only costs: L(M) is
at least L_1(M_1) + L_2(M_2), and more unless N = 0. More than two blocks follow one by one.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the loss and the setting of Theorem 5.2; the statement is ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy

from thmverify import vocabulary
from thmverify.certifying import decide
from thmverify.configurations import product_blocks
from thmverify.evidence import Break
from thmverify.headlines import Source
from thmverify.hypotheses import CENTRED, COLUMNS_REACH, ENOUGH_COLUMNS, PRODUCT, SHARED_PAIRS
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import CLAIM, QUANTITY, SYMBOLS
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "infonce-equality-product"
CONCLUSION = Conclusion(
    r"M^*(F_1 \times F_2) = M^*(F_1) \oplus M^*(F_2),\quad M^* = A^* A^{*T}",
    "A map A* minimises L over R^{d×r} exactly if M* = A*A*ᵀ is block diagonal along the independent blocks of "
    "coordinates and the part of A* in each block minimises the loss of that block alone; all such sums of the blocks' "
    "minimisers are attained; and S_F ⊆ Col(A*) exactly if the same holds for every block.",
)
TOLERANCE = 1e-6  # of M*, relative: what float64 minimisers agree to


def product(first: Instance, second: Instance) -> Instance:
    """Return the product of two mixtures with shared covariances, with the bias of the first and r = K."""
    F, G = first.shared, second.shared
    pairs = [(j, k) for j in range(F.components) for k in range(G.components)]
    weights = tuple(F.weights[j] * G.weights[k] for j, k in pairs)
    means = tuple((*F.means[j], *G.means[k]) for j, k in pairs)
    left, right = (Fraction(0),) * F.dimension, (Fraction(0),) * G.dimension
    covariance = (*((*row, *right) for row in F.covariance), *((*left, *row) for row in G.covariance))
    return Instance(AugmentedPairs(SharedGMM(weights, means, covariance), first.pairs.bias), len(pairs))


def factor(instance: Instance, start: int, size: int) -> Instance:
    """Return the marginal mixture of a block of consecutive coordinates, its coincident means merged."""
    mixture, stop = instance.shared, start + size
    merged: dict[tuple[Fraction, ...], Fraction] = {}
    for weight, mean in zip(mixture.weights, mixture.means, strict=True):
        merged[mean[start:stop]] = merged.get(mean[start:stop], Fraction(0)) + weight
    covariance = tuple(row[start:stop] for row in mixture.covariance[start:stop])
    marginal = SharedGMM(tuple(merged.values()), tuple(merged), covariance)
    return replace(instance, model=AugmentedPairs(marginal, instance.pairs.bias))


def factors(instance: Instance) -> list[Instance]:
    """Return the marginal mixtures of the independent blocks of coordinates."""
    sizes = product_blocks(instance.shared)
    return [factor(instance, sum(sizes[:n]), size) for n, size in enumerate(sizes)]


def ranks_differ(instance: Instance) -> Verdict:
    """Refute the claim where the kernel finds that rank M* is not the sum of the ranks of the factors' minimisers."""
    whole, *parts = (decide(CLAIM, i, measured=False)[0].rank for i in (instance, *factors(instance)))
    known = [rank for rank in parts if rank is not None]
    if whole is None or len(known) < len(parts) or whole == sum(known):
        return Verdict(ID, Outcome.UNDECIDED, "the ranks of the minimisers are the same, or not certain")
    reason = f"by the kernel M* has rank {whole}, the minimisers of the factors {' and '.join(map(str, known))}"
    return Verdict(ID, Outcome.REFUTED, reason, provenance=Provenance.ENCLOSED)


@lru_cache(maxsize=4)
def gap(instance: Instance) -> float:
    """Return the largest difference of M* from the sum of its factors' minimisers, relative to M*, in float64."""
    M = minimise("infonce", instance).maps["M"]
    blocks = scipy.linalg.block_diag(*(minimise("infonce", part).maps["M"] for part in factors(instance)))
    return float(np.abs(M - blocks).max() / max(1e-9, np.abs(M).max(), np.abs(blocks).max()))


def margin(instance: Instance) -> float:
    """Return the gap less what float64 minimisers agree to; at most 0 where the claim holds."""
    return gap(instance) - TOLERANCE


def examine(instance: Instance) -> Verdict:
    """Compare float64 minimisers: they can contradict the proof here, not prove it."""
    difference = gap(instance)
    outcome = Outcome.FAILED if difference > TOLERANCE else Outcome.UNDECIDED
    reason = f"in floats M* differs from the sum of its factors' minimisers by {difference:.1g}, relative"
    return Verdict(ID, outcome, reason, provenance=Provenance.FLOATING)


def sample(rng: random.Random) -> Instance:
    """Draw the product of two centred mixtures on a line, of two or three components each."""
    bias = Fraction(rng.randint(1, 20), 20)
    return product(*(_on_a_line(random_centred_instance(rng, bias, components=(2, 3))) for _ in range(2)))


def _on_a_line(instance: Instance) -> Instance:
    return factor(instance, 0, 1)


HALF = Fraction(1, 2)
LINE = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1,), (-1,)))), 2)
WITNESS = product(LINE, LINE)
# Two components at 0 and 2 beside one Gaussian N(1, 1), which alone has nothing to learn: together they have rank 2.
BESIDE = product(
    Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((0,), (2,)))), 2),
    Instance(AugmentedPairs(SharedGMM((1,), ((1,),))), 1),
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns a product of centred mixtures factor by factor",
    source=Source(PAPER, "the setting of Theorem 5.2", "the statement is ours"),
    status=Status.PROVED,
    symbols=(*SYMBOLS, *vocabulary.entries("m", "n_blocks")),
    hypotheses=(*SHARED_PAIRS, CENTRED, COLUMNS_REACH, PRODUCT),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.infonce_equality_product_proof"),
    formal=formal(ID),
    breaks=(
        Break(CENTRED.name, BESIDE, ranks_differ),
        Break(COLUMNS_REACH.name, replace(WITNESS, rank=1), ranks_differ),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
