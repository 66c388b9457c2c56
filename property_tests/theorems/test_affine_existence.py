"""Affine maps as M = AAᵀ and β = Ac: the loss and its slopes, and where (M*, β*) is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from thmverify import exact
from thmverify.exact import to_floats
from thmverify.minimize.affine import Relaxed
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.theorems.encoders.affine_equality import STATEMENT as EQUALITY
from thmverify.theorems.encoders.affine_existence import LEANING, STATEMENT, examine, margin
from thmverify.theorems.encoders.common import inside
from thmverify.theorems.infonce.common import COUNTEREXAMPLE, TRIANGLE, WITNESS
from thmverify.theorems.infonce.translation import shifted
from thmverify.verdicts import Outcome, Provenance

PLANE = Relaxed(Instance(AugmentedPairs(SharedGMM(("1/2", "1/4", "1/4"), ((1, 1), (-3, 1), (1, -3))), "3/5"), 2))


def test_the_claim_is_refuted_by_an_instance_that_satisfies_it() -> None:
    assert STATEMENT.false_hypotheses(LEANING) == ()
    found = examine(LEANING)
    assert (found.outcome, found.provenance) == (Outcome.REFUTED, Provenance.ENCLOSED)
    assert margin(LEANING) > 0.5


def test_it_holds_on_a_line_and_where_the_map_fills_the_plane() -> None:
    assert examine(WITNESS).outcome is Outcome.PROVED
    triangle = Instance(AugmentedPairs(TRIANGLE), 3)
    assert examine(triangle).outcome is Outcome.PROVED
    assert margin(triangle) < 0
    assert examine(replace(LEANING, rank=1)).outcome is Outcome.UNDECIDED


def test_the_loss_is_that_of_samples() -> None:
    A, c = np.array([[0.3, 0.1], [-0.2, 0.4]]), np.array([0.2, -0.5])
    model, rng, n = PLANE.instance.pairs, np.random.default_rng(0), 4000
    x, y = model.sample(n, rng)
    f, g = x @ A + c, y @ A + c
    negatives = np.log(np.exp(f @ g.T).mean(axis=1)).mean()
    assert PLANE.slopes(A, A @ c)[0] == pytest.approx(negatives - np.sum(f * g) / n, abs=0.1)


def test_slopes_are_derivatives_and_balls_contain_them() -> None:
    A, beta = np.array([[0.3], [-0.2]]), np.array([0.1, 0.25])
    value, g, h = PLANE.slopes(A, beta)
    step = 1e-5
    for i in range(2):
        e = np.eye(2)[i]
        along = (PLANE.slopes(A + step * e[:, None], beta)[0] - PLANE.slopes(A - step * e[:, None], beta)[0]) / 2 / step
        assert along == pytest.approx(2 * (g @ A)[i, 0], abs=1e-7)
        across = (PLANE.slopes(A, beta + step * e)[0] - PLANE.slopes(A, beta - step * e)[0]) / 2 / step
        assert across == pytest.approx(h[i], abs=1e-7)
    balls = PLANE.gradient(*(exact.matrix([[Fraction(float(x))] for x in z]) for z in (A[:, 0], beta)))
    for ball, expected in zip((*balls[0].entries(), *balls[1].entries()), (*g.ravel(), *h), strict=True):
        assert float(ball.mid()) == pytest.approx(expected, abs=1e-9)
    assert value < 1


def test_a_wrong_place_is_refused() -> None:
    relaxed = inside(LEANING)
    A, beta = relaxed.proposed(1)
    v = fmpq_mat(2, 1, [-A[1, 0], A[0, 0]]) / max(abs(x) for x in A.entries())
    assert relaxed.apart(A, beta, v)
    assert not relaxed.apart(A * fmpq(3, 2), beta, v)
    assert not relaxed.apart(A, beta * fmpq(0), v)
    assert not relaxed.apart(A, A * fmpq(1, 7), v)  # β in Col M
    assert not relaxed.full(A, beta)
    assert np.linalg.matrix_rank(to_floats(A)) == 1


def test_equality_fails_where_it_does_for_linear_maps_and_holds_for_a_triangle() -> None:
    (example,) = EQUALITY.counterexamples
    assert EQUALITY.unsupported() == ""
    assert example.instance == COUNTEREXAMPLE.instance
    assert EQUALITY.margin(example.instance) > 0
    triangle = Instance(AugmentedPairs(TRIANGLE), 3)
    assert EQUALITY.examine(triangle).outcome is Outcome.PROVED
    assert EQUALITY.margin(triangle) < 0
    assert EQUALITY.examine(WITNESS).provenance is Provenance.EXACT


@pytest.mark.parametrize("statement", [STATEMENT, EQUALITY], ids=["existence", "equality"])
def test_nothing_is_said_of_a_mixture_whose_mean_is_not_zero(statement) -> None:
    moved = shifted(LEANING, (Fraction(1), Fraction(0)))
    assert statement.examine(moved).outcome is Outcome.UNDECIDED
    assert statement.margin(moved) == -1
