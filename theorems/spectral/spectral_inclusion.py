"""The linear spectral contrastive loss learns nothing outside the Fisher subspace, whatever the covariances.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, Σ̄ = Σ_k w_k Σ_k, S = Σ_k w_k μ_k μ_kᵀ, μ̄ = Σ_k w_k μ_k, (x, x̂) its augmented
pairs with bias δ ∈ [0, 1], R = E xxᵀ = Σ̄ + S, C = E xx̂ᵀ = δS + (1 − δ)μ̄μ̄ᵀ, S_F = span{Σ̄⁻¹μ_k} and, y ~ F independent,

    L(A) = −2E[f(x)ᵀf(x̂)] + E_{x,y}[(f(x)ᵀf(y))²] = −2tr(AᵀCA) + tr((AᵀRA)²),  f(x) = Aᵀx,  A ∈ R^{d×r}.

Completing the square, A* minimises L exactly when R^{1/2}A*A*ᵀR^{1/2} is the part of R^{-1/2}CR^{-1/2} at its r largest
eigenvalues (Eckart and Young), for every r. So Col(A*) ⊆ R⁻¹Col(C) ⊆ S_F, for every δ and every r, centred or not, and
for components with covariances of their own, where InfoNCE leaks (nonshared-inclusion): the loss sees second moments
alone.

Source: the loss is that of HaoChen et al., arXiv:2106.04156, which the article among the sources restates; the talk of
Bansal, Kavis, Sanghavi, arXiv:2411.03517, asks for "a better contrastive loss" and for non-shared covariances. The
statement for linear maps of a Gaussian mixture, and its proof, are ours.

Status: proved.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import lru_cache

from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import ENOUGH_COLUMNS, PAIRS, SHARED_COVARIANCE
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_matrix
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems.common import split
from thmverify.theorems.formal import formal
from thmverify.theorems.spectral.common import QUANTITY, sample_mixture, source
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "spectral-inclusion"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "delta")
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \iff "
    r"R^{1/2} A^* A^{*T} R^{1/2} = \left(R^{-1/2} C R^{-1/2}\right)_r^+;\qquad \mathrm{Col}(A^*) \subseteq S_F",
    "For every δ ∈ [0, 1] and every r ≥ 1, A* minimises L over R^{d×r} exactly when R^{1/2}A*A*ᵀR^{1/2} is a part of "
    "R^{-1/2}CR^{-1/2} at r largest eigenvalues, without the negative ones (the part, unless the r-th is a tie; "
    "R^{1/2} may be any square root of R); and then Col(A*) ⊆ S_F.",
)
MAPS = 4  # random maps that an instance is tried on


def excess(instance: Instance, A: fmpq_mat) -> tuple[fmpq, fmpq]:
    """Return L(A) − L(A_in), exactly, and tr(Q²) with Q = A_outᵀΣ̄A_out, which it is never below.

    R is block diagonal along S_F and its complement, so the difference is 2tr(A_inᵀRA_in Q) + tr(Q²).
    """
    mixture = instance.pairs.mixture
    inside, outside = split(mixture, A)
    values = [exact_value(LOSSES["spectral"], instance, Encoder(X)) for X in (A, inside)]
    if values[0] is None or values[1] is None:
        raise TypeError("the spectral contrastive loss is rational")
    Q = outside.transpose() * mixture.sigma_bar * outside
    return values[0] - values[1], exact.inner(Q, Q)


@lru_cache(maxsize=4)
def worst_excess(instance: Instance) -> fmpq | None:
    """Return the least (L(A) − L(A_in)) / tr(Q²) over random maps; None where S_F is the whole space."""
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    found = [excess(instance, random_matrix(rng, d, instance.rank)) for _ in range(MAPS)]
    return min((gap / least for gap, least in found if least > 0), default=None)


def margin(instance: Instance) -> float:
    """Return −(L(A) − L(A_in)) / tr(Q²), the worst over random maps: at most −1 by the proof, positive if L decreases.

    −1 where S_F is the whole space, since then nothing lies outside.
    """
    worst = worst_excess(instance)
    return -1.0 if worst is None else -float(exact.to_fraction(worst))


def examine(instance: Instance) -> Verdict:
    """Decide Col(R⁻¹C) ⊆ S_F over the rationals, which by the closed form holds every Col(A*); try random maps too."""
    pairs = instance.pairs
    fisher = fisher_subspace(pairs.mixture)
    reached = Subspace.spanned_by(pairs.mixture.R.solve(pairs.C))
    worst = worst_excess(instance)
    if not reached <= fisher or (worst is not None and worst < 1):
        reason = "R⁻¹Col(C) is not inside S_F, or a map does better with a part outside S_F"
        return Verdict(ID, Outcome.REFUTED, reason, provenance=Provenance.EXACT)
    reason = f"R⁻¹Col(C), which holds Col(A*), has dimension {reached.dimension} and lies in S_F, exactly"
    return Verdict(ID, Outcome.PROVED, reason, provenance=Provenance.EXACT, dimension=fisher.dimension)


WITNESS = Instance(
    AugmentedPairs(
        GMM(
            (Fraction(1, 3), Fraction(2, 3)),
            ((1, 0, 0), (0, 1, 0)),
            (((2, 1, 0), (1, 2, 1), (0, 1, 3)), ((1, 0, 0), (0, 3, 0), (0, 0, 1))),
        ),
        Fraction(7, 10),
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    title="The spectral contrastive loss learns nothing outside the Fisher subspace",
    source=source("Definition 5.1", "; it is the talk's Theorem 0.1 for another loss"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=PAIRS,
    redundant=(SHARED_COVARIANCE, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample_mixture,
    proof=Proof("thmverify.theorems.spectral.spectral_inclusion_proof"),
    formal=formal(ID),
    guarantees=(Guarantee("spectral", Column.INCLUSION),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
