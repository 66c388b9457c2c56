"""The log-sum-exp term of InfoNCE and CLIP where components have their own covariances, as a function of its matrix.

In coordinates s that whiten Σ̄, component j is N(ν_j, T_j) with Σ_j w_j T_j = I, and
f(Y) = E log Σ_k w_k exp(sᵀYλ_k + ½ sᵀY U_k Yᵀ s) for targets N(λ_k, U_k), whitened too. The exponents are convex in Y,
so f is; their quadratic part makes it strongly so, with modulus min_k λ_min(U_k), since E ssᵀ = I + S ⪰ I.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thmverify.integrate.float64 import TOLERANCE, Window, integrate, principal_axes, symmetric_moments
from thmverify.integrate.rules import sobol
from thmverify.minimize.coordinates import Coordinates
from thmverify.minimize.energy import Point, linear, summed
from thmverify.models import Floats

# Nodes of a gradient (a lattice up to three dimensions) and of a Hessian, which needs few digits.
_BUDGET, _HESSIAN_NODES = 2**19, 2**12
# Directions along which the exponents vary by less than rounding.
_FLAT = 1e-15


@dataclass(frozen=True)
class Gaussians:
    """Weights (K), centres ν (m × K) and covariances T (K × m × m), whitened on average."""

    weights: Floats
    centres: Floats
    covariances: Floats

    @classmethod
    def of(cls, coordinates: Coordinates) -> Gaussians:
        """Return the components of a mixture in these coordinates."""
        return cls(coordinates.weights, coordinates.centres, coordinates.spreads())

    @cached_property
    def factors(self) -> Floats:
        """Cholesky factors F_j of T_j (K × m × m)."""
        return np.asarray(np.linalg.cholesky(self.covariances), dtype=np.float64)

    @property
    def R(self) -> Floats:
        """E ssᵀ = I + Σ_k w_k ν_k ν_kᵀ (m × m)."""
        return np.asarray(np.eye(len(self.centres)) + self.centres * self.weights @ self.centres.T)

    @property
    def least(self) -> float:
        """min_k λ_min(T_k)."""
        return float(np.linalg.eigvalsh(self.covariances).min())


@dataclass(frozen=True)
class SeparateTerm:
    """f of the module docstring: s is drawn from `source` (m), the exponents are those of `target` (n)."""

    source: Gaussians
    target: Gaussians

    def point(self, Y: Floats) -> Point:
        """Return f(Y) and ∇f(Y) = E Σ_k p_k (s λ_kᵀ + s sᵀY U_k) (m × n)."""
        source, target = self.source, self.target
        value, value_error, gradient_error, quadrature = 0.0, 0.0, 0.0, 0.0
        gradient = np.zeros_like(Y)
        pull = np.linalg.norm(Y @ target.covariances, axis=(1, 2)).sum()
        for j, (window, mean) in enumerate(self._windows(Y)):
            integral = integrate(window, 2, TOLERANCE, _BUDGET)
            first, second = self._lifted(j, window, integral.sums.moments[0])
            w = source.weights[j]
            gradient += w * (first.T @ target.centres.T + np.einsum("kab,bc,kcd->ad", second, Y, target.covariances))
            value += w * (float(integral.sums.value[0]) + mean)
            quadrature = max(quadrature, integral.moment_error)
            value_error += w * float(integral.value_error[0])
            reach = float(np.linalg.norm(source.centres[:, j])) + float(np.linalg.norm(source.factors[j]))
            sizes = np.linalg.norm(target.centres, axis=0).sum()
            gradient_error += w * integral.moment_error * (reach * sizes + (1 + reach**2) * pull)
        return Point(value, gradient, value_error, gradient_error, quadrature)

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²f(Y) on row-major vec(Y), to a few digits."""
        source, target = self.source, self.target
        m, n = Y.shape
        total = np.zeros((m * n, m * n))
        forms = Y @ target.covariances
        nodes = sobol(m, int(np.log2(_HESSIAN_NODES)), seed=0).nodes
        for j, w in enumerate(source.weights):
            s = source.centres[:, j] + nodes @ source.factors[j].T
            bent = s @ forms  # K × N × n, rows sᵀY U_k
            exponents = s @ (Y @ target.centres) + 0.5 * np.einsum("kna,na->nk", bent, s @ Y)
            p = target.weights * np.exp(exponents - exponents.max(axis=1, keepdims=True))
            p /= _HESSIAN_NODES * p.sum(axis=1, keepdims=True)
            slopes = target.centres.T[None] + np.moveaxis(bent, 0, 1)  # N × K × n
            features = np.einsum("na,nkb->nkab", s, slopes).reshape(*p.shape, m * n)
            weighted = p[:, :, None] * features
            mean = weighted.sum(axis=1)
            total += w * np.einsum("nkx,nky->xy", weighted, features, optimize=True)
            total -= w * _HESSIAN_NODES * mean.T @ mean
            outer = np.einsum("nk,na,nb->kab", p, s, s, optimize=True)
            total += w * np.einsum("kab,kcd->acbd", outer, target.covariances).reshape(m * n, m * n)
        return total

    def _windows(self, Y: Floats) -> Iterator[tuple[Window, float]]:
        """Yield each component's window, exponents relative to their w-mean, and the mean of that w-mean.

        Its coordinates u are those that the exponents depend on: F_j⁻¹(s − ν_j) = U u + what is independent of u, with
        orthonormal columns U (d × ρ), the window's factor.
        """
        weights = self.target.weights
        slopes = (Y @ self.target.centres).T
        quadratics = Y @ self.target.covariances @ Y.T
        for j, F in enumerate(self.source.factors):
            nu = self.source.centres[:, j]
            offsets = slopes @ nu + 0.5 * quadratics @ nu @ nu
            gradients = (slopes + quadratics @ nu) @ F
            curvature = F.T @ quadratics @ F
            mean = float(weights @ (offsets + 0.5 * np.trace(curvature, axis1=1, axis2=2)))
            offsets, gradients, curvature = (x - np.tensordot(weights, x, 1) for x in (offsets, gradients, curvature))
            U = self._varying(gradients, curvature)
            bends = U.T @ curvature @ U
            yield Window(np.log(weights)[None] + offsets, gradients @ U, bends, U), mean

    def _varying(self, gradients: Floats, curvature: Floats) -> Floats:
        """Return orthonormal columns (d × ρ) spanning the directions that the exponents depend on."""
        stacked = np.concatenate([gradients, *curvature])
        sizes = np.linalg.svd(stacked, compute_uv=False)
        rho = int(np.sum(sizes > _FLAT * max(1.0, float(sizes.max(initial=0.0)))))
        return principal_axes(stacked)[:, :rho]

    def _lifted(self, j: int, window: Window, moments: Floats) -> tuple[Floats, Floats]:
        """Return E_j[p_k s] (K × d) and E_j[p_k ssᵀ] (K × d × d) from the moments in the window."""
        U, F, nu = window.factor, self.source.factors[j], self.source.centres[:, j]
        p, first, second = symmetric_moments(moments, U.shape[1])
        shift = first @ (F @ U).T
        across = F @ (np.eye(len(F)) - U @ U.T) @ F.T
        inner = (F @ U) @ second @ (F @ U).T + p[:, None, None] * (np.outer(nu, nu) + across)
        mixed = shift[:, :, None] * nu
        return p[:, None] * nu + shift, inner + mixed + np.swapaxes(mixed, 1, 2)


@dataclass(frozen=True)
class SeparateEnergy:
    """InfoNCE, L(Y) = −⟨C, Y⟩ + f(Y) over symmetric Y: C (m × m) and the mixture."""

    C: Floats
    mixture: Gaussians

    @cached_property
    def term(self) -> SeparateTerm:
        """f, the mixture being source and target."""
        return SeparateTerm(self.mixture, self.mixture)

    @property
    def modulus(self) -> float:
        """The modulus of strong convexity."""
        return self.mixture.least

    def point(self, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y) = −C + sym ∇f(Y)."""
        term = self.term.point(Y)
        return summed((linear(-self.C, Y), replace(term, gradient=(term.gradient + term.gradient.T) / 2)))

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²L(Y) on row-major vec(Y), to be used on symmetric matrices."""
        return self.term.hessian(Y)


@dataclass(frozen=True)
class SeparatePairedEnergy:
    """CLIP, L(Y) = −2⟨C, Y⟩ + f(Y) + f'(Yᵀ): C (m_V × m_T), f from images to texts and f' back."""

    C: Floats
    vision: Gaussians
    text: Gaussians

    @property
    def R_V(self) -> Floats:
        """E ssᵀ of the images."""
        return self.vision.R

    @property
    def R_T(self) -> Floats:
        """E ssᵀ of the texts."""
        return self.text.R

    @cached_property
    def terms(self) -> tuple[SeparateTerm, SeparateTerm]:
        """f and f'."""
        return SeparateTerm(self.vision, self.text), SeparateTerm(self.text, self.vision)

    @property
    def modulus(self) -> float:
        """The modulus of strong convexity."""
        return self.vision.least + self.text.least

    def point(self, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y) = −2C + ∇f(Y) + ∇f'(Yᵀ)ᵀ."""
        forward, backward = self.terms[0].point(Y), self.terms[1].point(Y.T)
        return summed((linear(-2 * self.C, Y), forward, replace(backward, gradient=backward.gradient.T)))

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²L(Y) on row-major vec(Y)."""
        m, n = Y.shape
        transposed = np.arange(m * n).reshape(n, m).T.reshape(-1)
        return np.asarray(self.terms[0].hessian(Y) + self.terms[1].hessian(Y.T)[np.ix_(transposed, transposed)])
