"""InfoNCE over all encoders of finitely many points: points that the pairs do not tell apart get the same feature.

Let w be the symmetric weights of a graph on n points, w_x = Σ_x' w(x, x') > 0 (see `population-graph-equivalence`), and

    L(f) = −Σ w(x, x') f(x)ᵀf(x') + Σ_x w_x log Σ_x' w_x' exp f(x)ᵀf(x')

over all features f: {1, …, n} → R^r; where the weights sum to 1 this is InfoNCE of the pairs (x, x') of probability
w(x, x') against independent points. Then every minimiser, for every r, has f(a) = f(b) for all points a and b with
w(a, z)/w_a = w(b, z)/w_b for every z.

So a minimiser is a function of the profile w(x, ·)/w_x: of what x tells about its pair, a sufficient statistic. For
pairs that come from components, points with the same posterior are alike: `measurable-encoders`.

For mixtures of Gaussians and square-integrable encoders, closed under conditional means given a statistic that is
sufficient for the component, the argument is the same with integrals in place of sums; that is not scripted. Affine
maps are such a class, and for them it is: `affine-inclusion`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The graph is that of HaoChen et al., arXiv:2106.04156. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction
from functools import partial

from thmverify.hypotheses import GRAPH
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.sampling import random_graph_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems.encoders.common import source
from thmverify.theorems.encoders.points_common import QUANTITY, examined, margin, split
from thmverify.theorems.formal import formal
from thmverify.theorems.graphs.common import LIGHTNING_AND_CLOUD, SYMBOLS, graph
from thmverify.verdicts import Status

ID = "sufficiency"
CONCLUSION = Conclusion(
    r"f^* \in \mathrm{argmin}\, L,\ \forall z.\ w_{az}/w_a = w_{bz}/w_b \implies f^*(a) = f^*(b)",
    "Every minimiser f* of L over the features in R^r has f*(a) = f*(b) for all points a and b with w_az/w_a = "
    "w_bz/w_b for every point z.",
)

examine = partial(examined, ID)


def sample(rng: random.Random) -> Instance:
    """Draw a graph in which two points at least are alike."""
    instance = random_graph_instance(rng)
    model = graph(instance)
    return replace(instance, model=split(model, rng.randrange(model.points), Fraction(rng.randint(1, 9), 10)))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE over all encoders of finitely many points learns nothing but what the pairs tell apart",
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
