"""Barlow Twins at its usual λ does not learn the whole Fisher subspace: all columns collapse onto its first direction.

Setting as in `barlow-inclusion`, with r ≥ K columns and mean 0. The claim is that Col(A*) = S_F for every minimiser A*.

It is false. Let ρ₁ > ρ₂ be the largest canonical correlations of x with x̂. For λ < (1 − ρ₁)(ρ₁ − ρ₂)/(2(r − 1)ρ₁(ρ₁ +
ρ₂)) the columns of every minimiser are multiples of one, the first canonical direction: a second direction would be
less correlated with itself, which costs more than what two equal columns cost. Three components in the plane do it,
with δ = 1 and with δ < 1. For r = 2 equal columns are no longer a minimum from twice this λ on.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, for the loss of Zbontar, Jing, Misra,
LeCun, Deny, arXiv:2103.03230. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample, Near
from thmverify.exact import centred
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, CENTRED, ENOUGH_COLUMNS, PAIRS
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.barlow.common import QUANTITY, ROW, bracket, columns_collapse, excess, source
from thmverify.theorems.barlow.common import sample as sample_anywhere
from thmverify.verdicts import Status
from thmverify.vocabulary import entries

ID = "barlow-equality"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A^*) = S_F",
    "For λ = 1/200, Col(A*) = S_F for every minimiser A* of L over the maps without a column 0.",
)


def margin(instance: Instance) -> float:
    """Return a number that is positive where all columns collapse, or leave a line S_F, in float64."""
    mixture = instance.pairs.mixture
    m = fisher_subspace(mixture).dimension
    if m == 0:
        return 1.0
    if m == 1:
        return float(excess(instance)) if mixture.dimension > 1 else -1.0
    return bracket(instance)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with mean 0, δ > 0 and r ≥ K."""
    instance = sample_anywhere(rng)
    mixture = instance.pairs.mixture
    moved = GMM(mixture.weights, centred(mixture.weights, mixture.means), mixture.covariances)
    return replace(instance, model=AugmentedPairs(moved, instance.pairs.bias))


ALWAYS, SOMETIMES = (
    Counterexample(
        COUNTEREXAMPLES / f"barlow-equality{kind}.json",
        tempting="Columns that repeat each other are what the off-diagonal part of the loss forbids.",
        catch="It only costs, and at λ = 1/200 it costs little: a second direction of S_F, in which x and x̂ agree less "
        "than in the first, costs more on the diagonal.",
        repaired="For a large λ it may hold; where S_F is a line, for λ(r − 1) ≤ (1 − ρ)/ρ.",
        near=Near(NEIGHBOURHOODS / f"barlow-equality{kind}-near.json", columns_collapse()),
    )
    for kind in ("", "-biased")
)
WITNESS = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((1, 0), (-1, 0)))), 2)

STATEMENT = Statement(
    id=ID,
    title="Barlow Twins learns the whole Fisher subspace",
    source=source("Theorem 5.2, second half, for another loss"),
    status=Status.REFUTED,
    symbols=entries("d", "K", "r", "m", "w", "mubar", "Sigma_k", "delta"),
    hypotheses=(*PAIRS, BIAS_POSITIVE, CENTRED, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    counterexamples=(ALWAYS, SOMETIMES),
    guarantees=(Guarantee(ROW, Column.EQUALITY), Guarantee(ROW, Column.EQUALITY_BIASED)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
