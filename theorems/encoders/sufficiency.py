"""InfoNCE over all encoders: points that the pairs do not tell apart get the same feature.

Let w be the symmetric weights of a graph on n points, w_x = Σ_x' w(x, x') > 0 (see `population-graph-equivalence`), and

    L(f) = −Σ w(x, x') f(x)ᵀf(x') + Σ_x w_x log Σ_x' w_x' exp f(x)ᵀf(x')

over all features f: {1, …, n} → R^r; where the weights sum to 1 this is InfoNCE of the pairs (x, x') of probability
w(x, x') against independent points. Then every minimiser, for every r, has f(a) = f(b) for all points a and b with
w(a, z)/w_a = w(b, z)/w_b for every z.

So a minimiser is a function of the profile w(x, ·)/w_x: of what x tells about its pair, a sufficient statistic. For
pairs of one component, w(x, x') = Σ_kl c_kl P_k(x)P_l(x'), points with the same posterior are alike: over all encoders
of a finite sample space nothing is learnt but the posterior, whatever the components are. What leaks out of S_F when
covariances differ (`nonshared-inclusion`) leaks since the maps are linear, not for the loss.

For mixtures of Gaussians and square-integrable encoders, closed under conditional means given a statistic that is
sufficient for the component, the argument is the same with integrals in place of sums; that is not scripted. Affine
maps are such a class, and for them it is: `affine-inclusion`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The graph is that of HaoChen et al., arXiv:2106.04156. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import itertools
import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify.exact import Rows
from thmverify.hypotheses import GRAPH
from thmverify.models import Floats, Instance, PopulationGraph
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import instance_rng, random_graph_instance
from thmverify.statement import Conclusion, Quantity, Statement
from thmverify.theorems.encoders.common import source
from thmverify.theorems.formal import formal
from thmverify.theorems.graphs.common import LIGHTNING_AND_CLOUD, SYMBOLS, graph
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "sufficiency"
QUANTITY = Quantity(
    r"L(f) = -\sum_{x,x'} w_{xx'} f(x)^T f(x') + \sum_x w_x \log \sum_{x'} w_{x'} \exp(f(x)^T f(x')),\quad "
    r"f: \{1, \dots, n\} \to \mathbb{R}^r"
)
CONCLUSION = Conclusion(
    r"f^* \in \mathrm{argmin}\, L,\ \forall z.\ w_{az}/w_a = w_{bz}/w_b \implies f^*(a) = f^*(b)",
    "Every minimiser f* of L over the features in R^r has f*(a) = f*(b) for all points a and b with w_az/w_a = "
    "w_bz/w_b for every point z.",
)
TRIES = 3  # random features that an instance is tried on


def alike(model: PopulationGraph) -> list[tuple[int, int]]:
    """Return the pairs of points that the weights do not tell apart, exactly."""
    degrees = [sum(row, Fraction(0)) for row in model.weights]
    profiles = [tuple(x / d for x in row) for row, d in zip(model.weights, degrees, strict=True)]
    return [(a, b) for a, b in itertools.combinations(range(model.points), 2) if profiles[a] == profiles[b]]


def loss(model: PopulationGraph, f: Floats) -> float:
    """Return L(f) in float64; f has a row for each point."""
    w = np.array(model.weights, dtype=np.float64)
    degrees, z = w.sum(axis=1), f @ f.T
    top = z.max(axis=1)
    logs = top + np.log(np.exp(z - top[:, None]) @ degrees)
    return float(degrees @ logs - np.sum(w * z))


def least_gain(instance: Instance) -> float | None:
    """Return the least of L(f) − L(g) over random features f, g with the mean of f at two points that are alike.

    Relative to the squared distance of f(a) and f(b). None where no two points are alike.
    """
    model, rng = graph(instance), np.random.default_rng(instance_rng(instance).getrandbits(32))
    degrees = np.array(model.weights, dtype=np.float64).sum(axis=1)
    found = []
    for (a, b), _ in itertools.product(alike(model)[:TRIES], range(TRIES)):
        f = rng.standard_normal((model.points, instance.rank))
        g = f.copy()
        g[[a, b]] = np.average(f[[a, b]], axis=0, weights=degrees[[a, b]])
        found.append((loss(model, f) - loss(model, g)) / float(np.sum((f[a] - f[b]) ** 2)))
    return min(found, default=None)


def margin(instance: Instance) -> float:
    """Return minus the least gain of giving two points that are alike their mean; −1 where no two points are."""
    found = least_gain(instance)
    return -1.0 if found is None else -found


def examine(instance: Instance) -> Verdict:
    """Look for features that do no worse when two points that are alike differ: floats can contradict, not prove."""
    found = least_gain(instance)
    if found is None:
        return Verdict(ID, Outcome.PROVED, "no two points are alike: nothing is claimed", provenance=Provenance.EXACT)
    if found <= 0:
        reason = "in floats two points that are alike are better apart"
        return Verdict(ID, Outcome.FAILED, reason, provenance=Provenance.FLOATING)
    reason = f"in floats L falls by {found:.4g} times their squared distance or more when points that are alike meet"
    return Verdict(ID, Outcome.UNDECIDED, reason, provenance=Provenance.FLOATING)


def split(model: PopulationGraph, x: int, share: Fraction) -> PopulationGraph:
    """Return the graph with point x in two, of which the new one, the last, has a share of its weight."""

    def part(i: int) -> tuple[int, Fraction]:
        return (x, share) if i == model.points else (i, 1 - share if i == x else Fraction(1))

    points = [part(i) for i in range(model.points + 1)]
    rows: Rows = tuple(tuple(model.weights[i][j] * p * q for j, q in points) for i, p in points)
    return PopulationGraph(rows, (*model.labels, model.labels[x]))


def sample(rng: random.Random) -> Instance:
    """Draw a graph in which two points at least are alike."""
    instance = random_graph_instance(rng)
    model = graph(instance)
    return replace(instance, model=split(model, rng.randrange(model.points), Fraction(rng.randint(1, 9), 10)))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE over all encoders learns nothing but what the pairs tell apart",
    source=source("Theorem 5.2, first half, for all encoders of a finite sample space", "the statement is ours"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=GRAPH,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=Instance(split(LIGHTNING_AND_CLOUD, 0, Fraction(1, 3)), 2),
    sample=sample,
    proof=Proof("thmverify.theorems.encoders.sufficiency_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
