"""Minimisers of InfoNCE against independent solvers, closed forms, expansions and invariances."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.optimize import minimize as scipy_minimize

from property_tests.engine.optimality import instance, mixture, rational, smallest
from thmverify import exact
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_gradient, float64_value
from thmverify.maps import Encoder, Gram
from thmverify.minimize import Note, minimise
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace
from thmverify.testing import Seeded, examples, invertible_matrix, mixture_instances


def pair(instance: Instance) -> tuple[np.ndarray, ...]:
    """Weights, means (columns), Σ, C and R of a mixture in float64."""
    shared = instance.shared
    w = np.array([float(x) for x in shared.weights])
    moments = (shared.sigma, instance.pairs.C, shared.R)
    return w, to_floats(shared.mu), *(to_floats(m) for m in moments)


# ------------------------------------------------------------------------------------------------ InfoNCE: optimality


@pytest.mark.parametrize(("seed", "K", "d"), [(1, 2, 2), (2, 3, 2), (3, 3, 4), (4, 4, 3), (5, 2, 5)])
def test_the_gradient_on_the_whole_space_is_a_multiplier(seed: int, K: int, d: int) -> None:
    """∇L(M*) ⪰ 0 and ∇L(M*) M* = 0 in d × d, by the losses' own gradient: no reduction, other coordinates."""
    problem = instance(seed, K, d)
    found = minimise("infonce", problem)
    A = found.maps["A"]
    gradient = float64_gradient(LOSSES["infonce"], problem, Gram(rational(A) * rational(A).transpose()))
    G = gradient.derivatives["M"]
    assert found.kkt_residual <= 1e-12
    assert found.error_bound is not None
    assert found.error_bound <= 1e-10
    assert found.converged
    assert np.abs(G @ A).max() <= 1e-11
    assert smallest(G) >= -1e-11


@pytest.mark.parametrize(("seed", "K", "d"), [(6, 2, 2), (7, 3, 2), (8, 3, 3)])
def test_quasi_newton_on_a_agrees(seed: int, K: int, d: int) -> None:
    """L-BFGS over A on the losses' own float value and gradient, from random A."""
    problem = instance(seed, K, d)
    found = minimise("infonce", problem)
    loss = LOSSES["infonce"]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        A = flat.reshape(d, d)
        exact_map = Encoder(rational(A))
        G = float64_gradient(loss, problem, exact_map).derivatives["M"]
        return float64_value(loss, problem, exact_map).value, (2 * G @ A).ravel()

    start = np.random.default_rng(seed).standard_normal(d * d) * 0.3
    other = scipy_minimize(objective, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 1e-15})
    A = other.x.reshape(d, d)
    assert found.value <= other.fun + 1e-12
    assert other.fun == pytest.approx(found.value, abs=1e-9)
    assert np.abs(A @ A.T - found.maps["M"]).max() <= 2e-4


def sample_nodes(problem: Instance, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights for E_x by Gauss–Hermite about each mean, in the original coordinates."""
    w, mu, sigma, _, _ = pair(problem)
    d = len(mu)
    nodes, weights = np.polynomial.hermite_e.hermegauss(degree)
    grid = np.stack(np.meshgrid(*[nodes] * d, indexing="ij"), -1).reshape(-1, d) @ np.linalg.cholesky(sigma).T
    share = np.prod(np.stack(np.meshgrid(*[weights / weights.sum()] * d, indexing="ij"), -1).reshape(-1, d), axis=1)
    kept = share > 1e-9  # a solver cannot use the others
    grid, share = grid[kept], share[kept]
    return np.concatenate([mu[:, j] + grid for j in range(len(w))]), np.concatenate([x * share for x in w])


@pytest.mark.parametrize(("seed", "K"), [(2, 3), (9, 2)])
def test_a_disciplined_convex_formulation_agrees(seed: int, K: int) -> None:
    """cvxpy and Clarabel on the loss discretised by Gauss–Hermite: another solver, another rule, all of d × d."""
    cp = pytest.importorskip("cvxpy", reason="the extra `convex` is not installed")
    problem = instance(seed, K, 2)
    w, mu, sigma, C, R = pair(problem)
    points, weights = sample_nodes(problem, 14)
    M = cp.Variable((2, 2), PSD=True)
    root = np.linalg.cholesky(sigma)
    spread = cp.sum_squares(np.linalg.cholesky(R).T @ M @ root) / 2
    exponents = points @ M @ mu + np.log(w)
    convex = cp.Problem(cp.Minimize(-cp.trace(C @ M) + spread + weights @ cp.log_sum_exp(exponents, axis=1)))
    assert convex.is_dcp()
    convex.solve(solver=cp.CLARABEL, canon_backend=cp.SCIPY_CANON_BACKEND)
    found = minimise("infonce", problem)
    assert found.value == pytest.approx(convex.value, abs=1e-6)
    assert found.maps["M"] == pytest.approx(M.value, abs=2e-4)


@settings(max_examples=examples(12))
@given(mixture_instances(components=(2, 3), dimension=(2, 3), hostile=False), st.integers(0, 10**6))
def test_no_perturbation_does_better(problem: Instance, seed: int) -> None:
    found = minimise("infonce", replace(problem, rank=3))
    rng = np.random.default_rng(seed)
    for size in (1e-1, 1e-3):
        A = found.maps["A"]
        columns = np.zeros((len(A), 3))
        columns[:, : A.shape[1]] = A
        nearby = Encoder(rational(columns + size * rng.standard_normal(columns.shape)))
        estimate = float64_value(LOSSES["infonce"], problem, nearby)
        assert estimate.value + estimate.error + found.value_error >= found.value


# ------------------------------------------------------------------------------------------------ InfoNCE: closed forms


def test_two_centred_components_on_the_line_solve_a_scalar_equation() -> None:
    """K = 2, ±μ with equal weights and variance 1: −δμ² + m(1 + μ²) + E[x μ tanh(m μ x)] = 0."""
    mu, delta = 1.5, Fraction(3, 5)
    model = SharedGMM([Fraction(1, 2)] * 2, [[Fraction(3, 2)], [Fraction(-3, 2)]])
    found = minimise("infonce", Instance(AugmentedPairs(model, delta), 2))
    step = np.arange(-9, 9, 0.01)
    density = np.exp(-(step**2) / 2) / np.sqrt(2 * np.pi) * 0.01

    def slope(m: float) -> float:
        x = mu + step
        return float(-delta * mu**2 + m * (1 + mu**2) + density @ (x * mu * np.tanh(m * mu * x)))

    assert found.maps["M"][0, 0] == pytest.approx(brentq(slope, 0, 2, xtol=1e-15), abs=1e-12)


def test_a_small_bias_gives_the_first_order_expansion() -> None:
    """Centred, Σ = I: M* = δ S (I + S)⁻² + O(δ²)."""
    base = mixture(11, 3, 2, centred=True)
    model = SharedGMM(base.weights, base.means)
    S = to_floats(model.S)
    inverse = np.linalg.inv(np.eye(2) + S)
    errors = []
    for delta in (Fraction(1, 100), Fraction(1, 1000)):
        M = minimise("infonce", Instance(AugmentedPairs(model, delta), 3)).maps["M"]
        errors.append(np.abs(M / float(delta) - S @ inverse @ inverse).max())
    assert errors[0] <= 0.2
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.2)


@pytest.mark.parametrize(
    "model",
    [
        SharedGMM([1], [[2, -1]]),
        SharedGMM([1], [[0, 0]]),
        SharedGMM([Fraction(1, 3), Fraction(2, 3)], [[1, 2], [1, 2]]),
        SharedGMM([Fraction(1, 3), Fraction(2, 3)], [[0, 0], [0, 0]]),
    ],
    ids=["one component", "one at 0", "equal means", "all at 0"],
)
def test_nothing_to_tell_apart_gives_zero(model: SharedGMM) -> None:
    found = minimise("infonce", Instance(AugmentedPairs(model), 2))
    assert found.rank == 0
    assert np.abs(found.maps["M"]).max() <= 1e-14
    assert found.spaces[0].basis.shape == (2, 0)
    assert Note.NOTHING_TO_LEARN in found.notes
    assert found.value == pytest.approx(0, abs=1e-14)


def test_independent_pairs_teach_nothing() -> None:
    problem = Instance(AugmentedPairs(mixture(3, 3, 2), Fraction(0)), 3)
    assert np.abs(minimise("infonce", problem).maps["M"]).max() <= 1e-12


def test_a_product_of_centred_mixtures_has_the_block_sum() -> None:
    first, second = mixture(21, 2, 1, centred=True), mixture(22, 2, 2, centred=True)
    weights = [a * b for a in first.weights for b in second.weights]
    means = [a + b for a in first.means for b in second.means]
    covariance = [(*row, *[Fraction(0)] * 2) for row in first.covariance]
    covariance += [(Fraction(0), *row) for row in second.covariance]
    delta = Fraction(4, 5)
    whole, *parts = (
        minimise("infonce", Instance(AugmentedPairs(model, delta), 4)).maps["M"]
        for model in (SharedGMM(weights, means, covariance), first, second)
    )
    assert whole[:1, :1] == pytest.approx(parts[0], abs=1e-11)
    assert whole[1:, 1:] == pytest.approx(parts[1], abs=1e-11)
    assert np.abs(whole[:1, 1:]).max() <= 1e-11


def facet() -> Instance:
    """Three centred components in the plane whose minimiser has rank 1."""
    weights = [Fraction(5, 100), Fraction(94, 100), Fraction(1, 100)]
    raw = [(10, 0), (0, 0), (-16, 1)]
    mean = [sum(w * x[i] for w, x in zip(weights, raw, strict=True)) for i in range(2)]
    return Instance(
        AugmentedPairs(SharedGMM(weights, [[x[i] - mean[i] for i in range(2)] for x in raw]), Fraction(7, 10)), 3
    )


def test_a_minimiser_of_deficient_rank_is_found_with_its_multiplier() -> None:
    problem = facet()
    found = minimise("infonce", problem)
    gradient = float64_gradient(LOSSES["infonce"], problem, Encoder(rational(found.maps["A"]))).derivatives["M"]
    assert found.rank == 1
    assert fisher_subspace(problem.shared).dimension == 2
    assert found.kkt_residual <= 1e-12
    assert np.linalg.eigvalsh(gradient) == pytest.approx([0, np.linalg.eigvalsh(gradient)[1]], abs=1e-11)
    assert np.linalg.eigvalsh(gradient)[1] > 1e-4


# ------------------------------------------------------------------------------------------------ InfoNCE: invariance


@settings(max_examples=examples(8))
@given(st.integers(0, 10**6), st.integers(2, 3))
def test_linear_changes_of_coordinates_carry_the_minimiser_along(seed: int, d: int) -> None:
    """x → Tx carries M to T⁻ᵀMT⁻¹ and leaves the value."""
    problem = instance(seed, 3, d)
    T = invertible_matrix(Seeded(random.Random(seed)), d)
    shared = problem.shared
    moved = SharedGMM(
        shared.weights,
        exact.to_rows((T * shared.mu).transpose()),
        exact.to_rows(T * shared.sigma * T.transpose()),
    )
    one, other = (
        minimise("infonce", problem),
        minimise("infonce", replace(problem, model=AugmentedPairs(moved, problem.pairs.bias))),
    )
    t = to_floats(T)
    size = max(1.0, float(np.linalg.norm(t))) ** 2
    assert t.T @ other.maps["M"] @ t == pytest.approx(one.maps["M"], abs=1e-10 * size)
    assert other.value == pytest.approx(one.value, abs=1e-11)
    assert other.rank == one.rank


def test_relabelling_and_splitting_components_change_nothing() -> None:
    problem = instance(31, 3, 2)
    shared, delta = problem.shared, problem.pairs.bias
    order = [2, 0, 1]
    relabelled = SharedGMM([shared.weights[k] for k in order], [shared.means[k] for k in order], shared.covariance)
    split = SharedGMM(
        [shared.weights[0] / 2] * 2 + list(shared.weights[1:]), [shared.means[0], *shared.means], shared.covariance
    )
    M = minimise("infonce", problem).maps["M"]
    for model in (relabelled, split):
        assert minimise("infonce", Instance(AugmentedPairs(model, delta), 4)).maps["M"] == pytest.approx(M, abs=1e-11)


def test_the_column_space_lies_in_the_fisher_subspace() -> None:
    found = minimise("infonce", instance(41, 3, 6))
    assert found.spaces[0].basis.shape == (6, found.rank)
    assert found.spaces[0].angles.max() <= 1e-7
    B, Y = to_floats(found.bases[0]), found.reduced
    assert Y is not None
    assert found.maps["M"] == pytest.approx(B @ Y @ B.T, abs=1e-11 * (1 + np.linalg.norm(B) ** 2))


# ------------------------------------------------------------------------------------------------ InfoNCE: rank


def test_a_rank_constraint_that_does_not_bind_changes_nothing() -> None:
    problem = facet()
    assert minimise("infonce", problem, rank=1).maps["M"] == pytest.approx(
        minimise("infonce", problem).maps["M"], abs=1e-14
    )
    assert Note.CONVEX in minimise("infonce", problem, rank=1).notes


def test_a_rank_constraint_gives_a_stationary_point_no_worse_than_many_others() -> None:
    problem = instance(2, 3, 2)
    found, free = minimise("infonce", problem, rank=1), minimise("infonce", problem)
    assert free.rank == 2
    assert found.rank == 1
    assert found.error_bound is None
    assert Note.LOCAL in found.notes
    a = rational(found.maps["A"])
    gradient = float64_gradient(LOSSES["infonce"], problem, Encoder(a)).derivatives["M"]
    assert np.abs(gradient @ found.maps["A"]).max() <= 1e-11
    assert found.value >= free.value
    directions = [np.array([[np.cos(t)], [np.sin(t)]]) for t in np.linspace(0, np.pi, 12)]
    for scale in np.linalg.norm(found.maps["A"]) * np.array([0.7, 1.0, 1.3]):
        for u in directions:
            assert float64_value(LOSSES["infonce"], problem, Encoder(rational(scale * u))).value >= found.value - 1e-12


# ------------------------------------------------------------------------------------------------ separate covariances


def separate(seed: int, d: int, proportional: bool = False) -> Instance:
    base = mixture(seed, 2, d)
    if proportional:
        covariances = (base.covariance, tuple(tuple(x * 3 for x in row) for row in base.covariance))
    else:
        covariances = (base.covariance, mixture(seed + 7, 2, d).covariance)
    return Instance(AugmentedPairs(GMM(base.weights, base.means, covariances), Fraction(1)), d)


@pytest.mark.parametrize(("seed", "d"), [(51, 1), (52, 2), (53, 2), (54, 3)])
def test_separate_covariances_meet_the_optimality_conditions(seed: int, d: int) -> None:
    problem = separate(seed, d)
    found = minimise("infonce", problem)
    A = found.maps["A"]
    gradient = float64_gradient(LOSSES["infonce"], problem, Encoder(rational(A))).derivatives["M"]
    assert found.converged
    assert np.abs(gradient @ A).max() <= 1e-10
    assert smallest(gradient) >= -1e-10


def test_equal_covariances_given_separately_are_shared() -> None:
    problem = instance(2, 3, 2)
    shared = problem.shared
    copy = GMM(shared.weights, shared.means, (shared.covariance,) * 3)
    again = minimise("infonce", Instance(AugmentedPairs(copy, problem.pairs.bias), 3))
    assert again.maps["M"] == pytest.approx(minimise("infonce", problem).maps["M"], abs=1e-14)


def test_proportional_covariances_keep_the_fisher_subspace_and_others_leave_it() -> None:
    inside = minimise("infonce", separate(56, 3, proportional=True))
    outside = minimise("infonce", separate(56, 3))
    assert inside.rank > 0
    assert inside.spaces[0].angles.max() <= 1e-7
    assert outside.rank > 0
    assert outside.spaces[0].angles.max() >= 1e-3 or outside.rank > inside.rank
