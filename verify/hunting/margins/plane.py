"""InfoNCE on means in a plane, in any position: the best rank-1 map, and the slope of L across it.

Let Σ = I and d = 2, and L(M) = −⟨C, M⟩ + ½ tr(MRM) + E log Σ_k w_k exp(μ_kᵀMx), R = I + S. Since L is convex, M* has
rank 1 at most exactly when the best M = ppᵀ has a slope vᵀ∇L(M)v ≥ 0 across, v ⊥ p a unit vector: then Col(M*) ≠ S_F.
So the sign of that slope is the margin's.

Turn the plane until p = (q, 0), and write μ_k = (a_k, b_k). The logits depend on x through x₁ alone, so that every
integral has one dimension: under component j, x₁ = a_j + z with z standard normal, and E[x₂ | x₁] = b_j. With the
softmax at x₁, let m be its mean of the μ_k and c its covariance of them. Then ℓ(p) = E log Σ_k w_k exp(μ_kᵀppᵀx) has

    ∂₁ℓ  = 2q E[x₁m₁],                     ∂₁₁ℓ = 2E[x₁m₁] + 4q²E[x₁²c₁₁],
    ∂₂ℓ  = q E[x₁m₂ + b_j m₁],             ∂₁₂ℓ = E[x₁m₂ + b_j m₁] + 2q²E[x₁²c₁₂ + x₁b_j c₁₁],
    vᵀ∇ℓv = E[b_j m₂],                     ∂₂₂ℓ = E[z m₁ + 2b_j m₂] + q²E[x₁²c₂₂ + 2x₁b_j c₁₂ + b_j²c₁₁],

the last with the derivatives of |p| in x₁ = a_j + z, whose first coordinate turns with p. The best p is found by
Newton's method from several directions, for a whole batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from thmverify.hunting.margins.arrays import Array, namespace
from thmverify.hunting.margins.line import STEEPEST, lattice

_DIRECTIONS, _ALONG, _KEPT, _STEPS = 6, 2, 2, 25
_ROUNDING = 1e-14
_RESIDUAL = 1e-9  # of |p|·tr C, up to which a gradient counts as 0


@dataclass(frozen=True)
class Points:
    """What is known of L at ppᵀ, arrays of (n): its value, derivatives along p and across it, and the slope vᵀ∇L v."""

    value: Array
    g1: Array
    g2: Array
    h11: Array
    h12: Array
    h22: Array
    slope: Array


class Plane:
    """The rank-1 maps for a batch: weights w (n, K), whitened means μ (n, K, 2), bias δ."""

    def __init__(self, weights: Array, means: Array, delta: float) -> None:
        xp = self.xp = namespace(means)
        self.w, self.delta = weights, delta
        self.x, self.y = means[..., 0], means[..., 1]
        self.z, density = lattice(xp)
        self.powers_of_z = xp.stack([density, density * self.z, density * self.z**2], axis=-1)  # (Z, 3)
        self.trace = self.form(self.x, self.x) + self.form(self.y, self.y)

    def where(self, rows: Array) -> Plane:
        """Return the chosen rows of the batch."""
        return Plane(self.w[rows], self.xp.stack([self.x[rows], self.y[rows]], axis=-1), self.delta)

    def form(self, a: Array, b: Array) -> Array:
        """Return C's entry (n) for two coordinates of the means, (n, K) each."""
        xp, w = self.xp, self.w
        means = xp.sum(w * a, axis=-1) * xp.sum(w * b, axis=-1)
        return self.delta * xp.sum(w * a * b, axis=-1) + (1 - self.delta) * means

    def turned(self, ux: Array, uy: Array) -> tuple[Array, Array]:
        """Return the coordinates of the means along the unit vector (ux, uy) and across it, (n, K) each."""
        ux, uy = ux[:, None], uy[:, None]
        return ux * self.x + uy * self.y, ux * self.y - uy * self.x

    def at(self, px: Array, py: Array) -> Points:
        """Return what is known at p = (px, py), none of which is 0."""
        xp, w = self.xp, self.w
        q = xp.sqrt(px * px + py * py)
        a, b = self.turned(px / q, py / q)
        m1, m2, c11, c12, c22, logs = self._softmax(q, a, b)  # moments in z, (n, J, 3)
        x1m1, x1m2 = a * m1[..., 0] + m1[..., 1], a * m2[..., 0] + m2[..., 1]
        xc11 = a * c11[..., 0] + c11[..., 1]
        xc12 = a * c12[..., 0] + c12[..., 1]
        xxc11, xxc12, xxc22 = (a * a * c[..., 0] + 2 * a * c[..., 1] + c[..., 2] for c in (c11, c12, c22))

        def mean(values: Array) -> Array:
            return xp.sum(w * values, axis=-1)

        C11, C12, C22 = self.form(a, a), self.form(a, b), self.form(b, b)
        R11, R12, R22 = 1 + mean(a * a), mean(a * b), 1 + mean(b * b)
        square = q * q
        along, mixed = mean(x1m1), mean(x1m2 + b * m1[..., 0])
        return Points(
            value=-square * C11 + square * square * R11 / 2 + mean(logs),
            g1=2 * q * (-C11 + square * R11 + along),
            g2=q * (-2 * C12 + square * R12 + mixed),
            h11=-2 * C11 + 6 * square * R11 + 2 * along + 4 * square * mean(xxc11),
            h12=-2 * C12 + 3 * square * R12 + mixed + 2 * square * mean(xxc12 + b * xc11),
            h22=-2 * C22
            + square * (R11 + R22)
            + mean(m1[..., 1] + 2 * b * m2[..., 0])
            + square * mean(xxc22 + 2 * b * xc12 + b * b * c11[..., 0]),
            slope=-C22 + mean(b * m2[..., 0]),
        )

    def _softmax(self, q: Array, a: Array, b: Array) -> tuple[Array, ...]:
        """Return E_j of m₁, m₂, c₁₁, c₁₂, c₂₂ times 1, z and z², each (n, J, 3), and of the log-sum-exp, (n, J)."""
        xp = self.xp
        logits = (q * q)[:, None, None] * a[:, :, None] * a[:, None, :] + xp.log(self.w)[:, None, :]
        most = xp.max(logits, axis=-1)
        scale = xp.exp(logits - most[..., None])  # (n, J, K)
        powers = xp.exp(((q * q)[:, None] * a)[..., None] * self.z)  # (n, K, Z)
        J, K = scale.shape[1:]
        factors = xp.stack([xp.ones_like(a), a, b, a * a, a * b, b * b], axis=1)  # (n, 6, K)
        sums = (factors[:, :, None, :] * scale[:, None]).reshape(-1, 6 * J, K) @ powers
        total, *rest = (sums.reshape(-1, 6, J, sums.shape[-1])[:, i] for i in range(6))
        inverse = 1 / total
        m1, m2, b11, b12, b22 = (part * inverse for part in rest)
        moments = [v @ self.powers_of_z for v in (m1, m2, b11 - m1 * m1, b12 - m1 * m2, b22 - m2 * m2)]
        return (*moments, xp.log(total) @ self.powers_of_z[:, 0] + most)


def plane_margins(weights: Array, means: Array, delta: float) -> Array:
    """Return the slope across the best rank-1 map, normalised (n); NaN where it is not told.

    It is what is left of C once the softmax has taken its part: the slope across, −C₂₂ + E[b_j m₂], as a part of C₂₂,
    over the pull along, C₁₁ − E[x₁m₁] = q²R₁₁, as a part of C₁₁. Both fall as the means move apart, so that no far
    instance is a near miss; the margin is −1 when the means are small. It is not told where the lattice is too coarse
    for the logits, or where Newton's method has not converged.
    """
    xp = namespace(means)
    S = xp.swapaxes(means, -1, -2) @ (weights[..., None] * means)
    plane = Plane(weights, means @ xp.linalg.eigh(S)[1], delta)  # the axes are among the directions to begin with
    px, py, found = _best(plane)
    q = xp.sqrt(px * px + py * py)
    a, b = plane.turned(px / q, py / q)
    steep = q * q * (xp.max(a, axis=-1) - xp.min(a, axis=-1))
    told = _stationary(plane, q, found) & (steep < STEEPEST)
    along, across = plane.form(a, a), plane.form(b, b)
    pull = q * q * (1 + xp.sum(weights * a * a, axis=-1)) / along
    return xp.where(told, found.slope / across / pull, xp.nan)


def _stationary(plane: Plane, q: Array, found: Points) -> Array:
    return plane.xp.abs(found.g1) + plane.xp.abs(found.g2) <= _RESIDUAL * q * plane.trace


def _best(plane: Plane) -> tuple[Array, Array, Points]:
    """Return the best p found and what is known there: from several directions, first along each, then freely."""
    xp = plane.xp
    angles = [xp.pi * i / _DIRECTIONS for i in range(_DIRECTIONS)]
    tried = [_along(plane, float(xp.cos(angle)), float(xp.sin(angle))) for angle in angles]
    sizes, values = (xp.stack([ray[i] for ray in tried]) for i in range(2))
    order, rows = xp.argsort(values, axis=0)[:_KEPT], xp.arange(len(plane.w))
    turned = xp.asarray(angles)
    ends = [_freely(plane, sizes[i, rows] * xp.cos(turned[i]), sizes[i, rows] * xp.sin(turned[i])) for i in order]
    px, py, found = ends[0]
    for qx, qy, other in ends[1:]:
        better = other.value < found.value
        px, py, found = xp.where(better, qx, px), xp.where(better, qy, py), _chosen(better, other, found)
    return px, py, found


def _along(plane: Plane, ux: float, uy: float) -> tuple[Array, Array]:
    """Return the length of the p on a ray that is nearly the best there, and the value of L."""
    xp, a = plane.xp, ux * plane.x + uy * plane.y
    s, mean = xp.sum(plane.w * a * a, axis=-1), xp.sum(plane.w * a, axis=-1)
    most = xp.sqrt(plane.delta * (s - mean * mean) / (1 + s)) + 1e-150  # L rises from here on, as on a line
    size = most / xp.sqrt(1 + s)
    for _ in range(_ALONG):
        found = plane.at(size * ux, size * uy)
        step = size - found.g1 / xp.where(found.h11 > 0, found.h11, xp.inf)
        size = xp.clip(step, size / 4, most)
    return size, found.value


def _freely(plane: Plane, px: Array, py: Array) -> tuple[Array, Array, Points]:
    """Return the ends of Newton's method from p, and what is known there: each step lowers L or is shortened.

    Rows that have arrived are left alone.
    """
    found, radius = plane.at(px, py), plane.xp.ones(len(px))
    px, py = px.copy(), py.copy()
    part, rows = plane, plane.xp.arange(len(px))
    for _ in range(_STEPS):
        moving = ~_stationary(part, plane.xp.sqrt(px[rows] ** 2 + py[rows] ** 2), _rows(found, rows))
        if not moving.any():
            break
        rows, part = rows[moving], part.where(moving)
        here = _rows(found, rows)
        sx, sy = _step(part, px[rows], py[rows], here, radius[rows])
        trial = part.at(px[rows] + sx, py[rows] + sy)
        lower = _better(part, trial, here)
        px[rows] += part.xp.where(lower, sx, 0.0)
        py[rows] += part.xp.where(lower, sy, 0.0)
        radius[rows] = part.xp.where(lower, 1.0, radius[rows] / 4)
        for f in fields(Points):
            getattr(found, f.name)[rows] = part.xp.where(lower, getattr(trial, f.name), getattr(here, f.name))
    return px, py, found


def _better(plane: Plane, trial: Points, here: Points) -> Array:
    """Return where L is lower, or as low as rounding tells and its gradient smaller."""
    xp = plane.xp
    flatter = xp.abs(trial.g1) + xp.abs(trial.g2) < xp.abs(here.g1) + xp.abs(here.g2)
    return (trial.value < here.value) | (flatter & (trial.value <= here.value + _ROUNDING * (1 + xp.abs(here.value))))


def _step(plane: Plane, px: Array, py: Array, here: Points, radius: Array) -> tuple[Array, Array]:
    """Return Newton's step, with the Hessian made positive definite, no longer than `radius` times |p|/2."""
    xp = plane.xp
    half = xp.sqrt((here.h11 - here.h22) ** 2 / 4 + here.h12**2)
    middle = (here.h11 + here.h22) / 2
    shift = xp.maximum(0.0, 1e-3 * (xp.abs(middle) + half) - (middle - half))
    h11, h22 = here.h11 + shift, here.h22 + shift
    determinant = h11 * h22 - here.h12**2
    s1 = -(h22 * here.g1 - here.h12 * here.g2) / determinant
    s2 = -(h11 * here.g2 - here.h12 * here.g1) / determinant
    q = xp.sqrt(px * px + py * py)
    shorter = xp.minimum(1.0, radius * q / 2 / xp.maximum(xp.sqrt(s1 * s1 + s2 * s2), 1e-300)) / q
    return shorter * (px * s1 - py * s2), shorter * (py * s1 + px * s2)


def _rows(found: Points, rows: Array) -> Points:
    return Points(*(getattr(found, f.name)[rows] for f in fields(Points)))


def _chosen(first: Array, one: Points, other: Points) -> Points:
    """Return one where `first`, and the other elsewhere."""
    xp = namespace(one.value)
    return Points(*(xp.where(first, getattr(one, f.name), getattr(other, f.name)) for f in fields(Points)))
