"""InfoNCE with a key bias is hoped to learn all that tells components apart when δ < 1, too. It does not.

The setting is that of `infonce-key-bias-equality`, with bias 0 < δ < 1. Of what is aligned, δ Σ_k w_k a_k² is left
where the mixture is centred, so that the slope along a missed direction is (1 − δ) Σ_k w_k a_k² − ½ Σ_jk Q_jk (a_j −
a_k)², whose sign is open.

The claim is false. Weights 93/100, 6/100, 1/100 and means (94/465, −57/310), (−5, 161/20), (56/5, −156/5), Σ = I, δ =
7/10: every minimiser has rank 1. In floats the best map of rank 1 has eigenvalue 0.092, and the slope across it is
+0.55. The kernel verifies two bounds. A coupling of F with itself that agrees along every direction at least as well
as pairs do shows that the loss is at least −0.0849 for every map and bias; an indefinite M, which is no AAᵀ, with a
bias in closed form has −0.0893. By convexity no M ≻ 0 is then the best of all M ⪰ 0. Minimisers exist: the loss grows
with M, and each M has a best bias, the Schrödinger potential of entropic optimal transport.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 and the talk's remark on δ < 1. The loss and the
question are ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_POSITIVE
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.common import NO_RULE
from thmverify.theorems.infonce.common import BIAS_BELOW_ONE, HALF, WITNESS, with_bias
from thmverify.theorems.key_bias.common import CLAIM, CONCLUSION, QUANTITY, ROW, SETTING, examine, margin
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
    status=Status.REFUTED,
    symbols=vocabulary.entries("d", "K", "r", "w", "m", "Sigma_k", "Sigma_1", "delta"),
    hypotheses=(*SETTING, BIAS_POSITIVE, BIAS_BELOW_ONE),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=with_bias(WITNESS, HALF),
    sample=sample,
    claim=CLAIM,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "infonce-key-bias-equality-biased.json",
            tempting="With the key bias the softmax weights are a coupling, and along a direction that is missed pairs "
            "agree more than the coupling does.",
            catch="Pairs that are not of one component agree in nothing, and take their share of what is aligned: the "
            "coupling agrees more than they do along a direction in which a rare component lies far out.",
            repaired="At δ = 1 it holds, conditionally (infonce-key-bias-equality).",
            near=NO_RULE,
        ),
    ),
    guarantees=(Guarantee(ROW, Column.EQUALITY_BIASED),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
