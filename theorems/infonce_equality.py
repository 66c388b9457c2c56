"""Theorem 5.2, second half: at δ = 1 InfoNCE is said to learn the whole Fisher subspace. It need not.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, (x, x̂) its augmented pairs with bias δ = 1, both points always from one
component, S_F = span{Σ⁻¹μ_k} and L the InfoNCE loss of the maps f(x) = Aᵀx with r ≥ K columns. The claim is that
Col(A*) = S_F for every minimiser A*. The source claims it for every SharedGMM; without mean 0 it fails already for two
components on one side of the origin, so the claim is taken here where it has a chance.

It is false: for three components with very unequal weights M* = A*A*ᵀ has rank 1 where S_F is a plane. M* is unique,
so the claim is about the sign of one number, which can be enclosed: at the best M of rank dim S_F − 1, the slope of L
along M + t vvᵀ, v in S_F and Σ-orthogonal to Col(M). With a_k = vᵀμ_k, p the softmax of the negatives at x and
Q_jk = w_j E[p_k | j] (infonce-slope),

    slope = −δ Σ_k w_k a_k² + Σ_jk Q_jk a_j a_k.

The claim holds on an instance exactly when no such M is a minimiser, which a negative slope shows.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 (the talk's Theorem 0.1: "Moreover if δ = 1, then
Col(A*) = S_F"), Definitions 4.1 and 5.1. That the mixture is centred is our addition.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from thmverify import vocabulary
from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import (
    ALWAYS_MATCHED,
    BIAS_RANGE,
    CENTRED,
    COVARIANCES_DEFINITE,
    ENOUGH_COLUMNS,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
)
from thmverify.minimize.factors import best_factor
from thmverify.minimize.infonce import whitened
from thmverify.minimize.newton import minimise_on_cone
from thmverify.minimize.result import TOLERANCE
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.verdicts import Status

ID = "infonce-equality"
CLAIM = "infonce-equality"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "mubar", "Sigma_k", "Sigma_1", "delta")
SETTING = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, BIAS_RANGE, CENTRED)
QUANTITY = Quantity(
    r"L(A) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),\quad f(x) = A^T x",
    "infonce",
)
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"\mathrm{Col}(A^*) = S_F = \mathrm{span}\{\Sigma^{-1}\mu_k\}",
    "Col(A*) = S_F for every minimiser A* of L over R^{d×r}.",
)
STARTS = 4  # of the search among maps of lower rank


@dataclass(frozen=True)
class LowerRank:
    """The best map found of rank dim S_F − 1 (d × that), and the least slope of L across its column space, whitened."""

    A: Floats
    slope: float


@lru_cache(maxsize=4)
def lower_rank(instance: Instance) -> LowerRank | None:
    """Search for the best map of rank dim S_F − 1 in float64, from a few starts; None where S_F = {0}."""
    coordinates, energy, R = whitened(instance)
    m = coordinates.m
    if m == 0:
        return None
    V, null = np.zeros((1, 0)), np.eye(1)
    if m > 1:
        V = best_factor(energy, minimise_on_cone(energy, R, TOLERANCE).Y, R, m - 1, STARTS)
        null = np.linalg.svd(V)[0][:, m - 1 :]
    slopes = np.linalg.eigvalsh(null.T @ energy.point(V @ V.T).gradient @ null)
    return LowerRank(coordinates.embedding @ V, float(slopes[0]))


def margin(instance: Instance) -> float:
    """Return the least slope of L across the column space of the best map of rank dim S_F − 1, in float64.

    Negative: another column lowers the loss, so the rank is not lower. Nonnegative: the map is a minimiser, and its
    column space is smaller than S_F. −1 where S_F = {0}.
    """
    found = lower_rank(instance)
    return -1.0 if found is None else found.slope


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with δ = 1."""
    return random_centred_instance(rng, bias=Fraction(1))


COUNTEREXAMPLE = Counterexample(
    COUNTEREXAMPLES / "infonce-equality.json",
    tempting="At a map of lower rank the slope along a direction that it misses is −½ Σ_jk Q_jk (a_j − a_k)² < 0: "
    "pairs of one component agree there more than the negatives do.",
    catch="That is the slope only if Σ_j Q_jk = E p_k equals w_k. A component of weight 1/1000 that lies far out takes "
    "a larger share of the negatives than its weight, and then the slope is positive.",
    repaired="It holds for two components, wherever E p_k = w_k at the minimiser (as for symmetric configurations), "
    "where the negatives hardly tell the components apart, and for δ below a threshold.",
)
UNCENTRED = Counterexample(COUNTEREXAMPLES / "infonce-equality-uncentred.json", "", "", "")
WITNESS = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (-1, 0)), ((2, 1), (1, 2)))), 2)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace when δ = 1",
    source=Source(
        PAPER,
        "Theorem 5.2, second half (in the talk: Theorem 0.1); Definitions 4.1 and 5.1",
        "that the mixture is centred is our addition: without it the claim fails for two components",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, ENOUGH_COLUMNS, ALWAYS_MATCHED),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    counterexamples=(COUNTEREXAMPLE,),
    guarantees=(Guarantee("infonce", Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
