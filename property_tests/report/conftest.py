"""Reports made once for all tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from property_tests.report.support import made
from thmverify.guarantees import Column, Guarantee
from thmverify.reports import render
from thmverify.reports.records import Report
from thmverify.theorems.fisher.fisher_optimality import STATEMENT
from thmverify.theorems.pca.pca_equality import STATEMENT as REFUTED
from thmverify.verdicts import Status


@pytest.fixture(scope="session")
def report() -> Report:
    return made(STATEMENT)


@pytest.fixture(scope="session")
def page(report) -> str:
    return render.html(report)


@pytest.fixture(scope="session")
def whole() -> Report:
    """A proved, a refuted and an open statement, one a special case of another, all about cells of the matrix."""
    cell = (Guarantee("fisher", Column.EQUALITY),)
    general = replace(STATEMENT, id="general", status=Status.OPEN, proof=None, guarantees=cell, evidence=("little",))
    return made(replace(STATEMENT, special_case_of="general"), REFUTED, general)
