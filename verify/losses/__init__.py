"""Population losses of linear maps, one module each; `LOSSES` finds them by the name used on the command line."""

from __future__ import annotations

from verify.errors import InputError
from verify.losses.clip import CLIP
from verify.losses.expressions import Loss
from verify.losses.fisher import Fisher
from verify.losses.infonce import InfoNCE
from verify.losses.pca import PCA
from verify.losses.simsiam import SimSiam
from verify.losses.spectral import Spectral

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (InfoNCE(), CLIP(), Spectral(), SimSiam(), PCA(), Fisher())}


def find_loss(name: str) -> Loss:
    """Return the loss of that name.

    Raises InputError, listing the names, when there is none.
    """
    if name not in LOSSES:
        raise InputError("LOSS", name, "is not a loss", f"write one of {', '.join(LOSSES)}")
    return LOSSES[name]


__all__ = ["LOSSES", "Loss", "find_loss"]
