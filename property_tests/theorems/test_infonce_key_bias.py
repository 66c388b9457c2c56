"""InfoNCE with a key bias: its engine against the definition, what is proved of it, and what is decided."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy.special import logsumexp

from thmverify import exact
from thmverify.certifying.grids import rational
from thmverify.certifying.key_bias import _grids, key_bias_margin, key_bias_proposals
from thmverify.certifying.writing import instance_fields
from thmverify.errors import InputError
from thmverify.evidence import Need
from thmverify.guarantees import Column
from thmverify.kernel import Rejected
from thmverify.kernel.integrals import read_grids
from thmverify.kernel.models import Mixture, Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.kernel.rules.affine import centred
from thmverify.kernel.rules.coupling import above, below, strips
from thmverify.matrix import Matrix
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import sample
from thmverify.standing import Standing, judge
from thmverify.theorems.infonce.common import COUNTEREXAMPLE, TRIANGLE
from thmverify.theorems.infonce.common import slope_across as plain_slope
from thmverify.theorems.key_bias.common import BIASED as BIASED_INSTANCE
from thmverify.theorems.key_bias.common import ROW, UNEVEN, examine, margin, slope_across
from thmverify.theorems.key_bias.common import seen as seen_in_floats
from thmverify.theorems.key_bias.infonce_key_bias_equality import STATEMENT
from thmverify.theorems.key_bias.infonce_key_bias_equality_biased import STATEMENT as BIASED
from thmverify.theorems.key_bias.infonce_key_bias_inclusion import STATEMENT as INCLUSION
from thmverify.verdicts import Outcome, Provenance

FLAT = SharedGMM(UNEVEN.weights, ((Fraction(94, 465), Fraction(3, 155)), (-5, Fraction(-4, 5)), (Fraction(56, 5), 3)))
EVEN = SharedGMM((Fraction(1, 3),) * 3, ((2, 0), (-1, 1), (-1, -1)))
PLANES = [FLAT, TRIANGLE, SharedGMM(UNEVEN.weights, ((1, 0), (-2, 1), (0, 3)), ((2, 1), (1, 3)))]
MAP = np.array([[0.3, 0.1], [0.1, 0.05]])


def matched(mixture: SharedGMM, bias: Fraction = Fraction(1)) -> Instance:
    return Instance(AugmentedPairs(mixture, bias), 3)


def definition(loss: KeyBiasLoss, M: np.ndarray, b: np.ndarray, shift: np.ndarray) -> float:
    """L(M, b) on the nodes, moved by a shift, pairs drawn component by component."""
    x, f = loss.nodes.points + shift, loss.nodes.masses
    centres = loss.centres + shift
    mean = loss.weights @ centres
    pairs = loss.bias * (centres.T * loss.weights) @ centres + (1 - loss.bias) * np.outer(mean, mean)
    return float(-np.sum(pairs * M) - f @ b + f @ logsumexp(x @ M @ x.T + b + np.log(f), axis=1))


@pytest.mark.parametrize("mixture", PLANES, ids=["uneven", "triangle", "tilted"])
@pytest.mark.parametrize("bias", [Fraction(1), Fraction(3, 10)])
def test_no_key_bias_does_better(mixture: SharedGMM, bias: Fraction) -> None:
    loss = KeyBiasLoss.of(matched(mixture, bias))
    value, _ = loss.at(MAP)
    nothing = np.zeros(2)
    best = -loss.nodes.potential
    assert definition(loss, MAP, best, nothing) == pytest.approx(value, abs=1e-11)
    rng = np.random.default_rng(1)
    for size in (1e-3, 0.1, 1):
        assert definition(loss, MAP, best + size * rng.standard_normal(len(best)), nothing) > value
    assert definition(loss, MAP, np.zeros(len(best)), nothing) > value


@pytest.mark.parametrize("mixture", PLANES, ids=["uneven", "triangle", "tilted"])
def test_the_softmax_weights_are_a_coupling(mixture: SharedGMM) -> None:
    loss = KeyBiasLoss.of(matched(mixture))
    coupling = loss.nodes.coupling(MAP)
    assert coupling.sum(0) == pytest.approx(loss.nodes.masses, abs=1e-11)
    assert coupling.sum(1) == pytest.approx(loss.nodes.masses, abs=1e-11)
    shares = loss.shares(MAP)
    assert shares.sum(0) == pytest.approx(loss.weights, abs=1e-11)
    assert (shares > 0).all()


def test_the_origin_is_of_no_matter() -> None:
    """A shift of x is a linear function in the best bias."""
    loss, shift = KeyBiasLoss.of(matched(PLANES[2], Fraction(1, 2))), np.array([0.7, -1.2])
    value, _ = loss.at(MAP)
    moved = -loss.nodes.potential - loss.nodes.points @ MAP @ shift
    assert definition(loss, MAP, moved, shift) == pytest.approx(value, abs=1e-11)


@pytest.mark.parametrize("mixture", PLANES, ids=["uneven", "triangle", "tilted"])
def test_the_gradient_by_differences(mixture: SharedGMM) -> None:
    loss, step = KeyBiasLoss.of(matched(mixture, Fraction(1, 2))), 1e-5
    _, gradient = loss.at(MAP)
    for E in (np.diag([1.0, 0]), np.diag([0, 1.0]), np.ones((2, 2))):
        slope = (loss.at(MAP + step * E)[0] - loss.at(MAP - step * E)[0]) / (2 * step)
        assert float(np.sum(gradient * E)) == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("bias", [Fraction(1), Fraction(7, 10)])
@pytest.mark.parametrize("mixture", PLANES, ids=["uneven", "triangle", "tilted"])
def test_the_slope_along_a_missed_direction(mixture: SharedGMM, bias: Fraction) -> None:
    """(1 − δ) Σ_k w_k a_k² − ½ Σ_jk Q_jk (a_j − a_k)², as in the proof, centred."""
    loss = KeyBiasLoss.of(matched(mixture, bias))
    u = np.array([0.6, 0.8])
    M, missed = 0.2 * np.outer(u, u), np.array([-0.8, 0.6])
    a, Q = loss.centres @ missed, loss.shares(M)
    spread = loss.weights @ a**2
    expected = float((1 - bias) * spread) - 0.5 * float(np.sum(Q * np.subtract.outer(a, a) ** 2))
    assert missed @ loss.at(M)[1] @ missed == pytest.approx(expected, abs=1e-6)  # of the lattice
    assert bias < 1 or expected < 0


@pytest.mark.parametrize("mixture", PLANES, ids=["uneven", "triangle", "tilted"])
def test_nodes_along_a_map_of_rank_one_say_what_the_whole_lattice_says(mixture: SharedGMM) -> None:
    whole = KeyBiasLoss.of(matched(mixture, Fraction(1, 2)))
    v = np.array([[0.3], [0.4]])
    along = whole.along(v)
    assert len(along.nodes.points) < len(whole.nodes.points) / 5
    value, gradient = along.at(v @ v.T)
    expected, slopes = whole.at(v @ v.T)
    assert value == pytest.approx(expected, abs=1e-3)  # of the whole lattice, which ends at 4.5 deviations
    assert gradient == pytest.approx(slopes, rel=1e-3, abs=1e-3)


def test_the_gradient_along_a_turning_column_by_differences() -> None:
    loss, step = KeyBiasLoss.of(matched(PLANES[2], Fraction(1, 2))), 1e-5
    v = np.array([[0.3], [0.4]])
    slopes = 2 * loss.along(v).at(v @ v.T)[1] @ v
    for E in (np.array([[1.0], [0]]), np.array([[0], [1.0]])):
        up, down = (loss.along(u).at(u @ u.T)[0] for u in (v + step * E, v - step * E))
        assert float(np.sum(slopes * E)) == pytest.approx((up - down) / (2 * step), abs=1e-8)


def test_it_recovers_the_plane_that_infonce_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped counterexample of infonce-equality, on two lattices."""
    example = COUNTEREXAMPLE.instance
    assert plain_slope(example) > 0
    found = []
    for step in (0.7, 0.6):
        monkeypatch.setattr("thmverify.minimize.key_bias._STEP", step)
        loss = KeyBiasLoss.of(example)
        found.append((loss.slope(), float(np.linalg.eigvalsh(loss.best(2))[0])))
    assert all(-1e-7 < slope < -1e-8 < least for slope, least in found)
    assert found[0] == pytest.approx(found[1], rel=0.5)


def test_the_bias_of_pairs_matters() -> None:
    assert slope_across(matched(FLAT, Fraction(7, 10))) == pytest.approx(0.00465, abs=1e-4)
    assert slope_across(matched(FLAT)) == pytest.approx(-9.5e-6, abs=1e-6)
    assert np.linalg.matrix_rank(KeyBiasLoss.of(matched(FLAT, Fraction(7, 10))).best(2), tol=1e-9) == 1
    assert np.linalg.matrix_rank(KeyBiasLoss.of(matched(FLAT)).best(2), tol=1e-9) == 2


RULE = RULES["infonce-key-bias-equality", "coupling"]
(EXAMPLE,) = BIASED.counterexamples
HINTS = json.loads(Path(str(EXAMPLE.evidence)).read_bytes())["hints"]
BITS = int(HINTS["precision"])


def seen(instance: Instance) -> Pairs:
    pairs = kernel_instance(instance_fields(instance))
    assert isinstance(pairs, Pairs)
    return pairs


def white() -> tuple[Mixture, fmpq_mat]:
    """The law of BIASED_INSTANCE in the coordinates of the certificate, and C there."""
    there = centred(seen(BIASED_INSTANCE)).on_fisher
    Q = rational(HINTS["Q"], 2)
    return there.mixture.reduced(Q), Q.transpose() * there.C * Q


def test_below_one_it_is_refuted_by_a_certificate() -> None:
    assert judge(BIASED).standing is Standing.REFUTED
    assert EXAMPLE.instance == BIASED_INSTANCE
    found, data = BIASED.decided(EXAMPLE.instance)
    assert data is not None
    assert found.outcome is Outcome.REFUTED
    assert found.margin is not None
    pairs = seen(BIASED_INSTANCE)
    rough, fine, *_ = (key_bias_margin(pairs, x, False) for x in key_bias_proposals(BIASED_INSTANCE, pairs))
    assert 0.0045 < float(fine[0]) <= float(fine[1]) < 0.0046
    assert 0 < found.margin[0] < fine[0] <= fine[1] < found.margin[1]
    assert found.margin == rough
    needs = {need.hypothesis: need.need for need in STATEMENT.necessity()}
    assert needs["always-matched"] is Need.NECESSARY


def test_it_is_refuted_in_other_coordinates() -> None:
    moved = SharedGMM(UNEVEN.weights, tuple((2 * a + b + 3, a - b - 1) for a, b in UNEVEN.means), ((5, 1), (1, 2)))
    assert examine(matched(moved, Fraction(7, 10))).outcome is Outcome.REFUTED


def test_at_one_it_is_decided_by_the_theorem() -> None:
    found = examine(matched(FLAT))
    assert (found.outcome, found.provenance) == (Outcome.PROVED, Provenance.EXACT)


def test_where_it_holds_nothing_is_decided_and_floats_say_what_they_see() -> None:
    found = examine(matched(EVEN, Fraction(1, 2)))
    assert found.outcome is Outcome.UNDECIDED
    assert "in floats the slope" in found.reason


def test_the_hints_for_one_instance_say_nothing_of_another() -> None:
    """At δ = 1, and where the components are equal, what is claimed holds."""
    for weights, bias in ((UNEVEN.weights, Fraction(1)), ((Fraction(1, 3),) * 3, Fraction(7, 10))):
        with pytest.raises(Rejected):
            RULE(centred(seen(matched(SharedGMM(weights, UNEVEN.means), bias))), HINTS)


def test_without_information_nothing_is_learnt() -> None:
    unbiased = matched(EVEN, Fraction(0))
    assert examine(unbiased).outcome is Outcome.REFUTED
    for bias in (Fraction(0), Fraction(1, 2), Fraction(1)):
        nothing = matched(SharedGMM((Fraction(1, 2),) * 2, ((1, 1), (1, 1)), ((2, 1), (1, 1))), bias)
        assert examine(nothing).outcome is Outcome.PROVED
    few = replace(matched(SharedGMM(UNEVEN.weights, UNEVEN.means)), rank=1)
    assert examine(few).outcome is Outcome.REFUTED


@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0])
def test_where_all_means_are_equal_every_map_costs(size: float) -> None:
    """F = N(0, 1): a Gaussian coupling bounds L(m) from below, and L on nodes is above: m = 0 is best."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    masses = weights / weights.sum()
    scores, u = size * np.outer(nodes, nodes), np.zeros(60)
    for _ in range(1500):  # Sinkhorn's scaling: the best bias is −u
        u = (u + logsumexp(scores - u + np.log(masses), axis=1)) / 2
    loss = 2 * float(masses @ u)
    s = size / (1 + size)
    bound = s * size + 0.5 * np.log(1 - s * s)
    assert 0 < bound <= loss * (1 + 1e-9)


@pytest.fixture(autouse=True)
def working_precision():
    with ctx.workprec(BITS):
        yield


def test_the_strips_are_the_law() -> None:
    """Masses and means against sampled points, and against the whole: 1, and the mean 0."""
    law = centred(seen(BIASED_INSTANCE)).mixture
    masses, means = strips(law, fmpq_mat([[1], [fmpq(1, 4)]]), [fmpq(x, 2) for x in range(-22, 36)])
    x = UNEVEN.sample(200_000, np.random.default_rng(0))
    place = np.searchsorted(np.arange(-11, 18, 0.5), x @ np.array([1, 0.25]))
    for a in range(0, len(masses), 5):
        here = x[place == a]
        assert float(masses[a].mid()) == pytest.approx(len(here) / len(x), abs=0.005)
        if len(here) > 5000:
            assert here.mean(0) == pytest.approx([float(n.mid()) for n in means[a]], abs=0.15)
    assert sum(masses, arb(0)).contains(1)
    whole = arb_mat(means).transpose() * arb_mat([[p] for p in masses])
    assert whole.contains(fmpq_mat(2, 1))


def test_the_bounds_lie_on_their_sides() -> None:
    """−KL below what the best map reaches on nodes; L of a mixture's bias above that of the best bias."""
    loss, (law, C) = KeyBiasLoss.of(BIASED_INSTANCE), white()
    least = loss.at(loss.best(2))[0]
    from_below = below(law, C, *coupling())
    assert least - 0.002 < float(from_below.mid()) < least
    M = fmpq_mat([[fmpq(1, 12), fmpq(-1, 50)], [fmpq(-1, 50), fmpq(-1, 100)]])
    there = KeyBiasLoss(loss.weights, exact.to_floats(law.means).T, loss.bias)
    slopes = (M * law.means, law.sigma.inv() * law.means, law.sigma.inv() * law.means)
    grids = [read_grids(_grids(law, b, 13.0), "grids") for b in slopes]
    found = above(law, C, M, law.weights, law.means, grids)
    floating = there.at(exact.to_floats(M))[0]
    assert float(found.mid()) > floating
    plain = definition(there, exact.to_floats(M), 0 * there.nodes.potential, np.zeros(2))
    assert float(found.mid()) == pytest.approx(plain, rel=0.02)


def coupling() -> tuple[fmpq_mat, list[fmpq], fmpq, list[fmpq]]:
    edges, potentials = ([exact.to_fmpq(Fraction(x)) for x in HINTS[name]] for name in ("edges", "potentials"))
    return rational(HINTS["u"], 1), edges, exact.to_fmpq(Fraction(HINTS["slope"])), potentials


def test_a_coupling_that_is_none_bounds_nothing() -> None:
    (law, C), (u, edges, slope, potentials) = white(), coupling()
    assert below(law, C, u, edges, slope, potentials).is_finite()
    for changed, reason in (
        ((law, C, u, edges, slope, [x + fmpq(1, 1000) for x in potentials]), "leave a part"),  # marginals above p
        ((law, C + exact.identity(2), u, edges, slope, potentials), "agree more"),  # D is not ≻ 0
        ((law, C, u, edges, fmpq(0), [fmpq(-1, 10**6)] * len(potentials)), "agree more"),  # independent: D = −C
        ((law, C, u, edges[::-1], slope, potentials), "do not rise"),
        ((law, C, u, edges, slope, potentials[1:]), "do not rise"),
        ((law, C, u * 0, edges, slope, potentials), "do not rise"),
    ):
        with pytest.raises(Rejected, match=reason):
            below(*changed)


@pytest.mark.parametrize(
    ("name", "value"),
    [("weights", ["1", "1"]), ("weights", ["1", "-1", "1"]), ("M", [["1", "0"], ["1", "1"]]), ("grids", [[], []])],
)
def test_a_bias_that_is_none_is_refused(name: str, value: object) -> None:
    with pytest.raises(Rejected):
        RULE(centred(seen(BIASED_INSTANCE)), HINTS | {name: value})


def test_more_dimensions_are_refused_in_one_line() -> None:
    corners = SharedGMM([Fraction(1, 4)] * 4, ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)), np.eye(3, dtype=int))
    with pytest.raises(InputError, match="dim S_LDA = 3"):
        KeyBiasLoss.of(matched(corners)).slope()
    many = SharedGMM([Fraction(1, 10)] * 10, [[int(i == k) for i in range(9)] for k in range(10)])
    with pytest.raises(InputError, match="dim S_LDA = 9"):
        KeyBiasLoss.of(matched(many))


def test_at_one_it_is_proved_and_nothing_is_assumed() -> None:
    report = STATEMENT.checked
    assert report is not None
    assert report.assumed == ()
    assert judge(STATEMENT).standing is Standing.PROVED
    matrix = Matrix({s.id: s for s in (STATEMENT, INCLUSION)})
    assert {matrix.cell(ROW, c).standing for c in (Column.EQUALITY, Column.INCLUSION)} == {Standing.PROVED}
    assert STATEMENT.decide(STATEMENT.witness).outcome is Outcome.PROVED
    assert {"always-matched", "columns-reach"} <= set(report.used)
    needs = {need.hypothesis: need.need for need in STATEMENT.necessity()}
    assert needs["always-matched"] is needs["columns-reach"] is Need.NECESSARY


@pytest.mark.parametrize("across", [0.3, 1.5])
def test_what_lies_across_costs_whatever_the_bias_is(across: float) -> None:
    """On any symmetric nodes for ρ, independent of v: L(a, b) − L(a₀, b₀) ≥ ε(E ψρ)² a² − ε²(E ψ²)² for every b."""
    rng = np.random.default_rng(5)
    v, masses = rng.normal(size=7), rng.dirichlet(np.ones(7))
    rho, shares = np.array([-1.6, -0.4, 0.4, 1.6]), np.array([0.2, 0.3, 0.3, 0.2])
    F = np.outer(masses, shares)

    def loss(scores: np.ndarray, b: np.ndarray) -> float:
        own = np.einsum("i,iaib->ab", masses, scores)  # pairs share v, and their ρ are independent
        inner = logsumexp(scores + b + np.log(F), axis=(2, 3))
        return float(-shares @ own @ shares - np.sum(F * b) + np.sum(F * inner))

    inside = np.broadcast_to(np.multiply.outer(v, v)[:, None, :, None], (7, 4, 7, 4))
    point = v[:, None] + across * rho
    psi = np.tanh(rho * across)
    for size in (0.0, 1.0, 4.0):
        b = size * rng.normal(size=(7, 4))
        least = np.broadcast_to((b @ shares)[:, None], (7, 4))
        gained = loss(np.multiply.outer(point, point), b) - loss(inside, least)
        for eps in (0.1, 0.5, 1.0):
            bound = eps * (shares @ (psi * rho) * across) ** 2 - eps**2 * (shares @ psi**2) ** 2
            assert gained >= bound - 1e-12
    assert loss(np.multiply.outer(point, point), np.zeros((7, 4))) > loss(inside, np.zeros((7, 4)))


@pytest.mark.parametrize("size", [Fraction(1, 10**12), Fraction(1), Fraction(10**12)])
def test_in_any_units_a_column_has_a_part_across(size: Fraction) -> None:
    mixture = SharedGMM((Fraction(1, 2),) * 2, ((1, 0), (-1, 0)), ((size, 0), (0, size)))
    found = INCLUSION.examine(matched(mixture))
    assert found.outcome is Outcome.UNDECIDED
    assert "raises L" in found.reason
    assert INCLUSION.margin is not None
    assert INCLUSION.margin(matched(mixture)) < -0.01


def test_a_slope_below_rounding_is_none() -> None:
    """Means forty standard deviations apart: floats see a slope of some 10^-11, of either sign."""
    far = sample(STATEMENT, 0, 195)
    assert abs(slope_across(far)) < 1e-10
    assert margin(far) < 0
    assert "is 0 up to rounding, 7e-10" in seen_in_floats(far).reason
    clear = matched(EVEN)
    assert margin(clear) == pytest.approx(slope_across(clear), rel=1e-9)
