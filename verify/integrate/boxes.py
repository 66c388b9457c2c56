"""The lattice in a box that suits a component; the kernel bounds its error (PROOFS.md, 2.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from thmverify import exact
from thmverify.integrate.lattice import dyadic
from thmverify.kernel.integrals import Adaptive, Axis
from thmverify.models import Floats

STEEP = 20_000  # nodes on a line from which adaptive integration is cheaper
_PHASE, _BENT_PHASE = 0.96, 0.9  # the spread of the phases as a part of π: near 1 the strip is wide, 1/cos(θ/2) too


@dataclass(frozen=True)
class Component:
    """A component in whitened coordinates: its centre (ρ), all slopes (K × ρ) and bends (K × ρ × ρ)."""

    centre: Floats
    slopes: Floats
    bends: Floats

    def largest(self, nats: float) -> float:
        """Return about the largest exponent where the density is more than e^−nats."""
        extent = np.abs(self.centre) + 2 * math.sqrt(nats) + 1
        bent = np.einsum("kab,a,b->k", np.abs(self.bends), extent, extent)
        return float((np.abs(self.slopes) @ extent + bent).max())

    def rate(self, i: int, reach: Floats) -> float:
        """Return how far the i-th slopes of two logits are apart within `reach` of the centre.

        Raises OverflowError beyond the range of floats.
        """
        if not np.isfinite(reach).all():
            raise OverflowError("a box has left the range of floats")
        slopes = self.slopes[:, i] + self.bends[:, i] @ self.centre
        wander = np.abs(self.bends[:, None, i] - self.bends[None, :, i]) @ reach
        return float((np.abs(slopes[:, None] - slopes[None, :]) + wander).max())


def choose_box(component: Component, nats: float) -> list[Axis]:
    """Return axes whose error should be about e^−nats, for `kernel.integrals.component_moments`."""
    bent = bool(component.bends.any())
    reach = np.full(len(component.centre), math.sqrt(2 * nats) + 1)
    axes: list[Axis] = []
    for _ in range(1 + bent):  # a narrow strip lets the box end sooner, and so the strip be wider
        axes, before = [], reach.copy()
        for i, centre in enumerate(component.centre.tolist()):
            rate = component.rate(i, before)
            widest = (_BENT_PHASE if bent else _PHASE) * math.pi / rate if rate > 0 else math.inf
            # The bound has a factor for each axis, the largest |u| on the box, and how near 0 the softmax's sum comes.
            near = math.cos(min(widest, math.sqrt(nats)) * rate / 2)
            n = nats + math.log(6 * len(reach) * math.sqrt(nats) / near)
            a = dyadic(min(widest, math.sqrt(n)))
            h = dyadic(2 * math.pi * a / (n + a * a / 2))
            # The short sides of the strip see the density grown by e^{a²/2}: the box must reach further for it.
            reach[i] = math.sqrt(2 * n + a * a) + h
            first, last = math.floor((centre - reach[i]) / h), math.ceil((centre + reach[i]) / h)
            step, strip = (exact.to_fmpq(Fraction(x)) for x in (h, a))
            axes.append(Axis(step, range(first, last + 1), strip))
            reach[i] += 2 * h
    return axes


def count(axes: Sequence[Axis]) -> int:
    """Return how many nodes a box has."""
    return math.prod(len(axis.steps) for axis in axes)


def choose_adaptive(nats: float) -> Adaptive:
    """Return an interval and an accuracy of about e^−nats, for a line on which the logits are steep."""
    return Adaptive(math.ceil(2 * math.sqrt(nats) + 1), math.ceil(1.45 * nats))
