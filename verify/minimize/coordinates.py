"""Whitened coordinates from an exact basis.

With a rational B and BᵀΣ̄B = L D Lᵀ exactly, s = Eᵀx for E = B L⁻ᵀ D^{-1/2} has Σ̄ = I. Every float64 is the rounding of
a rational number times square roots: nothing cancels.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.float64 import inverse_whitening
from thmverify.kernel.linear import Covariance, times
from thmverify.kernel.parse import check_work
from thmverify.kernel.strict import Rejected
from thmverify.models import GMM, Floats

_BITS, _FEWEST = 160, 10**6  # of numbers that are rounded, and multiplications for which long ones are


class Coordinates:
    """The coordinates s = Eᵀx of a mixture, from independent rational columns B (d × m)."""

    def __init__(self, mixture: GMM, basis: fmpq_mat) -> None:
        self.mixture = mixture
        self.basis = basis
        self.means = _short(basis.transpose() * mixture.mu)  # of t = Bᵀx (m × K)
        self._inverse, self._roots = inverse_whitening(_short(self._inside(mixture.law.average)))

    def _inside(self, covariance: Covariance) -> fmpq_mat:
        return self.basis.transpose() * times(covariance, self.basis)

    @property
    def m(self) -> int:
        """The number of coordinates."""
        return self.basis.ncols()

    @cached_property
    def weights(self) -> Floats:
        """The weights (K)."""
        return np.array([float(w) for w in self.mixture.weights])

    @cached_property
    def centres(self) -> Floats:
        """The means ν_j of s as columns (m × K)."""
        return to_floats(self._inverse * self.means) / self._roots[:, None]

    @cached_property
    def embedding(self) -> Floats:
        """E (d × m): M = E Y Eᵀ."""
        return to_floats(self.basis * self._inverse.transpose()) / self._roots

    def moment(self, coupling: fmpq_mat, other: Coordinates | None = None) -> Floats:
        """Return Σ_kl coupling_kl ν_k ν'_lᵀ, the ν'_l of the `other` modality: C, or S for the diagonal of weights."""
        right = self if other is None else other
        inside = self._inverse * self.means * coupling * right.means.transpose() * right._inverse.transpose()
        return to_floats(inside) / np.outer(self._roots, right._roots)

    @cached_property
    def between(self) -> Floats:
        """S = Σ_k w_k ν_k ν_kᵀ (m × m)."""
        return self.moment(exact.diagonal(self.mixture.w))

    def spreads(self) -> Floats:
        """Return the covariances of the components (K × m × m)."""
        inside = [self._inverse * self._inside(c) * self._inverse.transpose() for c in self.mixture.law.given]
        return np.array([to_floats(c) / np.outer(self._roots, self._roots) for c in inside])

    def in_basis(self, Y: Floats, other: Coordinates | None = None) -> Floats:
        """Return Y in the coordinates t = Bᵀx of the rational basis, so that M = B Y Bᵀ."""
        right = self if other is None else other
        return (self.to_basis @ Y) @ right.to_basis.T

    def covector(self, gradient: fmpq_mat) -> Floats:
        """Return what a derivative in the coordinates Bᵀx (m × n) is in these."""
        return to_floats(self._inverse * gradient) / self._roots[:, None]

    @cached_property
    def to_basis(self) -> Floats:
        """L⁻ᵀD^{-1/2} (m × m): columns V in these coordinates are to_basis·V in those of B."""
        return to_floats(self._inverse.transpose()) / self._roots


def fisher_coordinates(mixture: GMM) -> Coordinates:
    """Return the coordinates on S_F: B is Σ̄⁻¹ times independent means, that of the kernel."""
    return Coordinates(mixture, mixture.law.fisher)


def full_coordinates(mixture: GMM) -> Coordinates:
    """Return coordinates on the whole space: B = I."""
    return Coordinates(mixture, exact.identity(mixture.dimension))


def _short(m: fmpq_mat) -> fmpq_mat:
    """Return a matrix as it is, or rounded to _BITS where elimination would take long: floats are to come of it."""
    try:
        check_work("coordinates", max(m.nrows() ** 3 * m.ncols(), _FEWEST), m.tolist())
    except Rejected:
        return fmpq_mat(m.nrows(), m.ncols(), [_rounded(x) for x in m.entries()])
    return m


def _rounded(x: fmpq) -> fmpq:
    scale = fmpq(2) ** (_BITS - int(abs(x.p)).bit_length() + int(x.q).bit_length())
    return (x * scale).floor() / scale
