"""The page about limits: its numbers are those of the source, and the rows about files hold at their corners."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from thmverify.errors import InputError
from thmverify.instances import MAX_DENSE, MAX_DIMENSION, MAX_SIZE, parse_instance
from thmverify.kernel.claims import STATEMENTS
from thmverify.rationals import MAX_DIGITS

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "limits.md"
ROWS = re.findall(r"^\| (.+?) \| (\d+) \| `([\w.]+)\.(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_row_is_read():
    first, _ = PAGE.read_text(encoding="utf-8").split("## Claim by claim")
    lines = [line for line in first.splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 2 >= 12


def test_every_claim_of_the_kernel_has_its_row():
    _, second = PAGE.read_text(encoding="utf-8").split("## Claim by claim")
    assert sorted(re.findall(r"^\| `([\w.-]+)` \|", second, re.MULTILINE)) == sorted(STATEMENTS)


@pytest.mark.parametrize(("what", "number", "module", "name"), ROWS, ids=lambda x: x[:40])
def test_the_limits_are_those_of_the_source(what, number, module, name):
    assert getattr(importlib.import_module(module), name) == int(number), what


def mixture(K: int = 2, d: int = 1, digits: int = 1, covariance: object = None) -> dict[str, object]:
    means = [[1 if k == 0 else -1] + [0] * (d - 1) for k in range(K)]
    data = {"model": "shared-gmm", "weights": [f"1/{K}"] * K, "means": means}
    means[0][0] = "9" * digits
    return data if covariance is None else {**data, "covariance": covariance}


CORNERS = {
    "components": lambda more: mixture(K=MAX_SIZE + more),
    "dimension, identity": lambda more: mixture(d=MAX_DIMENSION + more),
    "dimension, diagonal": lambda more: mixture(d=MAX_DIMENSION + more, covariance=[2] * (MAX_DIMENSION + more)),
    "dimension, dense": lambda more: mixture(d=MAX_DENSE + more, covariance=dense(MAX_DENSE + more)),
    "digits": lambda more: mixture(digits=MAX_DIGITS + more),
}


def dense(d: int) -> list[list[int]]:
    return [[2 if i == j else 0 for j in range(d)] for i in range(d)]


@pytest.mark.parametrize("make", CORNERS.values(), ids=CORNERS)
def test_a_file_at_a_limit_is_read_and_one_beyond_is_refused(make):
    assert parse_instance(make(0))
    with pytest.raises(InputError):
        parse_instance(make(1))
