"""How near the minimiser of a sample is to the population's, with which probability, at how many pairs.

Let (x_i, x̂_i), i = 1, …, n, be independent augmented pairs of a SharedGMM, L̂ their loss (`sample-inclusion`), r ≥
d, M* the population's minimiser AAᵀ, and ‖D‖² = tr(DΣDΣ). For 0 < p < 1 the claim is: with probability at least 1 − p
the loss L̂ has a minimiser, and for all of them, M̂ = ÂÂᵀ,

    ‖M̂ − M*‖ ≤ ρ(n, p),   and, for every g with gᵀμ_k = 0 for all k,   gᵀΣM̂ΣM̂Σg ≤ ρ² gᵀΣg,

so that each u with M̂Σu = λu is at an angle of sine ρ/λ at most from S_F (Davis and Kahan): (λ gᵀΣu)² ≤ ρ² gᵀΣg · uᵀΣu.
ρ(n, p) is what `thmverify.theorems.samples.radius_common` computes, with every constant explicit, in balls; ∞ where
it finds none.

The proof on paper is in that module. It needs one map and no union over maps: L̂ is convex, so a sphere around M* is
enough, and there L̂ is at least its slope at M*, which is small by Chebyshev's inequality, and a bend, which is not.
The proof that is checked by the kernel has no probability in it: it supposes by name that L̂ is larger on that sphere
than at M* (`rises-around`) and derives where minimisers are, the convexity of L̂ included. The theorem is conditional
on that. That there is a minimiser is on paper: a continuous function has a least value on a ball.

The bound is loose: see the evidence, and the page on samples. On random instances what is tried is the part that says
something at few pairs: how far the slope of L̂ at M* is from the population's. Its bound may fail in 3p/4 of all
samples; more often than chance allows would contradict it. At so few pairs there is no ρ: nothing of that is tried.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, is about the population loss; the paper's figures
train on samples. The statement and its proof are ours.

Status: open.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np

from thmverify import exact
from thmverify.hypotheses import COLUMNS_ALL, SHARED_PAIRS
from thmverify.minimize.infonce import whitened
from thmverify.models import Floats, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng
from thmverify.statement import Conclusion, Statement
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.samples.common import QUANTITY, SYMBOLS, nearest, sample, source
from thmverify.theorems.samples.radius_common import slope_bound
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "sample-radius"
CONCLUSION = Conclusion(
    r"\Pr\big(\emptyset \neq \mathrm{argmin}\, \hat L \subseteq "
    r"\{\hat A : \|\hat A \hat A^T - A^* A^{*T}\| \leq \rho(n, p)\}\big) \geq 1 - p",
    "For n ≥ 2 independent pairs and 0 < p < 1, with probability at least 1 − p: L̂ has a minimiser over R^{d×r}, and "
    "every minimiser Â has ‖ÂÂᵀ − A*A*ᵀ‖ ≤ ρ(n, p), A* one of the population loss, ‖D‖² = tr(DΣDΣ). With M̂ = ÂÂᵀ and "
    "ρ = ρ(n, p), gᵀΣM̂ΣM̂Σg ≤ ρ²gᵀΣg for every g with gᵀμ_k = 0 for all k, and each u with M̂Σu = λu has (λgᵀΣu)² ≤ "
    "ρ²gᵀΣg · uᵀΣu. ρ(n, p) is explicit, and ∞ for small n.",
)
PAIRS, SAMPLES, P = 100, 40, Fraction(1, 2)  # of the samples that are tried
FAILS = 3 * P / 4  # how often the bound of the slope may fail
UNLIKELY = Fraction(1, 10**9)
LARGEST = Fraction(sys.float_info.max)  # far means have bounds beyond floats, which no slope reaches


def slopes(instance: Instance, n: int, count: int, rng: np.random.Generator) -> Floats:
    """Return ‖∇L̂(M*) − ∇L(M*)‖ of `count` samples of n pairs, in float64 and whitened coordinates."""
    root = np.linalg.cholesky(exact.to_floats(instance.shared.sigma))
    coordinates, energy, _ = whitened(instance)
    best = root.T @ nearest(instance)
    M = best @ best.T
    frame = root.T @ coordinates.embedding  # an orthonormal basis of S_F: ∇L(M*) is 0 across it
    gradient = frame @ energy.point(frame.T @ M @ frame).gradient @ frame.T
    found = []
    for _ in range(count):
        x, y = (np.linalg.solve(root, z.T).T for z in instance.pairs.sample(n, rng))
        scores = x @ M @ y.T
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope = x.T @ (weights @ y / weights.sum(axis=1, keepdims=True) - y) / n
        found.append(np.linalg.norm((slope + slope.T) / 2 - gradient))
    return np.array(found)


def at_least(failures: int, samples: int, probability: Fraction) -> Fraction:
    """Return the probability of so many failures or more in independent samples, exactly."""
    chances = (
        comb(samples, k) * probability**k * (1 - probability) ** (samples - k) for k in range(failures, samples + 1)
    )
    return sum(chances, Fraction(0))


@lru_cache(maxsize=4)
def tried(instance: Instance) -> tuple[int, float]:
    """Return in how many samples the slope left its bound, and the largest slope relative to it."""
    bound = float(min(slope_bound(instance, PAIRS, P), LARGEST))
    rng = np.random.default_rng(instance_rng(instance).getrandbits(64))
    seen = slopes(instance, PAIRS, SAMPLES, rng) / bound
    return int(np.sum(seen > 1)), float(seen.max())


def margin(instance: Instance) -> float:
    """Return how much more often than it may the slope left its bound: at most 0, but for chance."""
    return tried(instance)[0] / SAMPLES - float(FAILS)


def examine(instance: Instance) -> Verdict:
    """Count samples whose slope leaves its bound: so many that chance does not explain them contradict the proof."""
    failures, largest = tried(instance)
    outcome = Outcome.FAILED if at_least(failures, SAMPLES, FAILS) < UNLIKELY else Outcome.UNDECIDED
    reason = (
        f"in floats the slope at M* left its bound in {failures} of {SAMPLES} samples of {PAIRS} pairs, where "
        f"{FAILS} of all may; the largest was {largest:.2g} of it"
    )
    return Verdict(ID, outcome, reason, provenance=Provenance.FLOATING)


STATEMENT = Statement(
    id=ID,
    title="The minimiser of enough pairs is near the population's, with a given probability",
    source=source("Theorem 5.2, for samples: how many pairs"),
    status=Status.OPEN,
    symbols=SYMBOLS,
    hypotheses=(*SHARED_PAIRS, COLUMNS_ALL),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.samples.sample_radius_proof"),
    formal=formal(ID),
    evidence=(
        "That L̂ rises around M* with probability 1 − p is proved on paper (thmverify.theorems.samples.radius_common), "
        "and supposed by the script: the language of proofs has no probability of samples.",
        "The bound is loose. Two components at ±1 in the plane, p = 1/20: it begins at some 8·10⁷ pairs, and is 900 "
        "times at 10⁸ pairs, and 230 times at 10¹², what samples of up to 10⁴ pairs extrapolate to.",
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
