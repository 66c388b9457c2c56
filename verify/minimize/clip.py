"""Minimisers of CLIP on a paired mixture.

In the whitened coordinates of each modality W = E_V Y E_Tᵀ, Y of m_V × m_T, and
L(Y) = −2⟨C, Y⟩ + ½ tr(YᵀR_V Y) + ½ tr(Y R_T Yᵀ) + f_V(Y) + f_T(Yᵀ), R = I + S, with f the log-sum-exp terms:
2-strongly convex, and no cone. Where components have covariances of their own, W* need not live on the Fisher
subspaces: the coordinates are then those of the whole spaces, and the terms those of `separate.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from thmverify.integrate.float64 import REPLICATES
from thmverify.losses.clip import pairs_of
from thmverify.minimize.coordinates import Coordinates, fisher_coordinates, full_coordinates
from thmverify.minimize.effort import Effort
from thmverify.minimize.energy import LogSumExpTerm, Point, linear, quadratic, summed
from thmverify.minimize.factors import best_product
from thmverify.minimize.newton import Rescaled, flattening, minimise_freely
from thmverify.minimize.result import (
    ACCEPTED,
    TOLERANCE,
    Minimiser,
    Note,
    column_space,
    leading,
    orthonormal,
    shortfall,
)
from thmverify.minimize.sampled import LATTICE_DIMENSIONS, SampledTerm, descend, descend_factors
from thmverify.minimize.separate import Gaussians, SeparatePairedEnergy
from thmverify.models import Floats, Instance, PairedGMM

# Starts of a rank-constrained search: fewer where an evaluation is dear.
_STARTS, _FEW_STARTS = 14, 4


@dataclass(frozen=True)
class PairedEnergy:
    """L(Y) in whitened coordinates: C (m_V × m_T), R_V, R_T, and the log-sum-exp term of each direction."""

    C: Floats
    R_V: Floats
    R_T: Floats
    forward: LogSumExpTerm | SampledTerm
    backward: LogSumExpTerm | SampledTerm

    @property
    def modulus(self) -> float:
        """The modulus of strong convexity."""
        return 2.0

    def rough(self) -> PairedEnergy:
        """Return the loss with integrals to fewer digits."""
        if isinstance(self.forward, SampledTerm) or isinstance(self.backward, SampledTerm):
            raise TypeError("points are not refined")
        return replace(self, forward=self.forward.rough(), backward=self.backward.rough())

    def sampled(self, seed: int) -> PairedEnergy:
        """Return the loss over quasi-Monte Carlo points."""
        if isinstance(self.forward, SampledTerm) or isinstance(self.backward, SampledTerm):
            raise TypeError("the loss is sampled already")
        return replace(self, forward=SampledTerm(self.forward, seed), backward=SampledTerm(self.backward, seed))

    def point(self, Y: Floats) -> Point:
        """Return L(Y) and ∇L(Y)."""
        back = self.backward.point(Y.T)
        return summed(
            (
                linear(-2 * self.C, Y),
                quadratic(self.R_V @ Y, Y),
                quadratic(Y @ self.R_T, Y),
                self.forward.point(Y),
                replace(back, gradient=back.gradient.T),
            )
        )

    def hessian(self, Y: Floats) -> Floats:
        """Return ∇²L(Y) on row-major vec(Y)."""
        m, n = Y.shape
        transposed = np.arange(m * n).reshape(n, m).T.reshape(-1)
        if isinstance(self.forward, SampledTerm) or isinstance(self.backward, SampledTerm):
            raise TypeError("points give no matrix of second derivatives")
        back = self.backward.hessian(Y.T)[np.ix_(transposed, transposed)]
        quadratics = np.kron(self.R_V, np.eye(n)) + np.kron(np.eye(m), self.R_T)
        return np.asarray(quadratics + self.forward.hessian(Y) + back)


def minimise_clip(instance: Instance, rank: int, effort: Effort) -> Minimiser:
    """Return W* = A_V* A_T*ᵀ over factors with `rank` columns."""
    vision, text, energy = whitened(instance)
    large = min(*energy.C.shape, len(vision.weights) - 1) > LATTICE_DIMENSIONS
    sampled = energy.sampled(0) if large and isinstance(energy, PairedEnergy) else None
    optimum = unconstrained(energy) if sampled is None else _sampled_optimum(sampled, effort)
    # at points that no step has seen
    told = energy.sampled(REPLICATES) if large and isinstance(energy, PairedEnergy) else energy
    point = told.point(optimum)
    size = float(np.linalg.norm(point.gradient))
    bound = (size + point.gradient_error) / energy.modulus
    converged = bound <= ACCEPTED * (1 + float(np.linalg.norm(optimum)))
    reached = leading(np.linalg.svd(optimum, compute_uv=False), bound if converged else 1e-3 * bound)
    if reached <= rank:
        notes = [Note.CONVEX, Note.NOTHING_TO_LEARN] if reached == 0 and converged else [Note.CONVEX]
        if not converged:
            notes.append(shortfall(size, point))
        return _report(vision, text, optimum, reached, point, size, bound, converged, notes)
    starts = _STARTS if len(vision.weights) <= 4 else _FEW_STARTS
    if sampled is not None:
        outer, sizes, inner = np.linalg.svd(optimum)
        roots = np.sqrt(sizes[:rank])
        A, B = descend_factors(sampled, outer[:, :rank] * roots, inner[:rank].T * roots, effort)
    else:
        A, B = best_product(energy, optimum, energy.R_V, energy.R_T, rank, starts)
    Y = A @ B.T
    point = told.point(Y)
    size = float(np.linalg.norm(np.concatenate([point.gradient @ B, point.gradient.T @ A])))
    converged = size <= ACCEPTED * (1 + float(np.linalg.norm(Y)))
    notes = [Note.LOCAL] if converged else [Note.LOCAL, Note.STALLED]
    return _report(vision, text, Y, rank, point, size, None, converged, notes)


def whitened(instance: Instance) -> tuple[Coordinates, Coordinates, PairedEnergy | SeparatePairedEnergy]:
    """Return coordinates of each modality that hold every minimiser, and the loss in them."""
    model = pairs_of(instance)
    if not (model.vision.law.shared and model.text.law.shared):
        vision, text = full_coordinates(model.vision), full_coordinates(model.text)
        return vision, text, separate_energy(model, vision, text)
    vision, text = fisher_coordinates(model.vision), fisher_coordinates(model.text)
    return vision, text, shared_energy(model, vision, text)


def shared_energy(model: PairedGMM, vision: Coordinates, text: Coordinates) -> PairedEnergy:
    """Return the loss of W = E_V Y E_Tᵀ, with one covariance in each modality."""
    return PairedEnergy(
        vision.moment(model.coupling, text),
        np.eye(vision.m) + vision.between,
        np.eye(text.m) + text.between,
        LogSumExpTerm(vision.weights, vision.centres, text.centres),
        LogSumExpTerm(vision.weights, text.centres, vision.centres),
    )


def separate_energy(model: PairedGMM, vision: Coordinates, text: Coordinates) -> SeparatePairedEnergy:
    """Return the loss of W = E_V Y E_Tᵀ, whatever the covariances."""
    C = vision.moment(model.coupling, text)
    return SeparatePairedEnergy(C, Gaussians.of(vision), Gaussians.of(text))


def _sampled_optimum(energy: PairedEnergy, effort: Effort) -> Floats:
    return descend(energy, flattening(energy.R_V), flattening(energy.R_T), np.zeros_like(energy.C), effort)


def unconstrained(energy: PairedEnergy | SeparatePairedEnergy, tolerance: float = TOLERANCE) -> Floats:
    """Return the minimum of L over all Y."""
    flat = Rescaled(energy, flattening(energy.R_V), flattening(energy.R_T))
    shape = energy.C.shape

    def first(y: Floats) -> tuple[float, Floats]:
        point = flat.point(y.reshape(shape))
        return point.value, point.gradient.reshape(-1)

    def second(y: Floats) -> Floats:
        return flat.hessian(y.reshape(shape))

    return flat.original(minimise_freely(first, second, np.zeros(energy.C.size), tolerance).x.reshape(shape))


def _report(
    vision: Coordinates,
    text: Coordinates,
    Y: Floats,
    rank: int,
    point: Point,
    residual: float,
    bound: float | None,
    converged: bool,
    notes: list[Note],
) -> Minimiser:
    """Report with balanced factors: A_VᵀA_V = A_TᵀA_T."""
    left, _, right = np.linalg.svd(Y, full_matrices=False)
    W = vision.embedding @ Y @ text.embedding.T
    U, sizes, V = np.linalg.svd(W, full_matrices=False)
    roots = np.sqrt(sizes[:rank])
    return Minimiser(
        loss="clip",
        maps={"W": W, "A_V": U[:, :rank] * roots, "A_T": V[:rank].T * roots},
        rank=rank,
        spaces=(
            column_space("W", vision.embedding @ left[:, :rank], _fisher(vision)),
            column_space("Wᵀ", text.embedding @ right[:rank].T, _fisher(text)),
        ),
        value=point.value,
        value_error=point.value_error,
        kkt_residual=residual,
        error_bound=bound,
        converged=converged,
        notes=tuple(notes),
        reduced=vision.in_basis(Y, text),
        bases=(vision.basis, text.basis),
    )


def _fisher(modality: Coordinates) -> Floats:
    """Return an orthonormal basis of the Fisher subspace."""
    return orthonormal(fisher_coordinates(modality.mixture).embedding)
