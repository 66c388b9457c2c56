"""Does InfoNCE with a key bias learn all that tells components apart when δ < 1? In floats, not always.

The setting is that of `infonce-key-bias-equality`, with bias 0 < δ < 1. Of what is aligned, δ Σ_k w_k a_k² is left
where the mixture is centred, so that the slope along a missed direction is (1 − δ) Σ_k w_k a_k² − ½ Σ_jk Q_jk (a_j −
a_k)², whose sign is open. Weights 93/100, 6/100, 1/100 and means (94/465, 3/155), (−5, −4/5), (56/5, 3), Σ = I, δ =
7/10: in floats the best map has rank 1, with eigenvalue 0.0915, and the slope across is +0.0046. At δ = 1 the slope
across the best map of rank 1 is −9·10⁻⁶, and the plane is learnt.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 and the talk's remark on δ < 1. The loss and the question
are ours.

Status: open.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from functools import partial

from thmverify import vocabulary
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.infonce.common import BIAS_BELOW_ONE, HALF, WITNESS, with_bias
from thmverify.theorems.key_bias.common import CONCLUSION, QUANTITY, ROW, SETTING, examine, slope_across
from thmverify.theorems.key_bias.common import sample as sample_at
from thmverify.verdicts import Status

ID = "infonce-key-bias-equality-biased"


def sample(rng: random.Random) -> Instance:
    """Draw an instance with 0 < δ < 1."""
    return sample_at(rng, Fraction(rng.randint(1, 19), 20))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE with a key bias learns all that tells components apart when 0 < δ < 1",
    source=Source(
        PAPER,
        "Theorem 5.2, second half, for another loss and δ < 1 (in the talk: Possible next steps)",
        "the loss and the question are ours",
    ),
    status=Status.OPEN,
    symbols=vocabulary.entries("d", "K", "r", "w", "m", "Sigma_k", "Sigma_1", "delta"),
    hypotheses=(*SETTING, BIAS_POSITIVE, BIAS_BELOW_ONE),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=slope_across,
    examine=partial(examine, ID),
    witness=with_bias(WITNESS, HALF),
    sample=sample,
    evidence=(
        "In floats it fails: weights 93/100, 6/100, 1/100, means (94/465, 3/155), (−5, −4/5), (56/5, 3), Σ = I and "
        "δ = 7/10 have a best map of rank 1, with slope +0.0046 across. No rule of the kernel knows the claim.",
        "At δ = 1 it holds, conditionally (infonce-key-bias-equality).",
    ),
    guarantees=(Guarantee(ROW, Column.EQUALITY_BIASED),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
