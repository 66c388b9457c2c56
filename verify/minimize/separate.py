"""InfoNCE on a mixture whose components have their own covariances, as a function of its matrix.

In coordinates s that whiten Σ̄, component j is N(ν_j, T_j) with Σ_j w_j T_j = I, M = E Y Eᵀ and
L(Y) = −⟨C, Y⟩ + E log Σ_k w_k exp(sᵀYν_k + ½ sᵀY T_k Y s). The exponents are convex in Y, so L is; the quadratic part
makes it strongly so, with modulus min_k λ_min(T_k), since E ssᵀ = I + S ⪰ I.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thmverify.integrate.float64 import TOLERANCE, Window, integrate, principal_axes, symmetric_moments
from thmverify.integrate.rules import sobol
from thmverify.minimize.energy import Point, linear, summed
from thmverify.models import Floats

# Nodes of a gradient (a lattice up to three dimensions) and of a Hessian, which needs few digits.
_BUDGET, _HESSIAN_NODES = 2**19, 2**12
# Directions along which the exponents vary by less than rounding.
_FLAT = 1e-15


@dataclass(frozen=True)
class SeparateEnergy:
    """L(Y): weights (K), centres ν (d × K), covariances T (K × d × d), C (d × d)."""

    weights: Floats
    centres: Floats
    covariances: Floats
    C: Floats

    @cached_property
    def factors(self) -> Floats:
        """Cholesky factors F_j of T_j (K × d × d)."""
        return np.asarray(np.linalg.cholesky(self.covariances), dtype=np.float64)

    @property
    def modulus(self) -> float:
        """The modulus of strong convexity."""
        return float(np.linalg.eigvalsh(self.covariances).min())

    def point(self, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y) = −C + sym E Σ_k p_k (s ν_kᵀ + s sᵀY T_k)."""
        value, value_error, gradient_error, quadrature = 0.0, 0.0, 0.0, 0.0
        gradient = np.zeros_like(Y)
        pull = np.linalg.norm(Y @ self.covariances, axis=(1, 2)).sum()
        for j, (window, mean) in enumerate(self._windows(Y)):
            integral = integrate(window, 2, TOLERANCE, _BUDGET)
            first, second = self._lifted(j, window, integral.sums.moments[0])
            w = self.weights[j]
            gradient += w * (first.T @ self.centres.T + np.einsum("kab,bc,kcd->ad", second, Y, self.covariances))
            value += w * (float(integral.sums.value[0]) + mean)
            quadrature = max(quadrature, integral.moment_error)
            value_error += w * float(integral.value_error[0])
            reach = float(np.linalg.norm(self.centres[:, j])) + float(np.linalg.norm(self.factors[j]))
            sizes = np.linalg.norm(self.centres, axis=0).sum()
            gradient_error += w * integral.moment_error * (reach * sizes + (1 + reach**2) * pull)
        inner = Point(value, (gradient + gradient.T) / 2, value_error, gradient_error, quadrature)
        return summed((linear(-self.C, Y), inner))

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²L(Y) on row-major vec(Y), to a few digits, to be used on symmetric matrices."""
        d = len(Y)
        total = np.zeros((d * d, d * d))
        forms = Y @ self.covariances
        nodes = sobol(d, int(np.log2(_HESSIAN_NODES)), seed=0).nodes
        for j, w in enumerate(self.weights):
            s = self.centres[:, j] + nodes @ self.factors[j].T
            bent = s @ forms  # K × N × d, rows sᵀY T_k
            exponents = s @ (Y @ self.centres) + 0.5 * np.einsum("kna,na->nk", bent @ Y, s)
            p = self.weights * np.exp(exponents - exponents.max(axis=1, keepdims=True))
            p /= _HESSIAN_NODES * p.sum(axis=1, keepdims=True)
            features = np.einsum("na,bk->nkab", s, self.centres) + np.einsum("kna,nb->nkab", bent, s)
            features = features.reshape(*p.shape, d * d)
            weighted = p[:, :, None] * features
            mean = weighted.sum(axis=1)
            total += w * np.einsum("nkx,nky->xy", weighted, features, optimize=True)
            total -= w * _HESSIAN_NODES * mean.T @ mean
            outer = np.einsum("nk,na,nb->kab", p, s, s, optimize=True)
            total += w * np.einsum("kab,kcd->bcda", outer, self.covariances).reshape(d * d, d * d)
        return total

    def _windows(self, Y: Floats) -> Iterator[tuple[Window, float]]:
        """Yield each component's window, exponents relative to their w-mean, and the mean of that w-mean.

        Its coordinates u are those that the exponents depend on: F_j⁻¹(s − ν_j) = U u + what is independent of u, with
        orthonormal columns U (d × ρ), the window's factor.
        """
        slopes = (Y @ self.centres).T
        quadratics = Y @ self.covariances @ Y
        for j, F in enumerate(self.factors):
            nu = self.centres[:, j]
            offsets = slopes @ nu + 0.5 * quadratics @ nu @ nu
            gradients = (slopes + quadratics @ nu) @ F
            curvature = F.T @ quadratics @ F
            mean = float(self.weights @ (offsets + 0.5 * np.trace(curvature, axis1=1, axis2=2)))
            offsets, gradients, curvature = (
                x - np.tensordot(self.weights, x, 1) for x in (offsets, gradients, curvature)
            )
            U = self._varying(gradients, curvature)
            bends = U.T @ curvature @ U
            yield Window(np.log(self.weights)[None] + offsets, gradients @ U, bends, U), mean

    def _varying(self, gradients: Floats, curvature: Floats) -> Floats:
        """Return orthonormal columns (d × ρ) spanning the directions that the exponents depend on."""
        stacked = np.concatenate([gradients, *curvature])
        sizes = np.linalg.svd(stacked, compute_uv=False)
        rho = int(np.sum(sizes > _FLAT * max(1.0, float(sizes.max(initial=0.0)))))
        return principal_axes(stacked)[:, :rho]

    def _lifted(self, j: int, window: Window, moments: Floats) -> tuple[Floats, Floats]:
        """Return E_j[p_k s] (K × d) and E_j[p_k ssᵀ] (K × d × d) from the moments in the window."""
        U, F, nu = window.factor, self.factors[j], self.centres[:, j]
        p, first, second = symmetric_moments(moments, U.shape[1])
        shift = first @ (F @ U).T
        across = F @ (np.eye(len(F)) - U @ U.T) @ F.T
        inner = (F @ U) @ second @ (F @ U).T + p[:, None, None] * (np.outer(nu, nu) + across)
        mixed = shift[:, :, None] * nu
        return p[:, None] * nu + shift, inner + mixed + np.swapaxes(mixed, 1, 2)
