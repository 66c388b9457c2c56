"""A better contrastive loss: with a learnt number for each key, InfoNCE learns all that tells components apart.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, and

    L(A, b) = −E[f(x)ᵀf(x̂) + b(x̂)] + E_x log E_y exp(f(x)ᵀf(y) + b(y)),     f(x) = Aᵀx,

over maps of r ≥ dim S_F columns and key biases b: measurable, at least −exp(c(1 + |y|)) for some c, and at most an
affine function. In a batch the best b is what Sinkhorn's scaling finds; of a map it is such a function. The claim is
that at δ = 1 Col(A*) = S_LDA = span{Σ⁻¹(μ_k − μ_l)} for every minimiser, which is S_F where the mixture is centred. The
loss does not depend on the origin.

The tempting step of `infonce-equality`, made true by the loss: stationarity in b says that the softmax weights are a
coupling of F with itself. Then Q_jk, the share of it that joins the components j and k, has *both* marginals w, and the
slope along a direction v that is missed, a_k = vᵀμ_k, is −½ Σ_jk Q_jk (a_j − a_k)² < 0. Without b the columns of Q sum
to something else, and the sign is open.

The first half, Col(A*) ⊆ S_LDA for every δ and r, is `infonce-key-bias-inclusion`. For the second, the best bias of a
map may be taken as a function of f(y) (Jensen's inequality for the mean given f(y)); the posterior given f(y), tilted,
is a direction in which b may move; and what is missed is independent of f.

On the mixture that refutes `infonce-equality` the best map with a key bias has rank 2, in floats: its smaller
eigenvalue, whitened, is 4·10⁻⁸, and the larger 0.13. δ = 1 is needed: see `infonce-key-bias-equality-biased`, which two
bounds in balls refute.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2; the talk names better contrastive losses as a next step.
The loss, the claim and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ALWAYS_MATCHED, COLUMNS_REACH
from thmverify.models import AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import TRIANGLE, WITNESS
from thmverify.theorems.key_bias.common import BIASED, CLAIM, CONCLUSION, QUANTITY, ROW, SETTING, examine, margin
from thmverify.theorems.key_bias.common import sample as sample_at
from thmverify.verdicts import Status

ID = "infonce-key-bias-equality"
NARROW = Instance(AugmentedPairs(TRIANGLE, Fraction(1)), 1)  # S_LDA is a plane


def sample(rng: random.Random) -> Instance:
    """Draw an instance with δ = 1."""
    return sample_at(rng, Fraction(1))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE with a key bias learns all that tells components apart",
    source=Source(
        PAPER,
        "Theorem 5.2, second half, for another loss (in the talk: Possible next steps)",
        "the sources ask for better contrastive losses; this one, the claim and its proof are ours",
    ),
    status=Status.PROVED,
    symbols=vocabulary.entries("d", "K", "r", "w", "m", "Sigma_k", "Sigma_1", "delta"),
    hypotheses=(*SETTING, ALWAYS_MATCHED),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    proof=Proof("thmverify.theorems.key_bias.infonce_key_bias_equality_proof"),
    formal=formal(ID),
    evidence=(
        "On the mixture that refutes infonce-equality the slope at the best map of rank 1 is −4·10⁻⁸ in floats, and "
        "the best map has rank 2.",
    ),
    breaks=(Break(ALWAYS_MATCHED.name, BIASED, examine), Break(COLUMNS_REACH.name, NARROW, examine)),
    guarantees=(Guarantee(ROW, Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
