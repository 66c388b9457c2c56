"""Balls of lattice points: they contain what is known otherwise, however coarse, and refuse what does not fit."""

from __future__ import annotations

import itertools
import math
import random
from functools import partial
from typing import Any

import numpy as np
import pytest
from flint import acb, arb, arb_mat, ctx, fmpq, fmpq_mat

from property_tests.kernel.library import softmax_points
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying.grids import propose_ball, written
from thmverify.kernel import Rejected, balls
from thmverify.kernel.balls import Ball, check_balls, dual_error, halves, pair_moments, read_ball
from thmverify.kernel.integrals import Axis, read_grids, softmax_moments
from thmverify.kernel.models import Mixture
from thmverify.testing import MULTIPLIER, Seeded

SEEDS = pytest.mark.parametrize("seed", range(8 * MULTIPLIER))
NATS = (2.0, 5.0, 12.0, 25.0)


def problem(seed: int, rho: int, K: int = 4) -> tuple[Mixture, fmpq_mat, fmpq_mat]:
    """A law, and logits b_k·Dᵀt in ρ dimensions."""
    source = Seeded(random.Random(seed))
    mixture = st.shared_gmm(source, components=K, dimension=rho, hostile=False)
    law = Mixture(mixture.w, mixture.mu, [mixture.sigma] * K)
    b = st.rational_matrix(source, rho, K, 1)
    first = exact.submatrix(b, range(rho), [0])
    return law, exact.identity(rho), b - first * fmpq_mat(1, K, [1] * K)


def moments(law: Mixture, D: fmpq_mat, b: fmpq_mat, ball: Ball, j: int = 0) -> tuple[list[arb], arb_mat]:
    mean = D.transpose() * exact.submatrix(law.means, range(law.means.nrows()), [j])
    return pair_moments(law.weights, b, mean, D.transpose() * law.covariances[j] * D, ball)


def proposed(law: Mixture, D: fmpq_mat, b: fmpq_mat, nats: float, j: int = 0) -> Ball:
    return read_ball(written(propose_ball(law, j, D, b, nats).ball), "a ball")


def overlap(a: arb_mat, b: arb_mat) -> bool:
    return all(x.overlaps(y) for x, y in zip(a.entries(), b.entries(), strict=True))


@SEEDS
def test_pairs_on_the_line_agree_with_adaptive_integration(seed):
    law, D, b = problem(seed, 1)
    mean, variance = law.means[0, 0], law.sigma[0, 0]
    with ctx.workprec(128):

        def integrand(k: int, n: int, q: acb, _: bool) -> acb:
            below = sum((acb(w) * (acb(b[0, i] - b[0, k]) * q).exp() for i, w in enumerate(law.weights)), acb(0))
            other = (acb(b[0, n] - b[0, k]) * q).exp()
            density = (-((q - acb(mean)) ** 2) / (2 * acb(variance))).exp() / (2 * acb(variance) * acb.pi()).sqrt()
            return density * acb(law.weights[k] * law.weights[n]) * other / below**2

        reach, truth = 12 * arb(variance).sqrt(), {}
        ends = acb(mean) - acb(reach), acb(mean) + acb(reach)
        for k, n in itertools.combinations_with_replacement(range(4), 2):
            inside = acb.integral(partial(integrand, k, n), *ends, abs_tol=arb(10) ** -18, rel_tol=arb(10) ** -18)
            truth[k, n] = inside.real + arb(0, 1e-30)
    for nats in NATS:
        with ctx.workprec(128):
            _, pairs = moments(law, D, b, proposed(law, D, b, nats))
        for (k, n), value in truth.items():
            assert pairs[k, n].overlaps(value)
            assert float(pairs[k, n].rad()) < 3 * math.exp(-nats)


@SEEDS
@pytest.mark.parametrize("rho", [2, 3, 5])
def test_coarse_balls_are_wide_and_still_right(seed, rho):
    """Every accuracy has to overlap every other; the weights add up to 1, and the pairs to the weights."""
    law, D, b = problem(seed, rho)
    with ctx.workprec(96):
        found = [moments(law, D, b, proposed(law, D, b, nats)) for nats in (NATS if rho < 5 else NATS[:2])]
    for (single, pairs), (other, others) in itertools.combinations(found, 2):
        assert overlap(pairs, others)
        assert all(x.overlaps(y) for x, y in zip(single, other, strict=True))
    for single, pairs in found:
        assert sum(single, arb(0)).contains(1)
        assert all(sum(row, arb(0)).overlaps(x) for row, x in zip(pairs.tolist(), single, strict=True))


@SEEDS
def test_balls_agree_with_boxes(seed):
    """Two rules that have no lemma in common: E[p_k t] by pairs and Stein's identity, and by moments."""
    law, D, b = problem(seed, 2, 3)
    if b.rank() < 2:
        return
    L = np.linalg.cholesky(exact.to_floats(law.sigma))
    with ctx.workprec(96):
        boxes = []
        for centre in np.linalg.solve(L, exact.to_floats(law.means)).T:
            boxes.append([Axis(fmpq(1, 8), range(int(8 * x) - 56, int(8 * x) + 57), fmpq(1, 5)) for x in centre])
        other = softmax_points(law, D, b, boxes)
        for nats in NATS:
            grids = read_grids([written(propose_ball(law, j, D, b, nats).ball) for j in range(3)], "grids")
            assert overlap(softmax_points(law, D, b, grids), other)


@pytest.mark.parametrize("far", [3, 30, 3000])
def test_far_components_are_dropped_and_bounded(far):
    """p_2 is small under the first component; whether it is dropped or kept, the enclosures overlap."""
    law = Mixture([fmpq(1, 3)] * 3, fmpq_mat([[0, 1, far], [0, 1, 0]]), [exact.identity(2)] * 3)
    b = fmpq_mat([[0, 1, far], [0, fmpq(1, 2), 0]]) * fmpq(1, 1 + far // 10)
    D = exact.identity(2)
    with ctx.workprec(128):
        found = []
        for r, active in enumerate(([0], [0, 1], [0, 1, 2])):
            ball = Ball(active, exact.identity(r), [fmpq(1, 64)] * r, fmpq(7, 2), fmpq(4))
            found.append(moments(law, D, b, ball))
        for (single, pairs), (other, others) in itertools.combinations(found, 2):
            assert overlap(pairs, others)
            assert all(x.overlaps(y) for x, y in zip(single, other, strict=True))
        assert float(moments(law, D, b, proposed(law, D, b, 12.0))[0][2].upper()) < 1


def dual_norms(r: int, reach: int) -> list[float]:
    """The lengths of the m ≠ 0 with an even sum and entries up to `reach`."""
    points = itertools.product(range(-reach, reach + 1), repeat=r)
    return [math.hypot(*m) for m in points if any(m) and sum(m) % 2 == 0]


@pytest.mark.parametrize("r", [1, 2, 3, 4])
def test_the_dual_sum_is_bounded_and_no_guess(r):
    with ctx.workprec(96):
        for width in ("1/2", "1", "3"):
            ball = Ball([0], exact.identity(r), [fmpq(1)] * r, fmpq(1), fmpq(width) if "/" not in width else fmpq(1, 2))
            a = 0.5 if "/" in width else float(width)
            truth = sum(math.exp(-2 * math.pi * a * length) for length in dual_norms(r, 5)) * math.exp(a * a / 2)
            bound = float(dual_error(arb_mat(1, r), ball))
            assert truth * (1 - 1e-12) <= bound <= truth * 1.02


@pytest.mark.parametrize("h", [1, 2, 3])
def test_the_lattice_error_is_not_a_guess(h):
    """No slopes: the sum of φ over hZ ∪ h(Z + ½) is off by 2e^{−8π²/h²} and a little more."""
    with ctx.workprec(200):
        ball = Ball([0], exact.identity(1), [fmpq(h)], fmpq(40), fmpq(4, h))
        total = balls.pair_sums(balls.Logits([arb(1)], arb_mat(1, 1)), ball)[0, 0]
        off = abs(total - 1)
        assert off > 1.9 * math.exp(-8 * math.pi**2 / h**2)
        assert dual_error(arb_mat(1, 1), ball) > off


@SEEDS
def test_the_nodes_contain_the_ball_once(seed):
    rng = random.Random(seed)
    r, radius = rng.randint(0, 4), fmpq(rng.randint(1, 9), 2)
    ball = Ball([0], exact.identity(r), [fmpq(rng.randint(3, 9), 4) for _ in range(r)], radius, fmpq(1))
    found: list[tuple[fmpq, ...]] = []
    for outer, inner, blocks in halves(ball):
        for start, stop, reach in blocks:
            found += [(*x, *y) for _, x in outer[start:stop] for _, y in inner[:reach]]
    assert r == 0 or len(set(found)) == len(found)
    for shift in (fmpq(0), fmpq(1, 2)):
        reach = [math.ceil(4.5 / float(exact.to_fraction(h))) + 1 for h in ball.steps]
        for n in itertools.product(*(range(-m, m + 1) for m in reach)):
            u = tuple(h * (k + shift) for h, k in zip(ball.steps, n, strict=True))
            assert sum((x * x for x in u), fmpq(0)) > radius**2 or u in found


GOOD: dict[str, Any] = {"active": ["0", "1"], "frame": [["1"]], "steps": ["1/2"], "radius": "5", "width": "1"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"active": []}, "active components"),
        ({"active": ["1", "0"]}, "active components"),
        ({"active": ["0", "0"]}, "active components"),
        ({"active": ["0", "9"]}, "more active components"),
        ({"active": ["0"]}, "dimensions"),
        ({"steps": ["0"]}, "not positive"),
        ({"steps": ["-1"]}, "not positive"),
        ({"steps": ["1/2", "1/2"]}, "dimensions"),
        ({"steps": ["1"] * 9}, "more than 8 axes"),
        ({"steps": ["1/100000"]}, "too many points"),
        ({"frame": [["1", "0"]]}, "dimensions"),
        ({"width": "40"}, "too wide"),
        ({"width": "0"}, "tube"),
        ({"width": "1/1000"}, "too coarse"),
        ({"radius": "-1"}, "radius"),
        ({"more": "1"}, "exactly the fields"),
    ],
)
def test_what_does_not_fit_is_refused(change, reason):
    law = Mixture([fmpq(1, 2)] * 2, fmpq_mat([[1, -1]]), [exact.identity(1)] * 2)
    D, b = exact.identity(1), fmpq_mat([[0, 1]])
    moments(law, D, b, read_ball(GOOD, "a ball"))
    with pytest.raises(Rejected, match=reason):
        moments(law, D, b, read_ball(GOOD | change, "a ball"))


def test_too_much_work_is_refused_before_it_is_done():
    ball = Ball([0, 1], exact.identity(6), [fmpq(1, 2)] * 6, fmpq(6), fmpq(1))
    with pytest.raises(Rejected, match="too much work"):
        check_balls([ball], 7)


def test_balls_are_for_straight_logits():
    law = Mixture([fmpq(1, 2)] * 2, fmpq_mat([[1, -1]]), [exact.identity(1), exact.identity(1) * 2])
    D, targets = exact.identity(1), [fmpq_mat([[1], [0]]), fmpq_mat([[0], [1]])]
    bends = [fmpq_mat([[0]]), fmpq_mat([[1]])]
    with pytest.raises(Rejected, match="straight"):
        softmax_moments(law, D, fmpq_mat([[0, 1]]), targets, [read_ball(GOOD, "a ball")] * 2, bends)


def test_a_singular_frame_is_refused():
    law = Mixture([fmpq(1, 2)] * 2, fmpq_mat([[1, -1]]), [exact.identity(1)] * 2)
    with pytest.raises(ZeroDivisionError):  # a rejection where the rules are called
        moments(law, exact.identity(1), fmpq_mat([[0, 1]]), read_ball(GOOD | {"frame": [["0"]]}, "a ball"))
