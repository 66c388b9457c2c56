"""The ball of lattice points that a certificate proposes for each component; the kernel computes its error."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.certifying.writing import dyadics
from thmverify.exact import to_floats
from thmverify.integrate.lattice import dyadic
from thmverify.integrate.rules import reach
from thmverify.kernel.models import Mixture
from thmverify.models import Floats

_ROUNDS = 200  # of the fixed-point iteration for the smallest ellipsoid
_SLACK = 1.01  # the kernel's numbers may be a little larger than float64's


@dataclass(frozen=True)
class Choice:
    """A ball as a certificate holds it, about how many nodes it has, and the largest exponent there."""

    ball: dict[str, Any]
    nodes: float
    largest: float


def propose_ball(law: Mixture, j: int, D: fmpq_mat, b: fmpq_mat, nats: float) -> Choice:
    """Return a ball for component j whose error should be about e^−nats, for `kernel.balls.pair_moments`."""
    slopes, H = to_floats(b).T, to_floats(D.transpose() * law.covariances[j] * D)
    levels = np.log([float(exact.to_fraction(w)) for w in law.weights])
    levels = levels + slopes @ to_floats(D.transpose() * law.means)[:, j]
    active = _active(slopes, levels, H, nats)
    first = exact.submatrix(b, range(b.nrows()), [active[0]])
    apart = exact.submatrix(b, range(b.nrows()), active) - first * fmpq_mat(1, len(active), [1] * len(active))
    basis = exact.submatrix(apart, range(b.nrows()), exact.pivot_columns(apart))
    frame, lengths = _frame(to_floats(basis), slopes[active], H)
    steps, width = _steps(lengths, nats)
    r = len(steps)
    radius = reach(r, math.exp(-nats)) if r else 1.0
    volume = math.pi ** (r / 2) / math.gamma(r / 2 + 1) * radius**r
    ball = {
        "active": [str(k) for k in active],
        "frame": dyadics(frame) if len(steps) else [],
        "steps": [str(Fraction(h)) for h in steps],
        "radius": str(Fraction(dyadic(radius))),
        "width": str(Fraction(dyadic(width))),
    }
    largest = float(np.abs(levels).max() + radius * lengths.max(initial=0))
    return Choice(ball, 2 * volume / math.prod(steps), largest)


def _active(slopes: Floats, levels: Floats, H: Floats, nats: float) -> list[int]:
    """Return the components k whose E p_k may be more than e^−nats, by Chernoff's bound against the likeliest."""
    top = int(np.argmax(levels))
    apart, gap = slopes - slopes[top], levels - levels[top]
    spread = np.einsum("ki,ij,kj->k", apart, H, apart)
    tau = np.clip(np.divide(-gap, spread, out=np.ones_like(gap), where=spread > 0), 0, 1)
    return [int(k) for k in np.flatnonzero(tau * gap + tau**2 * spread / 2 > -nats - math.log(len(gap)))]


def _frame(basis: Floats, slopes: Floats, H: Floats) -> tuple[Floats, Floats]:
    """Return the axes of a small ellipsoid around all differences of slopes, and its half-axes where H is 1.

    Column i of the r × r frame X: basis·X has (basis·X)ᵀH(basis·X) ≈ 1.
    """
    Q, triangle = np.linalg.qr(np.linalg.cholesky(H).T @ basis)
    apart = np.array([x - y for x, y in itertools.combinations(slopes, 2)]).reshape(-1, len(H))
    lengths, axes = np.linalg.eigh(_ellipsoid(apart @ np.linalg.cholesky(H) @ Q))
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
    r = len(lengths)
    if r == 0:
        return [], 1.0
    count, shortest = (2 * r * (r - 1), math.sqrt(2)) if r > 1 else (2, 2.0)
    a, most = np.meshgrid(np.linspace(0.1, 14, 200), np.linspace(0.2, 3, 57))
    room = 2 * math.pi * shortest * a - nats - math.log(count) - a**2 * most**2 / 2
    D = 2 / a * np.arccos(np.exp(-np.maximum(room, 0) / 2))
    h = np.minimum(D[..., None] / np.maximum(lengths, 1e-300), most[..., None])
    best = np.unravel_index(np.argmax(np.where(room > 0, np.log(np.maximum(h, 1e-300)).sum(-1), -np.inf)), a.shape)
    return [dyadic(x) for x in h[best].tolist()], float(a[best])
