"""One hidden layer: the loss against samples and differences, and where floats see a noise axis pay."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems.encoders.relu_inclusion import FINE, RARE, STATEMENT, Layer, gain, margin
from thmverify.verdicts import Outcome

EQUAL = Instance(AugmentedPairs(SharedGMM(("1/2", "1/2"), ((1, 0), (-1, 0))), Fraction(3, 5)), 2)
MAP = np.array([[0.6, -0.4], [0.1, 0.3]])


def test_the_loss_is_that_of_samples() -> None:
    n, rng = 4000, np.random.default_rng(0)
    x, y = EQUAL.pairs.sample(n, rng)
    f, g = np.maximum(x @ MAP, 0), np.maximum(y @ MAP, 0)
    expected = np.log(np.exp(f @ g.T).mean(axis=1)).mean() - np.sum(f * g) / n
    assert Layer(EQUAL, FINE).loss(MAP)[0] == pytest.approx(expected, abs=0.03)


def test_the_slope_is_the_derivative() -> None:
    layer, step = Layer(EQUAL, FINE), 1e-6
    slope = layer.loss(MAP)[1]
    for at in ((0, 0), (0, 1), (1, 0), (1, 1)):
        e = np.zeros((2, 2))
        e[at] = step
        assert (layer.loss(MAP + e)[0] - layer.loss(MAP - e)[0]) / (2 * step) == pytest.approx(
            slope[at], abs=1e-4
        )  # a kink lies in between


def test_noise_pays_for_a_rare_component_and_not_for_equal_ones() -> None:
    found = gain(RARE)
    assert found is not None
    assert 3e-4 < found < 1e-3
    assert margin(EQUAL) <= 0
    assert STATEMENT.decide(RARE).outcome is Outcome.UNDECIDED
