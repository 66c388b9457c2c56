"""The linear spectral contrastive loss learns the whole Fisher subspace: for every δ > 0, centred or not.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, (x, x̂) its augmented pairs with bias δ ∈ (0, 1], R = E xxᵀ, C = E xx̂ᵀ,
S_F = span{Σ̄⁻¹μ_k}, m = dim S_F and L the spectral contrastive loss of the maps f(x) = Aᵀx, A ∈ R^{d×r} (see
`spectral-inclusion`). If r ≥ m, every minimiser has A*A*ᵀ = R⁻¹CR⁻¹ and Col(A*) = S_F. This is what the second half of
Theorem 5.2 claims of InfoNCE for δ = 1 and leaves open for δ < 1, and what is false there (`infonce-equality`).

Both suppositions are needed: with δ = 0 there is nothing but the mean to learn, and r < m columns do not reach.

Source: the loss is that of HaoChen et al., arXiv:2106.04156. The talk of Bansal, Kavis, Sanghavi, arXiv:2411.03517,
asks for "a better contrastive loss"; in the linear case this is one. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break, ByKernel
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, COLUMNS_REACH, ENOUGH_COLUMNS, PAIRS, SHARED_COVARIANCE
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_biased_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.formal import formal
from thmverify.theorems.spectral.common import QUANTITY, source
from thmverify.verdicts import Status

ID = "spectral-equality"
CLAIM = "spectral-equality"
SYMBOLS = vocabulary.entries("d", "K", "r", "m", "w", "Sigma_k", "delta")
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"A^* A^{*T} = R^{-1} C R^{-1},\quad \mathrm{Col}(A^*) = S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\}",
    "For every δ ∈ (0, 1] and every r ≥ dim S_F, every minimiser A* of L over R^{d×r} has A*A*ᵀ = R⁻¹CR⁻¹ and "
    "Col(A*) = S_F.",
)


def margin(instance: Instance) -> float:
    """Return −λ_m / λ_1, minus the m-th over the largest eigenvalue of (C, R): below 0 where m directions are learnt.

    In float64; but that the rank of the minimiser, min(r, rank C), falls short of m is decided exactly: then it is
    the number of dimensions that are missing.
    """
    m = fisher_subspace(instance.pairs.mixture).dimension
    missing = m - min(instance.rank, instance.pairs.C.rank())
    if missing > 0 or m == 0:
        return float(missing)
    values = Pencil(instance.pairs.C, instance.pairs.mixture.R).values
    return min(0.0, -float(values[m - 1] / values[0]))


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with δ > 0 and r ≥ m."""
    instance = random_biased_instance(rng)
    m = fisher_subspace(instance.pairs.mixture).dimension
    return replace(instance, rank=max(1, m) + rng.randint(0, 2))


PLANE = SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3)))
WITNESS = Instance(AugmentedPairs(PLANE, Fraction(1, 10)), 2)

STATEMENT = Statement(
    id=ID,
    title="The spectral contrastive loss learns the whole Fisher subspace",
    source=source("Definition 5.1", "; it is the second half of Theorem 5.2 for another loss"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, BIAS_POSITIVE, COLUMNS_REACH),
    redundant=(SHARED_COVARIANCE, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.spectral.spectral_equality_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(
        Break("bias-positive", Instance(AugmentedPairs(PLANE, Fraction(0)), 2), ByKernel(CLAIM)),
        Break("columns-reach", Instance(AugmentedPairs(PLANE, Fraction(1, 10)), 1), ByKernel(CLAIM)),
    ),
    guarantees=(Guarantee("spectral", Column.EQUALITY), Guarantee("spectral", Column.EQUALITY_BIASED)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
