"""What the statements about whitening share: the maximisers, decided exactly by ranks."""

from __future__ import annotations

from dataclasses import dataclass

from thmverify import vocabulary
from thmverify.headlines import Source
from thmverify.models import Instance
from thmverify.statement import Quantity
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import PAPER
from thmverify.verdicts import Verdict

ROW = "whitening"
SYMBOLS = vocabulary.entries("d", "K", "r", "m", "w", "Sigma_k", "delta")
QUANTITY = Quantity(
    r"\mathrm{tr}(A^T C A),\quad A^T R A = I,\quad R = \mathbb{E}\, x x^T,\ C = \mathbb{E}\, x \hat x^T"
)


def source(label: str) -> Source:
    """Return the source of a statement about this loss."""
    return Source(PAPER, label, "for the linear loss of canonical correlations; the statement is ours")


@dataclass(frozen=True)
class Maximisers:
    """What decides the maximisers of tr(AᵀCA), AᵀRA = I, of n = min(r, d) columns; d, m = dim S_F, and q = rank C.

    R⁻¹C has q positive eigenvalues, with eigenvectors in S_F, and is 0 across them: a maximiser takes n eigenvectors
    from the top, and where n > q any directions besides.
    """

    n: int
    d: int
    m: int
    q: int

    @classmethod
    def of(cls, instance: Instance) -> Maximisers:
        """Return those of an instance."""
        mixture = instance.pairs.mixture
        d = mixture.dimension
        return cls(min(instance.rank, d), d, fisher_subspace(mixture).dimension, instance.pairs.C.rank())

    @property
    def inside(self) -> bool:
        """Whether all of them lie in S_F."""
        return self.n <= self.q or self.m == self.d

    @property
    def equal(self) -> bool:
        """Whether all of them span S_F."""
        return self.inside and self.n == self.m

    def verdict(self, claim: str, holds: bool) -> Verdict:
        """Return the verdict on a claim."""
        reason = f"every maximiser has rank {self.n}, dim S_F = {self.m}, rank C = {self.q} and d = {self.d}, exactly"
        return Verdict.exact(claim, holds, reason, self.m, self.n)
