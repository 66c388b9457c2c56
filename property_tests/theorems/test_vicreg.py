"""VICReg: the exact verdicts against minimisers that floats find, and the bounds behind them on random maps."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from scipy.linalg import eigh
from scipy.optimize import minimize

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace
from thmverify.testing import MULTIPLIER
from thmverify.theorems.vicreg.common import apart, longest
from thmverify.theorems.vicreg.vicreg_equality import ALWAYS, SOMETIMES
from thmverify.theorems.vicreg.vicreg_equality import STATEMENT as EQUALITY
from thmverify.theorems.vicreg.vicreg_inclusion import STATEMENT as INCLUSION
from thmverify.verdicts import Outcome

FAINT, MANY = (c.instance for c in INCLUSION.counterexamples)


def moments(instance: Instance) -> tuple[np.ndarray, np.ndarray]:
    """Cov x and Cov(x, x̂), from the components."""
    mixture = instance.pairs.mixture
    w, mu = np.array([float(x) for x in mixture.weights]), to_floats(mixture.mu)
    mean = mu @ w
    spread = (mu - mean[:, None]) * w @ (mu - mean[:, None]).T
    inner = sum(x * to_floats(sigma) for x, sigma in zip(w, mixture.sigmas, strict=True))
    return inner + spread, float(instance.pairs.bias) * spread


def loss(A: np.ndarray, total: np.ndarray, shared: np.ndarray) -> float:
    """The definition: 25 E|f(x) − f(x̂)|² + 25 Σ (1 − σ_i)₊ + Σ_{i≠j} (cov_x² + cov_x̂²)."""
    c = A.T @ total @ A
    hinge = np.maximum(0, 1 - np.sqrt(np.maximum(np.diag(c), 0))).sum()
    return float(50 * np.trace(A.T @ (total - shared) @ A) + 25 * hinge + 2 * ((c**2).sum() - (np.diag(c) ** 2).sum()))


def best(instance: Instance, starts: int = 8) -> tuple[float, np.ndarray]:
    """The least loss that BFGS finds, and its map."""
    total, shared = moments(instance)
    L = np.linalg.cholesky(total)
    d, r = len(total), instance.rank
    rng = np.random.default_rng(0)

    def at(x: np.ndarray) -> float:
        return loss(np.linalg.solve(L.T, x.reshape(d, r)), total, shared)

    places = [rng.standard_normal((d, r)) / 3 for _ in range(starts)]
    found = min((minimize(at, place.ravel(), tol=1e-10) for place in places), key=lambda f: f.fun)
    return found.fun, np.linalg.solve(L.T, found.x.reshape(d, r))


def outside(instance: Instance, A: np.ndarray) -> float:
    B = fisher_subspace(instance.pairs.mixture).as_floats()
    return float(np.linalg.norm(A - B @ (B.T @ A)) / np.linalg.norm(A))


@pytest.mark.parametrize(
    ("size", "rank", "holds"),
    [("1/10", 2, False), ("1/10", 1, True), ("1/9", 2, True), ("1/2", 3, True), ("1/10", 4, False), ("3", 3, True)],
)
def test_a_line_is_left_where_the_signal_is_faint(size: str, rank: int, holds: bool) -> None:
    """ρ = n²/(1 + n²) against r/200 and (2/25) r min(1, 1/(4(1 − ρ)))²."""
    instance = apart(Fraction(size), rank)
    wanted = Outcome.PROVED if holds else Outcome.REFUTED
    assert INCLUSION.examine(instance).outcome is EQUALITY.examine(instance).outcome is wanted
    assert (INCLUSION.margin(instance) <= 0) is holds
    assert (outside(instance, best(instance)[1]) < 1e-2) is holds


def test_a_better_map_across_for_sixty_four_columns() -> None:
    """On the line the best length is found by halving; the same lengths, turned to ±θ, cost less.

    −50ργ + 2γ² + 2(q − γ)² with γ = q cos²θ is least at γ = (25ρ + 2q)/4.
    """
    total, shared = moments(MANY)
    r, rho, size = MANY.rank, 1 / 5, np.sqrt(total[0, 0])
    low, high = 0.0, 1.0
    for _ in range(60):  # 25 = 100 (1 − ρ) σ + 8 (r − 1) σ³
        middle = (low + high) / 2
        low, high = (middle, high) if 100 * (1 - rho) * middle + 8 * (r - 1) * middle**3 < 25 else (low, middle)
    q = r * low**2
    gamma = (25 * rho + 2 * q) / 4
    cosine = np.sqrt(gamma / q)
    sine = np.sqrt(1 - cosine**2)
    inside = low * np.array([[1 / size] * r, [0.0] * r])
    turned = low * np.array([[cosine / size] * r, [sine, -sine] * (r // 2)])
    gain = loss(inside, total, shared) - loss(turned, total, shared)
    assert gain == pytest.approx(4 * (q - gamma) ** 2)
    assert gain > 0.9


@pytest.mark.parametrize("example", [ALWAYS, SOMETIMES], ids=["always", "sometimes"])
def test_the_columns_collapse(example) -> None:
    instance = example.instance
    A = best(instance)[1]
    sizes = np.linalg.svd(A, compute_uv=False)
    assert sizes[1] < 1e-4 * sizes[0]
    total, shared = moments(instance)
    first = eigh(shared, total)[1][:, -1]
    assert abs(first @ total @ A[:, 0]) == pytest.approx(np.sqrt(A[:, 0] @ total @ A[:, 0]))


def test_the_bounds_on_random_maps() -> None:
    """The three inequalities of the derivation, for random whitened columns: of the trace, of the squares, of turns."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        d, r = rng.integers(2, 6), rng.integers(2, 5)
        m = rng.integers(1, d)
        rho = np.concatenate([np.sort(rng.random(m))[::-1], np.zeros(d - m)])
        B = rng.standard_normal((d, r))
        G, trace = B.T @ B, np.trace(B.T @ (rho[:, None] * B))
        gamma, q = np.linalg.eigvalsh(G)[::-1], np.trace(G)
        assert trace <= (rho[:r] * gamma[: len(rho[:r])]).sum() + 1e-9
        assert trace <= rho[0] * gamma[0] + rho[1] * (q - gamma[0]) + 1e-9
        B[m:] = 0  # inside: turned across in one direction, with Σ b_i s_i = 0 where r > m
        G = B.T @ B
        assert (G**2).sum() >= q_squared(G) / m - 1e-9
        if r > m:
            s = np.linalg.svd(B)[2][-1] * 1e-3
            moved = B * np.sqrt(1 - s**2 / np.diag(G))
            moved[m] = s
            change = lossy(moved, rho) - lossy(B, rho)
            own = 50 * (rho[:, None] * B**2).sum(axis=0) - 4 * (G**2).sum(axis=0)
            assert change == pytest.approx((s**2 / np.diag(G) * own).sum(), rel=2e-2, abs=1e-8)


def q_squared(G: np.ndarray) -> float:
    return float(np.trace(G) ** 2)


def lossy(B: np.ndarray, rho: np.ndarray) -> float:
    return loss(B, np.eye(len(rho)), np.diag(rho))


@pytest.mark.parametrize("seed", range(8 * MULTIPLIER))
def test_random_instances_agree_with_floats(seed: int) -> None:
    instance = EQUALITY.sample(random.Random(seed))
    mixture = instance.pairs.mixture
    verdict = EQUALITY.examine(instance).outcome
    if verdict is Outcome.UNDECIDED or instance.rank > 4 or abs(EQUALITY.margin(instance)) < 1e-3:
        return
    A = best(instance, 4)[1]
    sizes = np.linalg.svd(np.linalg.cholesky(moments(instance)[0]).T @ A, compute_uv=False)
    full = (sizes > 1e-2 * sizes[0]).sum() == fisher_subspace(mixture).dimension
    assert bool(full and outside(instance, A) < 1e-2) is (verdict is Outcome.PROVED)


@pytest.mark.parametrize("seed", range(5 * MULTIPLIER))
def test_other_encodings_are_decided_alike(seed: int) -> None:
    source = random.Random(100 + seed)
    instance = INCLUSION.sample(source)
    mixture = instance.pairs.mixture
    order = list(range(mixture.components))
    source.shuffle(order)
    T = strategies.rational_orthogonal_matrix(strategies.Seeded(source), mixture.dimension) * fmpq(3)
    for other in (permuted(instance, order), split_component(instance), transformed(instance, T)):
        for statement in (EQUALITY, INCLUSION):
            assert statement.examine(other).outcome is statement.examine(instance).outcome


def test_the_means_do_not_matter() -> None:
    """Shifted by a multiple of their difference, S_F is the same line; S_F may be larger than S_LDA elsewhere."""
    mixture = SharedGMM((Fraction(1, 2),) * 2, ((Fraction(11, 10), 0), (Fraction(9, 10), 0)))
    assert INCLUSION.examine(Instance(AugmentedPairs(mixture), 2)).outcome is INCLUSION.examine(FAINT).outcome
    aside = SharedGMM((Fraction(1, 2),) * 2, ((1, 1), (-1, 1)))
    assert EQUALITY.examine(Instance(AugmentedPairs(aside), 2)).outcome is Outcome.REFUTED
    assert INCLUSION.examine(Instance(AugmentedPairs(aside), 2)).outcome is Outcome.PROVED


def test_thresholds_and_degenerate_instances() -> None:
    assert longest(Fraction(1, 2)) == Fraction(1, 2)
    assert longest(Fraction(4, 5)) == longest(Fraction(1)) == 1
    assert INCLUSION.examine(apart(1, 50)).outcome is Outcome.UNDECIDED
    nothing = replace(FAINT, model=AugmentedPairs(FAINT.shared, Fraction(0)))
    assert INCLUSION.examine(nothing).outcome is Outcome.REFUTED
    assert INCLUSION.margin(nothing) > 0
    flat = replace(FAINT, model=AugmentedPairs(SharedGMM((Fraction(1, 2),) * 2, ((0, 0), (0, 0)))))
    assert EQUALITY.examine(flat).outcome is INCLUSION.examine(flat).outcome is Outcome.REFUTED
    assert EQUALITY.examine(replace(ALWAYS.instance, rank=1)).outcome is Outcome.REFUTED
    assert EQUALITY.examine(replace(ALWAYS.instance, rank=60)).outcome is Outcome.UNDECIDED
