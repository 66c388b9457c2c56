"""Containment: what is known exactly lies in the ball; THMVERIFY_MULTIPLIER=n tests n times as many rationals."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy.special import erfc

from property_tests.kernel import second_opinion
from property_tests.kernel.library import softmax_points
from thmverify import exact
from thmverify import testing as st
from thmverify.certifying.grids import propose, rational, whitening
from thmverify.kernel import Rejected
from thmverify.kernel.integrals import Adaptive, Axis, Whitened, gauss, lattice_error, lattice_sums, read_grids, tail
from thmverify.kernel.linear import (
    certainly_definite,
    cholesky,
    dual_norm_squared,
    inertia,
    null_space,
    within,
)
from thmverify.kernel.models import Mixture
from thmverify.testing import MULTIPLIER, Seeded

SEEDS = pytest.mark.parametrize("seed", range(12 * MULTIPLIER))


def matrices(seed: int, n: int) -> tuple[fmpq_mat, fmpq_mat]:
    """A random matrix and a random positive definite one."""
    source = Seeded(random.Random(seed))
    a = st.rational_matrix(source, n, n)
    return a, a * a.transpose() + exact.identity(n) * fmpq(1, 1 + seed)


def contains(balls: arb_mat, truth: fmpq_mat) -> bool:
    return all(ball.contains(arb(x)) for ball, x in zip(balls.entries(), truth.entries(), strict=True))


@SEEDS
def test_ball_algebra_contains_the_exact_answer(seed):
    n = 1 + seed % 5
    a, definite = matrices(seed, n)
    with ctx.workprec(40 + seed % 60):
        L = cholesky(arb_mat(definite))
        low = L * L.transpose()
        inverse, norm = arb_mat(definite).inv(), dual_norm_squared(arb_mat(a), definite, exact.identity(n))
    with ctx.workprec(4000):
        assert contains(low, definite)
        assert contains(inverse, definite.inv())
        assert norm.contains(arb(exact.trace(definite.inv() * a * a.transpose())))


@SEEDS
def test_definiteness_agrees_with_the_exact_decomposition(seed):
    n = 1 + seed % 5
    a, definite = matrices(seed, n)
    symmetric = exact.symmetrise(a)
    low_rank = exact.submatrix(a, range(n), range(n // 2)) if n > 1 else a * 0
    for m in (definite, symmetric, low_rank * low_rank.transpose(), -definite):
        assert (inertia(m)[0] == n) == exact.is_positive_definite(m)
        assert (inertia(m)[1] == 0) == exact.is_positive_semidefinite(m)
        assert sum(inertia(m)) == m.rank()
        assert not certainly_definite(arb_mat(m)) or exact.is_positive_definite(m)
    assert exact.is_zero(a * null_space(a))
    assert null_space(a).ncols() == n - a.rank()
    assert within(a * definite, a)


def law(seed: int, hostile: bool = False) -> Mixture:
    source = Seeded(random.Random(1000 + seed))
    mixture = st.shared_gmm(source, components=(2, 4), dimension=(1, 3), hostile=hostile)
    found = Mixture(mixture.w, mixture.mu, [mixture.sigma] * len(mixture.w))
    return found.reduced(found.fisher * rational(whitening(found), found.m)) if found.m else found


def problem(seed: int) -> tuple[Mixture, fmpq_mat, fmpq_mat] | None:
    """t's law and logits b_k·Dᵀt with at most two dimensions."""
    found = law(seed)
    source = Seeded(random.Random(2000 + seed))
    rho = min(found.means.nrows(), 1 + seed % 2)
    D = st.rational_matrix(source, found.means.nrows(), rho, 1)
    return (found, D, D.transpose() * found.offsets) if D.rank() == rho else None


def grids_of(found: Mixture, D: fmpq_mat, b: fmpq_mat, nats: float) -> object:
    return propose(found, D, b, nats).grids


@SEEDS
def test_softmax_weights_add_up_to_one(seed):
    """Σ_k E[p_k t] = μ̄, exactly."""
    drawn = problem(seed)
    if drawn is None:
        return
    found, D, b = drawn
    for nats in (6.0, 12.0, 25.0):
        with ctx.workprec(128):
            points = softmax_points(found, D, b, read_grids(grids_of(found, D, b, nats), "grids"))
            totals = arb_mat(points.nrows(), 1, [sum(row, arb(0)) for row in points.tolist()])
        assert contains(totals, found.mean)


@SEEDS
def test_grids_and_engines_agree_with_each_other_and_the_second_opinion(seed, monkeypatch):
    monkeypatch.setattr(second_opinion, "NATS", {1: 8})
    drawn = problem(seed)
    if drawn is None:
        return
    found, D, b = drawn
    with ctx.workprec(128):
        answers = [
            softmax_points(found, D, b, read_grids(grids_of(found, D, b, nats), "grids")) for nats in (7.0, 16.0, 30.0)
        ]
        if b.rank() == 1:
            answers.append(softmax_points(found, D, b, [Adaptive(12, 60)] * len(found.weights)))
            assert max(float(x.rad()) for x in answers[-1].entries()) < 1e-9
    for other in answers[1:]:
        for x, y in zip(answers[0].entries(), other.entries(), strict=True):
            assert x.overlaps(y)
    if b.rank() <= 1:
        rows = exact.to_rows
        slow = second_opinion.Law(
            [exact.to_fraction(w) for w in found.weights],
            [list(r) for r in rows(found.means)],
            [list(r) for r in rows(found.sigma)],
        )
        intervals = second_opinion.softmax_points(slow, [list(r) for r in rows(D)], [list(r) for r in rows(b)])
        for i, row in enumerate(intervals):
            for k, entry in enumerate(row):
                x = second_opinion.interval(entry)
                assert not (answers[2][i, k] > arb(fmpq(x.hi.numerator, x.hi.denominator)))
                assert not (answers[2][i, k] < arb(fmpq(x.lo.numerator, x.lo.denominator)))


@SEEDS
def test_a_coarse_lattice_is_wide_and_still_right(seed):
    """Steps and boxes far too small for the job: the bound has to carry the error."""
    drawn = problem(seed)
    if drawn is None or drawn[2].rank() != 1:
        return
    found, D, b = drawn
    with ctx.workprec(128):
        truth = softmax_points(found, D, b, [Adaptive(14, 60)] * len(found.weights))
        for h, count, a in (("2", "13", "1/10"), ("1", "9", "1/4"), ("1/2", "61", "1/3")):
            first = str(-(int(count) // 2))
            try:
                rough = softmax_points(found, D, b, read_grids([[[h, first, count, a]]] * len(found.weights), "grids"))
            except Rejected:
                continue
            assert all(x.overlaps(y) for x, y in zip(rough.entries(), truth.entries(), strict=True))


def test_the_error_bound_is_not_a_guess():
    """One component at 0 with no slope: the lattice sum of φ is off by 2e^{−2π²/h²} and a little more."""
    with ctx.workprec(200):
        for h in ("1", "2", "3"):
            axis = Axis(fmpq(int(h)), range(-20, 21), fmpq(2))
            only = Whitened([arb(1)], [arb(0)], arb_mat(1, 1), [])
            off = abs(lattice_sums(only, [axis])[0,][0] - 1)
            assert off > 1.9 * math.exp(-2 * math.pi**2 / int(h) ** 2)
            assert lattice_error(only, [axis]) > off


@SEEDS
def test_straight_logits_are_summed_as_bent_ones_that_are_not_and_node_by_node(seed):
    rng, rho, K = random.Random(seed), 1 + seed % 3, 2 + seed % 2
    axes = [Axis(fmpq(1, 1 + a), range(-2 - a, 4), fmpq(1)) for a in range(rho)]
    with ctx.workprec(60 + seed):
        centre = [arb(rng.randint(-3, 3)) / 4 for _ in axes]
        slopes = arb_mat([[arb(rng.randint(-5, 5)) / 3 for _ in axes] for _ in range(K)])
        law = Whitened([arb(1) / (k + 2) for k in range(K)], centre, slopes, [], 1 + seed % 2)
        straight = lattice_sums(law, axes)
        assert straight.keys() == {n for n in itertools.product(range(3), repeat=rho) if sum(n) <= law.order}
        bent = lattice_sums(law._replace(bends=[arb_mat(rho, rho)] * K), axes)
        direct = {n: [arb(0)] * K for n in straight}
        for node in itertools.product(*([arb(x.h * i) for i in x.steps] for x in axes)):
            shares = [
                w * x.exp() for w, x in zip(law.weights, (slopes * arb_mat([[x] for x in node])).entries(), strict=True)
            ]
            u = [x - c for x, c in zip(node, centre, strict=True)]
            cell = math.prod((arb(x.h) * gauss(y) for x, y in zip(axes, u, strict=True)), start=arb(1)) / sum(
                shares, arb(0)
            )
            for n, total in direct.items():
                power = math.prod((y for y, i in zip(u, n, strict=True) for _ in range(i)), start=cell)
                direct[n] = [old + x * power for old, x in zip(total, shares, strict=True)]
        for n, sums in straight.items():
            assert all(x.overlaps(y) and x.overlaps(z) for x, y, z in zip(sums, bent[n], direct[n], strict=True))
            assert all(x.rad() < arb(2) ** (10 - ctx.prec) for x in sums)


@SEEDS
def test_tails_bound_the_tail(seed):
    R = Fraction(seed + 1, 3)
    with ctx.workprec(80):
        bound = tail(arb(fmpq(R.numerator, R.denominator)))
    x = float(R)
    truth = 2 * erfc(x / math.sqrt(2)) + 2 * x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    assert abs(float(bound.mid()) - truth) <= 1e-12 * truth


def test_precision_is_restored():
    before = ctx.prec
    with pytest.raises(Rejected), ctx.workprec(77):
        cholesky(arb_mat([[-1]]))
    assert ctx.prec == before
