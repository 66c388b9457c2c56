"""The log-sum-exp term over quasi-Monte Carlo points, and Newton's method without matrices of derivatives.

For mixtures whose minimiser leaves more dimensions than a lattice can fill: an evaluation costs K² times the points and
m³, whatever the dimension. The points are scrambled Sobol sequences and their mirror images, the same in every step, so
that what is minimised is smooth; how far it is from the loss is told by points that no step has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import scipy

from thmverify.integrate.float64 import REPLICATES, mean_confidence
from thmverify.integrate.rules import sobol
from thmverify.minimize.effort import Effort
from thmverify.minimize.energy import LogSumExpTerm, Point, SharedEnergy
from thmverify.minimize.newton import ConeMinimum, Smooth, flattening, on_cone, search, shares_of_projection
from thmverify.models import Floats

LATTICE_DIMENSIONS = 4  # up to which a lattice is affordable
_WORK, _FEWEST, _MOST = 22, 11, 14  # binary logarithms: points of a replicate · K², and bounds of the points
_CURVED = 9  # of the points for the Hessian
_STEPS, _DESCENT = 40, 300  # of Newton's method, and of L-BFGS
_KRYLOV, _POWERS = 60, 12  # steps of GMRES, and of the power method for the Hessian's norm
_COARSE = 1e-3  # what GMRES leaves of the residual: the Hessian is no better
_SMALLEST = 1e-300

Curvature = Callable[[Floats], Floats]


@lru_cache(maxsize=2 * REPLICATES)
def _points(m: int, log2_nodes: int, seed: int) -> Floats:
    nodes = sobol(m, log2_nodes, seed).nodes
    return np.concatenate([nodes, -nodes])


@dataclass(frozen=True)
class _Weighed:
    """Softmax weights p_jnk = scale_jk powers_nk / totals_jn of component k at ν_j + z_n."""

    nodes: Floats
    scale: Floats
    powers: Floats
    totals: Floats
    highest: Floats  # log Σ_k = log totals + highest (N × J)


@dataclass(frozen=True)
class SampledTerm:
    """f of `LogSumExpTerm`, averaged over REPLICATES randomised sets of points, the first of them with this seed."""

    term: LogSumExpTerm
    seed: int = 0

    @property
    def _size(self) -> int:
        """The binary logarithm of how many points a replicate has, mirror images aside."""
        return min(_MOST, max(_FEWEST, _WORK - 2 * int(np.log2(len(self.term.weights)))))

    def point(self, Y: Floats) -> Point:
        """Return f(Y) and ∇f(Y) as means over the replicates, with errors that their spread tells."""
        found = [self._replicate(Y, self.seed + i) for i in range(REPLICATES)]
        values, gradients = np.array([value for value, _ in found]), np.array([gradient for _, gradient in found])
        apart = float(np.sqrt(np.sum(gradients.var(axis=0))))
        return Point(
            float(values.mean()),
            np.asarray(gradients.mean(axis=0)),
            mean_confidence() * float(values.std()),
            mean_confidence() * apart,
            apart,
        )

    def _replicate(self, Y: Floats, seed: int) -> tuple[float, Floats]:
        term, w = self.term, self.term.weights
        middle = term.targets @ w  # Σ_k p_k = 1: only the targets' differences meet the points
        at = self._weighed(Y, _points(len(Y), self._size, seed))
        shares = w / at.totals / len(at.nodes)
        pulled = at.nodes.T @ (at.powers * (shares @ at.scale))
        pulled += term.centres @ (at.scale * (shares.T @ at.powers))
        gradient = pulled @ (term.targets - middle[:, None]).T + np.outer(term.centres @ w, middle)
        value = float(np.mean((np.log(at.totals) + at.highest) @ w))
        return value + float(np.sum((term.centres @ w) * (Y @ middle))), gradient

    def _weighed(self, Y: Floats, nodes: Floats) -> _Weighed:
        term = self.term
        slopes = Y @ (term.targets - (term.targets @ term.weights)[:, None])
        heights = term.centres.T @ slopes
        along = (slopes.T @ nodes.T).T  # each column in one piece: the maximum of rows is found in half the time
        top, crest = heights.max(axis=1), along.max(axis=1)
        scale, powers = term.weights * np.exp(heights - top[:, None]), np.exp(along - crest[:, None])
        totals = np.maximum(powers @ scale.T, _SMALLEST)
        return _Weighed(nodes, scale, powers, totals, crest[:, None] + top)

    def curvature(self, Y: Floats) -> Curvature:
        """Return H ↦ D²f(Y)[H], over fewer points."""
        term, w = self.term, self.term.weights
        targets = term.targets - (term.targets @ w)[:, None]
        nodes = np.concatenate([_points(len(Y), _CURVED, self.seed + i) for i in range(4)])
        at = self._weighed(Y, nodes)
        shares = w / at.totals / len(nodes)  # N × J
        flat = shares @ at.scale

        def product(H: Floats) -> Floats:
            moved = H @ targets
            a, b = term.centres.T @ moved, nodes @ moved  # (j, k) and (n, k): how the exponents move
            mean = (at.powers @ (at.scale * a).T + (at.powers * b) @ at.scale.T) / at.totals
            along = at.powers * (shares @ (at.scale * a) + b * flat - (shares * mean) @ at.scale)
            across = a * (shares.T @ at.powers) + shares.T @ (at.powers * b) - (shares * mean).T @ at.powers
            return np.asarray((nodes.T @ along + term.centres @ (at.scale * across)) @ targets.T)

        return product


@dataclass(frozen=True)
class SampledEnergy:
    """InfoNCE's loss in whitened coordinates over points, with the Hessian as a function."""

    exact: SharedEnergy
    seed: int = 0

    @cached_property
    def _term(self) -> SampledTerm:
        return SampledTerm(self.exact.term, self.seed)

    @property
    def modulus(self) -> float:
        """The modulus of strong convexity, also over points."""
        return self.exact.modulus

    def point(self, Y: Floats) -> Point:
        """Return the value and the gradient."""
        return self.exact.with_term(self._term.point(Y), Y)

    def curvature(self, Y: Floats) -> Curvature:
        """Return the Hessian as a function of symmetric matrices."""
        inner, R = self._term.curvature(Y), np.eye(len(Y)) + self.exact.S

        def product(H: Floats) -> Floats:
            total = H @ R + inner(H)
            return np.asarray((total + total.T) / 2)

        return product


def minimise_sampled(energy: SharedEnergy, R: Floats, tolerance: float, effort: Effort) -> ConeMinimum:
    """Return the minimum over Y ⪰ 0: over points first, then, where its rank leaves few dimensions, by lattices.

    The residual that is returned is one at points that no step has seen, or exact to rounding.
    """
    sampled = SampledEnergy(energy)
    found = _newton(sampled, sampled, R, np.zeros_like(R), tolerance, effort)
    fresh = SampledEnergy(energy, REPLICATES).point(found.Y)
    found = replace(found, point=fresh, residual=fresh.gradient - found.Z)
    noise = (found.size + fresh.gradient_error) / energy.modulus
    values, vectors = np.linalg.eigh(found.Y)
    seen = values > min(noise, 0.5 * float(values.max(initial=0.0)))
    if not 0 < int(seen.sum()) <= LATTICE_DIMENSIONS:
        return found
    start = vectors[:, seen] * values[seen] @ vectors[:, seen].T
    polished = _newton(energy, sampled, R, start, tolerance, effort)
    return polished if polished.size + polished.point.gradient_error < found.size + fresh.gradient_error else found


@dataclass(frozen=True)
class _Flat:
    """Ŷ ↦ L(left Ŷ leftᵀ), as in `newton.Rescaled`, without the matrix of second derivatives."""

    objective: Smooth
    left: Floats

    def original(self, Y: Floats) -> Floats:
        return self.left @ Y @ self.left.T

    def point(self, Y: Floats) -> Point:
        inner = self.objective.point(self.original(Y))
        return replace(inner, gradient=self.left.T @ inner.gradient @ self.left)


def _newton(
    objective: Smooth,
    curved: SampledEnergy,
    R: Floats,
    start: Floats,
    tolerance: float,
    effort: Effort,
) -> ConeMinimum:
    """Return the minimum on the cone by the method of `minimise_on_cone`, each step solved by GMRES.

    `curved` has the Hessian. Near the minimum a Hessian that is right to some digits gains as many in each step.
    """
    left = flattening(R)
    back = np.linalg.inv(left)
    flat = _Flat(objective, left)
    gamma = 1.0
    current = on_cone(flat, back @ start @ back.T, gamma)
    for step in range(_STEPS):
        effort.observe(f"step {step}: residual {current.size:.1e}")
        if current.size <= tolerance or effort.spent:
            break
        inner = curved.curvature(flat.original(current.Y))

        def hessian(H: Floats, inner: Curvature = inner) -> Floats:
            return np.asarray(left.T @ inner(left @ H @ left.T) @ left)

        gamma = 1 / _norm(hessian, len(R))
        X = current.Y - gamma * current.Z
        current = replace(current, residual=current.point.gradient - current.Z)
        found = search(flat, X, _direction(hessian, X, gamma, current.residual), gamma, current.size)
        if found is None:
            break
        current = found
    Y, Z = flat.original(current.Y), back.T @ current.Z @ back
    point = objective.point(Y)
    return ConeMinimum(Y, Z, point, point.gradient - Z)


def _norm(hessian: Curvature, m: int) -> float:
    """Return about the largest eigenvalue of the Hessian, by the power method."""
    H, size = np.eye(m) / np.sqrt(m), 1.0
    for _ in range(_POWERS):
        image = hessian(H)
        size = float(np.linalg.norm(image))
        H = image / size
    return size


def _direction(hessian: Curvature, X: Floats, gamma: float, residual: Floats) -> Floats:
    """Solve (∇²L Π' + (I − Π')/γ) D = −F by GMRES."""
    m = len(X)
    vectors, shares = shares_of_projection(X)

    def apply(d: Floats) -> Floats:
        D = d.reshape(m, m)
        inside = vectors @ (shares * (vectors.T @ D @ vectors)) @ vectors.T
        return np.asarray(hessian(inside) + (D - inside) / gamma).reshape(-1)

    operator = scipy.sparse.linalg.LinearOperator((m * m, m * m), matvec=apply, dtype=np.float64)
    d, _ = scipy.sparse.linalg.gmres(operator, -residual.reshape(-1), rtol=_COARSE, restart=_KRYLOV, maxiter=1)
    D = np.asarray(d, dtype=np.float64).reshape(m, m)
    return np.asarray((D + D.T) / 2)


def descend(objective: Smooth, left: Floats, right: Floats, start: Floats, effort: Effort) -> Floats:
    """Return where L-BFGS on Ŷ ↦ L(left Ŷ rightᵀ) ends, as Y."""

    def value(y: Floats) -> tuple[float, Floats]:
        point = objective.point(left @ y.reshape(start.shape) @ right.T)
        return point.value, (left.T @ point.gradient @ right).reshape(-1)

    y = _bfgs(value, np.linalg.solve(left, start) @ np.linalg.inv(right).T, effort)
    return np.asarray(left @ y.reshape(start.shape) @ right.T)


def descend_factors(objective: Smooth, A: Floats, B: Floats | None, effort: Effort) -> tuple[Floats, Floats]:
    """Return where L-BFGS on A ↦ L(AAᵀ), or on A, B ↦ L(ABᵀ), ends."""
    rows = len(A)

    def value(v: Floats) -> tuple[float, Floats]:
        V = v.reshape(-1, A.shape[1])
        left, right = (V, V) if B is None else (V[:rows], V[rows:])
        point = objective.point(left @ right.T)
        pulled = point.gradient @ right, point.gradient.T @ left
        return point.value, (pulled[0] + pulled[1] if B is None else np.concatenate(pulled)).reshape(-1)

    V = _bfgs(value, A if B is None else np.concatenate([A, B]), effort).reshape(-1, A.shape[1])
    return (V, V) if B is None else (V[:rows], V[rows:])


def _bfgs(value: Callable[[Floats], tuple[float, Floats]], start: Floats, effort: Effort) -> Floats:
    """Return where L-BFGS ends, or is when the time is over."""
    best, steps = start.reshape(-1), 0

    def observe(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal best, steps
        best, steps = intermediate_result.x.copy(), steps + 1
        effort.observe(f"step {steps}: value {intermediate_result.fun:.10g}")
        if effort.spent:
            raise StopIteration

    limits = {"maxiter": _DESCENT, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 20}
    scipy.optimize.minimize(value, best, jac=True, method="L-BFGS-B", callback=observe, options=limits)
    return np.asarray(best, dtype=np.float64)
