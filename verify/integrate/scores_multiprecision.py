"""Softplus expectations of scores in mpmath: the same one-dimensional integrals by Gauss–Legendre panels.

A second opinion on the rules, not bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

from thmverify.integrate.multiprecision import panels, to_array, to_mpf
from thmverify.integrate.scores import Lifts, Pair, ScoreMoments, Scores, lifted, unlifted

_KEPT = 2**16  # points: more than there are nodes; all moments ask for the same


def expected_softplus(problem: Scores, digits: int) -> Any:
    """Return E softplus(c + pᵀq) as an mpf computed with `digits` digits."""
    with mp.workdps(2 * digits + 10):
        c = to_mpf(problem.constant)
        total = mpmath.mpf(0)
        for pair in problem.pairs:
            if problem.dimension == 0:
                total += to_mpf(pair.weight) * mpmath.log1p(mpmath.exp(c))
                continue

            score = _Score(pair, c)

            def f(t: Any, score: _Score = score) -> Any:
                return (1 - mpmath.re(score.characteristic(t))) / (t * mpmath.sinh(mpmath.pi * t))

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
            tilted = lru_cache(_KEPT)(_Score(pair, c).tilted)
            for entry in range(found.shape[1]):

                def f(t: Any, tilted: Callable[[Any], Any] = tilted, entry: int = entry) -> Any:
                    return mpmath.im(tilted(t)[entry]) / mpmath.sinh(mpmath.pi * t)

                found[i, entry] = _integral(f, pair, c + to_mpf(pair.mean), digits)
            found[i, 0] += mpmath.mpf(1) / 2
        return lifted(found, unlifted(problem) if lifts is None else lifts, to_array)


class _Score:
    """The score c + pᵀq of one component, its parameters at the working precision."""

    def __init__(self, pair: Pair, c: Any) -> None:
        self.a, self.b, self.c = to_array(pair.a)[:, 0], to_array(pair.b)[:, 0], c
        self.P, self.H = to_array(pair.precision), to_array(pair.H)
        self.Pa, self.Ha = self.P @ self.a, self.H @ self.a
        self.determinant = _inverse(self.P)[1]

    def characteristic(self, t: Any) -> Any:
        """Return χ(t) = E exp(it·score)."""
        return self._at(t)[1]

    def tilted(self, t: Any) -> list[Any]:
        """Return χ(t) times the means of 1, p − a, q − b and (p − a)(q − b)ᵀ under the density tilted by e^{itz}."""
        inverse, chi = self._at(t)
        it = mpmath.mpc(0, t)
        p = inverse @ (self.Pa + self.b * it) - self.a
        q = (self.H @ (self.a + p)) * it
        both = np.outer(p, q) + (inverse @ self.H) * it
        return [chi, *(x * chi for x in (*p, *q, *both.reshape(-1)))]

    def _at(self, t: Any) -> tuple[Any, Any]:
        """Return (P + t²H)⁻¹ and χ(t)."""
        inverse, determinant = _inverse(self.P + self.H * (t * t))
        exponent = -t * t * (self.b @ inverse @ self.b + self.Ha @ inverse @ self.Pa) / 2
        phase = t * (self.c + self.b @ inverse @ self.Pa)
        return inverse, mpmath.exp(mpmath.mpc(exponent, phase)) / mpmath.sqrt(determinant / self.determinant)


def _inverse(m: Any) -> tuple[Any, Any]:
    """Return the inverse and the determinant of a positive definite matrix, by elimination."""
    n, determinant = len(m), mpmath.mpf(1)
    rows = np.hstack([m, np.array([[mpmath.mpf(int(i == j)) for j in range(n)] for i in range(n)], dtype=object)])
    for i in range(n):
        determinant *= rows[i, i]
        rows[i] = rows[i] / rows[i, i]
        for j in range(n):
            if j != i:
                rows[j] = rows[j] - rows[i] * rows[j, i]
    return rows[:, n:], determinant


def _integral(f: Callable[[Any], Any], pair: Pair, mean: Any, digits: int) -> Any:
    """Return ∫_0^∞ f: panels as long as the score lets χ be smooth on, up to where 1/sinh(πt) is negligible."""
    end = (digits + 3) * mpmath.log(10) / mpmath.pi + 1
    scale = 1 + abs(mean) + mpmath.sqrt(to_mpf(pair.variance))
    ends = [mpmath.mpf(0)]
    while ends[-1] < end:
        ends.append(ends[-1] + max(1 / scale, ends[-1] / 2 if abs(mean) * ends[-1] < 4 else 4 / (1 + abs(mean))))
    return panels(f, [ends], digits)
