"""InfoNCE is said to be weight decay: its minimiser is 0, whose columns lie in every subspace."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED
from thmverify.formulas import mixtures as v
from thmverify.formulas.mixtures import Mixture
from thmverify.kernel.proofs.terms import instantiate
from thmverify.proofs.expressions import Expr, Index, Mat, fn, forall, tr, zero
from thmverify.proofs.lemmas.basic import sandwich, square_norm, vanishes
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script

LETTERS = (v.d, v.K, v.r, v.w, v.mu, v.Sigma, v.delta, v.A)


def prove() -> Proposal:
    """MinimisesInfoNCE(A) ⟹ WithinFisher(A), for another loss of the same name."""
    s = Script(ID)
    loss = s.define("InfoNCE", LETTERS, tr(v.A.T @ v.A))
    least = forall(Mat(v.d, v.r), lambda X: loss(*LETTERS) <= loss(*LETTERS[:-1], X))
    minimal = s.assume(s.define("MinimisesInfoNCE", LETTERS, least)(*LETTERS))
    means = s.unfold("MinimisesInfoNCE", *LETTERS)
    nothing = zero(v.d, v.r)
    below = s.spec(s.taut(means.right, means, minimal), nothing)
    here, there = (s.unfold("InfoNCE", *LETTERS[:-1], X) for X in (v.A, nothing))
    norm = s.lin(tr(v.A.T @ v.A) <= 0, [below, here, there])
    square = square_norm(s, v.A)
    A_is_0 = vanishes(s, v.A, sandwich(s, norm, square))
    within = Mixture(s).within_fisher(v.A)
    unfolded = s.unfold("WithinFisher", *within.term.args[1:])
    none = fn(Index(v.K), lambda k: zero(v.r))
    at_none = Expr(instantiate(unfolded.right.term.args[1], none.term))
    spanned = s.exhibit(unfolded.right, none, s.lin(at_none, [A_is_0]))
    return s.qed(s.discharge(s.taut(within, unfolded, spanned), minimal), SUPPOSED)
