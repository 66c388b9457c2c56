"""InfoNCE with a key bias: its engine against the definition, and a proof that says what it supposes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from scipy.special import logsumexp

from thmverify import exact
from thmverify.errors import InputError
from thmverify.evidence import Need
from thmverify.guarantees import Column
from thmverify.matrix import Matrix
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.minimize.key_bias_bounds import BITS, Strips, _proposed, gap, mixture_bias
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.standing import Standing, judge
from thmverify.theorems.infonce.common import COUNTEREXAMPLE, TRIANGLE
from thmverify.theorems.infonce.common import slope_across as plain_slope
from thmverify.theorems.key_bias.common import BIASED as BIASED_INSTANCE
from thmverify.theorems.key_bias.common import ROW, UNEVEN, examine, slope_across
from thmverify.theorems.key_bias.infonce_key_bias_equality import STATEMENT
from thmverify.theorems.key_bias.infonce_key_bias_equality_biased import STATEMENT as BIASED
from thmverify.verdicts import Outcome, Provenance

ASSUMED = ("optimal-coupling", "inclusion")
FLAT = SharedGMM(UNEVEN.weights, ((Fraction(94, 465), Fraction(3, 155)), (-5, Fraction(-4, 5)), (Fraction(56, 5), 3)))
EVEN = SharedGMM((Fraction(1, 3),) * 3, ((2, 0), (-1, 1), (-1, -1)))
PLANES = [FLAT, TRIANGLE, SharedGMM(UNEVEN.weights, ((1, 0), (-2, 1), (0, 3)), ((2, 1), (1, 3)))]
MAP = np.array([[0.3, 0.1], [0.1, 0.05]])


def matched(mixture: SharedGMM, bias: Fraction = Fraction(1)) -> Instance:
    return Instance(AugmentedPairs(mixture, bias), 3)


def definition(loss: KeyBiasLoss, M: np.ndarray, b: np.ndarray, shift: np.ndarray) -> float:
    """L(M, b) on the nodes, moved by a shift, pairs drawn component by component."""
    x, f = loss.nodes + shift, loss.masses
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
    best = -loss.potential
    assert definition(loss, MAP, best, nothing) == pytest.approx(value, abs=1e-11)
    rng = np.random.default_rng(1)
    for size in (1e-3, 0.1, 1):
        assert definition(loss, MAP, best + size * rng.standard_normal(len(best)), nothing) > value
    assert definition(loss, MAP, np.zeros(len(best)), nothing) > value


@pytest.mark.parametrize("mixture", PLANES, ids=["uneven", "triangle", "tilted"])
def test_the_softmax_weights_are_a_coupling(mixture: SharedGMM) -> None:
    loss = KeyBiasLoss.of(matched(mixture))
    coupling = loss.coupling(MAP)
    assert coupling.sum(0) == pytest.approx(loss.masses, abs=1e-11)
    assert coupling.sum(1) == pytest.approx(loss.masses, abs=1e-11)
    shares = loss.shares(MAP)
    assert shares.sum(0) == pytest.approx(loss.weights, abs=1e-11)
    assert (shares > 0).all()


def test_the_origin_is_of_no_matter() -> None:
    """A shift of x is a linear function in the best bias."""
    loss, shift = KeyBiasLoss.of(matched(PLANES[2], Fraction(1, 2))), np.array([0.7, -1.2])
    value, _ = loss.at(MAP)
    moved = -loss.potential - loss.nodes @ MAP @ shift
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


def test_below_one_it_is_refuted_in_balls() -> None:
    assert judge(BIASED).standing is Standing.REFUTED
    seen = BIASED.decide(BIASED_INSTANCE)
    assert (seen.outcome, seen.provenance) == (Outcome.REFUTED, Provenance.ENCLOSED)
    assert seen.margin is not None
    assert 0.0045 < float(seen.margin[0]) <= float(seen.margin[1]) < 0.0046
    needs = {need.hypothesis: need.need for need in STATEMENT.necessity()}
    assert needs["always-matched"] is Need.NECESSARY


def test_it_is_refuted_in_other_coordinates() -> None:
    moved = SharedGMM(UNEVEN.weights, tuple((2 * a + b + 3, a - b - 1) for a, b in UNEVEN.means), ((5, 1), (1, 2)))
    assert examine("claim", matched(moved, Fraction(7, 10))).outcome is Outcome.REFUTED


@pytest.mark.parametrize("instance", [matched(FLAT), matched(EVEN, Fraction(1, 2))], ids=["matched", "equal"])
def test_where_it_holds_there_is_no_gap(instance: Instance) -> None:
    assert gap(instance) is None


@pytest.fixture(autouse=True)
def working_precision():
    with ctx.workprec(BITS):
        yield


def strips(u: fmpq_mat) -> Strips:
    return Strips.cut(BIASED_INSTANCE, u, [fmpq(x, 2) for x in range(-22, 36)])


def test_the_strips_are_the_law() -> None:
    """Masses and means against sampled points, and against the whole: 1, and the mean 0."""
    u = fmpq_mat([[1], [fmpq(1, 4)]])
    cut = strips(u)
    x = UNEVEN.sample(200_000, np.random.default_rng(0))
    place = np.searchsorted(np.arange(-11, 18, 0.5), x @ np.array([1, 0.25]))
    for a in range(0, len(cut.masses), 5):
        here = x[place == a]
        assert float(cut.masses[a].mid()) == pytest.approx(len(here) / len(x), abs=0.005)
        if len(here) > 5000:
            mean = [float(cut.means[a][i, 0].mid()) for i in range(2)]
            assert here.mean(0) == pytest.approx(mean, abs=0.15)
    assert sum(cut.masses, arb(0)).contains(1)
    whole = sum((m * p for m, p in zip(cut.means, cut.masses, strict=True)), arb_mat(2, 1))
    assert whole.contains(fmpq_mat(2, 1))


def test_the_bounds_lie_on_their_sides() -> None:
    """−KL below what the best maps of rank 1 and 2 reach on nodes; L of a mixture's bias above the best bias."""
    loss = KeyBiasLoss.of(BIASED_INSTANCE)
    least = loss.at(loss.best(2))[0]
    u = fmpq_mat([[1], [0]])
    cut = strips(u)
    below = [cut.below(_proposed(cut, BIASED_INSTANCE, u, slack), BIASED_INSTANCE.pairs.C) for slack in (1e-3, 0.1)]
    assert below[0] is not None
    assert least - 0.002 < float(below[0].mid()) < least
    assert below[1] is None or below[1] < below[0]
    M = fmpq_mat([[fmpq(1, 12), fmpq(-1, 50)], [fmpq(-1, 50), fmpq(-1, 100)]])
    found = mixture_bias(BIASED_INSTANCE, M, UNEVEN.w, UNEVEN.mu)
    assert found.reached
    assert float(exact.to_fraction(found.lower)) > loss.at(exact.to_floats(M))[0]
    plain = -loss.potential * 0
    assert float(exact.to_fraction(found.upper)) == pytest.approx(
        definition(loss, exact.to_floats(M), plain, np.zeros(2)), rel=0.02
    )


def test_a_coupling_that_is_none_bounds_nothing() -> None:
    u = fmpq_mat([[1], [0]])
    cut, C = strips(u), BIASED_INSTANCE.pairs.C
    T = _proposed(cut, BIASED_INSTANCE, u, 0.01)
    assert cut.below(T, C) is not None
    assert cut.below(T * 1.001, C) is None  # marginals above p
    assert cut.below(T, C + exact.identity(2)) is None  # D is not ≻ 0
    loose = np.outer(*[[float(p.mid()) for p in cut.masses]] * 2) * (1 - 1e-9)
    assert cut.below(loose, C) is None  # independent: D = −C
    wrong = T.copy()
    wrong[5, 40] = wrong[40, 5] = -1e-3  # which the rest does not make up for
    assert cut.below(wrong, C) is None
    assert cut.below(T * np.nan, C) is None


def test_more_dimensions_are_refused_in_one_line() -> None:
    corners = SharedGMM([Fraction(1, 4)] * 4, ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)), np.eye(3, dtype=int))
    with pytest.raises(InputError, match="dim S_LDA = 3"):
        KeyBiasLoss.of(matched(corners))


def test_the_proof_is_conditional_and_says_on_what() -> None:
    report = STATEMENT.checked
    assert report is not None
    assert tuple(a.name for a in report.assumed) == ASSUMED
    assert judge(STATEMENT).standing is Standing.CONDITIONAL
    assert Matrix({STATEMENT.id: STATEMENT}).cell(ROW, Column.EQUALITY).standing is Standing.CONDITIONAL
    verdict = STATEMENT.decide(STATEMENT.witness)
    assert verdict.outcome is Outcome.UNDECIDED
    assert f"conditional on {', '.join(ASSUMED)}" in verdict.reason
    assert {"always-matched", "columns-reach"} <= set(report.used)
    assert {"MinimisesKeyBias", "KeyBias", "Coupling", "SpansLDA", "WithinLDA"} <= {d.name for d in report.definitions}
