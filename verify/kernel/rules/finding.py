"""What a rule finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from verify.kernel.models import Mixture, Pairs
from verify.kernel.parse import Rejected


@dataclass(frozen=True)
class Finding:
    """The verdict; where the claim is about them, bounds of the minimiser's rank, and dim S_F (of both modalities)."""

    verdict: Literal["proved", "refuted"]
    rank: tuple[int, ...] = ()
    dimension: tuple[int, ...] = ()


PROVED, REFUTED = Finding("proved"), Finding("refuted")


def shared(pairs: Pairs) -> Mixture:
    """Return the mixture; rejected when its components do not share a covariance."""
    if not pairs.mixture.shared:
        raise Rejected("the claim is about a shared covariance")
    return pairs.mixture


def full_rank(bounds: tuple[int, int], m: int) -> Literal["proved", "refuted"]:
    """Return whether the rank within these bounds is m; rejected when they leave it open."""
    if bounds[0] == m:
        return "proved"
    if bounds[1] < m:
        return "refuted"
    raise Rejected(f"the rank of the minimiser is only known to be between {bounds[0]} and {bounds[1]}")
