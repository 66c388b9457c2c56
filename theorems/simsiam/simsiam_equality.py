"""SimSiam need not learn the whole Fisher subspace: A = 0 is stationary, whatever the invertible predictor.

Setting and loss as in `simsiam-inclusion`, η = 0. The claim is that Col(A) = S_F for every stationary pair (A, P),
∂_A L = 0 and ∂_P L = 0, with an invertible P and r ≥ K columns.

It is false on every instance with S_F ≠ {0}: A = 0 with P = I is stationary, with nothing learnt, since each term of
∂_A L = RAPᵀP − CAP and ∂_P L = PAᵀRA − AᵀCA holds A; and so is A = [a 0 … 0], P = diag(p, 1, …, 1) for each eigenvector
R⁻¹Ca = pa with p ≠ 0. SimSiam minimises no loss that could tell these points apart: the target is held fixed. The claim
is true of the pairs with rank A = dim S_F, by inclusion.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print it: the second half for SimSiam is our reading.

Status: refuted.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from thmverify import exact
from thmverify.certifying.formulas import name, rank
from thmverify.evidence import ByKernel, Counterexample, Fails, Near
from thmverify.guarantees import Column, Guarantee
from thmverify.headlines import Source
from thmverify.hypotheses import ENOUGH_COLUMNS, NO_WEIGHT_DECAY, PAIRS
from thmverify.maps import SimSiamPair
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES, NEIGHBOURHOODS, PAPER
from thmverify.theorems.simsiam.common import QUANTITY, READING, SYMBOLS, sample_anywhere, steepness
from thmverify.verdicts import Status

ID = "simsiam-equality"
CONCLUSION = Conclusion(
    r"\nabla L(A, P) = 0,\ P \text{ invertible} \implies \mathrm{Col}(A) = S_F",
    "Col(A) = S_F for every stationary pair (A, P) with an invertible predictor P.",
)


def nothing_learnt(instance: Instance) -> SimSiamPair:
    """Return A = 0 and P = I."""
    d, r = instance.pairs.mixture.dimension, instance.rank
    return SimSiamPair(exact.zeros(d, r), exact.identity(r))


def margin(instance: Instance) -> float:
    """Return how many dimensions of S_F are missing at A = 0, if that is stationary; −1 where it is not."""
    missing = fisher_subspace(instance.pairs.mixture).dimension
    return float(missing) if steepness(instance, nothing_learnt(instance)) == 0 else -1.0


def sample(rng: random.Random) -> Instance:
    """Draw an instance without weight decay and with r ≥ K."""
    instance = sample_anywhere(rng)
    return replace(instance, rank=instance.pairs.mixture.components + rng.randint(0, 2))


HALF = Fraction(1, 2)
WITNESS = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1, 0), (-1, 0))), Fraction(9, 10)), 2)
SOMETHING_TO_LEARN = Fails(
    (name("weight_decay") == 0) & (rank(name("fisher")) > 0), "A = 0 with P = I is stationary, and S_F is not {0}"
)
ALWAYS, SOMETIMES = (
    Counterexample(
        COUNTEREXAMPLES / f"simsiam-equality{kind}.json",
        tempting="The fit E‖PAᵀx − Aᵀx̂‖² rewards every direction in which x predicts x̂, which are those of S_F.",
        catch="It is ½E‖PAᵀx − Aᵀx̂‖² with the target held fixed: a target that is 0 asks for nothing, and A = 0 stays.",
        repaired="Col(A) ⊆ S_F (simsiam-inclusion), with equality for the pairs with rank A = dim S_F.",
        near=Near(NEIGHBOURHOODS / f"simsiam-equality{kind}-near.json", SOMETHING_TO_LEARN),
    )
    for kind in ("", "-biased")
)

STATEMENT = Statement(
    id=ID,
    title="SimSiam learns the whole Fisher subspace",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Theorem 5.2, second half", READING),
    status=Status.REFUTED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, NO_WEIGHT_DECAY, ENOUGH_COLUMNS),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=ByKernel(ID),
    claim=ID,
    counterexamples=(ALWAYS, SOMETIMES),
    witness=WITNESS,
    sample=sample,
    guarantees=(Guarantee("simsiam", Column.EQUALITY), Guarantee("simsiam", Column.EQUALITY_BIASED)),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
