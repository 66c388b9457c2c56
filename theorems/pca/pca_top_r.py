"""With fewer columns than dim S_F, PCA need not choose the best directions: it ranks by variance, J by Σ̄⁻¹S.

Let R = E xxᵀ = Σ̄ + S and r < dim S_F. A maximiser A* of tr(AᵀRA), AᵀA = I, spans a top-r eigenspace of R; J(A) =
tr[(AᵀΣ̄A)⁻¹AᵀSA] is largest among r columns exactly on top-r eigenspaces of T = Σ̄⁻¹S (Ky Fan). The claim is that the
first are among the second. It is false on four pancakes, μ = (±1, ±1) with Σ = diag(1/4, 65/4): S = I, so J is 4 on
(1, 0) and 4/65 on (0, 1), and R = diag(5/4, 69/4) varies most along (0, 1).

The kernel decides an instance as follows. An E that is a top-r eigenspace of both is R- and T-invariant, hence
invariant under R⁻¹Σ̄ = (I + T)⁻¹ and so under Σ̄: the projector on E commutes with R and Σ̄.

- Σ̄ = vI: R = vI + S and T = S/v have one order, so the claim holds (`pca-top-r-spherical`).
- Only multiples of I commute with R and Σ̄, as in general: there is no such E, and the claim fails.
- RΣ̄ = Σ̄R: with t between the r-th and the next eigenvalue of R, and s likewise for T, (R − tI)(S − sΣ̄) is symmetric and
  has a negative eigenvalue exactly if a common eigenvector is among the r first in one order and not in the other.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Figure 1 and Definition 3.2; in the talk: Parallel Pancakes. The
source claims no optimality of PCA: the question is ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import COVARIANCES_DEFINITE, FEWER_COLUMNS, SHARED_COVARIANCE, WEIGHTS_POSITIVE, WEIGHTS_SUM
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.common import corners
from thmverify.theorems.pca.common import QUANTITY, SYMBOLS, TOP_CLAIM, orders_differ, top_r_margin
from thmverify.verdicts import Status

ID = "pca-top-r"
CONCLUSION = Conclusion(
    r"A^* \in \mathrm{argmax}_{A^T A = I} \mathrm{tr}(A^T R A) \implies "
    r"J(A^*) = \max_{B \in \mathbb{R}^{d \times r}} J(B)",
    "Every maximiser A* of tr(AᵀRA) over the A ∈ R^{d×r} with AᵀA = I has a column space on which J is as large as on "
    "any column space of at most r dimensions.",
)


def sample(rng: random.Random) -> Instance:
    """Draw an instance with r < dim S_F; a third of them with means on the axes of a diagonal covariance."""
    while True:
        instance = _on_axes(rng) if rng.random() < 1 / 3 else random_instance(rng)
        dimension = fisher_subspace(instance.shared).dimension
        if dimension > 1:
            return replace(instance, rank=rng.randint(1, dimension - 1))


def _on_axes(rng: random.Random) -> Instance:
    d = rng.randint(2, 4)
    sizes, variances = ([Fraction(rng.randint(1, 12), 4) for _ in range(d)] for _ in range(2))
    means = [[sign * sizes[i] * (i == j) for j in range(d)] for i in range(d) for sign in (1, -1)]
    covariance = [[variances[i] * (i == j) for j in range(d)] for i in range(d)]
    return Instance(AugmentedPairs(SharedGMM((Fraction(1, 2 * d),) * (2 * d), means, covariance)), 1)


PANCAKES = Counterexample(
    COUNTEREXAMPLES / "pca-top-r.json",
    tempting="S_F is the whole plane, so PCA cannot miss it, and what is left is to rank the directions within it.",
    catch="It ranks by variance, 5/4 along (1, 0) and 69/4 along (0, 1). J is 4 along (1, 0) and 4/65 along (0, 1).",
    repaired="It holds for Σ_k = σ_k²I (pca-top-r-spherical). The spectral contrastive loss is optimal for every "
    "centred mixture (spectral-top-r).",
    near=orders_differ("pca-top-r-near.json", (0, 1), (1, 0), (Fraction(12), Fraction(2)), 1),
)
TILTED = Counterexample(
    COUNTEREXAMPLES / "pca-top-r-tilted.json",
    tempting="Where the noise is tilted and the means are not, both orders might agree.",
    catch="Here S = I, so that both have the eigenvectors of Σ, in opposite orders.",
    repaired=PANCAKES.repaired,
    near=orders_differ("pca-top-r-tilted-near.json", (100, 128), (128, -100), (Fraction(4), Fraction(7, 10)), 3),
)

STATEMENT = Statement(
    id=ID,
    title="PCA with fewer columns than dim S_F finds the best directions",
    source=Source(
        PAPER,
        "Figure 1 and Definition 3.2; in the talk: Parallel Pancakes",
        "the source shows that PCA can miss S_F and claims no optimality; the question is ours",
    ),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(WEIGHTS_POSITIVE, WEIGHTS_SUM, COVARIANCES_DEFINITE, SHARED_COVARIANCE, FEWER_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=top_r_margin,
    examine=ByKernel(TOP_CLAIM),
    claim=TOP_CLAIM,
    witness=corners((2, 1), (1, 1)),
    sample=sample,
    counterexamples=(PANCAKES, TILTED),
    guarantees=(Guarantee("pca", Column.TOP_R),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
