"""SimCLR's normalised features leak, in every encoding of the shipped instance, and less where components are far."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize

from property_tests.theorems.encodings import permuted, split_component
from thmverify.certifying.normalised import Line
from thmverify.certifying.writing import instance_fields
from thmverify.evidence import Need
from thmverify.kernel.models import instance as kernel_instance
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems.simclr.simclr_normalised_inclusion import EVERY_TEMPERATURE, LOSSES, STATEMENT, margin
from thmverify.verdicts import Outcome

EXAMPLE = LOSSES.instance


def test_both_certificates_refute_it() -> None:
    assert STATEMENT.unsupported() == ""
    assert {json.loads(c.evidence.read_bytes())["rule"] for c in (LOSSES, EVERY_TEMPERATURE)} == {"losses", "exact"}
    assert LOSSES.instance == EVERY_TEMPERATURE.instance


def test_the_best_tilt_is_a_leak_and_grows_with_the_overlap() -> None:
    tilts = []
    for n in (Fraction(1, 2), Fraction(1), Fraction(2), Fraction(3)):
        mixture = SharedGMM(EXAMPLE.shared.weights, ((n, 0), (-n, 0)), EXAMPLE.shared.covariances[0])
        given = Instance(AugmentedPairs(mixture, EXAMPLE.pairs.bias), 2)
        line = Line.of(kernel_instance(json.loads(json.dumps(instance_fields(given)))))
        found = minimize(lambda x, line=line: line.across(1.0, abs(x[0])), [0.1], method="Nelder-Mead")
        assert found.fun < line.inside(1.0)
        tilts.append(abs(found.x[0]))
    assert sorted(tilts, reverse=True) == tilts


@pytest.mark.parametrize(
    ("bias", "n", "tau", "tilt", "gain"),
    [(1, 1, 0.1, 0.27, 0.45), (1, 2, 0.5, 0.28, 0.027), (1, 3, 0.1, 0.10, 0.0042), (0.5, 3, 0.1, 0.71, 0.13)],
)
def test_what_a_noise_axis_is_worth(bias: float, n: float, tau: float, tilt: float, gain: float) -> None:
    line = Line(np.array([0.5, 0.5]), np.array([n, -n]), bias)
    found = minimize(lambda x: line.across(tau, abs(x[0])), [0.3], method="Nelder-Mead")
    assert abs(found.x[0]) == pytest.approx(tilt, rel=0.05)
    assert line.inside(tau) - found.fun == pytest.approx(gain, rel=0.05)


@pytest.mark.parametrize("encoding", [lambda i: permuted(i, [1, 0]), split_component])
def test_other_encodings_are_refuted(encoding) -> None:
    mixture = encoding(EXAMPLE).pairs.mixture
    shared = SharedGMM(mixture.weights, mixture.means, mixture.covariances[0])
    other = replace(EXAMPLE, model=AugmentedPairs(shared, EXAMPLE.pairs.bias))
    assert STATEMENT.decide(other).outcome is Outcome.REFUTED
    assert margin(other) == pytest.approx(margin(EXAMPLE), rel=1e-9)


def test_without_noise_axes_or_columns_nothing_leaks() -> None:
    assert STATEMENT.decide(replace(EXAMPLE, rank=1)).outcome is Outcome.PROVED
    whole = SharedGMM(EXAMPLE.shared.weights, ((1, 0), (0, 1)), EXAMPLE.shared.covariances[0])
    for given in (replace(EXAMPLE, rank=1), Instance(AugmentedPairs(whole), 2)):
        assert STATEMENT.decide(given).outcome is Outcome.PROVED
        assert margin(given) == -1


def test_no_hypothesis_is_to_blame() -> None:
    assert {n.need for n in STATEMENT.necessity()} == {Need.MOOT, Need.CONSTITUTIVE}
