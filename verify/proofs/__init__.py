"""Proof scripts and their checker.

A proof is a list of steps, each a formal claim with a check that establishes it from named premises; the conclusion
must then follow propositionally. See `verify.proofs.core` for what is trusted.
"""

from verify.proofs.core import (
    Assumed,
    Check,
    Cites,
    Context,
    Finding,
    Given,
    Kind,
    Proof,
    ProofReport,
    Step,
    StepReport,
    check,
)

__all__ = [
    "Assumed",
    "Check",
    "Cites",
    "Context",
    "Finding",
    "Given",
    "Kind",
    "Proof",
    "ProofReport",
    "Step",
    "StepReport",
    "check",
]
