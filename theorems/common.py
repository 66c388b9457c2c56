"""What statements of more than one family compute with."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import scipy
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.minimize.closed_forms import Pencil
from thmverify.models import GMM, AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.sampling import random_matrix
from thmverify.subspaces import fisher_subspace

NO_RULE = "no radius is known: it is decided of one instance at a time"


def split(mixture: GMM, A: fmpq_mat) -> tuple[fmpq_mat, fmpq_mat]:
    """Return A_in, the Σ̄-orthogonal projection of A on S_F, and A_out = A − A_in."""
    B = fisher_subspace(mixture).basis
    inside = projected(B, mixture.sigma_bar, A)
    return inside, A - inside


def projected(basis: fmpq_mat, metric: fmpq_mat, A: fmpq_mat) -> fmpq_mat:
    """Return the projection of A (d × r) on the span of a basis (d × m), orthogonal in the metric (d × d, ≻ 0)."""
    if basis.ncols() == 0:
        return A * fmpq(0)
    return basis * (basis.transpose() * metric * basis).solve(basis.transpose() * metric * A)


def leaking(rng: random.Random, basis: fmpq_mat, metric: fmpq_mat, columns: int) -> tuple[fmpq_mat, fmpq_mat]:
    """Draw a map that has a part outside the span of a basis, which must not be everything: return A_in and A_out."""
    while True:
        A = random_matrix(rng, metric.nrows(), columns)
        inside = projected(basis, metric, A)
        if not exact.is_zero(A - inside):
            return inside, A - inside


TOLERANCE = 1e-6  # of the float64 eigenvectors, relative to the largest J


def missed(mixture: GMM, A: Floats, r: int) -> float:
    """Return what J misses on Col(A), relative to its largest value on r columns, in float64; S_F must not be {0}."""
    best = float(np.sum(Pencil(mixture.S, mixture.sigma_bar).values[:r]))
    if A.shape[1] == 0:
        return 1.0
    within, between = (A.T @ to_floats(m) @ A for m in (mixture.sigma_bar, mixture.S))
    return 1 - float(np.sum(scipy.linalg.eigh(between, within, eigvals_only=True))) / best


def corners(sides: tuple[int, int], variances: tuple[Fraction | int, Fraction | int]) -> Instance:
    """Return four equal components at (±a, ±b) with a diagonal covariance, and one column."""
    (a, b), (v, w) = sides, variances
    means = [(i * a, j * b) for i, j in itertools.product((1, -1), repeat=2)]
    return Instance(AugmentedPairs(SharedGMM([Fraction(1, 4)] * 4, means, [[v, 0], [0, w]])), 1)
