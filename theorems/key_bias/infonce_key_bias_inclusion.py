"""InfoNCE with a key bias learns nothing outside S_LDA: for every δ, every rank, and wherever the origin is.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, and

    L(A, b) = −E[f(x)ᵀf(x̂) + b(x̂)] + E_x log E_y exp(f(x)ᵀf(y) + b(y)),     f(x) = Aᵀx,

over maps of r columns and key biases b: measurable, at least −exp(c(1 + |y|)) for some c, and at most an affine
function. Then Col(A*) ⊆ S_LDA = span{Σ⁻¹(μ_k − μ_l)} for every minimiser (A*, b*). S_LDA lies in S_F; it is S_F where
the mixture is centred.

The proof of Theorem 5.2's first half does not carry over: b may undo what a part of A across S_LDA costs. Let A₀ be the
part of A in S_LDA, and b₀ the mean of b over what lies across. Jensen's inequality gives L(A₀, b₀) ≤ L(A, b); that it
is strict comes from a coupling that correlates what x and y have across, which the softmax weights of (A₀, b₀) do not.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2; the talk names better contrastive losses as a next step.
The loss, the statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from functools import lru_cache

from flint import fmpq

from thmverify import exact, vocabulary
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, SHARED_PAIRS
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import Encoder
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import lda_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.common import leaking
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.key_bias.common import QUANTITY, ROW
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "infonce-key-bias-inclusion"
CONCLUSION = Conclusion(
    r"(A^*, b^*) \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r},\, b} L(A, b) \implies "
    r"\mathrm{Col}(A^*) \subseteq S_{\mathrm{LDA}} = \mathrm{span}\{\Sigma^{-1}(\mu_k - \mu_l)\}",
    "For every δ ∈ [0, 1] and every r ≥ 1, Col(A*) ⊆ S_LDA for every minimiser (A*, b*) of L over R^{d×r} and the key "
    "biases b.",
)


@lru_cache(maxsize=64)
def gain(instance: Instance) -> tuple[float, float] | None:
    """Return L(a) − L(a₀), each with its best bias, and its error, for a random column a; a₀ is its part in S_LDA.

    In float64. Positive by the proof. None where S_LDA is the whole space.
    """
    mixture, rng = instance.shared, instance_rng(instance)
    space = lda_subspace(mixture)
    if space.dimension == mixture.dimension:
        return None
    inside, outside = leaking(rng, space.basis, mixture.sigma, 1)
    noise = exact.inner(outside, mixture.sigma * outside)
    unit = fmpq(2) ** ((int(noise.q).bit_length() - int(noise.p).bit_length()) // 2)  # variance across from ¼ to 2
    values = [float64_value(LOSSES[ROW], instance, Encoder(m * unit)) for m in (inside + outside, inside)]
    return values[0].value - values[1].value, values[0].error + values[1].error


def margin(instance: Instance) -> float:
    """Return L(a₀) − L(a) for a random column a, negative by the proof; −1 where S_LDA is the whole space."""
    found = gain(instance)
    return -1.0 if found is None else -found[0]


def examine(instance: Instance) -> Verdict:
    """Look for a column that is no worse than its part inside: floats can contradict the proof here, not prove it."""
    dimension, found = lda_subspace(instance.shared).dimension, gain(instance)
    if found is None:
        return Verdict.exact(ID, True, "S_LDA is the whole space, so it contains every column space", dimension)
    value, error = found
    if value + error <= 0:
        reason = f"a part outside S_LDA lowers L by {-value:.3g} ± {error:.1g} in floats"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING, dimension=dimension)
    reason = f"in floats the part of a random column outside S_LDA raises L by {value:.4g}"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING, dimension=dimension)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture with one covariance, anywhere."""
    return random_instance(rng)


STATEMENT = Statement(
    id=ID,
    title="InfoNCE with a key bias learns nothing outside S_LDA",
    source=Source(
        PAPER,
        "Theorem 5.2, first half, for another loss (in the talk: Possible next steps)",
        "the loss, the statement and its proof are ours",
    ),
    status=Status.PROVED,
    symbols=vocabulary.entries("d", "K", "r", "w", "Sigma_k", "Sigma_1", "delta"),
    hypotheses=SHARED_PAIRS,
    redundant=(ENOUGH_COLUMNS,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.key_bias.infonce_key_bias_inclusion_proof"),
    formal=formal(ID),
    guarantees=(Guarantee(ROW, Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
