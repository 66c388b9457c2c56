"""Over all encoders of finitely many points a minimiser of InfoNCE is a function of the posterior, whatever the laws.

Let pairs of points of a finite sample space {1, …, n} come from pairs of components: components k and l with a weight
c_kl, then x and x' independently by laws P_k and P_l, so that

    w(x, x') = Σ_kl c_kl P_k(x) P_l(x').

Pairs of bias δ have c_kl = δ π_k [k = l] + (1 − δ) π_k π_l. Let L be InfoNCE over all features f: {1, …, n} → R^r (see
`sufficiency`). Then every minimiser, for every r, has f(a) = f(b) wherever Pr(z = k | a) = Pr(z = k | b) for every k:
it is a function of the posterior. The laws are arbitrary: nothing like a covariance is shared, or exists.

What leaks out of S_F when the covariances of Gaussians differ (`nonshared-inclusion`) leaks since maps are linear: a
linear map cannot see the posterior alone. It is not the loss that asks for more.

One graph may have many descriptions by components, and the theorem is about each. Two points have one posterior in one
of them just when the pairs do not tell them apart: if they do not, take as components the classes of points that are
alike. This is what an instance is tried on.

The sample space is finite, and every encoder of it is measurable. For Gaussian mixtures and square-integrable encoders
the argument is the same with integrals in place of sums; the proof's language has no integrals of arbitrary functions,
and that is not scripted. Over affine maps it is: `affine-inclusion`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, for linear maps; the talk names non-linear encoders as a
next step. The statement and its proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from functools import partial

from thmverify.hypotheses import GRAPH
from thmverify.models import Instance
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.theorems.encoders.common import source
from thmverify.theorems.encoders.points_common import QUANTITY, Described, examined, margin
from thmverify.theorems.formal import formal
from thmverify.theorems.graphs.common import SYMBOLS
from thmverify.verdicts import Status

ID = "measurable-encoders"
CONCLUSION = Conclusion(
    r"w_{xx'} = \sum_{k,l} c_{kl} P_k(x) P_l(x'),\ f^* \in \mathrm{argmin}\, L,\ "
    r"\forall k.\ \Pr(z = k \mid a) = \Pr(z = k \mid b) \implies f^*(a) = f^*(b)",
    "However pairs come from pairs of components (components k and l of weight c_kl, Σ_l c_kl > 0, then points by the "
    "laws P_k and P_l), every minimiser f* of L over the features in R^r has f*(a) = f*(b) for all points a and b of "
    "the same posterior: it is a function of the posterior.",
)

examine = partial(examined, ID)


def sample(rng: random.Random) -> Instance:
    """Draw two or three components with a law each, two points of one posterior at least, and the bias of pairs."""
    return Instance(Described.random(rng).graph, rng.randint(1, 3))


# A grid of nine points. Given the component the coordinates are independent; the second has mean 0 and a law of its own
# in each component, as covariances that differ do: the posterior depends on whether it is 0, and not on its sign.
GRID = Described.product(
    (Fraction(1, 3), Fraction(2, 3)),
    first=((1, 2, 5), (4, 2, 2)),
    second=((1, 6, 1), (3, 2, 3)),
    bias=Fraction(9, 10),
)

STATEMENT = Statement(
    id=ID,
    title="InfoNCE over all encoders of finitely many points learns nothing but the posterior",
    source=source("Theorem 5.2, first half, for all encoders of a finite sample space", "the statement is ours"),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=GRAPH,
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=Instance(GRID.graph, 2),
    sample=sample,
    proof=Proof("thmverify.theorems.encoders.measurable_encoders_proof"),
    formal=formal(ID),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
