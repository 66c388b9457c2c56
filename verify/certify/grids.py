"""The lattice that a certificate proposes for an integral; the kernel computes what its error is at most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from verify import exact
from verify.integrate.float64 import whitening as exact_whitening
from verify.kernel.integrals import MAX_DIMENSION, MAX_WORK
from verify.kernel.linear import column_basis
from verify.kernel.models import Mixture
from verify.models import Floats

_PHASE = 0.96  # the spread of the phases as a part of π: near 1 the strip is wide, but 1/cos(θ/2) grows
_STEEP = 20_000  # nodes on a line from which adaptive integration is cheaper


class OutOfReachError(Exception):
    """No grid that the kernel would take reaches the accuracy."""


@dataclass(frozen=True)
class Grid:
    """A grid as a certificate holds it, and the precision in bits that it asks for."""

    axes: list[list[str]]
    bits: int


def propose(law: Mixture, D: fmpq_mat, b: fmpq_mat, nats: float) -> Grid:
    """Return a grid whose error should be about e^−nats, for `kernel.integrals.softmax_points` with these arguments.

    Raises OutOfReachError when the kernel would not take it.
    """
    if b.rank() < b.nrows():
        basis = column_basis(b)
        D, b = D * basis, (basis.transpose() * basis).inv() * basis.transpose() * b
    if b.nrows() == 0:
        return Grid([], 64 + math.ceil(1.45 * nats))
    if b.nrows() > MAX_DIMENSION:
        raise OutOfReachError(f"the integral has {b.nrows()} dimensions, more than {MAX_DIMENSION}")
    L = np.linalg.cholesky(floats(D.transpose() * law.sigma * D))
    centres = np.linalg.solve(L, floats(D.transpose() * law.means))
    slopes = L.T @ floats(b)
    rates = [float(along.max() - along.min()) for along in slopes]
    strips = [min(_PHASE * math.pi / rate if rate > 0 else math.inf, math.sqrt(2 * nats)) for rate in rates]
    # The short sides of the strip see the density grown by e^{a²/2}: the box must reach further for it.
    radius = math.sqrt(2 * nats + max(strips) ** 2) + 0.5
    steepest = float(np.abs(slopes).sum(axis=0).max() * (np.abs(centres).max() + radius))
    bits = 64 + math.ceil(1.45 * nats) + math.ceil(math.log2(1 + steepest))
    axes, nodes = [], 1
    for points, strip in zip(centres, strips, strict=True):
        reach = math.sqrt(2 * nats + strip**2) + 0.5
        a = _dyadic(strip)
        h = _dyadic(2 * math.pi * a / (nats + a * a / 2))
        first, last = math.floor((float(points.min()) - reach) / h), math.ceil((float(points.max()) + reach) / h)
        axes.append([str(Fraction(h)), str(first), str(last - first + 1), str(Fraction(a))])
        nodes *= last - first + 1
    if len(axes) == 1 and nodes > _STEEP:
        return Grid([[str(math.ceil(radius)), str(math.ceil(1.45 * nats))]], bits)
    if nodes * len(law.weights) * bits > MAX_WORK:
        raise OutOfReachError(f"the integral needs {nodes} nodes, more than the kernel takes")
    return Grid(axes, bits)


def floats(m: fmpq_mat) -> Floats:
    """Return the nearest float64 matrix."""
    return np.array([float(exact.to_fraction(x)) for x in m.entries()], dtype=np.float64).reshape(m.nrows(), m.ncols())


def _dyadic(x: float) -> float:
    """Return x rounded down to 16 bits, so that the multiples of a step are exact."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(math.floor(mantissa * 65536), exponent - 16)


def whitening(mixture: Mixture) -> list[list[str]]:
    """Return Q (m × m), with few digits, such that t = (BQ)ᵀx is nearly white; exact until it is rounded."""
    B = mixture.fisher
    factor, roots = exact_whitening(B.transpose() * mixture.sigma * B)
    Q = floats(factor.inv().transpose()) / roots
    return [[str(Fraction(_short(x))) for x in row] for row in Q]


def _short(x: float) -> float:
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 2**32), exponent - 32)


def rational(m: list[list[str]], columns: int) -> fmpq_mat:
    """Return the exact matrix that stands in a certificate."""
    return exact.matrix([[Fraction(x) for x in row] for row in m], columns=columns)
