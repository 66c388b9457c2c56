"""Proposals for the CLIP claims: factors of the minimiser, the directions of its large singular values, grids."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from flint import fmpq_mat

from verify import exact
from verify.certify.grids import floats, propose
from verify.certify.proposal import Proposal
from verify.certify.writing import dyadics
from verify.kernel.models import Paired
from verify.minimize import minimise
from verify.models import Instance

_NATS = (26.0, 36.0)
_NEGLIGIBLE = 1e-14


def clip_proposals(instance: Instance, paired: Paired, wanted: int) -> Iterator[Proposal]:
    """Yield hints that the minimiser over all W has rank at least `wanted`.

    Raises numpy.linalg.LinAlgError when float64 cannot factor a covariance, OutOfReachError without an affordable grid.
    """
    vision, text = paired.vision.reduced, paired.text.reduced
    found = minimise("clip", instance, min(paired.vision.m, paired.text.m))
    if found.reduced is None:
        return
    roots = [np.linalg.cholesky(floats(law.sigma)) for law in (vision, text)]
    P, sizes, Q = np.linalg.svd(roots[0].T @ found.reduced @ roots[1], full_matrices=False)
    rho = max(wanted, int(np.sum(sizes > _NEGLIGIBLE)))
    left = np.linalg.solve(roots[0].T, P[:, :rho] * np.sqrt(sizes[:rho]))
    right = np.linalg.solve(roots[1].T, Q[:rho].T * np.sqrt(sizes[:rho]))
    U = roots[1] @ Q[:wanted].T
    texts = [dyadics(m) for m in (left, right, U)]
    D_V, D_T = (_exact(m) for m in texts[:2])
    for nats in _NATS:
        grids = [
            propose(vision, D_V, D_T.transpose() * text.offsets, nats),
            propose(text, D_T, D_V.transpose() * vision.offsets, nats),
        ]
        bits = str(max(grid.bits for grid in grids))
        fields = ("precision", "vision_grid", "text_grid", "left", "right", "U")
        yield Proposal("kkt", dict(zip(fields, [bits, *(g.axes for g in grids), *texts], strict=True)))


def _exact(m: list[list[str]]) -> fmpq_mat:
    return exact.matrix([[Fraction(x) for x in row] for row in m], columns=len(m[0]))
