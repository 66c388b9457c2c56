"""The published report says of every statement what its records bear out today."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from thmverify.errors import InputError
from thmverify.guarantees import Column
from thmverify.matrix import Matrix
from thmverify.reports import schemas
from thmverify.reports.effort import Effort
from thmverify.reports.figures import growth
from thmverify.reports.publish import photograph
from thmverify.reports.records import Report
from thmverify.theorems import REGISTRY

PUBLISHED = Path(__file__).parents[2] / "reports" / "published"  # of the repository: it is not installed
PAGE = PUBLISHED / "report.json"
REBUILD = "rebuild it: tox -e published, which gives `thmverify report --full` the measurements by --costs"
MEASURED = Path(__file__).parents[2] / "benchmarks" / "results.json"

published_only = pytest.mark.skipif(not PAGE.is_file(), reason="no report is published")


@cache
def published() -> Report:
    return Report.model_validate_json(PAGE.read_text(encoding="utf-8"))


@cache
def today() -> Matrix:
    return Matrix(REGISTRY)


@published_only
def test_it_is_a_whole_report_of_the_published_format():
    jsonschema.validate(json.loads(PAGE.read_text(encoding="utf-8")), json.loads(schemas.text()))
    settings = published().settings
    assert settings.effort is Effort.FULL, REBUILD
    assert settings.only == (), REBUILD
    for name in ("index.html", "report.md"):
        assert (PUBLISHED / name).is_file(), REBUILD


@published_only
def test_it_holds_every_statement():
    assert [s.id for s in published().statements] == [*REGISTRY], REBUILD


@published_only
@pytest.mark.parametrize("id_", REGISTRY)
def test_its_verdict_is_that_of_the_records(id_):
    found = {s.id: s for s in published().statements}.get(id_)
    statement = REGISTRY[id_]
    assert found is not None, REBUILD
    assert found.standing is today().judgement(statement).standing, REBUILD
    assert found.claim == statement.conclusion.sentence, REBUILD
    assert [c.name for c in found.counterexamples] == [c.name for c in statement.counterexamples], REBUILD


@published_only
def test_its_matrix_is_that_of_the_records():
    shown = {(row.loss, cell.column): cell for row in published().matrix.rows for cell in row.cells}
    cells = {(cell.loss, cell.column.value): cell for cell in today().cells}
    assert shown.keys() == cells.keys(), REBUILD
    assert published().matrix.columns == tuple(column.value for column in Column), REBUILD
    for key, cell in cells.items():
        assert (shown[key].standing, shown[key].statement) == (cell.standing, cell.statement), (key, REBUILD)
        assert tuple(case.id for case in shown[key].special) == cell.special, (key, REBUILD)


@published_only
def test_it_shows_how_costs_grow_as_the_benchmarks_measured_it():
    assert published().costs == growth.read(MEASURED), REBUILD
    assert "What it costs" in (PUBLISHED / "index.html").read_text(encoding="utf-8"), REBUILD


def test_there_is_no_picture_without_a_report(tmp_path):
    with pytest.raises(InputError, match="build the report first"):
        photograph(tmp_path)
