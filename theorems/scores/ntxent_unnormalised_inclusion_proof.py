"""Proof of ntxent-unnormalised-inclusion: a sum over anchors of what infonce-finite-inclusion speaks of."""

from __future__ import annotations

from thmverify.formulas import scores as f
from thmverify.proofs.expressions import Expr, Family, Index, num, total, unit, var
from thmverify.proofs.proposal import Proposal
from thmverify.proofs.script import Line, Script, derived
from thmverify.theorems.scores.common_proof import HYPOTHESES, Contrast

POSITIVE = var("positive", Family(f.M, Index(f.N)))


class NTXent(Contrast):
    """Σ_m (log Σ_l exp z_{candidate(m, l)} − z_{candidate(m, positive(m))})."""

    def value(self, t: Expr, z: Expr) -> Expr:  # noqa: ARG002
        """Return it."""
        return total(f.M, lambda m: self.partition(m, z) - f.score(z, self.candidates(m)(POSITIVE(m))))

    def linear(self, t: Expr) -> Expr:  # noqa: ARG002
        """Return its linear part."""
        return -total(f.M, lambda m: unit(self.candidates(m)(POSITIVE(m))))


def inclusion(s: Script) -> Line:
    """A minimiser of the sum over M ≥ 1 anchors, with N ≥ 2 candidates each, has its columns in S_F."""
    return NTXent(s, f.M).inclusion(s.assume(num(1) <= f.M))


def prove() -> Proposal:
    """SimCLR's loss without normalisation."""
    line = derived("ntxent-unnormalised-inclusion", inclusion)
    return line.script.qed(line, HYPOTHESES)
