"""What the statements about PCA share: the claims, mixtures in a row, and margins."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify import vocabulary
from thmverify.certifying.formulas import Expression, identity, is_definite, matrix, name, rank, trace
from thmverify.evidence import Fails, Near
from thmverify.exact import to_floats
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Quantity
from thmverify.subspaces import fisher_subspace, mean_subspace, pca_subspace, principal_angles
from thmverify.theorems import NEIGHBOURHOODS
from thmverify.theorems.common import TOLERANCE, missed

CLAIM = "pca-equality"
TOP_CLAIM = "pca-top-r"

SYMBOLS = vocabulary.entries("d", "K", "r", "m", "w", "Sigma_k", "Sigma_1")

QUANTITY = Quantity(r"\mathrm{tr}(A^T R A),\quad A^T A = I,\quad R = \mathbb{E}\, x x^T = \Sigma + S", "pca")

EQUALITY = Conclusion(
    r"A^* \in \mathrm{argmax}_{A^T A = I} \mathrm{tr}(A^T R A) \implies"
    r"\mathrm{Col}(A^*) = S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\}",
    "With r = dim S_F columns, Col(A*) = S_F for every maximiser A* of tr(AᵀRA) over AᵀA = I.",
)

SINE = 1e-6  # of a sine, for float64 eigenvectors


def three_in_a_row(offset: tuple[int, int], covariance: tuple[Fraction, Fraction]) -> SharedGMM:
    """Return three equal components at −μ, 0, μ with a diagonal covariance."""
    a, b = covariance
    x, y = offset
    return SharedGMM([Fraction(1, 3)] * 3, [[-x, -y], [0, 0], [x, y]], [[a, 0], [0, b]])


THIN, WIDE = Fraction(1, 4), Fraction(65, 4)

BALLS = three_in_a_row((3, 0), (Fraction(1, 2), Fraction(1, 2)))

PANCAKES = three_in_a_row((3, 0), (THIN, WIDE))


def line(mixture: SharedGMM) -> Instance:
    """Return the question whether PCA's first direction is S_F."""
    return Instance(AugmentedPairs(mixture), 1)


def angle_margin(instance: Instance) -> float:
    """Return the sine of the largest angle between PCA's subspace and S_F, less a tolerance, in float64."""
    mixture = instance.pairs.mixture
    fisher = fisher_subspace(mixture)
    found = pca_subspace(to_floats(mixture.R), instance.rank)
    if found.shape[1] != fisher.dimension:
        return 1.0
    angles = principal_angles(found, fisher.as_floats())
    return float(np.max(np.sin(angles), initial=0.0)) - SINE


def _square(form: Expression, v: Expression) -> Expression:
    return trace(v.T @ form @ v)


def line_missed(file: str) -> Near:
    """Return that near an instance with r = dim S_F = 1 the variance is larger along (1/100, 1) than along S_F."""
    R, eye, across = name("R"), identity("d"), matrix([["1/100"], ["1"]])
    more = _square(R, name("fisher")) * _square(eye, across) < _square(R, across) * _square(eye, name("fisher"))
    fails = Fails((name("r") == 1) & (rank(name("fisher")) == 1) & more, "some direction has more variance than S_F")
    return Near(NEIGHBOURHOODS / file, fails)


def orders_differ(
    file: str, wide: tuple[int, int], best: tuple[int, int], levels: tuple[Fraction, Fraction], factor: int
) -> Near:
    """Return that near an instance with r = 1 no line is first in both orders, g and s the levels, t the factor.

    R exceeds g on one direction and J exceeds s on another, so on a line that is first in both orders vᵀ(R − g)v > 0
    and vᵀ(S − sΣ)v > 0; but g − R + t(sΣ − S) is definite.
    """
    w, u = (matrix([[x] for x in v]) for v in (wide, best))
    R, S, sigma, eye = name("R"), name("S"), name("covariance"), identity("d")
    g, s = levels
    first = (g * _square(eye, w) < _square(R, w)) & (s * _square(sigma, u) < _square(S, u))
    apart = is_definite(g * eye - R + factor * (s * sigma - S))
    why = "where the variance is large J is not, and no direction is first for both"
    return Near(NEIGHBOURHOODS / file, Fails((name("r") == 1) & first & apart, why))


SPHERICAL_SYMBOLS = vocabulary.entries("d", "K", "r", "m", "w", "Sigma_k")


def sample_spherical(rng: random.Random) -> Instance:
    """Draw spherical components, of one radius or of their own, with r = dim S_F ≥ 1."""
    while True:
        instance = random_instance(rng)
        mixture = instance.shared
        m = mean_subspace(mixture).dimension
        if m == 0:
            continue
        common = rng.random() < 0.5
        variances = [Fraction(rng.randint(1, 40), 10) for _ in mixture.weights]
        covariances = tuple(_multiple(variances[0] if common else v, mixture.dimension) for v in variances)
        spherical = GMM(mixture.weights, mixture.means, covariances)
        return replace(instance, model=AugmentedPairs(spherical, instance.pairs.bias), rank=m)


def _multiple(variance: Fraction, d: int) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(variance if i == j else Fraction(0) for j in range(d)) for i in range(d))


def top_r_margin(instance: Instance) -> float:
    """Return what J misses on PCA's subspace, relative to its largest value, less a tolerance, in float64."""
    mixture, r = instance.pairs.mixture, instance.rank
    return missed(mixture, pca_subspace(to_floats(mixture.R), r), r) - TOLERANCE
