"""The minimisers' energies: gradients and Hessians against finite differences, values against the losses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from property_tests.engine.optimality import instance, mixture, rational
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import CLIPProduct, Encoder
from thmverify.minimize import clip, infonce
from thmverify.minimize.factors import Lifted, factor_hessian
from thmverify.minimize.newton import Objective, Rescaled, Symmetric, flattening
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, SharedGMM

STEP = 1e-4


def shared() -> tuple[Instance, Objective, np.ndarray]:
    problem = instance(3, 3, 4)
    coordinates, energy, _ = infonce.whitened(problem)
    return problem, energy, coordinates.embedding


def separate() -> tuple[Instance, Objective, np.ndarray]:
    base, other = mixture(52, 2, 2), mixture(59, 2, 2)
    covariances = (base.covariance, other.covariance)
    problem = Instance(AugmentedPairs(GMM(base.weights, base.means, covariances), Fraction(1, 2)), 2)
    coordinates, energy, _ = infonce.whitened(problem)
    return problem, energy, coordinates.embedding


def paired() -> tuple[Instance, clip.PairedEnergy, np.ndarray, np.ndarray]:
    vision, text = mixture(62, 3, 2), mixture(162, 3, 3)
    model = CLIPGMM(vision, SharedGMM(vision.weights, text.means, text.covariance), Fraction(4, 5))
    problem = Instance(model, 3)
    left, right, energy = clip.whitened(problem)
    return problem, energy, left.embedding, right.embedding


def point_of(m: int, rank: int, seed: int = 0) -> np.ndarray:
    return 0.5 * np.random.default_rng(seed).standard_normal((m, rank))


def differences(energy: Objective, Y: np.ndarray, H: np.ndarray) -> tuple[float, np.ndarray]:
    """The derivative of the value and of the gradient along H, by central differences."""
    ahead, behind = energy.point(Y + STEP * H), energy.point(Y - STEP * H)
    return (ahead.value - behind.value) / (2 * STEP), (ahead.gradient - behind.gradient) / (2 * STEP)


@pytest.mark.parametrize(("make", "accuracy"), [(shared, 1e-6), (separate, 0.05)])
@pytest.mark.parametrize("rank", [1, 2])
def test_symmetric_energies(make: type, accuracy: float, rank: int) -> None:
    """The separate energy's Hessian is sampled, hence its accuracy."""
    problem, energy, E = make()
    m = E.shape[1]
    V = point_of(m, rank)
    Y, basis = V @ V.T, Symmetric(m).basis
    value = float64_value(LOSSES["infonce"], problem, Encoder(rational(E @ V))).value
    assert energy.point(Y).value == pytest.approx(value, abs=1e-11)
    H = np.random.default_rng(1).standard_normal((m, m))
    H = H + H.T
    slope, change = differences(energy, Y, H)
    assert np.sum(energy.point(Y).gradient * H) == pytest.approx(slope, rel=1e-4)
    modelled = basis.T @ energy.hessian(Y) @ H.reshape(-1)
    assert modelled == pytest.approx(basis.T @ change.reshape(-1), abs=accuracy * np.linalg.norm(change))


def test_the_paired_energy() -> None:
    problem, energy, E_V, E_T = paired()
    Y = point_of(*energy.C.shape, seed=2)
    value = float64_value(LOSSES["clip"], problem, CLIPProduct(rational(E_V @ Y @ E_T.T))).value
    assert energy.point(Y).value == pytest.approx(value, abs=1e-11)
    H = point_of(*energy.C.shape, seed=3)
    slope, change = differences(energy, Y, H)
    assert np.sum(energy.point(Y).gradient * H) == pytest.approx(slope, rel=1e-6, abs=1e-6)
    assert energy.hessian(Y) @ H.reshape(-1) == pytest.approx(change.reshape(-1), rel=1e-6, abs=1e-5)


def gradient_in_factor(energy: Objective, V: np.ndarray) -> np.ndarray:
    return 2 * energy.point(V @ V.T).gradient @ V


@pytest.mark.parametrize("rank", [1, 2])
def test_factor_hessians_of_symmetric_and_lifted_energies(rank: int) -> None:
    lifted = Lifted(paired()[1], 2)
    for energy, m in ((shared()[1], 3), (lifted, sum(paired()[1].C.shape))):
        V, H = point_of(m, rank, 4), point_of(m, rank, 5)
        change = gradient_in_factor(energy, V + STEP * H) - gradient_in_factor(energy, V - STEP * H)
        modelled = factor_hessian(energy, V) @ H.reshape(-1)
        assert modelled == pytest.approx(change.reshape(-1) / (2 * STEP), rel=1e-6, abs=1e-5)


def test_the_lifted_energy_is_the_loss_and_a_penalty_on_imbalance() -> None:
    energy = paired()[1]
    A, B = point_of(energy.C.shape[0], 2, 6), point_of(energy.C.shape[1], 2, 7)
    V = np.concatenate([A, B])
    penalty = np.sum((A.T @ A - B.T @ B) ** 2) / 4
    assert Lifted(energy, len(A)).point(V @ V.T).value == pytest.approx(
        energy.point(A @ B.T).value + penalty, abs=1e-12
    )


def test_rescaling_is_a_change_of_variables() -> None:
    _, energy, _ = shared()
    R = np.diag([1.0, 4.0, 9.0])
    left = flattening(R)
    assert left @ left.T == pytest.approx(np.linalg.inv(R), abs=1e-14)
    flat = Rescaled(energy, left, left)
    V = point_of(3, 2)
    Y = V @ V.T
    assert flat.point(Y).value == energy.point(flat.original(Y)).value
    H = point_of(3, 3, 8)
    H = H + H.T
    slope, _ = differences(flat, Y, H)
    assert np.sum(flat.point(Y).gradient * H) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("make", [shared, separate])
def test_the_modulus_of_strong_convexity_holds(make: type) -> None:
    """⟨∇L(Y) − ∇L(Y'), Y − Y'⟩ ≥ modulus·‖Y − Y'‖²."""
    _, energy, E = make()
    for seed in range(5):
        V, U = point_of(E.shape[1], 2, seed), point_of(E.shape[1], 2, seed + 50)
        apart = V @ V.T - U @ U.T
        change = energy.point(V @ V.T).gradient - energy.point(U @ U.T).gradient
        assert np.sum(change * apart) >= energy.modulus * np.sum(apart**2) - 1e-10
