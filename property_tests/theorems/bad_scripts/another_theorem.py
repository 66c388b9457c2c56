"""A true theorem, another one, under the statement's name."""

from property_tests.theorems.bad_scripts import ID, SUPPOSED
from thmverify.formulas import mixtures as v
from thmverify.proofs.lemmas.basic import square_norm
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Script


def prove() -> Proposal:
    """0 ≤ tr(AᵀA)."""
    s = Script(ID)
    return s.qed(square_norm(s, v.A), SUPPOSED)
