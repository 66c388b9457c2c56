"""Minimisers of InfoNCE on a mixture with a shared covariance.

In the whitened coordinates of `FisherCoordinates`, M = E Y Eᵀ and
L(Y) = −⟨C, Y⟩ + ½ tr(Y²(I + S)) + E log Σ_k w_k exp(sᵀYν_k): convex, and 1-strongly convex over Y ⪰ 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.minimize.coordinates import FisherCoordinates
from verify.minimize.energy import LogSumExpTerm, Point
from verify.minimize.factors import best_factor
from verify.minimize.newton import ConeMinimum, minimise_on_cone
from verify.minimize.result import Minimiser, Note, column_space, gram_factor, leading
from verify.models import Floats, Instance
from verify.subspaces import fisher_subspace

_EPS = 2.0**-52
TOLERANCE = 1e-13
# What the certificates can work with: above it a minimiser counts as not converged.
ACCEPTED = 1e-10


@dataclass(frozen=True)
class SharedEnergy:
    """L(Y) in whitened coordinates: C, S (m × m) and the log-sum-exp term."""

    C: Floats
    S: Floats
    term: LogSumExpTerm

    def point(self, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y) = −C + sym[Y(I + S)] + sym[∇f(Y)]."""
        inner = self.term.point(Y)
        R = np.eye(len(Y)) + self.S
        parts = (-float(np.sum(self.C * Y)), 0.5 * float(np.sum(Y * (Y @ R))), inner.value)
        pieces = (-self.C, Y @ R, inner.gradient)
        gradient = sum(pieces, np.zeros_like(Y))
        rounding = 4 * _EPS * sum(float(np.linalg.norm(x)) for x in pieces)
        return Point(
            sum(parts),
            (gradient + gradient.T) / 2,
            inner.value_error + 4 * _EPS * sum(abs(x) for x in parts),
            inner.gradient_error + rounding,
        )

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²L(Y) on row-major vec(Y), to be used on symmetric matrices."""
        identity = np.eye(len(Y))
        R = identity + self.S
        return (np.kron(identity, R) + np.kron(R, identity)) / 2 + self.term.hessian(Y)


def minimise_shared(instance: Instance, rank: int) -> Minimiser:
    """Return the minimiser over A with `rank` columns, for a mixture with a shared covariance."""
    coordinates = FisherCoordinates(instance.shared)
    energy = SharedEnergy(
        coordinates.moment(instance.pairs.C),
        coordinates.moment(instance.shared.S),
        LogSumExpTerm(coordinates.weights, coordinates.centres, coordinates.centres),
    )
    optimum = minimise_on_cone(energy, coordinates.m, TOLERANCE)
    reached = leading(np.linalg.eigvalsh(optimum.Y), error_bound(optimum))
    if reached <= rank:
        return _unconstrained(instance, coordinates, optimum, reached)
    return _constrained(instance, coordinates, energy, optimum, rank)


def error_bound(optimum: ConeMinimum) -> float:
    """Return a bound for ‖Y* − Y‖: the residual, plus what the quadrature may have missed (modulus 1)."""
    return optimum.size + optimum.point.gradient_error


def _unconstrained(instance: Instance, coordinates: FisherCoordinates, optimum: ConeMinimum, rank: int) -> Minimiser:
    bound = error_bound(optimum)
    converged = bound <= ACCEPTED * (1 + float(np.linalg.norm(optimum.Y)))
    notes = [Note.CONVEX] if rank else [Note.CONVEX, Note.NOTHING_TO_LEARN]
    if not converged:
        notes.append(Note.COARSE if optimum.size < optimum.point.gradient_error else Note.STALLED)
    return _report(
        instance, coordinates, gram_factor(optimum.Y), rank, optimum.point, optimum.size, bound, converged, notes
    )


def _constrained(
    instance: Instance, coordinates: FisherCoordinates, energy: SharedEnergy, optimum: ConeMinimum, rank: int
) -> Minimiser:
    best = best_factor(energy, optimum.Y, rank, TOLERANCE)
    V = best.x.reshape(-1, rank)
    point = energy.point(V @ V.T)
    size = float(np.linalg.norm(2 * point.gradient @ V))
    converged = size <= ACCEPTED * (1 + float(np.linalg.norm(V)))
    notes = [Note.LOCAL] if converged else [Note.LOCAL, Note.STALLED]
    return _report(instance, coordinates, V, rank, point, size, None, converged, notes)


def _report(
    instance: Instance,
    coordinates: FisherCoordinates,
    V: Floats,
    rank: int,
    point: Point,
    residual: float,
    bound: float | None,
    converged: bool,
    notes: list[Note],
) -> Minimiser:
    A = coordinates.embedding @ V
    return Minimiser(
        loss="infonce",
        maps={"M": A @ A.T, "A": A},
        rank=rank,
        spaces=(column_space("M", A[:, :rank], fisher_subspace(instance.shared)),),
        value=point.value,
        value_error=point.value_error,
        kkt_residual=residual,
        error_bound=bound,
        converged=converged,
        notes=tuple(notes),
        reduced=coordinates.in_basis(V @ V.T),
        bases=(coordinates.basis,),
    )
