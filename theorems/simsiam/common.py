"""What the statements about SimSiam share: the loss, leaks, stationary pairs with a singular predictor."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

from flint import fmpq, fmpq_mat

from thmverify import exact, vocabulary
from thmverify.evidence import Counterexample
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_gradient
from thmverify.maps import SimSiamPair
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.sampling import instance_rng, random_instance, random_matrix
from thmverify.statement import Quantity
from thmverify.subspaces import Subspace, fisher_subspace
from thmverify.theorems import COUNTEREXAMPLES
from thmverify.theorems.common import split
from thmverify.verdicts import Outcome, Provenance, Verdict

SYMBOLS = vocabulary.entries("d", "K", "r", "w", "Sigma_k", "delta", "eta")

QUANTITY = Quantity(
    r"L(A, P) = \tfrac12 \mathbb{E}\|P A^T x - \mathrm{sg}(A^T \hat x)\|^2 + \tfrac{\eta}{2}(\|A\|^2 + \|P\|^2)",
    "simsiam",
)

READING = "the sources announce a theorem on SimSiam and print neither it nor a proof: the statement is our reading"


def outside(mixture: GMM, A: fmpq_mat) -> fmpq_mat:
    """Return the part of A that is Σ̄-orthogonal to S_F."""
    return split(mixture, A)[1]


def leak_slope(instance: Instance, pair: SimSiamPair) -> tuple[fmpq, fmpq]:
    """Return ⟨∂_A L, A_out⟩, how fast L grows when A_out alone is scaled up, and what the proof says it is, exactly.

    That is ‖PA_outᵀ‖² in the norm of Σ̄, plus η⟨A, A_out⟩: positive for η = 0 and invertible P, unless A_out = 0.
    """
    gradient = exact_gradient(LOSSES["simsiam"], instance, pair)
    part = outside(instance.pairs.mixture, pair.A)
    if gradient is None:
        raise TypeError("the gradient of SimSiam is rational")
    norm = exact.trace(pair.P * part.transpose() * instance.pairs.mixture.sigma_bar * part * pair.P.transpose())
    decay = exact.to_fmpq(instance.weight_decay) * exact.inner(pair.A, part)
    return exact.inner(gradient["A"], part), norm + decay


def random_pair(instance: Instance) -> SimSiamPair:
    """Return a random encoder and a random invertible predictor, rational."""
    rng, d, r = instance_rng(instance), instance.pairs.mixture.dimension, instance.rank
    A, P = random_matrix(rng, d, r), random_matrix(rng, r, r)
    while P.rank() < r:
        P = random_matrix(rng, r, r)
    return SimSiamPair(A, P)


def leak_margin(instance: Instance) -> float:
    """Return −slope over what the proof says of it, at a random pair: −1, positive where L decreases along a leak."""
    slope, expected = leak_slope(instance, random_pair(instance))
    return -float(exact.to_fraction(slope / expected)) if expected else -1.0


def sample_anywhere(rng: random.Random) -> Instance:
    """Draw an instance without weight decay; half of them with a covariance for each component."""
    return random_instance(rng, shared=rng.random() < 0.5)


LEAK = Counterexample(COUNTEREXAMPLES / "simsiam-inclusion.json", "", "", "")

WITNESS = Instance(
    AugmentedPairs(
        GMM(
            (Fraction(1, 3), Fraction(2, 3)),
            ((1, 0, 0), (0, 1, 0)),
            (((2, 1, 0), (1, 2, 1), (0, 1, 3)), ((1, 0, 0), (0, 1, 0), (0, 0, 1))),
        ),
        Fraction(7, 10),
    ),
    2,
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


def examine_wandered(instance: Instance) -> Verdict:
    """Add avᵀ to one stationary pair with a singular predictor, and decide exactly what becomes of it."""

    def verdict(outcome: Outcome, reason: str) -> Verdict:
        return Verdict("simsiam-collapse", outcome, reason, provenance=Provenance.EXACT)

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
    seen = examine_wandered(instance)
    if seen.outcome is Outcome.PROVED:
        return replace(seen, outcome=Outcome.REFUTED, reason="a stationary pair with a singular predictor leaks")
    return replace(seen, outcome=Outcome.UNDECIDED, reason=f"no leak by collapse: {seen.reason}")
