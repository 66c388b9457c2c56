"""The lattice that a certificate proposes for an integral; the kernel computes what its error is at most."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import ctx, fmpq_mat

from thmverify import exact
from thmverify.certifying.balls import propose_ball
from thmverify.certifying.writing import rationals
from thmverify.exact import to_floats
from thmverify.integrate.float64 import inverse_whitening
from thmverify.integrate.lattice import dyadic
from thmverify.kernel.balls import MAX_AXES
from thmverify.kernel.integrals import MAX_DIMENSION, check_grids, fewer_directions, read_grids
from thmverify.kernel.models import Mixture
from thmverify.kernel.strict import Rejected
from thmverify.models import Floats

_PHASE, _BENT_PHASE = 0.96, 0.9  # the spread of the phases as a part of π: near 1 the strip is wide, 1/cos(θ/2) too
_BITS = 48  # beyond the accuracy: sums of many nodes
_STEEP = 20_000  # nodes on a line from which adaptive integration is cheaper


class OutOfReachError(Exception):
    """No grid that the kernel would take reaches the accuracy."""


@dataclass(frozen=True)
class Grids:
    """Grids as a certificate holds them, one for each component, and the bits that they ask for."""

    grids: list[Any]
    bits: int


@dataclass(frozen=True)
class _Component:
    """A component in whitened coordinates: its centre (ρ), all slopes (K × ρ) and bends (K × ρ × ρ)."""

    centre: Floats
    slopes: Floats
    bends: Floats

    def rate(self, i: int, reach: Floats) -> float:
        """Return how far the i-th slopes of two logits are apart within `reach` of the centre."""
        slopes = self.slopes[:, i] + self.bends[:, i] @ self.centre
        wander = np.abs(self.bends[:, None, i] - self.bends[None, :, i]) @ reach
        return float((np.abs(slopes[:, None] - slopes[None, :]) + wander).max())

    def largest(self, reach: Floats) -> float:
        """Return about the largest exponent within `reach`."""
        extent = np.abs(self.centre) + reach
        bent = np.einsum("kab,a,b->k", np.abs(self.bends), extent, extent)
        return float((np.abs(self.slopes) @ extent + bent).max())


def propose(
    law: Mixture,
    D: fmpq_mat,
    b: fmpq_mat,
    nats: float,
    c: Sequence[fmpq_mat] = (),
    boxes: bool = False,
    whole: bool = False,
) -> Grids:
    """Return grids whose error should be about e^−nats, for `kernel.integrals.softmax_moments` with these arguments.

    They are balls of lattice points, or boxes where the logits are bent or `boxes` asks for them; `whole` asks for all
    directions of D, which sets of instances need. Raises OutOfReachError when the kernel would not take them.
    """
    D, b = (D, b) if c or whole else fewer_directions(D, b)
    rho, bits = b.nrows(), _BITS + math.ceil(1.45 * nats)
    if rho == 0:
        return Grids([], bits)
    most = MAX_DIMENSION if c or boxes else MAX_AXES
    if rho > most:
        raise OutOfReachError(f"the integral has {rho} dimensions, more than {most}")
    if c or boxes:
        grids, nodes, bits = _boxes(_components(law, D, b, c or [fmpq_mat(rho, rho)] * b.ncols()), nats)
    else:
        grids, nodes, bits = _balls(law, D, b, nats)
    if rho == 1 and nodes > _STEEP:
        reach = str(math.ceil(2 * math.sqrt(nats) + 1))
        return Grids([[[reach, str(math.ceil(1.45 * nats))]]] * len(grids), bits)
    return _affordable(grids, nodes, bits)


def propose_pairs(law: Mixture, V: fmpq_mat, nats: float) -> Grids:
    """Return boxes whose error should be about e^−nats, for `kernel.rules.siglip.slopes`: one for each two components.

    Raises OutOfReachError when the kernel would not take them.
    """
    L = np.linalg.cholesky(to_floats(V.transpose() * law.sigma * V))
    centres, block = np.linalg.solve(L, to_floats(V.transpose() * law.means)).T, L.T @ L
    if 2 * len(block) > MAX_DIMENSION:
        raise OutOfReachError(f"the integral has {2 * len(block)} dimensions, more than {MAX_DIMENSION}")
    bend = np.kron([[0, 1], [1, 0]], block)
    flat, bends = np.zeros((2, len(bend))), np.array([0 * bend, bend])
    places = itertools.product(centres, repeat=2)
    return _affordable(*_boxes([_Component(np.concatenate(place), flat, bends) for place in places], nats))


def _affordable(grids: list[Any], nodes: float, bits: int) -> Grids:
    """Return the grids when the kernel takes them."""
    try:
        with ctx.workprec(bits):
            check_grids(read_grids(grids, "grids"), len(grids))
    except Rejected:
        raise OutOfReachError(f"the integral needs {nodes:,.0f} nodes, more than the kernel takes") from None
    return Grids(grids, bits)


def _balls(law: Mixture, D: fmpq_mat, b: fmpq_mat, nats: float) -> tuple[list[Any], float, int]:
    """Return a ball for each component, the nodes of all, and bits."""
    choices = [propose_ball(law, j, D, b, nats) for j in range(len(law.weights))]
    bits = _BITS + math.ceil(1.45 * nats) + math.ceil(math.log2(1 + max(choice.largest for choice in choices)))
    return [choice.ball for choice in choices], sum(choice.nodes for choice in choices), bits


def _boxes(components: Sequence[_Component], nats: float) -> tuple[list[Any], float, int]:
    """Return a lattice in a box for each component, the nodes of all, and bits."""
    grids = [_axes(component, nats) for component in components]
    reach = np.full(len(components[0].centre), 2 * math.sqrt(nats) + 1)
    largest = max(component.largest(reach) for component in components)
    bits = _BITS + math.ceil(1.45 * nats) + math.ceil(math.log2(1 + largest))
    return grids, sum(math.prod(int(axis[2]) for axis in axes) for axes in grids), bits


def _components(law: Mixture, D: fmpq_mat, b: fmpq_mat, c: Sequence[fmpq_mat]) -> list[_Component]:
    slopes = to_floats(b).T
    bends = np.array([to_floats(bend) for bend in c])
    found = []
    for sigma, centre in zip(law.covariances, to_floats(D.transpose() * law.means).T, strict=True):
        L = np.linalg.cholesky(to_floats(D.transpose() * sigma * D))
        found.append(_Component(np.linalg.solve(L, centre), slopes @ L, L.T @ bends @ L))
    return found


def _axes(component: _Component, nats: float) -> list[list[str]]:
    """Return [h, first, count, a] for each axis of a lattice."""
    bent = bool(component.bends.any())
    reach = np.full(len(component.centre), math.sqrt(2 * nats) + 1)
    axes: list[list[str]] = []
    for _ in range(1 + bent):  # a narrow strip lets the box end sooner, and so the strip be wider
        axes, before = [], reach.copy()
        for i, centre in enumerate(component.centre.tolist()):
            rate = component.rate(i, before)
            widest = (_BENT_PHASE if bent else _PHASE) * math.pi / rate if rate > 0 else math.inf
            # The bound has a factor for each axis, the largest |u| on the box, and how near 0 the softmax's sum comes.
            near = math.cos(min(widest, math.sqrt(nats)) * rate / 2)
            n = nats + math.log(6 * len(reach) * math.sqrt(nats) / near)
            a = dyadic(min(widest, math.sqrt(n)))
            h = dyadic(2 * math.pi * a / (n + a * a / 2))
            # The short sides of the strip see the density grown by e^{a²/2}: the box must reach further for it.
            reach[i] = math.sqrt(2 * n + a * a) + h
            first, last = math.floor((centre - reach[i]) / h), math.ceil((centre + reach[i]) / h)
            axes.append([str(Fraction(h)), str(first), str(last - first + 1), str(Fraction(a))])
            reach[i] += 2 * h
    return axes


def whitening(mixture: Mixture) -> list[list[str]]:
    """Return Q (m × m) such that t = (BQ)ᵀx is nearly white: two rounds, for where the first one cancels."""
    H = mixture.fisher.transpose() * mixture.sigma * mixture.fisher
    Q = exact.identity(mixture.m)
    for _ in range(2):
        inverse, roots = inverse_whitening(Q.transpose() * H * Q)
        step = to_floats(inverse.transpose()) / roots
        Q = Q * exact.matrix([[Fraction(_short(x)) for x in row] for row in step], columns=mixture.m)
    return rationals(Q)


def _short(x: float) -> float:
    mantissa, exponent = math.frexp(x)
    return math.ldexp(round(mantissa * 2**32), exponent - 32)


def rational(m: list[list[str]], columns: int) -> fmpq_mat:
    """Return the exact matrix that stands in a certificate."""
    return exact.matrix([[Fraction(x) for x in row] for row in m], columns=columns)
