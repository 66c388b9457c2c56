"""The talk's open case: does InfoNCE learn the whole Fisher subspace when δ < 1? Not always.

The setting is that of infonce-equality, with bias 0 < δ < 1: with probability 1 − δ the two points of a pair have
nothing to do with each other. The talk says "we do not actually have a counter-example of it NOT working if δ < 1".
There is one, with three components, mean 0 and δ = 7/10: M* has rank 1 where S_F is a plane. For each centred mixture
the claim holds once δ > 0 is small enough (infonce-equality-vanishing), so a smaller bias can help.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 (the talk's Theorem 0.1 and the remark below it). The
source claims nothing here, it asks; that the mixture is centred is our addition.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE, ENOUGH_COLUMNS
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

ID = "infonce-equality-biased"


def sample(rng: random.Random) -> Instance:
    """Draw a centred instance with 0 < δ < 1."""
    return random_centred_instance(rng, bias=Fraction(rng.randint(1, 19), 20))


COUNTEREXAMPLE = Counterexample(
    COUNTEREXAMPLES / "infonce-equality-biased.json",
    tempting="Unrelated pairs add (1 − δ)μ̄μ̄ᵀ to C = E[x x̂ᵀ], which is 0 for a centred mixture: they only scale C by δ.",
    catch="So they do, while the negatives stay as they are. Where these balance all that the pairs say about a "
    "direction, scaling C down need not bring the direction back.",
    repaired="For a centred mixture it holds for every δ below a threshold δ₀ > 0 that depends on the mixture "
    "(infonce-equality-vanishing).",
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns the whole Fisher subspace when 0 < δ < 1",
    source=Source(
        PAPER,
        'the remark below Theorem 0.1 of the talk ("we do not actually have a counter-example"); Theorem 5.2',
        "asked there, not claimed; that the mixture is centred is our addition",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, ENOUGH_COLUMNS, BIAS_POSITIVE, BIAS_BELOW_ONE),
    quantity=QUANTITY,
    conclusion=EQUALITY,
    margin=slope_across,
    examine=ByKernel(CLAIM),
    witness=with_bias(WITNESS, HALF),
    sample=sample,
    claim=CLAIM,
    counterexamples=(COUNTEREXAMPLE,),
    guarantees=(Guarantee("infonce", Column.EQUALITY_BIASED),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
