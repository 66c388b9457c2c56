"""The general-purpose minimiser against the special ones, against what is known by hand, and where it fails."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from property_tests.engine.optimality import instance, rational
from property_tests.engine.test_minimize_losses import paired
from thmverify.errors import InputError
from thmverify.losses import LOSSES, Loss, Sense, from_formula
from thmverify.losses.expectations import of_gram
from thmverify.losses.levels import enclosed_gradient, float64_gradient, float64_value
from thmverify.maps import BiasedEncoder, Encoder
from thmverify.minimize import Minimiser, Note, minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM


def general(name: str) -> Loss:
    """Return the loss without its own minimiser and polisher."""
    return replace(LOSSES[name], minimiser=None, polisher=None)


@pytest.mark.parametrize(("seed", "K", "d", "rank"), [(1, 2, 2, 1), (3, 3, 3, 2), (7, 3, 2, 2)])
@pytest.mark.parametrize("name", ["infonce", "spectral", "fisher"])
def test_it_finds_what_the_special_minimisers_find(name: str, seed: int, K: int, d: int, rank: int) -> None:
    problem = instance(seed, K, d, rank)
    ours, special = minimise(general(name), problem), minimise(name, problem)
    assert ours.converged
    assert ours.value == pytest.approx(special.value, abs=1e-9 * (1 + abs(special.value)))
    assert ours.rank == special.rank
    assert ours.kkt_residual <= 1e-8
    if name != "fisher":
        assert ours.maps["M"] == pytest.approx(special.maps["M"], abs=1e-6 * (1 + np.abs(special.maps["M"]).max()))
    assert Note.GENERAL in ours.notes
    assert ours.error_bound is None


def test_it_finds_clips_product() -> None:
    problem = paired(62, 3, (2, 2), rank=2)
    ours, special = minimise(general("clip"), problem), minimise("clip", problem)
    assert ours.value == pytest.approx(special.value, abs=1e-9)
    assert ours.maps["W"] == pytest.approx(special.maps["W"], abs=1e-5)
    assert [space.map for space in ours.spaces] == ["W", "Wᵀ"]


def test_the_weighted_infonce_with_a_temperature_scales_the_map() -> None:
    """L_τ(M) = L(M/τ): M*_τ = τ M*, with the same value."""
    problem = instance(3, 3, 3, 2)
    cold = minimise(LOSSES["infonce-weighted"].at({"temperature": Fraction(1, 3)}), problem)
    plain = minimise("infonce", problem)
    assert cold.value == pytest.approx(plain.value, abs=1e-10)
    assert 3 * cold.maps["M"] == pytest.approx(plain.maps["M"], abs=1e-6)


# ------------------------------------------------------------------------------------------------ SigLIP


@pytest.mark.parametrize(("seed", "K", "d", "rank"), [(3, 3, 3, 2), (5, 2, 3, 3), (7, 3, 2, 1)])
def test_siglip_learns_nothing_outside_the_fisher_subspace(seed: int, K: int, d: int, rank: int) -> None:
    """Convex scores: Col(A*) ⊆ S_F for every r; the angles are those of the minimiser, on the whole space."""
    problem = instance(seed, K, d, rank)
    found = minimise("siglip", problem)
    assert found.converged
    assert found.spaces[0].angles.max(initial=0.0) <= 1e-5
    at = BiasedEncoder(rational(found.maps["A"]), rational(found.maps["b"].reshape(1, 1))[0, 0])
    gradient = float64_gradient(LOSSES["siglip"], problem, at).derivatives
    assert abs(gradient["b"][0, 0]) <= 1e-9
    assert np.abs(gradient["M"] @ found.maps["A"]).max() <= 1e-8
    rng = np.random.default_rng(seed)
    for size in (1e-3, 0.1, 1.0):  # nothing better nearby or far
        A = found.maps["A"] + size * rng.standard_normal(found.maps["A"].shape)
        b = rational(found.maps["b"].reshape(1, 1) + size * rng.standard_normal())[0, 0]
        assert float64_value(LOSSES["siglip"], problem, BiasedEncoder(rational(A), b)).value >= found.value - 1e-12


def test_more_negatives_lower_the_bias() -> None:
    problem = instance(3, 3, 2, 1)
    found = [minimise(LOSSES["siglip"].at({"negatives": Fraction(n)}), problem) for n in (1, 8)]
    assert float(found[1].maps["b"]) < float(found[0].maps["b"]) - 1


def test_siglip_to_thirty_digits_has_a_gradient_to_match() -> None:
    problem = instance(5, 2, 2, 1)
    found = minimise("siglip", problem, digits=30)
    assert found.kkt_residual <= 1e-30
    A, b = found.precise["A"], found.precise["b"][0, 0]
    balls, reached = enclosed_gradient(LOSSES["siglip"], problem, BiasedEncoder(A, b), 34)
    assert reached
    assert abs(balls["b"][0, 0]) < 1e-28


# ------------------------------------------------------------------------------------------------ Barlow Twins


def barlow(problem: Instance, redundancy: Fraction, rank: int) -> Minimiser:
    return minimise(LOSSES["barlow-twins"].at({"redundancy": redundancy}), problem, rank)


def line(square: int) -> Instance:
    """±square·e₁ in the plane, of variance `square` along e₁: C_w has one eigenvalue, ρ = square/(1 + square)."""
    means, covariance = [[square, 0], [-square, 0]], [[square, 0], [0, 1]]
    return Instance(AugmentedPairs(SharedGMM([Fraction(1, 2)] * 2, means, covariance)), 2)


@pytest.mark.parametrize("square", [1, 3])
def test_one_direction_and_two_columns_leave_it_when_redundancy_weighs_enough(square: int) -> None:
    """m = 1, r = 2: inclusion holds exactly for λ ≤ (1 − ρ)/ρ."""
    problem = line(square)
    rho = Fraction(square, 1 + square)
    border = (1 - rho) / rho
    inside, outside = barlow(problem, border * Fraction(9, 10), 2), barlow(problem, border * Fraction(12, 10), 2)
    assert inside.rank == 1
    assert inside.spaces[0].angles.max() <= 1e-4
    assert outside.rank == 2
    assert inside.value == pytest.approx(float(2 * (1 - rho) ** 2 + 2 * border * Fraction(9, 10) * rho**2), abs=1e-9)


def plane() -> tuple[Instance, Fraction, Fraction]:
    """Means ±2e₁, ±e₂ of equal weight, Σ = I: C_w = diag(2/3, 1/3)."""
    mixture = SharedGMM([Fraction(1, 4)] * 4, [[2, 0], [-2, 0], [0, 1], [0, -1]])
    return Instance(AugmentedPairs(mixture), 2), Fraction(2, 3), Fraction(1, 3)


def test_two_directions_and_two_columns_share_one_when_redundancy_weighs_little() -> None:
    """r = m = 2: both columns at the top below λ = (1 − ρ₁)(ρ₁ − ρ₂)/(ρ₁(ρ₁ + ρ₂)), and not above."""
    problem, top, other = plane()
    border = (1 - top) * (top - other) / (top * (top + other))
    below, above = barlow(problem, border * Fraction(8, 10), 2), barlow(problem, border * Fraction(13, 10), 2)
    assert below.rank == 1
    assert above.rank == 2
    assert below.value == pytest.approx(float(2 * (1 - top) ** 2 + 2 * border * Fraction(8, 10) * top**2), abs=1e-9)


def test_the_value_of_barlow_twins_is_exact_at_every_map() -> None:
    problem, top, other = plane()
    value = float64_value(LOSSES["barlow-twins"], problem, Encoder(rational(np.eye(2)))).value
    assert value == pytest.approx(float((1 - top) ** 2 + (1 - other) ** 2), abs=1e-15)


# ------------------------------------------------------------------------------------------------ failures


def test_what_is_made_stationary_has_no_general_minimiser() -> None:
    with pytest.raises(InputError, match="is made stationary"):
        minimise(general("simsiam"), instance(1, 2, 2))


def test_a_loss_that_falls_for_ever_says_so() -> None:
    """Alignment alone: linear in M."""

    def formula(problem, _, M):
        return -(M @ problem.pairs.C).trace()

    loss = from_formula(
        formula,
        of_gram,
        name="falls",
        title="Falls",
        formula="-x",
        sense=Sense.MINIMISED,
        normalisation="none",
        models=("shared-gmm",),
        maps=(Encoder,),
        map_shape='{"A": …}',
        example=("shared-gmm.json", "encoder.json"),
    )
    found = minimise(loss, instance(1, 2, 2), rank=1)
    assert not found.converged
    assert Note.UNBOUNDED in found.notes


def test_siglip_does_not_always_learn_all_of_the_fisher_subspace() -> None:
    """δ = 1, K = 3, N = 1, centred: the best map of rank one has slope +.004036 across, so the minimiser stays there.

    Means (t_k, n_k + αt_k) with Σ w n = Σ w n t = 0, Σ w n² = 1; α, M = m e₁e₁ᵀ and b solve the stationarity equations.
    """
    weights = [Fraction(x) for x in ("0.73621", "0.23779", "0.026")]
    t = [Fraction(x) for x in ("0", "14.471", "30.724")]
    centre = sum((w * x for w, x in zip(weights, t, strict=True)), Fraction(0))
    t = [x - centre for x in t]
    normal = [(t[k - 2] - t[k - 1]) / weights[k] for k in range(3)]
    size = float(sum((w * n * n for w, n in zip(weights, normal, strict=True)), Fraction(0))) ** 0.5
    means = [[x, Fraction(-float(y) / size) + Fraction("1.3484843034858") * x] for x, y in zip(t, normal, strict=True)]
    problem = Instance(AugmentedPairs(SharedGMM(weights, means)), 2)
    at = BiasedEncoder(rational(np.array([[0.02028681891**0.5], [0.0]])), rational(np.array([[-0.38858215]]))[0, 0])
    balls, reached = enclosed_gradient(LOSSES["siglip"], problem, at, 12)
    assert reached
    assert all(abs(x) < 1e-6 for x in (balls["M"][0, 0], balls["M"][0, 1], balls["b"][0, 0]))
    assert abs(balls["M"][1, 1] - 0.004036) < 1e-6
    found = minimise("siglip", problem)
    assert found.rank == 1
    assert found.maps["M"][0, 0] == pytest.approx(0.02028681891, abs=1e-8)
    assert float(found.maps["b"]) == pytest.approx(-0.38858215, abs=1e-7)


def test_a_loss_that_falls_to_where_floats_see_nothing_has_no_minimum_that_they_find():
    """DCL with two negatives and two clusters: the loss falls with the map, and the scores grow beyond any rule."""
    mixture = SharedGMM([Fraction(1, 2)] * 2, [[1], [-1]])
    found = minimise("dcl", Instance(AugmentedPairs(mixture), 1))
    assert not found.converged
    assert Note.UNBOUNDED in found.notes
    assert found.value_error < abs(found.value)
