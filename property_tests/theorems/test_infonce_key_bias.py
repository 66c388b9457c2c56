"""InfoNCE with a key bias: its engine against the definition, and a proof that says what it supposes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.special import logsumexp

from thmverify.errors import InputError
from thmverify.guarantees import Column
from thmverify.matrix import Matrix
from thmverify.minimize.key_bias import KeyBiasLoss
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.standing import Standing, judge
from thmverify.theorems.infonce.common import COUNTEREXAMPLE, TRIANGLE
from thmverify.theorems.infonce.common import slope_across as plain_slope
from thmverify.theorems.key_bias.common import ROW, UNEVEN, slope_across
from thmverify.theorems.key_bias.infonce_key_bias_equality import STATEMENT
from thmverify.theorems.key_bias.infonce_key_bias_equality_biased import STATEMENT as BIASED
from thmverify.verdicts import Outcome

ASSUMED = ("optimal-coupling", "inclusion")
PLANES = [UNEVEN, TRIANGLE, SharedGMM(UNEVEN.weights, ((1, 0), (-2, 1), (0, 3)), ((2, 1), (1, 3)))]
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
    assert slope_across(matched(UNEVEN, Fraction(7, 10))) == pytest.approx(0.00465, abs=1e-4)
    assert slope_across(matched(UNEVEN)) == pytest.approx(-9.5e-6, abs=1e-6)
    assert np.linalg.matrix_rank(KeyBiasLoss.of(matched(UNEVEN, Fraction(7, 10))).best(2), tol=1e-9) == 1
    assert np.linalg.matrix_rank(KeyBiasLoss.of(matched(UNEVEN)).best(2), tol=1e-9) == 2
    assert "≥ 0" in BIASED.decide(matched(UNEVEN, Fraction(7, 10))).reason


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
