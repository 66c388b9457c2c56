"""From a certificate of `infonce-equality` to a mixture in the plane and the numbers that refute the claim on it.

The mixture and the direction of the minimiser are the certificate's, by value. The other numbers are proposals: found
in floats, rounded to short rationals, and proved or refused by whoever reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, log2, log10, sqrt
from operator import mul
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from thmverify.errors import InputError
from thmverify.exact import FLOATS_FAIL, Rows, to_rows
from thmverify.exact import matrix as rational_matrix
from thmverify.kernel import Rejected, Verified, check
from thmverify.kernel.models import Pairs, instance
from thmverify.kernel.parse import matrix

CLAIM, RULE = "infonce-equality", "kkt"
MAX_COMPONENTS = 6  # the time to check the integrals grows like the square
DIGITS = 10  # of the direction
Floats = NDArray[np.float64]
Vector = tuple[Fraction, Fraction]


class Symmetric(NamedTuple):
    """The matrix ((xx, xy), (xy, yy))."""

    xx: Fraction
    xy: Fraction
    yy: Fraction

    def __matmul__(self, v: Vector) -> Vector:
        """Return the product with a vector."""
        return self.xx * v[0] + self.xy * v[1], self.xy * v[0] + self.yy * v[1]


def _unit(xx: int, xy: int, yy: int) -> Symmetric:
    return Symmetric(Fraction(xx), Fraction(xy), Fraction(yy))


UNITS = {"xx": _unit(1, 0, 0), "xy": _unit(0, 1, 0), "yy": _unit(0, 0, 1)}  # the directions of the gradient's entries


@dataclass(frozen=True)
class PlanarMixture:
    """Σ_k w_k N(μ_k, Σ) in the plane, the bias δ, the number r of columns of the maps, and the content hash it is from.

    `frame` is None when it is the certificate's own mixture; else that one has d > 2 coordinates, and this is the law
    of Bᵀx, where the columns of B = frame (d × 2) are a basis of S_F.
    `direction` is v where vvᵀ is the certificate's minimiser.
    """

    weights: tuple[Fraction, ...]
    means: tuple[Vector, ...]
    covariance: Symmetric
    bias: Fraction
    columns: int
    direction: Vector
    frame: Rows | None
    content: str


class Row(NamedTuple):
    """One term amount·exp(rate·q)·(linear·q + constant) of a profile."""

    amount: Fraction
    rate: Fraction
    linear: Fraction
    constant: Fraction


@dataclass(frozen=True)
class Piece:
    """The slope integrals of one component on an interval of q = vᵀx, by entry, and how well they are to be known.

    Each is `value` up to `width`. |profile| ≤ bulk·(1 + q²), and `beyond` bounds the moment E (1 + q²) outside.
    """

    location: Fraction
    left: Fraction
    right: Fraction
    rows: dict[str, tuple[Row, ...]]
    value: Symmetric
    width: Fraction
    bulk: Fraction
    beyond: Fraction

    @property
    def error(self) -> Fraction:
        """How far an expectation is from its value at most."""
        return self.width + self.bulk * self.beyond


@dataclass(frozen=True)
class Numbers:
    """What the theorem's hypotheses ask for; the names are those of `checks` in Refutation.v."""

    direction: Vector
    variance: Fraction
    pieces: tuple[Piece, ...]
    floor: Fraction  # lambda
    curvature: Fraction  # z
    eps: Fraction
    tolerance: Fraction
    spread: Fraction
    step: Fraction
    spanning: tuple[int, int]  # two components whose means are not parallel


def read(data: bytes) -> PlanarMixture:
    """Return the mixture of a certificate. Raises InputError when it is none of the kind that can be exported."""
    try:
        verified = check(data)
    except Rejected as error:
        remedy = "give a certificate that `thmverify check` verifies"
        raise InputError("certificate", "the file", f"the kernel rejects it: {error}", remedy) from None
    fields = json.loads(data)
    _require("claim", verified.claim, CLAIM)
    if not isinstance(verified, Verified):
        raise TypeError("the claim is about one instance")
    _require("rule", fields["rule"], RULE)
    _require("dimension", fields["dimension"], ["2"])
    _require("rank", fields["rank"], ["1", "1"])
    pairs = instance(fields["instance"])
    if not isinstance(pairs, Pairs):
        raise TypeError("the claim is about pairs of one mixture")
    if pairs.columns < 2:
        remedy = "give a certificate for maps with 2 columns or more"
        raise InputError("instance.rank", pairs.columns, "the theorem is about maps that could fill the plane", remedy)
    K = len(pairs.mixture.weights)
    if K > MAX_COMPONENTS:
        rule = f"Coq would take too long for more than {MAX_COMPONENTS} components"
        raise InputError("instance.weights", K, rule, f"give a certificate with at most {MAX_COMPONENTS}")
    return _planar(pairs, fields["hints"], fields["content"])


def _require(field: str, value: object, wanted: object) -> None:
    if value != wanted:
        text = json.dumps(wanted)
        raise InputError(field, value, f"only {text} can be exported", f"give a certificate whose {field} is {text}")


def _planar(pairs: Pairs, hints: dict[str, Any], content: str) -> PlanarMixture:
    """Take the mixture as it is when it lies in the plane, else in the coordinates of a basis of S_F."""
    mixture, Q = pairs.mixture, matrix(hints["Q"], "Q")
    direction, frame = mixture.fisher * Q * matrix(hints["V"], "V"), None
    if mixture.sigma.nrows() > 2:
        change = rational_matrix([[_near(float(x), 4) for x in row] for row in to_rows(Q)])  # nearly whitened
        frame = mixture.fisher * change
        direction = change.inv() * Q * matrix(hints["V"], "V")
        mixture = mixture.reduced(frame)
    (xx, xy), (_, yy) = to_rows(mixture.sigma)
    (v,) = to_rows(direction.transpose())
    return PlanarMixture(
        weights=tuple(Fraction(int(w.p), int(w.q)) for w in mixture.weights),
        means=tuple((x, y) for x, y in to_rows(mixture.means.transpose())),
        covariance=Symmetric(xx, xy, yy),
        bias=Fraction(int(pairs.bias.p), int(pairs.bias.q)),
        columns=pairs.columns,
        direction=(v[0], v[1]),
        frame=None if frame is None else to_rows(frame),
        content=content,
    )


def numbers(mixture: PlanarMixture) -> Numbers:
    """Propose the numbers of the refutation. Raises InputError when floats say that they would not do."""
    try:
        return _numbers(mixture)
    except FLOATS_FAIL:
        raise _out_of_reach(mixture, "floats cannot propose the numbers of Refutation.v") from None


def _numbers(mixture: PlanarMixture) -> Numbers:
    v = _short(mixture.direction)
    n, size = (-v[1], v[0]), float(_dot(v, v))
    slopes, normal = _gradient(mixture, v), [float(x) for x in (n[0] * n[0], n[0] * n[1], n[1] * n[1])]
    z = sum(map(mul, slopes, normal)) / size**2
    residual = max(abs(g / times - z * x) for g, x, times in zip(slopes, normal, (1, 2, 1), strict=True))
    heights = [_dot(n, mean) for mean in mixture.means]
    spread = max(heights) - min(heights)
    across = _dot(n, mixture.covariance @ n)
    moment = across + _sum(w * h * h for w, h in zip(mixture.weights, heights, strict=True))
    step = z * size**2 / (2 * float(moment * (across / 2 + spread * spread)))
    least = _floor(mixture.covariance)
    eps = _allowance(gain=z * size**2 * step / 2, linear=2 * size * step, square=2 / float(least) ** 2)
    if not (z > 0 and residual < float(eps) / 4):
        rule = f"the gradient is {z:.3g} nnᵀ up to {residual:.3g} only, and Refutation.v asks for {float(eps) / 4:.3g}"
        raise _out_of_reach(mixture, rule)
    return Numbers(
        direction=v,
        variance=_dot(v, mixture.covariance @ v),
        pieces=tuple(_piece(mixture, v, k, eps / 2) for k in range(len(mixture.weights))),
        floor=least,
        curvature=_near(z, 9),
        eps=eps,
        tolerance=eps / 2,
        spread=spread,
        step=_down(step, 6),
        spanning=_spanning(mixture.means),
    )


def _allowance(gain: float, linear: float, square: float) -> Fraction:
    """Return eps with linear·eps + square·eps² a third of what the step gains."""
    return _down((sqrt(linear * linear + 4 * square * gain / 3) - linear) / (2 * square), 2)


def _out_of_reach(mixture: PlanarMixture, rule: str) -> InputError:
    remedy = "give a certificate for coordinates in which the covariance is nearer to the identity"
    return InputError("instance.covariance", [str(x) for x in mixture.covariance], rule, remedy)


def _piece(mixture: PlanarMixture, v: Vector, k: int, tolerance: Fraction) -> Piece:
    """Half of the component's share of the tolerance is for the integrals, a quarter for what is beyond the ends."""
    allowed = tolerance / (len(mixture.weights) * mixture.weights[k])
    rows = {entry: _rows(mixture, v, unit, mixture.means[k]) for entry, unit in UNITS.items()}
    bulk = _up(max(float(sum(abs(r.linear) + abs(r.constant) for r in part)) for part in rows.values()), 3)
    location, variance = _dot(v, mixture.means[k]), _dot(v, mixture.covariance @ v)
    beyond = _down(float(allowed / (4 * bulk)), 2)
    half = _half_width(float(location), sqrt(variance), float(beyond) / 2)
    left, right = (_near(float(location) + sign * half, 4) for sign in (-1, 1))
    width = _down(float(allowed / 2), 2)
    values = (_expectation(part, float(location), float(variance)) for part in rows.values())
    return Piece(
        location, left, right, rows, Symmetric(*(_to_unit(x, width / 100) for x in values)), width, bulk, beyond
    )


def _rows(mixture: PlanarMixture, v: Vector, unit: Symmetric, mean: Vector) -> tuple[Row, ...]:
    image = mixture.covariance @ v
    variance, across = _dot(v, image), (-image[1], image[0])
    found = []
    for w, mu in zip(mixture.weights, mixture.means, strict=True):
        h = unit @ mu
        linear, constant = _dot(h, image) / variance, (v[0] * h[1] - v[1] * h[0]) / variance * _dot(across, mean)
        found.append(Row(w, _dot(v, mu), linear, constant))
    return tuple(found)


def _expectation(rows: tuple[Row, ...], location: float, variance: float) -> float:
    """Return E of the rows' softmax average at q ~ N(location, variance), in floats."""
    z = np.linspace(-12, 12, 6001)
    q = location + sqrt(variance) * z
    amount, rate, linear, constant = (np.array([float(x) for x in part]) for part in zip(*rows, strict=True))
    logits: Floats = np.outer(q, rate) + np.log(amount)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    density = np.exp(-z * z / 2) * (z[1] - z[0]) / sqrt(2 * np.pi)
    return float(density @ (shares * (np.outer(q, linear) + constant)).sum(axis=1))


def _gradient(mixture: PlanarMixture, v: Vector) -> list[float]:
    """Return the derivatives of the loss at vvᵀ along the three units, in floats."""
    return [_slope(mixture, v, unit) for unit in UNITS.values()]


def _slope(mixture: PlanarMixture, v: Vector, unit: Symmetric) -> float:
    parts, image = list(zip(mixture.weights, mixture.means, strict=True)), mixture.covariance @ v
    centre = _sum(w * m[0] for w, m in parts), _sum(w * m[1] for w, m in parts)
    attraction = mixture.bias * _sum(w * _dot(m, unit @ m) for w, m in parts)
    attraction += (1 - mixture.bias) * _dot(centre, unit @ centre)
    energy = _dot(image, unit @ image) + _sum(w * _dot(v, m) * _dot(image, unit @ m) for w, m in parts)
    variance = float(_dot(v, image))
    negatives = (float(w) * _expectation(_rows(mixture, v, unit, m), float(_dot(v, m)), variance) for w, m in parts)
    return float(energy - attraction) + sum(negatives)


def _half_width(location: float, deviation: float, beyond: float) -> float:
    """Return the distance from the mean at which E (1 + q²) beyond it is at most `beyond`."""
    c = 4.0
    while (1 + (abs(location) + c * deviation) ** 2) * (1 + c) * scipy.special.erfc(c / sqrt(2)) > beyond:
        c += 0.25
    return c * deviation


def _spanning(means: tuple[Vector, ...]) -> tuple[int, int]:
    pairs = ((i, j) for j in range(len(means)) for i in range(j))
    return next((i, j) for i, j in pairs if means[i][0] * means[j][1] != means[i][1] * means[j][0])


def _floor(covariance: Symmetric) -> Fraction:
    """Return a short λ > 0 with covariance ⪰ λI, close to the largest or not far below; 0 where none was found."""
    xx, xy, yy = covariance
    exact = float(xx + yy) / 2 - sqrt((float(xx - yy) / 2) ** 2 + float(xy) ** 2)
    largest = _near(exact, 6)
    candidates = [largest, largest * Fraction(999999, 1000000), *(largest / 2**i for i in range(1, 20))]
    return next((x for x in candidates if 0 < x <= xx and (xx - x) * (yy - x) >= xy * xy), Fraction(0))


def _sum(terms: Iterable[Fraction]) -> Fraction:
    return sum(terms, Fraction(0))


def _dot(u: Vector, v: Vector) -> Fraction:
    return u[0] * v[0] + u[1] * v[1]


def _short(v: Vector) -> Vector:
    unit = Fraction(10) ** (floor(log10(max(abs(float(x)) for x in v))) + 1 - DIGITS)
    return round(v[0] / unit) * unit, round(v[1] / unit) * unit


def _to_unit(x: float, unit: Fraction) -> Fraction:
    """Return x to about the precision of `unit`, with a power of ten below."""
    place = Fraction(10) ** floor(log10(unit))
    return round(Fraction(x) / place) * place


def _place(x: float, digits: int) -> Fraction:
    return Fraction(10) ** (floor(log10(abs(x))) + 1 - digits) if x else Fraction(1)


def _near(x: float, digits: int) -> Fraction:
    return round(Fraction(x) / _place(x, digits)) * _place(x, digits)


def _down(x: float, digits: int) -> Fraction:
    return floor(Fraction(x) / _place(x, digits)) * _place(x, digits)


def _up(x: float, digits: int) -> Fraction:
    return ceil(Fraction(x) / _place(x, digits)) * _place(x, digits)


def power_below(width: Fraction) -> int:
    """Return e with 2^e ≤ width / 2: an integral enclosed that well and proposed that well is within the width."""
    return floor(log2(width)) - 1
