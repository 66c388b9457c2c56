"""Scripts that do not prove `nonshared-proportional`, each in another way, though some make a trace that replays."""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas.mixtures import Mixture
from thmverify.formulas.nonshared import HYPOTHESES
from thmverify.proofs.expressions import Expr
from thmverify.proofs.script import Script

ID = "nonshared-proportional"
NAMES = ("weights-positive", "weights-sum", "covariances-definite", "maps-into-means")
SUPPOSED = {name: {**v.HYPOTHESES, **HYPOTHESES}[name] for name in NAMES}


def claim(s: Script) -> Expr:
    """What the statement concludes."""
    mix = Mixture(s)
    return mix.minimises_infonce(v.A) >> mix.within_fisher(v.A)
