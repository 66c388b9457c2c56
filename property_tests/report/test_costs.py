"""The growth curves of a report: read from a file of measurements, shown with their provenance, on request alone."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import commands
from property_tests.report.support import SCRIPT, Page, made
from thmverify.errors import InputError
from thmverify.reports import render
from thmverify.reports.figures import growth
from thmverify.theorems.fisher.fisher_optimality import STATEMENT

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results.json"
CURVES = {"rank: float64": [[1, 0.001], [2, 0.01]], "digits": [[15, 0.002], [30, 0.004]]}


def test_the_page_and_the_text_show_the_curves_and_where_they_are_from() -> None:
    found = growth.read(MEASURED)
    report = made(STATEMENT, costs=found)
    page, text = render.html(report), render.markdown(report)
    pictures = [tag for tag, given in Page(page).tags if tag == "img" and "grows" in str(given["alt"])]
    assert len(pictures) == 1
    for shown in (page, text):
        assert "What it costs" in shown
        assert "benchmarks/results.json" in shown
        assert found.machine.replace("_", "\\_") in shown or found.machine in shown
    assert render.command(report).endswith("--costs benchmarks/results.json --seed 3 --out DIR")
    for what in ("components", "dimension", "rank", "digits"):
        assert any(curve.startswith(what) for curve in found.curves)


def test_a_report_without_measurements_says_nothing_of_costs(report, page) -> None:
    assert report.costs is None
    assert "What it costs" not in page
    assert "What it costs" not in render.markdown(report)


def test_the_picture_has_a_panel_for_each_curve_and_says_its_numbers() -> None:
    drawn = growth.draw(growth.record({"machine": "here", "growth": CURVES}, "there"))
    assert drawn.count('class="line" d=') == len(CURVES)
    assert "rank: float64 1: 0.001 s, 2: 0.01 s" in drawn


def test_what_the_file_says_is_escaped() -> None:
    found = growth.record({"machine": SCRIPT, "growth": {SCRIPT: CURVES["digits"]}}, "there")
    report = made(STATEMENT, costs=found)
    assert SCRIPT not in render.html(report)
    assert SCRIPT not in render.markdown(report)
    assert SCRIPT not in growth.draw(found)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": "x", "growth": 3}', '{"machine": 1, "growth": {}}'])
def test_a_file_without_curves_is_bad_input(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no file of measurements"):
        growth.read(path)


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        growth.read(tmp_path / "results.json")


def test_the_cost_of_a_command_counts_its_processes_and_is_kept_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"growth": {}}', encoding="utf-8")
    monkeypatch.setattr(commands, "RESULTS", path)
    monkeypatch.setattr(commands, "_LOOP", 1000)
    busy = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(i * i for i in range(3_000_000))'])"
    found = commands.cost("busy", [sys.executable, "-c", busy])
    assert found.seconds > 0.1
    assert found.loop >= 0
    commands.write([found, replace(found, command="other")])
    commands.write([replace(found, seconds=0.0)])
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert [(row["command"], row["seconds"]) for row in kept["commands"]] == [("busy", 0.0), ("other", found.seconds)]
    assert kept["growth"] == {}
