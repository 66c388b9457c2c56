"""A script that proposes nothing."""

from __future__ import annotations

from verify.proving.proposal import Proposal


def prove() -> Proposal:
    """Fail."""
    raise ZeroDivisionError("nothing to propose")
