"""A linear probe on the lowest eigenvectors of a finite graph errs on at most 2φ/λ.

Let w be the symmetric nonnegative weights of a graph on n points, summing to 1, with labels; Ā its normalised
similarity matrix (see `population-graph-equivalence`), φ the probability that the two points of a positive pair have
different labels, r < n, and λ the (r + 1)-th smallest eigenvalue of I − Ā. Take as features of a point x the entries
U_x/√w_x of r orthonormal eigenvectors at the lowest eigenvalues, which the spectral contrastive loss learns, scaled,
while 1 − their eigenvalue is positive; and predict the label by the arg-max of the least-squares probe of the labels'
indicators, weighted by w_x. Then

    λ · Pr(the arg-max errs) ≤ 2φ,

however ties are broken, between eigenvectors or between classes: error ≤ 2φ/λ wherever λ > 0.

How tight it is: two points that always pair with each other and have different labels reach the bound for r = 1 when
the tie between the classes is broken against both. Without ties one eigenvector reaches at most half of it: the probe
then predicts the largest class m everywhere, and errs on 1 − m ≤ 1 − Σ_c m_c² = tr(gᵀ(I − Π)g) ≤ φ/λ. With two, three
points came within 10⁻⁴ of it in a search of small graphs (`TIGHT`).

Source: HaoChen et al., arXiv:2106.04156, whose linear-probe guarantee the article among the sources tells without its
formula ("Theoretical Generalization"). The constant 2, the statement for finite graphs and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify import vocabulary
from thmverify.evidence import ByKernel
from thmverify.headlines import Source
from thmverify.hypotheses import DEGREES_POSITIVE, FEWER_VECTORS, NONNEGATIVE, SYMMETRIC
from thmverify.models import Floats, Instance, PopulationGraph
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_graph_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems import SPECTRAL_PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.graphs.common import LIGHTNING_AND_CLOUD, graph, normalised
from thmverify.verdicts import Status

ID = "linear-probe-bound"
CLAIM = "linear-probe-bound"
SYMBOLS = vocabulary.entries("n", "r", "W")
QUANTITY = Quantity(r"\Pr\left(\mathrm{argmax}_c\, (P_x)_c \neq y_x\right),\quad P = D^{-1/2} U U^T D^{1/2} Y")
CONCLUSION = Conclusion(
    r"\lambda_{r+1}(I - \bar A)\; \Pr(\text{the arg-max errs}) \leq 2\varphi,\qquad "
    r"\varphi = \sum_{y_x \neq y_{x'}} w_{xx'} \Big/ \sum_{x,x'} w_{xx'}",
    "For every r < n, λ·Pr(the arg-max of the probe errs) ≤ 2φ, with λ the (r + 1)-th smallest eigenvalue of I − Ā and "
    "φ the probability that the labels of a positive pair differ, whatever way ties are broken.",
)
TOLERANCE = 1e-9  # of float64 scores: closer ones count as a tie, and a tie as an error


def probe(model: PopulationGraph, r: int) -> Floats:
    """Return the scores P = D^{-1/2}UUᵀD^{1/2}Y of the least-squares probe in float64, n × classes."""
    roots = np.sqrt(np.array(model.weights, dtype=np.float64).sum(axis=1))
    U = np.linalg.eigh(np.eye(model.points) - normalised(model))[1][:, :r]
    return np.asarray((U @ (U.T @ (roots[:, None] * indicators(model)))) / roots[:, None])


def indicators(model: PopulationGraph) -> Floats:
    """Return the labels as unit rows, n × classes."""
    classes = sorted(set(model.labels))
    return np.array([[float(y == c) for c in classes] for y in model.labels])


def bound_and_error(instance: Instance, ties_err: bool = True) -> tuple[float, float, float]:
    """Return λ, φ and the probability that the arg-max errs, in float64; λ is 2, its upper limit, where r ≥ n."""
    model, r = graph(instance), instance.rank
    w, Y = np.array(model.weights, dtype=np.float64), indicators(model)
    values = np.linalg.eigvalsh(np.eye(model.points) - normalised(model))
    scores = probe(model, r)
    own = (scores * Y).sum(axis=1)
    other = np.where(Y > 0, -np.inf, scores).max(axis=1)
    errs = other >= own + (-TOLERANCE if ties_err else TOLERANCE)
    differ = np.array([[a != b for b in model.labels] for a in model.labels])
    level = float(values[r]) if r < model.points else 2.0
    return level, float(w[differ].sum() / w.sum()), float(w[errs].sum() / w.sum())


def tightness(instance: Instance, ties_err: bool = True) -> float:
    """Return λ·error / 2φ: 1 where the bound is reached; 0 where no pair disagrees."""
    level, disagreement, error = bound_and_error(instance, ties_err)
    return level * error / (2 * disagreement) if disagreement else 0.0


def margin(instance: Instance) -> float:
    """Return λ·error − 2φ in float64, ties counted as errors, less a tolerance."""
    level, disagreement, error = bound_and_error(instance)
    return level * error - 2 * disagreement - TOLERANCE


def sample(rng: random.Random) -> Instance:
    """Draw a graph with r < n."""
    instance = random_graph_instance(rng)
    return replace(instance, rank=min(instance.rank, graph(instance).points - 1))


def scaled(rows: tuple[tuple[int, ...], ...], labels: tuple[int, ...]) -> PopulationGraph:
    """Return the graph with these weights, divided by their sum."""
    total = sum(sum(row) for row in rows)
    return PopulationGraph(tuple(tuple(Fraction(x, total) for x in row) for row in rows), labels)


TIE = Instance(scaled(((0, 1), (1, 0)), (0, 1)), 1)
TIGHT = Instance(scaled(((100, 0, 1), (0, 0, 10000), (1, 10000, 0)), (1, 1, 0)), 2)

STATEMENT = Statement(
    id=ID,
    title="A linear probe on the lowest eigenvectors errs on at most 2φ/λ",
    source=Source(
        SPECTRAL_PAPER,
        "the linear-probe guarantee; in the article: Theoretical Generalization",
        "the article gives no formula; the constant 2 and the proof are ours",
    ),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(SYMMETRIC, NONNEGATIVE, DEGREES_POSITIVE, FEWER_VECTORS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    witness=Instance(LIGHTNING_AND_CLOUD, 2),
    sample=sample,
    proof=Proof("thmverify.theorems.graphs.linear_probe_bound_proof"),
    formal=formal(ID),
    claim=CLAIM,
    evidence=(
        "tight: two points reach the bound when a tie is broken against both, and three points come within 10⁻⁴ of it "
        "with two eigenvectors and no tie",
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
