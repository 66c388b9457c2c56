"""Whitening with more columns than S_F has dimensions learns noise: it has to.

Setting as in `whitening-equality`. The claim is that Col(A*) ⊆ S_F for every maximiser A* of tr(AᵀCA) over AᵀRA = I,
for every r and every δ ∈ (0, 1]. It is false whenever dim S_F < min(r, d): white features are uncorrelated, so that the
map has min(r, d) independent columns. The other losses may leave columns at 0 or repeat them; this one fills them with
noise.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, first half, for the loss of Ermolov, Siarohin,
Sangineto, Sebe, arXiv:2007.06346, without its normalisation. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import sys
from fractions import Fraction

from thmverify.certifying.formulas import name, rank
from thmverify.evidence import ByKernel, Counterexample, Fails, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, PAIRS
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_biased_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.whitening.common import QUANTITY, ROW, SYMBOLS, Maximisers, source
from thmverify.verdicts import Status

ID = "whitening-inclusion"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmax}_{A^T R A = I} \mathrm{tr}(A^T C A) \implies \mathrm{Col}(A^*) \subseteq S_F",
    "For every δ ∈ (0, 1] and every r, Col(A*) ⊆ S_F for every maximiser A* of tr(AᵀCA) over the d × min(r, d) "
    "matrices with AᵀRA = I.",
)


def margin(instance: Instance) -> float:
    """Return how many columns of the maximisers need not lie in S_F, exactly; −1 where all do."""
    found = Maximisers.of(instance)
    return -1.0 if found.inside else float(found.n - found.q)


HALF = Fraction(1, 2)
M = rank(name("fisher"))
MORE_COLUMNS = Fails((name("r") > M) & (name("d") > M), "r > dim S_F ≥ rank C, so that some column is across S_F")
WITNESS = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1, 0), (-1, 0)))), 1)

STATEMENT = Statement(
    id=ID,
    title="Whitening learns nothing outside the Fisher subspace",
    source=source("Theorem 5.2, first half, for another loss"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, BIAS_POSITIVE),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=random_biased_instance,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "whitening-inclusion.json",
            tempting="Directions across S_F agree with nothing: E f(x)ᵀf(x̂) is 0 there, so they should not be learnt.",
            catch="White features have E f(x)f(x)ᵀ = I: a second column may neither be 0 nor repeat the first, so it "
            "is a direction across.",
            repaired="For r = dim S_F it is S_F, whatever the covariances are (whitening-equality).",
            near=Near(NEIGHBOURHOODS / "whitening-inclusion-near.json", MORE_COLUMNS),
        ),
    ),
    guarantees=(Guarantee(ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
