"""What every registered loss must do: a loss that is added to the table is held to all of it, by its record alone.

Its example evaluates; it is its definition on samples; float64, mpmath and enclosures agree; its gradient is the
derivative of its value; it does not change under the changes that leave it alone; its record says all that it must.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.engine.changes import (
    columns_of,
    has_bias,
    in_coordinates,
    in_order,
    shifted,
    signed_permutation,
    with_encoder,
    with_features,
)
from property_tests.engine.definitions import DEFINITIONS
from property_tests.engine.support import contains, interval, overlap
from thmverify import exact
from thmverify.errors import InputError
from thmverify.instances import read_instance, read_map
from thmverify.integrate.enclosure import Enclosure
from thmverify.losses import LOSSES, Loss, Parameter, Row, find_loss, register
from thmverify.losses import record as records
from thmverify.losses.expectations import from_formula, log_mean_exp, of_gram
from thmverify.losses.levels import (
    enclose,
    enclosed_gradient,
    exact_value,
    float64_gradient,
    float64_value,
    multiprecision_value,
)
from thmverify.losses.record import Sense
from thmverify.maps import CLIPFactors
from thmverify.models import CLIPGMM, Instance
from thmverify.testing import (
    Posed,
    Seeded,
    examples,
    invertible_matrices,
    permutations,
    posed,
    posed_questions,
    rational_matrices,
    rational_orthogonal_matrices,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
BATCHES, SIGMAS = 40, 6
STEP = fmpq(1, 10**16)

every_loss = pytest.mark.parametrize("name", LOSSES)
SETTINGS = [(name, dict(chosen)) for name, d in DEFINITIONS.items() for chosen in d.settings]
in_every_setting = pytest.mark.parametrize(("name", "chosen"), SETTINGS)
FINE = [(name, chosen) for name, chosen in SETTINGS if DEFINITIONS[name].digits == 15]
finely = pytest.mark.parametrize(("name", "chosen"), FINE)


def test_every_loss_has_a_definition():
    assert DEFINITIONS.keys() == LOSSES.keys()


# ------------------------------------------------------------------------------------------------ values


@every_loss
def test_its_example_evaluates_at_every_level(name: str) -> None:
    loss = LOSSES[name]
    instance, linear_map = read_instance(EXAMPLES / loss.example[0]), read_map(EXAMPLES / loss.example[1])
    truth = enclose(loss, instance, linear_map, min(10, DEFINITIONS[name].digits))
    assert truth.reached, truth.note
    estimate = float64_value(loss, instance, linear_map)
    assert contains(truth, estimate.value, Fraction(estimate.error))
    assert estimate.error < 1e-9 * (1 + abs(estimate.value))
    known = exact_value(loss, instance, linear_map)
    assert known is None or truth.lower == truth.upper == known


def tame(name: str, seed: int) -> Posed:
    """Return a tame question about a loss that is not trivially 0."""
    loss, source = LOSSES[name], Seeded(random.Random(seed))
    while True:
        question = posed(source, name, hostile=False, **dict(DEFINITIONS[name].options))  # type: ignore[arg-type]
        digits = min(5, DEFINITIONS[name].digits)
        if not contains(enclose(loss, question.instance, question.linear_map, digits), 0.0, Fraction(1, 20)):
            return question


@in_every_setting
@pytest.mark.parametrize("seed", range(4))
def test_it_is_its_definition_on_samples(name: str, chosen: dict[str, Fraction], seed: int) -> None:
    """The enclosed value lies between the means of the two ends of the bracket, within 6 standard errors."""
    loss, definition, question = LOSSES[name].at(chosen), DEFINITIONS[name], tame(name, 20 + seed)
    rng = np.random.default_rng(seed)
    ends = np.array([definition.batch(loss, question, rng) for _ in range(BATCHES)])
    (low, high), errors = ends.mean(axis=0), SIGMAS * ends.std(axis=0, ddof=1) / np.sqrt(BATCHES)
    truth = enclose(loss, question.instance, question.linear_map, min(8, definition.digits))
    assert truth.reached, truth.note
    # A ratio of sampled moments is biased by about its variance, as the usual code's batches are.
    bias = 0.002 * (1 + abs(low)) if name in ("barlow-twins", "fisher", "vicreg") else 0.0
    assert low - errors[0] - bias <= float(exact.to_fraction(truth.upper))
    assert high + errors[1] + bias >= float(exact.to_fraction(truth.lower))
    assert (high + errors[1]) - (low - errors[0]) < definition.narrow * (1 + abs(low))


@finely
@given(st.data())
@settings(max_examples=examples(6))
def test_its_levels_agree(name: str, chosen: dict[str, Fraction], data: st.DataObject) -> None:
    loss, question = LOSSES[name].at(chosen), data.draw(posed_questions(name))
    truth = enclose(loss, question.instance, question.linear_map, 15)
    assert truth.reached, truth.note
    estimate = float64_value(loss, question.instance, question.linear_map)
    assert contains(truth, estimate.value, Fraction(estimate.error))
    wider = enclose(loss, question.instance, question.linear_map, 4)
    assert wider.lower <= truth.lower
    assert truth.upper <= wider.upper


@every_loss
def test_mpmath_agrees(name: str) -> None:
    question = tame(name, 3)
    if name not in ("siglip", "infonce-weighted"):  # others are compared on random questions in test_losses_levels
        question = posed(Seeded(random.Random(3)), name, 2, 2)
    digits = min(8, DEFINITIONS[name].digits)
    value = multiprecision_value(LOSSES[name], question.instance, question.linear_map, digits)
    truth = enclose(LOSSES[name], question.instance, question.linear_map, min(digits + 2, DEFINITIONS[name].digits))
    assert contains(truth, value, fmpq(1, 10**digits) * (1 + abs(truth.upper)))


# ------------------------------------------------------------------------------------------------ gradients


def difference(loss: Loss, instance: Instance, at) -> Enclosure:
    """Return (L(h) − L(−h))/2h as an interval."""
    ahead, behind = (enclose(loss, instance, at(t), 40) for t in (STEP, -STEP))
    assert ahead.reached
    assert behind.reached
    return Enclosure((ahead.lower - behind.upper) / (2 * STEP), (ahead.upper - behind.lower) / (2 * STEP))


def slope(derivatives: dict[str, list[list[object]]], question: Posed, B, one, zero):
    """Return the derivative along A + tB (A_V + tB) by the chain rule, from those by M, A, or W."""
    A = columns_of(question.linear_map)
    if "A" in derivatives:
        direction, name = B, "A"
    elif "M" in derivatives:
        direction, name = A * B.transpose() + B * A.transpose(), "M"
    else:
        direction, name = B * question.linear_map.A_T.transpose(), "W"
    entries = zip(np.asarray(derivatives[name]).flat, direction.entries(), strict=True)
    return sum((one(x, d) for x, d in entries), zero)


def at_a_kink(question: Posed) -> bool:
    """Whether a column of the map has variance 1, where the hinge of VICReg bends."""
    A, mixture = columns_of(question.linear_map), question.instance.pairs.mixture
    covariance = A.transpose() * (mixture.R - mixture.mean * mixture.mean.transpose()) * A
    return any(covariance[i, i] == 1 for i in range(A.ncols()))


FREE = [
    (name, chosen)
    for name, chosen in FINE
    if LOSSES[name].sense is not Sense.STATIONARY and name != "pca"  # a held target; a constraint: tested by themselves
]


@pytest.mark.parametrize(("name", "chosen"), FREE)
@given(st.data())
@settings(max_examples=examples(5))
def test_its_gradient_is_the_derivative_of_its_value(name, chosen, data) -> None:
    loss, question = LOSSES[name].at(chosen), data.draw(posed_questions(name, hostile=False))
    A = columns_of(question.linear_map)
    if name == "fisher" and A.rank() < A.ncols():
        return  # refused there
    if name == "vicreg" and at_a_kink(question):
        return  # refused there too
    if name == "simclr-normalised" and (A.rank() == 0 or A.rank() == 1 < A.ncols()):
        return  # and there
    B = data.draw(rational_matrices(A.nrows(), A.ncols()))
    found = difference(loss, question.instance, lambda t: shifted(question.linear_map, B * t))
    balls, reached = enclosed_gradient(loss, question.instance, question.linear_map, 20)
    assert reached
    low = slope(balls, question, B, lambda x, d: min(interval(x).lower * d, interval(x).upper * d), fmpq(0))
    high = slope(balls, question, B, lambda x, d: max(interval(x).lower * d, interval(x).upper * d), fmpq(0))
    slack = fmpq(1, 10**13) * (1 + abs(low)) * (1 + sum((abs(x) for x in B.entries()), fmpq(0))) ** 3
    assert low - slack <= found.upper
    assert found.lower <= high + slack
    estimate = float64_gradient(loss, question.instance, question.linear_map)
    for key, derivative in estimate.derivatives.items():
        for ball, x in zip(np.asarray(balls[key]).flat, derivative.flat, strict=True):
            assert contains(interval(ball), float(x), Fraction(estimate.error))


@given(st.data())
@settings(max_examples=examples(5))
def test_the_derivative_by_the_bias_of_scores(data) -> None:
    question = data.draw(posed_questions("siglip", hostile=False, shared=None))
    loss, start = LOSSES["siglip"], question.linear_map
    assert has_bias(start)
    found = difference(loss, question.instance, lambda t: replace(start, b=start.b + t))
    ((ball,),) = enclosed_gradient(loss, question.instance, start, 20)[0]["b"]
    slack = fmpq(1, 10**12)
    assert interval(ball).lower - slack <= found.upper
    assert found.lower <= interval(ball).upper + slack


# ------------------------------------------------------------------------------------------------ invariances


def assert_same(loss: Loss, one: Posed, two: Posed) -> None:
    first, second = (enclose(loss, q.instance, q.linear_map, 15) for q in (one, two))
    assert first.reached
    assert second.reached
    assert overlap(first, second)


def unlike(name: str):
    """Questions about a loss, on covariances that differ where it takes them."""
    return posed_questions(name, shared=True if "clip-gmm" in LOSSES[name].models else None)


@finely
@given(st.data())
@settings(max_examples=examples(6))
def test_the_order_of_the_components_is_immaterial(name, chosen, data) -> None:
    question = data.draw(unlike(name))
    model = question.instance.model
    K = len(model.weights) if isinstance(model, CLIPGMM) else model.mixture.components
    assert_same(LOSSES[name].at(chosen), question, in_order(question, data.draw(permutations(K))))


@finely
@given(st.data())
@settings(max_examples=examples(6))
def test_the_coordinates_of_x_are_immaterial(name, chosen, data) -> None:
    question = data.draw(unlike(name))
    matrices = invertible_matrices if DEFINITIONS[name].coordinates == "linear" else rational_orthogonal_matrices
    model = question.instance.model
    sizes = [m.dimension for m in ((model.vision, model.text) if isinstance(model, CLIPGMM) else (model.mixture,))]
    T = data.draw(matrices(sizes[0]))
    U = data.draw(matrices(sizes[-1]))
    assert_same(LOSSES[name].at(chosen), question, in_coordinates(question, T, U))


@finely
@given(st.data())
@settings(max_examples=examples(6))
def test_the_features_may_be_rotated(name, chosen, data) -> None:
    question = data.draw(posed_questions(name, columns=(1, 2), dimension=(1, 2)))
    r = columns_of(question.linear_map).ncols()
    if DEFINITIONS[name].features == "orthogonal":
        Q = data.draw(rational_orthogonal_matrices(r))
    else:
        Q = signed_permutation(data.draw(permutations(r)), data.draw(st.lists(st.sampled_from([1, -1]), min_size=r)))
    told = replace(question, linear_map=with_features(question.linear_map, Q))
    assert_same(LOSSES[name].at(chosen), question, told)


# ------------------------------------------------------------------------------------------------ records


@every_loss
def test_its_minimiser_and_polisher_are_there(name: str) -> None:
    for part in (LOSSES[name].minimiser, LOSSES[name].polisher):
        if part is not None:
            assert callable(records.resolve(part.args[0]))


@every_loss
def test_an_incomplete_record_is_refused(name: str) -> None:
    for part, missing in {
        "name": "Loss of mine",
        "title": "",
        "formula": " ",
        "sense": "least",
        "normalisation": "",
        "models": (),
        "maps": (dict,),
        "map_shape": "",
        "value": None,
        "gradient": None,
        "example": ("only.json",),
    }.items():
        with pytest.raises(InputError) as refused:
            replace(LOSSES[name], **{part: missing})
        assert refused.value.field == f"Loss.{part}"


@every_loss
def test_a_name_is_taken_once_and_the_message_names_both_origins(name: str) -> None:
    with pytest.raises(InputError) as refused:
        register(LOSSES[name], "my_theory.py")
    assert "my_theory.py" in str(refused.value)
    assert "thmverify has a loss" in str(refused.value)
    assert LOSSES[name].origin == "thmverify"


def doubled() -> Loss:
    """Return a loss as an author would write it: twice InfoNCE, from its formula alone."""

    def formula(instance, chosen, M):
        pairs = instance.pairs
        return 2 * (log_mean_exp(pairs.mixture, M) - (M @ pairs.C).trace())

    like = LOSSES["infonce"]
    return from_formula(
        formula,
        of_gram,
        name="doubled",
        title="Twice InfoNCE",
        formula=rf"2 ({like.formula})",
        sense=like.sense,
        normalisation="twice that of infonce",
        models=like.models,
        maps=like.maps,
        map_shape=like.map_shape,
        example=like.example,
        rows=(Row("doubled", "Doubled", always=False),),
    )


@pytest.fixture
def author(monkeypatch: pytest.MonkeyPatch) -> Loss:
    monkeypatch.setattr("thmverify.losses.LOSSES", dict(LOSSES))
    import thmverify.losses

    return thmverify.losses.register(doubled(), "my_theory.py")


def test_a_loss_from_outside_is_known_everywhere(author: Loss, monkeypatch, capsys) -> None:
    from thmverify.cli import main
    from thmverify.losses import row_title

    assert author.origin == "my_theory.py"
    assert find_loss("doubled") is author
    assert row_title("doubled") == "Doubled"
    files = [str(EXAMPLES / name) for name in author.example]
    assert main(["loss", "doubled", *files, "--digits", "8"]) == 0
    assert "0.6667015" in capsys.readouterr().out
    assert main(["losses"]) == 0
    assert "my_theory.py" in capsys.readouterr().out
    assert main(["loss", "--help"]) == 0
    assert "doubled" in capsys.readouterr().out


def test_rows_are_taken_once(monkeypatch) -> None:
    monkeypatch.setattr("thmverify.losses.LOSSES", dict(LOSSES))
    import thmverify.losses

    with pytest.raises(InputError, match=r"the loss clip of thmverify has that row"):
        thmverify.losses.register(replace(doubled(), rows=(Row("clip-product", "W"),)), "my_theory.py")
    with pytest.raises(InputError, match="is empty"):
        thmverify.losses.register(doubled(), "")
    with pytest.raises(InputError, match="is not a Loss"):
        thmverify.losses.register("doubled", "my_theory.py")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("temperature", Fraction(0), "must be > 0"),
        ("uniformity", Fraction(-1), "must be > 0"),
        ("balance", Fraction(3, 2), "must be ≤ 1"),
        ("balance", Fraction(-1, 2), "must be ≥ 0"),
        ("tau", Fraction(1), "is not a parameter of the loss infonce-weighted"),
    ],
)
def test_parameters_are_checked(parameter: str, value: Fraction, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LOSSES["infonce-weighted"].at({parameter: value})


def test_parameters_and_their_builder_come_together() -> None:
    with pytest.raises(InputError, match="come together"):
        replace(LOSSES["infonce"], parameters=(Parameter("x", Fraction(1), "a number"),))
    with pytest.raises(InputError, match="leave it out"):
        LOSSES["infonce"].at({"temperature": Fraction(1)})


def test_changes_of_a_map_keep_its_kind() -> None:
    """The helpers of this suite: a bias and a predictor stay."""
    question = posed(Seeded(random.Random(1)), "siglip")
    told = with_encoder(question.linear_map, columns_of(question.linear_map) * 2)
    assert has_bias(told)
    assert told.b == question.linear_map.b
    clip = posed(Seeded(random.Random(1)), "clip").linear_map
    assert isinstance(shifted(clip, clip.A_V), CLIPFactors)
