"""Do equal weights rescue equality? For many components no, for few it is not known.

The setting is that of infonce-equality, δ = 1 and mean 0, with equal weights and at most 8 components: does every
minimiser of the InfoNCE loss with r ≥ K columns have Col(A*) = S_F? The counterexamples on record live on very unequal
weights: a component of weight 1/1000 far out. With equal weights the far component has weight 1/K, and then the softmax
of the negatives gives it about its share.

For many components equal weights are no help: rational weights n_k/N are N equal weights with n_k means at one point,
and a slope > 0 survives a small move of these means, so the counterexample of infonce-equality is one with N = 1000
components. That has not been certified (the kernel takes 64 components); its analogue for δ < 1 has, with 32
(infonce-equality-equal-weights-biased). For a symmetric configuration equality is proved (infonce-equality-balanced).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half; the case of equal weights is ours.

Status: open.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from pathlib import Path

from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import ALWAYS_MATCHED, CENTRED, ENOUGH_COLUMNS, EQUAL_WEIGHTS, Hypothesis
from thmverify.models import AugmentedPairs, Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.infonce.common import (
    CLAIM,
    COUNTEREXAMPLE,
    COVARIANCES_DIFFER,
    EQUALITY,
    QUANTITY,
    SETTING,
    SYMBOLS,
    TRIANGLE,
    UNCENTRED,
    WITNESS,
    slope_across,
)
from thmverify.verdicts import Status
from thmverify.vocabulary import K

ID = "infonce-equality-equal-weights"
FEW = 8
FEW_COMPONENTS = Hypothesis("few-components", K <= FEW, f"The mixture has at most {FEW} components.")


# Hunts at δ = 1, at δ = 7/10, for more components, and with means that need not be nearly on a line.
HUNTS = tuple(
    Path(__file__).parents[1] / "hunts" / f"{ID}-{name}.json"
    for name in (
        *(f"components-{n}" for n in range(3, FEW + 1)),
        *(f"components-{n}-biased" for n in range(3, FEW + 1)),
        "components-16",
        "components-4-anywhere",
    )
)


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with equal weights and δ = 1."""
    return random_centred_instance(rng, Fraction(1), components=(3, FEW), equal_weights=True)


STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of few components with equal weights",
    source=Source(PAPER, "Theorem 5.2, second half, for equal weights", "the question is ours"),
    status=Status.OPEN,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, ENOUGH_COLUMNS, ALWAYS_MATCHED, EQUAL_WEIGHTS, FEW_COMPONENTS),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    breaks=(
        COVARIANCES_DIFFER,
        Break(CENTRED.name, UNCENTRED.instance, ByKernel(CLAIM)),
        Break(ENOUGH_COLUMNS.name, Instance(AugmentedPairs(TRIANGLE), 1), ByKernel(CLAIM)),
        Break(ALWAYS_MATCHED.name, Instance(AugmentedPairs(TRIANGLE, Fraction(0)), 3), ByKernel(CLAIM)),
        Break(EQUAL_WEIGHTS.name, COUNTEREXAMPLE.instance, ByKernel(CLAIM)),
    ),
    evidence=(
        "For K = 2, for K = 3, and for every symmetric configuration, it is proved (infonce-equality-two, -three, "
        "-balanced): open are 4 to 8 components.",
        "A random search of seven minutes, in floats, over means at three points (6 to 32 components, any δ) met a "
        "slope ≥ 0 with 32 components, and none with 24 or fewer.",
        "For 32 components and δ = 3/5 it fails, by a certificate. For 1000 and δ = 1 it fails too, with no "
        "certificate: unequal weights n_k/N are N equal weights with n_k means at one point, and a slope > 0 survives "
        "a small move of the means, so the counterexample of infonce-equality is one of N = 1000 equal weights.",
        "No argument is known that tells few components from many.",
    ),
    hunts=HUNTS,
    special_case_of="infonce-equality",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
