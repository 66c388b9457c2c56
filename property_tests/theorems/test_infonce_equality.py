"""Equality with S_F: the refuted claims, the special cases that hold, and the number that decides."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from property_tests.theorems.encodings import permuted, split_component, transformed
from thmverify import exact
from thmverify.certifying import decide
from thmverify.configurations import orbits, symmetries
from thmverify.evidence import Need
from thmverify.exact import to_floats
from thmverify.hypotheses import CENTRED, ONE_ORBIT
from thmverify.minimize import minimise
from thmverify.models import AugmentedPairs, Instance, SharedGMM
from thmverify.randomised import run, sample
from thmverify.sampling import instance_rng, random_matrix, random_symmetric_instance
from thmverify.statement import Statement
from thmverify.theorems.infonce import infonce_equality, infonce_equality_small_signal
from thmverify.theorems.infonce.common import TRIANGLE, UNCENTRED, LowerRank, lower_rank, with_bias
from thmverify.theorems.infonce.common import slope_across as margin
from thmverify.theorems.infonce.infonce_equality import STATEMENT as MATCHED
from thmverify.theorems.infonce.infonce_equality_balanced import STATEMENT as BALANCED
from thmverify.theorems.infonce.infonce_equality_biased import STATEMENT as BIASED
from thmverify.theorems.infonce.infonce_equality_small_signal import STATEMENT as SMALL
from thmverify.theorems.infonce.infonce_equality_small_signal import certainly_small, contrast, fails, nearer
from thmverify.theorems.infonce.infonce_equality_two import STATEMENT as TWO
from thmverify.verdicts import Outcome, Status, Verdict

EQUALITY = (MATCHED, BIASED, TWO, BALANCED)
each_equality = pytest.mark.parametrize("statement", EQUALITY, ids=lambda s: s.id)
HALF = Fraction(1, 2)


def as_shared(instance: Instance) -> Instance:
    return replace(instance, model=AugmentedPairs(instance.shared, instance.pairs.bias))


def encodings(instance: Instance) -> list[Instance]:
    rng, d = instance_rng(instance), instance.shared.dimension
    T = random_matrix(rng, d, d) + exact.identity(d) * 20
    order = rng.sample(range(instance.shared.components), instance.shared.components)
    return [as_shared(transformed(instance, T)), as_shared(permuted(instance, order))]


@pytest.mark.parametrize("statement", [MATCHED, BIASED], ids=lambda s: s.id)
def test_the_counterexample_refutes_in_every_encoding(statement: Statement) -> None:
    assert statement.unsupported() == ""
    for example in (e.instance for e in statement.counterexamples):
        for instance in (example, *encodings(example), as_shared(split_component(example))):
            verdict = statement.examine(instance)
            assert (verdict.outcome, verdict.rank, verdict.dimension) == (Outcome.REFUTED, 1, 2)
            assert margin(instance) > 0


@each_equality
def test_other_encodings_give_the_same_verdict_and_margin(statement: Statement) -> None:
    for number in range(4):
        instance = sample(statement, 3, number)
        verdict, slope = statement.decide(instance), statement.margin(instance)
        for other in encodings(instance):
            assert statement.decide(other).outcome is verdict.outcome
            assert statement.margin(other) == pytest.approx(slope, rel=1e-3, abs=1e-6)


@each_equality
def test_margin_is_negative_exactly_where_equality_is_proved(statement: Statement) -> None:
    for number in range(8):
        instance = sample(statement, 4, number)
        outcome = statement.examine(instance).outcome
        assert outcome is not Outcome.UNDECIDED
        assert (statement.margin(instance) < 0) == (outcome is Outcome.PROVED)


def test_the_light_components_have_to_be_far_out():
    """The counterexample with the largest least weight known, and the instance beside it on which the claim holds."""
    light = MATCHED.counterexamples[1].instance
    assert min(light.shared.weights) == Fraction(67, 10_000)
    assert MATCHED.counterexamples[1].verdict(MATCHED.claim, MATCHED.examine).outcome is Outcome.REFUTED
    w, far = light.shared.weights, [(Fraction(199), Fraction(2903, 5)), (Fraction(334), Fraction(4883, 5))]
    first = [-(w[1] * far[0][i] + w[2] * far[1][i]) / w[0] for i in (0, 1)]
    beside = replace(light, model=AugmentedPairs(SharedGMM(w, (first, *far)), Fraction(1)))
    assert decide("infonce-equality", beside)[0].outcome is Outcome.PROVED


def test_the_slope_is_the_one_of_a_finite_difference() -> None:
    instance = MATCHED.counterexamples[0].instance
    found = lower_rank(instance)
    assert found is not None
    mixture = instance.shared
    A, sigma = found.A, to_floats(mixture.sigma)
    null = np.linalg.svd((sigma @ A).T)[2][1:].T  # Σ-orthogonal to A, in a plane
    v = null / np.sqrt(null.T @ sigma @ null)
    value = _loss(instance)
    h = 1e-4
    difference = value(A @ A.T + h * v @ v.T) - value(A @ A.T - h * v @ v.T)
    assert difference / (2 * h) == pytest.approx(found.slope, rel=1e-2)


def _loss(instance: Instance) -> Callable[[np.ndarray], float]:
    """L(M) of a mixture in the plane with Σ = I, by a tensor rule that shares nothing with the package's engines."""
    mixture = instance.shared
    means, w = np.array(mixture.means, dtype=float), np.array(mixture.weights, dtype=float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    product = np.outer(weights, weights).ravel() / (2 * np.pi)
    S = means.T @ (w[:, None] * means)

    def value(M: np.ndarray) -> float:
        x = means[:, None, :] + grid
        logits = np.log(w) + x @ M @ means.T
        top = logits.max(axis=-1, keepdims=True)
        lse = np.log(np.exp(logits - top).sum(axis=-1)) + top[..., 0]
        quadratic = np.trace(M @ M @ (np.eye(2) + S)) / 2
        return float(-np.trace(S @ M) + quadratic + w @ (lse @ product))

    return value


def test_nothing_to_learn_and_one_direction() -> None:
    origin = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((0,), (0,)))), 2)
    assert lower_rank(origin) is None
    assert margin(origin) == infonce_equality_small_signal.margin(origin) == -1
    line = TWO.witness
    found = lower_rank(line)
    assert found is not None
    assert found.A.shape == (2, 0)
    S = to_floats(line.shared.sigma.solve(line.shared.S))
    assert found.slope == pytest.approx(-np.trace(S))


@pytest.mark.parametrize(
    ("statement", "necessary"),
    [
        (MATCHED, set()),
        (BIASED, set()),
        (TWO, {"shared-covariance", "centred", "two-components", "bias-positive"}),
        (BALANCED, {"shared-covariance", "centred", "columns-reach", "always-matched", "one-orbit"}),
        (SMALL, {"shared-covariance", "centred", "columns-reach"}),
    ],
    ids=lambda x: getattr(x, "id", ""),
)
def test_hypotheses_that_an_instance_shows_to_be_needed(statement: Statement, necessary: set[str]) -> None:
    assert {n.hypothesis for n in statement.necessity() if n.need is Need.NECESSARY} == necessary


@pytest.mark.parametrize("share", [Fraction(1), Fraction(1, 4)])
def test_a_signal_that_is_small_for_certain_is_small(share: Fraction) -> None:
    near = Instance(AugmentedPairs(nearer(TRIANGLE, share)), 1)
    A = minimise("infonce", near).maps["A"]
    if certainly_small(near):
        assert contrast(near.shared, A[:, :1]) < 1
    assert certainly_small(near) is (share < 1)
    assert fails(near).outcome is (Outcome.REFUTED if share < 1 else Outcome.UNDECIDED)
    assert fails(replace(near, rank=2)).outcome is Outcome.UNDECIDED  # enough columns: nothing fails


def test_a_claim_of_equality_on_the_counterexample_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Were the counterexample symmetric, the proof and the kernel would contradict each other.
    instance = MATCHED.counterexamples[0].instance
    assert BALANCED.decide(instance).outcome is Outcome.UNDECIDED
    assert "one-orbit" in BALANCED.decide(instance).reason
    lying = replace(BALANCED, examine=lambda _: Verdict("infonce-equality", Outcome.REFUTED, "so it is"))
    assert lying.decide(BALANCED.witness).outcome is Outcome.FAILED
    monkeypatch.setattr(infonce_equality_small_signal, "lower_rank", lambda _: LowerRank(np.zeros((2, 1)), 1.0))
    assert infonce_equality_small_signal.margin(instance) == pytest.approx(1)
    assert SMALL.decide(instance).outcome is Outcome.FAILED


def test_the_margin_of_small_signals_needs_both_numbers() -> None:
    instance = MATCHED.counterexamples[0].instance
    found = lower_rank(instance)
    assert found is not None
    assert found.slope > 0
    assert contrast(instance.shared, found.A) > 1 == instance.pairs.bias
    assert SMALL.margin(instance) < 0
    assert SMALL.examine(instance).outcome is Outcome.UNDECIDED


def test_contrast_of_two_components_in_closed_form_at_small_maps() -> None:
    # E[π_k | j]/w_k = 1 + μ_jᵀMμ_k + O(M²) for a mixture with mean 0.
    mixture = TWO.witness.shared
    A = np.array([[1e-3], [0.0]])
    assert contrast(mixture, A) == pytest.approx(1e-6, rel=1e-3)


def test_refuted_statements_record_what_they_say() -> None:
    assert {MATCHED.status, BIASED.status} == {Status.REFUTED}
    for statement in (MATCHED, BIASED):
        assert run(statement, 10, seed=8).confirmed
        broken = replace(statement, counterexamples=(replace(statement.counterexamples[0], evidence=TWO.witness),))
        assert "proved" in broken.unsupported()
    assert not CENTRED.holds(UNCENTRED.instance)


# -- symmetries -------------------------------------------------------------------------------------------------------


def test_orbits_of_known_configurations() -> None:
    def equal(*means: tuple[int, ...]) -> SharedGMM:
        return SharedGMM((Fraction(1, len(means)),) * len(means), means)

    assert orbits(TRIANGLE) == 1
    assert orbits(equal((1, 2), (1, -2), (-1, 2), (-1, -2))) == 1  # a box
    assert orbits(equal((2, 0), (-2, 0), (0, 1), (0, -1))) == 2  # a rhombus
    assert orbits(equal((1, 0), (1, 0), (-2, 0))) == 2  # coincident means
    assert orbits(SharedGMM((HALF, Fraction(1, 4), Fraction(1, 4)), TRIANGLE.means)) == 2
    assert len(list(symmetries(TRIANGLE, 0, 1))) == 2


def test_orbits_do_not_depend_on_coordinates() -> None:
    rng = random.Random(5)
    for _ in range(10):
        instance = random_symmetric_instance(rng)
        assert ONE_ORBIT.holds(instance)
        assert CENTRED.holds(instance)
        for other in encodings(instance):
            assert ONE_ORBIT.holds(other)


def test_a_symmetry_preserves_the_geometry() -> None:
    mixture = random_symmetric_instance(random.Random(1)).shared
    gram = mixture.mu.transpose() * mixture.sigma.solve(mixture.mu)
    K = mixture.components
    for target in range(K):
        p = next(symmetries(mixture, 0, target))
        assert p[0] == target
        assert all(gram[j, k] == gram[p[j], p[k]] for j in range(K) for k in range(K))


def test_a_mixture_scaled_to_small_signals_reaches_s_f_for_every_bias() -> None:
    mixture = MATCHED.counterexamples[0].instance.shared
    means = exact.to_rows((mixture.mu * fmpq(1, 60)).transpose())
    small = Instance(AugmentedPairs(SharedGMM(mixture.weights, means)), 3)
    for bias in (Fraction(1), Fraction(1, 5)):
        instance = with_bias(small, bias)
        found = lower_rank(instance)
        assert found is not None
        assert contrast(instance.shared, found.A) < float(bias)
        assert infonce_equality.STATEMENT.examine(instance).outcome is Outcome.PROVED
