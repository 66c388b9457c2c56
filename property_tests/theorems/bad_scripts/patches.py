"""A script that patches the rules of its process: there 0 = 1 is a theorem."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED, claim
from thmverify.kernel.proofs import rules
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script


def prove() -> Proposal:
    """The claim, by a rule that says yes."""
    rules.RULES["kronecker"] = lambda _, terms: rules.Theorem(frozenset(), terms[0], frozenset(), frozenset())
    s = Script(ID)
    return s.qed(s.apply("kronecker", [], [claim(s)]), SUPPOSED)
