"""MinimisesInfoNCE(A) is said to mean 0 = 1: no map is a minimiser, and every one that is has its columns in S_F."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED
from thmverify.formulas import mixtures as v
from thmverify.formulas.mixtures import Mixture
from thmverify.proofs.expressions import eq, num
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script

LETTERS = (v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.delta, v.A)


def prove() -> Proposal:
    """MinimisesInfoNCE(A) ⟹ WithinFisher(A), where the first is false."""
    s = Script(ID)
    minimal = s.define("MinimisesInfoNCE", LETTERS, eq(num(0), 1))(*LETTERS)
    wrong = s.assume(eq(num(0), 1))
    false = s.discharge(s.lin(num(1) <= 0, [(wrong, -1)]), wrong)
    goal = minimal >> Mixture(s).within_fisher(v.A)
    return s.qed(s.taut(goal, s.unfold("MinimisesInfoNCE", *LETTERS), false, s.calc(num(0) < 1)), SUPPOSED)
