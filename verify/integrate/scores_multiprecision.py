"""Softplus expectations of scores in mpmath: the same one-dimensional integrals by Gauss–Legendre panels.

A second opinion on the rules, not bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

from thmverify.integrate.multiprecision import to_array, to_mpf
from thmverify.integrate.scores import Lifts, Pair, ScoreMoments, Scores, lifted, unlifted


def expected_softplus(problem: Scores, digits: int) -> Any:
    """Return E softplus(c + pᵀq) as an mpf computed with `digits` digits."""
    with mp.workdps(2 * digits + 10):
        c = to_mpf(problem.constant)
        total = mpmath.mpf(0)
        for pair in problem.pairs:
            if problem.dimension == 0:
                total += to_mpf(pair.weight) * mpmath.log1p(mpmath.exp(c))
                continue

            def f(t: Any, pair: Pair = pair) -> Any:
                return (1 - mpmath.re(_tilted(pair, c, t)[0])) / (t * mpmath.sinh(mpmath.pi * t))

            mean = c + to_mpf(pair.mean)
            total += to_mpf(pair.weight) * (mean / 2 + mpmath.log(2) + _integral(f, pair, mean, digits))
        return total


def score_moments(problem: Scores, digits: int, lifts: Lifts | None = None) -> ScoreMoments:
    """Return the moments of σ = softplus' as object arrays of mpf; X = Y = I without lifts."""
    rho, P = problem.dimension, len(problem.pairs)
    found = np.empty((P, 1 + 2 * rho + rho * rho), dtype=object)
    with mp.workdps(2 * digits + 10):
        c = to_mpf(problem.constant)
        for i, pair in enumerate(problem.pairs):
            if rho == 0:
                found[i, 0] = 1 / (1 + mpmath.exp(-c))
                continue
            for entry in range(found.shape[1]):

                def f(t: Any, pair: Pair = pair, entry: int = entry) -> Any:
                    chi, rows = _tilted(pair, c, t)
                    return mpmath.im(chi * rows[entry]) / mpmath.sinh(mpmath.pi * t)

                found[i, entry] = _integral(f, pair, c + to_mpf(pair.mean), digits)
            found[i, 0] += mpmath.mpf(1) / 2
        return lifted(found, unlifted(problem) if lifts is None else lifts, to_array)


def _tilted(pair: Pair, c: Any, t: Any) -> tuple[Any, list[Any]]:
    """Return χ(t), and the means of 1, p − a, q − b and (p − a)(q − b)ᵀ under the density tilted by e^{itz}."""
    a, b = to_array(pair.a)[:, 0], to_array(pair.b)[:, 0]
    P, H = to_array(pair.precision), to_array(pair.H)
    inverse = np.array(mpmath.inverse(mpmath.matrix((P + t * t * H).tolist())).tolist(), dtype=object)
    inverse = inverse.reshape(len(a), len(a))
    it = mpmath.mpc(0, t)
    exponent = it * (c + b @ inverse @ P @ a) - t * t * (b @ inverse @ b + (H @ a) @ inverse @ P @ a) / 2
    spread = mpmath.det(mpmath.matrix((P + t * t * H).tolist())) / mpmath.det(mpmath.matrix(P.tolist()))
    p = inverse @ (P @ a + it * b) - a
    q = it * (H @ (a + p))
    both = np.outer(p, q) + it * (inverse @ H)
    return mpmath.exp(exponent) / mpmath.sqrt(spread), [mpmath.mpf(1), *p, *q, *both.reshape(-1)]


def _integral(f: Callable[[Any], Any], pair: Pair, mean: Any, digits: int) -> Any:
    """Return ∫_0^∞ f: panels as long as the score lets χ be smooth on, up to where 1/sinh(πt) is negligible."""
    end = (digits + 3) * mpmath.log(10) / mpmath.pi + 1
    scale = 1 + abs(mean) + mpmath.sqrt(to_mpf(pair.variance))
    ends = [mpmath.mpf(0)]
    while ends[-1] < end:
        ends.append(ends[-1] + max(1 / scale, ends[-1] / 2 if abs(mean) * ends[-1] < 4 else 4 / (1 + abs(mean))))
    return mpmath.quad(f, ends, method="gauss-legendre")
