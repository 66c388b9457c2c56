"""A proof that holds."""

from __future__ import annotations

from property_tests.scripts import proposed
from thmverify.proofs.proposal import Proposal


def prove() -> Proposal:
    """0 < exp(t)·exp(t)."""
    return proposed()
