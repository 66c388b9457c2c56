"""Whitening finds the Fisher subspace: with dim S_F columns white features agree most exactly there.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, (x, x̂) its augmented pairs with bias δ ∈ (0, 1], R = E xxᵀ, C = E xx̂ᵀ,
S_F = span{Σ̄⁻¹μ_k} and m = dim S_F. The maps f(x) = Aᵀx with E f(x)f(x)ᵀ = I whose pairs agree most, E f(x)ᵀf(x̂) =
tr(AᵀCA), are what losses with a whitening step learn (canonical correlations; W-MSE). For r = m every maximiser has
Col(A*) = S_F, centred or not, whatever the covariances are: C has rank m, and R⁻¹Col(C) = S_F.

Both suppositions are needed: for δ = 0 only the mean direction agrees, and r white features have rank r, which is m.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, for the loss of Ermolov, Siarohin,
Sangineto, Sebe, arXiv:2007.06346, without its normalisation. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify.evidence import Break
from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, COLUMNS_MATCH, PAIRS, SHARED_COVARIANCE
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.formal import formal
from thmverify.theorems.whitening.common import QUANTITY, ROW, SYMBOLS, Maximisers, source
from thmverify.verdicts import Status, Verdict

ID = "whitening-equality"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmax}_{A^T R A = I} \mathrm{tr}(A^T C A) \implies "
    r"\mathrm{Col}(A^*) = S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\}",
    "With r = dim S_F columns and δ ∈ (0, 1], Col(A*) = S_F for every maximiser A* of tr(AᵀCA) over AᵀRA = I.",
)
TOLERANCE = 1e-9  # of the sum of canonical correlations, relatively


def margin(instance: Instance) -> float:
    """Return how much less S_F reaches than the best maps, relatively, less a tolerance; 1 where ranks forbid equality.

    S_F reaches tr(CR⁻¹), and the best maps the sum of the n largest canonical correlations, in float64.
    """
    if not Maximisers.of(instance).equal:
        return 1.0
    pairs = instance.pairs
    values = Pencil(pairs.C, pairs.mixture.R).values
    reached = float(np.trace(np.linalg.solve(to_floats(pairs.mixture.R), to_floats(pairs.C))))
    best = float(np.sum(values[: min(instance.rank, pairs.mixture.dimension)]))
    return (best - reached) / max(best, 1.0) - TOLERANCE


def examine(instance: Instance) -> Verdict:
    """Decide exactly, by ranks."""
    found = Maximisers.of(instance)
    return found.verdict(ID, found.equal)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture, with one covariance or several, δ > 0 and r = dim S_F ≥ 1."""
    while True:
        instance = random_instance(rng, shared=rng.random() < 0.5)
        m = fisher_subspace(instance.pairs.mixture).dimension
        if m > 0:
            bias = instance.pairs.bias or Fraction(rng.randint(1, 20), 20)
            return replace(instance, model=AugmentedPairs(instance.pairs.mixture, bias), rank=m)


SPACE = SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3)))
WITNESS = Instance(AugmentedPairs(SPACE, Fraction(1, 10)), 2)

STATEMENT = Statement(
    id=ID,
    title="Whitening learns the Fisher subspace with dim S_F columns",
    source=source("Theorem 5.2, second half, for another loss"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, BIAS_POSITIVE, COLUMNS_MATCH),
    redundant=(SHARED_COVARIANCE,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.whitening.whitening_equality_proof"),
    formal=formal(ID),
    breaks=(
        Break(BIAS_POSITIVE.name, Instance(AugmentedPairs(SPACE, Fraction(0)), 2), examine),
        Break(COLUMNS_MATCH.name, Instance(AugmentedPairs(SPACE, Fraction(1, 10)), 1), examine),
    ),
    guarantees=(Guarantee(ROW, Column.EQUALITY), Guarantee(ROW, Column.EQUALITY_BIASED)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
