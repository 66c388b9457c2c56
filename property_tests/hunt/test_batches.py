"""Losses from formulas on batches: the one formula, traced on many mixtures, says what it says of each alone."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from thmverify import exact
from thmverify.hunting.questions import ask
from thmverify.losses import LOSSES, Sense, from_formula
from thmverify.losses.batches import evaluated, has_batches
from thmverify.losses.expectations import beside, log_mean_exp, log_sum_exp, of_gram
from thmverify.losses.levels import float64_gradient, float64_value
from thmverify.losses.stacks import Constant, Instances, Number, Stack
from thmverify.maps import BiasedEncoder, Encoder, Gram
from thmverify.minimize import across
from thmverify.minimize.across import SlopeAcross
from thmverify.minimize.batches import descend
from thmverify.models import GMM, AugmentedPairs, Instance, SharedGMM

# Those whose integrals or models have no batches.
BY_ITSELF = ("ntxent-unnormalised", "clip-batch", "simclr-normalised", "infonce-key-bias")
FORMULAS = [name for name, loss in LOSSES.items() if loss.expression is not None and name not in BY_ITSELF]
HALF = Fraction(1, 2)
MAP = [[Fraction(1, 2), Fraction(1, 5)], [Fraction(-1, 4), Fraction(2, 5)]]


def instances(separate: bool = False) -> list[Instance]:
    """Three components in the plane, a batch of two mixtures."""
    found = []
    for weights, means in (
        ((Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)), ((1, 0), (-1, 1), (Fraction(1, 2), -2))),
        ((Fraction(1, 5), Fraction(3, 5), Fraction(1, 5)), ((2, 1), (0, -1), (1, HALF))),
    ):
        spread = ((2, HALF), (HALF, 1))
        mixture = (
            GMM(weights, means, (spread, ((1, 0), (0, 3)), spread)) if separate else SharedGMM(weights, means, spread)
        )
        found.append(Instance(AugmentedPairs(mixture, Fraction(3, 4)), 2))
    return found


def own(formula, name: str = "own-loss"):
    """A loss of M from a formula."""
    return from_formula(
        formula,
        of_gram,
        name=name,
        title="Own",
        formula="L",
        sense=Sense.MINIMISED,
        normalisation="none",
        models=("shared-gmm", "gmm"),
        maps=(Encoder, Gram),
        map_shape='{"A": …}',
        example=("shared-gmm.json", "encoder.json"),
    )


def decayed(instance, _settings, M):
    """InfoNCE with weight decay."""
    return log_mean_exp(instance.pairs.mixture, M) - (M @ instance.pairs.C).trace() + (M @ M).trace() * Fraction(1, 10)


def odd(instance, _settings, M):
    """All that a formula may be made of: numbers of the mixture, inverses, columns side by side, constants, factors."""
    mixture, (w, *_) = instance.pairs.mixture, instance.pairs.mixture.w
    u = beside([M @ mixture.mu * w, mixture.R @ M @ mixture.mean])
    c = beside([(M @ mixture.S).trace() / (2 + k) - w for k in range(4)])
    inverse = (M + exact.identity(2)).inverse()
    term = log_sum_exp(mixture, u, [M * Fraction(k, 9) for k in range(4)], (1, w, w * w, 2 - w), c)
    return term * (1 + w) - (inverse @ mixture.sigma_bar).trace() / (1 + M.total() * M.total()) + term * HALF


OWN = [own(decayed, "decayed"), own(odd, "odd")]


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("loss", [*(LOSSES[name] for name in FORMULAS), *OWN], ids=lambda loss: loss.name)
def test_a_batch_is_what_the_formula_is_on_each_instance(loss, separate: bool) -> None:
    assert has_batches(loss)
    batch, A = instances(separate), np.array([[[float(x) for x in row] for row in MAP]] * 2)
    shifted = BiasedEncoder in loss.maps
    b = 0.25 if shifted else 0.0
    for shift in (0.0, 0.5):
        found = evaluated(loss, Instances.of(batch), A, np.full(2, b), shift)
        for i, instance in enumerate(batch):
            matrix = exact.matrix(MAP)
            linear_map = BiasedEncoder(matrix, fmpq(1, 4)) if shifted else Encoder(matrix)
            derivatives = float64_gradient(loss, instance, linear_map).derivatives
            assert found.value[i] == pytest.approx(float64_value(loss, instance, linear_map).value, rel=1e-9, abs=1e-11)
            ours = {"M": found.M, "A": found.A, "b": found.b[:, None, None]}
            for name, theirs in derivatives.items():
                assert np.allclose(ours[name][i], theirs, rtol=1e-8, atol=1e-10), name


@pytest.mark.parametrize("name", BY_ITSELF)
def test_what_has_no_batches_says_so(name: str) -> None:
    with pytest.raises(TypeError, match=r"not evaluated in batches|not made from a formula"):
        evaluated(LOSSES[name], Instances.of(instances()), np.zeros((2, 2, 2)), np.zeros(2))


@pytest.mark.parametrize("loss", [LOSSES["siglip"], LOSSES["barlow-twins"], *OWN], ids=lambda loss: loss.name)
def test_derivatives_are_those_of_differences(loss) -> None:
    rng, batch = np.random.default_rng(3), Instances.of(instances())
    A, b, step = rng.standard_normal((2, 2, 2)) / 3, rng.standard_normal(2) / 2, 1e-5
    A_direction = rng.standard_normal((2, 2, 2))
    b_direction = rng.standard_normal(2) * (BiasedEncoder in loss.maps)
    ends = [evaluated(loss, batch, A + s * A_direction, b + s * b_direction).value for s in (-step, step)]
    found = evaluated(loss, batch, A, b)
    slope = np.sum(found.A * A_direction, axis=(1, 2)) + found.b * b_direction
    assert np.allclose((ends[1] - ends[0]) / (2 * step), slope, rtol=1e-7, atol=1e-8)


def test_bfgs_finds_the_minima_of_a_batch_and_says_where_it_does_not() -> None:
    """Quadratics with different minima; the last row has none."""
    curvature, middle = np.array([1.0, 100.0, 0.01, 0.0]), np.array([[1.0, 2], [3, 4], [-1, 5], [0, 0]])

    def function(rows, v):
        off, stretch = v - middle[rows], np.stack([curvature[rows], np.where(curvature[rows] > 0, 1.0, 0)], axis=1)
        down = np.where(curvature[rows] > 0, 0.0, 1.0)
        return np.sum(stretch * off**2, axis=1) / 2 + down * v[:, 0], stretch * off + down[:, None] * [1.0, 0]

    v, value, flat = descend(function, np.zeros((4, 2)))
    assert flat.tolist() == [True, True, True, False]
    assert np.allclose(v[:3], middle[:3], atol=1e-5)
    assert np.allclose(value[:3], 0, atol=1e-9)


def points(n: int) -> list[Instance]:
    """Random mixtures of three components in a plane."""
    target = ask("siglip-equality", ["components=3", "covariance=identity"]).target()
    drawn = np.random.default_rng(0).standard_normal((n, target.size))
    return [next(target.drafts(point)).instance() for point in drawn]


@pytest.mark.parametrize("loss", ["infonce-weighted", "siglip", OWN[0]])
def test_the_margins_of_a_batch_are_those_one_by_one_and_come_faster(loss) -> None:
    slope, many = SlopeAcross(loss), points(24)
    start = time.process_time()
    found = slope.batch(many)
    middle = time.process_time()
    few = range(2)
    slow = [slope(many[i]) for i in few]
    end = time.process_time()
    assert np.isfinite(found).sum() >= 20
    assert np.allclose(found[few], slow, rtol=1e-5)
    assert (end - middle) / 2 > 4 * (middle - start) / 24


def test_the_counterexample_to_siglip_is_seen_in_a_batch_of_several_shapes() -> None:
    from thmverify.theorems.scores.siglip_equality import UNEVEN

    line = Instance(AugmentedPairs(SharedGMM((HALF, HALF), ((1, 0), (-1, 0)))), 2)
    found = SlopeAcross("siglip").batch([*points(2), line, Instance(AugmentedPairs(UNEVEN), 2)])
    assert found[3] > 0 > found[0]
    assert found[2] == -1.0


def test_what_is_not_told_is_left_to_the_margin_of_one_instance() -> None:
    """Maps too steep for the rules, integrals in three dimensions, a formula that asks for more, one that branches."""
    steep = evaluated(LOSSES["siglip"], Instances.of(instances()), np.full((2, 2, 1), 30.0), np.zeros(2))
    assert np.isnan(steep.value).all()
    assert np.isnan(steep.A).all()
    corners = [[int(i == k) for i in range(4)] for k in range(4)]
    many = Instance(AugmentedPairs(SharedGMM([Fraction(1, 4)] * 4, corners)), 4)
    assert np.isnan(SlopeAcross("infonce-weighted").batch([many])).all()

    def rows(instance, _settings, M):
        return (M @ exact.submatrix(instance.pairs.C, range(2), range(2))).trace()

    def branches(instance, settings, M):
        return decayed(instance, settings, M) * (2 if instance.pairs.mixture.w[0] == HALF else 1)

    for formula in (rows, branches):
        assert np.isnan(SlopeAcross(own(formula)).batch(instances())).all()


def test_what_is_maximised_is_minus_what_is_minimised() -> None:
    loss = replace(own(lambda *given: decayed(*given) * -1), sense=Sense.MAXIMISED)
    slope, many = SlopeAcross(loss), points(2)
    expected = SlopeAcross(OWN[0]).batch(many)
    assert np.allclose(slope.batch(many), expected)
    assert slope(many[0]) == pytest.approx(expected[0], rel=1e-5)


def test_an_instance_that_breaks_off_its_batch_costs_no_other(monkeypatch) -> None:
    many, whole = points(5), across.minimise_batch

    def breaks(loss, batch, rank):
        if np.any(batch.pairs.mixture.weights[:, 0] == float(many[3].pairs.mixture.weights[0])):
            raise np.linalg.LinAlgError
        return whole(loss, batch, rank)

    monkeypatch.setattr(across, "minimise_batch", breaks)
    found = SlopeAcross("infonce-weighted").batch(many)
    assert np.isnan(found).tolist() == [False, False, False, True, False]


def test_matrices_of_flint_and_of_a_batch_have_the_same_operators() -> None:
    """`*` is the product of matrices of a mixture, and goes entry by entry with those of the map."""
    m = np.array([[[1.0, 2], [3, 4]]])
    assert np.allclose((Constant(m) * Constant(m)).array, m @ m)
    assert np.allclose((Stack(m) * Constant(m)).array, m * m)
    assert np.allclose((Stack(m) @ Constant(m) - 1).array, m @ m - 1)
    assert np.allclose((fmpq(1, 2) * Number(np.array([4.0])) / Fraction(2) - 3).array, -2)
    with pytest.raises(TypeError):
        Constant(m) @ Constant(m)


def test_hunts_of_such_a_statement_take_whole_batches() -> None:
    assert ask("siglip-equality", ["components=3", "covariance=identity"]).batch == 128
    assert ask("barlow-equality").batch == 16
