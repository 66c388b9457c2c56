"""What the tests of the integrals and the losses share: conversions, and comparisons that state their tolerance."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from flint import arb, fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.enclosure import Enclosure
from thmverify.integrate.problem import LogSumExp
from thmverify.losses import LOSSES, levels
from thmverify.testing import Posed


def floats(m: fmpq_mat) -> np.ndarray:
    """Return a rational matrix in float64."""
    return np.array(exact.to_rows(m), dtype=np.float64).reshape(m.nrows(), m.ncols())


def rational(x: object) -> fmpq:
    """Return an int, a Fraction or a decimal string as a flint rational."""
    return exact.to_fmpq(Fraction(x))  # type: ignore[arg-type]


def rational_rows(rows: Any) -> fmpq_mat:
    """Return the matrix of these rows, ρ × K."""
    return fmpq_mat(len(rows), len(rows[0]) if rows else 0, [rational(x) for row in rows for x in row])


def log_sum_exp(weights: Any, centres: Any, covariances: Any, linear: Any, quadratic: Any = ()) -> LogSumExp:
    """Return the problem written in plain numbers."""
    return LogSumExp(
        tuple(rational(w) for w in weights),
        rational_rows(centres),
        tuple(rational_rows(h) for h in covariances),
        rational_rows(linear),
        tuple(rational_rows(c) for c in quadratic),
    )


def to_mpf(x: fmpq) -> Any:
    """Return x at mpmath's working precision."""
    return mpmath.mpf(int(x.p)) / int(x.q)


def exactly(x: Any) -> fmpq:
    """Return a float or an mpf as the rational it is."""
    if isinstance(x, float):
        return exact.to_fmpq(Fraction(x))
    sign, mantissa, exponent, _ = x._mpf_
    return fmpq(-int(mantissa) if sign else int(mantissa)) * fmpq(2) ** int(exponent)


def contains(enclosure: Enclosure, x: object, slack: object = 0) -> bool:
    """Whether x lies in the enclosure widened by `slack`; floats and mpf count as the rationals they are."""
    point = x if isinstance(x, fmpq) else exactly(x)
    wide = slack if isinstance(slack, fmpq) else exact.to_fmpq(Fraction(slack))  # type: ignore[arg-type]
    return bool(enclosure.lower - wide <= point <= enclosure.upper + wide)


def encloses(outer: Enclosure, inner: Enclosure) -> bool:
    """Whether one interval lies in the other."""
    return bool(outer.lower <= inner.lower and inner.upper <= outer.upper)


def overlap(a: Enclosure, b: Enclosure) -> bool:
    """Whether the two can enclose the same number."""
    return bool(a.lower <= b.upper and b.lower <= a.upper)


def plus(a: Enclosure, b: Enclosure) -> Enclosure:
    """Return the interval of sums."""
    return Enclosure(a.lower + b.lower, a.upper + b.upper)


def interval(ball: arb) -> Enclosure:
    """Return the ball's exact ends; `lower()` and `upper()` would round them to the working precision."""
    middle, radius = (
        fmpq(mantissa) * fmpq(2) ** int(e) for mantissa, e in (ball.mid().man_exp(), ball.rad().man_exp())
    )
    return Enclosure(middle - radius, middle + radius)


def enclose(question: Posed, digits: int) -> Enclosure:
    """Return an enclosure of the loss that the question asks for."""
    return levels.enclose(LOSSES[question.loss], question.instance, question.linear_map, digits)
