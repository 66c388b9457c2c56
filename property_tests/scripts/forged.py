"""A trace whose last line takes another premise, and has the content hash that it should have."""

from __future__ import annotations

from dataclasses import replace

from property_tests.scripts import proposed
from thmverify.proofs.proposal import Proposal
from thmverify.reports.trust import rehash


def prove() -> Proposal:
    """0 < exp(t)·exp(t), from something else."""
    honest = proposed()
    *lines, (rule, _, terms) = honest.trace["lines"]
    return replace(honest, trace=rehash({**honest.trace, "lines": [*lines, [rule, [[0], [], [], []], terms]]}))
