"""Stationary points of linear SimSiam: P AᵀRA − AᵀCA + ηP = 0 and RA PᵀP − CA P + ηA = 0.

Without weight decay, A = R^{-1/2}U T for any invertible T and any invariant subspace U of R^{-1/2}CR^{-1/2} is
stationary, with P = TᵀΛT(TᵀT)⁻¹; the point returned takes the leading eigenvectors and T = I. With weight decay every
stationary point is balanced, PᵀP = AᵀA. For one column that leaves (C − pR − (η/p)I)a = 0 with |a| = p = P: a scalar
equation for each eigenvalue. For more columns those pairs are where Newton's method starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from thmverify.exact import to_floats
from thmverify.minimize.closed_forms import Pencil
from thmverify.minimize.result import ACCEPTED, TOLERANCE, Minimiser, Note, column_space
from thmverify.models import Floats, Instance
from thmverify.subspaces import fisher_subspace

_ITERATIONS = 2000
_STEPS, _HALVINGS = 300, 30
_SEED, _STARTS = 20240612, 4
# Relative to the largest: a smaller singular value of P means that a column has collapsed.
_COLLAPSED = 1e-6


@dataclass(frozen=True)
class Equations:
    """The stationarity equations for R, C (d × d), r columns and weight decay η."""

    R: Floats
    C: Floats
    decay: float

    def residual(self, A: Floats, P: Floats) -> tuple[Floats, Floats]:
        """Return ∂_A (d × r) and ∂_P (r × r), the target held fixed."""
        along_A = self.R @ A @ P.T @ P - self.C @ A @ P + self.decay * A
        along_P = P @ A.T @ self.R @ A - A.T @ self.C @ A + self.decay * P
        return along_A, along_P

    def flat(self, A: Floats, P: Floats) -> Floats:
        """Return the residual as one vector (vec A, vec P), row-major."""
        return np.concatenate([x.reshape(-1) for x in self.residual(A, P)])

    def jacobian(self, A: Floats, P: Floats) -> Floats:
        """Return the derivative of the residual on (vec A, vec P), row-major."""
        d, r = A.shape
        a = np.concatenate([np.eye(d * r), np.zeros((r * r, d * r))]).reshape(-1, d, r)
        p = np.concatenate([np.zeros((d * r, r * r)), np.eye(r * r)]).reshape(-1, r, r)
        RA, CA = self.R @ A, self.C @ A
        a_t, p_t = np.swapaxes(a, 1, 2), np.swapaxes(p, 1, 2)
        along_A = self.R @ a @ (P.T @ P) + RA @ (p_t @ P + P.T @ p) - self.C @ a @ P - CA @ p + self.decay * a
        along_P = p @ (A.T @ RA) + P @ (a_t @ RA + RA.T @ a) - (a_t @ CA + CA.T @ a) + self.decay * p
        n = d * r + r * r
        return np.asarray(np.concatenate([along_A.reshape(n, -1), along_P.reshape(n, -1)], axis=1).T)


def stationary_simsiam(instance: Instance, rank: int) -> Minimiser:
    """Return the stationary point with the leading directions and, if there is one, an invertible predictor."""
    pairs = instance.pairs
    decay = float(instance.weight_decay)
    equations = Equations(to_floats(pairs.mixture.R), to_floats(pairs.C), decay)
    pencil = Pencil(pairs.C, pairs.mixture.R)
    if decay == 0:
        A, P = _without_decay(pencil, rank, pairs.C.rank())
    else:
        A, P = _with_decay(equations, pencil.values, rank)
    return _report(instance, equations, A, P)


def _without_decay(pencil: Pencil, rank: int, available: int) -> tuple[Floats, Floats]:
    """Columns beyond the rank of C are 0; the predictor may be anything there, and is 1."""
    kept = min(rank, available)
    A = np.zeros((len(pencil.values), rank))
    A[:, :kept] = pencil.vectors(kept)
    P = np.eye(rank)
    P[range(kept), range(kept)] = pencil.values[:kept]
    return A, P


def _with_decay(equations: Equations, values: Floats, rank: int) -> tuple[Floats, Floats]:
    """Return the first stationary point from the starts that has no collapsed column, or the least collapsed."""
    best: tuple[Floats, Floats] | None = None
    for start in _starts(equations, values, rank):
        point = _settled(equations, *start)
        if _invertible_columns(point[1]) == rank:
            return point
        if best is None or _invertible_columns(point[1]) > _invertible_columns(best[1]):
            best = point
    return best or (np.zeros((len(values), rank)), np.zeros((rank, rank)))


def _invertible_columns(P: Floats) -> int:
    sizes = np.linalg.svd(P, compute_uv=False)
    return int(np.sum(sizes > _COLLAPSED * max(float(sizes.max()), _COLLAPSED)))


def _starts(equations: Equations, values: Floats, rank: int) -> Iterator[tuple[Floats, Floats]]:
    d = len(equations.R)
    columns, sizes = np.zeros((d, rank)), np.full(rank, 0.0)
    for i in range(min(rank, d)):
        columns[:, i], sizes[i] = _branch(equations, i, float(values[i]))
    yield columns * sizes, np.diag(sizes)
    rng = np.random.default_rng(_SEED)
    for _ in range(_STARTS if rank > 1 else 0):
        yield columns * sizes + 0.1 * sizes * rng.standard_normal((d, rank)), np.diag(sizes)


def _branch(equations: Equations, i: int, limit: float) -> tuple[Floats, float]:
    """Return a unit vector and p > 0 with (C − pR − (η/p)I)a = 0, a of the i-th largest eigenvalue; p = 0 if none.

    p ↦ the i-th eigenvalue of (C − (η/p)I, R) increases and stays below its limit, so the iteration from there falls
    to the largest fixed point.
    """
    d, p = len(equations.R), max(limit, 0.0)
    vector = np.zeros(d)
    for _ in range(_ITERATIONS):
        if p <= 0:
            return vector, 0.0
        values, vectors = scipy.linalg.eigh(equations.C - equations.decay / p * np.eye(d), equations.R)
        vector = vectors[:, d - 1 - i]
        before, p = p, float(values[d - 1 - i])
        if before - p <= 1e-14 * before:
            break
    return vector / np.linalg.norm(vector), max(p, 0.0)


def _settled(equations: Equations, A: Floats, P: Floats) -> tuple[Floats, Floats]:
    """Return a stationary point near (A, P): by damped Newton steps, or where the training dynamics lead.

    Rotations of the features leave the equations unchanged, so steps are of least norm.
    """
    direct = _newton(equations, A, P)
    size = float(np.linalg.norm(equations.flat(*direct)))
    if size <= ACCEPTED and _invertible_columns(direct[1]) == len(P):
        return direct
    return _newton(equations, *_trained(equations, A, P))


def _newton(equations: Equations, A: Floats, P: Floats) -> tuple[Floats, Floats]:
    """Gauss–Newton on the equations and the balance PᵀP = AᵀA that they imply, which η → 0 would leave undecided."""
    for _ in range(_STEPS):
        residual = np.concatenate([equations.flat(A, P), (P.T @ P - A.T @ A).reshape(-1)])
        size = float(np.linalg.norm(residual))
        jacobian = np.concatenate([equations.jacobian(A, P), balance_jacobian(A, P)])
        direction = np.linalg.lstsq(jacobian, -residual, rcond=1e-13)[0]
        for halvings in range(_HALVINGS):
            a, p = _moved(A, P, direction * 0.5**halvings)
            there = np.concatenate([equations.flat(a, p), (p.T @ p - a.T @ a).reshape(-1)])
            if np.linalg.norm(there) < (1 - 1e-4 * 0.5**halvings) * size:
                A, P = a, p
                break
        else:
            break
    return A, P


def balance_jacobian(A: Floats, P: Floats) -> Floats:
    """Return the derivative of PᵀP − AᵀA on (vec A, vec P)."""
    identity, r = np.eye(len(P)), len(P)

    def of_gram(X: Floats) -> Floats:
        left = np.einsum("ja,bk->abjk", X, identity)  # XᵀH
        return np.asarray((left + np.swapaxes(left, 0, 1)).reshape(r * r, -1))

    return np.concatenate([-of_gram(A), of_gram(P)], axis=1)


def _trained(equations: Equations, A: Floats, P: Floats) -> tuple[Floats, Floats]:
    """Follow the training dynamics by implicit steps whose length grows as they settle."""
    time, size = 1.0, float(np.linalg.norm(equations.flat(A, P)))
    for _ in range(_STEPS):
        jacobian = equations.jacobian(A, P) + np.eye(A.size + P.size) / time
        there = _moved(A, P, np.asarray(np.linalg.solve(jacobian, -equations.flat(A, P)), dtype=np.float64))
        new_size = float(np.linalg.norm(equations.flat(*there)))
        if new_size > 2 * size:
            time /= 4
            continue
        (A, P), size, time = there, new_size, min(2 * time, 1e8)
        if size <= TOLERANCE:
            break
    return A, P


def _moved(A: Floats, P: Floats, step: Floats) -> tuple[Floats, Floats]:
    return A + step[: A.size].reshape(A.shape), P + step[A.size :].reshape(P.shape)


def _report(instance: Instance, equations: Equations, A: Floats, P: Floats) -> Minimiser:
    size = float(np.linalg.norm(equations.flat(A, P)))
    scale = float(np.linalg.norm(A)) + float(np.linalg.norm(P))
    invertible = scale > _COLLAPSED and _invertible_columns(P) == len(P)
    converged = size <= ACCEPTED * (1 + scale)
    left, sizes, _ = np.linalg.svd(A, full_matrices=False)
    rank = int(np.sum(sizes > _COLLAPSED * max(float(sizes.max()), _COLLAPSED)))
    notes = [Note.STATIONARY if invertible else Note.COLLAPSED]
    if invertible:
        notes.append(Note.STABLE if _is_stable(equations, A, P) else Note.UNSTABLE)
    if not converged:
        notes.append(Note.STALLED)
    within, across = A.T @ equations.R @ A, A.T @ equations.C @ A
    decay = equations.decay * (float(np.sum(P**2)) + float(np.sum(A**2))) / 2
    parts = (float(np.sum(P @ within * P)) / 2, -float(np.sum(P.T * across)), float(np.trace(within)) / 2, decay)
    return Minimiser(
        loss="simsiam",
        maps={"A": A, "P": P},
        rank=rank,
        spaces=(column_space("A", left[:, :rank], fisher_subspace(instance.pairs.mixture).as_floats()),),
        value=sum(parts),
        value_error=64 * 2.0**-52 * sum(abs(x) for x in parts),
        kkt_residual=size,
        error_bound=None,
        converged=converged and invertible,
        notes=tuple(notes),
    )


def _is_stable(equations: Equations, A: Floats, P: Floats) -> bool:
    """Whether no direction grows under the training dynamics; changes of basis of the features stay neutral."""
    jacobian = equations.jacobian(A, P)
    rates = np.linalg.eigvals(jacobian).real
    return bool(rates.min() >= -1e-7 * max(1.0, float(np.linalg.norm(jacobian, 2))))
