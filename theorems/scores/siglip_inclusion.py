"""SigLIP learns nothing outside the Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM, (x, x̂) its augmented pairs with bias δ, y ~ F independent, and

    L(A) = E log(1 + e^{−z_0}) + N E log(1 + e^{z_1}),  z_0 = τ f(x)ᵀf(x̂) + b, z_1 = τ f(x)ᵀf(y) + b, A ∈ R^{d×r},

with f(x) = Aᵀx, τ > 0 and N > 0. Then Col(A*) ⊆ S_F = span{Σ⁻¹μ_k} for every minimiser A* of L over R^{d×r}, for every
b, δ and r; so also when τ and b are learnt.

More is proved: for a sum of c_e log(1 + exp(s_e z_e + t_e)) over the scores of any pairs of a batch, c_e ≥ 0 and some
c_e > 0 with s_e ≠ 0, whatever the law of the components; and it is enough that every Σ_k maps S_F into span{μ_l}. A
case of `convex-scores-inclusion`. Equality is another matter: SigLIP may miss a part of S_F.

Source: X. Zhai et al., Sigmoid Loss for Language Image Pre-Training, arXiv:2303.15343, for the loss; Bansal, Kavis,
Sanghavi, arXiv:2411.03517, Theorem 5.2, for InfoNCE. The statement and its proof are ours.

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

ID = "siglip-inclusion"


def phi(z: Scores, _: Labels) -> Floats:
    """Return the loss of a pair and a negative, with b = −1."""
    found: Floats = np.logaddexp(0, 1 - z[..., 0, 1]) + np.logaddexp(0, z[..., 0, 2] - 1)
    return found


STATEMENT = statement(
    ID,
    "SigLIP learns nothing outside the Fisher subspace",
    "",
    Quantity(
        r"L(A) = \mathbb{E} \log(1 + e^{-z_0}) + N\, \mathbb{E} \log(1 + e^{z_1}),\quad "
        r"z_0 = \tau f(x)^T f(\hat x) + b,\ z_1 = \tau f(x)^T f(y) + b,\quad f(x) = A^T x",
        "siglip",
    ),
    "For every b, τ > 0 and N > 0, every law of the components of the points and every r ≥ 1, Col(A*) ⊆ S_F for every "
    "minimiser A* of L over R^{d×r}; the same for every sum of softplus functions of scores, each of one score.",
    OnSamples(ID, phi),
    (Break(SHARED_COVARIANCE.name, TILTED, Leaks(ID, "siglip")),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
