"""PCA misses the Fisher subspace of pancakes: the figure's mixtures, decided exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from flint import fmpq
from hypothesis import given, settings

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify import testing as strategies
from thmverify.models import Instance, SharedGMM
from thmverify.reports.figures import pancakes
from thmverify.sampling import instance_rng
from thmverify.subspaces import Subspace, fisher_subspace, mean_subspace
from thmverify.theorems.pca.common import BALLS, PANCAKES, line, three_in_a_row
from thmverify.theorems.pca.common import angle_margin as margin
from thmverify.theorems.pca.pca_equality import FOUND, PARALLEL, SHIFTED, SHIFTED_PANCAKES, STATEMENT
from thmverify.verdicts import Outcome, Status


def test_the_figure_draws_the_mixtures_of_the_theorem() -> None:
    assert [mixture for _, _, mixture in pancakes.MIXTURES] == [BALLS, PANCAKES, SHIFTED_PANCAKES]


def test_three_in_a_row_is_centred() -> None:
    mixture = three_in_a_row((1, 2), (Fraction(1), Fraction(2)))
    assert isinstance(mixture, SharedGMM)
    assert mixture.is_centred


@pytest.mark.parametrize("found", [FOUND, PARALLEL, SHIFTED], ids=["certificate", "parallel", "shifted"])
def test_counterexamples_refute(found: object) -> None:
    assert STATEMENT.unsupported() == ""
    instance = found.instance  # type: ignore[attr-defined]
    assert STATEMENT.examine(instance).outcome is Outcome.REFUTED
    assert margin(instance) > 0.1
    assert STATEMENT.status is Status.REFUTED


def test_what_the_pancakes_show() -> None:
    # Parallel: S_F is an eigenspace of R, of the smaller eigenvalue. Shifted: it is neither that nor the means' span.
    first, second = Subspace.spanned_by(exact.matrix([[1], [0]])), Subspace.spanned_by(exact.matrix([[65], [1]]))
    assert fisher_subspace(PANCAKES) == mean_subspace(PANCAKES) == first
    assert exact.matrix([[Fraction(25, 4), 0], [0, Fraction(65, 4)]]) == PANCAKES.R
    assert fisher_subspace(SHIFTED_PANCAKES) == second != mean_subspace(SHIFTED_PANCAKES)
    for line_ in (second, mean_subspace(SHIFTED_PANCAKES)):
        assert not line_.image(SHIFTED_PANCAKES.R) <= line_


@settings(max_examples=20)
@given(strategies.mixture_instances(dimension=(2, 3), components=(2, 3), hostile=False))
def test_other_encodings_give_the_same_verdict(instance: Instance) -> None:
    rng, d = instance_rng(instance), instance.pairs.mixture.dimension
    question = replace(instance, rank=max(1, fisher_subspace(instance.pairs.mixture).dimension))
    turned = exact.matrix([[(i + 1) % d == j for j in range(d)] for i in range(d)])  # PCA keeps to rotations
    order = rng.sample(range(instance.pairs.mixture.components), instance.pairs.mixture.components)
    wanted = STATEMENT.examine(question).outcome
    others = (transformed(question, turned * fmpq(3)), permuted(question, order), split_component(question))
    assert [STATEMENT.examine(other).outcome for other in others] == [wanted] * 3
    assert (margin(question) > 0) == (wanted is Outcome.REFUTED)


def test_rescaling_one_axis_changes_the_verdict() -> None:
    # PCA depends on the units of each axis.
    thin = line(three_in_a_row((3, 0), (Fraction(1, 4), Fraction(4))))
    assert STATEMENT.examine(thin).outcome is Outcome.PROVED
    stretched = transformed(thin, exact.matrix([[1, 0], [0, 5]]))
    assert STATEMENT.examine(stretched).outcome is Outcome.REFUTED


def test_more_columns_than_s_f_has_dimensions_cannot_give_it() -> None:
    wide = replace(line(BALLS), rank=2)
    assert STATEMENT.false_hypotheses(wide) == ("columns-match",)
    assert STATEMENT.examine(wide).outcome is Outcome.REFUTED
