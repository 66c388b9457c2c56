"""A second opinion on boxes of three equal components on a line, which shares no code and no rule with the kernel.

Gaussian means are sums over cells of the line with the cells' masses, where the kernel has lattices and strips; the
slope and stationarity are written from their definitions in s and n, where the kernel has them reduced to P and C.
Masses and exponentials are mpmath's at 40 digits, each then widened by 10⁻³⁰; all else is intervals with Fraction ends.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import mpmath
from mpmath import mp, mpf

from property_tests.kernel.second_opinion import Interval, between, interval

CELLS = 96
_LENGTH = Fraction(12, CELLS)
_SLACK = Fraction(1, 10**30)


def _fraction(x: mpf) -> Fraction:
    sign, man, exponent, _ = x._mpf_
    return Fraction((-1) ** sign * int(man)) * Fraction(2) ** exponent


def _around(low: mpf, high: mpf) -> Interval:
    return between(max(Fraction(0), _fraction(low) - _SLACK), min(Fraction(1), _fraction(high) + _SLACK))


@cache
def _masses() -> list[tuple[Fraction, Interval]]:
    """The left end of each cell of [−6, 6] and its mass."""
    with mp.workdps(40):
        ends = [-6 + _LENGTH * i for i in range(CELLS + 1)]
        values = [mpmath.ncdf(mpf(x.numerator) / x.denominator) for x in ends]
        return [(a, _around(q - p, q - p)) for a, p, q in zip(ends[:-1], values[:-1], values[1:], strict=True)]


def _share(first: Interval, second: Interval) -> Interval:
    """1/(1 + e^first + e^second), which falls in both."""

    def at(x: Fraction, y: Fraction) -> mpf:
        return 1 / (1 + sum(mpmath.exp(mpf(z.numerator) / z.denominator) for z in (x, y)))

    with mp.workdps(40):
        return _around(at(first.hi, second.hi), at(first.lo, second.lo))


def box_of(sides) -> tuple[Interval, ...]:
    """The kernel's box with Fraction ends."""
    return tuple(between(*(Fraction(int(x.p), int(x.q)) for x in side)) for side in sides)


def moments(
    y: Interval, D: Interval, sigma: Interval
) -> tuple[list[Interval], list[list[Interval]], list[list[Interval]]]:
    """s, E_j p_k and E p_k p_l."""
    s = [(y - 2) * D * Fraction(1, 3), (1 - 2 * y) * D * Fraction(1, 3), (y + 1) * D * Fraction(1, 3)]
    gaps = {(1, 0): (1 - y) * D, (2, 1): y * D, (2, 0): D}  # s_k − s_l
    gaps |= {(k, n): -gap for (n, k), gap in gaps.items()}
    tails = _around(mpf(0), mpf("1e-8"))  # 2Φ(−6) < 2·10⁻⁹
    P = [[tails] * 3 for _ in range(3)]
    C = [[tails] * 3 for _ in range(3)]
    for j in range(3):
        for left, mass in _masses():
            z = s[j] + sigma * between(left, left + _LENGTH)
            p = [_share(*(z * gaps[n, k] for n in range(3) if n != k)) for k in range(3)]
            for k in range(3):
                P[j][k] = P[j][k] + mass * p[k]
                for n in range(3):
                    C[k][n] = C[k][n] + mass * p[k] * p[n] * Fraction(1, 3)
    return s, P, C


def settles(sides) -> bool:
    """Whether the slope across, with the bias for which (F) holds, is negative on a box, as seen from here."""
    y, D, sigma = box_of(sides)
    s, P, C = moments(y, D, sigma)
    n, tau, third = [-y, interval(1), y - 1], sigma * sigma, Fraction(1, 3)

    def across(f, g):
        terms = (f[j] * P[j][k] * (g[k] - g[j]) for j in range(3) for k in range(3) if k != j)
        return sum(terms, interval(0)) * third

    def covariance(f, g):
        return sum((C[k][i] * (f[k] - f[i]) * (g[k] - g[i]) for k, i in ((0, 1), (1, 2), (0, 2))), interval(0))

    S, squares = sum((x * x for x in s), interval(0)) * third, sum((x * x for x in n), interval(0)) * third
    V, Cov, X = covariance(s, s), covariance(s, n), across(s, n) + across(n, s)
    unmatched = -(tau * tau + tau * (S + V) + across(s, s)) / S  # 1 − δ
    rho = (X + tau * Cov) / (2 * tau + S + V)
    return (unmatched * squares + across(n, n) + rho * (rho - Cov)).hi < 0
