"""The radius of a sample: each step of its proof attacked by numbers, a second writing in floats, and samples."""

from __future__ import annotations

import math
import random
from dataclasses import astuple, replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammainc
from scipy.stats import binom

from benchmarks.samples import OnALine
from thmverify import exact
from thmverify.certifying.grids import OutOfReachError
from thmverify.errors import InputError
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Floats, Instance, SharedGMM
from thmverify.standing import judge
from thmverify.theorems.infonce.common import WITNESS
from thmverify.theorems.samples import radius_common as module
from thmverify.theorems.samples import sample_radius
from thmverify.theorems.samples.radius_common import Cuts, Law, Rise, pairs_needed, radius, rise, slope_bound
from thmverify.verdicts import Outcome, Standing

P = Fraction(1, 20)
seeds = st.integers(0, 10**6)


def line(mean: Fraction, bias: int | Fraction = 1) -> Instance:
    """Two components at ±mean on a line, Σ = 1."""
    return Instance(AugmentedPairs(SharedGMM(("1/2", "1/2"), ((mean,), (-mean,))), bias), 1)


HALF = line(Fraction(1, 2))


class Plane:
    """A random mixture in white coordinates with a random M ⪰ 0, in floats, and what the proof says of a point x."""

    def __init__(self, seed: int, d: int = 2) -> None:
        rng = self.rng = np.random.default_rng(seed)
        K = int(rng.integers(1, 5))
        self.d, self.w, self.nu = d, rng.dirichlet(np.ones(K)), rng.normal(size=(K, d)) * rng.exponential()
        root = rng.normal(size=(d, d)) * 0.4
        self.M = root @ root.T
        self.N = float(np.linalg.norm(self.nu, axis=1).max())
        gaps = self.nu[:, None] - self.nu[None]
        self.width = float(np.linalg.norm(gaps, axis=2).max())
        self.V = min(self.N**2, self.width**2 / 2)

    def draw(self, n: int) -> Floats:
        labels = self.rng.choice(len(self.w), n, p=self.w)
        return np.asarray(self.nu[labels] + self.rng.normal(size=(n, self.d)))

    def shares(self, x: Floats) -> Floats:
        """p_k of x."""
        powers = self.nu @ self.M @ x
        found = self.w * np.exp(powers - powers.max())
        return np.asarray(found / found.sum())

    def centre(self, x: Floats) -> Floats:
        """y(x)."""
        return np.asarray(self.M @ x + self.shares(x) @ self.nu)

    def tilt(self, x: Floats, y: Floats) -> Floats:
        """ω(x, y) for the rows of y."""
        a = self.M @ x
        return np.asarray(np.exp(y @ a - a @ a / 2) / (self.w @ np.exp(self.nu @ a)))


# -- the steps of the proof -------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(seeds)
def test_the_weights_have_the_moments_that_are_claimed(seed: int) -> None:
    """E ω² and E ω²|h|² exactly, as sums over components, and E π_x's mean and the mean of ω h, which is 0."""
    at = Plane(seed)
    x = at.draw(1)[0] * 2
    a, p, least = at.M @ x, at.shares(x), at.w.min()
    powers, t = at.nu @ a, at.nu - at.shares(x) @ at.nu
    second = math.exp(a @ a) * (at.w @ np.exp(2 * powers)) / (at.w @ np.exp(powers)) ** 2
    assert second == pytest.approx(math.exp(a @ a) * np.sum(p**2 / at.w))
    assert second <= math.exp(a @ a) / least * (1 + 1e-12)
    sizes = at.d + np.sum((a + t) ** 2, axis=1)
    assert np.sum(p**2 / at.w * sizes) <= (at.d + a @ a + at.V) / least * (1 + 1e-12)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    grid = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    mass = np.outer(weights, weights).ravel() / (2 * math.pi)
    first, whole, square = 0.0, np.zeros(2), 0.0
    for w, nu in zip(at.w, at.nu, strict=True):
        y = nu + grid
        omega, h = at.tilt(x, y), y - at.centre(x)
        first += w * float(mass @ omega)
        whole = whole + w * (mass * omega) @ h
        square += w * float(mass @ (omega**2 * np.sum(h**2, axis=1)))
    if np.linalg.norm(a) < 3:  # where Gauss and Hermite see it
        assert first == pytest.approx(1, rel=1e-6)
        assert np.abs(whole).max() < 1e-6
        assert square <= math.exp(a @ a) / least * (at.d + a @ a + at.V) * (1 + 1e-6)


@settings(max_examples=50)
@given(seeds)
def test_the_loss_is_its_slope_and_its_bend(seed: int) -> None:
    at = Plane(seed)
    n = 30
    x, y = at.draw(n), at.draw(n)
    D = at.rng.normal(size=(2, 2)) * 0.3
    D = D + D.T

    def loss(M: Floats) -> float:
        scores = x @ M @ y.T
        return float(np.mean(np.log(np.exp(scores).mean(axis=1)) - np.diag(scores)))

    p = np.exp(x @ at.M @ y.T)
    p /= p.sum(axis=1, keepdims=True)
    centres = p @ y
    slope = float(np.mean(np.sum(x @ D * (centres - y), axis=1)))
    bends = np.log(np.sum(p * np.exp(x @ D @ y.T - np.sum(x @ D * centres, axis=1)[:, None]), axis=1))
    assert bends.min() >= -1e-12
    assert loss(at.M + D) - loss(at.M) == pytest.approx(slope + float(bends.mean()), abs=1e-10)


@settings(max_examples=100)
@given(seeds, st.floats(0.01, 5))
def test_a_log_of_a_mean_of_exponentials_bends(seed: int, b: float) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(6, 0.5))
    U = rng.normal(size=6) * rng.exponential() * 3
    U -= p @ U
    bent = math.log(b + math.exp(-b)) / b**2
    assert math.log(p @ np.exp(U)) >= bent * float(p @ (U**2 * (np.abs(U) <= b))) - 1e-12


@settings(max_examples=30)
@given(seeds)
def test_what_a_good_point_has(seed: int) -> None:
    """Step 5 on a line, with the deviations that a sample has in the place of t: each point bends by γ|v|² or more.

    The expectations over |h| ≤ s are found on a fine grid.
    """
    at = Plane(seed, d=1)
    s, grid = at.width + 1.5, np.linspace(-30, 30, 20_001)
    y = at.draw(400)
    for x in at.draw(5):
        a, centre, omega = at.M @ x, at.centre(x), at.tilt(x, y)
        density = sum(p * np.exp(-((grid - nu[0] - a[0]) ** 2) / 2) for p, nu in zip(at.shares(x), at.nu, strict=True))
        density = density / math.sqrt(2 * math.pi) * (grid[1] - grid[0])
        inside, near = np.abs(grid - centre[0]) <= s, np.abs(y[:, 0] - centre[0]) <= s
        columns = [np.stack([np.ones(len(z)), z - centre[0]]) for z in (grid, y[:, 0])]
        wanted = (columns[0] * (density * inside)) @ columns[0].T
        found = (columns[1] * (omega * near)) @ columns[1].T / len(y)
        whole = np.mean(omega * columns[1], axis=1) - [1, 0]
        t = max(float(np.linalg.norm(found - wanted)), float(np.linalg.norm(whole))) + 1e-6
        chance = gammainc(1.5, (s - at.width) ** 2 / 2)
        if t >= min(chance, 1):
            continue
        p = omega / omega.sum()
        shift = p @ y[:, 0]
        assert abs(shift - centre[0]) <= t / (1 - t)
        kept = float(p @ ((y[:, 0] - shift) ** 2 * near))
        assert kept >= (chance - t) / (1 + t)


# -- the numbers ------------------------------------------------------------------------------------------------------


def second_writing(instance: Instance, top: float, n: int, p: float, cuts: Cuts) -> tuple[float, float, float]:
    """σ, γη and b/ρ in floats, from the formulas of the docstring, components at the Cholesky root's coordinates."""
    nu = np.linalg.solve(
        np.linalg.cholesky(exact.to_floats(instance.shared.sigma)), exact.to_floats(instance.shared.mu)
    )
    w, d, q = np.array([float(x) for x in instance.shared.weights]), len(nu), np.linalg.matrix_rank(nu)
    T, s, t, Tp = (float(x) for x in astuple(cuts))
    squares = np.sum(nu**2, axis=0)
    N = math.sqrt(squares.max())
    width = max(float(np.linalg.norm(a - b)) for a in nu.T for b in nu.T)
    V, w0, bias = min(N**2, width**2 / 2), w.min(), float(instance.pairs.bias)
    f = 1 + math.sqrt((bias / w0 + 1 - bias) / n)

    def mean(theta: float, *powers: tuple[float, int, int]) -> float:
        """E e^{θ|z|²} Σ c |z|^i |x|^j, i and j of 0 or 2, with x² = z² + χ²_{d−q}."""
        found, rest = 0.0, 1 - 2 * theta
        for weight, square in zip(w, squares, strict=True):
            mass = weight * rest ** (-q / 2) * math.exp(theta * square / rest)
            z2 = square / rest**2 + q / rest
            z4 = z2**2 + 2 * q / rest**2 + 4 * square / rest**3
            values = {(0, 0): 1, (2, 0): z2, (0, 2): z2 + d - q, (2, 2): z4 + (d - q) * z2}
            values[0, 4] = z4 + 2 * (d - q) * z2 + (d - q) ** 2 + 2 * (d - q)
            found += mass * sum(c * values[i, j] for c, i, j in powers)
        return found

    theta = min(top**2, 0.25)
    a2 = mean(0, (d + 2 * width**2, 0, 2), (2 * top**2, 2, 2))
    Q = math.exp((top**2 - theta) * Tp**2) / w0 * mean(theta, (d + V, 0, 2), (top**2, 2, 2))
    Y = math.sqrt(4 * math.log(8 * n / p * 2 ** (d / 2) * float(w @ np.exp(squares / 2))))

    def size(at: float) -> float:
        return math.sqrt(mean(at, (1, 0, 2)) * mean(at, (2 * (Y + N) ** 2, 0, 0), (2 * top**2, 2, 0)))

    B = math.exp(-3 * Tp**2 / 8) * size(3 / 8)
    B += math.exp(-(t**2 * n - 2 * t) * w0 * math.exp(-(top**2) * Tp**2) / 2) * size(0)
    sigma = (math.sqrt(a2) + f * math.sqrt(Q) / (1 - t)) / math.sqrt(n * p / 2) + 8 * B / p
    K = math.exp((top**2 - theta) * T**2) / w0 * mean(theta, (1 + d + V, 0, 0), (top**2, 2, 0))
    G = f**2 * (2 + s**2) * K / (n * t**2)

    def chance(r: float) -> float:
        return float(gammainc((d + 2) / 2, max(r, 0) ** 2 / 2))

    eta = chance(T - N) - math.sqrt(8 * mean(0, (1, 0, 4)) / (n * p)) - 8 * T**2 * G / p
    gamma = (chance(s - width) - t) / (1 + t)
    return sigma, gamma * eta, T * (s + t / (1 - t))


THREE = Instance(
    AugmentedPairs(SharedGMM(("1/2", "1/3", "1/6"), ((1, 0, 2), (-1, 1, 0), (0, -2, 1)), "2"), Fraction(3, 5)), 3
)


@pytest.mark.parametrize("instance", [WITNESS, HALF, THREE], ids=["witness", "half", "three"])
@pytest.mark.parametrize("n", [1000, 10**9])
def test_a_second_writing_gives_the_same_numbers(instance: Instance, n: int) -> None:
    law, rng = Law.of(instance), random.Random(n)
    for _ in range(5):
        cuts = Cuts(*(Fraction(rng.randint(1, 99), 10) for _ in range(2)), Fraction(rng.randint(1, 9), 10), Fraction(7))
        found = rise(law, n, P, cuts)
        sigma, bend, stretch = second_writing(instance, exact.to_float(law.top), n, float(P), cuts)
        assert float(found.slope) == pytest.approx(sigma, rel=1e-9)
        assert float(found.stretch) == pytest.approx(stretch, rel=1e-12)
        if bend > 0 and found.bend > 0:
            assert float(found.bend) == pytest.approx(bend, rel=1e-9)


@pytest.mark.parametrize("instance", [WITNESS, HALF, THREE, line(Fraction(3))], ids=["witness", "half", "three", "far"])
def test_the_bound_of_the_minimiser_holds_with_and_without_a_certificate(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = np.linalg.cholesky(exact.to_floats(instance.shared.sigma))
    A = root.T @ minimise("infonce", instance).maps["A"]
    largest = float(np.linalg.eigvalsh(A @ A.T).max())
    assert largest - 1e-9 <= exact.to_float(Law.of(instance).top) <= 1.15 * largest + 1e-6

    def none(*_: object) -> None:
        raise OutOfReachError

    monkeypatch.setattr(module, "infonce_proposals", none)
    assert exact.to_float(Law.of(instance).top) >= largest


def test_nothing_is_to_be_learnt_where_all_means_are_equal() -> None:
    alike = Instance(AugmentedPairs(SharedGMM(("1/2", "1/2"), ((0, 0), (0, 0)))), 2)
    assert Law.of(alike).top == 0
    assert Law.of(alike).q == 0
    assert radius(alike, 10**9, P).rho is not None


def test_a_radius_clears_and_is_nearly_the_least() -> None:
    found = radius(HALF, 10**8, P)
    assert found.rho is not None
    assert found.rise.clears(found.rho)
    assert not found.rise.clears(found.rho * Fraction(99, 100))
    sigma, bend, stretch = (float(x) for x in found.rise)
    for share in (0.5, 0.99, 1.0, 1.5):  # σ < κ(ρ)ρ, as the theorem has it
        rho = share * float(found.rho)
        b = stretch * rho
        kappa = math.log(b + math.exp(-b)) / b**2 * bend
        assert found.rise.clears(Fraction(rho)) is (sigma < kappa * rho)
    assert not Rise(found.rise.slope * 100, *found.rise[1:]).clears(found.rho)
    assert not Rise(found.rise.slope, arb(-1), found.rise.stretch).clears(found.rho)
    assert not Rise(found.rise.slope, arb(0, 1), found.rise.stretch).clears(found.rho)  # of a sign that is not known


def test_more_pairs_and_less_certainty_give_a_smaller_radius() -> None:
    at = [radius(HALF, n, P).rho for n in (10**5, 10**7, 10**8, 10**9, 10**12)]
    assert at[0] is None
    found = [x for x in at if x is not None]
    assert len(found) == 4
    assert found == sorted(found, reverse=True)
    assert 20 < found[-2] / found[-1] < 40  # of order 1/√n: a factor √1000 for 1000 times as many
    sure, unsure = (radius(HALF, 10**8, p).rho for p in (Fraction(1, 100), Fraction(1, 4)))
    assert sure is not None
    assert unsure is not None
    assert sure > unsure
    needed = pairs_needed(HALF, found[1], P)
    assert 0.9 * 10**8 < needed <= 1.03 * 10**8
    assert slope_bound(HALF, 10**6, P) < slope_bound(HALF, 10**5, P)


def test_coordinates_and_the_order_of_components_do_not_matter() -> None:
    mixture = THREE.shared
    turn = exact.matrix([[1, 2, 0], [0, 1, -1], [1, 0, 1]])
    means = exact.to_rows((turn * mixture.mu).transpose())
    covariance = exact.to_rows(turn * mixture.sigma * turn.transpose())
    moved = Instance(AugmentedPairs(SharedGMM(mixture.weights[::-1], means[::-1], covariance), THREE.pairs.bias), 3)
    first, second = Law.of(THREE), Law.of(moved)
    assert sorted(first.squares) == sorted(second.squares)
    assert (first.d, first.q, first.diameter2) == (second.d, second.q, second.diameter2)
    assert exact.to_float(first.top) == pytest.approx(exact.to_float(second.top), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: radius(HALF, 1, P), "n"),
        (lambda: radius(HALF, 10.5, P), "n"),
        (lambda: radius(HALF, True, P), "n"),
        (lambda: radius(HALF, 10, 0.05), "p"),
        (lambda: radius(replace(WITNESS, rank=1), 10, P), "rank"),
        (lambda: pairs_needed(HALF, 0.05, P), "rho"),
        (lambda: radius(HALF, 10, Fraction(1)), "p"),
        (lambda: slope_bound(HALF, 10, Fraction(0)), "p"),
        (lambda: pairs_needed(HALF, Fraction(0), P), "rho"),
        (lambda: pairs_needed(HALF, Fraction(1, 10**30), P), "rho"),
    ],
)
def test_what_is_no_question_is_refused(call, field) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field


# -- samples ----------------------------------------------------------------------------------------------------------


def test_the_slope_leaves_its_bound_no_more_often_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_radius, "tried", sample_radius.tried.__wrapped__)  # the bound changes: nothing is kept
    seen = sample_radius.examine(WITNESS)
    assert seen.outcome is Outcome.UNDECIDED
    assert "in 0 of 40" in seen.reason
    assert sample_radius.margin(WITNESS) < 0
    tight = slope_bound(WITNESS, sample_radius.PAIRS, sample_radius.P) / 100
    monkeypatch.setattr(sample_radius, "slope_bound", lambda *_: tight)  # a bound that is wrong is seen
    assert sample_radius.examine(WITNESS).outcome is Outcome.FAILED
    assert sample_radius.margin(WITNESS) > 0


def test_a_bound_beyond_floats_is_a_bound() -> None:
    rare = SharedGMM(("1/1000", "999/1000"), ((100,), (Fraction(-100, 999),)))
    instance = Instance(AugmentedPairs(rare), 1)
    assert slope_bound(instance, sample_radius.PAIRS, sample_radius.P) > 10**308
    assert sample_radius.margin(instance) < 0


@pytest.mark.parametrize("p", [Fraction(3, 8), Fraction(1, 20)])
def test_chance_is_computed_exactly(p: Fraction) -> None:
    for failures in (0, 3, 20):
        wanted = binom.sf(failures - 1, 20, float(p))
        assert float(sample_radius.at_least(failures, 20, p)) == pytest.approx(wanted, rel=1e-9)
    assert sample_radius.at_least(0, 20, p) == 1


def test_slopes_of_samples_have_the_size_of_noise() -> None:
    """They shrink like 1/√n, and their mean over a large sample vanishes: the population's slope is the right one."""
    rng = np.random.default_rng(5)
    few, many = (sample_radius.slopes(WITNESS, n, 30, rng).mean() for n in (100, 1600))
    assert 3 < few / many < 5.5


def test_a_large_sample_is_within_its_radius() -> None:
    """n = 10⁷ pairs on a line, where the radius says something: |M̂ − M*| ≤ ρ < M*, and is a hundredth of it."""
    n, best = 10**7, float((minimise("infonce", HALF).maps["A"] ** 2).sum())
    found = radius(HALF, n, P).rho
    assert found is not None
    assert float(found) < best
    sample = OnALine(*(z[:, 0] for z in HALF.pairs.sample(n, np.random.default_rng(1))), best + float(found))
    assert sample.derivative(best - float(found)) < 0 < sample.derivative(best + float(found))  # L̂ is convex
    assert sample.derivative(best - float(found) / 40) < 0 < sample.derivative(best + float(found) / 40)


# -- the statement ----------------------------------------------------------------------------------------------------


def test_the_statement_is_conditional_on_one_thing() -> None:
    report = sample_radius.STATEMENT.checked
    assert report is not None
    assert [a.name for a in report.assumed] == ["rises-around"]
    assert "RisesAround" in str(report.assumed[0])
    assert judge(sample_radius.STATEMENT).standing is Standing.CONDITIONAL
    assert {h.name for h in sample_radius.STATEMENT.hypotheses} >= set(report.used)
    for name in ("MinimisesInfoNCE", "MinimisesSampleInfoNCE", "GramDistance"):
        assert name in report.conclusion


def test_tilted_moments_contain_those_of_the_law() -> None:
    law = Law.of(THREE)
    at = law.moments(fmpq(0))
    R = exact.to_floats(THREE.shared.R) / 2  # Σ = 2I
    assert float(at.x2) == pytest.approx(np.trace(R))
    assert float(at.one) == pytest.approx(1)
