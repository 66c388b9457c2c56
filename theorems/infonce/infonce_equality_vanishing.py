"""For every centred mixture there is a δ₀ > 0 below which InfoNCE learns the whole Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0 and r ≥ m = dim S_F. If 0 < δ < δ₀ then Col(A*) = S_F for every minimiser,

    1/δ₀² = λ(1 + λ)(3 + κ²/4)κ⁶τ²,   κ² = max_k μ_kᵀΣ⁻¹μ_k,   τ = tr(Σ⁻¹SR⁻¹S),   R = Σ + S,

and λ = tr(S⁻¹Σ) on S_F, so that Σ ⪯ λS there.

The proof: let u ∈ S_F with AᵀRu = 0, M = AAᵀ. Moving M along uuᵀ cannot help, so δuᵀSu ≤ E[xᵀu Σ_k π_k a_k] with
a_k = uᵀμ_k and π the softmax of zᵀμ_k at z = Mx. Its part of first order in M is E[xᵀu·xᵀMSu] = uᵀRMSu = 0; the rest is
of second order, at most a constant times E q, q = zᵀΣz. Scaling A gives E q = tr(MΣMR) ≤ δ tr(SM), hence E q ≤ δ²τ, and
E q² ≤ (3 + κ²/4)(E q)². So δuᵀSu is at most a constant times δ², and u = 0 for δ < δ₀: nothing of S_F is missed.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the remark below Theorem 0.1 of the talk asks about δ < 1; the
statement and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from math import isqrt

from thmverify import exact, vocabulary
from thmverify.configurations import vanishing_threshold
from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE, BIAS_SMALL, CENTRED, COLUMNS_REACH, SHARED_COVARIANCE, SHARED_PAIRS
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import (
    CLAIM,
    COUNTEREXAMPLE,
    HALF,
    QUANTITY,
    SYMBOLS,
    TILTED,
    TRIANGLE,
    UNCENTRED,
    WITNESS,
    leaks,
    slope_across,
    with_bias,
)
from thmverify.verdicts import Status

ID = "infonce-equality-vanishing"
CONCLUSION = Conclusion(
    r"0 < \delta < \delta_0 \implies \mathrm{Col}(A^*) = S_F,\qquad "
    r"\delta_0^{-2} = \lambda (1 + \lambda)(3 + \tfrac14 \kappa^2)\, \kappa^6 \tau^2",
    "Col(A*) = S_F for every minimiser A* of L over R^{d×r}.",
)


def below_threshold(instance: Instance, share: Fraction) -> Instance:
    """Return the instance with a bias δ below this share of δ₀, by not much where δ₀ is small, and at most 1."""
    inverse = isqrt(int(exact.to_fraction(vanishing_threshold(instance.shared)))) + 1
    return with_bias(instance, share / inverse)


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with δ below its threshold."""
    return below_threshold(
        random_centred_instance(rng, Fraction(1), components=(2, 3)), Fraction(rng.randint(1, 9), 10)
    )


# Means so close together that even δ = 1 is below the threshold, and covariances that tilt the minimiser out of S_F.
APART = TILTED.pairs.mixture
NEAR = Instance(AugmentedPairs(GMM(APART.weights, ((HALF, 0), (-HALF, 0)), APART.covariances)), 2)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of a centred mixture once δ is small",
    source=Source(
        PAPER,
        "the remark below Theorem 0.1 of the talk",
        "asked there for all δ < 1; the statement and the proof are ours",
    ),
    status=Status.PROVED,
    symbols=(*SYMBOLS, *vocabulary.entries("m", "theta_0")),
    hypotheses=(*SHARED_PAIRS, CENTRED, COLUMNS_REACH, BIAS_POSITIVE, BIAS_SMALL),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=below_threshold(WITNESS, HALF),
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.infonce_equality_vanishing_proof"),
    formal=formal(ID),
    claim=CLAIM,
    breaks=(
        Break(SHARED_COVARIANCE.name, NEAR, leaks),
        Break(COLUMNS_REACH.name, below_threshold(Instance(AugmentedPairs(TRIANGLE), 1), HALF), ByKernel(CLAIM)),
        Break(CENTRED.name, below_threshold(UNCENTRED.instance, HALF), ByKernel(CLAIM)),
        Break(BIAS_POSITIVE.name, with_bias(WITNESS, Fraction(0)), ByKernel(CLAIM)),
        Break(BIAS_SMALL.name, COUNTEREXAMPLE.instance, ByKernel(CLAIM)),
    ),
    special_case_of="infonce-equality-biased",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
