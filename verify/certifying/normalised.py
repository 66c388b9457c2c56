"""Proposals for simclr-normalised-inclusion: the losses of normalised features on a line of means, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy

from thmverify.certifying.proposal import Proposal
from thmverify.exact import to_floats
from thmverify.kernel.models import Pairs
from thmverify.kernel.rules.angles import MAX_ANGLES, MAX_NODES
from thmverify.models import Floats

TEMPERATURES = (Fraction(1), Fraction(1, 2), Fraction(1, 5), Fraction(2), Fraction(5), Fraction(1, 10))
TILTS = tuple(Fraction(round(100 * 10 ** (n / 5)), 10**4) for n in range(13))  # from 1/100 to about 2.5
_NATS, _MOST = 34.0, 2**13  # of the sums in float64: their accuracy, and their nodes
_SPARE, _BITS, _LEAST = 9.0, 128, 1e-12  # nats beyond the gain, bits, and the gain that rounding may have made
_SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the strip on which all is analytic


@dataclass(frozen=True)
class Line:
    """The law of x₁, the whitened coordinate along a line S_F: weights and centres of K components, and the bias δ."""

    weights: Floats
    centres: Floats
    bias: float

    @classmethod
    def of(cls, pairs: Pairs) -> Line:
        """Return that of kernel pairs with dim S_F = 1."""
        law = pairs.on_fisher.mixture
        centres = to_floats(law.means)[0] / math.sqrt(float(to_floats(law.sigma)[0, 0]))
        weights = np.array([int(w.p) / int(w.q) for w in law.weights])
        return cls(weights, centres, int(pairs.bias.p) / int(pairs.bias.q))

    def inside(self, temperature: float) -> float:
        """Return the loss of every map with features ±e, the sign of x₁."""
        signs = scipy.special.erf(self.centres / math.sqrt(2))
        shares = (1 + self.weights @ signs) / 2 * np.array([1, -1]) + np.array([0, 1])
        rest = np.log(shares * math.exp(1 / temperature) + (1 - shares) * math.exp(-1 / temperature))
        return float(shares @ rest) - self._alignment(signs) / temperature

    def across(self, temperature: float, tilt: float) -> float:
        """Return the loss of the map with features x₁ and tilt·x₂, by a sum over the circle; nan where that is long."""
        nodes = Strip.best(self, temperature, tilt, _NATS).nodes
        if nodes > _MOST:
            return math.nan
        theta = 2 * np.pi * np.arange(nodes) / nodes
        parts = self.densities(theta, tilt) * (2 * np.pi / nodes)
        law, kernel = self.weights @ parts, np.exp(np.cos(theta) / temperature)
        averages = np.fft.irfft(np.fft.rfft(law) * np.fft.rfft(kernel), nodes)
        return float(law @ np.log(averages)) - self._alignment(parts @ np.cos(theta)) / temperature

    def densities(self, theta: Floats, tilt: float) -> Floats:
        """Return the densities of the angle of (x₁, tilt·x₂) at N angles, K × N."""
        q = np.cos(theta) ** 2 + (np.sin(theta) / tilt) ** 2
        n = self.centres[:, None]
        z = n * np.cos(theta) / np.sqrt(q)
        tail = math.sqrt(math.pi / 2) * z * np.exp((z**2 - n**2) / 2) * scipy.special.erfc(-z / math.sqrt(2))
        return np.asarray((np.exp(-(n**2) / 2) + tail) / (2 * np.pi * tilt * q))

    def gains(self, temperature: float) -> Floats:
        """Return how much smaller the loss across is than inside, for each of TILTS; −∞ where it is not known."""
        inside = self.inside(temperature)
        found = np.array([inside - self.across(temperature, float(tilt)) for tilt in TILTS])
        return np.where(np.isnan(found), -math.inf, found)

    def _alignment(self, means: Floats) -> float:
        return float(self.bias * self.weights @ means**2 + (1 - self.bias) * (self.weights @ means) ** 2)


@dataclass(frozen=True)
class Strip:
    """The half-width of a strip around the circle, and the nodes with which the sums there err by less than e^−nats."""

    width: Fraction
    nodes: int

    @classmethod
    def best(cls, line: Line, temperature: float, tilt: float, nats: float) -> Strip:
        """Return the strip that asks for the fewest nodes."""
        edge = 0.5 * math.log((1 + tilt) / abs(1 - tilt)) if tilt != 1 else math.inf  # there q has a zero
        edge = min(edge, math.asinh(temperature * math.pi / 2))  # and there the logarithm may have one
        widths = [Fraction(edge * share).limit_denominator(1000) for share in _SHARES]
        return min((cls._of(line, temperature, tilt, nats, a) for a in widths), key=lambda strip: strip.nodes)

    @classmethod
    def _of(cls, line: Line, temperature: float, tilt: float, nats: float, a: Fraction) -> Strip:
        height, farthest = math.cosh(a), float(np.max(np.abs(line.centres)))
        least = (1 + tilt**-2 - abs(tilt**-2 - 1) * math.cosh(2 * a)) / 2
        size = farthest**2 * (height**2 / least - 1) / 2 - math.log(least * tilt) + height / temperature
        return cls(a, math.ceil((max(size, 0.0) + nats) / a))


def normalised_proposals(pairs: Pairs) -> Iterator[Proposal]:
    """Yield maps out of S_F, a line, that float64 finds better than all inside, temperature by temperature."""
    mixture = pairs.mixture
    if not mixture.m == 1 < min(mixture.dimension, pairs.columns):
        return
    line = Line.of(pairs)
    for temperature in TEMPERATURES:
        tau = float(temperature)
        gains = line.gains(tau)
        best = int(np.argmax(gains))
        if gains[best] < _LEAST:
            continue
        strip = Strip.best(line, tau, float(TILTS[best]), _SPARE - math.log(gains[best]))
        if strip.nodes <= min(MAX_NODES, MAX_ANGLES // (_BITS * len(line.weights))):
            hints = {"temperature": temperature, "tilt": TILTS[best], "width": strip.width, "nodes": strip.nodes}
            yield Proposal("losses", {"precision": str(_BITS), **{name: str(x) for name, x in hints.items()}})
