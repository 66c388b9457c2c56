"""The hypothesis weights-sum is said to be that the weights sum to 1 and to 2."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED, claim
from thmverify.formulas import mixtures as v
from thmverify.proofs.expressions import eq, num, total
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script


def prove() -> Proposal:
    """Anything, from a contradiction."""
    s = Script(ID)
    both = v.WEIGHTS_SUM & eq(total(v.K, v.w), 2)
    one, two = s.parts(s.assume(both))
    absurd = s.lin(num(1) <= 0, [one, (two, -1)])
    return s.qed(s.taut(claim(s), absurd, s.calc(num(0) < 1)), {**SUPPOSED, "weights-sum": both})
