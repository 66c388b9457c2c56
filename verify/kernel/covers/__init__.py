"""Covers: a claim about every instance of a set, by boxes of parameters that the kernel makes again (PROOFS.md, 10).

To be read in the order bisection, line, claims.
"""

from thmverify.kernel.covers.claims import FIELDS, FORMAT, VerifiedCover, check

__all__ = ["FIELDS", "FORMAT", "VerifiedCover", "check"]
