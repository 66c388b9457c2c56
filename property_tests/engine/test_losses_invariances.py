"""The same loss told another way: components that are split, written twice, or vanish. Enclosures must overlap.

What every loss obeys (other coordinates, another order, other features) is in `test_losses_conform`.
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.engine.support import enclose, overlap, plus
from thmverify import exact
from thmverify.integrate.enclosure import Enclosure
from thmverify.maps import CLIPFactors, Encoder
from thmverify.models import CLIPGMM, GMM, AugmentedPairs, Instance, SharedGMM
from thmverify.testing import (
    Posed,
    examples,
    posed_questions,
)

DIGITS = 20

infonce = st.one_of(posed_questions("infonce"), posed_questions("infonce", shared=False))


def rebuilt(weights, means, covariances) -> GMM:
    """Return the mixture of these components, with one covariance where they agree and the model had one."""
    if isinstance(covariances, tuple):
        return GMM(tuple(weights), tuple(means), covariances)
    return SharedGMM(weights, means, covariances)


def asked_of(question: Posed, mixture: GMM, linear_map: object = None) -> Posed:
    pairs = AugmentedPairs(mixture, question.instance.pairs.bias)
    return Posed(question.loss, Instance(pairs, question.instance.rank), linear_map or question.linear_map)  # type: ignore[arg-type]


def assert_same(a: Posed, b: Posed) -> None:
    one, two = enclose(a, DIGITS), enclose(b, DIGITS)
    assert one.reached
    assert two.reached
    assert overlap(one, two)


@given(infonce, st.integers(0, 3), st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100))
@settings(max_examples=examples(30))
def test_splitting_a_component_in_two_coincident_parts(question, k, share):
    mixture = question.instance.pairs.mixture
    order = [*range(mixture.components), k % mixture.components]
    split = reordered_with_split(mixture, order, share)
    one, two = (AugmentedPairs(m, Fraction(0)) for m in (mixture, split))  # at δ = 0 the pairs do not tell the labels
    asked = [Posed("infonce", Instance(pairs, 1), question.linear_map) for pairs in (one, two)]
    assert_same(*asked)
    assert one.mixture.S == two.mixture.S  # nor do they for δ > 0: C depends on S and the mean alone
    assert_same(question, asked_of(question, split))


def reordered_with_split(mixture: GMM, order: list[int], share: Fraction) -> GMM:
    weights = list(mixture.weights)
    last = weights[order[-1]] * share
    weights[order[-1]] -= last
    means = [mixture.means[k] for k in order]
    if isinstance(mixture, SharedGMM):
        return SharedGMM([*weights, last], means, mixture.covariance)
    return GMM((*weights, last), tuple(means), tuple(mixture.covariances[k] for k in order))


@given(posed_questions("infonce"))
@settings(max_examples=examples(20))
def test_one_covariance_written_once_or_for_each_component(question):
    mixture = question.instance.pairs.mixture
    assert_same(question, asked_of(question, GMM(mixture.weights, mixture.means, mixture.covariances)))


@given(infonce, st.integers(20, 60))
@settings(max_examples=examples(20))
def test_a_component_of_vanishing_weight_vanishes(question, exponent):
    """The loss is continuous as the weight of an extra component at the first mean's mirror image tends to 0."""
    mixture = question.instance.pairs.mixture
    ghost = Fraction(1, 10**exponent)
    weights = [*(w * (1 - ghost) for w in mixture.weights), ghost]
    means = [*mixture.means, tuple(-x for x in mixture.means[0])]
    if isinstance(mixture, SharedGMM):
        haunted: GMM = SharedGMM(weights, means, mixture.covariance)
    else:
        haunted = GMM(tuple(weights), tuple(means), (*mixture.covariances, mixture.covariances[0]))
    one, two = enclose(question, DIGITS), enclose(asked_of(question, haunted), DIGITS)
    slack = fmpq(1000, 10 ** min(exponent, DIGITS - 2))
    assert one.reached
    assert two.reached
    assert overlap(one, Enclosure(two.lower - slack, two.upper + slack))


@given(
    st.data(),
    posed_questions("infonce", (1, 2), (1, 3), spread=2),
    posed_questions("infonce", (1, 2), (1, 3), spread=2),
)
@settings(max_examples=examples(12))
def test_independent_products_add(data, first, second):
    """x = (x₁, x₂) independent and M block-diagonal: f(x)ᵀf(y) is a sum, so L(F₁×F₂) = L(F₁) + L(F₂) for one bias."""
    bias = first.instance.pairs.bias
    parts = [
        Posed("infonce", Instance(AugmentedPairs(q.instance.pairs.mixture, bias), 1), q.linear_map)
        for q in (first, second)
    ]
    one, two = (q.instance.pairs.mixture for q in parts)
    zero = exact.zeros
    d, e = one.dimension, two.dimension
    sigma = exact.to_rows(block(one.sigma, two.sigma))
    weights = [v * w for v in one.weights for w in two.weights]
    means = [m + n for m in one.means for n in two.means]
    A = block(parts[0].linear_map.A, parts[1].linear_map.A)
    assert (A.nrows(), zero(d, e).ncols()) == (d + e, e)
    product = Posed("infonce", Instance(AugmentedPairs(SharedGMM(weights, means, sigma), bias), 2), Encoder(A))
    whole = enclose(product, 8)
    assert whole.reached
    assert overlap(whole, plus(enclose(parts[0], DIGITS), enclose(parts[1], DIGITS)))


def block(a: fmpq_mat, b: fmpq_mat) -> fmpq_mat:
    """Return diag(a, b)."""
    m = exact.zeros(a.nrows() + b.nrows(), a.ncols() + b.ncols())
    for i in range(a.nrows()):
        for j in range(a.ncols()):
            m[i, j] = a[i, j]
    for i in range(b.nrows()):
        for j in range(b.ncols()):
            m[a.nrows() + i, a.ncols() + j] = b[i, j]
    return m


# ------------------------------------------------------------------------------------------------------------ CLIP


def clip_asked(question: Posed, vision: SharedGMM, text: SharedGMM, factors: CLIPFactors) -> Posed:
    return Posed("clip", Instance(CLIPGMM(vision, text, question.instance.model.bias), 1), factors)


@given(posed_questions("clip"))
@settings(max_examples=examples(20))
def test_clip_does_not_know_which_modality_is_which(question):
    model, factors = question.instance.model, question.linear_map
    swapped = CLIPFactors(factors.A_T, factors.A_V)
    assert_same(question, clip_asked(question, model.text, model.vision, swapped))


@given(posed_questions("clip"), st.integers(1, 9))
@settings(max_examples=examples(15))
def test_clip_depends_on_the_product_alone(question, scale):
    model, factors = question.instance.model, question.linear_map
    told = CLIPFactors(factors.A_V * scale, factors.A_T * fmpq(1, scale))
    assert_same(question, clip_asked(question, model.vision, model.text, told))


@given(posed_questions("infonce"))
@settings(max_examples=examples(15))
def test_clip_of_a_modality_with_itself_is_twice_infonce(question):
    """Both directions of CLIP on (F, F) with W = M are InfoNCE on F, so L_CLIP = 2 L_InfoNCE."""
    pairs = question.instance.pairs
    A = question.linear_map.A
    both = Posed("clip", Instance(CLIPGMM(pairs.mixture, pairs.mixture, pairs.bias), 1), CLIPFactors(A, A))
    half, whole = enclose(question, DIGITS), enclose(both, DIGITS)
    assert overlap(whole, plus(half, half))
