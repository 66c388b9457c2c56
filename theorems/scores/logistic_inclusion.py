"""Logistic and triplet losses learn nothing outside the Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, y ~ F independent, and

    L(A) = E φ(z_1 − z_0),  z_0 = f(x)ᵀf(x̂), z_1 = f(x)ᵀf(y), f(x) = Aᵀx, A ∈ R^{d×r},

φ: R → R convex, of polynomial growth and not affine: log(1 + e^t), the hinge max(0, 1 + t), (1 + t)², e.g. Then
Col(A*) ⊆ S_F = span{Σ⁻¹μ_k} for every minimiser A* of L over R^{d×r}, for every δ and every r.

It holds for every law of the components of x, x̂ and y, and when every Σ_k maps S_F into span{μ_l}: a case of
`convex-scores-inclusion`. An affine φ has to go: −z_0 + z_1 does not see what is across S_F.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for another loss. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import sys

import numpy as np

from thmverify.evidence import Break
from thmverify.hypotheses import SHARED_COVARIANCE
from thmverify.models import Floats
from thmverify.randomised import run_alone
from thmverify.statement import Quantity
from thmverify.theorems.infonce.common import TILTED
from thmverify.theorems.scores.common import Labels, Leaks, OnSamples, Scores, statement

ID = "logistic-inclusion"


def phi(z: Scores, _: Labels) -> Floats:
    """Return the logistic loss of a triplet."""
    found: Floats = np.logaddexp(0, z[..., 0, 2] - z[..., 0, 1])
    return found


STATEMENT = statement(
    ID,
    "Logistic and triplet losses learn nothing outside the Fisher subspace",
    "",
    Quantity(
        r"L(A) = \mathbb{E}\,\varphi(z_1 - z_0),\quad z_0 = f(x)^T f(\hat x),\ z_1 = f(x)^T f(y),\quad f(x) = A^T x",
        "logistic",
    ),
    "For every convex φ of polynomial growth that is not affine, every law of the components of the three points and "
    "every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
    OnSamples(ID, phi),
    (Break(SHARED_COVARIANCE.name, TILTED, Leaks(ID, "logistic")),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
