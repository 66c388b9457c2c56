"""A temperature rescales InfoNCE's minimisers and changes no claim about their column spaces.

In practice InfoNCE is trained with a temperature τ > 0, L_τ(A) = −E[f(x)ᵀf(x̂)/τ] + E_x log E_y exp(f(x)ᵀf(y)/τ). For
linear maps L_τ(A) = L_1(A/√τ): the minimisers of L_τ are √τ times those of L_1, and Col(A/√τ) = Col(A). So every claim
here about the column space of a minimiser of InfoNCE, inclusion, equality or top-r, proved or refuted, holds at every
temperature as it does at τ = 1. (A map that is not free to be scaled, with normalised outputs say, is another matter.)

Source: the loss is that of Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 (the talk's InfoNCE), which has no
temperature; the statement is ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from functools import lru_cache

from flint import fmpq_mat

from thmverify import exact, vocabulary
from thmverify.headlines import Source
from thmverify.hypotheses import MIXTURE
from thmverify.integrate.float64 import Estimate
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import Encoder
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "temperature"
QUANTITY = Quantity(
    r"L_\tau(A) = -\mathbb{E}\left[\tfrac{1}{\tau} f(x)^T f(\hat x)\right] + \mathbb{E}_x \log \mathbb{E}_y "
    r"\exp\left(\tfrac{1}{\tau} f(x)^T f(y)\right),\quad f(x) = A^T x",
    "infonce",
)
CONCLUSION = Conclusion(
    r"L_\tau(A) = L_1(A/\sqrt\tau),\qquad A \in \mathrm{argmin}\, L_\tau \iff A/\sqrt\tau \in \mathrm{argmin}\, L_1,"
    r"\qquad \mathrm{Col}(A/\sqrt\tau) = \mathrm{Col}(A)",
    "For every temperature τ > 0 and every r, the minimisers of L_τ over R^{d×r} are √τ times those of L_1, with the "
    "same column spaces.",
)
TOLERANCE = 1e-9


def at_temperature(instance: Instance, A: fmpq_mat, scale: Fraction) -> Estimate:
    """Return L_τ(A) for τ = scale⁻², as the loss of A itself on the data scale·x: f(sx)ᵀf(sy) = f(x)ᵀf(y)/τ."""
    mixture, s = instance.pairs.mixture, exact.to_fmpq(scale)
    means = exact.to_rows((mixture.mu * s).transpose())
    covariances = tuple(exact.to_rows(sigma * s**2) for sigma in mixture.sigmas)
    scaled = AugmentedPairs(GMM(mixture.weights, means, covariances), instance.pairs.bias)
    return float64_value(LOSSES["infonce"], Instance(scaled, instance.rank), Encoder(A))


@lru_cache(maxsize=4)
def gap(instance: Instance) -> tuple[float, float]:
    """Return |L_τ(A) − L_1(A/√τ)| at a random map and temperature, and what float64 leaves open, both relative."""
    mixture, rng = instance.pairs.mixture, instance_rng(instance)
    A = random_matrix(rng, mixture.dimension, 1)
    length = float(exact.to_fraction(exact.inner(A, mixture.R * A))) ** 0.5
    A = A * exact.to_fmpq(1 / Fraction(length + 1e-3).limit_denominator(1000))
    scale = Fraction(rng.randint(1, 8), 4)
    here = at_temperature(instance, A, scale)
    there = float64_value(LOSSES["infonce"], instance, Encoder(A * exact.to_fmpq(scale)))
    size = 1 + abs(here.value)
    return abs(here.value - there.value) / size, (here.error + there.error) / size + TOLERANCE


def margin(instance: Instance) -> float:
    """Return how far the two losses are apart beyond what float64 leaves open; at most 0 where the claim holds."""
    difference, slack = gap(instance)
    return difference - slack


def examine(instance: Instance) -> Verdict:
    """Compare the two losses at a random map: floats can contradict the proof here, not prove it."""
    difference, slack = gap(instance)
    outcome = Outcome.FAILED if difference > slack else Outcome.UNDECIDED
    reason = f"in floats L_τ(A) and L_1(A/√τ) differ by {difference:.1g}, relative, at a random map and temperature"
    return Verdict(ID, outcome, reason, provenance=Provenance.FLOATING)


def sample(rng: random.Random) -> Instance:
    """Draw any mixture."""
    return random_instance(rng, shared=rng.random() < 0.7)


WITNESS = Instance(
    AugmentedPairs(SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0), (0, 1)), ((2, 1), (1, 2))), Fraction(7, 10)), 2
)

STATEMENT = Statement(
    id=ID,
    title="A temperature changes no column space of InfoNCE",
    source=Source(PAPER, "the loss of Theorem 5.2, with a temperature", "the statement is ours"),
    status=Status.PROVED,
    symbols=vocabulary.entries("d", "K", "r", "w", "Sigma_k"),
    hypotheses=MIXTURE,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.temperature_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
