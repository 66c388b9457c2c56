"""SimSiam with weight decay: the encoder leaks out of the Fisher subspace, even with an invertible predictor.

Setting and loss as in `simsiam-inclusion`, with η > 0. The claim is that Col(A) ⊆ S_F for every stationary (A, P),
∂_A L = 0 and ∂_P L = 0, with an invertible P.

It is false. Weight decay pulls A towards 0 in the metric of R^d and not in that of Σ̄. For two components ±μ and one
column, P = p > 0, a stationary encoder solves (pR + (η/p)I)a = (μᵀa)μ, so a is a multiple of (pR + (η/p)I)⁻¹μ: between
the direction Σ̄⁻¹μ of S_F, for η → 0, and that of μ itself. It leaks unless μ is an eigenvector of Σ̄. The point on
record is stable under training, and for r > 1 the kernel encloses such points by interval Newton.

Nothing leaks where Σ̄ maps span μ to itself: `simsiam-invariant-means`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print them: that weight decay may be among them is our reading.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np

from thmverify.evidence import ByKernel, Counterexample
from thmverify.headlines import Source
from thmverify.hypotheses import PAIRS, WEIGHT_DECAY
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance
from thmverify.randomised import run_alone
from thmverify.sampling import random_instance
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, PAPER
from thmverify.theorems.simsiam.common import QUANTITY, READING, SYMBOLS
from thmverify.verdicts import Status

ID = "simsiam-weight-decay"
CLAIM = "simsiam-inclusion"
CONCLUSION = Conclusion(
    r"R A P^T P - C A P + \eta A = 0,\ P A^T R A - A^T C A + \eta P = 0,\ P \text{ invertible} \implies "
    r"\mathrm{Col}(A) \subseteq S_F",
    "Col(A) ⊆ S_F for every stationary pair (A, P) with weight decay η > 0 and an invertible predictor P.",
)
NEGLIGIBLE = 1e-7  # relative to A: what lies outside S_F in floats although nothing does


def margin(instance: Instance) -> float:
    """Return how much of A lies outside S_F, relatively, at a stationary point with an invertible predictor.

    −1 where none is found.
    """
    found = minimise("simsiam", instance)
    if not found.converged:
        return -1.0
    A, inside = found.maps["A"], fisher_subspace(instance.pairs.mixture).as_floats()
    return float(np.linalg.norm(A - inside @ (inside.T @ A)) / np.linalg.norm(A)) - NEGLIGIBLE


def sample(rng: random.Random) -> Instance:
    """Draw an instance with weight decay and matched pairs, where there is often a stationary point."""
    instance = random_instance(rng)
    pairs = AugmentedPairs(instance.pairs.mixture, Fraction(1))
    return Instance(pairs, rng.randint(1, 2), Fraction(1, rng.choice([3, 10, 30, 100])))


COUNTEREXAMPLE = Counterexample(
    COUNTEREXAMPLES / "simsiam-inclusion.json",
    tempting="Split A into the part in S_F and the part across it, orthogonally in the metric of Σ̄. The second does "
    "nothing for the fit and is paid for, so it should be 0.",
    catch="The two are orthogonal in the metric of Σ̄ and not in that of |A|²: a little of the second may shorten A. "
    "Without weight decay the best direction is Σ̄⁻¹μ; weight decay moves it towards μ.",
    repaired="It holds for η = 0 (simsiam-inclusion), for decay in the metric AᵀΣ̄A, and where Σ̄ maps the span of the "
    "means to itself (simsiam-invariant-means).",
)
WITNESS = replace(COUNTEREXAMPLE.instance, weight_decay=Fraction(1, 7))

STATEMENT = Statement(
    id=ID,
    title="SimSiam with weight decay learns nothing outside the Fisher subspace",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Definition 5.1", READING),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, WEIGHT_DECAY),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(CLAIM),
    claim=CLAIM,
    counterexamples=(COUNTEREXAMPLE,),
    witness=WITNESS,
    sample=sample,
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
