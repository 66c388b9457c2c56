"""InfoNCE over affine maps is hoped to learn all that tells components apart where all pairs match. It does not.

Let {w_k, μ_k, Σ} be a SharedGMM with mean 0, δ = 1, and L the InfoNCE loss of the maps f(x) = Aᵀx + c with
r ≥ dim S_F columns. The claim is that L has a minimiser and that every minimiser has Col(A*) = S_LDA, here S_F.

It is false, on the mixture that refutes `infonce-equality`: over M = AAᵀ ⪰ 0 and β = Ac there is one minimiser
(M*, β*), M* has rank 1, and the slope across it is +0.0022. So no minimising map has rank 2 (none has β* = A*c* either:
`affine-existence`). An offset does not repair what a rare component spoils. The kernel verifies it. (M*, β*) is looked
for where dim S_LDA ≤ 2.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2, second half, for linear maps; the talk names non-linear
encoders as a next step. The claim is the theorem's, carried over.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from fractions import Fraction
from functools import lru_cache

import numpy as np

from thmverify import exact
from thmverify.certifying.affine import inside, proposed
from thmverify.evidence import ByKernel, Counterexample
from thmverify.guarantees import Column, Guarantee
from thmverify.hypotheses import ALWAYS_MATCHED, COLUMNS_REACH
from thmverify.models import Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import lda_subspace
from thmverify.theorems import COUNTEREXAMPLES
from thmverify.theorems.common import NO_RULE
from thmverify.theorems.encoders.common import QUANTITY, ROW, source
from thmverify.theorems.infonce.common import SETTING, SYMBOLS, WITNESS
from thmverify.verdicts import Status

ID = "affine-equality"
CONCLUSION = Conclusion(
    r"\mathrm{argmin}_{A \in \mathbb{R}^{d \times r},\, c \in \mathbb{R}^r} L(A, c) \neq \emptyset,\quad "
    r"(A^*, c^*) \in \mathrm{argmin}\, L \implies \mathrm{Col}(A^*) = S_{\mathrm{LDA}}",
    "L has a minimiser over the affine maps into R^r, and Col(A*) = S_LDA for every minimiser (A*, c*).",
)


@lru_cache(maxsize=8)
def margin(instance: Instance) -> float:
    """Return the slope of L across the best M of rank 1, in float64: < 0 if M* has rank 2; −1 for dim S_LDA ≠ 2."""
    if lda_subspace(instance.shared).dimension != 2:
        return -1.0
    relaxed = inside(instance)[1]
    A, beta = (exact.to_floats(x) for x in proposed(relaxed, 1))
    v = np.linalg.svd(A)[0][:, 1]
    return float(v @ relaxed.slopes(A, beta[:, 0])[1] @ v)


def sample(rng: random.Random) -> Instance:
    """Draw two centred components at δ = 1, where it holds: with more, a minimiser takes seconds."""
    return random_centred_instance(rng, Fraction(1), components=(2, 2))


STATEMENT = Statement(
    id=ID,
    title="InfoNCE over affine maps learns all that tells components apart when δ = 1",
    source=source("Theorem 5.2, second half, for affine maps", "the claim is the theorem's, carried over"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*SETTING, COLUMNS_REACH, ALWAYS_MATCHED),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    witness=WITNESS,
    sample=sample,
    claim=ID,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "affine-equality.json",
            tempting="What fails for linear maps may be the origin's fault, and an offset moves it.",
            catch="The offset acts on what the map sees already; the rare component far out takes a larger share of "
            "the negatives than its weight, as before.",
            repaired="Inclusion in S_LDA holds (affine-inclusion); equality is decided instance by instance.",
            near=NO_RULE,
        ),
    ),
    guarantees=(Guarantee(ROW, Column.EQUALITY),),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
