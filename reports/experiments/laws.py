"""The distributions of the experiments, with exact parameters, and samples from them.

The sources name the four settings and give no parameters; all of these are our choice. Four components sit at
alternate corners of a box, so that they are centred and span three dimensions, and a shared diagonal covariance has
loud directions orthogonal to the means: parallel pancakes in twenty dimensions.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from thmverify.exact import Rows
from thmverify.models import CLIPGMM, AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.reports.experiments.training import Sample
from thmverify.subspaces import fisher_subspace

COMPONENTS = 4
SIGNAL = 3
DIMENSION = 20
LOUD = 2
COLUMNS = 4
NOISE = Fraction(9)
DECAY = Fraction(1, 1000)

# Half the sides of the box: the components are 4.3 to 5.7 standard deviations apart.
_HALF_SIDES = (Fraction(9, 4), Fraction(7, 4), Fraction(5, 4))
_TEXT_HALF_SIDES = (Fraction(5, 4), Fraction(9, 4), Fraction(7, 4))
_CORNERS = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
_WEIGHTS = [Fraction(1, COMPONENTS)] * COMPONENTS
_VISION, _TEXT = 20, 12

LAW = (
    f"K = {COMPONENTS} equal components at alternate corners of a box with half sides 9/4, 7/4, 5/4 (so dim S_F = 3), "
    f"in d = {DIMENSION} dimensions with unit variance"
)


def pancakes(noise: Fraction = NOISE, stretch: Fraction = Fraction(1)) -> SharedGMM:
    """Return the mixture with variance `noise` in the loud directions and its first coordinate multiplied by `stretch`.

    Stretching multiplies means and noise alike: the data are the same up to a change of units inside S_F.
    """
    return _boxed(_HALF_SIDES, DIMENSION, noise, stretch)


def pairs(mixture: SharedGMM, bias: Fraction = Fraction(1), columns: int = COLUMNS) -> Instance:
    """Return the instance of augmented pairs, with the weight decay of the SimSiam experiments."""
    return Instance(AugmentedPairs(mixture, bias), columns, DECAY)


def captioned(noise: Fraction) -> Instance:
    """Return paired mixtures, 20- and 12-dimensional, with `noise` as the variance of the loud directions."""
    vision = _boxed(_HALF_SIDES, _VISION, noise)
    text = _boxed(_TEXT_HALF_SIDES, _TEXT, noise)
    return Instance(CLIPGMM(vision, text), COLUMNS)


def _boxed(
    half_sides: tuple[Fraction, ...], dimension: int, noise: Fraction, stretch: Fraction = Fraction(1)
) -> SharedGMM:
    signal = len(half_sides)
    scales = [stretch, *[Fraction(1)] * (signal - 1)]
    rest = [Fraction(0)] * (dimension - signal)
    means = [[s * a * c for s, a, c in zip(scales, half_sides, corner, strict=True)] + rest for corner in _CORNERS]
    variances = [s * s for s in scales] + [noise] * LOUD + [Fraction(1)] * (dimension - signal - LOUD)
    return SharedGMM(_WEIGHTS, means, _diagonal(variances))


def _diagonal(entries: list[Fraction]) -> Rows:
    n = len(entries)
    return tuple(tuple(entries[i] if i == j else Fraction(0) for j in range(n)) for i in range(n))


def draw(instance: Instance, n: int, rng: np.random.Generator) -> Sample:
    """Draw n pairs with the component of each first point."""
    model = instance.model if isinstance(instance.model, CLIPGMM) else instance.pairs
    first, second = (model.vision, model.text) if isinstance(model, CLIPGMM) else (model.mixture, model.mixture)
    labels = first.sample_labels(n, rng)
    others = first.sample_labels(n, rng)
    partners = np.where(rng.random(n) < float(model.bias), labels, others)
    return Sample(first.sample_given(labels, rng), second.sample_given(partners, rng), labels)


def draw_test(instance: Instance, n: int, rng: np.random.Generator) -> Sample:
    """Draw n pairs of the same component each, to be clustered on either side."""
    model = instance.model
    unbiased = CLIPGMM(model.vision, model.text) if isinstance(model, CLIPGMM) else AugmentedPairs(instance.shared)
    return draw(Instance(unbiased, instance.rank), n, rng)


def fisher_basis(mixture: SharedGMM) -> Floats:
    """Return an orthonormal basis (d × dim S_F) of the Fisher subspace, in float64."""
    return fisher_subspace(mixture).as_floats()
