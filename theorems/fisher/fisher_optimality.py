"""Fisher optimality: the Fisher subspace is the smallest optimal subspace of the Fisher discriminant.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, Σ̄ = Σ_k w_k Σ_k, S = Σ_k w_k μ_k μ_kᵀ and J(A) = tr[(AᵀΣ̄A)⁻¹ AᵀSA]. For
every A with independent columns J(A) ≤ tr(Σ̄⁻¹S), with equality exactly when Col(A) contains S_F = span{Σ̄⁻¹μ_k}: the
subspaces on which J is largest are those that contain S_F.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Definitions 3.2 (Fisher discriminant) and 4.1 (Fisher subspace); the
talk calls S_F the "minimal optimal subspace w.r.t. Fisher discriminant". The sources at hand show no proof.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction

from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.headlines import Source
from thmverify.hypotheses import COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "fisher-optimality"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k")
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE)
QUANTITY = Quantity(
    r"J(A) = \mathrm{tr}\left[(A^T \bar\Sigma A)^{-1} A^T S A\right],\quad"
    r"\bar\Sigma = \sum_k w_k \Sigma_k,\quad S = \sum_k w_k \mu_k \mu_k^T",
    "fisher",
)
CONCLUSION = Conclusion(
    r"J(A) \leq \mathrm{tr}(\bar\Sigma^{-1} S),\qquad J(A) = \mathrm{tr}(\bar\Sigma^{-1} S)"
    r"\iff S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\} \subseteq \mathrm{Col}(A)",
    "For every A ∈ R^{d×r} with linearly independent columns, whatever r ≤ d, J(A) ≤ tr(Σ̄⁻¹S), with equality "
    "exactly when Col(A) contains the Fisher subspace S_F; so S_F is the smallest subspace on which J is largest.",
)
MAPS = 8  # random maps that an instance is tried on


def bound(mixture: GMM) -> fmpq:
    """Return tr(Σ̄⁻¹S), the largest value of J."""
    return exact.trace(mixture.sigma_bar.solve(mixture.S))


def trial_maps(instance: Instance) -> list[fmpq_mat]:
    """Return random rational maps with independent columns, every second one with S_F in its column space."""
    rng, mixture = instance_rng(instance), instance.pairs.mixture
    basis = fisher_subspace(mixture).basis
    maps = []
    for number in range(MAPS):
        A = random_matrix(rng, mixture.dimension, rng.randint(1, mixture.dimension))
        if number % 2:
            A = exact.hstack([basis, A], mixture.dimension)
        independent = exact.submatrix(A, range(mixture.dimension), exact.pivot_columns(A))
        if independent.ncols():
            maps.append(independent)
    return maps


def excess(instance: Instance, A: fmpq_mat) -> tuple[fmpq, bool]:
    """Return J(A) − tr(Σ̄⁻¹S), exactly, and whether Col(A) contains S_F."""
    mixture = instance.pairs.mixture
    value = exact_value(LOSSES["fisher"], instance, Encoder(A))
    if value is None:
        raise TypeError("the Fisher discriminant is rational")
    return value - bound(mixture), fisher_subspace(mixture) <= Subspace.spanned_by(A)


def margin(instance: Instance) -> float:
    """Return the largest exact violation over random maps, relative to the bound; at most 0 where the claim holds.

    J(A) above the bound violates the claim by the excess; a map that contains S_F and misses the bound violates it by
    what it misses; a map that reaches the bound without containing S_F violates it by 1.
    """
    scale = bound(instance.pairs.mixture) or fmpq(1)
    worst = -1.0
    for A in trial_maps(instance):
        gap, contains = excess(instance, A)
        violation = abs(gap) / scale if contains else (gap / scale if gap != 0 else fmpq(1))
        worst = max(worst, float(exact.to_fraction(violation)))
    return worst


def examine(instance: Instance) -> Verdict:
    """Try the claim, exactly, on random rational maps: this can refute it on the instance, not prove it."""
    for A in trial_maps(instance):
        gap, contains = excess(instance, A)
        if gap > 0 or (gap == 0) != contains:
            reason = f"J(A) − tr(Σ̄⁻¹S) = {gap} where Col(A) {'contains' if contains else 'does not contain'} S_F"
            return Verdict(ID, Outcome.REFUTED, reason, provenance=Provenance.EXACT)
    dimension = fisher_subspace(instance.pairs.mixture).dimension
    reason = f"it holds exactly on {MAPS} random rational maps"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.EXACT, dimension=dimension)


def sample(rng: random.Random) -> Instance:
    """Draw a mixture whose components have covariances of their own."""
    return random_instance(rng, shared=False)


WITNESS = Instance(
    AugmentedPairs(GMM((Fraction(1, 3), Fraction(2, 3)), ((1, 0), (0, 1)), (((2, 1), (1, 2)), ((1, 0), (0, 3))))), 1
)

STATEMENT = Statement(
    id=ID,
    claim=ID,
    title="The Fisher subspace is the minimal optimal subspace of the Fisher discriminant",
    source=Source(
        PAPER,
        "Definitions 3.2 and 4.1 (in the talk: Background, Fisher Discriminant and Fisher Subspace)",
        "stated there without proof; that A has independent columns is our reading",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=HYPOTHESES,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.fisher.fisher_optimality_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
