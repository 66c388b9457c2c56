"""Whitened coordinates on the Fisher subspace, from an exact basis.

With the rational B of independent columns of Σ⁻¹[μ_1 … μ_K] and BᵀΣB = L D Lᵀ exactly, s = Eᵀx for E = B L⁻ᵀ D^{-1/2}
has component j ~ N(ν_j, I_m). Every float64 is the rounding of a rational number times square roots: nothing cancels.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from flint import fmpq_mat

from verify import exact
from verify.integrate.float64 import whitening
from verify.losses.levels import to_floats
from verify.models import Floats, SharedGMM


class FisherCoordinates:
    """The coordinates s = Eᵀx of a mixture with a shared covariance."""

    def __init__(self, mixture: SharedGMM) -> None:
        self.mixture = mixture
        spanning = mixture.sigma_inverse_mu
        self.basis = exact.submatrix(spanning, range(mixture.dimension), exact.pivot_columns(spanning))
        factor, self._roots = whitening(self.basis.transpose() * mixture.sigma * self.basis)
        self._inverse = factor.inv()

    @property
    def m(self) -> int:
        """The dimension of S_F."""
        return self.basis.ncols()

    @cached_property
    def weights(self) -> Floats:
        """The weights (K)."""
        return np.array([float(w) for w in self.mixture.weights])

    @cached_property
    def centres(self) -> Floats:
        """The means ν_j as columns (m × K)."""
        return to_floats(self._inverse * self.basis.transpose() * self.mixture.mu) / self._roots[:, None]

    @cached_property
    def embedding(self) -> Floats:
        """E (d × m): M = E Y Eᵀ."""
        return to_floats(self.basis * self._inverse.transpose()) / self._roots

    def moment(self, second: fmpq_mat, other: FisherCoordinates | None = None) -> Floats:
        """Return E' M E for a rational moment matrix M of x (and of the `other` modality's)."""
        right = self if other is None else other
        inside = self._inverse * self.basis.transpose() * second * right.basis * right._inverse.transpose()
        return to_floats(inside) / np.outer(self._roots, right._roots)

    def in_basis(self, Y: Floats, other: FisherCoordinates | None = None) -> Floats:
        """Return Y in the coordinates t = Bᵀx of the rational basis, so that M = B Y Bᵀ."""
        right = self if other is None else other
        return (self._to_basis @ Y) @ right._to_basis.T

    @cached_property
    def _to_basis(self) -> Floats:
        return to_floats(self._inverse.transpose()) / self._roots
