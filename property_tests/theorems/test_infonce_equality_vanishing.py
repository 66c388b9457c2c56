"""A small bias: the threshold, exactly, and each inequality that the proof rests on, by numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import isqrt

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from thmverify import exact
from thmverify.certifying import decide
from thmverify.configurations import geometry, parabola, vanishing_threshold
from thmverify.formulas.mixtures import Mixture
from thmverify.formulas.vanishing import tau, threshold
from thmverify.hypotheses import BIAS_SMALL
from thmverify.kernel.proofs.ring import Ring
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.proofs.expressions import eq, num
from thmverify.proofs.script import Script
from thmverify.randomised import sample
from thmverify.subspaces import fisher_subspace
from thmverify.theorems.infonce.common import with_bias
from thmverify.theorems.infonce.infonce_equality_vanishing import FAILURES, STATEMENT, below_threshold, shortfall
from thmverify.verdicts import Outcome

# -- by numbers; Σ = I loses nothing, as every quantity is the same in all coordinates --------------------------------


def _centred(rng: np.random.Generator, d: int, K: int) -> tuple[Floats, Floats]:
    """Return weights and means (d × K) of a random centred mixture with Σ = I."""
    w = rng.dirichlet(np.full(K, 0.5)) + 1e-3
    w /= w.sum()
    mu = rng.normal(size=(d, K)) * rng.exponential() * 2
    return w, mu - (mu @ w)[:, None]


def _softmax(z: Floats, w: Floats) -> Floats:
    found = w * np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6))
def test_the_remainder_is_of_second_order(seed: int) -> None:
    """|Σ π_k a_k − Σ w_k z_k a_k| ≤ 2b Σ w_k c_k z_k² where |a_k| ≤ b, both of mean 0."""
    rng = np.random.default_rng(seed)
    w = rng.dirichlet(np.full(int(rng.integers(2, 6)), 0.5)) + 1e-3
    w /= w.sum()
    z, a = (rng.normal(size=(50, len(w))) * rng.exponential(size=(50, 1)) * 2 for _ in range(2))
    z, a = z - (z @ w)[:, None], a - (a @ w)[:, None]
    gap = np.abs((_softmax(z, w) * a).sum(axis=1) - (z * a) @ w)
    c = np.array([float(parabola(Fraction(float(x)))) for x in w])
    assert np.all(_softmax(z, w) <= w * (1 + z + c * z**2) + 1e-12)
    assert np.all(gap <= 2 * np.abs(a).max(axis=1) * (z**2 @ (w * c)) + 1e-12)
    assert np.all((_softmax(z, w) * z).sum(axis=1) >= -1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6))
def test_the_fourth_moment_is_bounded(seed: int) -> None:
    """E q² ≤ (3 + κ²/4)(E q)² for q = |Mx|², and logits and offsets are at most κ²q and κ²|u|²."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 3))
    w, mu = _centred(rng, d, int(rng.integers(2, 5)))
    half = rng.normal(size=(d, d))
    M = half @ half.T
    nodes, values = np.polynomial.hermite_e.hermegauss(5)  # exact for polynomials of degree 9
    noise = np.array(list(product(nodes, repeat=d)))
    mass = np.array([np.prod(x) for x in product(values / values.sum(), repeat=d)])
    seen = (noise[None] + mu.T[:, None]) @ M
    q = (seen**2).sum(axis=2)
    first, second = w @ (q @ mass), w @ (q**2 @ mass)
    height = (mu**2).sum(axis=0).max()
    assert first == pytest.approx(np.trace(M @ M @ (np.eye(d) + mu * w @ mu.T)))
    assert second <= (3 + height / 4) * first**2 * (1 + 1e-9)
    assert np.all((seen @ mu) ** 2 <= height * q[..., None] * (1 + 1e-9))


@pytest.mark.parametrize("seed", range(4))
def test_a_minimiser_is_small(seed: int) -> None:
    """E q = tr(MΣMR) ≤ δ tr(SM) and E q ≤ δ²τ, for any bias."""
    instance = with_bias(sample(STATEMENT, seed, 0), Fraction(1, 2))
    mixture = instance.shared
    A = minimise("infonce", replace(instance, rank=mixture.components)).maps["A"]
    M, sigma, S, R = A @ A.T, *map(exact.to_floats, (mixture.sigma, mixture.S, mixture.R))
    energy, tau = np.trace(M @ sigma @ M @ R), np.trace(np.linalg.solve(sigma, S) @ np.linalg.solve(R, S))
    assert energy <= 0.5 * np.trace(S @ M) + 1e-6
    assert energy <= 0.25 * tau + 1e-6


@pytest.mark.parametrize("seed", range(6))
def test_the_threshold_is_the_one_of_the_proof(seed: int) -> None:
    """The kernel's formula at numbers κ², λ, η and ω that are what it asks of them, by definite matrices on S_F."""
    mixture = sample(STATEMENT, seed, 1).shared
    gram, B, components = geometry(mixture), fisher_subspace(mixture).basis, range(mixture.components)
    inside, seen, means = B.transpose() * mixture.sigma * B, B.transpose() * mixture.S * B, B.transpose() * mixture.mu
    columns = [exact.submatrix(means, range(means.nrows()), [k]) for k in components]
    height, ratio = max(gram[k, k] for k in components), exact.trace(seen.inv() * inside)
    share = max((v.transpose() * seen.inv() * v)[0, 0] for v in columns)
    bends = [exact.to_fmpq(w) * parabola(w) for w in mixture.weights]
    bend = sum((b * gram[k, k] for k, b in zip(components, bends, strict=True)), fmpq(0))
    above = 1 + fmpq(1, 10**9)
    assert exact.is_positive_definite(seen * (ratio * above) - inside)
    assert all(exact.is_positive_definite(seen * (share * above) - v * v.transpose()) for v in columns)
    gathered = sum((v * v.transpose() * b for v, b in zip(columns, bends, strict=True)), inside * 0)
    assert exact.is_positive_definite(inside * (bend * above) - gathered)
    assert share <= max(1 / exact.to_fmpq(w) for w in mixture.weights)
    mix = Mixture(Script("threshold"))
    size = exact.trace(mixture.sigma.inv() * mixture.S * mixture.R.inv() * mixture.S)
    known = eq(tau(mix), num(exact.to_fraction(size)))
    formula = threshold(mix, *(num(exact.to_fraction(x)) for x in (height, ratio, share, bend)))
    found = Ring([known.term]).normal(formula.term)
    assert found is num(exact.to_fraction(vanishing_threshold(mixture))).term


def test_the_hypothesis_is_about_one_number() -> None:
    """±1 with Σ = 1 has δ₀² = 2/13c², c = 41/64: the bias is compared with it to 30 digits."""
    line = SharedGMM((Fraction(1, 2),) * 2, ((1,), (-1,)))
    assert parabola(Fraction(1, 2)) == fmpq(41, 64)
    below = Fraction(isqrt(10**60 * 2 * 64**2 // (13 * 41**2)), 10**30)
    for bias, small in ((below, True), (below + Fraction(1, 10**30), False)):
        assert BIAS_SMALL.holds(Instance(AugmentedPairs(line, bias), 1)) is small
    assert BIAS_SMALL.holds(STATEMENT.witness)


@pytest.mark.parametrize("weight", [Fraction(1), Fraction(1, 2), Fraction(1, 100), Fraction(1, 10**12)])
def test_the_parabola_is_above_up_to_the_logarithm_of_the_weight_and_no_further_than_it_must(weight: Fraction) -> None:
    c, end = float(parabola(weight)), -math.log(weight)
    z = np.linspace(-30, end, 2001)
    assert np.all(np.exp(z) <= (1 + z + c * z**2) * (1 + 1e-9) + 1e-9)
    assert end == 0 or c <= max(0.5, (1 / float(weight) - 1 - end) / end**2) * 1.01 + 0.002


@pytest.mark.parametrize("place", range(len(FAILURES)))
def test_how_far_the_threshold_is_from_a_failure(place: int) -> None:
    """The kernel refutes equality at the bias on record, and proves it below δ₀; in between lies the true threshold."""
    instance = FAILURES[place]
    assert decide("infonce-equality", instance)[0].outcome is Outcome.REFUTED
    below = below_threshold(instance, Fraction(9, 10))
    assert STATEMENT.decide(below).outcome is Outcome.PROVED
    assert 0 < below.pairs.bias * shortfall(instance) < instance.pairs.bias
    assert (shortfall(instance) < 10**5) is (place != 2)
