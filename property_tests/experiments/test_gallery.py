"""The files: reproducible to the byte, whole, re-used, self-contained; and bad input refused in one line."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.kernel import check
from thmverify.reports import experiments as package
from thmverify.reports.experiments import FIGURES, charts, experiments, gallery
from thmverify.reports.experiments.intervals import Interval
from thmverify.reports.experiments.records import SCHEMA_FILE, Data, schema_text

pytestmark = pytest.mark.usefixtures("small")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def refuse(*_arguments):
    raise AssertionError("computed anew")


def test_every_figure_is_there(built):
    names = {f"figure-{name}.svg" for name in FIGURES} | {"index.html", "figures.json"}
    assert names <= set(contents(built))
    assert not [name for name in contents(built) if name.startswith(".")]


def test_the_records_follow_the_published_schema(built):
    records = json.loads((built / "figures.json").read_text(encoding="utf-8"))
    jsonschema.validate(records, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert [f["id"] for f in records["figures"]] == list(FIGURES)
    for figure in records["figures"]:
        assert figure["checks"]
        assert all((built / name).is_file() for name in [figure["svg"], *figure["data"]])
        assert "our choice" in figure["choices"]
        assert all(figure[field] for field in ("claim", "source", "criterion", "caption", "alt"))


def test_the_published_schema_is_up_to_date():
    # Releases of pydantic order the keys differently; `python -m thmverify.reports.experiments` writes it anew.
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == json.loads(schema_text())


def test_drawings_are_xml_with_words(built):
    for name in FIGURES:
        root = ElementTree.parse(built / f"figure-{name}.svg").getroot()
        space = {"s": "http://www.w3.org/2000/svg"}
        assert root.find("s:title", space).text
        assert len(root.find("s:desc", space).text) > 40
        width = float(root.get("width"))
        texts = root.iter("{http://www.w3.org/2000/svg}text")
        assert all(t.text and float(t.get("x", 0)) < width for t in texts)


class Page(HTMLParser):
    """Collects tags, links and identifiers of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.add(tag)
        if tag == "a":
            self.links.append(named["href"])
        if "id" in named:
            self.ids.append(named["id"])
        if tag != "a":
            self.loads += [named[k] for k in ("src", "href", "srcset", "data") if k in named]


def test_the_page_is_self_contained(built):
    text = (built / "index.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert "script" not in page.tags
    assert page.loads == ["data:,"]  # the icon that keeps a browser from asking for one
    assert not re.search(r"url\(|@import", text)
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (built / link).is_file()


def test_the_page_says_what_the_records_say(built):
    text = (built / "index.html").read_text(encoding="utf-8")
    for figure in json.loads((built / "figures.json").read_text(encoding="utf-8"))["figures"]:
        assert text.count(f"{figure['verdict']}</") >= 2
        for found in figure["checks"]:
            assert found["text"] in text.replace("&#39;", "'")


def test_the_same_seed_gives_the_same_bytes(built, tmp_path):
    package.build(tmp_path, only=["1", "2b", "6"], quick=True)
    again, before = contents(tmp_path), contents(built)
    compared = set(again) - {"index.html", "figures.json"}  # those list the figures asked for
    assert len(compared) > 9
    assert [name for name in compared if again[name] != before[name]] == []


def test_the_files_do_not_depend_on_jobs(built, tmp_path):
    package.build(tmp_path, only=["1"], quick=True, jobs=2)
    assert (tmp_path / "data/1.json").read_bytes() == (built / "data/1.json").read_bytes()
    assert (tmp_path / "figure-1.svg").read_bytes() == (built / "figure-1.svg").read_bytes()


def test_another_seed_gives_other_data(built, tmp_path):
    package.build(tmp_path, only=["1"], quick=True, seed=1)
    rows = [Data.model_validate_json((f / "data/1.json").read_bytes()).rows for f in (built, tmp_path)]
    assert rows[0] != rows[1]


def test_finished_figures_are_used_again(built, monkeypatch):
    before = contents(built)
    monkeypatch.setattr(experiments, "compute", refuse)
    package.build(built, quick=True)
    assert contents(built) == before


def test_data_of_other_settings_or_damaged_data_are_made_anew(built, tmp_path, monkeypatch):
    package.build(tmp_path, only=["1"], quick=True)
    good = (tmp_path / "data/1.json").read_bytes()
    for damaged in (good[:-40], b"", good.replace(b'"quick": true', b'"quick": false')):
        (tmp_path / "data/1.json").write_bytes(damaged)
        package.build(tmp_path, only=["1"], quick=True)
        assert (tmp_path / "data/1.json").read_bytes() == good
    monkeypatch.setattr(experiments, "code", lambda _experiment: "other programs")
    monkeypatch.setattr(experiments, "compute", refuse)
    with pytest.raises(AssertionError, match="computed anew"):
        package.build(tmp_path, only=["1"], quick=True)


def test_a_run_that_is_cut_off_keeps_what_is_finished(tmp_path, monkeypatch):
    compute = experiments.compute

    def interrupted(asked, run, advance):
        if asked.experiment == "6":
            raise KeyboardInterrupt
        return compute(asked, run, advance)

    monkeypatch.setattr(experiments, "compute", interrupted)
    with pytest.raises(KeyboardInterrupt):
        package.build(tmp_path, only=["1", "6"], quick=True)
    assert set(contents(tmp_path)) == {"figure-1.svg", "data/1.json", "data/1.csv"}


def test_only_makes_what_is_asked_for(tmp_path):
    found = package.build(tmp_path, only=["6", "1", "6"], quick=True)
    assert [f.id for f in found.figures] == ["1", "6"]
    assert not (tmp_path / "figure-2a.svg").exists()


def test_progress_goes_from_nothing_to_everything(tmp_path):
    steps: list[float] = []
    package.build(tmp_path, only=["1"], quick=True, progress=lambda _name, done: steps.append(done))
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1.0)


def test_csv_and_json_hold_the_same_rows(built):
    data = Data.model_validate_json((built / "data/2b.json").read_bytes())
    with (built / "data/2b.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["σ²", "seed", "regime", "method", "view", "ami", "outside"]
    assert [float(row[5]) for row in rows[1:]] == [row.ami for row in data.rows]


def test_population_maps_lie_in_the_fisher_subspace(built):
    for name, method in (("2b", "InfoNCE"), ("2c", "InfoNCE"), ("5", "CLIP")):
        rows = Data.model_validate_json((built / f"data/{name}.json").read_bytes()).rows
        found = [r.outside for r in rows if r.regime == "population" and r.method == method]
        assert found
        assert max(found) < 1e-9


def test_certified_cells_are_certified(built):
    """The kernel alone, on the files: every decided cell's certificate says what the cell says."""
    cells = Data.model_validate_json((built / "data/6.json").read_bytes()).ranks
    decided = [cell for cell in cells if cell.verdict in ("proved", "refuted")]
    assert len(decided) > len(cells) / 2
    for cell in decided[::2]:
        text = (built / f"data/certificates/{cell.instance}-delta-{cell.bias.replace('/', '_')}.json").read_bytes()
        assert json.loads(text)["instance"]["bias"] == cell.bias
        found = check(text)
        assert (found.claim, found.finding.verdict) == ("infonce-equality", cell.verdict)


def test_a_long_legend_takes_another_line():
    panel = charts.Panel("p", 100, 100, "")
    few, many = (charts.standalone(charts.Sheet("t", (panel,), 1, (charts.Key("words", ""),) * n), "") for n in (1, 9))
    heights = [float(ElementTree.fromstring(svg).get("height")) for svg in (few, many)]
    assert heights[1] > heights[0] + 100


def test_charts_escape_what_they_are_given():
    axis = charts.Axis("<x>", ((0.0, "a&b"),), lambda x: x)
    curve = charts.Curve("infonce", ((0.0, Interval(0.5, -9.0, 9.0)),))
    panel = charts.agreement_chart("<script>", axis, [curve])
    svg = charts.standalone(charts.Sheet("<title>", (panel,), 1, (charts.key("<k>", "pca"),)), '"<alt>"')
    ElementTree.fromstring(svg)
    assert "<script>" not in svg + charts.inline(panel)


def test_every_series_has_a_look_of_its_own():
    looks = [(style.light, style.dash, style.marker) for style in charts.STYLES]
    shown = {("fisher", "infonce", "simsiam", "spectral", "pca", "random")}
    for group in shown:
        styles = [charts.style(name) for name in group]
        assert len({s.marker for s in styles}) == len(group)  # no chart needs its colours
    assert len(set(looks)) >= len(looks) - 1  # the mean subspace never meets spectral contrastive


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "3"], "is not a figure"),
        (["--only", "2"], "write one of 1, 2a"),
        (["--jobs", "0"], "--jobs"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "x"], "--seed"),
        (["--out", __file__], "give a folder"),
        (["--out", f"{__file__}/below"], "give a folder"),
        (["extra"], "extra"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, words, capsys, monkeypatch):
    monkeypatch.setattr(gallery, "_data", refuse)
    assert main(["figures", "--quick", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err


def test_the_command_prints_verdicts(built, capsys):
    assert main(["figures", "--quick", "--out", str(built), "--only", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [f["id"] for f in printed["figures"]] == ["1"]
    assert main(["figures", "--quick", "--out", str(built)]) == 0
    assert "confirmed" in capsys.readouterr().out


def test_unknown_figures_are_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(experiments, "compute", refuse)
    with pytest.raises(InputError, match="is not a figure"):
        package.build(tmp_path, only=["1", "nine"])
    assert contents(tmp_path) == {}
