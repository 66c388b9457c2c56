"""InfoNCE with finitely many negatives learns nothing outside the Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, y_1, …, y_N ~ F independent, N ≥ 1, and

    L(A) = E[log(e^{z_0} + Σ_{i=1}^N e^{z_i}) − z_0],  z_0 = f(x)ᵀf(x̂), z_i = f(x)ᵀf(y_i), f(x) = Aᵀx, A ∈ R^{d×r}.

Then Col(A*) ⊆ S_F = span{Σ⁻¹μ_k} for every minimiser A* of L over R^{d×r}: for every N ≥ 1, every δ and every r. The
InfoNCE of Theorem 5.2 is the limit of L − log N; this is what is trained, with N at hand. A temperature is a scale of
A.

It holds for every law of the components of x, x̂, y_1, …, y_N, which need not be independent of each other, as long as
the points are independent given them; and it is enough that every Σ_k maps S_F into span{μ_l}. The loss is a convex
function of its scores that is not affine in any one of z_1, …, z_N: a case of `convex-scores-inclusion`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, whose loss has a mean over all negatives. The statement
and its proof are ours.

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
from thmverify.theorems.scores.common import Labels, Leaks, OnSamples, Scores, log_sum_exp, others, statement

ID = "infonce-finite-inclusion"


def phi(z: Scores, _: Labels) -> Floats:
    """Return the loss with two negatives."""
    found: Floats = log_sum_exp(others(z, 0)) - z[..., 0, 1]
    return found


STATEMENT = statement(
    ID,
    "InfoNCE with finitely many negatives learns nothing outside the Fisher subspace",
    "; the source has the limit of many negatives",
    Quantity(
        r"L(A) = \mathbb{E}\left[\log \sum_{i=0}^N e^{z_i} - z_0\right],\quad z_0 = f(x)^T f(\hat x),\ "
        r"z_i = f(x)^T f(y_i),\quad f(x) = A^T x",
        "infonce-finite",
    ),
    "For every N ≥ 1, every law of the components of the N + 2 points and every r ≥ 1, Col(A*) ⊆ S_F for every "
    "minimiser A* of L over R^{d×r}.",
    OnSamples(ID, phi, others=2),
    (Break(SHARED_COVARIANCE.name, TILTED, Leaks(ID, "infonce-finite")),),  # N = 1
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
