"""A hypothesis that the statement does not have."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED, claim
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script


def prove() -> Proposal:
    """The claim, from itself."""
    s = Script(ID)
    line = s.assume(claim(s))
    return s.qed(line, {**SUPPOSED, "convenient": line.formula})
