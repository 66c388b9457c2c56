"""The supervised contrastive loss learns nothing outside the Fisher subspace.

Let {w_k, μ_k, Σ} be a SharedGMM and x_1, …, x_n a batch of it, x_i of component c_i. With f(x) = Aᵀx, A ∈ R^{d×r}, the
scores z_ij = f(x_i)ᵀf(x_j), and P(i) = {j ≠ i: c_j = c_i},

    L(A) = E Σ_{i: P(i) ≠ ∅} |P(i)|⁻¹ Σ_{j ∈ P(i)} (log Σ_{k ≠ i} e^{z_ik} − z_ij).

Then Col(A*) ⊆ S_F = span{Σ⁻¹μ_k} for every minimiser A* of L over R^{d×r}, for every n ≥ 3 and r, if two points of the
batch may be of one component. Labels do not make the loss look outside: given the labels it is a convex function of
scores, and the theorem `convex-scores-inclusion`, of which this is a case, lets Φ depend on the labels.

What is proved is more general: M anchors with N ≥ 2 candidates each, in a batch of any law of components; and it is
enough that every Σ_k maps S_F into span{μ_l}.

Source: P. Khosla et al., Supervised Contrastive Learning, arXiv:2004.11362, for the loss; Bansal, Kavis, Sanghavi,
arXiv:2411.03517, Theorem 5.2, for InfoNCE. The statement and its proof are ours.

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
from thmverify.theorems.scores.common import Labels, Leaks, OnSamples, Scores, log_sum_exp, others, statement

ID = "supcon-inclusion"


def phi(z: Scores, labels: Labels) -> Floats:
    """Return the loss of a batch."""
    found: Floats = np.zeros(z.shape[:-2])
    for i in range(z.shape[-1]):
        alike = np.delete(labels == labels[..., i : i + 1], i, axis=-1)
        own = others(z, i)
        gaps = log_sum_exp(own)[..., None] - own
        found = found + (alike * gaps).sum(axis=-1) / np.maximum(alike.sum(axis=-1), 1)
    return found


STATEMENT = statement(
    ID,
    "The supervised contrastive loss learns nothing outside the Fisher subspace",
    "",
    Quantity(
        r"L(A) = \mathbb{E} \sum_i \frac{1}{|P(i)|} \sum_{j \in P(i)} "
        r"\left(\log \sum_{k \neq i} e^{z_{ik}} - z_{ij}\right),\quad P(i) = \{j \neq i: c_j = c_i\},\quad "
        r"z_{ij} = f(x_i)^T f(x_j)",
        "supcon",
    ),
    "For all numbers of anchors and N ≥ 2 of candidates of each, and every law of the components of the batch in which "
    "some anchor may have a candidate of its component, and every r ≥ 1, Col(A*) ⊆ S_F for every minimiser A* of L "
    "over R^{d×r}.",
    OnSamples(ID, phi, pairs=1, others=2),
    (Break(SHARED_COVARIANCE.name, TILTED, Leaks(ID, "supcon")),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
