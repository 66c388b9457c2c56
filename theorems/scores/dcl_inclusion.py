"""The decoupled contrastive loss learns nothing outside the Fisher subspace, from two negatives on.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, y_1, …, y_N ~ F independent, N ≥ 2, and

    L(A) = E[log Σ_{i=1}^N e^{z_i} − z_0],  z_0 = f(x)ᵀf(x̂), z_i = f(x)ᵀf(y_i), f(x) = Aᵀx, A ∈ R^{d×r}:

InfoNCE without the positive in the sum. Then Col(A*) ⊆ S_F = span{Σ⁻¹μ_k} for every minimiser A* of L over R^{d×r},
for every δ and every r. Minimisers need not exist: with N = 2 and means ±μ that are far apart, L is not bounded below.
With N = 1 it is affine in the scores, L = −δ tr(M Cov(μ)), and nothing of the kind holds: for δ = 0 every map is a
minimiser.

It holds for every law of the components, and when every Σ_k maps S_F into span{μ_l}: a case of
`convex-scores-inclusion`.

Source: C.-H. Yeh et al., Decoupled Contrastive Learning, arXiv:2110.06848, for the loss; Bansal, Kavis, Sanghavi,
arXiv:2411.03517, Theorem 5.2, for InfoNCE. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys

from thmverify.evidence import Break
from thmverify.hypotheses import SHARED_COVARIANCE
from thmverify.models import Floats
from thmverify.randomised import run_alone
from thmverify.statement import Quantity
from thmverify.theorems.infonce.common import TILTED
from thmverify.theorems.scores.common import Labels, Leaks, OnSamples, Scores, log_sum_exp, statement

ID = "dcl-inclusion"


def phi(z: Scores, _: Labels) -> Floats:
    """Return the loss with two negatives."""
    found: Floats = log_sum_exp(z[..., 0, 2:]) - z[..., 0, 1]
    return found


STATEMENT = statement(
    ID,
    "The decoupled contrastive loss learns nothing outside the Fisher subspace, with two negatives or more",
    "",
    Quantity(
        r"L(A) = \mathbb{E}\left[\log \sum_{i=1}^N e^{z_i} - z_0\right],\quad z_0 = f(x)^T f(\hat x),\ "
        r"z_i = f(x)^T f(y_i),\quad f(x) = A^T x",
        "dcl",
    ),
    "For every N ≥ 2, every law of the components of the N + 2 points and every r ≥ 1, Col(A*) ⊆ S_F for every "
    "minimiser A* of L over R^{d×r}; there need not be one.",
    OnSamples(ID, phi, others=2),
    (Break(SHARED_COVARIANCE.name, TILTED, Leaks(ID, "dcl")),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
