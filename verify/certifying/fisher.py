"""The instance in the coordinates of S_F, in which claims about maps on S_F are decided."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from thmverify import exact
from thmverify.kernel.models import Mixture, Pairs
from thmverify.models import CLIPGMM, AugmentedPairs, Instance, SharedGMM


def instance_on_fisher(instance: Instance, pairs: Pairs) -> Instance:
    """Return the instance of t = Bᵀx; `pairs` is `on_fisher` of what the kernel sees, and says what B is."""
    model = instance.model
    if isinstance(model, CLIPGMM):
        vision, text = (_mixture(model.weights, law) for law in pairs.modalities)
        return replace(instance, model=CLIPGMM(vision, text, model.bias))
    mixture = _mixture(instance.pairs.mixture.weights, pairs.mixture)
    return replace(instance, model=AugmentedPairs(mixture, instance.pairs.bias))


def _mixture(weights: tuple[Fraction, ...], law: Mixture) -> SharedGMM:
    return SharedGMM(weights, exact.to_rows(law.means.transpose()), exact.to_rows(law.sigma))
