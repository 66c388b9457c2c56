"""The lattice that a certificate proposes for an integral; the kernel computes what its error is at most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from verify import exact
from verify.exact import to_floats
from verify.integrate.float64 import whitening as exact_whitening
from verify.integrate.lattice import dyadic
from verify.kernel.integrals import MAX_DIMENSION, MAX_WORK
from verify.kernel.linear import column_basis
from verify.kernel.models import Mixture
from verify.models import Floats

_PHASE = 0.96  # the spread of the phases as a part of π: near 1 the strip is wide, but 1/cos(θ/2) grows
_BITS = 48  # beyond the accuracy: sums of many nodes
_STEEP = 20_000  # nodes on a line from which adaptive integration is cheaper


class OutOfReachError(Exception):
    """No grid that the kernel would take reaches the accuracy."""


@dataclass(frozen=True)
class Grids:
    """Grids as a certificate holds them, one for all components or one for each, and the bits that they ask for."""

    grids: list[list[list[str]]]
    bits: int


def propose(law: Mixture, D: fmpq_mat, b: fmpq_mat, nats: float) -> Grids:
    """Return grids whose error should be about e^−nats, for `kernel.integrals.softmax_points` with these arguments.

    Raises OutOfReachError when the kernel would not take them.
    """
    if b.rank() < b.nrows():
        basis = column_basis(b)
        D, b = D * basis, (basis.transpose() * basis).inv() * basis.transpose() * b
    if b.nrows() == 0:
        return Grids([], _BITS + math.ceil(1.45 * nats))
    if b.nrows() > MAX_DIMENSION:
        raise OutOfReachError(f"the integral has {b.nrows()} dimensions, more than {MAX_DIMENSION}")
    L = np.linalg.cholesky(to_floats(D.transpose() * law.sigma * D))
    centres = np.linalg.solve(L, to_floats(D.transpose() * law.means))
    slopes = L.T @ to_floats(b)
    steepest = float(np.abs(slopes).sum(axis=0).max() * (np.abs(centres).max() + 2 * math.sqrt(nats) + 1))
    bits = _BITS + math.ceil(1.45 * nats) + math.ceil(math.log2(1 + steepest))
    together = [_axes(centres, slopes, nats)]
    apart = [_axes(c[:, None], slopes, nats) for c in centres.T]
    nodes, grids = min((sum(map(_nodes, grids)), grids) for grids in (together, apart))
    if b.nrows() == 1 and nodes > _STEEP:
        reach = math.ceil(2 * math.sqrt(nats) + 1)
        return Grids([[[str(reach), str(math.ceil(1.45 * nats))]]], bits)
    if nodes * len(law.weights) * bits > MAX_WORK:
        raise OutOfReachError(f"the integral needs {nodes} nodes, more than the kernel takes")
    return Grids(grids, bits)


def _nodes(axes: list[list[str]]) -> int:
    return math.prod(int(axis[2]) for axis in axes)


def _axes(centres: Floats, slopes: Floats, nats: float) -> list[list[str]]:
    """Return [h, first, count, a] for each axis of a lattice that serves these centres (ρ × J)."""
    axes = []
    for points, along in zip(centres, slopes, strict=True):
        rate = float(along.max() - along.min())
        widest = _PHASE * math.pi / rate if rate > 0 else math.inf
        # The bound has a factor for each axis, the largest |u| on the box, and how near 0 the softmax's sum may come.
        longest = float(np.ptp(points)) + 3 * math.sqrt(nats)
        n = nats + math.log(2 * len(slopes) * longest / math.cos(min(widest, math.sqrt(nats)) * rate / 2))
        a = dyadic(min(widest, math.sqrt(n)))
        h = dyadic(2 * math.pi * a / (n + a * a / 2))
        # The short sides of the strip see the density grown by e^{a²/2}: the box must reach further for it.
        reach = math.sqrt(2 * n + a * a)
        first, last = math.floor((float(points.min()) - reach) / h), math.ceil((float(points.max()) + reach) / h)
        axes.append([str(Fraction(h)), str(first), str(last - first + 1), str(Fraction(a))])
    return axes


def whitening(mixture: Mixture) -> list[list[str]]:
    """Return Q (m × m) such that t = (BQ)ᵀx is nearly white: two rounds, for where the first one cancels."""
    H = mixture.fisher.transpose() * mixture.sigma * mixture.fisher
    Q = exact.identity(mixture.m)
    for _ in range(2):
        factor, roots = exact_whitening(Q.transpose() * H * Q)
        step = to_floats(factor.inv().transpose()) / roots
        Q = Q * exact.matrix([[Fraction(_short(x)) for x in row] for row in step], columns=mixture.m)
    return [[str(x) for x in row] for row in exact.to_rows(Q)]


def _short(x: float) -> float:
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 2**32), exponent - 32)


def rational(m: list[list[str]], columns: int) -> fmpq_mat:
    """Return the exact matrix that stands in a certificate."""
    return exact.matrix([[Fraction(x) for x in row] for row in m], columns=columns)
