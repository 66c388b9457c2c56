"""Minimisers of VICReg against what is known of them, and against the loss near them."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.certifying import decide
from thmverify.errors import InputError
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclose, exact_value, float64_gradient, float64_value
from thmverify.maps import Encoder
from thmverify.minimize import Minimiser, Note, minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems.vicreg.common import apart
from thmverify.theorems.vicreg.vicreg_inclusion import sample
from thmverify.verdicts import Outcome


def value(instance: Instance, A: np.ndarray, **settings: Fraction) -> float:
    rows = [[Fraction(float(x)) for x in row] for row in A]
    return float64_value(LOSSES["vicreg"].at(settings), instance, Encoder(exact.matrix(rows))).value


def leaks(found: Minimiser) -> bool:
    space = found.spaces[0]
    return found.rank > space.fisher.shape[1] or float(space.angles.max(initial=0.0)) > 1e-4


@pytest.mark.parametrize("seed", range(12))
def test_no_map_near_is_better_and_what_is_known_of_minimisers_is_so(seed: int) -> None:
    rng = np.random.default_rng(seed)
    instance = sample(random.Random(seed))
    instance = replace(instance, rank=min(instance.rank, 4))
    found = minimise("vicreg", instance)
    assert found.converged, found.note
    A = found.maps["A"]
    for size in 10.0 ** rng.uniform(-5, 0, 10):
        assert value(instance, A + size * np.abs(A).max() * rng.standard_normal(A.shape)) >= found.value - 1e-9
    known = decide("vicreg-inclusion", instance)[0].outcome
    assert known is Outcome.UNDECIDED or (known is Outcome.REFUTED) is leaks(found)


def test_columns_of_equal_directions_have_the_length_that_stationarity_gives() -> None:
    """One column on one direction, ρ = 1/2: 25σ = 100σ²(1 − ρ), σ = 1/2, and L = 50σ²(1 − ρ) + 25(1 − σ) = 75/4."""
    found = minimise("vicreg", apart(1, 1))
    assert found.value == pytest.approx(18.75, abs=1e-12)
    assert 2 * found.maps["M"][0, 0] == pytest.approx(0.25, abs=1e-12)  # Var x₁ = 2


def test_columns_stop_at_the_kink_where_pairs_agree_well() -> None:
    instance = apart(10, 2)
    found = minimise("vicreg", instance, digits=40)
    A, R = found.precise["A"], instance.pairs.mixture.R
    sizes = A.transpose() * R * A
    assert all(abs(sizes[i, i] - 1) < fmpq(1, 10**40) for i in range(2))
    assert found.kkt_residual <= 1e-40
    assert Note.SHORT not in found.notes


@pytest.mark.parametrize("name", ["invariance", "variance", "covariance"])
def test_a_weight_may_be_0(name: str) -> None:
    instance = replace(apart(1, 2), rank=2)
    found = minimise(LOSSES["vicreg"].at({name: Fraction(0)}), instance)
    assert found.converged
    assert found.value <= value(instance, np.eye(2) / 2, **{name: Fraction(0)})


def test_polished_columns_are_stationary() -> None:
    third = Fraction(1, 3)
    means = ((2, 0, 1), (-1, 1, 0), (-1, -1, 0))
    instance = Instance(AugmentedPairs(SharedGMM((third,) * 3, means), Fraction(1, 2)), 2)
    found = minimise(LOSSES["vicreg"].at({"covariance": Fraction(30)}), instance, digits=30)
    assert found.rank == 2
    derivative = float64_gradient(
        LOSSES["vicreg"].at({"covariance": Fraction(30)}), instance, Encoder(found.precise["A"])
    )
    assert np.abs(derivative.derivatives["A"]).max() < 1e-12


# ------------------------------------------------------------------------------------------------ values


def test_the_value_is_exact_where_the_deviations_are_rational() -> None:
    """Var x₁ = 2, so that the columns (1/4)(√2)⁻¹… have rational deviations only where 2a² is a square."""
    instance = apart(1, 1)
    known = exact_value(LOSSES["vicreg"], instance, Encoder(fmpq_mat([[0], [fmpq(1, 3)]])))
    assert known == 50 * fmpq(1, 9) + 25 * fmpq(2, 3)
    assert exact_value(LOSSES["vicreg"], instance, Encoder(fmpq_mat([[fmpq(1, 3)], [0]]))) is None
    assert exact_value(LOSSES["vicreg"], instance, Encoder(fmpq_mat([[3], [0]]))) == 50 * 9


def test_a_root_is_enclosed() -> None:
    instance = apart(1, 1)
    found = enclose(LOSSES["vicreg"], instance, Encoder(fmpq_mat([[fmpq(1, 3)], [0]])), 40)
    lower, upper = (50 * fmpq(1, 9) + 25 - x for x in (found.upper, found.lower))  # 25 √(2/9)
    assert lower**2 <= 625 * fmpq(2, 9) <= upper**2
    assert found.reached


@pytest.mark.parametrize(("column", "variance"), [([1, 0], "2"), ([0, 1], "1"), ([0, 0], "0")])
def test_a_gradient_is_refused_at_a_kink(column: list[int], variance: str) -> None:
    linear_map = Encoder(exact.column(column))
    if variance == "2":
        assert float64_gradient(LOSSES["vicreg"], apart(1, 1), linear_map).derivatives["A"].tolist() == [[100.0], [0.0]]
        return
    with pytest.raises(InputError, match="has no derivative"):
        float64_gradient(LOSSES["vicreg"], apart(1, 1), linear_map)
