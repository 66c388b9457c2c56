"""Files of a report: whole or not there at all, and errors that say what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from thmverify import reports
from thmverify.errors import InputError
from thmverify.reports import browser, builder, render
from thmverify.reports.effort import SIZES, Effort
from thmverify.reports.records import Report
from thmverify.theorems.fisher.fisher_optimality import STATEMENT
from thmverify.theorems.pca.pca_equality import STATEMENT as REFUTED


@pytest.fixture
def small_registry(monkeypatch, registered):
    registered(STATEMENT)
    monkeypatch.setattr(builder, "SIZES", {Effort.QUICK: replace(SIZES[Effort.QUICK], instances=4)})


@pytest.mark.usefixtures("small_registry")
def test_build_writes_the_three_files_and_tells_its_progress(tmp_path):
    calls = []
    out = tmp_path / "new" / "folder"
    page = reports.build(out, effort=Effort.QUICK, progress=lambda *call: calls.append(call))
    assert page == out / "index.html"
    assert sorted(p.name for p in out.iterdir()) == ["index.html", "report.json", "report.md"]
    again = Report.model_validate_json((out / "report.json").read_text(encoding="utf-8"))
    assert render.html(again) == page.read_text(encoding="utf-8")
    fractions = [fraction for _, fraction in calls]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert list(dict(calls)) == ["proofs", STATEMENT.id, "matrix", "evidence", "figures"]


@pytest.mark.usefixtures("small_registry")
def test_only_some_statements(tmp_path, registered):
    registered(STATEMENT, REFUTED)
    page = reports.build(tmp_path, effort=Effort.QUICK, only=[REFUTED.id])
    again = Report.model_validate_json((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [s.id for s in again.statements] == [REFUTED.id]
    assert f"--only {REFUTED.id}" in page.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="names no statement"):
        reports.build(tmp_path, effort=Effort.QUICK, only=["nothing"])


def test_two_processes_write_what_one_does(tmp_path, registered):
    registered(STATEMENT, REFUTED)
    pages = [reports.build(tmp_path / str(jobs), effort=Effort.QUICK, jobs=jobs) for jobs in (1, 2)]
    one, two = (Report.model_validate_json(page.with_name("report.json").read_text(encoding="utf-8")) for page in pages)
    assert one.model_copy(update={"generated": two.generated}) == two
    assert [*one.generated.seconds] == ["proofs", STATEMENT.id, REFUTED.id, "matrix", "evidence", "figures"]
    assert {*one.generated.seconds} == {*two.generated.seconds}


@pytest.mark.usefixtures("small_registry")
def test_failure_leaves_the_old_report_whole(tmp_path, monkeypatch):
    old = reports.build(tmp_path, effort=Effort.QUICK).read_bytes()

    def fail(_report):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(render, "html", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        reports.build(tmp_path, effort=Effort.QUICK, seed=1)
    assert (tmp_path / "index.html").read_bytes() == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "report.json", "report.md"]


def test_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "make", lambda *_, **__: pytest.fail("worked first"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="give a folder"):
        reports.build(tmp_path / "file", effort=Effort.QUICK)


def test_missing_browser_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda _name: None)
    (tmp_path / "index.html").write_text("<p>")
    with pytest.raises(InputError, match="install Chromium"):
        reports.print_pdf(tmp_path / "index.html", tmp_path / "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


def test_missing_page_is_named(tmp_path):
    with pytest.raises(InputError, match="build the report first"):
        reports.print_pdf(tmp_path / "index.html", tmp_path / "report.pdf")
