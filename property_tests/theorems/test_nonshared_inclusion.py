"""With covariances of their own InfoNCE leaks out of S_F: the certificate, and instances beside it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify.evidence import ByKernel
from thmverify.models import GMM, AugmentedPairs, Instance
from thmverify.theorems.nonshared.common import CLAIM, TILTED, TOLERANCE
from thmverify.theorems.nonshared.common import leak_margin as margin
from thmverify.theorems.nonshared.nonshared_inclusion import STATEMENT
from thmverify.verdicts import Outcome, Status

HALF = Fraction(1, 2)
OTHER = Instance(
    AugmentedPairs(
        GMM((HALF, HALF), ((1, 1), (-1, 0)), (((1, 0), (0, 1)), ((3, 1), (1, 1)))),
        Fraction(4, 5),
    ),
    1,
)


def test_the_certificate_refutes_the_claim() -> None:
    assert STATEMENT.status is Status.REFUTED
    assert STATEMENT.unsupported() == ""
    assert TILTED.verdict(CLAIM, ByKernel(CLAIM)).outcome is Outcome.REFUTED
    assert STATEMENT.false_hypotheses(TILTED.instance) == ()
    assert margin(TILTED.instance) > 10 * TOLERANCE


@pytest.mark.parametrize("rank", [1, 2])
def test_other_encodings_give_the_same_verdict(rank: int) -> None:
    instance = replace(TILTED.instance, rank=rank)
    T = exact.matrix([[2, 1], [0, 1]])
    for other in (transformed(instance, T), permuted(instance, (1, 0)), split_component(instance)):
        assert STATEMENT.examine(other).outcome is Outcome.REFUTED
        assert margin(other) == pytest.approx(margin(instance), rel=1e-3)


def test_two_means_that_span_the_plane_leave_nothing_outside() -> None:
    assert STATEMENT.examine(OTHER).outcome is Outcome.PROVED
    assert margin(OTHER) <= 0


def test_without_bias_nothing_is_learnt() -> None:
    unbiased = replace(TILTED.instance, model=AugmentedPairs(TILTED.instance.pairs.mixture, Fraction(0)))
    assert STATEMENT.examine(unbiased).outcome is Outcome.PROVED
    assert margin(unbiased) <= 0


def test_the_same_means_with_one_covariance_stay_inside() -> None:
    mixture = TILTED.instance.pairs.mixture
    shared = GMM(mixture.weights, mixture.means, (mixture.covariances[1],) * 2)
    instance = replace(TILTED.instance, model=AugmentedPairs(shared, Fraction(1)))
    assert STATEMENT.examine(instance).outcome is Outcome.PROVED
    assert margin(instance) <= 0
