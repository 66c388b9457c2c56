"""Every command about a loss or a statement, on every kind of model: one JSON object, or one line that says why not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from thmverify import theories
from thmverify.cli import main
from thmverify.losses import LOSSES
from thmverify.models import Instance

TWO = {"weights": ["1/2", "1/2"], "means": [["1"], ["-1"]]}
MODELS: dict[str, dict[str, Any]] = {
    "shared-gmm": {"model": "shared-gmm", **TWO},
    "gmm": {"model": "gmm", **TWO, "covariances": ["1", "2"]},
    "clip-gmm": {
        "model": "clip-gmm",
        "weights": TWO["weights"],
        "vision": {"means": TWO["means"]},
        "text": {"means": TWO["means"]},
    },
    "population-graph": {"model": "population-graph", "weights": [["1/4", "1/4"], ["1/4", "1/4"]], "labels": [0, 1]},
    "record": {"model": "record", "values": {"L": "2"}},
}
MAPS: dict[str, dict[str, Any]] = {
    "A": {"A": [["1"]]},
    "A, b": {"A": [["1"]], "b": "1/2"},
    "A, P": {"A": [["1"]], "P": [["1/2"]]},
    "M": {"M": [["1"]]},
    "factors": {"A_V": [["1"]], "A_T": [["1/2"]]},
    "W": {"W": [["1/2"]]},
}
STATEMENTS = list(theories.registry())


def answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> int:
    """Run a command with --json, see that it keeps the contract, and return its exit code."""
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert code in (0, 1, 2, 3)
    if code == 2:
        assert out == ""
        assert err.startswith("thmverify: ")
        assert err.count("\n") == 1
    else:
        assert isinstance(json.loads(out), dict)
        assert err == ""
    return code


@pytest.fixture
def written(tmp_path):
    def write(data: dict[str, Any], name: str) -> str:
        path = tmp_path / name
        path.write_text(json.dumps(data))
        return str(path)

    return write


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss, model, written, capsys):
    instance = written(MODELS[model], "instance.json")
    taken = model in LOSSES[loss].models
    codes = [answered(["loss", loss, instance, written(m, "map.json"), "--digits", "4"], capsys) for m in MAPS.values()]
    assert (set(codes) != {2}) == taken  # a map of the right kind is among them


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", LOSSES)
def test_minimisers(loss, model, written, capsys):
    taken = model in LOSSES[loss].models
    code = answered(
        ["minimize", loss, written({**MODELS[model], "rank": 1} if taken else MODELS[model], "i.json")], capsys
    )
    assert (code != 2) == taken


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_decisions(statement, model, written, capsys):
    code = answered(["decide", statement, written(MODELS[model], "instance.json")], capsys)
    kind = theories.registry()[statement].witness.kind
    if model == kind or (model == "shared-gmm" and kind == "gmm"):
        assert code != 2
    elif not (model == "gmm" and kind == "shared-gmm"):  # which a statement may take or not
        assert code == 2


def test_a_minimiser_short_of_its_bound_says_what_was_reached(written, capsys):
    assert main(["minimize", "infonce", written({**MODELS["shared-gmm"], "covariance": "1e-6"}, "narrow.json")]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "6.3316" in said
    assert "supported numerically, to an error bound of" in said
    assert "did not converge" not in said


def test_instances_know_their_word_in_files(written):
    from thmverify.instances import read_instance

    for name, data in MODELS.items():
        found: Instance = read_instance(written(data, f"{name}.json"))
        assert found.kind == data["model"]
