"""Newton's method on the cone of positive semidefinite matrices, and a trust-region method for free variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np

from thmverify.minimize.effort import Effort
from thmverify.minimize.energy import Point
from thmverify.models import Floats

_STEPS = 60
# Steps are halved until their length times the residual is this small: beyond it rounding decides.
_HOPELESS = 1e-11
# A step of the trust region is taken when the model foresaw at least this fraction of the decrease.
_TRUSTED = 1e-4
_STEP_DIGITS = 1e-10  # relative, of the shift that makes a step as long as the ball's radius


class Smooth(Protocol):
    """A function of a matrix with a gradient."""

    def point(self, Y: Floats) -> Point:
        """Return the value and the gradient."""


class Objective(Smooth, Protocol):
    """A smooth function of a matrix."""

    def hessian(self, Y: Floats) -> Floats:
        """Return the Hessian on row-major vec(Y)."""


@dataclass(frozen=True)
class Rescaled:
    """Ŷ ↦ L(left Ŷ rightᵀ): coordinates in which far means do not make some directions much steeper than others."""

    objective: Objective
    left: Floats
    right: Floats

    def original(self, Y: Floats) -> Floats:
        """Return left Ŷ rightᵀ."""
        return self.left @ Y @ self.right.T

    def point(self, Y: Floats) -> Point:
        """Return the value and the gradient in Ŷ."""
        inner = self.objective.point(self.original(Y))
        return replace(inner, gradient=self.left.T @ inner.gradient @ self.right)

    def hessian(self, Y: Floats) -> Floats:
        """Return the Hessian on row-major vec(Ŷ)."""
        return np.asarray(self._stretch.T @ self.objective.hessian(self.original(Y)) @ self._stretch)

    @cached_property
    def _stretch(self) -> Floats:
        return np.asarray(np.kron(self.left, self.right), dtype=np.float64)


def flattening(R: Floats) -> Floats:
    """Return L⁻ᵀ for R = LLᵀ = E ssᵀ: InfoNCE's Hessian is about R ⊗ R, and about I ⊗ I in the coordinates Lᵀ Y L."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(R)).T, dtype=np.float64)


@dataclass(frozen=True)
class Symmetric:
    """The symmetric m × m matrices in an orthonormal basis (the off-diagonal elements over √2)."""

    m: int

    @property
    def basis(self) -> Floats:
        """The basis as the columns of an m² × m(m+1)/2 matrix, not to be written to."""
        return _basis(self.m)

    def flat(self, Y: Floats) -> Floats:
        """Return the coordinates of sym(Y)."""
        return np.asarray(self.basis.T @ Y.reshape(-1))

    def full(self, y: Floats) -> Floats:
        """Return the matrix with these coordinates."""
        return np.asarray((self.basis @ y).reshape(self.m, self.m))


@lru_cache(maxsize=64)
def _basis(m: int) -> Floats:
    a, b = np.triu_indices(m)
    n = len(a)
    E = np.zeros((n, m, m))
    scale = np.where(a == b, 0.5, np.sqrt(0.5))
    E[range(n), a, b] += scale
    E[range(n), b, a] += scale
    found = E.reshape(n, m * m).T
    found.setflags(write=False)
    return found


@dataclass(frozen=True)
class ConeMinimum:
    """Y ⪰ 0 and its multiplier Z ⪰ 0, ZY = 0; residual = ∇L(Y) − Z."""

    Y: Floats
    Z: Floats
    point: Point
    residual: Floats

    @property
    def size(self) -> float:
        """‖∇L(Y) − Z‖, which bounds ‖Y* − Y‖ when L is 1-strongly convex."""
        return float(np.linalg.norm(self.residual))


def minimise_on_cone(objective: Objective, R: Floats, tolerance: float, effort: Effort | None = None) -> ConeMinimum:
    """Return the minimum of a strongly convex function over Y ⪰ 0 (m × m), m × m being the shape of R = E ssᵀ.

    Semismooth Newton on the normal map X ↦ ∇L(Y) + (X − Y)/γ with Y = X₊, so Z = (−X)₊/γ is the multiplier and ZY = 0
    throughout. Strong convexity makes every element of its generalised Jacobian regular: convergence is quadratic
    whether or not the rank of Y* is full. Stops at `tolerance`, or when rounding lets it get no closer.
    """
    left = flattening(R)
    flat = Rescaled(objective, left, left)
    found = _newton_on_cone(flat, len(R), tolerance, effort or Effort())
    back = np.linalg.inv(left)
    Y, Z = flat.original(found.Y), back.T @ found.Z @ back
    point = objective.point(Y)
    return ConeMinimum(Y, Z, point, point.gradient - Z)


def _newton_on_cone(objective: Objective, m: int, tolerance: float, effort: Effort) -> ConeMinimum:
    space = Symmetric(m)
    start = np.zeros((m, m))
    at = objective.point(start)
    current = ConeMinimum(start, start, at, at.gradient)
    for step in range(_STEPS if m else 0):
        effort.observe(f"step {step}: residual {current.size:.1e}")
        if current.size <= tolerance or effort.spent:
            break
        hessian = space.basis.T @ objective.hessian(current.Y) @ space.basis
        gamma = 1 / float(np.linalg.norm(hessian, 2))  # as flat as the loss is here, so that X weighs Y and Z alike
        X = current.Y - gamma * current.Z
        direction = _newton_direction(hessian, space, X, gamma, current.residual)
        found = search(objective, X, direction, gamma, current.size)
        if found is None:
            break
        current = found
    return current


def search(objective: Smooth, X: Floats, direction: Floats, gamma: float, size: float) -> ConeMinimum | None:
    """Return a point along the direction with a smaller residual, None where rounding leaves none.

    A long step may leave the cone by much more than the multiplier there is worth; one gradient step puts it right.
    """
    step = 1.0
    while step * size > _HOPELESS or step == 1.0:
        trial = on_cone(objective, X + step * direction, gamma)
        if trial.size <= (1 - 1e-3 * step) * size:
            return trial
        if step > 0.1 and trial.Z.any():
            trial = on_cone(objective, trial.Y - gamma * trial.point.gradient, gamma)
            if trial.size <= (1 - 1e-3 * step) * size:
                return trial
        step /= 2
    return None


def on_cone(objective: Smooth, X: Floats, gamma: float) -> ConeMinimum:
    """Return Y = X₊ with its multiplier (−X)₊/γ."""
    values, vectors = np.linalg.eigh(X)
    Y = vectors * np.maximum(values, 0.0) @ vectors.T
    Z = vectors * np.maximum(-values, 0.0) @ vectors.T / gamma
    point = objective.point(Y)
    return ConeMinimum(Y, Z, point, point.gradient - Z)


def _newton_direction(hessian: Floats, space: Symmetric, X: Floats, gamma: float, residual: Floats) -> Floats:
    """Solve (∇²L Π' + (I − Π')/γ) D = −F for the derivative Π' of the projection X ↦ X₊."""
    vectors, shares = shares_of_projection(X)
    rotation = space.basis.T @ np.kron(vectors, vectors)
    projection = rotation * shares.reshape(-1) @ rotation.T
    jacobian = hessian @ projection + (np.eye(len(projection)) - projection) / gamma
    return space.full(np.asarray(np.linalg.solve(jacobian, -space.flat(residual)), dtype=np.float64))


def shares_of_projection(X: Floats) -> tuple[Floats, Floats]:
    """Return the eigenvectors V of X and the s with which X ↦ X₊ has the derivative D ↦ V(s ∘ VᵀDV)Vᵀ."""
    values, vectors = np.linalg.eigh(X)
    positive = np.maximum(values, 0.0)
    gaps = values[:, None] - values[None, :]
    sign = (values > 0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = (positive[:, None] - positive[None, :]) / gaps
    return vectors, np.where(gaps == 0, np.minimum(sign[:, None], sign[None, :]), quotient)


@dataclass(frozen=True)
class Stationary:
    """Where the trust region stopped: variables, value, gradient, and the Hessian's smallest eigenvalue there."""

    x: Floats
    value: float
    gradient: Floats
    curvature: float

    @property
    def size(self) -> float:
        """The norm of the gradient."""
        return float(np.linalg.norm(self.gradient))


Derivatives = tuple[float, Floats]


def minimise_freely(
    first: Callable[[Floats], Derivatives], second: Callable[[Floats], Floats], x: Floats, tolerance: float
) -> Stationary:
    """Return a local minimum of a smooth function: `first` gives value and gradient, `second` the Hessian.

    Trust region with exact steps from the Hessian's eigenvalues. Near the minimum, where values no longer tell points
    apart, a step must shrink the gradient instead.
    """
    radius = max(1.0, float(np.linalg.norm(x)))
    value, gradient = first(x)
    values, vectors = np.linalg.eigh(second(x))
    for _ in range(4 * _STEPS):
        if np.linalg.norm(gradient) <= tolerance or radius < 1e-14 * max(1.0, float(np.linalg.norm(x))):
            break
        step, foreseen = _trust_step(values, vectors, gradient, radius)
        new_value, new_gradient = first(x + step)
        gained, told_apart = value - new_value, foreseen > 1e-14 * (1 + abs(value))
        if told_apart:
            accepted, wider = gained >= _TRUSTED * foreseen, gained > 0.5 * foreseen
        else:
            accepted = wider = bool(np.linalg.norm(new_gradient) <= 0.9 * np.linalg.norm(gradient))
        if not accepted:
            radius = min(radius, float(np.linalg.norm(step))) / 4
            continue
        if wider:
            radius = max(radius, 2 * float(np.linalg.norm(step)))
        x, value, gradient = x + step, new_value, new_gradient
        values, vectors = np.linalg.eigh(second(x))
    return Stationary(x, value, gradient, float(values.min(initial=0.0)))


def _trust_step(values: Floats, vectors: Floats, gradient: Floats, radius: float) -> tuple[Floats, float]:
    """Return the minimiser of the quadratic model in the ball, and the decrease it foresees.

    Directions that the Hessian leaves flat (a gauge freedom) carry no gradient and are left alone.
    """
    g = vectors.T @ gradient
    flat = np.abs(values) <= 1e-9 * max(1.0, float(np.abs(values).max()))
    g = np.where(flat & (np.abs(g) <= 1e-6 * np.linalg.norm(g)), 0.0, g)

    def shifted(mu: float) -> Floats:
        denominators = values + mu
        return np.where(g == 0, 0.0, -g / np.where(denominators <= 0, 1.0, denominators))

    lowest = max(0.0, -float(values.min()) * (1 + 1e-6) + 1e-12)
    mu = lowest
    if not np.all((values + mu > 0) | (g == 0)) or np.linalg.norm(shifted(mu)) > radius:
        high = max(1.0, 2 * lowest) + float(np.linalg.norm(g)) / radius
        low = lowest
        for _ in range(80):
            mu = (low + high) / 2
            low, high = (mu, high) if np.linalg.norm(shifted(mu)) > radius else (low, mu)
            if high - low <= _STEP_DIGITS * high:  # the ball's radius is no more than a guess
                break
        mu = high
    step = shifted(mu)
    if values.min() < -1e-8 and np.linalg.norm(step) < radius and mu == lowest:
        # Hard case: the gradient does not see the direction of negative curvature.
        lengthen = np.zeros_like(step)
        lengthen[int(np.argmin(values))] = np.sqrt(radius**2 - float(step @ step))
        step = step + lengthen
    foreseen = -float(g @ step + 0.5 * step @ (values * step))
    return np.asarray(vectors @ step), foreseen
