"""The ball of lattice points that suits a component with straight logits; the kernel bounds its error (2.5)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import fmpq_mat
from numpy.typing import NDArray

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.integrate.lattice import dyadic
from thmverify.integrate.rules import reach
from thmverify.kernel.balls import Ball
from thmverify.models import Floats

_ROUNDS = 200  # of the fixed-point iteration for the smallest ellipsoid
_SLACK = 1.01  # the kernel's numbers may be a little larger than float64's


@dataclass(frozen=True)
class Choice:
    """A ball, about how many nodes it has, and the largest exponent there."""

    ball: Ball
    nodes: float
    largest: float


def choose_ball(levels: Floats, b: fmpq_mat, L: Floats, nats: float) -> Choice:
    """Return a ball whose error should be about e^−nats, for `kernel.balls.pair_moments`.

    levels: log w_k + b_k·c (K), for q ~ N(c, LLᵀ). b: ρ × K. L: ρ × ρ, lower triangular.
    """
    slopes = to_floats(b).T @ L
    active = _active(slopes, levels, nats)
    first = exact.submatrix(b, range(b.nrows()), [active[0]])
    apart = exact.submatrix(b, range(b.nrows()), active) - first * fmpq_mat(1, len(active), [1] * len(active))
    basis = exact.submatrix(apart, range(b.nrows()), exact.pivot_columns(apart))
    frame, lengths = _frame(L.T @ to_floats(basis), slopes[active])
    steps, width = _steps(lengths, nats)
    r = len(steps)
    radius = _radius(r, nats) if r else 1.0
    volume = math.pi ** (r / 2) / math.gamma(r / 2 + 1) * radius**r
    ball = Ball(
        active,
        exact.matrix([[Fraction(x) for x in row] for row in frame.tolist()], columns=r),
        [exact.to_fmpq(Fraction(h)) for h in steps],
        exact.to_fmpq(Fraction(dyadic(radius))),
        exact.to_fmpq(Fraction(dyadic(width))),
    )
    largest = float(np.abs(levels).max() + radius * lengths.max(initial=0))
    return Choice(ball, 2 * volume / math.prod(steps), largest)


def _radius(dimension: int, nats: float) -> float:
    """Return R with Pr(|s| > R) ≤ e^−nats, s ~ N(0, I); beyond the range of floats by the bound that `reach` states."""
    if nats > 700:
        return math.sqrt(dimension) + math.sqrt(2 * nats)
    return reach(dimension, math.exp(-nats))


def _active(slopes: Floats, levels: Floats, nats: float) -> list[int]:
    """Return the components k whose E p_k may be more than e^−nats, by Chernoff's bound against the likeliest.

    Raises OverflowError for slopes beyond the squares of floats.
    """
    top = int(np.argmax(levels))
    apart, gap = slopes - slopes[top], levels - levels[top]
    with np.errstate(over="ignore"):
        spread = (apart * apart).sum(axis=1)
    if not np.isfinite(spread).all():
        raise OverflowError("a slope's square has left the range of floats")
    tau = np.clip(np.divide(-gap, spread, out=np.ones_like(gap), where=spread > 0), 0, 1)
    return [int(k) for k in np.flatnonzero(tau * gap + tau**2 * spread / 2 > -nats - math.log(len(gap)))]


def _frame(basis: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Return the axes of a small ellipsoid around all differences of slopes, and its half-axes.

    Basis (ρ × r) and slopes (K × ρ) are whitened. Column i of the r × r frame X: basis·X has (basis·X)ᵀ(basis·X) ≈ 1.
    """
    Q, triangle = np.linalg.qr(basis)
    apart = np.array([x - y for x, y in itertools.combinations(slopes, 2)]).reshape(-1, slopes.shape[1])
    lengths, axes = np.linalg.eigh(_ellipsoid(apart @ Q))
    return np.linalg.solve(triangle, axes), np.sqrt(np.maximum(lengths, 0))


def _ellipsoid(points: Floats) -> Floats:
    """Return E with xᵀE⁻¹x ≤ 1 for all points ±x and nearly the least volume (by Titterington's iteration)."""
    n, r = points.shape
    if r == 0:
        return np.zeros((0, 0))
    shares = np.full(n, 1 / n)
    for _ in range(_ROUNDS):
        E = (points * shares[:, None]).T @ points
        sizes = np.einsum("ni,in->n", points, np.linalg.solve(E, points.T))
        if sizes.max() < r * 1.001:
            break
        shares = shares * sizes / r
    return np.asarray(E * float(sizes.max()) * _SLACK)


def _steps(lengths: Floats, nats: float) -> tuple[list[float], float]:
    """Return the steps h and the half-width a for which the nodes are fewest, the kernel's bound being about e^−nats.

    The bound is that of the shortest dual vectors, 2r(r − 1) of length √2 (on a line 2 of length 2), with D = |h∘…|.
    """
    if not len(lengths):
        return [], 1.0
    a, most, D, allowed = _widths(len(lengths), nats)
    h = np.minimum(D[..., None] / np.maximum(lengths, 1e-300), most[..., None])
    best = np.unravel_index(np.argmax(np.where(allowed, np.log(np.maximum(h, 1e-300)).sum(-1), -np.inf)), a.shape)
    return [dyadic(x) for x in h[best].tolist()], float(a[best])


@lru_cache(maxsize=64)
def _widths(r: int, nats: float) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return half-widths a and longest steps max h on a grid, the D that they allow, and whether they allow any."""
    count, shortest = (2 * r * (r - 1), math.sqrt(2)) if r > 1 else (2, 2.0)
    a, most = np.meshgrid(np.linspace(0.1, max(14, nats / 4), 200), np.linspace(min(0.2, 2 / math.sqrt(nats)), 3, 57))
    room = 2 * math.pi * shortest * a - nats - math.log(count) - a**2 * most**2 / 2
    return a, most, 2 / a * np.arccos(np.exp(-np.maximum(room, 0) / 2)), room > 0
