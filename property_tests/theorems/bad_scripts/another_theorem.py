"""A true theorem, another one, under the statement's name."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED
from verify.formulas import mixtures as v
from verify.proofs.lemmas.basic import square_norm
from verify.proofs.proposal import Proposal
from verify.proofs.script import Script


def prove() -> Proposal:
    """0 ≤ tr(AᵀA)."""
    s = Script(ID)
    return s.qed(square_norm(s, v.A), SUPPOSED)
