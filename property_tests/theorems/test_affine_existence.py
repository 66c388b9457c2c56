"""Affine maps as M = AAᵀ and β = Ac: the loss and its slopes, and what the kernel finds of (M*, β*)."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import ctx
from hypothesis import given, settings
from hypothesis import strategies as hst

from thmverify import exact
from thmverify.certifying import decide
from thmverify.certifying.affine import inside, proposed
from thmverify.certifying.grids import propose
from thmverify.certifying.writing import instance_fields
from thmverify.kernel import Rejected
from thmverify.kernel.integrals import read_grids
from thmverify.kernel.models import Pairs
from thmverify.kernel.models import instance as kernel_instance
from thmverify.kernel.rules import RULES
from thmverify.kernel.rules.affine import gradient
from thmverify.minimize.affine import Relaxed
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.statement import Statement
from thmverify.testing import examples
from thmverify.theorems.encoders.affine_equality import STATEMENT as EQUALITY
from thmverify.theorems.encoders.affine_existence import LEANING, STATEMENT, margin
from thmverify.theorems.infonce.common import COUNTEREXAMPLE, TRIANGLE, WITNESS
from thmverify.theorems.infonce.translation import shifted
from thmverify.verdicts import Outcome, Provenance

PLANE = Relaxed(Instance(AugmentedPairs(SharedGMM(("1/2", "1/4", "1/4"), ((1, 1), (-3, 1), (1, -3))), "3/5"), 2))


def test_the_claim_is_refuted_by_an_instance_that_satisfies_it() -> None:
    assert STATEMENT.false_hypotheses(LEANING) == ()
    (example,) = STATEMENT.counterexamples
    assert example.instance == LEANING
    assert example.verdict(STATEMENT.claim, STATEMENT.examine).outcome is Outcome.REFUTED
    found, data = STATEMENT.decided(LEANING)
    assert data is not None
    assert (found.outcome, found.provenance) == (Outcome.REFUTED, Provenance.ENCLOSED)
    assert margin(LEANING) > 0.5


def test_it_holds_on_a_line_and_where_the_map_fills_the_plane() -> None:
    assert STATEMENT.examine(WITNESS).outcome is Outcome.PROVED
    triangle = Instance(AugmentedPairs(TRIANGLE), 3)
    assert STATEMENT.examine(triangle).outcome is Outcome.PROVED
    assert margin(triangle) < 0
    assert STATEMENT.examine(replace(LEANING, rank=1)).outcome is Outcome.UNDECIDED
    nothing = Instance(AugmentedPairs(SharedGMM((1,), ((1, 2),))), 1)
    assert (margin(nothing), STATEMENT.examine(nothing).outcome) == (-1, Outcome.PROVED)
    assert (EQUALITY.margin(nothing), EQUALITY.examine(nothing).outcome) == (-1, Outcome.PROVED)


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


def seen(instance: Instance) -> Pairs:
    pairs = kernel_instance(instance_fields(instance))
    assert isinstance(pairs, Pairs)
    return pairs


def hints_of(claim: str, instance: Instance) -> dict[str, Any]:
    data = decide(claim, instance)[1]
    assert data is not None
    return dict(json.loads(data)["hints"])


def test_the_kernel_s_gradient_is_the_library_s() -> None:
    law = seen(PLANE.instance).mixture
    A, beta = exact.matrix([[Fraction(3, 10)], [Fraction(-1, 5)]]), exact.matrix([[Fraction(1, 10)], [Fraction(1, 4)]])
    grid = propose(law, A, A.transpose() * law.offsets, 30.0, boxes=True)
    with ctx.workprec(grid.bits):
        there = gradient(law, PLANE.instance.pairs.C, A, beta, read_grids(grid.grids, "grids"))
        for ball, other in zip(there, PLANE.gradient(A, beta), strict=True):
            for x, y in zip(ball.entries(), other.entries(), strict=True):
                assert x.overlaps(y)
                assert x.rad() < 1e-9


def test_a_wrong_place_is_refused() -> None:
    hints = hints_of("affine-existence", LEANING)
    rule = RULES["affine-existence", "kkt"]
    assert rule(seen(LEANING), hints).verdict == "refuted"
    along = [[str(Fraction(x) / 7) for x in row] for row in hints["V"]]  # β in Col M
    for name, value in (
        ("V", [[str(Fraction(x) * 3 / 2) for x in row] for row in hints["V"]]),
        ("V", [[], []]),
        ("offset", [["0"], ["0"]]),
        ("offset", along),
        ("N", hints["V"]),
        ("grids", hints["grids"][:-1]),
    ):
        with pytest.raises(Rejected):
            rule(seen(LEANING), hints | {name: value})
    with pytest.raises(Rejected, match="r ≥ dim S_F"):
        rule(seen(replace(LEANING, rank=1)), hints)


numbers = hst.integers(-40, 40).map(Fraction)


@given(hst.lists(numbers, min_size=6, max_size=6), hst.sampled_from([100, 10**4, 10**8]))
@settings(max_examples=examples(10), deadline=None)
def test_no_hints_refute_where_both_hold(shift: list[Fraction], scale: int) -> None:
    """Equal weights round a triangle: whatever the point, near the best of rank 1 or not, nothing is refuted."""
    instance = Instance(AugmentedPairs(TRIANGLE), 3)
    Q, relaxed = inside(instance)
    A, beta = proposed(relaxed, 1)
    law = relaxed.instance.shared.law
    V, offset = (m + exact.matrix([[x / scale] for x in move]) for m, move in ((A, shift[:2]), (beta, shift[2:4])))
    grid = propose(law, V, V.transpose() * law.offsets, 20.0, boxes=True)
    point = {name: [[str(x) for x in row] for row in exact.to_rows(m)] for name, m in (("V", V), ("offset", offset))}
    hints = {"precision": str(grid.bits), "Q": Q, "grids": grid.grids, "V": point["V"]}
    hints |= {"N": [[str(shift[4])], [str(shift[5])]], "offset": point["offset"]}
    for claim in ("affine-equality", "affine-existence"):
        try:
            finding = RULES[claim, "kkt"](seen(instance), hints)
        except Rejected:
            continue
        assert finding.verdict == "proved"


@pytest.mark.parametrize("statement", [STATEMENT, EQUALITY], ids=["existence", "equality"])
def test_a_shift_changes_nothing(statement: Statement) -> None:
    moved = shifted(LEANING, (Fraction(1), Fraction(-2)))
    assert statement.examine(moved).outcome is statement.examine(LEANING).outcome is Outcome.REFUTED
    assert statement.margin(moved) == pytest.approx(statement.margin(LEANING), rel=1e-3)
    space = SharedGMM(("1/2", "1/4", "1/4"), ((1, 1, 0), (-3, 1, 0), (1, -3, 5)))
    assert statement.examine(Instance(AugmentedPairs(space), 3)).outcome is not Outcome.REFUTED


def test_equality_fails_where_it_does_for_linear_maps_and_holds_for_a_triangle() -> None:
    (example,) = EQUALITY.counterexamples
    assert EQUALITY.unsupported() == ""
    assert example.instance == COUNTEREXAMPLE.instance
    assert EQUALITY.margin(example.instance) > 0
    triangle = Instance(AugmentedPairs(TRIANGLE), 3)
    assert EQUALITY.examine(triangle).outcome is Outcome.PROVED
    assert EQUALITY.margin(triangle) < 0
    assert EQUALITY.examine(WITNESS).provenance is Provenance.EXACT
