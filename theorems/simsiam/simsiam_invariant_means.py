"""SimSiam with weight decay stays inside the Fisher subspace where Σ̄ maps the span of the means to itself.

Setting and loss as in `simsiam-inclusion`. Let η > 0 and Σ̄·span{μ_k} ⊆ span{μ_k}, as for Σ̄ = σ²I or for means along
principal axes of Σ̄; then S_F = span{μ_k}. Wherever ∂_A L = 0, Col(A) ⊆ S_F: for every δ, every r and every predictor P,
singular ones too. For the part A_out of A across the means, ∂_A L = 0 says that

    tr(P A_outᵀΣ̄ A_out Pᵀ) + η‖A_out‖² = 0.

This is the special case of `simsiam-weight-decay` that survives. Without weight decay a singular P lets A leak even
here (`simsiam-collapse`), and without invariant means weight decay does.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print them: the statement and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from flint import fmpq_mat

from thmverify import exact
from thmverify.evidence import Break, ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, MEANS_INVARIANT, PAIRS, SHARED_COVARIANCE, WEIGHT_DECAY
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.simsiam.common import LEAK, QUANTITY, READING, SYMBOLS, leak_margin, refute_inclusion
from thmverify.verdicts import Status

ID = "simsiam-invariant-means"
CONCLUSION = Conclusion(
    r"R A P^T P - C A P + \eta A = 0 \implies \mathrm{Col}(A) \subseteq S_F = \mathrm{span}\{\mu_k\}",
    "For every δ ∈ [0, 1], every r ≥ 1 and every predictor P, invertible or not, Col(A) ⊆ S_F for every encoder A with "
    "∂_A L(A, P) = 0, the target held fixed.",
)


def invariant_covariance(mixture: SharedGMM) -> fmpq_mat:
    """Return aI + bΠ for the orthogonal projection Π on span μ: it maps the span to itself."""
    d, mu = mixture.dimension, exact.submatrix(mixture.mu, range(mixture.dimension), exact.pivot_columns(mixture.mu))
    if mu.ncols() == 0:
        return exact.identity(d)
    return exact.identity(d) / 2 + mu * (mu.transpose() * mu).solve(mu.transpose()) * 2


def sample(rng: random.Random) -> Instance:
    """Draw an instance with weight decay and a covariance that maps the span of its means to itself."""
    instance = random_instance(rng)
    old = instance.shared
    mixture = SharedGMM(old.weights, old.means, exact.to_rows(invariant_covariance(old)))
    decay = Fraction(1, rng.choice([1, 3, 10, 100]))
    return Instance(AugmentedPairs(mixture, instance.pairs.bias), instance.rank, decay)


WITNESS = Instance(
    AugmentedPairs(
        SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 1, 0), (-1, -1, 0)), ((2, 1, 0), (1, 2, 0), (0, 0, 5)))
    ),
    1,
    Fraction(1, 10),
)

STATEMENT = Statement(
    id=ID,
    title="SimSiam with weight decay, means that the covariance keeps",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Definition 5.1", READING),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, WEIGHT_DECAY, MEANS_INVARIANT),
    redundant=(SHARED_COVARIANCE, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=leak_margin,
    examine=ByKernel("simsiam-inclusion"),
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.simsiam.simsiam_invariant_means_proof"),
    formal=formal(ID),
    breaks=(
        Break(MEANS_INVARIANT.name, LEAK.instance, ByKernel("simsiam-inclusion")),
        Break(WEIGHT_DECAY.name, replace(WITNESS, weight_decay=Fraction(0)), refute_inclusion),
    ),
    special_case_of="simsiam-weight-decay",
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
