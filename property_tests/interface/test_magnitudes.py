"""Numbers from 10^-400 to 10^400: an answer, an honest "undecided", or one line that says what to do; no traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from property_tests.engine.definitions import DEFINITIONS
from thmverify.certifying import decide
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.instances import instance_to_json, parse_instance
from thmverify.kernel import check
from thmverify.kernel.claims import STATEMENTS
from thmverify.kernel.rules import KINDS
from thmverify.losses import LOSSES as RECORDS
from thmverify.randomised import sample
from thmverify.theories import registry
from thmverify.verdicts import Outcome

EXPONENTS = (-400, -310, -300, -160, -70, 70, 160, 300, 400)
UNIT = [["1", "0"], ["0", "1"]]
MEANS = [["1", "0"], ["-1", "1"]]
HALVES = ["1/2", "1/2"]
LOSSES = [name for name, loss in RECORDS.items() if "shared-gmm" in loss.models]
INTEGRALS = ("infonce", "infonce-weighted", "clip")


def power(exponent: int, factor: int = 1) -> str:
    return str(factor * Fraction(10) ** exponent)


def instances(exponent: int) -> Iterator[dict[str, Any]]:
    """Instances of every model with a number of this size among the means, covariances, weights, bias or decay."""
    size = power(exponent)
    apart, uneven = [[size, "0"], [power(exponent, -1), "0"]], [[size, "1"], ["-1", power(exponent, -2)]]
    stretched = [[size, "0"], ["0", "1"]]
    for means, covariance in ((apart, UNIT), (uneven, UNIT), (MEANS, stretched), (uneven, stretched)):
        shared = {"model": "shared-gmm", "weights": HALVES, "means": means, "covariance": covariance, "bias": "7/10"}
        yield shared | {"rank": 1}
        yield {"model": "gmm", "weights": HALVES, "means": means, "covariances": [covariance, UNIT]}
        text = {"means": [["1"], ["-1"]]}
        vision = {"means": means, "covariance": covariance}
        yield {"model": "clip-gmm", "weights": HALVES, "vision": vision, "text": text, "rank": 1}
    yield {"model": "shared-gmm", "weights": HALVES, "means": MEANS, "weight_decay": size, "rank": 1}
    yield {"model": "population-graph", "weights": [["0", size], [size, "1"]], "labels": [0, 1]}
    if exponent < 0:
        weights = [size, str(1 - Fraction(10) ** exponent)]
        yield {"model": "shared-gmm", "weights": weights, "means": MEANS, "bias": size}
        yield {"model": "clip-gmm", "weights": weights, "vision": {"means": MEANS}, "text": {"means": MEANS}}


def claims(model: str) -> list[str]:
    """The claims about instances of a model."""
    kinds = {"population-graph": ["graph"], "clip-gmm": ["clip"], "gmm": ["pairs"], "shared-gmm": ["pairs", "shared"]}
    return [claim for claim in STATEMENTS if KINDS[claim] in kinds[model]]


def answered(arguments: list[str], codes: tuple[int, ...], capsys) -> dict[str, Any] | None:
    """The JSON that a command printed; None where it refused in one line."""
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert code in codes, (arguments, err)
    if code == 2:
        assert out == ""
        assert err.count("\n") == 1
        return None
    assert err == ""
    return json.loads(out)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_every_claim_is_decided_or_is_undecided(exponent, tmp_path, capsys):
    file, certificate = tmp_path / "instance.json", tmp_path / "certificate.json"
    for instance in instances(exponent):
        file.write_text(json.dumps(instance), encoding="utf-8")
        for claim in claims(instance["model"]):
            certificate.unlink(missing_ok=True)
            found = answered(["decide", claim, str(file), "--certificate", str(certificate)], (0, 1, 3), capsys)
            assert found["reason"]
            assert certificate.exists() == (found["verdict"] != "undecided")
            if certificate.exists():
                assert check(certificate.read_bytes()).finding.verdict == found["verdict"]


def rescaled(written: Any, factor: Fraction) -> Any:
    """An instance as it is written, with its covariances times a factor."""
    if isinstance(written, list):
        return [rescaled(part, factor) for part in written]
    if isinstance(written, dict):
        return {key: rescaled(part, factor if "covariance" in key else Fraction(1)) for key, part in written.items()}
    return str(Fraction(written) * factor) if factor != 1 else written


@pytest.mark.parametrize("exponent", [-400, -30, 400])
@pytest.mark.parametrize("id_", [s.id for s in registry().values() if s.claim is None])
def test_what_the_kernel_decides_no_instance_of_is_proved_or_undecided(id_, exponent):
    """Floats look at an instance, and do not hold these numbers; a theorem is one all the same."""
    statement = registry()[id_]
    instance = parse_instance(rescaled(instance_to_json(sample(statement, 0, 0)), Fraction(10) ** exponent))
    found, remedy = None, ""
    try:
        found = statement.decided(instance)[0]
    except InputError as error:
        remedy = error.remedy
    assert remedy or (found is not None and found.outcome in (Outcome.PROVED, Outcome.UNDECIDED))


def test_a_mistake_of_an_examination_is_no_number_beyond_floats():
    def mistaken(_instance):
        raise ValueError("a mistake")

    statement = replace(registry()["infonce-slope"], examine=mistaken)
    with pytest.raises(ValueError, match="a mistake"):
        statement.decided(sample(statement, 0, 0))


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_every_loss_is_minimised_or_the_instance_is_to_be_rescaled(exponent, tmp_path, capsys):
    file = tmp_path / "instance.json"
    for instance in instances(exponent):
        if instance["model"] == "population-graph":
            continue
        file.write_text(json.dumps(instance), encoding="utf-8")
        for loss in ("clip",) if instance["model"] == "clip-gmm" else LOSSES:
            answered(["minimize", loss, str(file)], (0, 2, 3), capsys)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_every_loss_is_enclosed(exponent, tmp_path, capsys):
    file, linear_map = tmp_path / "instance.json", tmp_path / "map.json"
    size = power(exponent)
    for instance in instances(exponent):
        if instance["model"] == "population-graph":
            continue
        file.write_text(json.dumps(instance), encoding="utf-8")
        columns = len(instance["text"]["means"][0]) if instance["model"] == "clip-gmm" else 0
        for loss in ("clip",) if columns else LOSSES:
            if exponent > 0 and loss in INTEGRALS:
                continue  # logits as steep as this take minutes, of all precision there is
            value = {"W": [[size] * columns, ["1"] * columns]} if columns else {"A": [["1"], [size]]}
            value |= {"P": [[size]]} if loss == "simsiam" else {}
            linear_map.write_text(json.dumps(value), encoding="utf-8")
            digits = str(min(6, DEFINITIONS[loss].digits))
            arguments = ["loss", loss, str(file), str(linear_map), "--digits", digits]
            found = answered(arguments, (0, 2, 3), capsys)  # 2: pca, of a map without orthonormal columns
            if found:
                assert Fraction(found["lower"]) <= Fraction(found["value"]) <= Fraction(found["upper"])


def test_means_beyond_floats_are_decided_where_rationals_do():
    for exponent in (-300, 300):
        means = [[power(exponent)], [power(exponent, -1)]]
        instance = parse_instance({"model": "shared-gmm", "weights": HALVES, "means": means, "rank": 1})
        for claim in ("infonce-equality", "infonce-inclusion", "infonce-top-r", "spectral-equality", "pca-equality"):
            assert decide(claim, instance)[0].outcome == "proved"


def test_what_floats_cannot_propose_is_undecided_with_the_reason():
    means = [[power(-300), "1"], ["-1", power(-300, -2)], ["3", "1"]]
    thirds = ["1/3"] * 3
    instance = parse_instance({"model": "shared-gmm", "weights": thirds, "means": means, "rank": 2})
    verdict, data = decide("infonce-equality", instance)
    assert (verdict.outcome, data) == ("undecided", None)
    assert "10^-60" in verdict.reason
