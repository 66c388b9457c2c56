"""Minimisers of VICReg: local minima over columns of variance at most 1, where the loss is smooth.

In coordinates in which Cov x = I and Cov(x, x̂) = D is diagonal let b_i be the columns. Shrinking a column that is
longer than 1 lowers all terms, so that minimisers have |b_i| ≤ 1, where

    L = 2a Σ_i b_iᵀ(I − D)b_i + v Σ_i (1 − |b_i|) + 2c Σ_{i≠j} (b_iᵀb_j)²

is smooth but at 0, and 0 is no minimum in |b_i| as v > 0. Columns may end on the border |b_i| = 1, the kink of the
hinge. Where D is 0 all directions are alike: as many of them as there are columns are enough. With b_i = s_i u_i, u_i a
unit vector, L-BFGS-B looks for s_i ∈ [0, 1] and u_i from several starts; then Newton's method holds the columns on the
border there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import scipy
from flint import fmpq, fmpq_mat
from mpmath import mp
from numpy.typing import NDArray

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.multiprecision import to_array, to_mpf
from thmverify.losses import find_loss
from thmverify.losses.levels import float64_value
from thmverify.losses.record import Settings
from thmverify.maps import Encoder
from thmverify.minimize.closed_forms import Pencil
from thmverify.minimize.result import ACCEPTED, TOLERANCE, Minimiser, Note, column_space
from thmverify.models import Floats, Instance
from thmverify.subspaces import fisher_subspace, lda_subspace

_STARTS, _SEED = 6, 20261130
_LIMITS = {"maxiter": 2000, "maxfun": 20_000, "ftol": 1e-16, "gtol": 1e-9}
_BORDER = 1e-7  # columns this close to the length 1 are held there
_STEPS, _STEP = 12, 1e-6
_UNKNOWNS = 400  # more of them are not polished
_CURVED = -1e-5  # the least curvature, relative to the largest, that rounding may leave at a minimum
_RANK = 1e-5
_GUARD = 10
_WEIGHTS = ("invariance", "variance", "covariance")
Array: TypeAlias = NDArray[Any]  # of mpf


@dataclass(frozen=True)
class _Columns:
    """The loss of columns B (n × r) in those coordinates: rho, the diagonal of D, and the weights a, v and c."""

    rho: Floats
    invariance: float
    variance: float
    covariance: float

    def smooth(self, B: Floats) -> tuple[float, Floats]:
        """Return the loss without the hinge, and its derivative by B."""
        products = B.T @ B
        off = products - np.diag(np.diag(products))
        apart = (1 - self.rho)[:, None] * B
        value = 2 * self.invariance * float(np.sum(B * apart)) + 2 * self.covariance * float(np.sum(off**2))
        return value, 4 * self.invariance * apart + 8 * self.covariance * B @ off

    def in_lengths(self, x: Floats, r: int) -> tuple[float, Floats]:
        """Return the loss at lengths s (the first r of x) and directions, and its derivative; s ≤ 1."""
        s, w = x[:r], x[r:].reshape(-1, r)
        norms = np.linalg.norm(w, axis=0)
        u = w / norms
        value, by_B = self.smooth(u * s)
        along = np.sum(by_B * u, axis=0)
        across = (by_B - u * along) * s / norms
        return value + self.variance * float(np.sum(1 - s)), np.concatenate([along - self.variance, across.reshape(-1)])

    def stationarity(self, B: Floats, short: NDArray[np.bool_], multipliers: Floats) -> Floats:
        """Return the derivative of the Lagrangian by B: columns that are not `short` have |b_i|² = 1."""
        pull = np.where(short, -self.variance / np.linalg.norm(B, axis=0), 2 * multipliers)
        return np.asarray(self.smooth(B)[1] + B * pull)


@dataclass(frozen=True)
class _Held:
    """Columns, which of them are shorter than 1, and the multipliers of the others (0 for the short ones)."""

    B: Floats
    short: NDArray[np.bool_]
    multipliers: Floats

    @classmethod
    def of(cls, columns: _Columns, B: Floats) -> _Held:
        """Return the columns with those near the border put on it, and the multipliers that fit best."""
        lengths = np.linalg.norm(B, axis=0)
        short = lengths < 1 - _BORDER
        B = np.where(short, B, B / lengths)
        multipliers = np.where(short, 0.0, -np.sum(columns.smooth(B)[1] * B, axis=0) / 2)
        return cls(B, short, multipliers)

    @property
    def unknowns(self) -> Floats:
        """B and the multipliers of the columns on the border, as one vector."""
        return np.concatenate([self.B.reshape(-1), self.multipliers[~self.short]])

    def moved(self, x: Floats) -> _Held:
        """Return the columns of another such vector."""
        multipliers = self.multipliers.copy()
        multipliers[~self.short] = x[self.B.size :]
        return replace(self, B=x[: self.B.size].reshape(self.B.shape), multipliers=multipliers)

    def residual(self, columns: _Columns) -> Floats:
        """Return what the equations leave over: those of stationarity, and (|b_i|² − 1) on the border."""
        border = np.sum(self.B**2, axis=0)[~self.short] - 1
        return np.concatenate([columns.stationarity(self.B, self.short, self.multipliers).reshape(-1), border])

    def jacobian(self, columns: _Columns) -> Floats:
        """Return the derivative of `residual` by `unknowns`, by central differences."""
        x = self.unknowns
        steps = _STEP * np.eye(len(x))
        ends = [[self.moved(x + sign * step).residual(columns) for step in steps] for sign in (1, -1)]
        return (np.array(ends[0]) - np.array(ends[1])).T / (2 * _STEP)

    def pressed(self, columns: _Columns, slack: float) -> bool:
        """Return whether the loss falls towards the border from inside, and rises beyond it: 0 ≤ −2λ_i ≤ v."""
        pull = -2 * self.multipliers[~self.short]
        return bool(np.all((pull >= -slack) & (pull <= columns.variance + slack)))

    def curvature(self, jacobian: Floats) -> float:
        """Return the least curvature of the Lagrangian along the border, relative to the largest."""
        n, r = self.B.shape
        normals = np.zeros((self.B.size, int(np.sum(~self.short))))
        for k, i in enumerate(np.flatnonzero(~self.short)):
            normals.reshape(n, r, -1)[:, i, k] = self.B[:, i]
        tangent = scipy.linalg.null_space(normals.T) if normals.size else np.eye(self.B.size)
        values = np.linalg.eigvalsh(tangent.T @ jacobian[: self.B.size, : self.B.size] @ tangent)
        return float(values.min() / (np.abs(values).max() or 1.0)) if values.size else 0.0


def minimise_vicreg(instance: Instance, rank: int, settings: Settings) -> Minimiser:
    """Return the best local minimum of several starts over maps with `rank` columns.

    settings: the weights, by name. Columns are 0 where variance = 0 asks nothing of them.
    """
    mixture = instance.pairs.mixture
    count = min(mixture.dimension, lda_subspace(mixture).dimension + rank)
    columns, frame = _problem(instance, settings, count)
    if columns.variance == 0:
        return _report(instance, settings, np.zeros((mixture.dimension, rank)), 0.0, (Note.CLOSED_FORM,))
    B = min(_minima(columns, count, rank), key=lambda found: found[0])[1]
    held, curvature = _polished(columns, _Held.of(columns, B))
    residual = float(np.linalg.norm(held.residual(columns)))
    notes = [Note.GENERAL]
    scale = 1 + 4 * columns.invariance + columns.variance
    if residual > ACCEPTED * scale or not held.pressed(columns, ACCEPTED * scale):
        notes.append(Note.STALLED)
    elif curvature < _CURVED:
        notes.append(Note.SADDLE)
    return _report(instance, settings, frame @ held.B, residual, tuple(notes))


def _problem(instance: Instance, settings: Settings, count: int) -> tuple[_Columns, Floats]:
    """Return the loss in the coordinates of the `count` leading directions, and these (d × count): A = frame · B."""
    mixture = instance.pairs.mixture
    mean = mixture.mean * mixture.mean.transpose()
    pencil = Pencil(instance.pairs.C - mean, mixture.R - mean)
    return _Columns(pencil.values[:count], *(float(settings[name]) for name in _WEIGHTS)), pencil.vectors(count)


def _minima(columns: _Columns, n: int, r: int) -> Iterator[tuple[float, Floats]]:
    """Yield minima from several starts: the leading directions in turn, all columns near the first, random ones."""
    rng = np.random.default_rng(_SEED)
    noise = 0.05 * rng.standard_normal((_STARTS, n, r))
    for number in range(_STARTS):
        w = rng.standard_normal((n, r))
        if number == 0:
            w = np.eye(n)[:, np.arange(r) % n] + noise[0]
        elif number == 1:
            w = np.eye(n)[:, [0] * r] + noise[1]
        start = np.concatenate([np.full(r, 0.7), (w / np.linalg.norm(w, axis=0)).reshape(-1)])
        found: Any = scipy.optimize.minimize(
            columns.in_lengths,
            start,
            args=(r,),
            jac=True,
            method="L-BFGS-B",
            bounds=[(1e-9, 1.0)] * r + [(None, None)] * (n * r),
            options=_LIMITS,
        )
        s, w = found.x[:r], found.x[r:].reshape(n, r)
        yield float(found.fun), s * w / np.linalg.norm(w, axis=0)


def _polished(columns: _Columns, held: _Held) -> tuple[_Held, float]:
    """Return a point where the equations hold as far as floats allow, and the least curvature there."""
    if len(held.unknowns) > _UNKNOWNS:
        return held, 0.0
    size = float(np.linalg.norm(held.residual(columns)))
    for _ in range(_STEPS):
        if size <= TOLERANCE:
            break
        step = np.linalg.lstsq(held.jacobian(columns), -held.residual(columns), rcond=1e-9)[0]
        there = held.moved(held.unknowns + step)
        found = float(np.linalg.norm(there.residual(columns)))
        if not found < size:
            break
        held, size = there, found
    return held, held.curvature(held.jacobian(columns))


def _report(instance: Instance, settings: Settings, A: Floats, residual: float, notes: tuple[Note, ...]) -> Minimiser:
    mixture = instance.pairs.mixture
    encoder = Encoder(exact.matrix([[Fraction(float(x)) for x in row] for row in A], columns=A.shape[1]))
    estimate = float64_value(find_loss("vicreg").at(settings), instance, encoder)
    left, sizes, _ = np.linalg.svd(A, full_matrices=False)
    rank = int(np.sum(sizes > _RANK * max(float(sizes.max(initial=0.0)), _RANK)))
    return Minimiser(
        loss="vicreg",
        maps={"M": A @ A.T, "A": A},
        rank=rank,
        spaces=(column_space("M", left[:, :rank], fisher_subspace(mixture).as_floats()),),
        value=estimate.value,
        value_error=estimate.error,
        kkt_residual=residual,
        error_bound=None,
        converged=not {Note.STALLED, Note.SADDLE} & set(notes),
        notes=notes,
    )


def polish_vicreg(minimiser: Minimiser, instance: Instance, digits: int, settings: Settings) -> Minimiser:
    """Solve the equations of the float minimiser, columns on the border held there, to `digits` digits by mpmath."""
    columns, frame = _problem(instance, settings, instance.pairs.mixture.dimension)
    start: Floats = np.asarray(np.linalg.solve(frame, minimiser.maps["A"]), dtype=np.float64)
    if columns.variance == 0 or start.size > _UNKNOWNS:
        return replace(minimiser, notes=(*minimiser.notes, Note.SHORT))
    held = _Held.of(columns, start)
    inverse: Floats = np.asarray(np.linalg.pinv(held.jacobian(columns), rcond=1e-9), dtype=np.float64)
    with mp.workdps(digits + 2 * _GUARD):
        exactly = _Exactly.of(instance, settings, frame)
        A, multipliers = exactly.frame @ _mpf(held.B), _mpf(held.multipliers)
        residual = exactly.residual(A, multipliers, held.short)
        size = float(np.linalg.norm(residual.astype(np.float64)))
        while size > 10.0**-digits:
            step = _mpf(-inverse @ residual.astype(np.float64))
            multipliers[~held.short] += step[A.size :]
            A = A + exactly.frame @ step[: A.size].reshape(A.shape)
            residual = exactly.residual(A, multipliers, held.short)
            before, size = size, float(np.linalg.norm(residual.astype(np.float64)))
            if size > before / 2:
                break
        found = fmpq_mat(A.shape[0], A.shape[1], [_rational(x) for x in A.flat])
    notes = minimiser.notes if size <= 10.0**-digits else (*minimiser.notes, Note.SHORT)
    precise = {"M": found * found.transpose(), "A": found}
    maps = {name: to_floats(m) for name, m in precise.items()}
    return replace(minimiser, maps=maps, precise=precise, kkt_residual=size, notes=notes)


@dataclass(frozen=True)
class _Exactly:
    """The equations in mpf, in the coordinates of x: Cov x, Cov x − Cov(x, x̂), the frame, and the weights."""

    within: Array
    apart: Array
    frame: Array
    weights: tuple[Any, Any, Any]

    @classmethod
    def of(cls, instance: Instance, settings: Settings, frame: Floats) -> _Exactly:
        """Return the equations at mpmath's working precision."""
        mixture = instance.pairs.mixture
        covariance = mixture.R - mixture.mean * mixture.mean.transpose()
        weights = tuple(to_mpf(exact.to_fmpq(settings[name])) for name in _WEIGHTS)
        return cls(to_array(covariance), to_array(mixture.R - instance.pairs.C), _mpf(frame), weights)

    def residual(self, A: Array, multipliers: Array, short: NDArray[np.bool_]) -> Array:
        """Return what `_Held.residual` does, for the columns A of the map."""
        invariance, variance, covariance = self.weights
        bent = self.within @ A
        products = A.T @ bent
        sizes = np.diag(products)
        off = products - np.diag(sizes)
        pull = np.array([-variance / mp.sqrt(sizes[i]) if short[i] else 2 * x for i, x in enumerate(multipliers)])
        slope = 4 * invariance * self.apart @ A + 8 * covariance * bent @ off + bent * pull
        return np.concatenate([(self.frame.T @ slope).reshape(-1), sizes[~short] - 1])


def _mpf(m: Floats) -> Array:
    return np.array([mp.mpf(float(x)) for x in m.flat], dtype=object).reshape(m.shape)


def _rational(x: Any) -> fmpq:
    sign, mantissa, exponent, _ = x._mpf_
    return fmpq(int(-mantissa if sign else mantissa)) * fmpq(2) ** int(exponent)
