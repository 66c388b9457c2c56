"""SigLIP's minimisers, localised in balls: the moments and the modulus behind it, and verdicts both ways."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import BiasedEncoder
from thmverify.minimize.siglip import RADIUS, Localised, basis, coordinates, moment
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.standing import judge
from thmverify.theorems.infonce.common import TRIANGLE, WITNESS
from thmverify.theorems.scores.siglip_equality import STATEMENT, UNEVEN, examine, margin
from thmverify.verdicts import Outcome, Provenance

UNEVEN_PAIRS = Instance(AugmentedPairs(UNEVEN), 2)
A = exact.matrix([[Fraction("-0.14237120822")], [Fraction("-0.00006705280591")]])
B = exact.to_fmpq(Fraction("-0.38906809994"))


def test_the_claim_is_refuted_by_an_instance_that_satisfies_it() -> None:
    (example,) = STATEMENT.counterexamples
    assert STATEMENT.false_hypotheses(example.instance) == ()
    found = examine(example.instance)
    assert found.outcome is Outcome.REFUTED
    assert found.provenance is Provenance.ENCLOSED
    assert found.margin is not None
    assert found.margin[0] > 0
    assert margin(example.instance) == pytest.approx(float(found.margin[0]), rel=1e-6)


def test_equality_is_proved_on_a_line_and_where_there_is_nothing() -> None:
    assert examine(WITNESS).outcome is Outcome.PROVED
    nothing = Instance(AugmentedPairs(SharedGMM((1,), ((0, 0),))), 1)
    assert examine(nothing).outcome is Outcome.PROVED
    assert examine(replace(UNEVEN_PAIRS, rank=1)).outcome is Outcome.UNDECIDED
    unbiased = Instance(AugmentedPairs(UNEVEN, 0), 2)
    assert (examine(unbiased).outcome, examine(unbiased).provenance) == (Outcome.REFUTED, Provenance.EXACT)
    assert margin(Instance(AugmentedPairs(TRIANGLE), 2)) < 0


def test_moments_are_those_of_a_gaussian() -> None:
    sigma, mean = fmpq_mat([[2, 1], [1, 3]]), [fmpq(1, 2), fmpq(-1)]
    draws = np.random.default_rng(0).multivariate_normal([0.5, -1], [[2, 1], [1, 3]], 400_000)
    for indices in ((), (0,), (0, 1), (0, 0, 1), (0, 1, 1, 1)):
        found = float(exact.to_fraction(moment(indices, mean, sigma)))
        assert found == pytest.approx(np.prod(draws[:, list(indices)], axis=1).mean(), rel=0.05)


def near(rho: Fraction = Fraction(0), v: fmpq_mat | None = None) -> Localised:
    return Localised(UNEVEN_PAIRS, A, B + exact.to_fmpq(rho), v)


def test_the_loss_is_as_convex_as_the_modulus_says() -> None:
    """Second differences of the loss itself, in random directions, at the centre and near the edge of the ball."""
    rng, place, step = np.random.default_rng(1), near(), Fraction(1, 1000)
    mu = float(place.modulus().mid())
    assert mu > 0

    def value(M: fmpq_mat, b: fmpq) -> float:
        rows = np.linalg.cholesky(to_floats(M)).tolist()
        root = exact.matrix([[Fraction(x) for x in row] for row in rows])
        return float64_value(LOSSES["siglip"], UNEVEN_PAIRS, BiasedEncoder(root, b)).value

    for shift in (fmpq(0), RADIUS / 2):
        M = A * A.transpose() + exact.identity(2) * fmpq(1, 10**4)
        h = [Fraction(float(x)).limit_denominator(100) / 10**3 for x in rng.standard_normal(4)]
        H = exact.matrix([[h[0], h[1]], [h[1], h[2]]]) * exact.to_fmpq(step) * 10
        column = fmpq_mat(4, 1, coordinates(H, exact.to_fmpq(h[3])))
        b = B + shift
        ends = [value(M + H * s, b + exact.to_fmpq(h[3]) * s) for s in (-1, 0, 1)]
        assert ends[0] + ends[2] - 2 * ends[1] >= mu * float(exact.to_fraction(exact.inner(column, place.W * column)))


def test_a_point_that_is_not_nearly_stationary_proves_nothing() -> None:
    v = exact.matrix([[A[1, 0]], [-A[0, 0]]])
    assert near(v=v).slope() is not None
    assert near(Fraction(1, 2), v).slope() is None
    assert near(Fraction(1, 2), v).misses() is None
    assert near(v=A).misses() is None  # along the map itself the slope is 0
    assert near().fills() is False
    assert len(basis(2)) == 4


def test_the_record_says_that_balls_decided_and_not_the_kernel() -> None:
    (example,) = STATEMENT.counterexamples
    assert example.name == "enclosed"
    assert "by the library and not by the kernel" in judge(STATEMENT).reason
    bold = replace(STATEMENT, counterexamples=(replace(example, decided=Provenance.EXACT),))
    assert bold.unsupported() == "counterexample exact: decided as enclosed"
