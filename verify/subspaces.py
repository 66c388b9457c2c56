"""Subspaces of Q^d, held exactly: rank, inclusion and equality are decisions, principal angles are enclosed.

The subspaces of the sources: S_F (Definition 4.1), S_LDA, the span of the means, and the PCA/SVD subspace.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from flint import acb, arb, fmpq_mat, fmpq_poly

from thmverify import exact
from thmverify.exact import Rows
from thmverify.models import GMM, Floats


@dataclass(frozen=True)
class Subspace:
    """A subspace of Q^d by its reduced basis: two subspaces are equal exactly when their bases are.

    `basis_rows` holds the reduced row echelon form of a spanning set: dimension × d.
    """

    ambient: int
    basis_rows: Rows

    @classmethod
    def spanned_by(cls, columns: fmpq_mat) -> Subspace:
        """Return the column space of a d × n matrix."""
        reduced, rank = columns.transpose().rref()
        return cls(columns.nrows(), exact.to_rows(reduced)[:rank])

    @property
    def dimension(self) -> int:
        """The dimension of the subspace."""
        return len(self.basis_rows)

    @cached_property
    def basis(self) -> fmpq_mat:
        """A d × dimension matrix whose columns are a basis."""
        return exact.matrix(self.basis_rows, columns=self.ambient).transpose()

    def __le__(self, other: Subspace) -> bool:
        """Decide whether self ⊆ other."""
        return (self + other).dimension == other.dimension

    def __lt__(self, other: Subspace) -> bool:
        """Decide whether self ⊊ other."""
        return self <= other and self.dimension < other.dimension

    def __ge__(self, other: Subspace) -> bool:
        """Decide whether self ⊇ other."""
        return other <= self

    def __gt__(self, other: Subspace) -> bool:
        """Decide whether self ⊋ other."""
        return other < self

    def __add__(self, other: Subspace) -> Subspace:
        """Return the sum of the two subspaces."""
        return Subspace.spanned_by(exact.hstack([self.basis, other.basis], self.ambient))

    def orthogonal_complement(self) -> Subspace:
        """Return {x : xᵀy = 0 for every y in self}."""
        rows = self.basis.transpose()
        return Subspace.spanned_by(exact.null_space(rows) if self.dimension else exact.identity(self.ambient))

    def image(self, linear_map: fmpq_mat) -> Subspace:
        """Return the image under an n × d matrix."""
        return Subspace.spanned_by(linear_map * self.basis)

    def as_floats(self) -> Floats:
        """Return an orthonormal basis in float64, d × dimension."""
        basis = np.array(self.basis_rows, dtype=np.float64).reshape(self.dimension, self.ambient).T
        return np.linalg.qr(basis)[0]


def fisher_subspace(mixture: GMM) -> Subspace:
    """Return S_F = span{Σ̄⁻¹μ_k} (Definition 4.1; uncentred, as in the sources)."""
    return Subspace.spanned_by(mixture.sigma_bar.solve(mixture.mu))


def lda_subspace(mixture: GMM) -> Subspace:
    """Return S_LDA = span{Σ̄⁻¹(μ_k − μ_1)}: all that the posterior of a SharedGMM depends on."""
    d, K = mixture.dimension, mixture.components
    differences = fmpq_mat(d, K, [mixture.mu[i, k] - mixture.mu[i, 0] for i in range(d) for k in range(K)])
    return Subspace.spanned_by(mixture.sigma_bar.solve(differences))


def mean_subspace(mixture: GMM) -> Subspace:
    """Return S_μ = span{μ_k}."""
    return Subspace.spanned_by(mixture.mu)


def pca_subspace(second_moment: Floats, rank: int) -> Floats:
    """Return an orthonormal basis of the top-r eigenspace of R = E xxᵀ in float64, d × r: irrational in general."""
    _, vectors = np.linalg.eigh(second_moment)
    return vectors[:, ::-1][:, :rank]


def principal_angles(a: Floats, b: Floats) -> Floats:
    """Return the principal angles between two column spaces in radians, largest first, in float64."""
    if a.shape[1] == 0 or b.shape[1] == 0:
        return np.zeros(0)
    return np.asarray(scipy.linalg.subspace_angles(a, b))


def certified_principal_angles(a: Subspace, b: Subspace) -> list[arb]:
    """Return enclosures of the principal angles in radians, largest first, at flint's current precision.

    There are min(dim a, dim b) of them. A right angle is π/2 and a zero angle is 0 exactly; small angles are as
    accurate, relatively, as large ones.
    """
    return [arb.atan2(sine2.sqrt(), cosine2.sqrt()) for cosine2, sine2 in _squared_cosines_and_sines(a, b)]


def certified_cosines_squared(a: Subspace, b: Subspace) -> list[arb]:
    """Return enclosures of cos² of the principal angles, smallest first, min(dim a, dim b) of them; 0 and 1 exactly."""
    return [cosine2 for cosine2, _ in _squared_cosines_and_sines(a, b)]


def _squared_cosines_and_sines(a: Subspace, b: Subspace) -> list[tuple[arb, arb]]:
    """Return enclosures of (cos², sin²) of each principal angle, the largest angle first.

    cos² are the eigenvalues of (AᵀA)⁻¹AᵀB(BᵀB)⁻¹BᵀA, a rational matrix, hence roots of a rational polynomial with real
    roots only; sin² = 1 − cos² are those of the reflected polynomial, since subtracting balls would cancel.
    """
    small, large = (a, b) if a.dimension <= b.dimension else (b, a)
    if small.dimension == 0:
        return []
    A, B = small.basis, large.basis
    cross = A.transpose() * B
    operator = (A.transpose() * A).solve(cross * (B.transpose() * B).solve(cross.transpose()))
    _, factors = operator.charpoly().factor()
    pairs: list[tuple[arb, arb]] = []
    for factor, power in factors:
        reflected = factor(fmpq_poly([1, -1]))
        pairs += list(zip(_real_roots(factor), reversed(_real_roots(reflected)), strict=True)) * power
    return sorted(pairs, key=lambda pair: float(pair[0].mid()))


def _real_roots(factor: fmpq_poly) -> list[arb]:
    """Return the roots of an irreducible polynomial that has only real ones, in increasing order, isolated.

    A rational root, such as 0 or 1, carries no radius unless it has to be rounded.
    """
    if factor.degree() == 1:
        return [arb(-factor[0] / factor[1])]
    isolated: list[tuple[acb, int]] = factor.complex_roots()  # type: ignore[assignment]
    return sorted((root.real for root, _ in isolated), key=lambda root: float(root.mid()))
