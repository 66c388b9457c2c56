"""Barlow Twins: the exact verdicts against minimisers that floats find, the loss record and the thresholds."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from scipy.linalg import eigh
from scipy.optimize import minimize

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.exact import to_floats
from thmverify.losses import LOSSES
from thmverify.losses.levels import exact_value
from thmverify.maps import Encoder
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.subspaces import fisher_subspace
from thmverify.testing import MULTIPLIER
from thmverify.theorems.barlow import common
from thmverify.theorems.barlow.barlow_equality import ALWAYS, SOMETIMES
from thmverify.theorems.barlow.barlow_equality import STATEMENT as EQUALITY
from thmverify.theorems.barlow.barlow_inclusion import STATEMENT as INCLUSION
from thmverify.verdicts import Outcome

HALF = Fraction(1, 2)
FAR = INCLUSION.counterexamples[0].instance


def line(size: str, rank: int = 2, d: int = 2) -> Instance:
    means = [[sign * Fraction(size)] + [0] * (d - 1) for sign in (1, -1)]
    return Instance(AugmentedPairs(SharedGMM((HALF, HALF), means)), rank)


def best(instance: Instance, starts: int = 12) -> tuple[float, np.ndarray]:
    """The least loss that BFGS finds, and whitened unit columns that reach it; the definition, nothing shared."""
    R, C = to_floats(instance.pairs.mixture.R), to_floats(instance.pairs.C)
    L = np.linalg.cholesky(R)
    Y = np.linalg.solve(L, np.linalg.solve(L, C).T)
    d, r, lam = len(R), instance.rank, 1 / 200

    def loss(x: np.ndarray) -> float:
        b = x.reshape(d, r)
        c = (b.T @ Y @ b) / np.outer(*[np.linalg.norm(b, axis=0)] * 2)
        own = np.diag(c)
        return float(((1 - own) ** 2).sum() + lam * ((c**2).sum() - (own**2).sum()))

    rng = np.random.default_rng(0)
    found = min((minimize(loss, rng.standard_normal(d * r), tol=1e-12) for _ in range(starts)), key=lambda f: f.fun)
    b = found.x.reshape(d, r)
    return found.fun, np.linalg.solve(L.T, b / np.linalg.norm(b, axis=0))


def outside(instance: Instance, A: np.ndarray) -> float:
    A = A / np.linalg.norm(A, axis=0)
    B = fisher_subspace(instance.pairs.mixture).as_floats()
    return float(np.linalg.norm(A - B @ (B.T @ A)))


@pytest.mark.parametrize(("size", "rank"), [("14", 2), ("15", 2), ("9", 3), ("11", 3), ("15", 1), ("2", 3)])
def test_a_line_is_left_beyond_the_threshold(size: str, rank: int) -> None:
    """λ(r − 1)ρ ≤ 1 − ρ with ρ = n²/(1 + n²): n² ≤ 200/(r − 1)."""
    instance = line(size, rank)
    holds = Fraction(size) ** 2 * (rank - 1) <= 200
    assert (INCLUSION.examine(instance).outcome is Outcome.PROVED) is holds
    assert (EQUALITY.examine(instance).outcome is Outcome.PROVED) is holds
    assert (INCLUSION.margin(instance) <= 0) is holds
    assert (outside(instance, best(instance)[1]) < 1e-3) is holds


def test_a_better_map_in_rationals() -> None:
    """The counterexample by the loss record: all inside have one loss, and a map across has less."""
    inside = exact_value(LOSSES["barlow-twins"], FAR, Encoder(fmpq_mat(2, 2, [1, 3, 0, 0])))
    other = exact_value(LOSSES["barlow-twins"], FAR, Encoder(fmpq_mat(2, 2, [1, -7, 0, 0])))
    across = exact_value(LOSSES["barlow-twins"], FAR, Encoder(fmpq_mat(2, 2, [1, 1, 0, fmpq(1, 4)])))
    assert inside == other
    assert across < inside


@pytest.mark.parametrize("example", [ALWAYS, SOMETIMES], ids=["always", "sometimes"])
def test_the_columns_collapse(example) -> None:
    instance = example.instance
    value, A = best(instance)
    assert np.linalg.matrix_rank(A / np.linalg.norm(A, axis=0), tol=1e-3) == 1
    first = eigh(to_floats(instance.pairs.C), to_floats(instance.pairs.mixture.R), eigvals_only=True)[-1]
    assert value == pytest.approx(3 * (1 - first) ** 2 + 6 / 200 * first**2, abs=1e-9)
    assert common.bracket(instance) > 0


def test_the_bound_of_the_collapse_on_random_maps() -> None:
    """L − L₁ ≥ 2σ·bracket, whatever the sign of the bracket, for random unit columns."""
    rng, lam = np.random.default_rng(1), 1 / 200
    for _ in range(300):
        d, r = rng.integers(2, 5), rng.integers(2, 4)
        rho = np.sort(rng.random(d))[::-1]
        b = rng.standard_normal((d, r)) * np.array([1, *[rng.random() * 2] * (d - 1)])[:, None]
        b = b / np.linalg.norm(b, axis=0) * np.sign(b[0])
        c = b.T @ (rho[:, None] * b)
        loss = ((1 - np.diag(c)) ** 2).sum() + lam * ((c**2).sum() - (np.diag(c) ** 2).sum())
        start = r * (1 - rho[0]) ** 2 + lam * r * (r - 1) * rho[0] ** 2
        bracket = (1 - rho[0]) * (rho[0] - rho[1]) - 2 * lam * (r - 1) * rho[0] * (rho[0] + rho[1])
        assert loss - start >= 2 * (1 - b[0] ** 2).sum() * bracket - 1e-12


@pytest.mark.parametrize("seed", range(10 * MULTIPLIER))
def test_random_instances_agree_with_floats(seed: int) -> None:
    source = random.Random(seed)
    instance = EQUALITY.sample(source)
    mixture = instance.pairs.mixture
    if mixture.dimension > 3 or instance.rank > 3 or np.linalg.cond(to_floats(mixture.R)) > 1e4:
        return
    verdict, gap = EQUALITY.examine(instance).outcome, abs(EQUALITY.margin(instance))
    if verdict is Outcome.UNDECIDED or gap < 1e-3 or exact.is_zero(instance.pairs.C):
        return
    A = best(instance)[1]
    full = np.linalg.matrix_rank(A / np.linalg.norm(A, axis=0), tol=1e-2) == fisher_subspace(mixture).dimension
    assert (full and outside(instance, A) < 1e-2) is (verdict is Outcome.PROVED)


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


def test_degenerate_instances() -> None:
    assert INCLUSION.examine(line("1", d=1)).outcome is Outcome.PROVED
    nothing = replace(line("1"), model=AugmentedPairs(line("1").shared, Fraction(0)))
    assert INCLUSION.examine(nothing).outcome is Outcome.REFUTED
    flat = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((0, 0), (0, 0)))), 2)
    assert EQUALITY.examine(flat).outcome is INCLUSION.examine(flat).outcome is Outcome.REFUTED
    assert EQUALITY.examine(replace(ALWAYS.instance, rank=1)).outcome is Outcome.REFUTED
