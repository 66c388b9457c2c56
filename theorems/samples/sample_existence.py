"""InfoNCE of a sample is hoped to have a minimiser, as the population loss has. It need not.

Let L̂ be the loss of n independent augmented pairs (`sample-inclusion`). The claim is that it has a minimiser almost
surely. It is false for every mixture and every n ≥ 2 (on a line for n = 2). Each term of L̂ is more than −log n, as a
sum of exponentials is more than one of them; and where x_iᵀMx̂_j < x_iᵀMx̂_i for some M = AAᵀ and all j ≠ i, L̂(√t A)
tends to −log n as t grows: the infimum is −log n, and no map reaches it. So it is where x_i = x̂_i are distinct points
of a circle, M = I, decided exactly; and since the inequalities are strict, for all samples near, which have positive
probability. A batch whose pairs are told apart is never learnt enough: weights grow without end, or until training
stops.

The population loss has a minimiser: E_y exp f(x)ᵀf(y) grows with A, since y comes from a density and not from n points.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, is about the population loss; its figures train on
samples.

Status: refuted.
"""

from __future__ import annotations

import random
import sys

from thmverify import exact
from thmverify.evidence import ByKernel, Counterexample
from thmverify.hypotheses import COLUMNS_ALL, SHARED_PAIRS
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import COUNTEREXAMPLES
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.samples.common import QUANTITY, SYMBOLS, on_a_circle, source
from thmverify.verdicts import Status

ID = "sample-existence"
CONCLUSION = Conclusion(
    r"\Pr\big(\mathrm{argmin}_{A \in \mathbb{R}^{d \times r}} \hat L(A) \neq \emptyset\big) = 1",
    "For every number n ≥ 2 of independent pairs, L̂ has a minimiser over R^{d×r}, almost surely.",
)
MANY = 8  # pairs of the sample, where there is room for more than two


def margin(instance: Instance) -> float:
    """Return how much nearer its own partner each point of those pairs has, than any other: the least difference."""
    pairs = on_a_circle(instance.shared.dimension, MANY)
    scores = pairs.x * pairs.y.transpose()
    n = pairs.count
    return min(float(exact.to_fraction(scores[i, i] - scores[i, j])) for i in range(n) for j in range(n) if i != j)


def sample(rng: random.Random) -> Instance:  # noqa: ARG001 (it fails everywhere)
    """Return the witness: it holds nowhere."""
    return WITNESS


STATEMENT = Statement(
    id=ID,
    title="InfoNCE of a sample has a minimiser",
    source=source("Theorem 5.2, for samples: that there is a minimiser is what it would need"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SHARED_PAIRS, COLUMNS_ALL),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "sample-existence.json",
            tempting="The population loss grows with A in every direction, so a minimising sequence stays bounded.",
            catch="A sample has n keys. Where each point has its own key nearest, larger A is better for ever.",
            repaired="A penalty on A, or more keys than can be told apart, bounds it; sample-deviation supposes a "
            "minimiser.",
            near="no radius is needed: the argument is the same for every mixture",
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
