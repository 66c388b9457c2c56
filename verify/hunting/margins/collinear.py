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

from thmverify.hunting.margins.arrays import Array, namespace, outer, projected, times, transposed
from thmverify.hunting.margins.line import Line, Sums


@dataclass(frozen=True)
class Collinear:
    """margin: (n), the largest T; directions: (n, K, q), b by falling T; y: (n). −∞ where floats do not tell."""

    margin: Array
    directions: Array
    y: Array


def collinear_slopes(weights: Array, line: Array, delta: Fraction, centred: bool) -> Collinear:
    """Return the largest T(b) for weights (n, K) and positions a on the line (n, K), centred if `centred`."""
    xp = namespace(line)
    moments = Line(weights, line, float(delta))
    y, line_sums = moments.optimum()
    form = _form(moments, y, line_sums)
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


def _form(line: Line, y: Array, found: Sums) -> Array:
    """Return the matrix of T (n, K, K), not symmetrised."""
    xp, w, a, delta = line.xp, line.w, line.a, line.delta
    moments = line.across(found)
    spread = times(moments.covariance, a)
    k = 2 + line.s + xp.sum(a * spread, axis=-1)
    G = line.pull(y, moments)
    F = moments.Q - delta * w[..., None] * xp.eye(w.shape[-1]) - (1 - delta) * outer(w, w)
    bent = G / (k * y)[..., None] - (w * a + spread)
    return F + outer(G, bent) / k[..., None, None]


def slope_at_zero(weights: Array, line: Array, delta: Fraction) -> Array:
    """Return the slope of L at M = 0 along the line, −δ Var(a) over Σ w_k a_k² (n): M* = 0 where it is 0."""
    xp = namespace(line)
    mean = xp.sum(weights * line, axis=-1)
    square = xp.sum(weights * line * line, axis=-1)
    usable = square > 0
    slope = -float(delta) * (square - mean**2) / xp.where(usable, square, xp.ones_like(square))
    return xp.where(usable, slope, -xp.inf)
