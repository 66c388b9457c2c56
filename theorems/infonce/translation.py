"""InfoNCE sees where the origin is: shifting the data can change whether it learns the whole Fisher subspace.

Whether the components can be told apart does not depend on the origin, yet the loss of a linear map does. The claim
that does not hold: infonce-equality has the same answer for a mixture and for the mixture moved to mean 0. One
Gaussian N(1, 1) already refutes it: S_F is the line, and A* = 0 since there is nothing to learn; moved to 0,
S_F = {0} = Col(A*). Less trivially, two components (1, 1), (−1, 1) with Σ = I: S_F is the plane, and nothing is learnt
along μ̄ = (0, 1); moved to (1, 0), (−1, 0) equality holds.

What does depend on the origin, then: S_F itself (and J, R, PCA, and InfoNCE's and the spectral loss's equality with
S_F). What does not: the posteriors, so S_LDA = span{Σ⁻¹(μ_k − μ_l)} of Lemma 4.2, which S_F equals for a mixture with
mean 0. Inclusion in S_F (Theorem 5.2, first half) holds wherever the origin is, about the S_F of that origin.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, Theorem 5.2 and Definition 4.1, which do not suppose mean 0; the
question is ours.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify.certifying.formulas import name, rank
from thmverify.certifying.translation import moved
from thmverify.evidence import Border, ByKernel, Counterexample, Fails, Near
from thmverify.exact import Rows
from thmverify.headlines import Source
from thmverify.hypotheses import CENTRED, COLUMNS_REACH
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.sampling import random_centred_instance
from thmverify.statement import Conclusion, Statement
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS, PAPER
from thmverify.theorems.infonce.common import (
    EXACTLY_CANCELLED,
    QUANTITY,
    SETTING,
    SYMBOLS,
    UNCENTRED,
    WITNESS,
    slope_across,
    uneven,
)
from thmverify.verdicts import Status

ID = "translation"
CONCLUSION = Conclusion(
    r"\mathrm{Col}(A^*) = S_F \text{ for } x \iff \mathrm{Col}(A^*) = S_F \text{ for } x - \bar\mu",
    "Every minimiser A* of the InfoNCE loss over R^{d×r} has Col(A*) = S_F for the mixture if and only if this is so "
    "for the mixture moved to mean 0.",
)


def shifted(instance: Instance, b: tuple[Fraction, ...]) -> Instance:
    """Return the instance of x + b."""
    mixture = instance.shared
    means: Rows = tuple(tuple(x + y for x, y in zip(mean, b, strict=True)) for mean in mixture.means)
    moved = SharedGMM(mixture.weights, means, mixture.covariance)
    return replace(instance, model=AugmentedPairs(moved, instance.pairs.bias))


def margin(instance: Instance) -> float:
    """Return minus the smaller slope of the two where both have one sign, plus it where the signs differ.

    The slopes are the margins of infonce-equality for the mixture and for the mixture moved to mean 0, in float64.
    """
    here, there = slope_across(instance), slope_across(moved(instance))
    size = min(abs(here), abs(there))
    return size if (here < 0) != (there < 0) else -size


def sample(rng: random.Random) -> Instance:
    """Draw a mixture anywhere; a third of them have mean 0."""
    instance = random_centred_instance(rng, Fraction(rng.randint(1, 20), 20), components=(2, 3))
    size = rng.choice([0, 1, 2])
    b = tuple(Fraction(rng.randint(-4, 4) * size, 4) for _ in range(instance.shared.dimension))
    return replace(shifted(instance, b), rank=instance.rank)


TEMPTING = "Moving all means by one vector changes no distance between components and no posterior."
REPAIRED = (
    "It holds for mixtures with mean 0, trivially. Lemma 4.2 in its sharp form, about S_LDA, holds wherever the origin "
    "is; and so does inclusion in S_F."
)

STATEMENT = Statement(
    id=ID,
    title="Whether InfoNCE learns the whole Fisher subspace does not depend on the origin",
    source=Source(PAPER, "Theorem 5.2 and Definition 4.1", "which do not suppose mean 0; the question is ours"),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*(h for h in SETTING if h is not CENTRED), COLUMNS_REACH),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    witness=WITNESS,
    sample=sample,
    counterexamples=(
        Counterexample(
            COUNTEREXAMPLES / "translation.json",
            tempting=TEMPTING,
            catch="S_F moves with the origin: N(1, 1) has S_F = R and nothing to learn, N(0, 1) has S_F = {0}.",
            repaired=REPAIRED,
            near=Near(
                NEIGHBOURHOODS / "translation-near.json",
                Fails((name("K") == 1) & (rank(name("fisher")) == 1), "one component, and its mean is not 0"),
            ),
        ),
        Counterexample(
            COUNTEREXAMPLES / "translation-aside.json",
            tempting=TEMPTING,
            catch="Here S_F gains the direction of μ̄, along which all components are alike: E[x x̂ᵀ] sees it, and the "
            "negatives cancel that exactly.",
            repaired=REPAIRED,
            near=Border(uneven(UNCENTRED.instance), ByKernel(ID), EXACTLY_CANCELLED),
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
