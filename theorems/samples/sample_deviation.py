"""How far the minimiser of a sample is from the population's, given how far the losses differ.

Let L be InfoNCE of a SharedGMM over maps with r ≥ d columns, A a minimiser, and Â a minimiser of any other function L̂
of maps, such as the loss of a sample. Write D = ÂÂᵀ − AAᵀ and ‖D‖² = tr(DΣDΣ). If L̂ − L is less at Â than at A by no
more than ε‖D‖, ε ≥ 0, then

    ‖D‖ ≤ 4ε,   and   gᵀΣM̂ΣM̂Σg ≤ 16ε² gᵀΣg   for M̂ = ÂÂᵀ and every g with gᵀμ_k = 0 for all k.

ε is a bound for the slope of L̂ − L in M, in the dual norm, on the segment between the two; a bound that holds on all
maps of interest is a uniform deviation. The second part says how much of Â is outside S_F: the noise direction Σg, of
length |g|_Σ, comes out of M̂ at 4ε|g|_Σ at most. Where m eigenvalues of M̂ are λ or more, its eigenspace is at an angle
of sine 4ε/λ from S_F (Davis and Kahan).

What is proved is this deterministic part. How large ε is for n pairs, and with which probability, is not: the language
of proofs has no probability of samples, and no union over maps; nor does it say that Â exists (`sample-existence`). For
pairs of a mixture one expects ε of order √(d/n), as for a mean of n terms; 4 is not the best constant (1 is, with a
derivative of L̂).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, is about the population loss; the paper's figures train
on samples. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import fmpq_mat

from thmverify import exact
from thmverify.hypotheses import COLUMNS_ALL, SHARED_PAIRS
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import Encoder
from thmverify.models import Floats, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems.formal import formal
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.samples.common import SYMBOLS, nearest, sample, source
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "sample-deviation"
QUANTITY = Quantity(
    r"\|D\|^2 = \mathrm{tr}(D \Sigma D \Sigma),\quad D = \hat A \hat A^T - A A^T,\quad "
    r"[\hat L - L](A) - [\hat L - L](\hat A) \leq \varepsilon \|D\|"
)
CONCLUSION = Conclusion(
    r"A \in \mathrm{argmin}\, L,\ \hat A \in \mathrm{argmin}\, \hat L \implies \|D\| \leq 4 \varepsilon,\quad "
    r"g^T \Sigma \hat M \Sigma \hat M \Sigma g \leq 16 \varepsilon^2\, g^T \Sigma g\ \text{ where } g \perp \mu_k",
    "For every function L̂ of maps in R^{d×r}, A a minimiser of InfoNCE and Â of L̂, and every ε ≥ 0: if L̂ − L is less "
    "at Â than at A by no more than ε‖D‖, then ‖D‖ ≤ 4ε, and gᵀΣM̂ΣM̂Σg ≤ 16ε²gᵀΣg for M̂ = ÂÂᵀ and every g with "
    "gᵀμ_k = 0 for all k.",
)
TRIES, ROUNDING = 2, 1e-6  # random maps of an instance; of a minimiser and a loss in float64


def rounded(A: Floats) -> fmpq_mat:
    """Return the floats as the rationals that they are."""
    return exact.matrix([[Fraction(float(x)) for x in row] for row in A])


def loss(instance: Instance, A: fmpq_mat) -> float:
    """Return the population loss of A in float64."""
    return float64_value(LOSSES["infonce"], instance, Encoder(A)).value


@lru_cache(maxsize=4)
def least_excess(instance: Instance) -> float:
    """Return the least of 4(L(B) − L(A))/‖BBᵀ − AAᵀ‖² over random maps B, A the minimiser that is found: at least 1.

    An L̂ that is least at B deviates by ε‖D‖ ≥ L(B) − L(A) at least, so that ‖D‖ ≤ 4ε asks for this.
    """
    best = nearest(instance)
    mixture, rng = instance.shared, instance_rng(instance)
    sigma, found = exact.to_floats(mixture.sigma), []
    at_best = loss(instance, rounded(best))
    for i in range(TRIES):
        B = rounded(best) + random_matrix(rng, *best.shape) / 4**i
        gap = exact.to_floats(B * B.transpose()) - best @ best.T
        if size := float(np.trace(gap @ sigma @ gap @ sigma)):
            found.append(4 * (loss(instance, B) - at_best) / size)
    return min(found, default=1.0)


def margin(instance: Instance) -> float:
    """Return 1 less that least excess: at most 0 by the proof, up to rounding."""
    return 1 - least_excess(instance)


def examine(instance: Instance) -> Verdict:
    """Look for a map too far away for its loss: floats can contradict the proof here, not prove it."""
    found = least_excess(instance)
    outcome = Outcome.UNDECIDED if found > 1 - ROUNDING else Outcome.FAILED
    reason = f"in floats random maps have losses above the least by {found:.3g}·¼‖D‖² or more"
    return Verdict(ID, outcome, reason, provenance=Provenance.FLOATING)


STATEMENT = Statement(
    id=ID,
    title="The minimiser of a sample is as near to the population's as the losses are",
    source=source("Theorem 5.2, for samples: how near"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*SHARED_PAIRS, COLUMNS_ALL),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.samples.sample_deviation_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
