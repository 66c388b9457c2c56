"""SimSiam, linear, without weight decay: an invertible predictor keeps the encoder inside the Fisher subspace.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, (x, x̂) its augmented pairs with bias δ ∈ [0, 1], R = E xxᵀ, C = E x x̂ᵀ,
S_F = span{Σ̄⁻¹μ_k} and, for an encoder A (d × r), a predictor P (r × r) and a stop-gradient on the target,

    L(A, P) = ½ E‖P Aᵀx − sg(Aᵀx̂)‖² + (η/2)(‖A‖² + ‖P‖²),  ∂_A L = RAPᵀP − CAP + ηA.

Let η = 0 and let P be invertible. Wherever ∂_A L = 0, Col(A) ⊆ R⁻¹Col(C) ⊆ S_F: for every δ and every r, whether or not
P is stationary too, and with as many covariances as components, since L sees Σ̄ alone. Both conditions are needed:
with η > 0 A leaks (`simsiam-weight-decay`), and with a singular P as well (`simsiam-collapse`).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print it: the loss, the conditions and the statement are our reading,
the proof is ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.evidence import Break, ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, NO_WEIGHT_DECAY, PAIRS, SHARED_COVARIANCE
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_gradient
from thmverify.maps import SimSiamPair
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.theorem_5_2 import split
from thmverify.verdicts import Status

ID = "simsiam-inclusion"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "delta", "eta")
QUANTITY = Quantity(
    r"L(A, P) = \tfrac12 \mathbb{E}\|P A^T x - \mathrm{sg}(A^T \hat x)\|^2 + \tfrac{\eta}{2}(\|A\|^2 + \|P\|^2)",
    "simsiam",
)
CONCLUSION = Conclusion(
    r"\partial_A L(A, P) = R A P^T P - C A P = 0,\ P \text{ invertible} \implies "
    r"\mathrm{Col}(A) \subseteq R^{-1}\mathrm{Col}(C) \subseteq S_F",
    "For every δ ∈ [0, 1], every r ≥ 1 and every invertible P, Col(A) ⊆ R⁻¹Col(C) and Col(A) ⊆ S_F for every encoder "
    "A with ∂_A L(A, P) = 0, the target held fixed.",
)
READING = "the sources announce a theorem on SimSiam and print neither it nor a proof: the statement is our reading"


def outside(mixture: GMM, A: fmpq_mat) -> fmpq_mat:
    """Return the part of A that is Σ̄-orthogonal to S_F."""
    return split(mixture, A)[1]


def leak_slope(instance: Instance, pair: SimSiamPair) -> tuple[fmpq, fmpq]:
    """Return ⟨∂_A L, A_out⟩, how fast L grows when A_out alone is scaled up, and what the proof says it is, exactly.

    That is ‖PA_outᵀ‖² in the norm of Σ̄, plus η⟨A, A_out⟩: positive for η = 0 and invertible P, unless A_out = 0.
    """
    gradient = exact_gradient(LOSSES["simsiam"], instance, pair)
    part = outside(instance.pairs.mixture, pair.A)
    if gradient is None:
        raise TypeError("the gradient of SimSiam is rational")
    norm = exact.trace(pair.P * part.transpose() * instance.pairs.mixture.sigma_bar * part * pair.P.transpose())
    decay = exact.to_fmpq(instance.weight_decay) * exact.inner(pair.A, part)
    return exact.inner(gradient["A"], part), norm + decay


def random_pair(instance: Instance) -> SimSiamPair:
    """Return a random encoder and a random invertible predictor, rational."""
    rng, d, r = instance_rng(instance), instance.pairs.mixture.dimension, instance.rank
    A, P = random_matrix(rng, d, r), random_matrix(rng, r, r)
    while P.rank() < r:
        P = random_matrix(rng, r, r)
    return SimSiamPair(A, P)


def margin(instance: Instance) -> float:
    """Return −slope over what the proof says of it, at a random pair: −1, positive where L decreases along a leak."""
    slope, expected = leak_slope(instance, random_pair(instance))
    return -float(exact.to_fraction(slope / expected)) if expected else -1.0


def sample(rng: random.Random) -> Instance:
    """Draw an instance without weight decay; half of them with a covariance for each component."""
    return random_instance(rng, shared=rng.random() < 0.5)


LEAK = Counterexample(COUNTEREXAMPLES / "simsiam-inclusion.json", "", "", "")
WITNESS = Instance(
    AugmentedPairs(
        GMM(
            (Fraction(1, 3), Fraction(2, 3)),
            ((1, 0, 0), (0, 1, 0)),
            (((2, 1, 0), (1, 2, 1), (0, 1, 3)), ((1, 0, 0), (0, 1, 0), (0, 0, 1))),
        ),
        Fraction(7, 10),
    ),
    2,
)

STATEMENT = Statement(
    id=ID,
    title="SimSiam learns nothing outside the Fisher subspace",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Definition 5.1", READING),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, NO_WEIGHT_DECAY),
    redundant=(SHARED_COVARIANCE, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.proofs.simsiam_inclusion"),
    formal=formal(ID),
    breaks=(Break(NO_WEIGHT_DECAY.name, LEAK.instance, ByKernel(ID)),),
    guarantees=(Guarantee("simsiam", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
