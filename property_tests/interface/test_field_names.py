"""An error names the field as the user wrote it: every field of every model and map, at every depth."""

from __future__ import annotations

import json
from typing import Any

import pytest

from thmverify.errors import InputError
from thmverify.instances import read_instance, read_map

SQUARE = [["2", "1"], ["1", "2"]]
MIXTURE = {"weights": ["1/2", "1/2"], "means": [["1", "0"], ["-1", "0"]]}
INSTANCES: dict[str, dict[str, Any]] = {
    "shared-gmm": {"model": "shared-gmm", **MIXTURE, "covariance": SQUARE, "bias": "1", "rank": 2, "weight_decay": "0"},
    "shared-gmm, diagonal": {"model": "shared-gmm", **MIXTURE, "covariance": ["1", "2"]},
    "shared-gmm, scalar": {"model": "shared-gmm", **MIXTURE, "covariance": "2"},
    "gmm": {
        "model": "gmm",
        **MIXTURE,
        "covariances": [SQUARE, ["1", "2"]],
        "bias": "1",
        "rank": 2,
        "weight_decay": "0",
    },
    "gmm, scalar": {"model": "gmm", **MIXTURE, "covariances": ["2", SQUARE]},
    "clip-gmm": {
        "model": "clip-gmm",
        "weights": MIXTURE["weights"],
        "vision": {"means": MIXTURE["means"], "covariance": SQUARE},
        "text": {"means": [["1"], ["-1"]], "covariance": ["1/2"]},
        "bias": "1",
        "rank": 2,
    },
    "population-graph": {"model": "population-graph", "weights": SQUARE, "labels": [0, 1], "rank": 2},
    "record": {"model": "record", "values": {"L": "2", "x": ["1", "2"], "H": SQUARE}},
}
MAPS: dict[str, dict[str, Any]] = {
    "encoder": {"A": SQUARE},
    "biased": {"A": SQUARE, "b": "1"},
    "pair": {"A": SQUARE, "P": SQUARE},
    "gram": {"M": SQUARE},
    "factors": {"A_V": SQUARE, "A_T": [["1", "2"]]},
    "product": {"W": SQUARE},
}
FILES = {**INSTANCES, **MAPS}
NOT_THERE = (  # values that no field of numbers takes, at any depth
    0.5,
    None,
    True,
    "one half",
    {},
    {"value": 1},
)


def paths(value: Any, prefix: str = "") -> list[str]:
    """Every place in a file, named as its reader would."""
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        parts = [(f"{prefix}.{key}".lstrip("."), part) for key, part in value.items()]
    if isinstance(value, list):
        parts = [(f"{prefix}[{i}]", part) for i, part in enumerate(value)]
    return [path for name, part in parts for path in (name, *paths(part, name))]


def replaced(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    out = json.loads(json.dumps(data))
    at: Any = out
    *before, last = path.replace("]", "").replace("[", ".").split(".")
    for key in before:
        at = at[int(key) if isinstance(at, list) else key]
    at[int(last) if isinstance(at, list) else last] = value
    return out


def refused(tmp_path, name: str, data: dict[str, Any]) -> InputError:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        (read_instance if name in INSTANCES else read_map)(path)
    assert caught.value.file == str(path)
    assert "\n" not in str(caught.value)
    return caught.value


PLACES = [(name, path) for name, data in FILES.items() for path in paths(data)]


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_what_is_wrong_at_a_place_is_named_by_the_place(name, path, tmp_path):
    for value in NOT_THERE:
        if path in ("values", "vision", "text") and isinstance(value, dict):
            continue  # an object is what it is, and what is wrong lies in it
        error = refused(tmp_path, name, replaced(FILES[name], path, value))
        assert error.field == path or path == "model", (value, str(error))
        assert "rule " not in error.rule, str(error)  # the name of a rule of pydantic's


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_an_empty_list_is_named_by_its_place(name, path, tmp_path):
    if path.startswith("values.x["):
        pytest.skip("[[], 2] may be meant as a matrix, or as a column")
    error = refused(tmp_path, name, replaced(FILES[name], path, []))
    assert error.field == path or path == "model", str(error)


@pytest.mark.parametrize("name", FILES)
def test_a_field_that_is_unknown_or_missing_is_named(name, tmp_path):
    data = FILES[name]
    assert refused(tmp_path, name, {**data, "colour": 1}).field == "colour"
    for key, value in data.items():
        if isinstance(value, dict) and key != "values":
            assert refused(tmp_path, name, {**data, key: {**value, "colour": 1}}).field == f"{key}.colour"
