"""Proof of dcl-inclusion: a log-sum-exp of the scores of negatives less another score is convex, and bends for two."""

from __future__ import annotations

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import Expr, Index, nth, unit, var
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import HYPOTHESES, Contrast, literal

POSITIVE = var("positive", Index(f.q))


class Decoupled(Contrast):
    """log Σ_l exp z_l − z_positive, over the scores of an anchor with its negatives; the positive is any score."""

    def value(self, t: Expr, z: Expr) -> Expr:  # noqa: ARG002
        """Return it."""
        return self.partition(nth(0, 1), z) - f.score(z, POSITIVE)

    def linear(self, t: Expr) -> Expr:  # noqa: ARG002
        """Return its linear part."""
        return -unit(POSITIVE)


def inclusion(s: Script) -> Line:
    """A minimiser of E[log Σ_l exp z_l − z_positive], over N ≥ 2 negatives, has its columns in S_F."""
    return Decoupled(s, literal(1)).inclusion()


def prove() -> Proposal:
    """The decoupled contrastive loss."""
    line = derived("dcl-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
