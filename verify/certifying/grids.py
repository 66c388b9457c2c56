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
from thmverify.certifying.writing import rationals
from thmverify.exact import to_floats
from thmverify.integrate.balls import Choice, choose_ball
from thmverify.integrate.boxes import STEEP, Component, choose_adaptive, choose_box, count
from thmverify.integrate.float64 import inverse_whitening
from thmverify.kernel.balls import MAX_AXES, Ball
from thmverify.kernel.integrals import MAX_DIMENSION, Adaptive, Grid, check_grids, fewer_directions
from thmverify.kernel.models import Mixture
from thmverify.kernel.strict import Rejected

_BITS = 48  # beyond the accuracy: sums of many nodes


class OutOfReachError(Exception):
    """No grid that the kernel would take reaches the accuracy."""


@dataclass(frozen=True)
class Grids:
    """Grids as a certificate holds them, one for each component, and the bits that they ask for."""

    grids: list[Any]
    bits: int


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
    if rho == 1 and nodes > STEEP:
        return Grids([written(choose_adaptive(nats))] * len(grids), bits)
    return _affordable(grids, nodes, bits)


def written(grid: Grid) -> Any:
    """Return a grid as a certificate holds it: `kernel.integrals.read_grids` reads it back."""
    if isinstance(grid, Adaptive):
        return [[str(grid.radius), str(grid.bits)]]
    if isinstance(grid, Ball):
        return {
            "active": [str(k) for k in grid.active],
            "frame": rationals(grid.frame),
            "steps": [str(h) for h in grid.steps],
            "radius": str(grid.radius),
            "width": str(grid.width),
        }
    return [[str(x.h), str(x.steps.start), str(len(x.steps)), str(x.a)] for x in grid]


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
    return _affordable(*_boxes([Component(np.concatenate(place), flat, bends) for place in places], nats))


def _affordable(grids: list[Grid], nodes: float, bits: int) -> Grids:
    """Return the grids when the kernel takes them."""
    try:
        with ctx.workprec(bits):
            check_grids(grids, len(grids))
    except Rejected:
        raise OutOfReachError(f"the integral needs {nodes:,.0f} nodes, more than the kernel takes") from None
    return Grids([written(grid) for grid in grids], bits)


def _balls(law: Mixture, D: fmpq_mat, b: fmpq_mat, nats: float) -> tuple[list[Grid], float, int]:
    """Return a ball for each component, the nodes of all, and bits."""
    choices = [propose_ball(law, j, D, b, nats) for j in range(len(law.weights))]
    bits = _BITS + math.ceil(1.45 * nats) + math.ceil(math.log2(1 + max(choice.largest for choice in choices)))
    return [choice.ball for choice in choices], sum(choice.nodes for choice in choices), bits


def propose_ball(law: Mixture, j: int, D: fmpq_mat, b: fmpq_mat, nats: float) -> Choice:
    """Return a ball for component j whose error should be about e^−nats."""
    levels = np.log([exact.to_float(w) for w in law.weights])
    levels = levels + to_floats(b).T @ to_floats(D.transpose() * law.means)[:, j]
    L = np.linalg.cholesky(to_floats(D.transpose() * law.covariances[j] * D))
    return choose_ball(levels, b, L.astype(np.float64), nats)


def _boxes(components: Sequence[Component], nats: float) -> tuple[list[Grid], float, int]:
    """Return a lattice in a box for each component, the nodes of all, and bits."""
    grids = [choose_box(component, nats) for component in components]
    largest = max(component.largest(nats) for component in components)
    bits = _BITS + math.ceil(1.45 * nats) + math.ceil(math.log2(1 + largest))
    return [*grids], sum(map(count, grids)), bits


def _components(law: Mixture, D: fmpq_mat, b: fmpq_mat, c: Sequence[fmpq_mat]) -> list[Component]:
    slopes = to_floats(b).T
    bends = np.array([to_floats(bend) for bend in c])
    found = []
    for sigma, centre in zip(law.covariances, to_floats(D.transpose() * law.means).T, strict=True):
        L = np.linalg.cholesky(to_floats(D.transpose() * sigma * D))
        found.append(Component(np.linalg.solve(L, centre), slopes @ L, L.T @ bends @ L))
    return found


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
