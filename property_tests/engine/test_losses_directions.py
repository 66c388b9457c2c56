"""SimCLR with normalised features: against the kernel, closed forms, limits and samples; what leaves it alone."""

from __future__ import annotations

import json
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from property_tests.engine.support import contains, overlap
from thmverify import exact
from thmverify.certifying.writing import instance_fields
from thmverify.errors import InputError
from thmverify.integrate.enclosure import Enclosure, ball_to_interval
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules.angles import losses
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclose, enclosed_gradient, exact_value, float64_gradient, float64_value
from thmverify.maps import Encoder
from thmverify.minimize import minimise
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM

LOSS, HALF = LOSSES["simclr-normalised"], Fraction(1, 2)
OPPOSITE = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1, 0), (-1, 0)))), 2)
UNEVEN = Instance(
    AugmentedPairs(
        GMM((HALF, Fraction(1, 3), Fraction(1, 6)), ((1, 0), (-1, 2), (0, -3)), (((2, 1), (1, 2)),) * 3), HALF
    ),
    2,
)
MAP = fmpq_mat([[1, fmpq(1, 3)], [fmpq(-1, 2), 1]])


def at(temperature: Fraction):
    return LOSS.at({"temperature": temperature})


@pytest.mark.parametrize("tilt", [Fraction(3, 10), Fraction(2)])
@pytest.mark.parametrize("temperature", [Fraction(1), Fraction(1, 5)])
def test_the_kernel_encloses_the_same(tilt: Fraction, temperature: Fraction) -> None:
    """A line S_F: the map (x₁, tilt·x₂) of the kernel's rule, and the map of one column inside."""
    mixture = SharedGMM((Fraction(1, 4), Fraction(3, 4)), ((2, 0), (-1, 0)), ((4, 0), (0, 9)))
    problem = Instance(AugmentedPairs(mixture, Fraction(2, 3)), 2)
    pairs = kernel_instance(json.loads(json.dumps(instance_fields(problem))))
    hints = {"precision": "128", "temperature": str(temperature), "tilt": str(tilt), "width": "1/10", "nodes": "900"}
    across, inside = (Enclosure(*ball_to_interval(ball)) for ball in losses(pairs, hints))
    A = exact.matrix([[HALF, 0], [0, tilt / 3]])
    ours = [enclose(at(temperature), problem, Encoder(X), 15) for X in (A, exact.submatrix(A, range(2), [0]))]
    for one, two in zip(ours, (across, inside), strict=True):
        assert one.reached
        assert overlap(one, two)
        assert two.width < fmpq(1, 10**10)


@pytest.mark.parametrize("temperature", [Fraction(1), Fraction(1, 3), Fraction(4)])
def test_without_signal_the_angle_is_uniform(temperature: Fraction) -> None:
    """K = 1 at 0: log I₀(1/τ), at every δ; on a line log cosh(1/τ)."""
    for bias in (Fraction(0), Fraction(1)):
        nothing = Instance(AugmentedPairs(SharedGMM((1,), ((0, 0),), ((2, 1), (1, 1))), bias), 2)
        whitened = exact.matrix([[1, 0], [-1, 1]])  # AᵀΣA = 1 for this Σ
        found = enclose(at(temperature), nothing, Encoder(whitened), 20)
        assert contains(
            found, float(mpmath.log(mpmath.besseli(0, 1 / mpmath.mpf(float(temperature))))), Fraction(1, 10**14)
        )
        line = enclose(at(temperature), nothing, Encoder(exact.column([1, 0])), 20)
        assert contains(line, float(np.log(np.cosh(1 / float(temperature)))), Fraction(1, 10**14))


def test_the_map_0_has_the_loss_0_and_lengths_do_not_count() -> None:
    zero = Encoder(fmpq_mat(2, 2))
    assert exact_value(LOSS, UNEVEN, zero) == 0
    assert float64_value(LOSS, UNEVEN, zero).value == 0
    first = enclose(LOSS, UNEVEN, Encoder(MAP), 20)
    assert overlap(first, enclose(LOSS, UNEVEN, Encoder(MAP * fmpq(7, 5)), 20))
    gradient = float64_gradient(LOSS, UNEVEN, Encoder(MAP)).derivatives["A"]
    assert abs(np.sum(gradient * exact.to_floats(MAP))) < 1e-12


def test_round_noise_is_enclosed_in_any_units() -> None:
    """Features have no length: x and x/3 have one loss, though the inverse of 3·1 is no binary fraction."""
    plane = fmpq_mat([[1, 0], [0, 1]])
    found = []
    for unit in (Fraction(1), Fraction(1, 3)):
        mixture = SharedGMM((HALF, HALF), ((unit / 3, 0), (-unit / 3, 0)), ((3 * unit**2, 0), (0, 3 * unit**2)))
        problem = Instance(AugmentedPairs(mixture, Fraction(7, 10)), 2)
        found.append(enclose(LOSS, problem, Encoder(plane), 15))
        assert found[-1].reached
        assert contains(found[-1], float64_value(LOSS, problem, Encoder(plane)).value, 1e-12)
    assert overlap(*found)


def test_columns_beyond_the_rank_do_not_count() -> None:
    """r = 3 columns of rank 2 are a turn of two; and r > d."""
    turn = fmpq_mat([[fmpq(3, 5), fmpq(4, 5), 0], [fmpq(-4, 5), fmpq(3, 5), 0]])
    assert overlap(*(enclose(LOSS, UNEVEN, Encoder(A), 15) for A in (MAP, MAP * turn)))
    balls, reached = enclosed_gradient(LOSS, UNEVEN, Encoder(MAP * turn), 10)
    assert reached
    plain = float64_gradient(LOSS, UNEVEN, Encoder(MAP)).derivatives["A"] @ exact.to_floats(turn)
    assert np.array(balls["A"], dtype=float) == pytest.approx(plain, abs=1e-12)


def test_a_second_column_that_vanishes_is_none_in_the_limit_but_bends_the_loss() -> None:
    inside = float64_value(LOSS, OPPOSITE, Encoder(exact.column([1, 0]))).value
    gaps = [
        (inside - float64_value(LOSS, OPPOSITE, Encoder(exact.matrix([[1, 0], [0, tilt]]))).value) / float(tilt)
        for tilt in (Fraction(1, 50), Fraction(1, 400))
    ]
    # The one-sided slope is −.4683 by the statement's formula, at n = τ = 1, with a remainder of order ε log 1/ε.
    assert 0.4 < gaps[0] < gaps[1] < 0.4683
    assert gaps[1] == pytest.approx(0.4683, abs=0.01)
    for kink in (exact.matrix([[1, 0], [0, 0]]), fmpq_mat(2, 2)):
        with pytest.raises(InputError, match="has no derivative"):
            float64_gradient(LOSS, OPPOSITE, Encoder(kink))


def test_it_leaves_the_line_and_says_by_how_much() -> None:
    found = minimise(LOSS, OPPOSITE)
    assert found.converged, found.note
    assert found.rank == 2
    inside = float64_value(LOSS, OPPOSITE, Encoder(exact.column([1, 0]))).value
    assert 0.0642 < inside - found.value < 0.1
    one = minimise(LOSS, OPPOSITE, 1)  # r = 1: inside
    assert one.value == pytest.approx(inside, abs=1e-10)
    assert one.spaces[0].angles.max() < 1e-5


def test_three_dimensions_are_sampled() -> None:
    """K = 1 at 0 in space: log (τ sinh(1/τ)); the bounds are those of |g| ≤ 1 alone."""
    nothing = Instance(AugmentedPairs(SharedGMM((1,), ((0, 0, 0),))), 3)
    space = Encoder(exact.identity(3))
    estimate = float64_value(LOSS, nothing, space)
    assert abs(estimate.value - float(np.log(np.sinh(1)))) <= estimate.error < 0.05
    found = enclose(LOSS, nothing, space, 8)
    assert not found.reached
    assert "ranks up to 2" in found.note
    gradient = float64_gradient(LOSS, nothing, space)
    assert np.abs(gradient.derivatives["A"]).max() <= gradient.error
    assert not enclosed_gradient(LOSS, nothing, space, 8)[1]


def test_a_map_that_is_nearly_of_rank_1_is_bounded_all_the_same() -> None:
    thin = Encoder(exact.matrix([[1, 0], [0, Fraction(1, 10**5)]]))
    found = enclose(LOSS, OPPOSITE, thin, 12)
    assert not found.reached
    assert "too steep" in found.note
    assert contains(found, float64_value(LOSS, OPPOSITE, Encoder(exact.column([1, 0]))).value)
