"""InfoNCE with a key bias beyond two dimensions: sampled nodes against closed forms, lattices, sums and themselves."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.errors import InputError
from thmverify.integrate import transport
from thmverify.integrate.transport import Grid, Nodes, Sample, Transport, White, _solved, expected_transport, moments
from thmverify.losses import LOSSES
from thmverify.losses.levels import enclose, float64_gradient, float64_value
from thmverify.maps import Encoder, Gram
from thmverify.minimize import Note, key_bias, minimise
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import AugmentedPairs, Instance, SharedGMM

LOSS = LOSSES["infonce-key-bias"]
CORNERS = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))  # of a regular simplex
WEIGHTS = (fmpq(1, 2), fmpq(1, 3), fmpq(1, 6))


def paired(mixture: SharedGMM, bias: Fraction = Fraction(2, 3), rank: int = 3) -> Instance:
    return Instance(AugmentedPairs(mixture, bias), rank)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a quarter of the nodes: the errors are larger, and hold all the same."""
    for module in (transport, key_bias):
        monkeypatch.setattr(module, "SAMPLED", 512)


def bridge(size: float) -> tuple[float, float]:
    """Return T of N(0, 1) and the eigenvalue `size`, and its derivative: β − ½ log(1 + β) and β/y, β(1 + β) = y²."""
    beta = (math.sqrt(1 + 4 * size**2) - 1) / 2
    return beta - math.log1p(beta) / 2, beta / size


def test_of_one_component_it_is_known() -> None:
    alone = paired(SharedGMM((1,), ((3, -2, 1),), ((2, 1, 0), (1, 2, 0), (0, 0, 1))))
    M = exact.matrix(
        [[Fraction(1, 5), Fraction(1, 20), 0], [Fraction(1, 20), Fraction(1, 9), 0], [0, 0, Fraction(1, 3)]]
    )
    sizes = np.linalg.eigvals(exact.to_floats(M * alone.shared.sigma)).real
    found = float64_value(LOSS, alone, Gram(M))
    assert abs(found.value - sum(bridge(y)[0] for y in sizes)) <= found.error < 3e-4


@pytest.mark.parametrize("d", [3, 4, 6, 8])
@pytest.mark.parametrize("size", [fmpq(1, 5), fmpq(3, 5), fmpq(3, 2)])
@pytest.mark.usefixtures("few")
def test_of_one_component_it_and_its_derivative_are_known(d: int, size: fmpq) -> None:
    M = exact.diagonal([size / (1 + i) for i in range(d)])
    value, outer = White.of(Transport((fmpq(1),), fmpq_mat(d, 1), exact.identity(d), M)).estimated()
    known = [bridge(float(M[i, i])) for i in range(d)]
    assert abs(value.value - sum(T for T, _ in known)) <= value.error < 0.3
    assert np.abs(outer.outer - np.diag([slope for _, slope in known])).max() <= outer.error < 0.3


@pytest.mark.usefixtures("few")
def test_where_a_map_is_too_steep_for_samples_the_error_says_so() -> None:
    problem = Transport((fmpq(1),), fmpq_mat(6, 1), exact.identity(6), exact.identity(6) * 8)
    assert expected_transport(problem).error == math.inf
    assert moments(problem).error == math.inf


@pytest.mark.parametrize("steepness", [fmpq(1, 9), fmpq(1, 2)])
def test_in_the_plane_samples_see_what_lattices_see(steepness: fmpq) -> None:
    means = fmpq_mat([[1, -1, -1], [2, -1, -4]])
    sigma = fmpq_mat([[2, 1], [1, 2]])
    plane = Transport(WEIGHTS, means, sigma, fmpq_mat([[1, fmpq(1, 3)], [fmpq(1, 3), fmpq(1, 2)]]) * steepness)
    value, outer = White.of(plane).estimated()
    known, slopes = expected_transport(plane), moments(plane)
    assert known.error < value.error < 0.02
    assert abs(value.value - known.value) <= value.error + known.error
    assert np.abs(outer.outer - slopes.outer).max() <= outer.error + slopes.error


@pytest.mark.usefixtures("few")
def test_of_independent_blocks_it_is_the_sum() -> None:
    """A line and a plane, with all pairs of their components."""
    line = SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((2,), (-1,)))
    plane = SharedGMM((Fraction(1, 4), Fraction(3, 4)), ((1, 2), (-1, 0)), ((2, 1), (1, 1)))
    pairs = [(i, j) for i in range(2) for j in range(2)]
    both = SharedGMM(
        [line.weights[i] * plane.weights[j] for i, j in pairs],
        [(*line.means[i], *plane.means[j]) for i, j in pairs],
        ((1, 0, 0), (0, 2, 1), (0, 1, 1)),
    )
    M = exact.matrix([[Fraction(1, 4), 0, 0], [0, Fraction(1, 5), Fraction(1, 9)], [0, Fraction(1, 9), Fraction(1, 3)]])
    first = enclose(LOSS, paired(line), Gram(exact.submatrix(M, [0], [0])), 8)
    second = float64_value(LOSS, paired(plane), Gram(exact.submatrix(M, [1, 2], [1, 2])))
    whole = float64_value(LOSS, paired(both), Gram(M))
    assert first.reached
    expected = float(exact.to_fraction(first.lower)) + second.value
    assert abs(whole.value - expected) <= whole.error + second.error + 1e-8 < 0.02


@pytest.mark.usefixtures("few")
def test_coordinates_and_the_origin_are_of_no_matter() -> None:
    mixture = SharedGMM((Fraction(1, 2), *[Fraction(1, 6)] * 3), CORNERS, ((2, 1, 0), (1, 2, 0), (0, 0, 1)))
    A = exact.matrix(
        [[Fraction(1, 3), 0, Fraction(1, 5)], [0, Fraction(1, 4), 0], [Fraction(-1, 5), 0, Fraction(1, 4)]]
    )
    there = float64_value(LOSS, paired(mixture), Encoder(A))
    moved = SharedGMM(mixture.weights, [(a + 5, b - 3, c + Fraction(1, 7)) for a, b, c in CORNERS], mixture.covariance)
    assert float64_value(LOSS, paired(moved), Encoder(A)).value == pytest.approx(there.value, abs=1e-11)
    turn = exact.matrix([[3, -4, 0], [4, 3, 0], [0, 0, 5]]) * fmpq(1, 5)
    turn = turn * exact.submatrix(turn, [2, 0, 1], [2, 0, 1])
    means = (turn * mixture.mu).transpose().tolist()
    sigma = (turn * mixture.sigma * turn.transpose()).tolist()
    turned = SharedGMM(mixture.weights, *([[exact.to_fraction(x) for x in row] for row in m] for m in (means, sigma)))
    found = float64_value(LOSS, paired(turned), Encoder(turn * A))
    assert 0 < abs(found.value - there.value) <= found.error + there.error < 0.02
    gradients = [float64_gradient(LOSS, paired(m), Encoder(B)) for m, B in ((mixture, A), (turned, turn * A))]
    T = exact.to_floats(turn)
    apart = gradients[1].derivatives["M"] - T @ gradients[0].derivatives["M"] @ T.T
    assert np.linalg.norm(apart, 2) <= 3 * (gradients[0].error + gradients[1].error) < 0.2


@pytest.mark.usefixtures("few")
def test_its_derivative_by_differences() -> None:
    centres, step = np.array(CORNERS) - 0.25, 1e-5
    M = np.diag([0.3, 0.2, 0.1]) + 0.05

    def at(there: np.ndarray) -> tuple[float, np.ndarray]:
        found = White(np.full(4, 0.25), centres, there, centres, np.eye(3)).extrapolated(1)
        return found.value, found.outer

    outer = at(M)[1]
    for E in (np.diag([1.0, 0, 0]), np.ones((3, 3)), np.eye(3)[::-1]):
        slope = (at(M + step * E)[0] - at(M - step * E)[0]) / (2 * step)
        assert float(np.sum(outer * E)) == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize(("K", "s"), [(1, 3), (4, 3), (10, 8), (32, 3)])
def test_every_component_has_nodes_with_its_mean_and_covariance(K: int, s: int) -> None:
    placed, shares = Sample(1024, 5).placed(K, s)
    assert len(placed) == K
    assert shares.sum() == pytest.approx(1)
    for z in placed:
        assert shares @ z == pytest.approx(np.zeros(s), abs=1e-12)
        assert z.T @ (shares[:, None] * z) == pytest.approx(np.eye(s), abs=1e-12)
    assert len(np.unique(placed.reshape(-1, s), axis=0)) == placed.shape[0] * placed.shape[1]
    assert not np.allclose(placed, Sample(1024, 6).placed(K, s)[0])


def test_too_many_components_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="64 components"):
        Sample(1024, 0).placed(64, 8)


def test_what_newton_solves_is_solved_nearly() -> None:
    nodes, M = Nodes(np.array([0.4, 0.6]), np.array([[1.2], [-0.8]]), Grid(0.5, 6.0)), np.array([[0.8]])
    shares = nodes.coupling(M) / nodes.masses[:, None]
    excess = np.sin(np.arange(len(shares)))
    assert (np.eye(len(shares)) + shares) @ _solved(shares.__matmul__, excess, 1e-11) == pytest.approx(excess, abs=1e-5)


@pytest.mark.usefixtures("few")
def test_many_components_in_the_plane_are_sampled() -> None:
    """Seventeen equal components are one, and twenty that turn into each other by 90° have M = c I."""
    M = exact.matrix([[Fraction(1, 4), 0], [0, Fraction(1, 5)]])
    found = float64_value(LOSS, paired(SharedGMM([Fraction(1, 17)] * 17, [(1, 2)] * 17)), Gram(M))
    assert abs(found.value - bridge(1 / 4)[0] - bridge(1 / 5)[0]) <= found.error
    assert 1e-9 < found.error < 2e-3
    turned = [
        mean for a, b in ((3, 1), (2, 2), (1, 3), (4, 0), (2, 0)) for mean in ((a, b), (-b, a), (-a, -b), (b, -a))
    ]
    best = minimise(LOSS, paired(SharedGMM([Fraction(1, 20)] * 20, turned), Fraction(1)))
    assert best.rank == 2
    assert best.maps["M"] == pytest.approx(best.maps["M"][0, 0] * np.eye(2), abs=5e-3)
    assert best.maps["M"][0, 0] > 0.2


@pytest.mark.usefixtures("few")
def test_the_minimiser_of_a_simplex_has_full_rank_and_its_symmetry() -> None:
    """In R⁴ with noise of its own in each coordinate: at δ = 1 it learns all of S_LDA, and M = c Σ⁻¹ there."""
    means = [(2 * a, 4 * b, 2 * c, 0) for a, b, c in CORNERS]
    mixture = SharedGMM([Fraction(1, 4)] * 4, means, np.diag([1, 4, 1, 9]))
    found = minimise(LOSS, paired(mixture, Fraction(1), 4))
    assert found.rank == 3
    assert found.spaces[0].angles.max() < 1e-8
    sizes = np.diag(found.maps["M"]) * np.array([1, 4, 1, 0])
    c = sizes[:3].mean()
    assert 0.2 < c < 0.4
    assert found.maps["M"] == pytest.approx(c * np.diag([1, 1 / 4, 1, 0]), abs=5e-3)
    assert found.kkt_residual < 0.01
    assert found.value_error < 0.01
    assert not found.converged
    assert Note.COARSE in found.notes
    line = minimise(LOSS, paired(mixture, Fraction(1)), 2)
    assert line.rank == 2
    assert line.value > found.value + 10 * found.value_error


def test_a_direction_that_is_not_needed_is_not_taken() -> None:
    """δ = 7/10, a plane with a rare component far out, where a line is enough, and on an axis of its own ±2."""
    plane = {
        Fraction(93, 100): (Fraction(94, 465), Fraction(3, 155)),
        Fraction(3, 50): (-5, Fraction(-4, 5)),
        Fraction(1, 100): (Fraction(56, 5), 3),
    }
    both = [(w / 2, (*mean, side)) for w, mean in plane.items() for side in (2, -2)]
    weights, means = zip(*both, strict=True)
    loss = KeyBiasLoss.of(paired(SharedGMM(weights, means), Fraction(7, 10)))
    assert loss.across()[0] == pytest.approx(0.00465, abs=1e-5)  # what the plane alone has
    assert loss.factor(3).shape == (3, 2)
