"""A second opinion on whole boxes of the rule `follow`, which shares no code and no rule with the kernel.

What `second_opinion` computes of one instance in intervals is computed of numbers that depend on θ: an interval on the
whole box, one in its middle, and one of each partial derivative on the box, by forward differentiation of every step,
the sums over nodes included, where the kernel bounds differences of softmax weights. By the mean value theorem a number
lies in both the first and in middle + Σ_i (∂_i on the box)·(θ_i − middle_i). The error of a sum against its integral is
one for all θ. The grids and their error bound are those of `second_opinion`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from property_tests.kernel import second_opinion as points
from property_tests.kernel.second_opinion import Interval, between, interval


@dataclass(frozen=True)
class Moving(Interval):
    """An interval on the box, with what it is in the middle, and its partial derivatives; the half-sides of the box."""

    middle: Interval
    slopes: tuple[Interval, ...]
    sides: tuple[Fraction, ...]

    @classmethod
    def made(cls, whole: Interval, middle: Interval, slopes, sides) -> Moving:
        """Take the smaller of both enclosures."""
        near = middle
        for slope, side in zip(slopes, sides, strict=True):
            near = near + slope * between(-side, side)
        low, high = max(whole.low, near.low), min(whole.high, near.high)
        return cls(low, high, middle, tuple(slopes), sides)

    @property
    def plain(self) -> Interval:
        return Interval(self.low, self.high)

    def _parts(self, other) -> tuple[Interval, Interval, tuple[Interval, ...]]:
        if isinstance(other, Moving):
            return other.plain, other.middle, other.slopes
        other = interval(other)
        return other, other, (interval(0),) * len(self.sides)

    def __add__(self, other):
        whole, middle, slopes = self._parts(other)
        sums = [x + y for x, y in zip(self.slopes, slopes, strict=True)]
        return Moving.made(self.plain + whole, self.middle + middle, sums, self.sides)

    __radd__ = __add__

    def __neg__(self):
        return Moving.made(-self.plain, -self.middle, [-x for x in self.slopes], self.sides)

    def __sub__(self, other):
        return self + -(other if isinstance(other, Interval) else interval(other))

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        whole, middle, slopes = self._parts(other)
        sums = [x * whole + self.plain * y for x, y in zip(self.slopes, slopes, strict=True)]
        return Moving.made(self.plain * whole, self.middle * middle, sums, self.sides)

    __rmul__ = __mul__

    def through(self, function, derivative: Interval) -> Moving:
        """A function of it that is differentiable, with its derivative on the box."""
        whole, middle = function(self.plain), function(self.middle)
        return Moving.made(whole, middle, [x * derivative for x in self.slopes], self.sides)

    def inverse(self):
        one = self.plain.inverse()
        return self.through(Interval.inverse, -(one * one))

    def __truediv__(self, other):
        return self * (other.inverse() if isinstance(other, Interval) else interval(other).inverse())

    def wider(self, by: Fraction):
        return Moving.made(self.plain.wider(by), self.middle.wider(by), self.slopes, self.sides)


def parameter(low: Fraction, high: Fraction, i: int, sides: tuple[Fraction, ...]) -> Moving:
    """The parameter i of the box, which runs from `low` to `high`."""
    slopes = tuple(interval(int(j == i)) for j in range(len(sides)))
    return Moving.made(between(low, high), interval((low + high) / 2), slopes, sides)


def exp(x):
    """e^x, of an interval or of what moves."""
    return x.through(_exp, _exp(x.plain)) if isinstance(x, Moving) else _exp(x)


def sqrt(x):
    """√x, likewise."""
    if not isinstance(x, Moving):
        return _sqrt(x)
    return x.through(_sqrt, (2 * _sqrt(x.plain)).inverse())


_exp, _sqrt = points.exp, points.sqrt


def rank_bounds(instance, frame, box, middle, hints, monkeypatch) -> tuple[int, int]:
    """Bounds of rank M* for every δ and every multiple of the means in a box, V moving along it as the hints say.

    `frame` has the rows of (BQ)ᵀ for the instance given; V is that of the hints where the parameters are `middle`.
    """
    monkeypatch.setattr(points, "exp", exp)
    monkeypatch.setattr(points, "sqrt", sqrt)
    sides = tuple((high - low) / 2 for low, high in box)
    delta, scale = (parameter(low, high, i, sides) for i, (low, high) in enumerate(box))
    covariance, means = points._covariance(instance["covariance"]), points.transpose(points._matrix(instance["means"]))
    G = points.product(frame, covariance, points.transpose(frame))
    tau = [[scale * x for x in row] for row in points.product(frame, means)]
    V = points._matrix(hints["V"])
    for theta, turn, centre in zip((delta, scale), hints["turns"], middle, strict=True):
        V = points.plus(V, [[(theta - centre) * Fraction(x) for x in row] for row in turn])
    law = points.Law([Fraction(x) for x in instance["weights"]], tau, G)
    return points.rank_bounds(law, delta, V, points._matrix(hints["N"]))


def halves(box):
    """Both halves of a box, of its side that is longest."""
    i = max(range(len(box)), key=lambda j: box[j][1] - box[j][0])
    (low, high), middle = box[i], sum(box[i]) / 2
    return [(*box[:i], side, *box[i + 1 :]) for side in ((low, middle), (middle, high))]
