"""A better contrastive loss: with a learnt number for each key, InfoNCE learns all that tells components apart.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, and

    L(A, b) = −E[f(x)ᵀf(x̂) + b(x̂)] + E_x log E_y exp(f(x)ᵀf(y) + b(y)),     f(x) = Aᵀx,

over maps of r ≥ dim S_F columns and key biases b: continuous, at least −C(1 + |y|²), and at most C + ε|y|² for each
ε > 0. In a batch the best b is what Sinkhorn's scaling finds. The claim is that at δ = 1 Col(A*) = S_LDA =
span{Σ⁻¹(μ_k − μ_l)} for every minimiser, which is S_F where the mixture is centred. The loss does not depend on the
origin.

The tempting step of `infonce-equality`, made true by the loss: stationarity in b says that the softmax weights are a
coupling of F with itself. Then Q_jk, the share of it that joins the components j and k, has *both* marginals w, and the
slope along a direction v that is missed, a_k = vᵀμ_k, is −½ Σ_jk Q_jk (a_j − a_k)² < 0. Without b the columns of Q sum
to something else, and the sign is open.

The proof derives the second half of this for every mixture, and supposes the first by name: `optimal-coupling`, that a
minimiser comes with such a Q and a slope that is not negative, and `inclusion`, Col(A*) ⊆ S_LDA. For both there is an
argument by entropic optimal transport: least over b, L is −⟨C, M⟩ plus the largest E_π xᵀMy − KL(π | F × F) over the
couplings π of F with itself, strictly convex in M = AAᵀ, with gradient −C + E_π xyᵀ; π's density depends on Aᵀx and
Aᵀy alone, and the coupling of a map's part in S_LDA, independent across, is one for the map. It is not scripted: the
language of proofs has no integrals of unknown functions.

On the mixture that refutes `infonce-equality` the best map with a key bias has rank 2, in floats: its smaller
eigenvalue, whitened, is 4·10⁻⁸, and the larger 0.13. δ = 1 is needed: see `infonce-key-bias-equality-biased`, which two
bounds in balls refute.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2; the talk names better contrastive losses as a next step.
The loss and the claim are ours.

Status: open.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from thmverify import vocabulary
from thmverify.evidence import Break
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ALWAYS_MATCHED
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.key_bias.common import BIASED, CLAIM, CONCLUSION, QUANTITY, ROW, SETTING, examine, slope_across
from thmverify.theorems.key_bias.common import sample as sample_at
from thmverify.verdicts import Status

ID = "infonce-key-bias-equality"


def sample(rng: random.Random) -> Instance:
    """Draw an instance with δ = 1."""
    return sample_at(rng, Fraction(1))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE with a key bias learns all that tells components apart",
    source=Source(
        PAPER,
        "Theorem 5.2, second half, for another loss (in the talk: Possible next steps)",
        "the sources ask for better contrastive losses; this one and the claim are ours",
    ),
    status=Status.OPEN,
    symbols=vocabulary.entries("d", "K", "r", "w", "m", "Sigma_k", "Sigma_1", "delta"),
    hypotheses=(*SETTING, ALWAYS_MATCHED),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=slope_across,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    proof=Proof("thmverify.theorems.key_bias.infonce_key_bias_equality_proof"),
    formal=formal(ID),
    evidence=(
        "The proof supposes the optimal coupling with both marginals, and inclusion, by name; both have a proof by "
        "entropic optimal transport that is not scripted.",
        "On the mixture that refutes infonce-equality the slope at the best map of rank 1 is −4·10⁻⁸ in floats, and "
        "the best map has rank 2.",
    ),
    breaks=(Break(ALWAYS_MATCHED.name, BIASED, examine),),
    guarantees=(Guarantee(ROW, Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
