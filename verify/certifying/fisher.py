"""Instances made of laws that the kernel computes, such as that of the coordinates of S_F."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from thmverify import exact
from thmverify.kernel.models import Mixture
from thmverify.models import CLIPGMM, AugmentedPairs, Instance, SharedGMM


def instance_of(instance: Instance, laws: Sequence[Mixture]) -> Instance:
    """Return the instance with other coordinates, whose laws (one, or one for each modality) are given."""
    model = instance.model
    if isinstance(model, CLIPGMM):
        vision, text = (_mixture(model.weights, law) for law in laws)
        return replace(instance, model=CLIPGMM(vision, text, model.bias))
    mixture = _mixture(instance.pairs.mixture.weights, laws[0])
    return replace(instance, model=AugmentedPairs(mixture, instance.pairs.bias))


def _mixture(weights: tuple[Fraction, ...], law: Mixture) -> SharedGMM:
    return SharedGMM(weights, exact.to_rows(law.means.transpose()), exact.to_rows(law.sigma))
