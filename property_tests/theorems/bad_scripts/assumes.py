"""The claim is assumed and not derived: a theorem that is conditional on itself."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED, claim
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script


def prove() -> Proposal:
    """The claim, assumed."""
    s = Script(ID)
    line = s.step("gap", "The gap is at most 0.", s.assume(claim(s)))
    return s.qed(line, SUPPOSED, {"the-gap": line.formula})
