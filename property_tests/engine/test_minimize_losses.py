"""Optima of CLIP, the spectral loss, PCA, Fisher and SimSiam against independent solvers and their definitions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.engine.optimality import instance, mixture, rational, smallest
from thmverify.errors import InputError
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_gradient, float64_gradient, float64_value
from thmverify.maps import CLIPFactors, CLIPProduct, Encoder, SimSiamPair
from thmverify.minimize import Note, minimise
from thmverify.models import CLIPGMM, AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace
from thmverify.testing import examples, mixture_instances

# ------------------------------------------------------------------------------------------------ CLIP


def paired(seed: int, components: int, dimensions: tuple[int, int], rank: int | None = None) -> Instance:
    vision, text = mixture(seed, components, dimensions[0]), mixture(seed + 100, components, dimensions[1])
    text = SharedGMM(vision.weights, text.means, text.covariance)
    return Instance(CLIPGMM(vision, text, Fraction(4, 5)), rank or components)


@pytest.mark.parametrize(
    ("seed", "K", "dimensions"), [(61, 2, (2, 3)), (62, 3, (2, 2)), (63, 3, (3, 4)), (64, 4, (1, 3))]
)
def test_clip_is_stationary_on_the_whole_space(seed: int, K: int, dimensions: tuple[int, int]) -> None:
    problem = paired(seed, K, dimensions)
    found = minimise("clip", problem)
    gradient = float64_gradient(LOSSES["clip"], problem, CLIPProduct(rational(found.maps["W"]))).derivatives["W"]
    assert found.converged
    assert found.kkt_residual <= 1e-12
    assert np.abs(gradient).max() <= 1e-11
    assert all(space.angles.max() <= 1e-7 for space in found.spaces)
    A_V, A_T = found.maps["A_V"], found.maps["A_T"]
    assert np.abs(A_V @ A_T.T - found.maps["W"]).max() <= 1e-12
    assert np.abs(A_V.T @ A_V - A_T.T @ A_T).max() <= 1e-12


def test_clip_agrees_with_a_disciplined_convex_formulation() -> None:
    """K = 2 on the line in both modalities, Gauss–Hermite, cvxpy and Clarabel."""
    cp = pytest.importorskip("cvxpy", reason="the extra `convex` is not installed")
    problem = paired(65, 2, (1, 1))
    model = problem.model
    assert isinstance(model, CLIPGMM)
    nodes, shares = np.polynomial.hermite_e.hermegauss(40)
    shares = shares / shares.sum()
    W = cp.Variable()
    w = np.array([float(x) for x in model.weights])
    terms = [-2 * float(to_floats(model.C)[0, 0]) * W]
    for own, other in ((model.vision, model.text), (model.text, model.vision)):
        sigma, across = to_floats(own.sigma)[0, 0], to_floats(other.sigma)[0, 0]
        mu, mu_across = to_floats(own.mu)[0], to_floats(other.mu)[0]
        x = np.concatenate([m + np.sqrt(sigma) * nodes for m in mu])
        weights = np.concatenate([p * shares for p in w])
        exponents = W * np.outer(x, mu_across) + np.log(w)
        terms += [
            weights @ cp.log_sum_exp(exponents, axis=1),
            across * float(to_floats(own.R)[0, 0]) / 2 * cp.square(W),
        ]
    convex = cp.Problem(cp.Minimize(sum(terms)))
    assert convex.is_dcp()
    convex.solve(solver=cp.CLARABEL, canon_backend=cp.SCIPY_CANON_BACKEND)
    found = minimise("clip", problem)
    assert found.maps["W"][0, 0] == pytest.approx(float(W.value), abs=1e-5)
    assert found.value == pytest.approx(convex.value, abs=1e-8)


def test_clip_of_constrained_rank_is_stationary_in_its_factors() -> None:
    problem = paired(66, 3, (3, 3), rank=1)
    found, free = minimise("clip", problem), minimise("clip", problem, rank=3)
    assert free.rank >= 2
    assert found.rank == 1
    assert found.value > free.value
    factors = CLIPFactors(rational(found.maps["A_V"]), rational(found.maps["A_T"]))
    gradient = float64_gradient(LOSSES["clip"], problem, factors).derivatives["W"]
    assert np.abs(gradient @ found.maps["A_T"]).max() <= 1e-9
    assert np.abs(gradient.T @ found.maps["A_V"]).max() <= 1e-9
    assert found.value == pytest.approx(float64_value(LOSSES["clip"], problem, factors).value, abs=1e-11)


def test_clip_with_equal_modalities_doubles_infonce_when_symmetric() -> None:
    """Both modalities alike: W* is symmetric, and where it is ⪰ 0 it minimises InfoNCE, half of CLIP's loss."""
    shared = mixture(2, 2, 2, centred=True)
    clip = minimise("clip", Instance(CLIPGMM(shared, shared, Fraction(1)), 2))
    alone = minimise("infonce", Instance(AugmentedPairs(shared, Fraction(1)), 2))
    assert clip.maps["W"] == pytest.approx(alone.maps["M"], abs=1e-11)
    assert clip.value == pytest.approx(2 * alone.value, abs=1e-11)


# ------------------------------------------------------------------------------------------------ closed forms


@settings(max_examples=examples(20))
@given(mixture_instances(hostile=False), st.integers(1, 6))
def test_spectral_is_stationary_optimal_and_exact_where_it_says_so(problem: Instance, rank: int) -> None:
    found = minimise("spectral", problem, rank)
    A = found.maps["A"]
    assert A.shape[1] == found.rank <= rank
    gradient = float64_gradient(LOSSES["spectral"], problem, Encoder(rational(A))).derivatives["M"]
    size = 1 + np.abs(to_floats(problem.pairs.mixture.R)).max()
    assert np.abs(gradient @ A).max(initial=0.0) <= 1e-10 * size**2
    assert float64_value(LOSSES["spectral"], problem, Encoder(rational(A))).value == pytest.approx(
        found.value, abs=1e-10
    )
    if found.exact_value is not None:
        assert smallest(gradient) >= -1e-9 * size
        assert float(found.exact_value) == pytest.approx(found.value, abs=1e-12)


@settings(max_examples=examples(20))
@given(mixture_instances(hostile=False), st.integers(1, 6))
def test_pca_and_fisher_beat_random_maps(problem: Instance, rank: int) -> None:
    d = problem.pairs.mixture.dimension
    rank = min(rank, d)
    rng = np.random.default_rng(rank)
    pca, fisher = minimise("pca", problem, rank), minimise("fisher", problem, rank)
    R = to_floats(problem.pairs.mixture.R)
    A = pca.maps["A"]
    assert np.abs(A.T @ A - np.eye(rank)).max() <= 1e-12
    assert -np.trace(A.T @ R @ A) == pytest.approx(pca.value, abs=1e-11 * (1 + np.abs(R).max()))
    for _ in range(5):
        random_map = rng.standard_normal((d, rank))
        Q = np.linalg.qr(random_map)[0]
        assert -np.trace(Q.T @ R @ Q) >= pca.value - 1e-10 * (1 + np.abs(R).max())
        J = float64_value(LOSSES["fisher"], problem, Encoder(rational(random_map))).value
        assert fisher.value >= J - 1e-9 * (1 + abs(J))
    if fisher.rank:
        J = float64_value(LOSSES["fisher"], problem, Encoder(rational(fisher.maps["A"]))).value
        assert pytest.approx(fisher.value, rel=1e-9) == J


def test_a_tie_at_the_rank_is_reported() -> None:
    square = SharedGMM([Fraction(1, 4)] * 4, [[1, 0], [-1, 0], [0, 1], [0, -1]])
    found = minimise("spectral", Instance(AugmentedPairs(square), 1))
    assert Note.NOT_UNIQUE in found.notes
    assert found.error_bound is None


# ------------------------------------------------------------------------------------------------ SimSiam


def residual(problem: Instance, A: np.ndarray, P: np.ndarray) -> float:
    """The largest entry of the exact stationarity equations at the floats that were returned."""
    gradient = exact_gradient(LOSSES["simsiam"], problem, SimSiamPair(rational(A), rational(P)))
    assert gradient is not None
    return max(float(np.abs(to_floats(m)).max()) for m in gradient.values())


@pytest.mark.parametrize(("seed", "rank"), [(71, 1), (72, 2), (73, 3), (74, 5)])
def test_simsiam_without_decay_is_stationary_with_an_invertible_predictor(seed: int, rank: int) -> None:
    problem = instance(seed, 3, 4, rank)
    found = minimise("simsiam", problem)
    assert residual(problem, found.maps["A"], found.maps["P"]) <= 1e-12
    assert np.linalg.svd(found.maps["P"], compute_uv=False).min() > 1e-9
    assert found.rank == min(rank, 3)
    assert found.spaces[0].angles.max() <= 1e-7
    assert Note.STATIONARY in found.notes


@pytest.mark.parametrize(("rank", "decay"), [(1, Fraction(1, 50)), (2, Fraction(1, 500)), (2, Fraction(1, 10**5))])
def test_simsiam_with_decay_is_stationary_balanced_and_leaves_the_fisher_subspace(rank: int, decay: Fraction) -> None:
    problem = replace(instance(72, 3, 4, rank), weight_decay=decay)
    found = minimise("simsiam", problem)
    A, P = found.maps["A"], found.maps["P"]
    assert found.converged
    assert residual(problem, A, P) <= 1e-10
    assert np.abs(P.T @ P - A.T @ A).max() <= 1e-8
    assert {Note.STATIONARY, Note.STABLE} <= set(found.notes)
    assert found.spaces[0].angles.max() > 1e-8
    assert fisher_subspace(problem.shared).dimension == 3


def test_simsiam_of_two_opposite_means_with_covariance_i_follows_its_closed_form() -> None:
    """±μ, Σ = I, r = 1: a = p·u along μ, and δ|μ|² = p(1 + |μ|²) + η/p: the larger root is the stable one."""
    model = SharedGMM([Fraction(1, 2)] * 2, [[2, 1], [-2, -1]])
    found = minimise("simsiam", Instance(AugmentedPairs(model), 1, Fraction(1, 10)))
    p = float(found.maps["P"][0, 0])
    assert p == pytest.approx((5 + np.sqrt(25 - 4 * 6 / 10)) / 12, abs=1e-12)
    assert np.abs(found.maps["A"][:, 0]) == pytest.approx(p * np.array([2, 1]) / np.sqrt(5), abs=1e-12)


def test_simsiam_collapses_under_strong_decay() -> None:
    found = minimise("simsiam", replace(instance(71, 2, 3, 1), weight_decay=Fraction(100)))
    assert Note.COLLAPSED in found.notes
    assert not found.converged
    assert found.rank == 0


# ------------------------------------------------------------------------------------------------ asking


def test_what_cannot_be_minimised_is_refused() -> None:
    problem = instance(1, 2, 2)
    with pytest.raises(InputError, match="is not a loss"):
        minimise("infonse", problem)
    with pytest.raises(InputError, match="must be ≥ 1"):
        minimise("infonce", problem, rank=0)
    with pytest.raises(InputError, match="clip-gmm"):
        minimise("clip", problem)
    with pytest.raises(InputError, match="not a model that the loss infonce takes"):
        minimise("infonce", paired(61, 2, (2, 2)))


def test_every_note_is_a_sentence() -> None:
    found = minimise("infonce", instance(1, 2, 2))
    assert found.note.endswith(".")
    assert all(note.value.endswith(".") and note.value[0].isupper() for note in Note)
