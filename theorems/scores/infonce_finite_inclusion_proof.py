"""Proof of infonce-finite-inclusion: a log-sum-exp of scores less one of them is convex, and bends along each."""

from __future__ import annotations

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import Expr, Index, nth, unit, var
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import HYPOTHESES, Contrast, literal

ANCHOR, POSITIVE = nth(0, 1), var("positive", Index(f.N))


class InfoNCE(Contrast):
    """log Σ_l exp z_l − z_positive, over the scores of one anchor."""

    def value(self, t: Expr, z: Expr) -> Expr:  # noqa: ARG002
        """Return it."""
        return self.partition(ANCHOR, z) - f.score(z, self.candidates(ANCHOR)(POSITIVE))

    def linear(self, t: Expr) -> Expr:  # noqa: ARG002
        """Return its linear part."""
        return -unit(self.candidates(ANCHOR)(POSITIVE))


def inclusion(s: Script) -> Line:
    """A minimiser of E[log Σ_l exp z_l − z_positive] over the N ≥ 2 scores of an anchor has its columns in S_F."""
    return InfoNCE(s, literal(1)).inclusion()


def prove() -> Proposal:
    """InfoNCE with finitely many negatives."""
    line = derived("infonce-finite-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
