"""Theorem 5.2, first half: InfoNCE learns nothing outside the Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ ∈ [0, 1], S_F = span{Σ⁻¹μ_k} and

    L(A) = −E[f(x)ᵀf(x̂)] + E_x log E_y exp(f(x)ᵀf(y)),  f(x) = Aᵀx,  A ∈ R^{d×r},  y ~ F independent of x.

Then Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}, and for every stationary point: for every δ and every r.
The paper supposes r ≥ K; the proof does not need it. Stronger: scale the part of A outside S_F by s. At s = 1 the slope
of L is positive unless that part is 0, so no point that leaks out of S_F can trap gradient descent.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 (the talk's Theorem 0.1), Definitions 3.1, 4.1 and 5.1.
The statement is the talk's; the paper's own proof is not at hand, this one is ours. Where L has several minimisers the
claim is about each. The second half, equality at δ = 1, is another statement.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import (
    BIAS_RANGE,
    COVARIANCES_DEFINITE,
    ENOUGH_COLUMNS,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_gradient
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.common import leaking
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import COVARIANCES_DIFFER, QUANTITY
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "infonce-inclusion"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1", "delta")
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, BIAS_RANGE)
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \text{ or } \nabla L(A^*) = 0"
    r"\implies \mathrm{Col}(A^*) \subseteq S_F = \mathrm{span}\{\Sigma^{-1}\mu_k\}",
    "For every δ ∈ [0, 1] and every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r} and every stationary "
    "point A*; and wherever A has a part outside S_F, L strictly increases when that part alone is scaled up.",
)


# -- on one instance --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leak:
    """A map with a part outside S_F, and how fast L grows when that part alone is scaled up.

    `slope` is the derivative at s = 1 of L(A_in + s·A_out), in float64 with its error, in the full coordinates;
    `least` is what the proof says it is at least, 2 tr(PQ) + tr(QT) + 2 tr(Q²) > 0, exact.
    """

    slope: float
    error: float
    least: float


def least_slope(mixture: SharedGMM, inside: fmpq_mat, outside: fmpq_mat) -> fmpq:
    """Return 2 tr(PQ) + tr(QT) + 2 tr(Q²)."""
    P = inside.transpose() * mixture.sigma * inside
    Q = outside.transpose() * mixture.sigma * outside
    T = inside.transpose() * mixture.S * inside
    return exact.inner(Q, P * 2 + T + Q * 2)


def leak(instance: Instance, inside: fmpq_mat, outside: fmpq_mat) -> Leak:
    """Evaluate the slope along s ↦ A_in + s·A_out: dL = 2⟨∇_M L · A, A_out⟩."""
    A = inside + outside
    gradient = float64_gradient(LOSSES["infonce"], instance, Encoder(A))
    direction = to_floats(outside * A.transpose())
    slope = 2 * float(np.sum(gradient.derivatives["M"] * direction))
    error = 2 * gradient.error * float(np.abs(direction).sum())
    return Leak(slope, error, float(exact.to_fraction(least_slope(instance.shared, inside, outside))))


@lru_cache(maxsize=4)
def worst_leak(instance: Instance) -> Leak | None:
    """Return the smallest relative slope over random rational maps; None where S_F is the whole space.

    The part in S_F has rank at most 2, so that the integrals have at most two dimensions; the part outside is full.
    """
    mixture, rng = instance.shared, instance_rng(instance)
    basis = fisher_subspace(mixture).basis
    if basis.ncols() == mixture.dimension:
        return None
    leaks = []
    for size in (Fraction(1, 2), Fraction(3)):  # of f(x), the square root of E‖f(x)‖²
        rank = min(2, basis.ncols())
        inside = basis * random_matrix(rng, basis.ncols(), rank) * random_matrix(rng, rank, instance.rank)
        _, outside = leaking(rng, basis, mixture.sigma, instance.rank)
        A = inside + outside
        length = float(exact.to_fraction(exact.inner(A, mixture.R * A))) ** 0.5
        scale = exact.to_fmpq(size / Fraction(length).limit_denominator(1000))
        leaks.append(leak(instance, inside * scale, outside * scale))
    return min(leaks, key=lambda x: x.slope / x.least)


def margin(instance: Instance) -> float:
    """Return −slope / least slope, the worst over random maps: at most −1 by the proof, positive where L decreases.

    −1 where S_F is the whole space, since then nothing lies outside.
    """
    found = worst_leak(instance)
    return -1.0 if found is None else -found.slope / found.least


def examine(instance: Instance) -> Verdict:
    """Look for a map that leaks out of S_F without raising L: floats can contradict the proof here, not prove it."""
    dimension = fisher_subspace(instance.shared).dimension
    found = worst_leak(instance)
    if found is None:
        reason = "S_F is the whole space, so it contains every column space"
        return Verdict(ID, Outcome.PROVED, reason, provenance=Provenance.EXACT, dimension=dimension)
    if found.slope + found.error <= 0:
        reason = (
            f"L does not increase along a leaking map: its slope is {found.slope:.3g} ± {found.error:.1g} in floats"
        )
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING, dimension=dimension)
    reason = (
        f"in floats L increases along leaking maps, at {found.slope / found.least:.4g} times the least slope or more"
    )
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING, dimension=dimension)


def sample(rng: random.Random) -> Instance:
    """Draw an instance whose Fisher subspace is not the whole space, where the claim has something to say."""
    while True:
        instance = random_instance(rng)
        if fisher_subspace(instance.shared).dimension < instance.shared.dimension:
            return instance


WITNESS = Instance(
    AugmentedPairs(
        SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0, 0), (0, 1, 0)), ((2, 1, 0), (1, 2, 1), (0, 1, 3))),
        Fraction(7, 10),
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    claim=ID,
    title="InfoNCE learns nothing outside the Fisher subspace",
    source=Source(
        PAPER,
        "Theorem 5.2, first half (in the talk: Theorem 0.1); Definitions 3.1, 4.1 and 5.1",
        "the statement is the talk's; stationary points, every r and the proof are ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=HYPOTHESES,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.infonce.infonce_inclusion_proof"),
    formal=formal(ID),
    breaks=(COVARIANCES_DIFFER,),
    guarantees=(Guarantee("infonce", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
