"""Float64, mpmath and enclosures of every loss and gradient agree within what each claims."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.engine.support import contains, enclose, encloses, floats, interval
from thmverify import exact
from thmverify.errors import InputError
from thmverify.instances import read_instance, read_map
from thmverify.losses import LOSSES, find_loss, levels
from thmverify.maps import CLIPProduct, Encoder, Gram
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Posed, Seeded, examples, posed, posed_questions, shared_gmm

RATIONAL = ("spectral", "simsiam", "pca", "fisher")
WITH_INTEGRALS = ("infonce", "clip")


def loss_of(question: Posed):
    return LOSSES[question.loss]


def asked(question: Posed):
    return loss_of(question), question.instance, question.linear_map


line = st.one_of(posed_questions("infonce"), posed_questions("infonce", shared=False), posed_questions("clip"))
plane = st.one_of(posed_questions("infonce", (3, 4), columns=2), posed_questions("clip", (3, 4), columns=2))
closed_forms = st.sampled_from(RATIONAL).flatmap(lambda loss: posed_questions(loss, dimension=(1, 8), shared=None))


@given(line)
@settings(max_examples=examples(60))
def test_values_agree_on_the_line(question):
    truth = enclose(question, 20)
    assert truth.reached, truth.note
    assert truth.width <= max(abs(truth.upper), fmpq(1)) / fmpq(10) ** 20
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))


@given(line)
@settings(max_examples=examples(8))
def test_mpmath_agrees_on_the_line(question):
    value = levels.multiprecision_value(*asked(question), digits=15)
    assert contains(enclose(question, 20), value, fmpq(1, 10**15) * (1 + abs(enclose(question, 3).upper)))


@given(plane)
@settings(max_examples=examples(12))
def test_values_agree_in_the_plane(question):
    truth = enclose(question, 10)
    assert truth.reached, truth.note
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))


def test_mpmath_agrees_in_the_plane():
    question = posed(Seeded(random.Random(5)), "infonce", 3, 2, 2, 1, hostile=False)
    assert LOSSES["infonce"].value(question.instance, question.linear_map).logarithms[0].problem.dimension == 2
    value = levels.multiprecision_value(*asked(question), digits=5)
    assert contains(enclose(question, 12), value, fmpq(1, 10**5))


@given(closed_forms)
@settings(max_examples=examples(60))
def test_closed_forms_are_exact_at_every_level(question):
    value = levels.exact_value(*asked(question))
    truth = enclose(question, 30)
    assert truth.lower == truth.upper == value
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert estimate.error <= 1e-14 * (1 + abs(estimate.value))
    with mpmath.workdps(40):
        assert contains(truth, levels.multiprecision_value(*asked(question), 30), (1 + abs(value)) / fmpq(10) ** 28)


@given(line, st.integers(1, 8))
@settings(max_examples=examples(25))
def test_few_digits_hold_many(question, digits):
    rough, fine = enclose(question, digits), enclose(question, 40)
    assert fine.reached
    assert encloses(rough, fine)


@given(st.one_of(line, plane))
@settings(max_examples=examples(30))
def test_gradients_agree(question):
    digits = 8
    balls, reached = levels.enclosed_gradient(*asked(question), digits)
    assert reached
    estimate = levels.float64_gradient(*asked(question))
    assert balls.keys() == estimate.derivatives.keys()
    for name, derivative in estimate.derivatives.items():
        for ball, x in zip(balls[name].flat, derivative.flat, strict=True):
            assert interval(ball).width <= 2 * (1 + abs(interval(ball).upper)) / fmpq(10) ** digits
            assert contains(interval(ball), float(x), Fraction(estimate.error))


@given(line)
@settings(max_examples=examples(4))
def test_mpmath_gradients_agree(question):
    balls, _ = levels.enclosed_gradient(*asked(question), 15)
    for name, derivative in levels.multiprecision_gradient(*asked(question), digits=12).items():
        size = 1 + max(abs(x) for x in floats_of(derivative))
        for ball, x in zip(balls[name].flat, derivative.flat, strict=True):
            assert contains(interval(ball), x, Fraction(size) / 10**11)


def floats_of(array) -> list[float]:
    return [float(x) for x in array.flat]


@given(closed_forms)
@settings(max_examples=examples(40))
def test_gradients_of_closed_forms_are_exact(question):
    if question.loss == "fisher" and question.linear_map.A.rank() < question.linear_map.A.ncols():
        with pytest.raises(InputError, match="not differentiable"):
            levels.exact_gradient(*asked(question))
        return
    gradient = levels.exact_gradient(*asked(question))
    estimate = levels.float64_gradient(*asked(question))
    balls, reached = levels.enclosed_gradient(*asked(question), 20)
    assert reached
    for name, derivative in gradient.items():
        np.testing.assert_allclose(estimate.derivatives[name], floats(derivative), rtol=1e-12, atol=estimate.error)
        for ball, x in zip(balls[name].flat, derivative.entries(), strict=True):
            assert interval(ball).lower <= x <= interval(ball).upper


# ---------------------------------------------------------------------------------------------------- far and large


@pytest.mark.parametrize("seed", range(3))
def test_eight_components_and_a_rank_one_map_in_eight_dimensions(seed):
    source = Seeded(random.Random(seed))
    question = posed(source, "infonce", components=8, dimension=8, columns=1, spread=6)
    truth = enclose(question, 30)
    assert truth.reached
    assert truth.width <= max(abs(truth.upper), fmpq(1)) / fmpq(10) ** 30
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert contains(truth, levels.multiprecision_value(*asked(question), 12), fmpq(1, 10**11))


@pytest.mark.parametrize("columns", [2])
def test_eight_components_in_the_plane(columns):
    question = posed(Seeded(random.Random(3)), "infonce", components=8, dimension=8, columns=columns, hostile=False)
    truth = enclose(question, 10)
    assert truth.reached
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))


def two_clusters(distance: int, map_size: Fraction) -> tuple[Posed, fmpq]:
    """Return ±distance on the line with f(x) = √m x, and the loss of clusters that never meet: exact, m = map_size².

    E log ½(e^{mdx} + e^{−mdx}) = md E|x| − log 2 up to exponentially small terms, and E|x| = d up to Φ(−d).
    """
    mixture = SharedGMM((Fraction(1, 2),) * 2, ((distance,), (-distance,)))
    question = Posed("infonce", Instance(AugmentedPairs(mixture), 1), Encoder(exact.matrix([[map_size]])))
    m, d = exact.to_fmpq(map_size**2), fmpq(distance)
    return question, -m * d * d + m * m * (1 + d * d) / 2 + m * d * d


@pytest.mark.parametrize(("distance", "map_size"), [(1000, Fraction(1)), (1000, Fraction(1, 30)), (30, Fraction(3))])
def test_far_clusters_cancel_to_the_last_digit(distance, map_size):
    """Terms of 10⁶ that leave log ½: the enclosure finds the digits, the float error admits what it lost."""
    question, rest = two_clusters(distance, map_size)
    truth = enclose(question, 25)
    assert truth.reached
    with mpmath.workdps(60):
        expected = mpmath.mpf(int(rest.p)) / int(rest.q) - mpmath.log(2)
        assert contains(truth, expected, max(abs(truth.upper), fmpq(1)) / fmpq(10) ** 25)
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert estimate.error < 1e-9 * (1 + abs(estimate.value))


@pytest.mark.parametrize("gap", [Fraction(1, 10**3), Fraction(1, 10**12), Fraction(1, 10**40)])
def test_near_clusters_approach_one(gap):
    """Means ±g apart: the loss differs from that of one component by O(g²)."""
    mixture = SharedGMM((Fraction(1, 2),) * 2, ((1 + gap,), (1 - gap,)))
    near = Posed("infonce", Instance(AugmentedPairs(mixture), 1), Encoder(exact.matrix([[Fraction(1, 2)]])))
    single = Posed("infonce", Instance(AugmentedPairs(SharedGMM((Fraction(1),), ((1,),))), 1), near.linear_map)
    one, two = enclose(single, 60), enclose(near, 60)
    assert two.reached
    assert two.width < fmpq(1, 10**59)
    assert abs(two.upper - one.upper) < exact.to_fmpq(gap**2) * 2 + fmpq(1, 10**59)


@pytest.mark.parametrize("exponent", [6, 12, 40])
def test_a_nearly_singular_covariance_is_enclosed(exponent):
    tiny = Fraction(1, 10**exponent)
    covariance = ((1, 1 - tiny), (1 - tiny, 1))
    mixture = SharedGMM((Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)), ((1, 0), (0, 1), (-1, 1)), covariance)
    for A, digits in ((exact.matrix([[1], [-1]]), 20), (exact.matrix([[1, 0], [0, 1]]), 10)):
        question = Posed("infonce", Instance(AugmentedPairs(mixture), 2), Encoder(A))
        truth = enclose(question, digits)
        assert truth.reached, truth.note
        estimate = levels.float64_value(*asked(question))
        assert contains(truth, estimate.value, Fraction(estimate.error))


def test_what_cannot_be_reached_is_said_and_still_enclosed():
    """Seven dimensions are beyond any lattice: the interval is wide, honest, and holds the float value."""
    mixture = shared_gmm(Seeded(random.Random(8)), 8, 8, hostile=False)
    question = Posed("infonce", Instance(AugmentedPairs(mixture), 8), Encoder(exact.identity(8)))
    truth = enclose(question, 20)
    assert not truth.reached
    assert "20" in truth.note or "21" in truth.note
    assert truth.lower < truth.upper
    estimate = levels.float64_value(*asked(question))
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert 0 < estimate.error < 0.1


def test_the_working_precision_is_left_as_it_was():
    question = posed(Seeded(random.Random(1)), "infonce", 3, 3, 2, hostile=False)
    before = flint.ctx.prec, mpmath.mp.prec
    enclose(question, 8)
    levels.enclosed_gradient(*asked(question), 4)
    levels.multiprecision_value(*asked(posed(Seeded(random.Random(1)), "infonce", 2, 1)), digits=5)
    assert (flint.ctx.prec, mpmath.mp.prec) == before


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_refuses_maps_and_models_that_are_not_its_own(loss):
    mixture = SharedGMM((Fraction(1),), ((1, 2),))
    pairs = Instance(AugmentedPairs(mixture), 1)
    paired = "clip-gmm" in LOSSES[loss].models
    wrong = Encoder(fmpq_mat(2, 1)) if paired else CLIPProduct(fmpq_mat(2, 2))
    own = posed(Seeded(random.Random(0)), loss)
    with pytest.raises(InputError):
        LOSSES[loss].value(own.instance, wrong)
    with pytest.raises(InputError):
        LOSSES[loss].value(pairs if paired else posed(Seeded(random.Random(0)), "clip").instance, own.linear_map)


@pytest.mark.parametrize("loss", ["infonce", "spectral", "pca", "fisher"])
def test_maps_of_another_dimension_are_refused(loss):
    pairs = Instance(AugmentedPairs(SharedGMM((Fraction(1),), ((1, 2),))), 1)
    for wrong, field in ((Encoder(fmpq_mat(3, 1)), "A"), (Gram(fmpq_mat(3, 3)), "M")):
        with pytest.raises(InputError) as caught:
            LOSSES[loss].value(pairs, wrong)
        assert caught.value.field == field


def test_pca_refuses_columns_that_are_not_orthonormal():
    pairs = Instance(AugmentedPairs(SharedGMM((Fraction(1),), ((1, 2),))), 1)
    for wrong in (Encoder(fmpq_mat([[1], [fmpq(1, 10**40)]])), Gram(fmpq_mat([[2, 0], [0, 0]]))):
        with pytest.raises(InputError):
            LOSSES["pca"].value(pairs, wrong)


def test_an_unknown_loss_is_refused():
    with pytest.raises(InputError) as caught:
        find_loss("triplet")
    assert "infonce" in caught.value.remedy


def test_float_errors_stay_finite_numbers():
    for seed in range(10):
        estimate = levels.float64_value(
            *asked(posed(Seeded(random.Random(seed)), "infonce", columns=(1, 4), spread=30))
        )
        assert math.isfinite(estimate.value)
        assert math.isfinite(estimate.error)


def test_digits_far_out_of_reach_end_in_bounds_and_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width then exceeds what was asked for by more powers of ten than a float has."""
    monkeypatch.setattr("thmverify.integrate.enclosure.BUDGET", 1e5)
    folder = Path(__file__).parents[2] / "examples"
    instance, encoder = read_instance(folder / "shared-gmm.json"), read_map(folder / "encoder.json")
    enclosed = levels.enclose(LOSSES["infonce"], instance, encoder, 900)
    assert not enclosed.reached
    assert enclosed.note
    assert 0 < enclosed.width < fmpq(1, 10**6)
