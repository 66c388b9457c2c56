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
from flint import arb

from thmverify import exact, vocabulary
from thmverify.certifying import decide
from thmverify.configurations import geometry
from thmverify.evidence import Break
from thmverify.headlines import Source
from thmverify.hypotheses import CENTRED, COLUMNS_REACH, ENOUGH_COLUMNS, SHARED_COVARIANCE, SHARED_PAIRS
from thmverify.integrate.float64 import softmax_moments
from thmverify.integrate.problem import reduce
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import (
    CLAIM,
    QUANTITY,
    SYMBOLS,
    TILTED,
    TRIANGLE,
    UNCENTRED,
    WITNESS,
    leaks,
    lower_rank,
)
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

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
    seen = decide(CLAIM, instance, measured=False)[0]
    if seen.outcome is not Outcome.REFUTED:
        return replace(seen, claim=ID)
    if margin(instance) > 0:
        reason = f"h < δ in floats at the best map of lower rank, yet {seen.reason}"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING)
    reason = f"in floats h ≥ δ at the best map of lower rank; {seen.reason}"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


def nearer(mixture: SharedGMM, scale: Fraction) -> SharedGMM:
    """Return the mixture with its means scaled."""
    means = tuple(tuple(x * scale for x in mean) for mean in mixture.means)
    return SharedGMM(mixture.weights, means, mixture.covariance)


def certainly_small(instance: Instance) -> bool:
    """Decide whether h < δ follows without looking at the minimiser.

    It does where δ = 1 and every weight is at least ½, as 0 < E[π_k | j] < 1. In a centred SharedGMM, with norms in
    whitened coordinates: L is 1-strongly convex in M, L(M*) ≤ L(0) and ∇L(0) = −δS, so ‖M*‖ ≤ b = 2δ‖S‖. With
    g = max_k ‖μ_k‖² and v = bg + ½b²g Jensen's inequality, in the sum and in the mean, gives
    e^{−v − bg} ≤ E[π_k | j]/w_k ≤ E[exp(xᵀM*μ_k) | j] ≤ e^v.
    """
    mixture, bias = instance.pairs.mixture, exact.to_fmpq(instance.pairs.bias)
    if bias == 1 and min(mixture.weights) >= Fraction(1, 2):
        return True
    if not (SHARED_COVARIANCE.holds(instance) and CENTRED.holds(instance)):
        return False
    T, gram = mixture.sigma_bar.solve(mixture.S), geometry(mixture)
    b, g = 2 * arb(bias) * arb(exact.trace(T * T)).sqrt(), arb(max(gram[k, k] for k in range(mixture.components)))
    v = b * g + b * b * g / 2
    return bool(v.exp() - 1 < bias and 1 - (-v - b * g).exp() < bias)


def fails(instance: Instance) -> Verdict:
    """Refute the claim where the kernel refutes Col(A*) = S_F for every minimiser and h < δ is certain."""
    seen = decide(CLAIM, instance, measured=False)[0] if SHARED_COVARIANCE.holds(instance) else leaks(instance)
    if seen.outcome is Outcome.REFUTED and certainly_small(instance):
        return replace(seen, claim=ID, reason=f"h < δ for every minimiser; {seen.reason}")
    return Verdict(ID, Outcome.UNDECIDED, f"h < δ is not certain, or {seen.reason}")


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance whose means are small in about two cases out of three, any δ > 0."""
    instance = random_centred_instance(rng, Fraction(rng.randint(1, 20), 20), components=(2, 3))
    mixture = nearer(instance.shared, Fraction(1, rng.choice([1, 4, 16])))
    return replace(instance, model=AugmentedPairs(mixture, instance.pairs.bias))


NEAR = Instance(AugmentedPairs(nearer(TRIANGLE, Fraction(1, 4))), 1)

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
    hypotheses=(*SHARED_PAIRS, COLUMNS_REACH, CENTRED),
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.infonce_equality_small_signal_proof"),
    formal=formal(ID),
    breaks=(
        Break(SHARED_COVARIANCE.name, TILTED, fails),
        Break(CENTRED.name, UNCENTRED.instance, fails),
        Break(COLUMNS_REACH.name, NEAR, fails),
    ),
    special_case_of="infonce-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
