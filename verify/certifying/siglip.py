"""Proposals for siglip-equality: the best maps of each rank, in coordinates of S_F; the margin once accepted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import ctx, fmpq, fmpq_mat

from thmverify import exact
from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import propose_pairs, rational, whitening
from thmverify.certifying.infonce import least, outward
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.writing import dyadics, rationals
from thmverify.exact import to_floats
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.rules.siglip import components, localised
from thmverify.minimize import minimise
from thmverify.models import Instance

_NATS = {1: 45.0, 2: 15.0}  # accuracy of the integrals by rank: in two or in four dimensions
_DIGITS = 25  # of the point


@lru_cache(maxsize=8)
def best(instance: Instance, rank: int) -> tuple[fmpq_mat, fmpq] | None:
    """Return A and b, as rationals, of the best map of this rank that floats find; None where they do not converge."""
    found = minimise("siglip", instance, rank, digits=_DIGITS)
    return (found.precise["A"], found.precise["b"][0, 0]) if found.converged and "A" in found.precise else None


def siglip_proposals(instance: Instance, pairs: Pairs) -> Iterator[Proposal]:
    """Yield hints for each rank that the best M may have, the largest last. Raises OutOfReachError."""
    mixture, m = pairs.mixture, pairs.mixture.m
    Q = whitening(mixture)
    law = mixture.reduced(mixture.fisher * rational(Q, m))
    for rank in range(1, min(m, max(_NATS)) + 1):
        found = best(instance_of(instance, [law]), rank)
        if found is None:
            continue
        V, b = found
        grid = propose_pairs(law, V, _NATS[rank])
        across = np.linalg.svd(to_floats(V))[0][:, rank:]
        hints = {"precision": str(grid.bits), "Q": Q, "grids": grid.grids, "V": rationals(V), "N": dyadics(across)}
        yield Proposal("kkt", hints | {"offset": str(b), "modulus": str(modulus(pairs, law, V, b))})


def siglip_margin(pairs: Pairs, proposal: Proposal, proved: bool) -> Interval | None:
    """Return an interval around the slope that refutes: the least eigenvalue of ∇_M L at M° on N, whitened."""
    if proved:
        return None
    found = localised(pairs, proposal.hints)
    with ctx.workprec(int(proposal.hints["precision"])):
        highest = least(found.high + found.margin * 2, found.outer)[1]
        return outward(least(found.high, found.outer)[0], highest)


def modulus(pairs: Pairs, law: Mixture, V: fmpq_mat, b: fmpq) -> Fraction:
    """Return a little less than the κ that the kernel finds at the point."""
    j = law.weights.index(max(law.weights))
    G, tau, M = (
        to_floats(x) for x in (law.sigma, exact.submatrix(law.means, range(law.means.nrows()), [j]), V * V.transpose())
    )
    size2 = np.trace(M @ G @ M @ (G + 2 * tau @ tau.T)) + (float(b) + (tau.T @ M @ tau).item()) ** 2
    share = float(exact.to_fraction(components(pairs)[j, j]))
    return Fraction(float(f"{0.99 * share / (2 + 2 * np.cosh(np.sqrt(162 * size2))):.2g}"))
