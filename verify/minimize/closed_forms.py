"""Optima in closed form: spectral contrastive, PCA and the Fisher discriminant, each a symmetric pencil."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.float64 import whitening
from thmverify.minimize.result import Minimiser, Note, column_space
from thmverify.models import Floats, Instance
from thmverify.subspaces import fisher_subspace

_EPS = 2.0**-52
_TIE = 1e-9


class Pencil:
    """The eigenvalues (largest first) and base-orthonormal eigenvectors of second·v = λ·base·v, base ≻ 0."""

    def __init__(self, second: fmpq_mat, base: fmpq_mat) -> None:
        factor, roots = whitening(base)
        inverse = factor.inv()
        inside = to_floats(inverse * second * inverse.transpose()) / np.outer(roots, roots)
        values, vectors = np.linalg.eigh(inside)
        self.whitened, self._frame = inside, to_floats(inverse.transpose()) / roots
        self.values, self._columns = values[::-1], vectors[:, ::-1]

    def vectors(self, count: int) -> Floats:
        """Return the eigenvectors of the `count` largest eigenvalues, d × count."""
        return np.asarray(self._frame @ self._columns[:, :count])

    def residual(self, count: int) -> float:
        """Return ‖(second − λ·base)v‖ over those eigenvectors, in whitened coordinates."""
        V = self._columns[:, :count]
        return float(np.linalg.norm(self.whitened @ V - V * self.values[:count]))

    def gap(self, count: int) -> float:
        """Return how far the last eigenvalue kept lies above the first one left out, relative to the largest."""
        if not 0 < count < len(self.values):
            return 1.0
        return float((self.values[count - 1] - self.values[count]) / abs(self.values[0]))


def minimise_spectral(instance: Instance, rank: int) -> Minimiser:
    """Return R^{1/2}M*R^{1/2} = the positive rank-r part of R^{-1/2}CR^{-1/2}; the optimal value is −Σ λ²."""
    C, R = instance.pairs.C, instance.pairs.mixture.R
    pencil = Pencil(C, R)
    available = C.rank()
    kept = min(rank, available)
    factor = pencil.vectors(kept) * np.sqrt(pencil.values[:kept])
    optimal = R.solve(C)
    whole = exact.to_fraction(-exact.trace(optimal * optimal)) if kept == available else None
    value = -float(np.sum(pencil.values[:kept] ** 2))
    return _report("spectral", instance, factor, pencil, value, whole, _columns_note(rank, available))


def minimise_pca(instance: Instance, rank: int) -> Minimiser:
    """Return the top-r eigenvectors of R = E xxᵀ; the optimal value is minus the sum of their eigenvalues."""
    R, d = instance.pairs.mixture.R, instance.pairs.mixture.dimension
    pencil = Pencil(R, exact.identity(d))
    kept = min(rank, d)
    whole = exact.to_fraction(-exact.trace(R)) if kept == d else None
    value = -float(np.sum(pencil.values[:kept]))
    return _report("pca", instance, pencil.vectors(kept), pencil, value, whole, _columns_note(rank, d))


def maximise_fisher(instance: Instance, rank: int) -> Minimiser:
    """Return the top-r generalised eigenvectors of (S, Σ̄), which span S_F from r = dim S_F on; J* = Σ λ."""
    mixture = instance.pairs.mixture
    S, within = mixture.S, mixture.sigma_bar
    pencil = Pencil(S, within)
    available = S.rank()
    kept = min(rank, available)
    whole = exact.to_fraction(exact.trace(within.solve(S))) if kept == available else None
    value = float(np.sum(pencil.values[:kept]))
    return _report("fisher", instance, pencil.vectors(kept), pencil, value, whole, _columns_note(rank, available))


def _columns_note(rank: int, available: int) -> list[Note]:
    return [Note.CLOSED_FORM, Note.FULL_RANK] if rank > available else [Note.CLOSED_FORM]


def _report(
    loss: str,
    instance: Instance,
    A: Floats,
    pencil: Pencil,
    value: float,
    exact_value: Fraction | None,
    notes: list[Note],
) -> Minimiser:
    kept = A.shape[1]
    tied = pencil.gap(kept) <= _TIE
    if tied:
        notes = [*notes, Note.NOT_UNIQUE]
    if kept == 0:
        notes = [*notes, Note.NOTHING_TO_LEARN]
    exact_float = value if exact_value is None else float(exact_value)
    return Minimiser(
        loss=loss,
        maps={"M": A @ A.T, "A": A},
        rank=kept,
        spaces=(column_space("M", A, fisher_subspace(instance.pairs.mixture).as_floats()),),
        value=exact_float,
        value_error=_EPS * (abs(value) if exact_value is not None else 64 * float(np.sum(np.abs(pencil.values)))),
        kkt_residual=pencil.residual(kept),
        error_bound=None if tied else 64 * _EPS * max(1.0, float(np.sum(np.abs(pencil.values)))) / pencil.gap(kept),
        converged=True,
        notes=tuple(notes),
        exact_value=exact_value,
    )
