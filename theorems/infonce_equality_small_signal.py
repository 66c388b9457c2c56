"""Negatives that hardly tell the components apart: InfoNCE learns the whole Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, r ≥ dim S_F, and π the softmax weights of the negatives at a minimiser A,
π_k ∝ w_k exp(xᵀAAᵀμ_k). If h = max_jk |E[π_k | j]/w_k − 1| < δ then Col(A) = S_F: whatever direction A missed, the
slope of the loss along it would be at most (h − δ) Σ_k w_k a_k² < 0. So a candidate of lower rank at which the signal
is that small is no minimiser. h is small where the means are close to 0 in the norm of Σ⁻¹, or δ is small, as A then is
small.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, which claims it for every signal and δ = 1;
the condition and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
from flint import fmpq

from theorems import PAPER
from theorems.infonce_equality import CLAIM, QUANTITY, SYMBOLS, WITNESS, lower_rank
from theorems.scripts.infonce_equality_small_signal import HYPOTHESES, PROOF
from verify import exact, vocabulary
from verify.certify import decide
from verify.hypotheses import ENOUGH_COLUMNS
from verify.integrate.float64 import softmax_moments
from verify.integrate.problem import reduce
from verify.models import AugmentedPairs, Floats, Instance, SharedGMM
from verify.randomised import run_alone
from verify.sampling import random_centred_instance
from verify.statements import Conclusion, Source, Statement
from verify.verdicts import Outcome, Provenance, Status, Verdict

ID = "infonce-equality-small-signal"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}\, L,\quad \max_{jk} \left|\frac{\mathbb{E}[\pi_k \mid j]}{w_k} - 1\right| < \delta"
    r" \implies \mathrm{Col}(A^*) = S_F",
    "Col(A*) = S_F for every minimiser A* of L over R^{d×r} at which |E[π_k | j]/w_k − 1| < δ for all j and k.",
)


def contrast(mixture: SharedGMM, A: Floats) -> float:
    """Return max_jk |E[π_k | j]/w_k − 1| at a map, in float64."""
    map_ = exact.matrix([[Fraction(float(x)) for x in row] for row in A], A.shape[1])
    M = map_ * map_.transpose()
    curvature = M * mixture.sigma * M
    problem = reduce(mixture.w, mixture.mu, mixture.sigmas, M * mixture.mu, [curvature] * mixture.components).problem
    weights = np.array([float(w) for w in mixture.weights])
    return float(np.max(np.abs(softmax_moments(problem, order=0).p / weights - 1)))


def margin(instance: Instance) -> float:
    """Return min(δ − h, slope) at the best map of rank dim S_F − 1: positive where the claim fails, in float64.

    −1 where S_F = {0}.
    """
    found = lower_rank(instance)
    if found is None:
        return -1.0
    return min(float(instance.pairs.bias) - contrast(instance.shared, found.A), found.slope)


def examine(instance: Instance) -> Verdict:
    """Decide equality by the kernel: where it holds, so does the claim; where it fails, h < δ would contradict it."""
    seen = decide(CLAIM, instance)[0]
    if seen.outcome is not Outcome.REFUTED:
        return replace(seen, claim=ID)
    if margin(instance) > 0:
        reason = f"h < δ in floats at the best map of lower rank, yet {seen.reason}"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING)
    reason = f"in floats h ≥ δ at the best map of lower rank; {seen.reason}"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance whose means are small in about two cases out of three, any δ > 0."""
    instance = random_centred_instance(rng, Fraction(rng.randint(1, 20), 20), components=(2, 3))
    scale = exact.to_fraction(fmpq(1, rng.choice([1, 4, 16])))
    means = tuple(tuple(x * scale for x in mean) for mean in instance.shared.means)
    mixture = SharedGMM(instance.shared.weights, means, instance.shared.covariance)
    return replace(instance, model=AugmentedPairs(mixture, instance.pairs.bias))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace where the negatives hardly tell the components apart",
    source=Source(
        PAPER,
        "Theorem 5.2, second half, for small signals",
        "the source claims it for all signals at δ = 1; the condition and the proof are ours",
    ),
    status=Status.PROVED,
    symbols=(*SYMBOLS, *vocabulary.entries("m")),
    hypotheses=HYPOTHESES,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=PROOF,
    special_case_of="infonce-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
