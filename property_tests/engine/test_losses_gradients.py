"""Gradients against differences of the values, every loss, every matrix, every direction that keeps the integral small.

Closed forms: the exact derivative of a rational function of t, from exact values. Integrals: differences of enclosures
to 40 digits at a step of 10⁻¹⁶, so that 14 digits of the derivative are checked.
"""

from __future__ import annotations

import warnings
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from property_tests.engine.support import enclose, floats, interval
from thmverify import exact
from thmverify.integrate.enclosure import Enclosure
from thmverify.losses import LOSSES, levels
from thmverify.maps import CLIPProduct, Encoder, Gram, SimSiamPair
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.testing import Posed, examples, posed_questions, rational_matrices

STEP = fmpq(1, 10**16)
DIGITS = 40


def moved(question: Posed, linear_map: object) -> Posed:
    return Posed(question.loss, question.instance, linear_map)  # type: ignore[arg-type]


def central_difference(question: Posed, at) -> tuple[fmpq, fmpq]:
    """Return (L(h) − L(−h))/2h of L(t) = the loss of at(t), as the ends of an interval."""
    ahead, behind = (enclose(moved(question, at(t)), DIGITS) for t in (STEP, -STEP))
    assert ahead.reached
    assert behind.reached
    return (ahead.lower - behind.upper) / (2 * STEP), (ahead.upper - behind.lower) / (2 * STEP)


def directional(question: Posed, name: str, direction: fmpq_mat) -> Enclosure:
    """Return an enclosure of ⟨∂L/∂name, direction⟩."""
    balls, reached = levels.enclosed_gradient(LOSSES[question.loss], question.instance, question.linear_map, 20)
    assert reached
    low = high = fmpq(0)
    for ball, d in zip(balls[name].flat, direction.entries(), strict=True):
        ends = [interval(ball).lower * d, interval(ball).upper * d]
        low, high = low + min(ends), high + max(ends)
    return Enclosure(low, high)


def check(question: Posed, name: str, direction: fmpq_mat, at) -> None:
    """Check the derivative along `direction` to the truncation error of the difference, O(h²)."""
    low, high = central_difference(question, at)
    claimed = directional(question, name, direction)
    slack = fmpq(1, 10**14) * (1 + abs(low))
    assert low - slack <= claimed.upper
    assert claimed.lower <= high + slack
    assert claimed.width <= slack
    estimate = levels.float64_gradient(LOSSES[question.loss], question.instance, question.linear_map)
    total = float((estimate.derivatives[name] * floats(direction)).sum())
    reach = float(abs(floats(direction)).sum())
    assert float(exact.to_fraction(low - slack)) - estimate.error * reach - 1e-15 * reach <= total
    assert total <= float(exact.to_fraction(high + slack)) + estimate.error * reach + 1e-15 * reach


@given(st.data(), st.sampled_from([True, False]))
@settings(max_examples=examples(25))
def test_infonce_along_moves_of_the_encoder(data, shared):
    """d/dt L((A + tB)(A + tB)ᵀ) = ⟨∇L, ABᵀ + BAᵀ⟩."""
    question = data.draw(posed_questions("infonce", (1, 4), (1, 4), shared=shared, spread=3))
    A = question.linear_map.A
    B = data.draw(rational_matrices(A.nrows(), A.ncols()))
    direction = A * B.transpose() + B * A.transpose()
    check(question, "M", direction, lambda t: Encoder(A + B * t))


@given(st.data())
@settings(max_examples=examples(20))
def test_infonce_of_two_components_in_every_direction(data):
    """K = 2 leaves one dimension whatever M is: M ≻ 0 may move anywhere, and ∇L is checked beyond Col(M)."""
    question = data.draw(posed_questions("infonce", 2, (1, 4), spread=3))
    d = question.instance.pairs.mixture.dimension
    M = question.linear_map.M + exact.identity(d) * fmpq(1, 16)
    B = data.draw(rational_matrices(d, d))
    direction = exact.symmetrise(B)
    check(moved(question, Gram(M)), "M", direction, lambda t: Gram(M + direction * t))


@given(st.data())
@settings(max_examples=examples(20))
def test_infonce_of_unlike_covariances_on_the_line(data):
    """d = 1: quadratic logits, and M may move both ways."""
    question = data.draw(posed_questions("infonce", (1, 4), 1, shared=False, spread=3))
    M = question.linear_map.M + exact.identity(1) * fmpq(1, 16)
    check(moved(question, Gram(M)), "M", exact.identity(1), lambda t: Gram(M + exact.identity(1) * t))


@given(st.data())
@settings(max_examples=examples(15))
def test_infonce_out_of_a_singular_map(data):
    """At the border M = aaᵀ of the cone, along vvᵀ, one-sided: three values cancel the second derivative."""
    question = data.draw(posed_questions("infonce", 2, (2, 4), spread=3))
    M = question.linear_map.M
    v = data.draw(rational_matrices(M.nrows(), 1))
    direction = v * v.transpose()
    at = [enclose(moved(question, Gram(M + direction * (STEP * n))), DIGITS) for n in (0, 1, 2)]
    assert all(value.reached for value in at)
    middle = [(value.lower + value.upper) / 2 for value in at]
    slope = (-3 * middle[0] + 4 * middle[1] - middle[2]) / (2 * STEP)
    claimed = directional(moved(question, Gram(M)), "M", direction)
    slack = fmpq(1, 10**13) * (1 + abs(slope))
    assert claimed.lower - slack <= slope <= claimed.upper + slack


@given(st.data())
@settings(max_examples=examples(15))
def test_infonce_in_the_plane(data):
    """Rank 2, K ≥ 3, along moves of the encoder: a fourth-order difference of floats, since 40 digits are dear."""
    question = data.draw(posed_questions("infonce", (3, 4), (2, 4), columns=2, spread=3, hostile=False))
    A = question.linear_map.A
    B = data.draw(rational_matrices(A.nrows(), 2))
    h = Fraction(1, 500)

    def value(n):
        at = Encoder(A + B * exact.to_fmpq(h * n))
        return levels.float64_value(LOSSES["infonce"], question.instance, at)

    one, minus_one, two, minus_two = (value(n) for n in (1, -1, 2, -2))
    slope = (8 * (one.value - minus_one.value) - (two.value - minus_two.value)) / (12 * float(h))
    noise = 2 * max(x.error for x in (one, minus_one, two, minus_two)) / float(h)
    estimate = levels.float64_gradient(LOSSES["infonce"], question.instance, question.linear_map)
    direction = floats(A * B.transpose() + B * A.transpose())
    size = abs(direction).sum() + abs(floats(B)).sum()
    claimed = float((estimate.derivatives["M"] * direction).sum())
    assert claimed == pytest.approx(slope, abs=noise + estimate.error * size + 1e-6 * (1 + size) ** 2)


@given(st.data())
@settings(max_examples=examples(20))
def test_clip_of_two_components_in_every_direction(data):
    question = data.draw(posed_questions("clip", 2, (1, 4), columns=(1, 3), spread=3))
    W = question.linear_map.W
    B = data.draw(rational_matrices(W.nrows(), W.ncols()))
    check(moved(question, CLIPProduct(W)), "W", B, lambda t: CLIPProduct(W + B * t))


@given(st.data())
@settings(max_examples=examples(20))
def test_clip_along_moves_that_keep_the_rank(data):
    """W = abᵀ: d/dt L((a + tc)(b + td)ᵀ) = ⟨∇L, cbᵀ + adᵀ⟩, for any K."""
    question = data.draw(posed_questions("clip", (3, 4), (1, 4), spread=3))
    a, b = question.linear_map.A_V, question.linear_map.A_T
    c = data.draw(rational_matrices(a.nrows(), 1))
    d = data.draw(rational_matrices(b.nrows(), 1))
    direction = c * b.transpose() + a * d.transpose()
    check(question, "W", direction, lambda t: CLIPProduct((a + c * t) * (b + d * t).transpose()))


# ------------------------------------------------------------------------------------------------- rational losses


def exact_loss(question: Posed, linear_map: object) -> fmpq:
    value = levels.exact_value(LOSSES[question.loss], question.instance, linear_map)  # type: ignore[arg-type]
    assert value is not None
    return value


def exact_slope(question: Posed, name: str, direction: fmpq_mat) -> fmpq:
    gradient = levels.exact_gradient(LOSSES[question.loss], question.instance, question.linear_map)
    assert gradient is not None
    return exact.inner(gradient[name], direction)


@given(st.data())
def test_spectral_exactly(data):
    """L is quadratic in M, so three values give its derivative along vvᵀ exactly."""
    question = data.draw(posed_questions("spectral", shared=None))
    M = question.linear_map.M
    v = data.draw(rational_matrices(M.nrows(), 1))
    direction = v * v.transpose()
    zero, one, two = (exact_loss(question, Gram(M + direction * n)) for n in (0, 1, 2))
    assert exact_slope(question, "M", direction) == (-3 * zero + 4 * one - two) / 2


@given(st.data())
def test_fisher_to_forty_digits(data):
    question = data.draw(posed_questions("fisher", shared=None))
    A = question.linear_map.A
    assume(A.rank() == A.ncols())
    B = data.draw(rational_matrices(A.nrows(), A.ncols()))
    h = fmpq(1, 10**40)
    slope = (exact_loss(question, Encoder(A + B * h)) - exact_loss(question, Encoder(A - B * h))) / (2 * h)
    assert abs(slope - exact_slope(question, "A", B)) < fmpq(1, 10**30)


@given(posed_questions("fisher", shared=None))
def test_fisher_depends_on_the_column_space_alone(question):
    """Along A the discriminant is constant: ⟨∇J(A), AT⟩ = 0 for every T."""
    A = question.linear_map.A
    assume(A.rank() == A.ncols())
    gradient = levels.exact_gradient(LOSSES["fisher"], question.instance, question.linear_map)
    assert exact.is_zero(A.transpose() * gradient["A"])
    assert exact_loss(question, Encoder(A * fmpq(-7, 3))) == exact_loss(question, Encoder(A))
    assert exact_loss(question, Gram(A * A.transpose())) == exact_loss(question, Encoder(A))


def simsiam_with_target(question: Posed, A: fmpq_mat, P: fmpq_mat) -> fmpq:
    """Return ½ E‖P Aᵀx − Tᵀx̂‖² + (η/2)(‖P‖² + ‖A‖²) with the target's encoder T held at the question's, expanded."""
    target = question.linear_map.A
    pairs, decay = question.instance.pairs, exact.to_fmpq(question.instance.weight_decay)
    squares = exact.trace(P * A.transpose() * pairs.mixture.R * A * P.transpose())
    squares += exact.trace(target.transpose() * pairs.mixture.R * target)
    crossed = exact.trace(P * A.transpose() * pairs.C * target)
    return squares / 2 - crossed + decay / 2 * (exact.inner(P, P) + exact.inner(A, A))


@given(st.data())
def test_simsiam_with_its_target_held_fixed(data):
    """Quadratic in A and in P, so two values on either side give each derivative exactly."""
    question = data.draw(posed_questions("simsiam", shared=None))
    A, P = question.linear_map.A, question.linear_map.P
    assert simsiam_with_target(question, A, P) == exact_loss(question, question.linear_map)
    B = data.draw(rational_matrices(A.nrows(), A.ncols()))
    Q = data.draw(rational_matrices(P.nrows(), P.ncols()))
    along_A = (simsiam_with_target(question, A + B, P) - simsiam_with_target(question, A - B, P)) / 2
    along_P = (simsiam_with_target(question, A, P + Q) - simsiam_with_target(question, A, P - Q)) / 2
    assert exact_slope(question, "A", B) == along_A
    assert exact_slope(question, "P", Q) == along_P


@given(posed_questions("pca", shared=None))
def test_pca_is_linear(question):
    assert exact_slope(question, "M", question.linear_map.M) == exact_loss(question, question.linear_map)


@given(posed_questions("simsiam", shared=None))
def test_simsiam_collapses_for_free(question):
    """A = 0, P = 0 is a stationary point, and its loss is 0."""
    zero = SimSiamPair(question.linear_map.A * 0, question.linear_map.P * 0)
    assert exact_loss(question, zero) == 0
    gradient = levels.exact_gradient(LOSSES["simsiam"], question.instance, zero)
    assert all(exact.is_zero(g) for g in gradient.values())


@given(posed_questions("infonce", (1, 3), (1, 3)), st.integers(0, 1))
def test_the_gradient_at_zero_is_known(question, bias):
    """M = 0: p_k = w_k, so ∇L = −C + μ̄μ̄ᵀ, that is −δ(S − μ̄μ̄ᵀ)."""
    pairs = type(question.instance.pairs)(question.instance.pairs.mixture, Fraction(bias))
    mixture = pairs.mixture
    nothing = Posed("infonce", Instance(pairs, 1), Gram(exact.zeros(mixture.dimension, mixture.dimension)))
    expected = (mixture.mean * mixture.mean.transpose() - mixture.S) * bias
    balls, _ = levels.enclosed_gradient(LOSSES["infonce"], nothing.instance, nothing.linear_map, 20)
    for ball, x in zip(balls["M"].flat, expected.entries(), strict=True):
        assert interval(ball).lower <= x <= interval(ball).upper
        assert interval(ball).width < fmpq(1, 10**18)


@pytest.mark.parametrize("name", ["infonce", "infonce-weighted", "supcon", "ntxent-unnormalised"])
@pytest.mark.parametrize("digits", [155, 310])
def test_numbers_beyond_floats_are_answered_in_balls(name, digits):
    """How many digits the moments need is beyond floats; the balls hold all the same, and say that they are wide."""
    size = 10**digits
    mixture = SharedGMM((Fraction(1, 3), Fraction(2, 3)), ((size, 0), (0, 2 * size)), ((1, 0), (0, 1)))
    at = Encoder(exact.matrix([[1, 2], [3, 4]]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        balls, reached = levels.enclosed_gradient(LOSSES[name], Instance(AugmentedPairs(mixture, 1), 2), at, 4)
    assert not reached
    assert balls["M"].shape == (2, 2)


@pytest.mark.parametrize("name", ["logistic", "siglip", "dcl", "infonce-finite", "supcon"])
@pytest.mark.parametrize("digits", [80, 155])
def test_maps_beyond_floats_are_answered_in_balls(name, digits):
    """The strip of the scores' characteristic function is narrower than any float."""
    at = Encoder(exact.matrix([[10**digits], [0]]))
    instance = Instance(AugmentedPairs(SharedGMM((Fraction(1, 2), Fraction(1, 2)), ((1, 0), (-1, 0))), 1), 2)
    balls, reached = levels.enclosed_gradient(LOSSES[name], instance, at, 4)
    assert not reached
    assert all(x.is_finite() for x in balls["M"].flat)
    value = levels.enclose(LOSSES[name], instance, at, 4)
    assert value.lower <= value.upper
    assert not value.reached
