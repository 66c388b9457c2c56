"""Minimisers to many digits: residuals recomputed exactly, or by mpmath, whose integrals are its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from mpmath import mp

from property_tests.engine.optimality import instance, mixture
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_gradient, multiprecision_gradient
from thmverify.maps import CLIPFactors, CLIPProduct, Encoder, LinearMap, SimSiamPair
from thmverify.minimize import minimise
from thmverify.models import CLIPGMM, Instance, SharedGMM


def paired(rank: int) -> Instance:
    vision, text = mixture(61, 2, 2), mixture(161, 2, 3)
    return Instance(CLIPGMM(vision, SharedGMM(vision.weights, text.means, text.covariance), Fraction(4, 5)), rank)


def digits_of(m: np.ndarray) -> float:
    """How many digits of 0 a matrix of mpf has."""
    return float(-mp.log10(max(abs(x) for x in m.ravel())))


def multiprecision_matrix(m: fmpq_mat) -> np.ndarray:
    entries = [mp.mpf(int(x.p)) / int(x.q) for x in m.entries()]
    return np.array(entries, dtype=object).reshape(m.nrows(), m.ncols())


def gradient(loss: str, problem: Instance, linear_map: LinearMap, name: str) -> np.ndarray:
    return multiprecision_gradient(LOSSES[loss], problem, linear_map, 40)[name]


@pytest.mark.parametrize(("seed", "K", "d", "rank"), [(1, 2, 2, 2), (3, 3, 3, 1), (2, 2, 1, 1)])
def test_infonce_to_thirty_digits(seed: int, K: int, d: int, rank: int) -> None:
    problem = instance(seed, K, d)
    rough, found = minimise("infonce", problem, rank), minimise("infonce", problem, rank, digits=30)
    with mp.workdps(50):
        A = multiprecision_matrix(found.precise["A"])
        G = gradient("infonce", problem, Encoder(found.precise["A"]), "M")
        assert digits_of(G @ A) >= 29
    assert found.kkt_residual <= 1e-30
    assert found.maps["M"] == pytest.approx(rough.maps["M"], abs=1e-12)
    if rough.error_bound is not None:
        assert found.error_bound is not None
        assert found.error_bound <= 1e-26


def test_clip_to_thirty_digits() -> None:
    problem = paired(2)
    found = minimise("clip", problem, digits=30)
    with mp.workdps(50):
        assert digits_of(gradient("clip", problem, CLIPProduct(found.precise["W"]), "W")) >= 29
    assert found.error_bound is not None
    assert found.error_bound <= 1e-29


def test_clip_of_constrained_rank_to_thirty_digits() -> None:
    problem = paired(1)
    found = minimise("clip", problem, digits=30)
    A_V, A_T = found.precise["A_V"], found.precise["A_T"]
    with mp.workdps(50):
        G = gradient("clip", problem, CLIPFactors(A_V, A_T), "W")
        assert digits_of(G @ multiprecision_matrix(A_T)) >= 28
        assert digits_of(G.T @ multiprecision_matrix(A_V)) >= 28
    assert found.precise["W"] == A_V * A_T.transpose()


@pytest.mark.parametrize("decay", [Fraction(0), Fraction(1, 200)])
def test_simsiam_to_sixty_digits(decay: Fraction) -> None:
    problem = replace(instance(72, 3, 4, 2), weight_decay=decay)
    found = minimise("simsiam", problem, digits=60)
    residual = exact_gradient(LOSSES["simsiam"], problem, SimSiamPair(found.precise["A"], found.precise["P"]))
    assert residual is not None
    assert max(abs(x) for m in residual.values() for x in m.entries()) <= fmpq(1, 10**59)


def spectral_residual(problem: Instance, A: fmpq_mat) -> fmpq_mat:
    gradient = exact_gradient(LOSSES["spectral"], problem, Encoder(A))
    assert gradient is not None
    return gradient["M"] * A


def pca_residual(problem: Instance, A: fmpq_mat) -> fmpq_mat:
    R = problem.pairs.mixture.R
    return R * A - A * (A.transpose() * R * A)


def fisher_residual(problem: Instance, A: fmpq_mat) -> fmpq_mat:
    gradient = exact_gradient(LOSSES["fisher"], problem, Encoder(A))
    assert gradient is not None
    return gradient["A"]


@pytest.mark.parametrize(
    ("loss", "residual"), [("spectral", spectral_residual), ("pca", pca_residual), ("fisher", fisher_residual)]
)
def test_closed_forms_to_sixty_digits(loss: str, residual: Callable[[Instance, fmpq_mat], fmpq_mat]) -> None:
    problem = instance(72, 3, 4, 2)
    found = minimise(loss, problem, digits=60)
    assert max(abs(x) for x in residual(problem, found.precise["A"]).entries()) <= fmpq(1, 10**58)
    assert found.precise["M"] == found.precise["A"] * found.precise["A"].transpose()
    assert found.maps["M"] == pytest.approx(minimise(loss, problem).maps["M"], abs=1e-12)


def test_what_is_zero_stays_zero() -> None:
    found = minimise("infonce", replace(instance(1, 1, 2), rank=1), digits=30)
    assert found.rank == 0
    assert found.precise == {}
