"""What the tests of the minimisers share: tame instances, and floats as the exact rationals that they are."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Seeded, shared_gmm


def rational(m: np.ndarray) -> fmpq_mat:
    """The exact rational matrix that the floats are."""
    return exact.matrix([[Fraction(float(x)) for x in row] for row in m], columns=m.shape[1])


def mixture(seed: int, components: int, dimension: int, centred: bool = False) -> SharedGMM:
    source = Seeded(random.Random(seed))
    return shared_gmm(source, components=components, dimension=dimension, centred=centred, hostile=False)


def instance(seed: int, components: int, dimension: int, rank: int | None = None, **options: bool) -> Instance:
    return Instance(
        AugmentedPairs(mixture(seed, components, dimension, **options), Fraction(9, 10)), rank or components
    )


def smallest(m: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(m).min())
