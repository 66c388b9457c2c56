"""InfoNCE over affine maps is hoped to have a minimiser. It need not.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0 and L the InfoNCE loss of the maps f(x) = Aᵀx + c with r ≥ dim S_F columns.
The claim is that L has a minimiser; for linear maps it has one. It is false: three components of weights 0.93, 0.06 and
0.01 in the plane, δ = 7/10.

L depends on M = AAᵀ and β = Ac alone, and is strongly convex in them; over M ⪰ 0 and all β it has one minimiser
(M*, β*). Maps come as near to it as one likes, and reach it exactly when β* ∈ Col M*. Here M* has rank 1, and β* is not
in its column space: the offset wants a direction in which the map wants no slope, and c grows without end as the second
column of A shrinks. The kernel verifies it, from a point near (M*, β*): ∇_M L ⪰ 0 there takes β* to what is not 0, and
would take Col M* to 0. It is what `affine-inclusion` leaves open.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The claim is ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from functools import lru_cache

import numpy as np

from thmverify import exact
from thmverify.certifying.affine import inside, proposed
from thmverify.evidence import ByKernel, Counterexample
from thmverify.hypotheses import COLUMNS_REACH
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import lda_subspace
from thmverify.theorems import COUNTEREXAMPLES
from thmverify.theorems.common import NO_RULE
from thmverify.theorems.encoders.common import QUANTITY, source
from thmverify.theorems.infonce.common import SETTING, SYMBOLS, WITNESS
from thmverify.verdicts import Status

ID = "affine-existence"
CONCLUSION = Conclusion(
    r"\exists (A^*, c^*) \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r},\, c \in \mathbb{R}^r} L(A, c)",
    "L has a minimiser (A*, c*) over the affine maps into R^r.",
)


@lru_cache(maxsize=8)
def margin(instance: Instance) -> float:
    """Return the sine of the angle between β* and Col M* where M* is singular in floats, dim S_LDA = 2; else −1."""
    if lda_subspace(instance.shared).dimension != 2:
        return -1.0
    relaxed = inside(instance)[1]
    A, beta = proposed(relaxed, 2)
    (u, sizes, _), b = np.linalg.svd(exact.to_floats(A)), exact.to_floats(beta)[:, 0]
    if sizes[1] ** 2 > 1e-7 or not np.linalg.norm(b) > 1e-9:
        return -1.0
    return float(abs(u[:, 1] @ b) / np.linalg.norm(b)) - 1e-6


def sample(rng: random.Random) -> Instance:
    """Draw two centred components, where it holds: with more, a minimiser takes seconds."""
    return random_centred_instance(rng, Fraction(rng.randint(1, 20), 20), components=(2, 2))


def _centred(weights: tuple[Fraction, ...], axis: tuple[str, ...]) -> list[Fraction]:
    middle = sum((w * Fraction(x) for w, x in zip(weights, axis, strict=True)), Fraction(0))
    return [Fraction(x) - middle for x in axis]


WEIGHTS = (Fraction(93, 100), Fraction(6, 100), Fraction(1, 100))
LEANING = Instance(
    AugmentedPairs(
        SharedGMM(
            WEIGHTS,
            tuple(
                zip(_centred(WEIGHTS, ("1/5", "-5", "56/5")), _centred(WEIGHTS, ("0", "29/10", "-51/5")), strict=True)
            ),
        ),
        Fraction(7, 10),
    ),
    2,
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE over affine maps has a minimiser",
    source=source("Theorem 5.2, for affine maps", "that there is a minimiser is what it would need; the claim is ours"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, COLUMNS_REACH),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    witness=WITNESS,
    sample=sample,
    claim=ID,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "affine-existence.json",
            tempting="The loss is bounded from below and grows with A, so that a minimising sequence stays bounded.",
            catch="c does not: only Ac counts, and a column of A may tend to 0 while its offset grows.",
            repaired="Over M = AAᵀ and β = Ac there is one minimiser. Where maps reach it, they stay inside S_LDA "
            "(affine-inclusion).",
            near=NO_RULE,
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
