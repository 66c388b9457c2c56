"""SimCLR's loss without normalisation learns nothing outside the Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM and B pairs of it a batch of 2B points x_1, …, x_{2B}. With f(x) = Aᵀx, A ∈ R^{d×r},
and the scores z_ij = f(x_i)ᵀf(x_j), NT-Xent without normalisation of the features is

    L(A) = E Σ_i (log Σ_{j ≠ i} e^{z_ij} − z_{i p(i)}),  p(i) the partner of i.

Then Col(A*) ⊆ S_F = span{Σ⁻¹μ_k} for every minimiser A* of L over R^{d×r}, for every B ≥ 2, δ and r. The negatives of
an anchor come in pairs that depend on each other, so this is not InfoNCE with 2B − 2 independent negatives; the
argument is the same. With normalised features it is false: `simclr-normalised-inclusion`. A temperature is a scale of
A.

What is proved is more general: M ≥ 1 anchors with N ≥ 2 candidates each, one of them the positive, in a batch of any
law of components; and it is enough that every Σ_k maps S_F into span{μ_l}. A case of `convex-scores-inclusion`.

Source: T. Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, arXiv:2002.05709, for
the loss; Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for InfoNCE. The statement and its proof are ours.

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

ID = "ntxent-unnormalised-inclusion"


def phi(z: Scores, _: Labels) -> Floats:
    """Return the loss of two pairs."""
    parts = [log_sum_exp(others(z, i)) - z[..., i, i ^ 1] for i in range(z.shape[-1])]
    found: Floats = sum(parts[1:], parts[0])
    return found


STATEMENT = statement(
    ID,
    "SimCLR's loss without normalisation learns nothing outside the Fisher subspace",
    "",
    Quantity(
        r"L(A) = \mathbb{E} \sum_i \left(\log \sum_{j \neq i} e^{z_{ij}} - z_{i\,p(i)}\right),\quad "
        r"z_{ij} = f(x_i)^T f(x_j),\quad f(x) = A^T x"
    ),
    "For all numbers M ≥ 1 of anchors and N ≥ 2 of candidates of each, one of them its positive, every law of the "
    "components of the batch and every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* of L over R^{d×r}.",
    OnSamples(ID, phi, pairs=2, others=0),
    (Break(SHARED_COVARIANCE.name, TILTED, Leaks(ID, "logistic")),),  # M = 1 and N = 2
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
