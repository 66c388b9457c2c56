"""Instance and map files: what is written reads back equal, and the schemas accept what the reader does."""

from __future__ import annotations

import json
from fractions import Fraction

import jsonschema
import pytest
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from thmverify import exact
from thmverify.errors import InputError
from thmverify.instances import (
    instance_schema,
    instance_to_json,
    map_schema,
    parse_instance,
    parse_map,
    parse_rational,
    read_instance,
    read_map,
)
from thmverify.maps import CLIPFactors, CLIPProduct, Encoder, Gram, SimSiamPair
from thmverify.testing import instances, positive_definite_matrices, rational_matrices

INSTANCES = jsonschema.Draft202012Validator(instance_schema())
MAPS = jsonschema.Draft202012Validator(map_schema())


@given(instances())
def test_instances_survive_their_file(instance):
    data = json.loads(json.dumps(instance_to_json(instance)))
    INSTANCES.validate(data)
    assert parse_instance(data) == instance


def test_instances_survive_a_real_file(tmp_path):
    data = {"model": "shared-gmm", "weights": ["1/3", "2/3"], "means": [[1, "0.5"], ["-1/7", 0]], "bias": "0.93"}
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    instance = read_instance(path)
    path.write_text(json.dumps(instance_to_json(instance)), encoding="utf-8")
    assert read_instance(path) == instance
    assert instance.pairs.bias == Fraction(93, 100)
    assert instance.rank == 2


def entries(m: fmpq_mat) -> list[list[str]]:
    return [[str(x) for x in row] for row in exact.to_rows(m)]


def parsed(data: dict[str, object]) -> object:
    MAPS.validate(data)
    return parse_map(json.loads(json.dumps(data)))


small = rational_matrices((1, 5), (1, 5))


@given(small)
def test_encoders_and_products_are_read_exactly(m):
    assert parsed({"A": entries(m)}) == Encoder(m)
    assert parsed({"W": entries(m)}) == CLIPProduct(m)
    assert parsed({"M": entries(m * m.transpose())}) == Gram(m * m.transpose())
    assert m * m.transpose() == Encoder(m).M


@given(rational_matrices((1, 4), 3), rational_matrices((1, 4), 3), rational_matrices(3, 3))
def test_factors_and_pairs_are_read_exactly(a, b, p):
    factors = parsed({"A_V": entries(a), "A_T": entries(b)})
    assert factors == CLIPFactors(a, b)
    assert a * b.transpose() == factors.W
    assert parsed({"A": entries(a), "P": entries(p)}) == SimSiamPair(a, p)


@given(positive_definite_matrices((1, 5)))
def test_gram_maps_are_decided_exactly(m):
    n = m.nrows()
    Gram(m)
    least = m.det() / (exact.submatrix(m, range(n - 1), range(n - 1)).det() if n > 1 else 1)
    singular = m - exact.diagonal([least if i == n - 1 else 0 * least for i in range(n)])
    Gram(singular)
    with pytest.raises(InputError) as caught:
        Gram(singular - exact.diagonal([least * Fraction(i == n - 1).numerator / 10**60 for i in range(n)]))
    assert caught.value.field == "M"


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**30))
def test_rationals_are_read_exactly(p, q):
    assert parse_rational(f"{p}/{q}") == Fraction(p, q)
    assert parse_rational(p) == p


@given(st.integers(-(10**12), 10**12), st.text("0123456789", min_size=1, max_size=20))
def test_decimals_are_read_exactly(whole, digits):
    sign = -1 if whole < 0 else 1
    assert parse_rational(f"{whole}.{digits}") == whole + sign * Fraction(int(digits), 10 ** len(digits))


@given(st.integers(1, 9), st.text("0123456789", min_size=1, max_size=5))
def test_the_sign_of_minus_zero_point_something(first, digits):
    assert parse_rational(f"-0.{first}{digits}") == -Fraction(int(f"{first}{digits}"), 10 ** (len(digits) + 1))


@pytest.mark.parametrize(
    "file",
    [
        '{"model": "shared-gmm", "weights": ["1"], "means": [["0.5"]], "rank": 64, "weight_decay": "1/3"}',
        '{"model": "shared-gmm", "weights": [1], "means": [[1, 2]], "bias": "0.0"}',
        '{"model": "gmm", "weights": ["+1"], "means": [["+0.50"]], "covariances": [[["007"]]], "bias": 0}',
        '{"model": "clip-gmm", "weights": ["1"], "vision": {"means": [["1", "2"]]}, "text": {"means": [["-0"]]}}',
        '{"model": "population-graph", "weights": [["0", 1], [1, 0]], "labels": [0, -7]}',
    ],
)
def test_the_schema_accepts_what_the_reader_accepts(file, tmp_path):
    path = tmp_path / "instance.json"
    path.write_text(file, encoding="utf-8")
    instance = read_instance(path)
    INSTANCES.validate(json.loads(file))
    assert parse_instance(instance_to_json(instance)) == instance


@pytest.mark.parametrize(
    "text", [" 1/2", "1/2 ", "1 / 2", "1/-2", "1e", "1/2e3", ".", "½", "١", "0x1", "", "inf", "nan", "1_0"]
)
def test_reader_and_schema_refuse_the_same_numbers(text):
    data = {"model": "shared-gmm", "weights": [1], "means": [[text]]}
    assert not INSTANCES.is_valid(data)
    with pytest.raises(InputError) as caught:
        parse_instance(data)
    assert caught.value.field == "means[0][0]"


@pytest.mark.parametrize("number", ["0.5", "1.0", "1e2", "NaN", "Infinity", "-Infinity", "-0.0"])
def test_json_floats_are_refused_as_they_were_written(number, tmp_path):
    path = tmp_path / "map.json"
    path.write_text(f'{{"A": [[{number}]]}}', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_map(path)
    assert caught.value.field == "A[0][0]"
    assert number in str(caught.value)
    assert str(path) in str(caught.value)
