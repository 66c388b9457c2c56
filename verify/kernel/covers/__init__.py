"""Covers: a claim about every instance of a set, by boxes of parameters (PROOFS.md, 10).

To be read in the order bisection, line, claims, where the kernel makes the boxes; nearby, slopes, regions, where they
are given; stated, about formulas.
"""

from thmverify.kernel.covers import regions, stated
from thmverify.kernel.covers.claims import FIELDS, FORMAT, VerifiedCover, check
from thmverify.kernel.covers.regions import VerifiedRegion
from thmverify.kernel.covers.stated import VerifiedEverywhere

__all__ = ["FIELDS", "FORMAT", "VerifiedCover", "VerifiedEverywhere", "VerifiedRegion", "check", "regions", "stated"]
