"""Proof of convex-scores-inclusion: Jensen's inequality, given the parts of all items within S_F.

P is the projector on S_F. Given its component, Pᵀx is independent of (I − P)ᵀx, which has mean 0; so the means of the
scores x_iᵀAAᵀx_j of different items, given all the Pᵀx, are the scores of PA, and by Jensen's inequality Φ has a mean
that is no larger. Were it no smaller, Φ would be affine on what the scores can be given all the Pᵀx. When the map has
a part across S_F that is a whole line in every direction in which the scores of one item can move; a convex function
that is affine on a line is affine along every parallel line.
"""

from __future__ import annotations

from thmverify.formulas import mixtures as v
from thmverify.formulas import scores as f
from thmverify.formulas.nonshared import HYPOTHESES as OWN
from thmverify.proofs.expressions import Mat, conj, exists
from thmverify.proofs.lemmas.basic import unfolded
from thmverify.proofs.lemmas.mixtures import Setting
from thmverify.proofs.lemmas.scores import Across
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived

HYPOTHESES = ("weights-positive", "weights-sum", "covariances-definite", "maps-into-means")
FORMULAS = {**v.HYPOTHESES, **OWN}


def inclusion(s: Script) -> Line:
    """∀Φ. convex losses: a map within S_F is no worse than A; if they bend, a minimiser A has Col(A) ⊆ S_F."""
    p = Across(Setting(s))
    scores, A = p.scores, v.A
    s.step("projector", "P is the projector on S_F, and (I − P)ᵀμ_k = 0 for every component.", p.fisher.means)
    s.step("blocks", "Every Σ_k maps S_F into the span of the means, so PᵀΣ_kP = Σ_kP.", p.fisher.crossed)
    s.step(
        "independence",
        "Given the components, the parts (I − P)ᵀx of the items are independent of the parts Pᵀx: they may have a "
        "noise η of their own.",
        p.split,
    )
    s.step("jensen", "The mean over η of the scores of A is the score of PA, and Φ has a tangent there.", p.jensen)
    no_worse = s.step(
        "no-worse",
        "L(A) − L(PA) is a sum over the states of terms that are at least 0.",
        p.no_worse(),
    )
    bends = s.assume(scores.bends(f.Phi))
    minimal = s.assume(scores.minimises(f.Phi, A))
    below = s.spec(unfolded(s, minimal), p.kept)
    flat = s.step(
        "flat",
        "For a minimiser A they are 0. If y had Aᵀ(I − P)ᵀy ≠ 0, Φ would be affine along a line on which the scores of "
        "one item move at any given rates, and so along every parallel line; but Φ bends.",
        p.flat(below, unfolded(s, bends)),
    )
    within = s.release(s.step("inside", "So A = PA, and Col(A) ⊆ S_F.", p.included(flat)))
    smaller = exists(
        Mat(v.d, v.r), lambda B: conj(p.set.mix.within_fisher(B), scores.loss(f.Phi, B) <= scores.loss(f.Phi, A))
    )
    inner = s.release(s.exhibit(smaller, p.kept, s.both(p.kept_within, no_worse)))
    line = s.both(inner, s.discharge(within, bends, minimal))
    return s.gen(s.discharge(line, p.batch, p.are_convex), f.Phi)


def prove() -> Proposal:
    """Losses that are convex functions of scores."""
    line = derived("convex-scores-inclusion", inclusion)
    return line.script.qed(line, {name: FORMULAS[name] for name in HYPOTHESES})
