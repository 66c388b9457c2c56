"""Products of centred mixtures: the minimiser is the sum of the factors'."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from property_tests.theorems.encodings import permuted
from thmverify.certifying import decide
from thmverify.configurations import is_product, product_blocks
from thmverify.hypotheses import PRODUCT
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run, sample
from thmverify.sampling import instance_rng
from thmverify.theorems.infonce.common import COUNTEREXAMPLE
from thmverify.theorems.infonce.infonce_equality_product import (
    BESIDE,
    LINE,
    STATEMENT,
    WITNESS,
    factor,
    gap,
    margin,
    product,
    ranks_differ,
)
from thmverify.verdicts import Outcome

QUARTER = Fraction(1, 4)


def test_random_products_agree_with_their_factors() -> None:
    found = run(STATEMENT, 20, seed=2)
    assert found.confirmed
    assert found.accepted == 20
    assert max(found.margins) <= 0


def test_other_encodings_have_the_same_blocks_and_gap() -> None:
    for number in range(3):
        instance = sample(STATEMENT, 1, number)
        K = instance.shared.components
        order = instance_rng(instance).sample(range(K), K)
        other = permuted(instance, order)
        other = replace(other, model=AugmentedPairs(other.shared, instance.pairs.bias))
        assert product_blocks(other.shared) == product_blocks(instance.shared) == (1, 1)
        assert margin(other) <= 0


def test_a_product_and_its_factors_are_inverse() -> None:
    assert factor(WITNESS, 0, 1).shared == factor(WITNESS, 1, 1).shared == LINE.shared
    assert product_blocks(product(WITNESS, LINE).shared) == (1, 1, 1)


def test_what_is_no_product() -> None:
    plane = ((1, 0), (-1, 0), (0, 1), (0, -1))
    cross = SharedGMM((QUARTER,) * 4, plane)
    tilted = SharedGMM((QUARTER,) * 4, WITNESS.shared.means, ((2, 1), (1, 2)))
    uneven = SharedGMM((Fraction(1, 2), Fraction(1, 6), Fraction(1, 6), Fraction(1, 6)), WITNESS.shared.means)
    for mixture in (cross, tilted, uneven):
        assert not is_product(mixture, 1)
        assert not PRODUCT.holds(Instance(AugmentedPairs(mixture), 4))


def test_the_gap_sees_a_mixture_that_is_no_product(monkeypatch: pytest.MonkeyPatch) -> None:
    correlated = SharedGMM((Fraction(1, 2),) * 2, ((1, 1), (-1, -1)))
    monkeypatch.setattr("thmverify.theorems.infonce.infonce_equality_product.product_blocks", lambda _: (1, 1))
    assert gap(Instance(AugmentedPairs(correlated), 2)) > 0.1


def test_a_factor_that_fails_fails_the_product() -> None:
    space = product(COUNTEREXAMPLE.instance, LINE)
    verdict = decide("infonce-equality", space)[0]
    assert product_blocks(space.shared)[-1] == 1
    assert verdict.outcome is Outcome.REFUTED
    assert (verdict.rank, verdict.dimension) == (2, 3)


def test_a_contradiction_in_floats_is_a_checker_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thmverify.theorems.infonce.infonce_equality_product.gap", lambda _: 0.5)
    assert margin(WITNESS) > 0
    assert STATEMENT.decide(WITNESS).outcome is Outcome.FAILED


def test_the_ranks_of_a_centred_product_add_up() -> None:
    assert ranks_differ(WITNESS).outcome is Outcome.UNDECIDED
    assert ranks_differ(BESIDE).outcome is Outcome.REFUTED
    assert gap(BESIDE) > 0.1
