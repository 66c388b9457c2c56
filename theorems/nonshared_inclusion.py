"""Components with covariances of their own: InfoNCE is hoped to stay inside the Fisher subspace. It does not.

Let {w_k, μ_k, Σ_k} be a Gaussian mixture, Σ̄ = Σ_k w_k Σ_k, S_F = span{Σ̄⁻¹μ_k} (Definition 4.1 is for such mixtures) and
L the InfoNCE loss of the maps f(x) = Aᵀx, A ∈ R^{d×r}. The claim is that Col(A*) ⊆ S_F for every minimiser A*, as it is
for a shared covariance (`infonce-inclusion`).

It is false: two components ±(1, 0) in the plane with covariances I and (2 1; 1 2). The proof for a shared covariance
needs the part of x across S_F to be independent of the part within, given the component; here they are correlated. A
certificate bounds L from below on all of S_F and shows a map across its border with a smaller loss. What survives are
covariances that all map S_F into the span of the means, proportional ones for example (`nonshared-proportional`). The
linear spectral contrastive loss stays inside S_F for all covariances (`spectral-inclusion`).

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 for a shared covariance; the talk names "non-shared
covariance GMMs" as a next step. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify import vocabulary
from thmverify.evidence import ByKernel, Counterexample
from thmverify.exact import to_floats
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import BIAS_RANGE, COVARIANCES_DEFINITE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.minimize import minimise
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.theorem_5_2 import QUANTITY
from thmverify.verdicts import Status

ID = "nonshared-inclusion"
CLAIM = "nonshared-inclusion"
SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "delta")
HYPOTHESES = (WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, BIAS_RANGE)
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} L(A) \implies "
    r"\mathrm{Col}(A^*) \subseteq S_F = \mathrm{span}\{\bar\Sigma^{-1}\mu_k\}",
    "For every δ ∈ [0, 1] and every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
)
TOLERANCE = 1e-4  # of the float64 minimiser


def margin(instance: Instance) -> float:
    """Return the share of M* that lies outside S_F, ‖M* − PM*Pᵀ‖ / ‖M*‖, less a tolerance, in float64.

    P is the Σ̄-orthogonal projector on S_F, and the norm is that of whitened coordinates.
    """
    mixture = instance.pairs.mixture
    fisher = fisher_subspace(mixture)
    if fisher.dimension in (0, mixture.dimension):
        return -TOLERANCE
    M, sigma, B = minimise("infonce", instance).maps["M"], to_floats(mixture.sigma_bar), fisher.as_floats()
    P = B @ np.linalg.solve(B.T @ sigma @ B, B.T @ sigma)
    root = np.linalg.cholesky(sigma)
    whole, outside = (np.linalg.norm(root.T @ X @ root) for X in (M, M - P @ M @ P.T))
    return float(outside / whole) - TOLERANCE if whole > TOLERANCE else -TOLERANCE


def sample(rng: random.Random) -> Instance:
    """Draw a mixture in the plane, where minimisers take little time; a third of them have their means on a line."""
    while True:
        instance = random_instance(rng, shared=False)
        mixture, pairs = instance.pairs.mixture, instance.pairs
        if mixture.dimension == 2 and mixture.components <= 3:
            if rng.random() < 1 / 3:
                means = tuple((x, x / 2) for x, _ in mixture.means)
                pairs = replace(pairs, mixture=replace(mixture, means=means))
            return replace(instance, model=pairs, rank=min(instance.rank, 2))


TILTED = Counterexample(
    COUNTEREXAMPLES / "nonshared-inclusion.json",
    tempting="Given the component, the part of x across S_F has mean 0 and its variance only costs: cut it off.",
    catch="The cut lowers the loss by Jensen only if that part is independent of the part within S_F. In the second "
    "component the two are correlated, so the part across tells how much of the part within is noise.",
    repaired="It holds when every Σ_k maps S_F into span{μ_l} (nonshared-proportional).",
)
WITNESS = Instance(
    AugmentedPairs(
        GMM((Fraction(1, 3), Fraction(2, 3)), ((2, 0), (-1, 0)), (((1, 0), (0, 2)), ((3, 0), (0, 1)))), Fraction(1, 2)
    ),
    1,
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE learns nothing outside the Fisher subspace, whatever the covariances",
    source=Source(
        PAPER,
        "Theorem 5.2, first half, without its shared covariance (in the talk: Possible next steps)",
        "the sources do not claim it: they ask for an extension to non-shared covariances",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=HYPOTHESES,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=WITNESS,
    sample=sample,
    claim=CLAIM,
    counterexamples=(TILTED,),
    guarantees=(Guarantee("infonce", Column.SEPARATE),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
