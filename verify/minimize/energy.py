"""The log-sum-exp term of InfoNCE and CLIP as a function of its matrix, with gradient and Hessian.

f(Y) = E log Σ_k w_k exp(tᵀYλ_k), t ~ Σ_j w_j N(ν_j, I_m), Y of m × n. Given the component, the softmax depends on t
through span{Y(λ_k − λ_l)} alone; the directions across it are independent standard normals and are integrated in
closed form, so the quadrature has at most min(rank Y, K − 1) dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thmverify.integrate.float64 import BUDGET, TOLERANCE, Integral, Window, integrate, symmetric_moments, upper
from thmverify.models import Floats

# Slopes below this move no softmax by more than rounding does.
_FLAT = 2e-16
# Newton's method needs few digits of the Hessian: an error of 10⁻⁶ costs one step in ten.
_HESSIAN_TOLERANCE, _HESSIAN_BUDGET = 1e-7, 2**19
# A map that an enclosure is to begin with needs no more than this of the integrals, where their nodes are many.
ROUGH = 1e-9
_ROUGH_HESSIAN = 1e-2
_ROUNDING = 4 * 2.0**-52


@dataclass(frozen=True)
class Point:
    """A value and a gradient, with estimates of their absolute errors (the gradient's in the Frobenius norm).

    quadrature: the error of the integrals behind them, for integrands of unit size.
    """

    value: float
    gradient: Floats
    value_error: float
    gradient_error: float
    quadrature: float = 0.0


def linear(C: Floats, Y: Floats) -> Point:
    """Return Y ↦ ⟨C, Y⟩ at Y."""
    return Point(float(np.sum(C * Y)), C, 0.0, 0.0)


def quadratic(gradient: Floats, Y: Floats) -> Point:
    """Return a homogeneous quadratic at Y from its gradient there."""
    return Point(0.5 * float(np.sum(gradient * Y)), gradient, 0.0, 0.0)


def summed(points: Sequence[Point]) -> Point:
    """Return the sum of functions at one point, with the rounding that cancellation may cause."""
    values = [point.value for point in points]
    gradient = np.sum([point.gradient for point in points], axis=0)
    sizes = sum(float(np.linalg.norm(point.gradient)) for point in points)
    return Point(
        math.fsum(values),
        gradient,
        sum(point.value_error for point in points) + _ROUNDING * sum(abs(x) for x in values),
        sum(point.gradient_error for point in points) + _ROUNDING * sizes,
        max(point.quadrature for point in points),
    )


@dataclass(frozen=True)
class LogSumExpTerm:
    """f of the module docstring: weights (K), centres ν (m × K), targets λ (n × K); what its integrals aim at."""

    weights: Floats
    centres: Floats
    targets: Floats
    tolerance: float = TOLERANCE
    hessian_tolerance: float = _HESSIAN_TOLERANCE

    def rough(self) -> LogSumExpTerm:
        """Return f with integrals to fewer digits: ROUGH, and a Hessian that Newton's method converges with."""
        return replace(self, tolerance=ROUGH, hessian_tolerance=_ROUGH_HESSIAN)

    def point(self, Y: Floats, budget: int = BUDGET) -> Point:
        """Return f(Y) and ∇f(Y) = E Σ_k p_k t λ_kᵀ (m × n)."""
        window = self._window(Y)
        integral = integrate(window, 1, self.tolerance, budget)
        p, first, _ = symmetric_moments(integral.sums.moments, window.slopes.shape[1])
        across = np.tensordot(self.weights, first, 1) @ window.factor.T
        middle = self.targets @ self.weights  # Σ_k p_k = 1: only the targets' differences meet the quadrature
        differences = self.targets - middle[:, None]
        gradient = (self.centres * self.weights @ p + across.T) @ differences.T
        gradient += np.outer(self.centres @ self.weights, middle)
        sizes = np.linalg.norm(differences, axis=0)
        spread = float(self.weights @ (1 + np.linalg.norm(self.centres, axis=0)) * np.sum(sizes))
        return Point(
            float(self.weights @ integral.sums.value),
            gradient,
            float(self.weights @ integral.value_error),
            integral.moment_error * spread,
            integral.moment_error,
        )

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²f(Y) as a matrix on row-major vec(Y) (mn × mn), to about six digits unless told otherwise."""
        window = self._window(Y)
        integral = integrate(window, 2, self.hessian_tolerance, _HESSIAN_BUDGET, pairs=True)
        inside = self._second_moments(window, integral)
        m, n = Y.shape
        half = np.tensordot(inside, self.targets, ([0], [1]))  # l, a, c, b
        full = np.tensordot(half, self.targets, ([0], [1]))  # a, c, b, d
        return np.asarray(full.transpose(0, 2, 1, 3).reshape(m * n, m * n))

    def _window(self, Y: Floats) -> Window:
        slopes = (Y @ self.targets).T
        differences = slopes - slopes.mean(axis=0)
        _, sizes, directions = np.linalg.svd(differences, full_matrices=False)
        U = directions[sizes > _FLAT * max(1.0, float(sizes.max(initial=0.0)))].T
        return Window(np.log(self.weights) + self.centres.T @ slopes.T, differences @ U, None, U)

    def _second_moments(self, window: Window, integral: Integral) -> Floats:
        """Return Σ_j w_j E_j[(p_k δ_kl − p_k p_l) t tᵀ], K × K × m × m."""
        K, U = len(self.weights), window.factor
        pairs = np.zeros((K, K, K, integral.sums.moments.shape[-1]))
        k, el = upper(K)
        pairs[:, k, el] = pairs[:, el, k] = -integral.sums.pairs
        pairs[:, range(K), range(K)] += integral.sums.moments
        zeroth, first, second = symmetric_moments(self.weights[:, None, None, None] * pairs, U.shape[1])
        across = np.eye(len(U)) - U @ U.T
        mixed = (np.tensordot(self.centres, first, 1) @ U.T).transpose(1, 2, 0, 3)  # Σ_j c_aj first_jklr U_cr
        squares = self.centres.T[:, :, None] * self.centres.T[:, None, :]  # j, a, c
        return np.asarray(
            np.tensordot(zeroth, squares, ([0], [0]))
            + zeroth.sum(axis=0)[:, :, None, None] * across
            + mixed
            + np.swapaxes(mixed, -1, -2)
            + U @ second.sum(axis=0) @ U.T
        )


@dataclass(frozen=True)
class SharedEnergy:
    """InfoNCE with a shared covariance in whitened coordinates: C, S (m × m) and the log-sum-exp term.

    L(Y) = −⟨C, Y⟩ + ½ tr(Y²(I + S)) + f(Y), convex, and 1-strongly convex.
    """

    C: Floats
    S: Floats
    term: LogSumExpTerm

    @property
    def modulus(self) -> float:
        """The modulus of strong convexity."""
        return 1.0

    def point(self, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y) = −C + sym[Y(I + S)] + sym[∇f(Y)]."""
        return self.with_term(self.term.point(Y), Y)

    def with_term(self, term: Point, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y) from f(Y) and ∇f(Y)."""
        total = summed((linear(-self.C, Y), quadratic(Y + Y @ self.S, Y), term))
        return replace(total, gradient=(total.gradient + total.gradient.T) / 2)

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²L(Y) on row-major vec(Y), to be used on symmetric matrices."""
        return self._quadratic + self.term.hessian(Y)

    @cached_property
    def _quadratic(self) -> Floats:
        """The Hessian of ½ tr(Y²(I + S)), the same everywhere."""
        identity = np.eye(len(self.S))
        R = identity + self.S
        return np.asarray((np.kron(identity, R) + np.kron(R, identity)) / 2)
