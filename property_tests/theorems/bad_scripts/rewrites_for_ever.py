"""An equation that gives more to rewrite each time it is used: X = X X."""

from property_tests.theorems.bad_scripts import ID
from thmverify.proofs.expressions import Mat, Size, eq, var
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script

n = var("n", Size)
X, Y = var("X", Mat(n, n)), var("Y", Mat(n, n))


def prove() -> Proposal:
    """XY = Y, by a rewriting that does not end."""
    s = Script(ID)
    same = s.assume(eq(X, X @ X))
    return s.qed(s.calc(eq(X @ Y, Y), same), {"weights-sum": same.formula})
