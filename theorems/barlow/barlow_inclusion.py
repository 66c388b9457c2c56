"""Barlow Twins with more columns than S_F has dimensions learns noise, where the components are far apart.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, (x, x̂) its augmented pairs with bias δ ∈ (0, 1], f(x) = Aᵀx with columns
a_i ≠ 0, and L the loss of Barlow Twins with λ = 1/200, the usual one. The claim is that Col(A*) ⊆ S_F for every
minimiser A*.

It is false. Where S_F is a line and ρ the canonical correlation of x with x̂, it holds exactly when λ(r − 1) ≤
(1 − ρ)/ρ: columns that all lie on the line are correlated, and when they agree well enough it pays to turn one of them
out of it. For two components ±μ, r = 2 and δ = 1 that begins at ρ = 200/201, |Σ^{-1/2}μ| = 10√2.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, first half, for the loss of Zbontar, Jing, Misra,
LeCun, Deny, arXiv:2103.03230. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import sys
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, PAIRS
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.barlow.common import QUANTITY, ROW, columns_turn, excess, sample, source
from thmverify.verdicts import Status
from thmverify.vocabulary import entries

ID = "barlow-inclusion"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A^*) \subseteq S_F",
    "For λ = 1/200, every δ ∈ (0, 1] and every r, Col(A*) ⊆ S_F for every minimiser A* of L over the maps without a "
    "column 0.",
)


def margin(instance: Instance) -> float:
    """Return λ(r − 1)ρ − (1 − ρ) where S_F is a line in a larger space: positive where it leaks. −1 elsewhere."""
    mixture = instance.pairs.mixture
    line = fisher_subspace(mixture).dimension == 1 < mixture.dimension
    return float(excess(instance)) if line else -1.0


HALF = Fraction(1, 2)
WITNESS = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((15, 0), (-15, 0)))), 1)

STATEMENT = Statement(
    id=ID,
    title="Barlow Twins learns nothing outside the Fisher subspace",
    source=source("Theorem 5.2, first half, for another loss"),
    status=Status.REFUTED,
    symbols=entries("d", "K", "r", "m", "w", "Sigma_k", "delta"),
    hypotheses=(*PAIRS, BIAS_POSITIVE),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "barlow-inclusion.json",
            tempting="Across S_F nothing of x is seen in x̂: a column there has correlation 0 with its twin.",
            catch="Two columns on one line are correlated with each other, ρ = 225/226, which costs 2λρ². Turning one "
            "by a small angle saves more of that than it costs of its own correlation.",
            repaired="Where S_F is a line it holds for λ(r − 1) ≤ (1 − ρ)/ρ, and for r = 1 always.",
            near=Near(NEIGHBOURHOODS / "barlow-inclusion-near.json", columns_turn()),
        ),
    ),
    guarantees=(Guarantee(ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
