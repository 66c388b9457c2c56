"""Certificates that carry their own claim, a formula (PROOFS.md, 8); to be read in the order values, expectations,
grammar, claims.
"""

from thmverify.kernel.formulas.claims import FIELDS, FORMAT, Evaluated, VerifiedFormula, check, evaluate, fields

__all__ = ["FIELDS", "FORMAT", "Evaluated", "VerifiedFormula", "check", "evaluate", "fields"]
