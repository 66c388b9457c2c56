"""E softplus(z) of a score z = c + pᵀq, p and q independent Gaussians given the component: an integral on the line.

softplus z = log(1 + e^z) has the second derivative ¼ sech²(z/2), whose Fourier transform gives

    softplus z = z/2 + log 2 + ∫_0^∞ (1 − cos tz) / (t sinh πt) dt,
    E softplus z = E z/2 + log 2 + ∫_0^∞ (1 − Re χ(t)) / (t sinh πt) dt,     χ(t) = E e^{itz},
    E[softplus'(z) g] = ½ E g + ∫_0^∞ Im E[g e^{itz}] / sinh πt dt,

and for z = c + pᵀq, p ~ N(a, G), q ~ N(b, H), the characteristic function is explicit. With S(t) = G⁻¹ + t²H,

    χ(t) = (det G · det S)^{−1/2} exp(itc + it bᵀS⁻¹G⁻¹a − ½t² bᵀS⁻¹b − ½t² (Ha)ᵀS⁻¹G⁻¹a),

while under the density tilted by e^{itz} the mean of p is S⁻¹(G⁻¹a + itb), that of q is b + itH·(mean of p), and the
cross-covariance of p and q is itS⁻¹H. So the integral is one-dimensional whatever the rank of the map is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.integrate.problem import ONE


@dataclass(frozen=True)
class Pair:
    """A component of the law of (p, q): its weight, p ~ N(a, G) and q ~ N(b, H), all in R^ρ and rational."""

    weight: fmpq
    a: fmpq_mat
    G: fmpq_mat
    b: fmpq_mat
    H: fmpq_mat

    @cached_property
    def precision(self) -> fmpq_mat:
        """G⁻¹."""
        return self.G.inv()

    @property
    def mean(self) -> fmpq:
        """E pᵀq."""
        return exact.inner(self.a, self.b)

    @property
    def variance(self) -> fmpq:
        """Var pᵀq."""
        bent = exact.inner(self.a, self.H * self.a) + exact.inner(self.b, self.G * self.b)
        return exact.trace(self.G * self.H) + bent


@dataclass(frozen=True)
class Scores:
    """E softplus(c + pᵀq) for (p, q) ~ Σ_i v_i N(a_i, G_i) × N(b_i, H_i) on R^ρ × R^ρ; ρ = 0 leaves softplus(c)."""

    constant: fmpq
    pairs: tuple[Pair, ...]

    @property
    def dimension(self) -> int:
        """ρ."""
        return self.pairs[0].a.nrows()


@dataclass(frozen=True)
class Law:
    """(x, y) ~ Σ_i v_i N(μ_i, Σ_i) × N(ν_i, T_i): for each component its weight, means (columns) and covariances."""

    weights: tuple[fmpq, ...]
    left: tuple[tuple[fmpq_mat, fmpq_mat], ...]
    right: tuple[tuple[fmpq_mat, fmpq_mat], ...]


@dataclass(frozen=True)
class ReducedScores:
    """E softplus(c + xᵀWy) under a law, as the problem of p = Uᵀx and q = Vᵀy, where W = UVᵀ with ρ = rank W columns.

    coefficient: its factor in a sum.
    lifts: for each component X (d × ρ) and Y (d' × ρ) with E[x | p] = μ + X(p − a), E[y | q] = ν + Y(q − b).
    """

    problem: Scores
    law: Law
    lifts: tuple[tuple[fmpq_mat, fmpq_mat], ...]
    coefficient: fmpq = ONE


def reduce_scores(law: Law, W: fmpq_mat, constant: fmpq) -> ReducedScores:
    """Return E softplus(c + xᵀWy) in the fewest coordinates; components of weight 0 are left out."""
    U = exact.submatrix(W, range(W.nrows()), exact.pivot_columns(W))
    V = ((U.transpose() * U).solve(U.transpose() * W)).transpose()
    kept = [i for i, weight in enumerate(law.weights) if weight != 0]
    law = Law(tuple(law.weights[i] for i in kept), tuple(law.left[i] for i in kept), tuple(law.right[i] for i in kept))
    left, right = _narrowed(U, law.left), _narrowed(V, law.right)
    pairs, lifts = [], []
    for weight, (a, G, X), (b, H, Y) in zip(law.weights, left, right, strict=True):
        pairs.append(Pair(weight, a, G, b, H))
        lifts.append((X, Y))
    return ReducedScores(Scores(constant, tuple(pairs)), law, tuple(lifts))


def _narrowed(U: fmpq_mat, side: tuple[tuple[fmpq_mat, fmpq_mat], ...]) -> list[tuple[fmpq_mat, fmpq_mat, fmpq_mat]]:
    """Return Uᵀμ, UᵀΣU and the lift of each component; those of one covariance matrix share one object."""
    spread: dict[int, tuple[fmpq_mat, fmpq_mat]] = {}
    known: dict[tuple[fmpq, ...], tuple[fmpq_mat, fmpq_mat]] = {}
    for _, sigma in side:
        if id(sigma) not in spread:
            entries = tuple(sigma.entries())
            if entries not in known:
                across = sigma * U
                G = U.transpose() * across
                known[entries] = G, across * G.inv()
            spread[id(sigma)] = known[entries]
    return [(U.transpose() * mu, *spread[id(sigma)]) for mu, sigma in side]


Lifts = tuple[tuple[fmpq_mat, fmpq_mat], ...]


def unlifted(problem: Scores) -> Lifts:
    """Return X = Y = I for every component: moments of p and q themselves."""
    return ((exact.identity(problem.dimension), exact.identity(problem.dimension)),) * len(problem.pairs)


@dataclass(frozen=True)
class ScoreMoments:
    """For each component (P of them), with σ = softplus': E σ (P), E σ X(p − a) (P × d), E σ Y(q − b) (P × d') and
    E σ X(p − a)(q − b)ᵀYᵀ (P × d × d'), as arrays of floats, mpf or balls.

    error: of floats, an estimate of the largest absolute error. reached: of balls, whether they are as small as asked.
    """

    zeroth: Any
    left: Any
    right: Any
    both: Any
    error: float = 0.0
    reached: bool = True


def lifted(moments: Any, lifts: Lifts, convert: Callable[[fmpq_mat], Any]) -> ScoreMoments:
    """Return the moments for these lifts from those of σ times 1, p − a, q − b and (p − a)(q − b)ᵀ, row by row."""
    zeroth, left, right, both = [], [], [], []
    for row, (X, Y) in zip(moments, lifts, strict=True):
        rho, left_lift, right_lift = X.ncols(), convert(X), convert(Y)
        nothing = convert(fmpq_mat(X.nrows(), Y.nrows()))  # what sums start from, for ρ = 0
        zeroth.append(row[0])
        left.append(nothing[:, 0] + left_lift @ row[1 : 1 + rho])
        right.append(nothing[0] + right_lift @ row[1 + rho : 1 + 2 * rho])
        both.append(nothing + left_lift @ row[1 + 2 * rho :].reshape(rho, rho) @ right_lift.T)
    parts = [np.array(part, dtype=object) for part in (zeroth, left, right, both)]
    return ScoreMoments(parts[0], parts[1], parts[2], parts[3])
