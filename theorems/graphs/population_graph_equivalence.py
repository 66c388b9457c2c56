"""On a finite graph the spectral contrastive loss is low-rank approximation of the normalised similarity matrix.

Let X be a finite set of n points, w_{xx'} = w_{x'x} the weight of the pair (x, x'), w_x = Σ_x' w_{xx'} > 0 and
Ā_{xx'} = w_{xx'}/√(w_x w_x'). For f: X → R^r let F have the rows F_x = √w_x f(x)ᵀ, and let

    L(f) = −2 Σ_{x,x'} w_{xx'} f(x)ᵀf(x') + Σ_{x,x'} w_x w_x' (f(x)ᵀf(x'))²,

the spectral contrastive loss: with weights that sum to 1 the first sum is the mean over positive pairs, the second over
independent points. Then ‖Ā − FFᵀ‖² = L(f) + ‖Ā‖², so both have the same minimisers: the f for which FFᵀ is the part of
Ā at its r largest eigenvalues, without the negative ones (Eckart and Young). F is then √λ_i v_i up to a rotation of
R^r.

The second sum is of the square. The article among the sources drops it in the last lines of its derivation; what is
printed there is another quantity (`population-graph-as-printed`).

Source: HaoChen et al., arXiv:2106.04156, in the words of the article on it among the sources ("Learning the Population
Graph", first three displayed lines). Its lightning-and-cloud example is the witness. The proof is ours.

Status: proved.
"""

from __future__ import annotations

import sys

import numpy as np
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.evidence import ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import GRAPH
from thmverify.models import Instance, PopulationGraph
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_graph_instance, random_matrix
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import SPECTRAL_PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.graphs.common import (
    LIGHTNING_AND_CLOUD,
    SYMBOLS,
    approximation_error,
    graph,
    normalised,
    sums,
)
from thmverify.verdicts import Status

ID = "population-graph-equivalence"
CLAIM = "population-graph-equivalence"
QUANTITY = Quantity(
    r"L(f) = -2 \sum_{x,x'} w_{xx'} f(x)^T f(x') + \sum_{x,x'} w_x w_{x'} \left(f(x)^T f(x')\right)^2",
)
CONCLUSION = Conclusion(
    r"\left\|\bar A - FF^T\right\|^2 = L(f) + \left\|\bar A\right\|^2,\qquad "
    r"f \in \mathrm{argmin}\, L \iff FF^T = \left(\bar A\right)_r^+",
    "For every f, ‖Ā − FFᵀ‖² − L(f) is the constant ‖Ā‖²; and f minimises L exactly when FFᵀ is a part of Ā at r "
    "largest eigenvalues, without the negative ones: the part, unless the r-th eigenvalue is a tie.",
)
MAPS = 5  # random maps that an instance is tried on
TOLERANCE = 1e-9  # of float64 eigenvalues


def loss(model: PopulationGraph, f: fmpq_mat) -> fmpq:
    """Return L(f), exactly."""
    agreement, squares, _ = sums(model, f)
    return squares - 2 * agreement


def margin(instance: Instance) -> float:
    """Return by how much a random map beats the closed form, −Σ_{i≤r} max(λ_i, 0)², or breaks the identity.

    The identity is decided exactly and counts 1; eigenvalues are float64, with a tolerance.
    """
    model, rng = graph(instance), instance_rng(instance)
    zero = exact.zeros(model.points, instance.rank)
    maps = [random_matrix(rng, model.points, instance.rank) for _ in range(MAPS)]
    constant = approximation_error(model, zero) - loss(model, zero)
    if any(approximation_error(model, f) - loss(model, f) != constant for f in maps):
        return 1.0
    top = np.sort(np.linalg.eigvalsh(normalised(model)))[::-1][: instance.rank]
    least = -float(np.sum(np.maximum(top, 0) ** 2))
    return max(least - float(exact.to_fraction(loss(model, f))) for f in maps) - TOLERANCE


STATEMENT = Statement(
    id=ID,
    title="On a finite graph the spectral contrastive loss is low-rank approximation of Ā",
    source=Source(
        SPECTRAL_PAPER,
        "the spectral contrastive loss; in the article: Learning the Population Graph",
        "the article's last lines drop the square; the proof is ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=GRAPH,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=Instance(LIGHTNING_AND_CLOUD, 2),
    sample=random_graph_instance,
    proof=Proof("thmverify.theorems.graphs.population_graph_equivalence_proof"),
    formal=formal(ID),
    claim=CLAIM,
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
