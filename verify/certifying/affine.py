"""Proposals for InfoNCE over affine maps: M = AAᵀ and β = Ac near the minimiser, in coordinates of S_F of mean 0."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import OutOfReachError, propose, rational, whitening
from thmverify.certifying.infonce import rank_margin
from thmverify.certifying.proposal import Interval, Proposal
from thmverify.certifying.writing import dyadics, rationals
from thmverify.exact import to_floats
from thmverify.kernel.models import Pairs
from thmverify.kernel.rules.affine import centred, localised
from thmverify.minimize.affine import Relaxed
from thmverify.models import Instance

DIMENSIONS = 2  # of S_F, up to which floats look for the minimiser
_NATS = 40.0  # accuracy of the integrals


def inside(instance: Instance) -> tuple[list[list[str]], Relaxed]:
    """Return Q, and the loss in nearly white coordinates of S_LDA, of mean 0: maps do as well as in the whole space."""
    law = centred(Pairs([instance.shared.law], fmpq(1), 1, fmpq(0))).on_fisher.mixture
    Q = whitening(law)
    return Q, Relaxed(instance_of(instance, [law.reduced(rational(Q, law.m))]))


@lru_cache(maxsize=8)
def proposed(relaxed: Relaxed, rank: int) -> tuple[fmpq_mat, fmpq_mat]:
    """Return `Relaxed.proposed`, found once."""
    return relaxed.proposed(rank)


def affine_proposals(instance: Instance, _pairs: Pairs) -> Iterator[Proposal]:
    """Yield hints for each rank that the best M may have. Raises OutOfReachError where S_LDA is larger than a plane."""
    Q, relaxed = inside(instance)
    if relaxed.d > DIMENSIONS:
        raise OutOfReachError(f"(M*, β*) is looked for in {DIMENSIONS} dimensions at most, and dim S_LDA = {relaxed.d}")
    law = relaxed.instance.shared.law
    for rank in range(1, relaxed.d + 1):
        V, beta = proposed(relaxed, rank)
        grid = propose(law, V, V.transpose() * law.offsets, _NATS, boxes=True)
        across = np.linalg.svd(to_floats(V))[0][:, rank:]
        point = {"V": rationals(V), "N": dyadics(across), "offset": rationals(beta)}
        yield Proposal("kkt", {"precision": str(grid.bits), "Q": Q, "grids": grid.grids, **point})


def affine_margin(pairs: Pairs, proposal: Proposal, proved: bool) -> Interval:
    """Return an interval around minus the least eigenvalue of M* (proved), or around the slope that refutes."""
    return rank_margin(localised(centred(pairs), proposal.hints)[0], int(proposal.hints["precision"]), proved)
