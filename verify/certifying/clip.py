"""Proposals for the CLIP claims: factors of the minimiser, the directions of its large singular values, grids."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from thmverify.certifying.fisher import instance_of
from thmverify.certifying.grids import propose, rational, whitening
from thmverify.certifying.infonce import DEAR, DEAREST
from thmverify.certifying.proposal import Proposal
from thmverify.certifying.writing import dyadics
from thmverify.kernel.models import Pairs
from thmverify.minimize import minimise
from thmverify.minimize.clip import PairedEnergy, unconstrained, whitened
from thmverify.minimize.energy import ROUGH
from thmverify.models import Floats, Instance

_NATS = ((22.0, 32.0),) * 3 + ((16.0, 25.0, 33.0), (9.0, 12.0, 15.0, 19.0))  # by rank: a node costs more
_NEGLIGIBLE = 1e-14


def clip_proposals(instance: Instance, paired: Pairs, wanted: int, boxes: bool = False) -> Iterator[Proposal]:
    """Yield hints that the minimiser over all W has rank at least `wanted`; with lattices in boxes alone if `boxes`.

    Raises OutOfReachError without an affordable grid.
    """
    modalities = paired.modalities
    Q = [whitening(mixture) for mixture in modalities]
    frames = [x.fisher * rational(q, x.m) for x, q in zip(modalities, Q, strict=True)]
    vision, text = (x.reduced(frame) for x, frame in zip(modalities, frames, strict=True))
    W = _minimiser(instance_of(instance, [vision, text]), min(paired.sizes))
    P, sizes, R = np.linalg.svd(W, full_matrices=False)
    rho = max(wanted, int(np.sum(sizes > _NEGLIGIBLE)))
    texts = [
        dyadics(P[:, :rho] * np.sqrt(sizes[:rho])),
        dyadics(R[:rho].T * np.sqrt(sizes[:rho])),
        dyadics(R[:wanted].T),
    ]
    D_V, D_T = (rational(m, rho) for m in texts[:2])
    for nats in _NATS[min(rho, 4)]:
        grids = [
            propose(vision, D_V, D_T.transpose() * text.offsets, nats, boxes=boxes, whole=boxes),
            propose(text, D_T, D_V.transpose() * vision.offsets, nats, boxes=boxes, whole=boxes),
        ]
        bits = str(max(grid.bits for grid in grids))
        fields = ("precision", "Q_V", "Q_T", "vision_grids", "text_grids", "left", "right", "U")
        yield Proposal("kkt", dict(zip(fields, [bits, *Q, *(g.grids for g in grids), *texts], strict=True)))


def _minimiser(instance: Instance, m: int) -> Floats:
    """Return the minimiser over all W, in the coordinates of the instance."""
    if DEAR <= m <= DEAREST:
        vision, text, energy = whitened(instance)
        if isinstance(energy, PairedEnergy):
            rough = energy.rough()
            return vision.embedding @ unconstrained(rough, 10 * ROUGH) @ text.embedding.T
    return minimise("clip", instance, m).maps["W"]
