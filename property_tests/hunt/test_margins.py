"""Margins: what the formulas say is what the minimiser does, and what the kernel decides."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from thmverify import exact
from thmverify.certifying import decide
from thmverify.hunting import targets
from thmverify.hunting.conjectures import CONJECTURES
from thmverify.hunting.drafts import Draft
from thmverify.hunting.jobs import margins
from thmverify.hunting.margins.collinear import collinear_slopes
from thmverify.hunting.margins.line import Line
from thmverify.hunting.margins.optimum import deficiency
from thmverify.hunting.questions import ask
from thmverify.hunting.space import means, weights
from thmverify.hunting.targets import CollinearTarget
from thmverify.losses import LOSSES
from thmverify.losses.levels import float64_value
from thmverify.maps import Gram
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.verdicts import Outcome

SEARCHED = [name for name in CONJECTURES if name != "infonce-inclusion"]  # which is proved
BIASES = [Fraction(1), Fraction(7, 10), Fraction(1, 10)]


def lines(K: int, n: int, seed: int, centred: bool = True):
    from thmverify.hunting.space import Columns

    columns = Columns(np.random.default_rng(seed).standard_normal((n, 2 * K + 1)))
    w = weights(columns, K, equal=False)
    return w, means(columns, w, 1, centred)[:, :, 0]


@pytest.mark.parametrize("delta", BIASES)
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("K", [3, 4])
def test_the_slope_across_a_line_is_that_of_nearly_collinear_means(K, delta, centred):
    """Against the minimiser of the instance itself, with the means a little off the line along any direction."""
    w, a = lines(K, 40, 1, centred)
    found = collinear_slopes(w, a, delta, centred)
    usable = np.isfinite(found.margin) & (np.ptp(a, axis=1) < 30)
    epsilon = 0.003
    for which in (0, -1):
        off = found.directions[:, :, which]
        rows = np.stack([a, epsilon * off / np.abs(off).max(axis=1)[:, None]], axis=2)[usable]
        seen = np.array(
            [deficiency(*pair, float(delta)) for pair in zip(w[usable], np.moveaxis(rows, -1, -2), strict=True)]
        )
        if which == 0:
            assert np.allclose(seen, found.margin[usable], atol=0.005, rtol=0.02)
        else:
            assert np.all(seen <= found.margin[usable] + 0.005)


def test_a_turn_of_the_line_has_slope_nought():
    w, a = lines(5, 50, 2)
    line = Line(w, a, 0.7)
    y, found = line.optimum()
    moments = line.across(found)
    spread = np.einsum("nkl,nl->nk", moments.covariance, a)
    k = 2 + line.s + np.sum(a * spread, axis=1)
    usable = line.usable(y, found)
    assert usable.any()
    assert np.allclose(np.sum(line.pull(y, moments) * a, axis=1)[usable], (-y * k)[usable], rtol=1e-7)


def test_the_best_map_on_the_line_is_the_minimum_of_the_loss():
    w, a = ([Fraction(1, 2), Fraction(3, 8), Fraction(1, 8)], [Fraction(-1), Fraction(0), Fraction(4)])
    line = Line(np.array([[float(x) for x in w]]), np.array([[float(x) for x in a]]), 0.7)
    (y,), _ = line.optimum()
    instance = Instance(AugmentedPairs(SharedGMM(w, [[x] for x in a]), Fraction(7, 10)), 1)

    def loss(at: float) -> float:
        return float64_value(LOSSES["infonce"], instance, Gram(exact.matrix([[Fraction(at)]]))).value

    assert loss(y) < min(loss(y * 1.01), loss(y * 0.99))


@pytest.mark.parametrize("name", SEARCHED)
def test_positive_margins_are_mostly_refuted_and_clear_negative_ones_never(name):
    """A margin proposes; here it is measured against the kernel, on random points."""
    question = ask(name)
    target = question.target()
    points = np.random.default_rng(3).standard_normal((400, target.size))
    values = margins(question, points)
    agreed = tried = 0
    order = np.argsort(-values)
    for i in [*order[:8], *order[-8:]]:
        if not np.isfinite(values[i]):
            continue
        for draft in target.drafts(points[i]):
            if not draft.spans:  # rounding made its covariance indefinite
                continue
            verdict, _ = decide(question.claim, draft.instance(), measured=False)
            if values[i] < -0.01:
                assert verdict.outcome is not Outcome.REFUTED
                break
            if values[i] > 0 and verdict.outcome is Outcome.REFUTED:
                agreed += 1
                break
        tried += values[i] > 0
    assert agreed >= 0.75 * tried


def test_a_thousand_margins_a_second():
    question = ask("infonce-equality")
    points = np.random.default_rng(0).standard_normal((64, question.target().size))
    margins(question, points)
    rates = []
    for _ in range(5):
        start = time.process_time()  # of this process alone, on however busy a machine
        for _ in range(8):
            margins(question, points)
        rates.append(8 * 64 / (time.process_time() - start))
    assert max(rates) >= 1000


def test_a_point_is_the_same_instance_every_time():
    target = ask("infonce-equality").target()
    assert isinstance(target, CollinearTarget)
    point = np.random.default_rng(5).standard_normal(target.size)
    one, two = ([d.instance() for d in target.drafts(point)] for _ in range(2))
    assert one == two
    assert all(x.shared.is_centred for x in one)


@pytest.mark.parametrize("pairs", [(), ("components=4", "weights=equal"), ("components=4", "dimension=3")], ids=str)
def test_a_point_is_the_same_drafts_whatever_signs_eigenvectors_get(pairs, monkeypatch):
    target = ask("infonce-equality", pairs).target()
    points = np.random.default_rng(6).standard_normal((5, target.size))
    drafts = [[*target.drafts(point)] for point in points]

    def turned(*arguments):
        found = collinear_slopes(*arguments)
        return replace(found, directions=-found.directions)

    monkeypatch.setattr(targets, "collinear_slopes", turned)
    assert [[*target.drafts(point)] for point in points] == drafts


@pytest.mark.parametrize("name", SEARCHED)
def test_drafts_keep_what_is_fixed_and_survive_json(name):
    question = ask(name)
    target = question.target()
    for point in np.random.default_rng(1).standard_normal((5, target.size)):
        for draft in target.drafts(point):
            again = Draft.from_json(draft.to_json())
            assert again == draft
            assert again.with_numbers(again.numbers) == draft
            if not draft.spans:
                continue
            instance = draft.instance()
            assert question.settings.columns == instance.rank or name.startswith("pca")


@pytest.mark.parametrize("name", SEARCHED)
@pytest.mark.parametrize("pairs", [(), ("shape=any",)])
def test_points_that_make_no_sensible_instance_look_true(name, pairs):
    """Coincident means, enormous ones, tiny ones: no error, no NaN, and no alarm."""
    if pairs and "shape" not in CONJECTURES[name].allowed:
        return
    question = ask(name, pairs)
    size = question.target().size
    points = np.concatenate([np.zeros((2, size)), np.full((2, size), 3.0), 1e6 * np.eye(size), -1e6 * np.eye(size)])
    found = margins(question, points)
    assert not np.isnan(found).any()
    assert not np.isposinf(found).any()
    if "clip" not in name:
        assert np.all(found[:4] <= 1e-6)
