"""The right conclusion, assumed, under another name."""

from property_tests.theorems.bad_scripts import SUPPOSED, claim
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script


def prove() -> Proposal:
    """The claim, assumed."""
    s = Script("nonshared-inclusion")
    line = s.assume(claim(s))
    return s.qed(line, SUPPOSED, {"the-claim": line.formula})
