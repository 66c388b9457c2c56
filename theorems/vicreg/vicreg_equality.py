"""VICReg at its usual weights does not learn the whole Fisher subspace: all columns collapse onto its first
direction.

Setting as in `vicreg-inclusion`, with r ≥ K columns and mean 0. The claim is that Col(A*) = S_F for every minimiser
A*.

It is false. Let ρ₁ > ρ₂ be the largest canonical correlations of x with x̂. Where ρ₁ − ρ₂ ≥ (2/25) r κ², κ = min(1,
1/(4(1 − ρ₁))), the columns of every minimiser are multiples of one, the first canonical direction: at the weights 25,
25 and 1 it costs less that columns repeat each other than that a second direction is less invariant. Three components
in the plane and r = 3 do it, with δ = 1 and with δ = 1/2.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, for the loss of Bardes, Ponce, LeCun,
arXiv:2105.04906, of linear maps. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import BIAS_POSITIVE, CENTRED, ENOUGH_COLUMNS, PAIRS
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS
from thmverify.theorems.vicreg.common import (
    QUANTITY,
    ROW,
    apart,
    columns_collapse,
    short_of,
    source,
    too_steep,
)
from thmverify.verdicts import Status
from thmverify.vocabulary import entries

ID = "vicreg-equality"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies \mathrm{Col}(A^*) = S_F",
    "Col(A*) = S_F for every minimiser A* of L.",
)


def margin(instance: Instance) -> float:
    """Return a number that is positive where all columns collapse, or leave a line S_F, in float64."""
    m = fisher_subspace(instance.pairs.mixture).dimension
    if m == 0:
        return 1.0
    return short_of(instance) if m == 1 else too_steep(instance)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with mean 0, δ > 0 and r ≥ K."""
    return random_centred_instance(rng, Fraction(rng.randint(1, 20), 20))


ALWAYS, SOMETIMES = (
    Counterexample(
        COUNTEREXAMPLES / f"vicreg-equality{kind}.json",
        tempting="Columns that repeat each other are what the covariance part of the loss forbids.",
        catch="It only costs, and at weight 1 against 25 it costs little: a second direction of S_F, in which x and x̂ "
        "agree less than in the first, costs more by the invariance.",
        repaired="For r ≤ dim S_F columns stay in S_F (vicreg-inclusion); which part of it they learn depends on the "
        "weights.",
        near=Near(NEIGHBOURHOODS / f"vicreg-equality{kind}-near.json", columns_collapse()),
    )
    for kind in ("", "-biased")
)

STATEMENT = Statement(
    id=ID,
    title="VICReg learns the whole Fisher subspace",
    source=source("Theorem 5.2, second half, for another loss"),
    status=Status.REFUTED,
    symbols=entries("d", "K", "r", "m", "w", "mubar", "Sigma_k", "delta"),
    hypotheses=(*PAIRS, BIAS_POSITIVE, CENTRED, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=apart(1, 2),
    sample=sample,
    counterexamples=(ALWAYS, SOMETIMES),
    guarantees=(Guarantee(ROW, Column.EQUALITY), Guarantee(ROW, Column.EQUALITY_BIASED)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
