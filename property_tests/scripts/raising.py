"""A script that proposes nothing."""

from __future__ import annotations

from thmverify.proofs.proposal import Proposal


def prove() -> Proposal:
    """Fail."""
    raise ZeroDivisionError("nothing to propose")
