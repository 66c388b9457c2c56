"""InfoNCE with a key bias: closed forms, what leaves it alone, bounds that hold for every bias, and its minimiser."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx, fmpq, fmpq_mat
from scipy.special import logsumexp

from property_tests.engine.changes import in_coordinates
from property_tests.engine.definitions import DEFINITIONS
from property_tests.engine.support import contains, encloses, interval, overlap
from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate.transport import Grid, Nodes, Transport, expected_transport, gap, moments
from thmverify.integrate.transport_enclosure import _Law, _Line, _planned, enclose_moments, enclose_transport
from thmverify.losses import LOSSES
from thmverify.losses.levels import (
    enclose,
    enclosed_gradient,
    exact_value,
    float64_gradient,
    float64_value,
    multiprecision_value,
)
from thmverify.maps import Encoder, Gram
from thmverify.minimize import minimise
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Posed, Seeded, posed

LOSS, PLAIN = LOSSES["infonce-key-bias"], LOSSES["infonce"]
THIRDS = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
TRIANGLE = SharedGMM(THIRDS, ((1, 0), (-1, 2), (0, -3)), ((2, 1), (1, 2)))
COLUMN = Encoder(exact.matrix([[Fraction(1, 4)], [Fraction(-1, 5)]]))
PLANE = Encoder(exact.matrix([[Fraction(1, 4), Fraction(1, 9)], [Fraction(-1, 5), Fraction(1, 6)]]))


def paired(mixture: GMM, bias: Fraction = Fraction(2, 3), rank: int = 2) -> Instance:
    return Instance(AugmentedPairs(mixture, bias), rank)


def value(instance: Instance, linear_map) -> float:
    return float64_value(LOSS, instance, linear_map).value


@pytest.mark.parametrize("y", [Fraction(1, 10**6), Fraction(1, 5), Fraction(1, 2), Fraction(69, 100)])
@pytest.mark.parametrize("bias", [Fraction(0), Fraction(1)])
def test_of_one_component_the_bridge_is_known(y: Fraction, bias: Fraction) -> None:
    """b is quadratic: E_π xᵀMy − KL = β − ½ log(1 + β) for each eigenvalue y of AᵀΣA, β(1 + β) = y²."""

    def known(size: float) -> float:
        beta = (math.sqrt(1 + 4 * size**2) - 1) / 2
        return beta - math.log1p(beta) / 2

    alone = paired(SharedGMM((1,), ((3, -2),), ((2, 1), (1, 2))), bias)
    line = Gram(exact.matrix([[y / 2, 0], [0, 0]]))
    found = enclose(LOSS, alone, line, 8)
    assert found.reached
    assert contains(found, known(float(y)), Fraction(1, 10**14))
    assert float64_value(LOSS, alone, line).value == pytest.approx(known(float(y)), abs=1e-12)
    whole = Gram(line.M + fmpq_mat([[2, -4], [-4, 8]]) * fmpq(1, 60))
    sizes = np.linalg.eigvals(exact.to_floats(whole.M * fmpq_mat([[2, 1], [1, 2]])))
    estimate = float64_value(LOSS, alone, whole)
    assert abs(estimate.value - sum(known(float(x)) for x in sizes.real)) <= estimate.error + 1e-14 < 1e-8


def test_a_far_component_that_hardly_weighs_costs_no_digits() -> None:
    """The tails weigh each component's part by its weight, and so the loss is that of one component here."""
    weight = Fraction(1, 10**20)
    mixture = SharedGMM((1 - weight, weight), ((0,), (Fraction(26, 3),)), ((1,),))
    y = Fraction(699, 1000)
    found = enclose(LOSS, paired(mixture, Fraction(0)), Gram(exact.matrix([[y]])), 2)
    beta = (math.sqrt(1 + 4 * float(y) ** 2) - 1) / 2
    assert found.reached
    assert contains(found, beta - math.log1p(beta) / 2, Fraction(1, 10**14))


def test_the_map_0_has_the_loss_0() -> None:
    for mixture in (TRIANGLE, SharedGMM((1,), ((0, 1),))):
        zero = Encoder(fmpq_mat(2, 2))
        assert exact_value(LOSS, paired(mixture), zero) == 0
        gradient = float64_gradient(LOSS, paired(mixture), zero).derivatives["M"]
        centred = mixture.S - mixture.mean * mixture.mean.transpose()
        assert gradient == pytest.approx(-2 / 3 * exact.to_floats(centred))


@pytest.mark.parametrize("linear_map", [COLUMN, PLANE], ids=["line", "plane"])
def test_the_origin_is_of_no_matter(linear_map: Encoder) -> None:
    moved = SharedGMM(THIRDS, [[a + 5, b - Fraction(7, 3)] for a, b in TRIANGLE.means], TRIANGLE.covariance)
    one, two = (enclose(LOSS, paired(m), linear_map, 8) for m in (TRIANGLE, moved))
    assert overlap(one, two)
    first, second = (float64_gradient(LOSS, paired(m), linear_map) for m in (TRIANGLE, moved))
    assert first.derivatives["M"] == pytest.approx(second.derivatives["M"], abs=first.error + second.error)
    plain = [float64_value(PLAIN, paired(m), linear_map).value for m in (TRIANGLE, moved)]
    assert abs(plain[0] - plain[1]) > 0.01


@pytest.mark.parametrize("seed", range(6))
def test_it_is_at_most_infonce_and_more_without_signal(seed: int) -> None:
    question = posed(Seeded(random.Random(seed)), LOSS.name, hostile=False, **dict(DEFINITIONS[LOSS.name].options))
    found = enclose(LOSS, question.instance, question.linear_map, 8)
    assert found.reached
    assert found.lower <= enclose(PLAIN, question.instance, question.linear_map, 12).upper
    nothing = replace(question.instance, model=AugmentedPairs(question.instance.shared, Fraction(0)))
    assert enclose(LOSS, nothing, question.linear_map, 8).upper >= 0


def test_it_is_convex_along_segments() -> None:
    ends = [exact.matrix([[Fraction(1, 9), 0], [0, Fraction(1, 99)]]), exact.matrix([[0, 0], [0, Fraction(1, 5)]])]
    at = [value(paired(TRIANGLE), Gram(ends[0] * (1 - t) + ends[1] * t)) for t in (fmpq(i, 8) for i in range(9))]
    bends = np.diff(at, 2)
    assert (bends > 1e-4).all()


@pytest.mark.parametrize("linear_map", [COLUMN, PLANE], ids=["line", "plane"])
def test_its_gradient_is_the_derivative_of_its_value(linear_map: Encoder) -> None:
    found, step = float64_gradient(LOSS, paired(TRIANGLE), linear_map), fmpq(1, 10**4)
    assert found.error < 1e-8
    for B in (fmpq_mat(linear_map.A), exact.matrix([[i + j for j in range(linear_map.A.ncols())] for i in (1, -2)])):
        up, down = (value(paired(TRIANGLE), Encoder(linear_map.A + B * h)) for h in (step, -step))
        along = exact.to_floats(linear_map.A * B.transpose() + B * linear_map.A.transpose())
        assert float(np.sum(found.derivatives["M"] * along)) == pytest.approx((up - down) / 2e-4, abs=1e-6)
    balls, reached = enclosed_gradient(LOSS, paired(TRIANGLE), linear_map, 8)
    assert reached == (linear_map is COLUMN)
    for ball, x in zip(balls["M"].flat, found.derivatives["M"].flat, strict=True):
        assert contains(interval(ball), float(x), Fraction(found.error))
        assert not reached or ball.rad() < 1e-8


@pytest.mark.parametrize("seed", range(4))
def test_the_enclosed_gradient_holds_what_floats_and_more_digits_see(seed: int) -> None:
    question = posed(Seeded(random.Random(seed)), LOSS.name, hostile=False, **dict(DEFINITIONS[LOSS.name].options))
    rough, fine = (enclosed_gradient(LOSS, question.instance, question.linear_map, d) for d in (2, 9))
    estimate = float64_gradient(LOSS, question.instance, question.linear_map)
    assert rough[1]
    assert fine[1]
    triples = zip(rough[0]["M"].flat, fine[0]["M"].flat, estimate.derivatives["M"].flat, strict=True)
    for one, two, x in triples:
        assert one.contains(two)
        assert contains(interval(two), float(x), Fraction(estimate.error))


def test_the_enclosed_gradient_of_one_component_is_known() -> None:
    """π is normal with the correlation β/y in q = x/√Σ, and E_π xyᵀ = ΣBBᵀΣ · β/(y bᵀΣb)."""
    alone = paired(SharedGMM((1,), ((3, -2),), ((2, 1), (1, 2))), Fraction(1))
    b = exact.column([Fraction(1, 3), Fraction(1, 9)])
    ((y,),) = exact.to_floats(b.transpose() * alone.shared.sigma * b)
    beta = (math.sqrt(1 + 4 * y * y) - 1) / 2
    balls, reached = enclosed_gradient(LOSS, alone, Encoder(b), 8)
    assert reached
    along = exact.to_floats(alone.shared.sigma * b)
    for ball, x in zip(balls["M"].flat, (along @ along.T * beta / y**2).flat, strict=True):
        assert contains(interval(ball), float(x), Fraction(1, 10**14))


@pytest.mark.parametrize("size", [0.0, 1e-6, 1e-3, 0.1, 1.0])
def test_bounds_hold_for_every_potential(size: float) -> None:
    """The two sides of what r leaves open, on nodes, at potentials off the best by so much."""
    M, rng = np.array([[0.3]]), np.random.default_rng(1)
    nodes = Nodes(np.array([0.4, 0.6]), np.array([[1.2], [-0.8]]), Grid(0.5, 6.0))
    nodes.coupling(M)
    best, masses = nodes.value, nodes.masses
    assert nodes.gap < 1e-9
    u = nodes.potential + size * rng.standard_normal(len(masses))
    scores = nodes.points @ M @ nodes.points.T - u
    r = np.exp(logsumexp(scores + np.log(masses), axis=1) - u)
    upper = 2 * float(masses @ u) + float(masses @ (r - 1))
    assert upper - gap(masses, u, r) - 1e-12 <= best <= upper + 1e-12
    assert gap(masses, u, r) < 200 * size * (1 - math.log(size)) + 1e-9 if size else gap(masses, u, r) < 1e-9


def test_few_digits_hold_many() -> None:
    for seed in range(4):
        question = posed(Seeded(random.Random(seed)), LOSS.name, hostile=False, **dict(DEFINITIONS[LOSS.name].options))
        fine = enclose(LOSS, question.instance, question.linear_map, 11)
        assert fine.reached
        for digits in (1, 4, 8):
            rough = enclose(LOSS, question.instance, question.linear_map, digits)
            assert rough.reached
            assert encloses(rough, fine)
        estimate = float64_value(LOSS, question.instance, question.linear_map)
        assert contains(fine, estimate.value, Fraction(estimate.error))


def line_of(rng: random.Random) -> Transport:
    """Return up to four components on a line, at most some sixteen standard deviations apart."""
    K, reach = rng.randint(1, 4), rng.choice([1, 2, 8])
    sizes = [rng.randint(1, 20) for _ in range(K)]
    weights = tuple(fmpq(x, sum(sizes)) for x in sizes)
    places = [fmpq(rng.randint(-100 * reach, 100 * reach), 100) for _ in range(K)]
    mean = sum((w * m for w, m in zip(weights, places, strict=True)), fmpq(0))
    y = fmpq(rng.randint(1, 69), 100) / rng.choice([1, 3, 10])
    return Transport(weights, fmpq_mat([[m - mean for m in places]]), fmpq_mat([[1]]), fmpq_mat([[y]]))


@pytest.mark.parametrize("seed", range(10))
def test_balls_hold_what_floats_see(seed: int) -> None:
    problem = line_of(random.Random(seed))
    for digits in (2, 6):
        found, estimate = enclose_transport(problem, digits), expected_transport(problem)
        assert found.reached, found.note
        assert contains(found, estimate.value, Fraction(estimate.error))
        (ball,), seen = enclose_moments(problem, digits).outer[0], moments(problem)
        assert contains(interval(ball), float(seen.outer[0, 0]), Fraction(seen.error))


def test_mpmath_sees_twelve_digits_of_it() -> None:
    question = Posed(LOSS.name, paired(TRIANGLE), Encoder(COLUMN.A * fmpq(1, 2)))
    found = enclose(LOSS, question.instance, question.linear_map, 13)
    assert found.reached
    value = multiprecision_value(LOSS, question.instance, question.linear_map, 12)
    assert contains(found, value, fmpq(1, 10**12))


@pytest.mark.parametrize("size", [fmpq(1, 10**5), fmpq(1, 100)])
def test_bounds_in_balls_hold_whatever_the_bias_is(size: fmpq) -> None:
    """A bias that is off by so much has wider bounds, which hold what the best one has."""
    with ctx.workprec(128):
        law = _Law([arb(fmpq(1, 3)), arb(fmpq(2, 3))], [arb(fmpq(4, 5)), arb(fmpq(-2, 5))], arb(fmpq(1, 3)), 40.0)
        line = _Line.of(law, *_planned(law))
        best = line.bounds()
        rng = random.Random(1)
        c = [x * (1 + size * rng.randint(-9, 9) / 9) for x in line.c]
        off = _Line.at(law, line.h, line.q, line.masses, c, line.kernel).bounds()
        assert best is not None
        assert off is not None
        assert best[1] - best[0] < fmpq(1, 10**6)
        assert off[0] < best[0]
        assert best[1] < off[1]
        assert fmpq(1, 10**6) < off[1] - off[0] < fmpq(2)


def test_the_variance_of_tilted_points_is_bounded() -> None:
    with ctx.workprec(128):
        law = _Law([arb(fmpq(1, 3)), arb(fmpq(2, 3))], [arb(2), arb(-1)], arb(fmpq(1, 2)), 20.0)
        line = _Line.of(law, *_planned(law))
        V = float(line.variance())
    q, c = np.array([float(x) for x in line.q]), np.array([float(x.log()) for x in line.c])
    found = []
    for z in np.linspace(-60, 60, 2001):
        p = np.exp(c + z * q - logsumexp(c + z * q))
        found.append(p @ q**2 - (p @ q) ** 2)
    assert max(found) <= V < 1.5 * max(found)


def test_coordinates_are_of_no_matter() -> None:
    question = Posed(LOSS.name, paired(TRIANGLE), COLUMN)
    T = exact.matrix([[2, 1], [Fraction(-1, 3), 1]])
    told = in_coordinates(question, T, T)
    assert overlap(*(enclose(LOSS, q.instance, q.linear_map, 9) for q in (question, told)))


def test_what_is_not_enclosed_is_bounded_all_the_same_and_says_why() -> None:
    steep = Encoder(exact.column([1, 0]))
    for linear_map, why in ((PLANE, "rank 1 alone"), (steep, "too steep")):
        found = enclose(LOSS, paired(TRIANGLE), linear_map, 6)
        assert not found.reached
        assert why in found.note
        estimate = float64_value(LOSS, paired(TRIANGLE), linear_map)
        assert contains(found, estimate.value, Fraction(estimate.error))
    far = SharedGMM(THIRDS, [[1000 * x for x in mean] for mean in TRIANGLE.means])
    assert "too many nodes" in enclose(LOSS, paired(far), COLUMN, 6).note
    space = SharedGMM(THIRDS, ((1, *[0] * 8), (-1, 2, *[0] * 7), (0, -3, *[1] * 7)))
    with pytest.raises(InputError, match="rank 9"):
        float64_value(LOSS, paired(space), Encoder(exact.identity(9)))


def test_covariances_must_agree() -> None:
    spread = ((2, 1), (1, 2))
    same = GMM(THIRDS, TRIANGLE.means, (spread,) * 3)
    assert overlap(*(enclose(LOSS, paired(m), COLUMN, 6) for m in (same, TRIANGLE)))
    other = GMM(THIRDS, TRIANGLE.means, (spread, spread, ((1, 0), (0, 1))))
    with pytest.raises(InputError):
        enclose(LOSS, paired(other), COLUMN, 6)
    with pytest.raises(InputError):
        minimise(LOSS, paired(other))


# ------------------------------------------------------------------------------------------------ the best map


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_its_minimiser_is_the_best_map_on_the_lattice_of_searches(rank: int) -> None:
    instance = paired(TRIANGLE, Fraction(1), rank)
    found = minimise(LOSS, instance)
    assert found.converged, found.note
    assert found.rank == min(rank, 2)
    assert found.kkt_residual < 1e-8
    assert found.spaces[0].angles.max() < 1e-8
    loss = KeyBiasLoss.of(instance)
    best = loss.best(min(rank, 2))
    sizes = np.linalg.eigvalsh(best)
    G = found.maps["A"].T @ exact.to_floats(TRIANGLE.sigma) @ found.maps["A"]
    assert np.linalg.eigvalsh(G)[-1] == pytest.approx(sizes[-1], rel=1e-2)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-2, 0.1):
        there = found.maps["A"] + size * rng.standard_normal(found.maps["A"].shape)
        A = exact.matrix([[Fraction(float(x)) for x in row] for row in there])
        assert value(instance, Encoder(A)) > found.value


def test_a_column_has_more_digits_and_two_have_not() -> None:
    line = minimise(LOSS, paired(TRIANGLE, rank=1), digits=10)
    assert "not reached" not in line.note
    assert line.kkt_residual < 1e-10
    balls, _ = enclosed_gradient(LOSS, paired(TRIANGLE), Encoder(line.precise["A"]), 14)
    slope = np.array(balls["M"]) @ np.array([[arb(x)] for x in line.precise["A"].entries()])
    assert all(abs(x) < fmpq(1, 10**10) for x in slope.flat)
    plane = minimise(LOSS, paired(TRIANGLE), digits=10)
    assert "not reached" in plane.note
    assert plane.kkt_residual < 1e-8


def test_a_rank_that_is_not_needed_is_not_taken() -> None:
    """δ = 7/10 and a rare component far out: of three columns one is left."""
    uneven = SharedGMM(
        (Fraction(93, 100), Fraction(3, 50), Fraction(1, 100)),
        ((Fraction(94, 465), Fraction(3, 155)), (-5, Fraction(-4, 5)), (Fraction(56, 5), 3)),
    )
    assert minimise(LOSS, paired(uneven, Fraction(7, 10), 3)).rank == 1


@pytest.mark.parametrize(
    "instance",
    [
        paired(TRIANGLE, Fraction(0)),
        paired(SharedGMM((Fraction(1, 2),) * 2, ((1, 2), (1, 2)), ((2, 1), (1, 1)))),
        paired(SharedGMM((1,), ((1, 2),))),
    ],
    ids=["no signal", "equal means", "one component"],
)
def test_without_information_nothing_is_learnt(instance: Instance) -> None:
    found = minimise(LOSS, instance)
    assert (found.rank, found.value, found.converged) == (0, 0.0, True)
    assert "is 0" in found.note
