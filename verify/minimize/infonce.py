"""Minimisers of InfoNCE: a convex problem over M ⪰ 0, in whitened coordinates.

With a shared covariance M* lives on S_F (Theorem 5.2), and so do the coordinates; with separate ones it need not, and
the coordinates are those of the whole space.
"""

from __future__ import annotations

import numpy as np

from thmverify.integrate.float64 import REPLICATES
from thmverify.minimize.coordinates import Coordinates, fisher_coordinates, full_coordinates
from thmverify.minimize.effort import Effort
from thmverify.minimize.energy import LogSumExpTerm, Point, SharedEnergy
from thmverify.minimize.factors import best_factor
from thmverify.minimize.newton import ConeMinimum, minimise_on_cone
from thmverify.minimize.result import (
    ACCEPTED,
    TOLERANCE,
    Minimiser,
    Note,
    column_space,
    gram_factor,
    leading,
    orthonormal,
    shortfall,
)
from thmverify.minimize.sampled import LATTICE_DIMENSIONS, SampledEnergy, descend_factors, minimise_sampled
from thmverify.minimize.separate import Gaussians, SeparateEnergy
from thmverify.models import MAX_WHOLE, Floats, Instance

# Starts of a rank-constrained search: fewer where an evaluation is dear.
_STARTS, _FEW_STARTS = 14, 4


def minimise_infonce(instance: Instance, rank: int, effort: Effort) -> Minimiser:
    """Return the minimiser over A with `rank` columns."""
    coordinates, energy, R = whitened(instance)
    large = min(coordinates.m, len(coordinates.weights) - 1) > LATTICE_DIMENSIONS
    if isinstance(energy, SharedEnergy) and large:
        optimum = minimise_sampled(energy, R, TOLERANCE, effort)
    else:
        optimum = minimise_on_cone(energy, R, TOLERANCE, effort)
    bound = (optimum.size + optimum.point.gradient_error) / energy.modulus
    # A bound far above what happened would hide the column space.
    floor = bound if bound <= ACCEPTED else 1e-3 * bound
    reached = leading(np.linalg.eigvalsh(optimum.Y), floor)
    if reached <= rank:
        return _unconstrained(instance, coordinates, optimum, reached, bound)
    cheap = isinstance(energy, SharedEnergy) and len(coordinates.weights) <= 4
    starts = _STARTS if cheap else _FEW_STARTS
    if isinstance(energy, SharedEnergy) and large:
        V, _ = descend_factors(SampledEnergy(energy), gram_factor(optimum.Y)[:, :rank], None, effort)
        return _constrained(instance, coordinates, V, SampledEnergy(energy, REPLICATES).point(V @ V.T))
    V = best_factor(energy, optimum.Y, R, rank, starts)
    return _constrained(instance, coordinates, V, energy.point(V @ V.T))


def whitened(instance: Instance) -> tuple[Coordinates, SharedEnergy | SeparateEnergy, Floats]:
    """Return coordinates that hold every minimiser, the loss in them, and R = E ssᵀ."""
    mixture = instance.pairs.mixture
    coordinates = fisher_coordinates(mixture) if mixture.law.shared else full_coordinates(mixture)
    return coordinates, *restricted(instance, coordinates)


def restricted(instance: Instance, coordinates: Coordinates) -> tuple[SharedEnergy | SeparateEnergy, Floats]:
    """Return the loss of the maps M = E Y Eᵀ in these coordinates, and R = E ssᵀ."""
    shared = instance.pairs.mixture.law.shared
    energy = _shared_energy(instance, coordinates) if shared else _separate_energy(instance, coordinates)
    return energy, np.eye(coordinates.m) + coordinates.between


def _shared_energy(instance: Instance, coordinates: Coordinates) -> SharedEnergy:
    return SharedEnergy(
        coordinates.moment(instance.pairs.coupling),
        coordinates.between,
        LogSumExpTerm(coordinates.weights, coordinates.centres, coordinates.centres),
    )


def _separate_energy(instance: Instance, coordinates: Coordinates) -> SeparateEnergy:
    return SeparateEnergy(coordinates.moment(instance.pairs.coupling), Gaussians.of(coordinates))


def _unconstrained(
    instance: Instance, coordinates: Coordinates, optimum: ConeMinimum, rank: int, bound: float
) -> Minimiser:
    converged = bound <= ACCEPTED * (1 + float(np.linalg.norm(optimum.Y)))
    notes = [Note.CONVEX]
    if rank == 0 and converged:
        notes.append(Note.NOTHING_TO_LEARN)
    if not converged:
        notes.append(shortfall(optimum.size, optimum.point))
    V = gram_factor(optimum.Y)
    return _report(instance, coordinates, V, rank, optimum.point, optimum.size, bound, converged, notes)


def _constrained(instance: Instance, coordinates: Coordinates, V: Floats, point: Point) -> Minimiser:
    size = float(np.linalg.norm(2 * point.gradient @ V))
    converged = size <= ACCEPTED * (1 + float(np.linalg.norm(V)))
    notes = [Note.LOCAL] if converged else [Note.LOCAL, Note.STALLED]
    return _report(instance, coordinates, V, V.shape[1], point, size, None, converged, notes)


def _report(
    instance: Instance,
    coordinates: Coordinates,
    V: Floats,
    rank: int,
    point: Point,
    residual: float,
    bound: float | None,
    converged: bool,
    notes: list[Note],
) -> Minimiser:
    A = coordinates.embedding @ V
    fisher = fisher_coordinates(instance.pairs.mixture).embedding
    return Minimiser(
        loss="infonce",
        maps={"M": A @ A.T, "A": A} if len(A) <= MAX_WHOLE else {"A": A},
        rank=rank,
        spaces=(column_space("M", A[:, :rank], orthonormal(fisher)),),
        value=point.value,
        value_error=point.value_error,
        kkt_residual=residual,
        error_bound=bound,
        converged=converged,
        notes=tuple(notes),
        reduced=coordinates.in_basis(V @ V.T),
        bases=(coordinates.basis,),
    )
