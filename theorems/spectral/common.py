"""What the statements about the spectral contrastive loss share."""

from __future__ import annotations

import random

from thmverify.headlines import Source
from thmverify.models import Instance
from thmverify.sampling import random_instance
from thmverify.statement import Quantity
from thmverify.theorems import SPECTRAL_PAPER

QUANTITY = Quantity(
    r"L(A) = -2\,\mathbb{E}[f(x)^T f(\hat x)] + \mathbb{E}_{x,y}\left[(f(x)^T f(y))^2\right],\quad f(x) = A^T x",
    "spectral",
)


def sample_mixture(rng: random.Random) -> Instance:
    """Draw a mixture, with one covariance or with one for each component."""
    return random_instance(rng, shared=rng.random() < 0.5)


def source(definitions: str, note: str = "") -> Source:
    """Return the source of a statement about this loss, with the definitions of the talk's paper that it rests on."""
    return Source(
        SPECTRAL_PAPER,
        f"spectral contrastive loss, here of linear maps of augmented pairs (arXiv:2411.03517, {definitions})",
        "the statement and its proof are ours" + note,
    )
