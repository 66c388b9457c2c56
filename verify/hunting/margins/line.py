"""InfoNCE with Σ = I on the maps M = y·e₁e₁ᵀ: the best y, and the integrals there, all one-dimensional.

p_k(x₁) ∝ w_k exp(y a_k x₁), and x₁ ~ N(a_j, 1) under component j. One lattice serves every component, and
exp(y a_k (a_j + z)) is a product, so K exponentials a node suffice.
"""

from __future__ import annotations

from dataclasses import dataclass

from thmverify.hunting.margins.arrays import Array, namespace, outer, times, transposed

_REACH, _NODES = 7.5, 64  # of the lattice, in standard deviations
STEEPEST = 12.0  # the spread of the logits over a standard deviation up to which the lattice is good for a search
_NEAREST, _FARTHEST = 0.02, 1000.0  # the extent of the means within which floats tell a slope from noise
_ITERATIONS, _RESIDUAL = 40, 1e-11
_FLATTEST = 1e-9  # the least y as a part of its upper bound


def lattice(xp: Array, nodes: int = _NODES) -> tuple[Array, Array]:
    """Return the nodes z of the lattice, (Z), and their weights under the standard normal law, with sum 1."""
    z = xp.linspace(-_REACH, _REACH, nodes)
    density = xp.exp(-z * z / 2)
    return z, density / xp.sum(density)


@dataclass(frozen=True)
class Sums:
    """Sums over the lattice at y: slope and curvature of L in y, and what the softmax is made of.

    scale: (n, J, K), powers: (n, K, Z), totals: (n, J, Z), p_k at node z under component j being scale·powers/totals.
    """

    slope: Array
    curvature: Array
    scale: Array
    powers: Array
    totals: Array


@dataclass(frozen=True)
class Across:
    """What the softmax at the optimum says about directions across the line.

    Q: (n, J, K), w_j E_j p_k. pulled: (n, K), E[p_k x₁]. covariance: (n, K, K), E Cov_p(1_k, 1_l).
    """

    Q: Array
    pulled: Array
    covariance: Array


class Line:
    """The integrals on the line for a batch: weights w (n, K), positions a (n, K), bias δ."""

    def __init__(self, weights: Array, line: Array, delta: float) -> None:
        self.xp = namespace(line)
        self.w, self.a, self.delta = weights, line, delta
        self.z, self.density = lattice(self.xp)
        self.x = line[..., :, None] + self.z
        self.s = self.xp.sum(weights * line * line, axis=-1)
        self.mean = self.xp.sum(weights * line, axis=-1)
        self.C = delta * self.s + (1 - delta) * self.mean**2

    def at(self, y: Array) -> Sums:
        """Return the sums at y (n)."""
        xp, a = self.xp, self.a
        logits = y[..., None, None] * outer(a, a) + xp.log(self.w)[..., None, :]
        scale = xp.exp(logits - xp.max(logits, axis=-1)[..., None])
        powers = xp.exp((y[..., None] * a)[..., None] * self.z)
        totals = scale @ powers
        first = (scale * a[..., None, :]) @ powers / totals
        second = (scale * (a * a)[..., None, :]) @ powers / totals
        slope = -self.C + y * (1 + self.s) + self.mean_of(first * self.x)
        curvature = 1 + self.s + self.mean_of((second - first**2) * self.x**2)
        return Sums(slope, curvature, scale, powers, totals)

    def mean_of(self, values: Array) -> Array:
        """Return E of what is given at the nodes under each component, (n, J, Z)."""
        return self.xp.sum(self.w * (values @ self.density), axis=-1)

    def optimum(self) -> tuple[Array, Sums]:
        """Return the y ≥ 0 at which L has slope 0, by Newton's method in a bracket; rows that have arrived rest."""
        xp = self.xp
        # The log-sum-exp is convex with slope ā² at 0, so that L has a positive slope from here on.
        high = self.delta * (self.s - self.mean**2) / (1 + self.s)
        low, y = _FLATTEST * high, high / (1 + self.s)
        part, rows = self, xp.arange(len(y))
        for _ in range(_ITERATIONS):
            found = part.at(y[rows])
            moving = ~(xp.abs(found.slope) <= _RESIDUAL * part.C)
            if not moving.any():
                break
            slope, curvature = found.slope[moving], found.curvature[moving]
            rows, part = rows[moving], part.where(moving)
            here, falling = y[rows], slope < 0
            below, above = xp.where(falling, here, low[rows]), xp.where(falling, high[rows], here)
            step = here - slope / curvature
            y[rows] = xp.where((step > below) & (step < above), step, xp.sqrt(below * above))
            low[rows], high[rows] = below, above
        return y, self.at(y)

    def where(self, rows: Array) -> Line:
        """Return the chosen rows of the batch."""
        return Line(self.w[rows], self.a[rows], self.delta)

    def usable(self, y: Array, found: Sums) -> Array:
        """Return where y is found, the lattice is fine enough, and the extent of the means is for floats."""
        xp = self.xp
        spread = xp.max(self.a, axis=-1) - xp.min(self.a, axis=-1)
        return (
            (xp.abs(found.slope) <= 1e-8 * self.C)
            & (y * spread < STEEPEST)
            & (spread > _NEAREST)
            & (spread < _FARTHEST)
        )

    def across(self, found: Sums) -> Across:
        """Return the moments that involve components across the line."""
        xp, w = self.xp, self.w
        p = found.scale[..., None] * found.powers[..., None, :, :] / found.totals[..., :, None, :]  # (n, J, K, Z)
        Q = w[..., None] * (p @ self.density)
        pulled = xp.sum(w[..., None] * ((p * self.x[..., None, :]) @ self.density), axis=-2)
        pairs = xp.sum(w[..., None, None] * ((p * self.density) @ transposed(p)), axis=-3)
        return Across(Q, pulled, xp.sum(Q, axis=-2)[..., None] * xp.eye(w.shape[-1]) - pairs)

    def pull(self, y: Array, moments: Across) -> Array:
        """Return G (n, K): ∂L/∂M₁₂ at y is Σ_k G_k b_k for means with components b_k along e₂."""
        of_mean = (1 - self.delta) * self.mean[..., None]
        along = (y[..., None] - 2 * self.delta) * self.w * self.a - 2 * of_mean * self.w
        return along + moments.pulled + times(moments.Q, self.a)
