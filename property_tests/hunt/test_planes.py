"""The margin on a plane: its derivatives against differences, its slope against the minimiser over all maps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from thmverify.hunting.drafts import Draft
from thmverify.hunting.jobs import refute
from thmverify.hunting.margins import optimum, plane
from thmverify.hunting.screen import looks_true
from thmverify.hunting.space import Columns, Mixtures, means, weights
from thmverify.minimize.energy import LogSumExpTerm, SharedEnergy
from thmverify.models import Floats
from thmverify.theorems.infonce import infonce_equality, infonce_equality_biased


def mixtures(K: int, n: int) -> tuple[Floats, Floats]:
    """Weights (n, K), some of them tiny, and centred means (n, K, 2) that span the plane clearly, Σ = I."""
    columns = Columns(np.random.default_rng(K).standard_normal((n, 3 * K + 1)))
    w = weights(columns, K, equal=False)
    found = Mixtures(w, means(columns, w, 2, True), np.broadcast_to(np.eye(2), (n, 1, 2, 2)))
    found = found.where(found.well_conditioned(2))
    return found.weights, found.means


def one_by_one(w: Floats, mu: Floats, delta: float) -> Floats:
    """The margins by minimising over all maps."""
    return np.array([optimum.deficiency(*pair, delta) for pair in zip(w, np.moveaxis(mu, -1, -2), strict=True)])


@pytest.mark.parametrize("delta", [1.0, 0.7])
def test_values_and_slopes_are_those_of_the_loss(delta):
    w_all, mu_all = mixtures(3, 6)
    p = np.random.default_rng(0).standard_normal((len(w_all), 2)) / 3
    seen = plane.Plane(w_all, mu_all, delta).at(*p.T)
    for i, (w, mu) in enumerate(zip(w_all, mu_all, strict=True)):
        S, mean = (mu.T * w) @ mu, w @ mu
        C = delta * S + (1 - delta) * np.outer(mean, mean)
        whole = SharedEnergy(C, S, LogSumExpTerm(w, mu.T, mu.T)).point(np.outer(p[i], p[i]))
        across = np.array([-p[i, 1], p[i, 0]]) / np.linalg.norm(p[i])
        assert seen.value[i] == pytest.approx(whole.value, rel=1e-9, abs=1e-12)
        assert seen.slope[i] == pytest.approx(across @ whole.gradient @ across, rel=1e-7, abs=1e-9)


def test_derivatives_are_differences():
    w, mu = mixtures(4, 6)
    surface = plane.Plane(w, mu, 0.7)
    p = np.random.default_rng(1).standard_normal((len(w), 2)) / 3
    u = p / np.linalg.norm(p, axis=1)[:, None]
    v = np.stack([-u[:, 1], u[:, 0]], axis=1)
    h, here = 1e-4, surface.at(*p.T)

    def value(i: int, j: int) -> Floats:
        return surface.at(*(p + h * (i * u + j * v)).T).value

    def near(left: Floats, right: Floats) -> bool:
        return np.allclose(left, right, rtol=1e-4, atol=1e-5 * (1 + np.abs(right).max()))

    assert near((value(1, 0) - value(-1, 0)) / (2 * h), here.g1)
    assert near((value(0, 1) - value(0, -1)) / (2 * h), here.g2)
    assert near((value(1, 0) + value(-1, 0) - 2 * here.value) / h**2, here.h11)
    assert near((value(0, 1) + value(0, -1) - 2 * here.value) / h**2, here.h22)
    mixed = value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)
    assert near(mixed / (4 * h**2), here.h12)


@pytest.mark.parametrize(("K", "delta"), [(3, 0.7), (3, 1.0), (5, 0.3)])
def test_the_slope_says_what_the_minimiser_over_all_maps_does(K, delta):
    w, mu = mixtures(K, 60)
    fast, slow = plane.plane_margins(w, mu, delta), one_by_one(w, mu, delta)
    told = ~np.isnan(fast)
    assert told.mean() > 0.9
    assert np.array_equal(fast[told] > 0, slow[told] > 0)


def test_the_margin_is_about_minus_one_for_small_means_and_no_less_clear_for_large_ones():
    w = np.full((1, 4), 1 / 4)
    mu = np.array([[[1.0, 0.3], [-0.4, 1.0], [-0.9, -0.2], [0.3, -1.1]]])
    small, unit, *large = (float(plane.plane_margins(w, mu * size, 1.0)[0]) for size in (1e-2, 1, 4, 16, 64))
    assert small == pytest.approx(-1, abs=1e-3)
    assert unit < -0.1
    assert all(margin < -0.1 for margin in large)


@pytest.mark.parametrize(
    "statement", [infonce_equality.STATEMENT, infonce_equality_biased.STATEMENT], ids=lambda statement: statement.id
)
def test_the_counterexamples_on_record_have_positive_margins(statement):
    seen = 0
    for counterexample in statement.counterexamples:
        pairs = counterexample.instance.model
        if pairs.mixture.dimension == 2:
            w, mu = (np.array(x, float)[None] for x in (pairs.mixture.weights, pairs.mixture.means))
            (found,) = plane.plane_margins(w, mu, float(pairs.bias))
            if not np.isnan(found):  # the one of the least weight is beyond floats
                assert found > 0
                assert one_by_one(w, mu, float(pairs.bias))[0] > 0
                seen += 1
    assert seen


def test_a_turn_changes_nothing_and_neither_does_the_order_of_components():
    w, mu = mixtures(4, 40)
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    here = plane.plane_margins(w, mu, 0.7)
    turned = plane.plane_margins(w[:, ::-1], mu[:, ::-1] @ turn, 0.7)
    assert np.allclose(here, turned, rtol=1e-5, equal_nan=True)


def test_a_batch_is_many_times_faster_than_its_mixtures_one_by_one():
    """As a ratio, in the same run and on the same points, to one minimisation over all maps after another."""
    w, mu = mixtures(4, 256)

    def spent(function: Callable[[], object]) -> float:
        start = time.process_time()
        function()
        return time.process_time() - start

    fast = min(spent(lambda: plane.plane_margins(w, mu, 1.0)) for _ in range(3)) / len(w)
    slow = spent(lambda: one_by_one(w[:12], mu[:12], 1.0)) / 12
    assert fast * 5 < slow


UGLY = Draft(
    kind="shared-gmm",
    components=3,
    weights=(Fraction(1, 14), Fraction(1, 750)),
    means=(((Fraction(-25, 2), Fraction(-1, 31)), (Fraction(-22), Fraction(1))),),
    covariances=(),
    bias=Fraction(1),
)


def test_what_looks_true_is_never_refuted_and_saves_the_kernel_most_of_the_work():
    """Drafts near one another, some refuted: whatever is passed over has no refutation."""
    rng = np.random.default_rng(5)
    passed = refuted = 0
    for _ in range(12):
        numbers = [x * Fraction(round(float(rng.uniform(0.8, 1.25)), 2)) for x in UGLY.numbers]
        draft = UGLY.with_numbers(numbers)
        found = refute("infonce-equality", draft)
        refuted += found is not None
        if looks_true("infonce-equality", draft):
            passed += 1
            assert found is None
    assert passed >= 3
    assert refuted >= 1


def test_nothing_is_passed_over_that_floats_do_not_tell_quickly():
    assert not looks_true("infonce-equality", replace(UGLY, rank=1))
    assert not looks_true("infonce-inclusion", UGLY)
    assert not looks_true("infonce-equality", replace(UGLY, bias=Fraction(0)))
