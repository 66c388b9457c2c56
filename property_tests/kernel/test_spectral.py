"""spectral-top-r where the mean lies in a proper invariant subspace, against eigenvalues in floating point."""

from __future__ import annotations

import json
import random
from fractions import Fraction

import numpy as np
import pytest
from scipy.linalg import eigh

from property_tests.kernel.library import OFFSET, shared
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying import decide
from thmverify.certifying.writing import instance_fields
from thmverify.instances import parse_instance
from thmverify.kernel import Rejected
from thmverify.kernel.linear import inertia
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import MULTIPLIER, Seeded
from thmverify.verdicts import Outcome

TOP = RULES["spectral-top-r", "threshold"]


def cross(seed: int) -> Instance:
    """Means c ± a_i e_i with c orthogonal to the e_i, in random coordinates: S is singular along none of them."""
    rng = random.Random(seed)
    n, offset = rng.randint(2, 3), Fraction(rng.randint(1, 6), 2)
    sizes, counts = [Fraction(rng.randint(1, 8), 2) for _ in range(n)], [rng.randint(1, 3) for _ in range(n)]
    bend = rng.randint(0, 1)  # whether the mean's invariant subspace is a line or a plane
    rows = []
    for i, sign in ((i, sign) for i in range(n) for sign in (1, -1)):
        row = [Fraction(0)] * (n + 2)
        row[i], row[n], row[n + 1] = sign * sizes[i], offset, Fraction(bend * (1 if i == 0 else -1))
        rows.append(row)
    T = st.invertible_matrix(Seeded(rng), n + 2)
    weights = tuple(Fraction(c, 2 * sum(counts)) for c in counts for _ in range(2))
    mixture = SharedGMM(weights, exact.to_rows(exact.matrix(rows) * T.transpose()), exact.to_rows(T * T.transpose()))
    return Instance(AugmentedPairs(mixture, Fraction(rng.randint(1, 9), 10)), rng.randint(1, n))


def deficit(instance: Instance) -> tuple[float, float]:
    """Return how far J at the float minimiser is below its maximum, and the gap between the eigenvalues r and r + 1."""
    mixture, r = instance.pairs.mixture, instance.rank
    C, R, S, sigma = (exact.to_floats(x) for x in (instance.pairs.C, mixture.R, mixture.S, mixture.sigma_bar))
    values, vectors = eigh(C, R)
    A = vectors[:, -r:]
    best = eigh(S, sigma, eigvals_only=True)[-r:].sum()
    return best - np.trace(np.linalg.solve(A.T @ sigma @ A, A.T @ S @ A)), values[-r] - values[-r - 1]


@pytest.mark.parametrize("seed", range(60 * MULTIPLIER))
def test_verdicts_agree_with_floating_point(seed):
    instance = cross(seed)
    verdict, _ = decide("spectral-top-r", instance)
    missing, gap = deficit(instance)
    if verdict.outcome is Outcome.UNDECIDED:
        assert min(abs(missing), gap) < 1e-9
    elif gap > 1e-9 and abs(missing) > 1e-6:
        assert (verdict.outcome is Outcome.REFUTED) == (missing > 0)


def test_both_verdicts_occur():
    outcomes = {decide("spectral-top-r", cross(seed))[0].outcome for seed in range(20)}
    assert {Outcome.PROVED, Outcome.REFUTED} <= outcomes


@pytest.mark.parametrize("rank", [1, 2])
def test_ties_away_from_the_mean_do_no_harm(rank):
    """A regular simplex, moved a little: its own two eigenvalues tie, and whichever is taken is optimal."""
    simplex = shared("1/3 1/3 1/3", "2 -1 -1 1/9, -1 2 -1 1/9, -1 -1 2 1/9", bias="1/2", rank=rank)
    assert decide("spectral-top-r", parse_instance(simplex))[0].outcome is Outcome.PROVED


def test_no_threshold_proves_the_opposite():
    levels = [str(Fraction(n, 60)) for n in range(-60, 600, 7)]
    for seed in range(6):
        instance = cross(seed)
        pairs, verdict = kernel_instance(instance_fields(instance)), decide("spectral-top-r", instance)[0]
        for g in levels[:12]:
            for t in levels:
                try:
                    found = TOP(pairs, {"threshold": g, "fisher_threshold": t})
                except Rejected:
                    continue
                assert found.verdict == verdict.outcome.value


@pytest.mark.parametrize(
    "fields",
    [
        {"bias": "1"},
        {"bias": "0", "rank": 2},
        {"rank": 3},
        {"means": [["1"], ["2"], ["3"], ["4"]], "covariance": [["1"]]},
    ],
)
def test_elsewhere_the_rule_says_nothing(fields):
    pairs = kernel_instance(instance_fields(parse_instance({**OFFSET, **fields})))
    with pytest.raises(Rejected):
        TOP(pairs, {"threshold": "1/3", "fisher_threshold": "1"})


@pytest.mark.parametrize("seed", range(20 * MULTIPLIER))
def test_eigenvalues_are_counted(seed):
    source = Seeded(random.Random(seed))
    n = source.integer(0, 6)
    T, signs = st.invertible_matrix(source, n), [source.integer(-1, 1) for _ in range(n)]
    congruent = T * exact.diagonal([exact.to_fmpq(x) for x in signs]) * T.transpose()  # Sylvester's law of inertia
    assert inertia(congruent) == (signs.count(1), signs.count(-1))


@pytest.mark.parametrize("rank", [1, 2])
def test_what_floats_cannot_factor_is_decided(rank):
    """Coordinates in which Σ has a condition number of 10¹⁶ and more: verdicts do not depend on coordinates."""
    T = exact.matrix([[1, 10**4, 0], [0, 1, 10**4], [0, 0, Fraction(1, 10**4)]])
    given = parse_instance({**OFFSET, "rank": rank})
    mixture = given.pairs.mixture
    means, sigma = (T * mixture.mu).transpose(), T * mixture.sigma * T.transpose()
    moved = SharedGMM(mixture.weights, exact.to_rows(means), exact.to_rows(sigma))
    verdict = decide("spectral-top-r", Instance(AugmentedPairs(moved, given.pairs.bias), rank))[0]
    assert verdict.outcome is decide("spectral-top-r", given)[0].outcome is not Outcome.UNDECIDED


TIES = [  # R⁻¹C has one eigenvalue on 𝒦, a plane, and on 𝓛, a line: the smaller or the larger one of the plane
    ({"covariance": ["1", "1", "7/16"], "rank": 2}, Fraction(2, 5)),
    ({"covariance": ["1", "1", "1/14"], "rank": 1}, Fraction(21, 32)),
]
CROSS = shared("1/4 1/4 1/4 1/4", "2 0 0, 0 4 0, 0 0 1, 0 0 -1", bias="3/4")


@pytest.mark.parametrize(("fields", "level"), TIES)
def test_in_a_tie_a_minimiser_that_is_not_best_refutes(fields, level):
    """With a part of the plane in it, Col(A*) is not invariant under T: J is not largest there."""
    instance = parse_instance({**CROSS, **fields})
    C, R = instance.pairs.C, instance.pairs.mixture.R
    assert (C - R * exact.to_fmpq(level)).rank() == 1  # an eigenvalue twice
    verdict, data = decide("spectral-top-r", instance)
    assert verdict.outcome is Outcome.REFUTED
    assert json.loads(data)["hints"]["threshold"] == str(level)
    nudged = parse_instance({**CROSS, **fields, "covariance": [*fields["covariance"][:2], "3/7"], "rank": 2})
    assert deficit(nudged)[0] > 1e-3
    with pytest.raises(Rejected, match="single out"):
        TOP(kernel_instance(instance_fields(instance)), {"threshold": "1/100", "fisher_threshold": "1"})


def test_in_a_tie_of_two_lines_one_choice_is_worse():
    instance = parse_instance({**OFFSET, "bias": "3/4", "rank": 1})
    mixture, C = instance.pairs.mixture, instance.pairs.C
    values = eigh(exact.to_floats(C), exact.to_floats(mixture.R), eigvals_only=True)
    assert values[-1] == pytest.approx(values[-2], abs=1e-12)
    S, sigma = exact.to_floats(mixture.S), exact.to_floats(mixture.sigma_bar)
    orders = sorted((a @ S @ a) / (a @ sigma @ a) for a in (np.array([1.0, 0, 0]), np.array([0, 0, 1.0])))
    assert orders[0] < orders[1]
    assert decide("spectral-top-r", instance)[0].outcome is Outcome.REFUTED
