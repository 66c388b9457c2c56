"""Log-sum-exp expectations in mpmath, to any number of digits: a second opinion that shares no rule with the others.

Gauss–Legendre panels, mpmath's own, on each component's own box of ±R standard deviations. Its results are never
bounds: where a panel hides a steep step, mpmath's own error estimate can be wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeAlias

import mpmath
import numpy as np
from flint import fmpq, fmpq_mat
from mpmath import mp
from mpmath.calculus.quadrature import GaussLegendre
from numpy.typing import NDArray

from thmverify.integrate.problem import LogSumExp

Array: TypeAlias = NDArray[Any]  # an object array of mpf
Integrand: TypeAlias = Callable[..., Any]  # of the coordinates of a point s
Shares: TypeAlias = Callable[[tuple[Any, ...]], list[Any]]  # of a point s

_KEPT = 2**16  # points: more than a line has nodes
_RULE = GaussLegendre(mp)


class Moments(NamedTuple):
    """Softmax moments as object arrays of mpf: E_j p_k, E_j[p_k (q − m_j)], and the second ones where asked for."""

    p: Array
    first: Array
    second: Array | None


def to_mpf(x: fmpq) -> Any:
    """Return x at mpmath's working precision."""
    return mpmath.mpf(int(x.p)) / int(x.q)


def to_array(m: fmpq_mat) -> Array:
    """Return a rational matrix as an object array of mpf."""
    rows = [[to_mpf(m[i, j]) for j in range(m.ncols())] for i in range(m.nrows())]
    return np.array(rows, dtype=object).reshape(m.nrows(), m.ncols())


def expected_value(problem: LogSumExp, digits: int) -> Any:
    """Return E log Σ_k w_k exp(ℓ_k) as an mpf, computed with `digits` digits and a few to spare.

    Raises ValueError when the integral has more than 2 dimensions: nested panels would take hours.
    """
    if problem.is_zero:
        return mpmath.mpf(0)
    with mp.workdps(digits + 10):
        weights = [to_mpf(w) for w in problem.weights]
        if problem.dimension == 0:
            return _log_sum_exp(weights, [to_mpf(a) for a in problem.constants])
        total = mpmath.mpf(0)
        for j, w in enumerate(problem.shares):
            component = _Component(problem, j, digits)
            total += to_mpf(w) * component.integral(component.logarithm(weights))
        return total


def softmax_moments(problem: LogSumExp, digits: int, order: int = 1) -> Moments:
    """Return E_j p_k (J × K), E_j[p_k (q − m_j)] (J × K × ρ) and, for order 2, the second moments (J × K × ρ × ρ).

    Raises ValueError when the integral has more than 2 dimensions.
    """
    J, K, rho = problem.components, problem.terms, problem.dimension
    with mp.workdps(digits + 10):
        weights = [to_mpf(w) for w in problem.weights]
        p = np.empty((J, K), dtype=object)
        first = np.empty((J, K, rho), dtype=object)
        second = np.empty((J, K, rho, rho), dtype=object)
        for j in range(J):
            component = _Component(problem, j, digits)
            shares = component.shares(weights)
            for k in range(K):

                def moment(*axes: int, component: _Component = component, shares: Shares = shares, k: int = k) -> Any:
                    return component.integral(lambda *s: mpmath.fprod(s[i] for i in axes) * shares(s)[k])

                p[j, k] = moment() if rho else shares(())[k]
                s1 = np.array([moment(i) for i in range(rho)], dtype=object)
                first[j, k] = component.factor @ s1 if rho else s1
                if order == 2 and rho:
                    s2 = [[moment(i, m) for m in range(rho)] for i in range(rho)]
                    second[j, k] = component.factor @ np.array(s2, dtype=object) @ component.factor.T
        return Moments(p, first, second if order == 2 else None)


def panels(f: Integrand, ends: Sequence[Sequence[Any]], digits: int) -> Any:
    """Return the integral of f over intervals, one for each coordinate, cut at these ends, as `mpmath.quad` does.

    A panel has more nodes until mpmath expects `digits` digits and four to spare, not all that are computed with.
    """
    prec, error = mp.prec, mp.mpf(10) ** -(digits + 4)

    def over(f: Integrand, ends: Sequence[Sequence[Any]]) -> Any:
        first = (lambda x: over(partial(f, x), ends[1:])) if len(ends) > 1 else f
        return _RULE.summation(first, ends[0], prec, error, _RULE.guess_degree(prec))[0]

    with mp.workprec(prec + 20):
        return over(f, ends)


def nodes(start: Any, end: Any, degree: int) -> Any:
    """Return the nodes of a panel, 3 · 2^(degree − 1) of them, with their weights."""
    return _RULE.get_nodes(start, end, degree, mp.prec)


def _log_sum_exp(weights: Sequence[Any], logits: Sequence[Any]) -> Any:
    top = max(logits)
    return top + mpmath.log(mpmath.fdot(weights, [mpmath.exp(x - top) for x in logits]))


class _Component:
    """Component j of a problem in its own whitened coordinates: q = m_j + L s, s standard normal."""

    def __init__(self, problem: LogSumExp, j: int, digits: int) -> None:
        if problem.dimension > 2:
            raise ValueError(f"an integral in {problem.dimension} dimensions is beyond nested mpmath panels")
        self.digits, self.rho = digits, problem.dimension
        centre = to_array(problem.centre(j))[:, 0]
        self.factor = _cholesky(to_array(problem.covariance(j)))
        self.beta, self.slopes, bends = [], [], []
        for k in range(problem.terms):
            b, c = to_array(problem.slope(k))[:, 0], to_array(problem.curvature(k))
            at_centre = b @ centre + centre @ c @ centre / 2 if self.rho else mpmath.mpf(0)
            self.beta.append(at_centre + to_mpf(problem.constant(k)))
            self.slopes.append(self.factor.T @ (b + c @ centre))
            bends.append(self.factor.T @ c @ self.factor)
        self.pairs = list(itertools.combinations_with_replacement(range(self.rho), 2)) if np.any(bends) else []
        self.rows = [
            [beta, *slope, *(bend[i, j] / (1 + (i == j)) for i, j in self.pairs)]
            for beta, slope, bend in zip(self.beta, self.slopes, bends, strict=True)
        ]
        self.scale = mpmath.sqrt(2 * mpmath.pi) ** -self.rho

    def _logits(self, s: Sequence[Any]) -> list[Any]:
        monomials = [mpmath.mpf(1), *s, *(s[i] * s[j] for i, j in self.pairs)]
        return [mpmath.fdot(row, monomials) for row in self.rows]

    def _density(self, s: Sequence[Any]) -> Any:
        return self.scale * mpmath.exp(-mpmath.fdot(s, s) / 2)

    def logarithm(self, weights: Sequence[Any]) -> Integrand:
        """Return s ↦ log Σ_k w_k exp(ℓ_k(s)) times the density of s."""
        return lambda *s: self._density(s) * _log_sum_exp(weights, self._logits(s))

    def shares(self, weights: Sequence[Any]) -> Shares:
        """Return s ↦ the softmax times the density of s. All moments ask for it at the same nodes, so it is kept."""

        @lru_cache(_KEPT)
        def at(s: tuple[Any, ...]) -> list[Any]:
            logits = self._logits(s)
            top = max(logits)
            parts = [w * mpmath.exp(x - top) for w, x in zip(weights, logits, strict=True)]
            factor = self._density(s) / mpmath.fsum(parts)
            return [part * factor for part in parts]

        return at

    def integral(self, f: Integrand) -> Any:
        """Return the integral of f over the box on R^ρ."""
        return panels(f, [self._panels(i) for i in range(self.rho)], self.digits)

    def _panels(self, i: int) -> list[Any]:
        """Return break points: unit steps over ±R, and, on the line, the places where two logits cross."""
        radius = int(mpmath.sqrt(2 * self.digits * mpmath.log(10))) + 2
        points = {mpmath.mpf(x) for x in range(-radius, radius + 1, 1 if self.rho == 1 else 2)}
        if self.rho == 1 and i == 0:
            points |= self._crossings(radius)
        return sorted(points)

    def _crossings(self, radius: int) -> set[Any]:
        found = set()
        for k, m in itertools.combinations(range(len(self.beta)), 2):
            steep = self.slopes[k][0] - self.slopes[m][0]
            if abs(steep) > 1:
                at = (self.beta[m] - self.beta[k]) / steep
                found |= {at + n / steep for n in (-16, -4, 0, 4, 16) if abs(at + n / steep) < radius}
        return found


def _cholesky(H: Array) -> Array:
    if H.shape[0] == 0:
        return H
    factor = mpmath.cholesky(mpmath.matrix(H.tolist()))
    return np.array(factor.tolist(), dtype=object).reshape(H.shape)
