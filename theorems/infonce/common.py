"""What the statements about InfoNCE share: the loss, the claim of equality, its margin, and known instances."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from thmverify import vocabulary
from thmverify.certifying import decide
from thmverify.evidence import Border, Break, ByKernel, Counterexample
from thmverify.hypotheses import (
    BIAS_RANGE,
    CENTRED,
    COVARIANCES_DEFINITE,
    SHARED_COVARIANCE,
    WEIGHTS_POSITIVE,
    WEIGHTS_SUM,
    Hypothesis,
)
from thmverify.minimize.factors import best_factor
from thmverify.minimize.infonce import whitened
from thmverify.minimize.newton import minimise_on_cone
from thmverify.minimize.result import TOLERANCE
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Quantity
from thmverify.theorems import COUNTEREXAMPLES
from thmverify.verdicts import Outcome, Verdict
from thmverify.vocabulary import delta

QUANTITY = Quantity(
    r"L(A) = -\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_x \log \mathbb{E}_y \exp(f(x)^T f(y)),\quad f(x) = A^T x",
    "infonce",
)


@lru_cache(maxsize=4)
def leaks(instance: Instance) -> Verdict:
    """Refute Col(A*) ⊆ S_F, and with it Col(A*) = S_F, where the kernel does, whatever the covariances are."""
    seen = decide("nonshared-inclusion", instance, measured=False)[0]
    if seen.outcome is not Outcome.REFUTED:
        return Verdict("infonce-inclusion", Outcome.UNDECIDED, seen.reason)
    return replace(
        seen, claim="infonce-inclusion", reason="rule border of the kernel: every minimiser has a part outside S_F"
    )


# Two components on a line with covariances of their own, δ = 1: what SharedGMM excludes (nonshared-inclusion).
TILTED = Counterexample(COUNTEREXAMPLES / "nonshared-inclusion.json", "", "", "").instance

COVARIANCES_DIFFER = Break(SHARED_COVARIANCE.name, TILTED, leaks)

CLAIM = "infonce-equality"

SYMBOLS = vocabulary.entries("d", "K", "r", "w", "mubar", "Sigma_k", "Sigma_1", "delta")

SETTING = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, BIAS_RANGE, CENTRED)

EQUALITY = Conclusion(
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


def slope_across(instance: Instance) -> float:
    """Return the least slope of L across the column space of the best map of rank dim S_F − 1, in float64.

    Negative: another column lowers the loss, so the rank is not lower. Nonnegative: the map is a minimiser, and its
    column space is smaller than S_F. −1 where S_F = {0}.
    """
    found = lower_rank(instance)
    return -1.0 if found is None else found.slope


def sample_matched(rng: random.Random) -> Instance:
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

CENTRE = Counterexample(COUNTEREXAMPLES / "infonce-equality-uncentred.json", "", "", "").instance
EXACTLY_CANCELLED = "the slope across is 0 exactly, since the two weights are equal"


def uneven(instance: Instance, step: Fraction = Fraction(1, 1000)) -> Instance:
    """Return the instance of two components with a step more weight on the first."""
    mixture = instance.shared
    first, second = mixture.weights
    moved = SharedGMM((first + step, second - step), mixture.means, mixture.covariance)
    return replace(instance, model=AugmentedPairs(moved, instance.pairs.bias))


UNCENTRED = Counterexample(
    COUNTEREXAMPLES / "infonce-equality-uncentred.json",
    "",
    "",
    "",
    near=Border(uneven(CENTRE), ByKernel("infonce-equality"), EXACTLY_CANCELLED),
)

WITNESS = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (-1, 0)), ((2, 1), (1, 2)))), 2)

BIAS_BELOW_ONE = Hypothesis("bias-below-one", delta < 1, "Some augmented pairs are two unrelated points.")


def with_bias(instance: Instance, bias: Fraction) -> Instance:
    """Return the instance with another bias δ."""
    return replace(instance, model=AugmentedPairs(instance.pairs.mixture, bias))


def shipped(name: str) -> Instance:
    """Return the instance of a shipped counterexample."""
    return Counterexample(COUNTEREXAMPLES / f"{name}.json", "", "", "").instance


HALF = Fraction(1, 2)

THIRD = Fraction(1, 3)

TRIANGLE = SharedGMM((THIRD,) * 3, ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)))
