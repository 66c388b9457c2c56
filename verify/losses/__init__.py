"""Population losses of linear maps, one module each; `LOSSES` finds them by the name used on the command line."""

from __future__ import annotations

from thmverify.errors import InputError
from thmverify.losses.clip import CLIP
from thmverify.losses.expressions import Loss
from thmverify.losses.fisher import Fisher
from thmverify.losses.infonce import InfoNCE
from thmverify.losses.pca import PCA
from thmverify.losses.simsiam import SimSiam
from thmverify.losses.spectral import Spectral

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (InfoNCE(), CLIP(), Spectral(), SimSiam(), PCA(), Fisher())}


def find_loss(name: str) -> Loss:
    """Return the loss of that name.

    Raises InputError, listing the names, when there is none.
    """
    if name not in LOSSES:
        raise InputError("LOSS", name, "is not a loss", f"write one of {', '.join(LOSSES)}")
    return LOSSES[name]


__all__ = ["LOSSES", "Loss", "find_loss"]
