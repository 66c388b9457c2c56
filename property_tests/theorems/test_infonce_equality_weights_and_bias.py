"""Equal weights, and a small bias: what refutes, what is open, and the threshold below which equality holds."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq

from property_tests.theorems.encodings import permuted, transformed
from thmverify import exact
from thmverify.configurations import parabola, vanishing_threshold
from thmverify.evidence import Need
from thmverify.hypotheses import EQUAL_WEIGHTS
from thmverify.minimize import minimise
from thmverify.models import SharedGMM
from thmverify.randomised import run, sample
from thmverify.sampling import instance_rng, random_matrix
from thmverify.theorems.infonce.common import UNCENTRED, WITNESS, with_bias
from thmverify.theorems.infonce.infonce_equality_equal_weights import STATEMENT as EQUAL
from thmverify.theorems.infonce.infonce_equality_equal_weights_biased import STATEMENT as BIASED
from thmverify.theorems.infonce.infonce_equality_vanishing import STATEMENT as VANISHING
from thmverify.theorems.infonce.infonce_equality_vanishing import below_threshold
from thmverify.verdicts import Outcome, Status


def test_thirty_two_distinct_equal_components_refute_it() -> None:
    instance = BIASED.counterexamples[0].instance
    assert BIASED.unsupported() == ""
    assert EQUAL_WEIGHTS.holds(instance)
    assert len(set(instance.shared.means)) == instance.shared.components == 32
    assert BIASED.margin(instance) > 0
    order = instance_rng(instance).sample(range(32), 32)
    assert BIASED.margin(permuted(instance, order)) == pytest.approx(BIASED.margin(instance), rel=1e-3)


def test_few_components_are_open_and_not_contradicted() -> None:
    assert EQUAL.status is Status.OPEN
    assert EQUAL.evidence
    found = run(EQUAL, 10, seed=3)
    assert found.confirmed
    assert found.accepted == 10
    assert "few-components" in EQUAL.decide(with_bias(BIASED.counterexamples[0].instance, Fraction(1))).reason


def test_the_threshold_by_hand_and_in_other_coordinates() -> None:
    # ±1 with Σ = 1: S = 1, R = 2, λ = κ² = η = 1, ω = c, τ = 1/2.
    two = SharedGMM((Fraction(1, 2),) * 2, ((1,), (-1,)))
    assert vanishing_threshold(two) == 4 * 2 * fmpq(13, 4) * parabola(Fraction(1, 2)) ** 2 / 4
    instance = sample(VANISHING, 0, 3)
    d = instance.shared.dimension
    T = random_matrix(instance_rng(instance), d, d) + exact.identity(d) * 20
    assert vanishing_threshold(transformed(instance, T).shared) == vanishing_threshold(instance.shared)
    assert vanishing_threshold(SharedGMM((Fraction(1),), ((0,),))) == 0
    assert vanishing_threshold(SharedGMM((Fraction(1),), ((3,),))) > 0


def test_below_the_threshold_equality_holds() -> None:
    found = run(VANISHING, 30, seed=1)
    assert found.confirmed
    assert set(found.outcomes) <= {Outcome.PROVED, Outcome.UNDECIDED}
    assert found.outcomes[Outcome.PROVED] > 20


def test_below_the_threshold_the_minimiser_is_nearly_the_spectral_one() -> None:
    instance = below_threshold(WITNESS, Fraction(1, 2))
    mixture, bias = instance.shared, float(instance.pairs.bias)
    R = mixture.R
    spectral = exact.to_floats(R.inv() * mixture.S * R.inv()) * bias
    assert minimise("infonce", instance).maps["M"] == pytest.approx(spectral, rel=0.2, abs=1e-4 * bias)


def test_which_hypotheses_are_needed() -> None:
    necessary = {n.hypothesis for n in VANISHING.necessity() if n.need is Need.NECESSARY}
    assert necessary == {"shared-covariance", "centred", "columns-reach", "bias-positive", "bias-small"}
    assert vanishing_threshold(UNCENTRED.instance.shared) > 0
