"""Equal weights do not rescue equality when δ < 1: a counterexample with 32 components.

The setting is that of infonce-equality-biased, 0 < δ < 1 and mean 0, with equal weights. Weights n_k/N are N equal
weights with n_k means at one point; a slope > 0 across the lower rank survives a small move of the means. Here 27, 4
and 1 of 32 means lie in three rows, all distinct, 1/500 apart, and δ = 3/5: M* has rank 1 where S_F is a plane.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, the remark below Theorem 0.1 of the talk; the case of equal weights
is ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE, ENOUGH_COLUMNS, EQUAL_WEIGHTS
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Statement
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.infonce.common import (
    BIAS_BELOW_ONE,
    CLAIM,
    EQUALITY,
    HALF,
    QUANTITY,
    SETTING,
    SYMBOLS,
    WITNESS,
    slope_across,
    with_bias,
)
from thmverify.verdicts import Status

ID = "infonce-equality-equal-weights-biased"


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with equal weights and 0 < δ < 1."""
    return random_centred_instance(rng, Fraction(rng.randint(1, 19), 20), components=(3, 8), equal_weights=True)


STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace of many components with equal weights when 0 < δ < 1",
    source=Source(
        PAPER,
        "the remark below Theorem 0.1 of the talk, for equal weights",
        "asked there, not claimed; the case is ours",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, ENOUGH_COLUMNS, BIAS_POSITIVE, BIAS_BELOW_ONE, EQUAL_WEIGHTS),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=with_bias(WITNESS, HALF),
    sample=sample,
    claim=CLAIM,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / f"{ID}.json",
            tempting="The counterexamples need a component of tiny weight far out; equal weights have none.",
            catch="Equal weights make unequal ones when means lie close together: 27 of 32 near one point weigh 27/32.",
            repaired="For three components it is proved for every δ, for symmetric configurations at δ = 1, and for "
            "every mixture when δ is small enough; for 4 components and more, up to some number, it is open.",
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
