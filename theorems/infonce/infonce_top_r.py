"""With fewer columns than dim S_F, InfoNCE need not choose the best directions.

The setting is that of infonce-equality, with r < dim S_F columns and δ > 0. Among the maps of rank r Fisher's
J(A) = tr[(AᵀΣA)⁻¹AᵀSA] is largest on the top r generalised eigenvectors of (S, Σ). The claim is that a minimiser of the
InfoNCE loss over R^{d×r} finds such a space. It does not: for three components of equal weight, mean 0 and δ = 1 every
map whose one column is the top eigenvector loses to another one.

The loss sees M = AAᵀ through a softmax, J through second moments alone. The spectral contrastive loss, which is made of
second moments, does find the top r (spectral-top-r).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Figure 2 (c) ("InfoNCE loss is better than spectral methods for every
projection dimension") and Definition 3.2. The source claims no optimality for r < dim S_F: the question is ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import scipy

from thmverify import vocabulary
from thmverify.evidence import ByKernel, Counterexample
from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE, FEWER_COLUMNS
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.infonce.common import SETTING, SYMBOLS, sample_matched
from thmverify.verdicts import Status

ID = "infonce-top-r"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"J(A^*) = \max_{A \in \mathbb{R}^{d \times r}} J(A)",
    "Every minimiser A* of the InfoNCE loss over R^{d×r} has a column space on which J is as large as on any column "
    "space of at most r dimensions.",
)
RESOLVED = 1e-9  # what float64 minimisers leave open, relative to the largest J


def margin(instance: Instance) -> float:
    """Return what J misses at the best map found, relative to its largest value, less what float64 leaves open."""
    mixture = instance.shared
    S, sigma = to_floats(mixture.S), to_floats(mixture.sigma)
    best = float(np.sum(scipy.linalg.eigh(S, sigma, eigvals_only=True)[::-1][: instance.rank]))
    found = minimise("infonce", instance)
    A = found.maps["A"][:, : found.rank]
    reached = float(np.trace(np.linalg.solve(A.T @ sigma @ A, A.T @ S @ A))) if found.rank else 0.0
    return 1 - reached / best - RESOLVED


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with δ = 1 and r < dim S_F."""
    while True:
        instance = sample_matched(rng)
        dimension = fisher_subspace(instance.shared).dimension
        if dimension > 1:
            return replace(instance, rank=rng.randint(1, dimension - 1))


THIRD = Fraction(1, 3)
WITNESS = Instance(AugmentedPairs(SharedGMM((THIRD,) * 3, ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)))), 1)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE with fewer columns than dim S_F learns the best directions",
    source=Source(
        PAPER,
        "Figure 2 (c) and Definition 3.2",
        "the source shows an experiment there and claims no optimality; the question is ours",
    ),
    status=Status.REFUTED,
    symbols=(*SYMBOLS, *vocabulary.entries("m")),
    hypotheses=(*SETTING, BIAS_POSITIVE, FEWER_COLUMNS),
    quantity=Quantity(
        r"L(A) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),\quad "
        r"J(A) = \mathrm{tr}[(A^T\Sigma A)^{-1} A^T S A]",
        "infonce",
    ),
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    witness=WITNESS,
    sample=sample,
    claim=ID,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "infonce-top-r.json",
            tempting="The loss pulls the pairs together along the directions in which the components differ most, and "
            "J ranks directions by how much the components differ.",
            catch="J ranks by second moments. The negatives go through a softmax, which also sees how the means "
            "lie: a direction with a little less between-component variance may resist less.",
            repaired="It holds where Σ⁻¹S is a multiple of the identity on S_F and M* has rank r or more when the rank "
            "is free, since J is the same on all of S_F's r-dimensional subspaces. The spectral contrastive loss is "
            "optimal for every centred mixture.",
        ),
    ),
    guarantees=(Guarantee("infonce", Column.TOP_R),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
