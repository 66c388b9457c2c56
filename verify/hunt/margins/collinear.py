"""InfoNCE on nearly collinear means: the slope of L along the null direction of the best rank-1 map, in closed form.

Let Σ = I and μ_k = (a_k, εb_k), with ε small. The means on the line alone have the minimiser y·e₁e₁ᵀ, where y solves
a problem in one variable whose integrals are one-dimensional; p_k is the softmax there, which depends on x₁ only, and

    Q_jk = w_j E_j p_k,  V = E Var_p(a),  s = Σ w_k a_k²,  k = ∂²L/∂M₁₂² = 2 + s + V.

Across the line, L(M) in M₁₂ = εu and the block M₂₂ = ε²N has the leading part

    ε²·u·G(b) + ½ε²·k·u² + ε⁴·[⟨N, F(b)⟩ + u·⟨N, ℓ(b)⟩ + ½‖N‖²],

    F(b) = −δ Σ w_k b_k² − (1−δ)(Σ w_k b_k)² + Σ_jk Q_jk b_j b_k,
    G(b) = −2δ Σ w_k a_k b_k − 2(1−δ)ā b̄ + y Σ w_k a_k b_k + Σ_k b_k E[p_k x₁] + Σ_jk Q_jk b_j a_k,
    ℓ(b) = Σ w_k a_k b_k + E Cov_p(a, b).

Its minimum has u = −G/k, M₂₂ ≥ M₁₂²/y, and so the gradient across is ε² times the quadratic form

    T(b) = F(b) − G(b)ℓ(b)/k + G(b)²/(k²y),

which vanishes with its derivative at b = a, a turn of the line. Where T(b) > 0 for a b of the instance, M* is singular
for every small ε > 0 although the means span more than a line: Col(M*) ≠ S_F. The largest T(b) over Σ w_k b_k² = 1,
with b centred when the means are, is an eigenvalue. So a search needs the weights and the a_k alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from verify.hunt.margins.arrays import Array, namespace, outer, projected, times, transposed

_REACH, _NODES = 7.5, 64  # of the lattice, in standard deviations
_STEEPEST = 12.0  # the spread of the logits over a standard deviation up to which the lattice is good for a search
_FARTHEST = 1000.0  # the distance of two means, in standard deviations, up to which floats tell a slope from noise
_ITERATIONS, _RESIDUAL = 40, 1e-11
_FLATTEST = 1e-9  # the least y as a part of its upper bound


@dataclass(frozen=True)
class Collinear:
    """margin: (n), the largest T; directions: (n, K, q), b by falling T; y: (n). −∞ where floats do not tell."""

    margin: Array
    directions: Array
    y: Array


@dataclass(frozen=True)
class _Line:
    """Sums over the lattice at y: slope and curvature of L in y, and what the softmax is made of.

    scale: (n, J, K), powers: (n, K, Z), totals: (n, J, Z), p_k at node z under component j being scale·powers/totals.
    """

    slope: Array
    curvature: Array
    scale: Array
    powers: Array
    totals: Array


def collinear_slopes(weights: Array, line: Array, delta: Fraction, centred: bool) -> Collinear:
    """Return the largest T(b) for weights (n, K) and positions a on the line (n, K), centred if `centred`."""
    xp = namespace(line)
    moments = _Moments(weights, line, float(delta))
    y, line_sums = moments.optimum()
    form = moments.form(y, line_sums)
    root = xp.sqrt(weights)
    whitened = form / outer(root, root)
    whitened = (whitened + transposed(whitened)) / 2
    excluded = [line * root, root] if centred else [line * root]
    bound = 1 + xp.sum(xp.abs(whitened), axis=(-1, -2))[..., None, None]
    for direction in excluded:  # orthogonal to each other: Σ w_k a_k = 0
        whitened, unit = projected(whitened, direction)
        whitened = whitened - bound * outer(unit, unit)
    usable = moments.usable(y, line_sums) & xp.all(xp.isfinite(whitened), axis=(-1, -2))
    values, vectors = xp.linalg.eigh(xp.where(usable[..., None, None], whitened, xp.zeros_like(whitened)))
    kept = root.shape[-1] - len(excluded)
    directions = vectors[..., ::-1][..., :kept] / root[..., None]
    return Collinear(xp.where(usable, values[..., -1], -xp.inf), directions, y)


class _Moments:
    """The integrals on the line for a batch: weights w (n, K), positions a (n, K), bias δ."""

    def __init__(self, weights: Array, line: Array, delta: float) -> None:
        self.xp = namespace(line)
        self.w, self.a, self.delta = weights, line, delta
        self.z = self.xp.linspace(-_REACH, _REACH, _NODES)
        density = self.xp.exp(-self.z * self.z / 2)
        self.density = density / self.xp.sum(density)
        self.x = line[..., :, None] + self.z
        self.s = self.xp.sum(weights * line * line, axis=-1)
        self.mean = self.xp.sum(weights * line, axis=-1)
        self.C = delta * self.s + (1 - delta) * self.mean**2

    def at(self, y: Array) -> _Line:
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
        return _Line(slope, curvature, scale, powers, totals)

    def mean_of(self, values: Array) -> Array:
        """Return E of what is given at the nodes under each component, (n, J, Z)."""
        return self.xp.sum(self.w * (values @ self.density), axis=-1)

    def optimum(self) -> tuple[Array, _Line]:
        """Return the y ≥ 0 at which L has slope 0, by Newton's method in a bracket."""
        xp = self.xp
        # The log-sum-exp is convex with slope ā² at 0, so that L has a positive slope from here on.
        high = self.delta * (self.s - self.mean**2) / (1 + self.s)
        low = _FLATTEST * high
        y = high / (1 + self.s)
        found = self.at(y)
        for _ in range(_ITERATIONS):
            if bool(xp.all(xp.abs(found.slope) <= _RESIDUAL * self.C)):
                break
            low, high = xp.where(found.slope < 0, y, low), xp.where(found.slope < 0, high, y)
            step = y - found.slope / found.curvature
            y = xp.where((step > low) & (step < high), step, xp.sqrt(low * high))
            found = self.at(y)
        return y, found

    def usable(self, y: Array, found: _Line) -> Array:
        """Return where y is found, the lattice is fine enough and the means are not too far apart."""
        xp = self.xp
        spread = xp.max(self.a, axis=-1) - xp.min(self.a, axis=-1)
        return (xp.abs(found.slope) <= 1e-8 * self.C) & (y * spread < _STEEPEST) & (spread < _FARTHEST)

    def form(self, y: Array, found: _Line) -> Array:
        """Return the matrix of T (n, K, K), not symmetrised."""
        xp, w, a = self.xp, self.w, self.a
        p = found.scale[..., None] * found.powers[..., None, :, :] / found.totals[..., :, None, :]  # (n, J, K, Z)
        Q = w[..., None] * (p @ self.density)
        pulled = xp.sum(w[..., None] * ((p * self.x[..., None, :]) @ self.density), axis=-2)
        share = xp.sum(Q, axis=-2)
        pairs = xp.sum(w[..., None, None] * ((p * self.density) @ transposed(p)), axis=-3)
        covariance = share[..., None] * xp.eye(w.shape[-1]) - pairs
        across = times(covariance, a)
        k = 2 + self.s + xp.sum(a * across, axis=-1)
        of_mean = (1 - self.delta) * self.mean[..., None]
        G = (y[..., None] - 2 * self.delta) * w * a - 2 * of_mean * w + pulled + times(Q, a)
        steep = w * a + across
        F = Q - self.delta * w[..., None] * xp.eye(w.shape[-1]) - (1 - self.delta) * outer(w, w)
        bent = G / (k * y)[..., None] - steep
        return F + outer(G, bent) / k[..., None, None]


def slope_at_zero(weights: Array, line: Array, delta: Fraction) -> Array:
    """Return the slope of L at M = 0 along the line, −δ Var(a) over Σ w_k a_k² (n): M* = 0 where it is 0."""
    xp = namespace(line)
    mean = xp.sum(weights * line, axis=-1)
    square = xp.sum(weights * line * line, axis=-1)
    usable = square > 0
    slope = -float(delta) * (square - mean**2) / xp.where(usable, square, xp.ones_like(square))
    return xp.where(usable, slope, -xp.inf)
