"""SimSiam with a singular predictor: what P does not see of A wanders out of the Fisher subspace at no cost.

Setting and loss as in `simsiam-inclusion`, with η = 0 and S_F not the whole space. Let (A, P) be stationary, ∂_A L = 0
and ∂_P L = 0, with a singular P: for example A = 0 and P = 0. Choose a ≠ 0 orthogonal to all means, v ≠ 0 with Pv = 0,
and N = avᵀ. Then (A + N, P) is stationary too, and Col(A) and Col(A + N) are not both inside S_F. So the inclusion of
`simsiam-inclusion` fails at every stationary point with a singular predictor or arbitrarily close to it, on every
instance with dim S_F < d: that P is invertible cannot be spared. For P = 0 the stationary A are those with CA = 0.

A = 0 is stationary for every P where η = 0, and only with P = 0 where η > 0. Weight decay ends the wandering: a
stationary pair then has AᵀA = PᵀP, so Pv = 0 forces Av = 0. It leaks in another way: `simsiam-weight-decay`.

Source: Bansal, Kavis, Sanghavi, arXiv:2411.03517, which proves of SimSiam "a similar result" to Theorem 5.2 "under
suitable conditions". The sources at hand do not print them: the statement and the proof are ours.

Status: proved.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from flint import fmpq_mat

from thmverify import exact
from thmverify.evidence import Break
from thmverify.headlines import Source
from thmverify.hypotheses import NO_WEIGHT_DECAY, PAIRS, ROOM_OUTSIDE, SHARED_COVARIANCE
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_gradient
from thmverify.maps import SimSiamPair
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.proofs.checking import Proof
from thmverify.randomised import run_alone
from thmverify.statement import Conclusion, Statement
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems import PAPER
from thmverify.theorems.formal import formal
from thmverify.theorems.simsiam_inclusion import QUANTITY, READING, SYMBOLS, WITNESS
from thmverify.theorems.simsiam_inclusion import sample as sample_anywhere
from thmverify.verdicts import Outcome, Provenance, Status, Verdict

ID = "simsiam-collapse"
CONCLUSION = Conclusion(
    r"\nabla L(A, P) = 0,\ Pv = 0,\ v \neq 0,\ \mu^T a = 0,\ a \neq 0 \implies \nabla L(A + a v^T, P) = 0,\quad "
    r"\mathrm{Col}(A) \not\subseteq S_F \text{ or } \mathrm{Col}(A + a v^T) \not\subseteq S_F",
    "There is an a ≠ 0 orthogonal to the means; and for every stationary pair (A, P) and every v ≠ 0 with Pv = 0 the "
    "pair (A + avᵀ, P) is stationary too, and not both encoders lie inside S_F.",
)


def collapsed(instance: Instance) -> SimSiamPair:
    """Return a pair with a singular predictor, stationary where η = 0, that learns R⁻¹Col(C) if r leaves a column free.

    For a basis U of R⁻¹Col(C) and R⁻¹CU = UT the pair is A = U, P = Tᵀ with columns of zeros; otherwise it is 0. With
    η > 0 it is 0, the only such pair that is stationary always.
    """
    pairs, r = instance.pairs, instance.rank
    learnt = pairs.mixture.R.solve(pairs.C)
    U = exact.submatrix(learnt, range(learnt.nrows()), exact.pivot_columns(learnt))
    A, P = exact.zeros(learnt.nrows(), r), exact.zeros(r, r)
    c = U.ncols()
    if instance.weight_decay or not 0 < c < r:
        return SimSiamPair(A, P)
    T = (U.transpose() * U).solve(U.transpose() * learnt * U)
    for i in range(c):
        for j in range(U.nrows()):
            A[j, i] = U[j, i]
        for j in range(c):
            P[i, j] = T[j, i]
    return SimSiamPair(A, P)


def wandered(instance: Instance, pair: SimSiamPair) -> SimSiamPair | None:
    """Return (A + avᵀ, P) for an a orthogonal to the means and the last unit vector v; None where no a is."""
    across = exact.null_space(instance.pairs.mixture.mu.transpose())
    if across.ncols() == 0:
        return None
    A = pair.A * 1
    for i in range(A.nrows()):
        A[i, A.ncols() - 1] += across[i, 0]
    return SimSiamPair(A, pair.P)


def steepness(instance: Instance, pair: SimSiamPair) -> float:
    """Return ‖∂_A L‖² + ‖∂_P L‖²; 0 exactly where the pair is stationary."""
    gradient = exact_gradient(LOSSES["simsiam"], instance, pair) or {}
    return float(sum(exact.to_fraction(exact.inner(g, g)) for g in gradient.values()))


def is_inside(instance: Instance, A: fmpq_mat) -> bool:
    """Decide Col(A) ⊆ S_F."""
    return Subspace.spanned_by(A) <= fisher_subspace(instance.pairs.mixture)


def margin(instance: Instance) -> float:
    """Return how far from stationary the pair with avᵀ added is, ‖∂_A L‖² + ‖∂_P L‖²; 1 where there is none."""
    moved = wandered(instance, collapsed(instance))
    return 1.0 if moved is None else steepness(instance, moved)


def examine(instance: Instance) -> Verdict:
    """Add avᵀ to one stationary pair with a singular predictor, and decide exactly what becomes of it."""

    def verdict(outcome: Outcome, reason: str) -> Verdict:
        return Verdict(ID, outcome, reason, provenance=Provenance.EXACT)

    pair = collapsed(instance)
    moved = wandered(instance, pair)
    if steepness(instance, pair):
        return verdict(Outcome.FAILED, "the pair to start from is not stationary")
    if moved is None:
        return verdict(Outcome.REFUTED, "the means span the whole space: nothing is orthogonal to them")
    if steepness(instance, moved):
        return verdict(Outcome.REFUTED, "with avᵀ added to A = 0 the pair is not stationary any more")
    if is_inside(instance, pair.A) and is_inside(instance, moved.A):
        return verdict(Outcome.REFUTED, "the encoder lies inside S_F before and after avᵀ is added")
    return verdict(Outcome.PROVED, "one stationary pair with a singular predictor stays so outside S_F")


def refute_inclusion(instance: Instance) -> Verdict:
    """Refute "Col(A) ⊆ S_F at every stationary pair" by one with a singular predictor, exactly, if there is one."""
    seen = examine(instance)
    if seen.outcome is Outcome.PROVED:
        return replace(seen, outcome=Outcome.REFUTED, reason="a stationary pair with a singular predictor leaks")
    return replace(seen, outcome=Outcome.UNDECIDED, reason=f"no leak by collapse: {seen.reason}")


def sample(rng: random.Random) -> Instance:
    """Draw an instance without weight decay whose Fisher subspace is not the whole space."""
    while True:
        instance = sample_anywhere(rng)
        if ROOM_OUTSIDE.holds(instance):
            return instance


FULL = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (0, 1)))), 2)

STATEMENT = Statement(
    id=ID,
    title="SimSiam with a singular predictor leaks",
    source=Source(PAPER, "the result on SimSiam announced in the abstract; Definition 5.1", READING),
    status=Status.PROVED,
    symbols=SYMBOLS,
    hypotheses=(*PAIRS, NO_WEIGHT_DECAY, ROOM_OUTSIDE),
    redundant=(SHARED_COVARIANCE,),
    quantity=QUANTITY,
    conclusion=CONCLUSION,
    margin=margin,
    examine=examine,
    witness=WITNESS,
    sample=sample,
    proof=Proof("thmverify.theorems.proofs.simsiam_collapse"),
    formal=formal(ID),
    breaks=(
        Break(NO_WEIGHT_DECAY.name, replace(WITNESS, weight_decay=Fraction(1, 10)), examine),
        Break(ROOM_OUTSIDE.name, FULL, examine),
    ),
)

if __name__ == "__main__":
    sys.exit(run_alone(STATEMENT))
