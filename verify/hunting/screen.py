"""Which drafts are not worth the kernel's time: those of which floats say clearly that the claim holds.

Nothing is decided here: a draft that is passed over is one that a search does not look at, as it does not look at most.
"""

from __future__ import annotations

import numpy as np

from thmverify import exact
from thmverify.hunting.drafts import Draft, Proposed
from thmverify.hunting.margins.linear import root_inverse
from thmverify.hunting.margins.plane import plane_margins

_CLEAR = -1e-6


def looks_true(claim: str, draft: Proposed) -> bool:
    """Return whether the claim clearly holds for a draft whose means are in general position, as far as floats tell.

    They do for infonce-equality with a shared covariance in a plane: its margin is quick there.
    """
    if claim != "infonce-equality" or not isinstance(draft, Draft) or draft.kind != "shared-gmm":
        return False
    if draft.dimensions != (2,) or draft.rank == 1 or draft.bias == 0:
        return False
    mixture = draft.instance().pairs.mixture
    weights, means = (np.array(x, dtype=float)[None] for x in (mixture.weights, mixture.means))
    sigma = exact.to_floats(mixture.sigma_bar)[None]
    with np.errstate(all="ignore"):
        return bool(plane_margins(weights, means @ root_inverse(sigma), float(draft.bias))[0] < _CLEAR)
