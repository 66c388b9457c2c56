"""The page: self-contained, a function of its records, its numbers computable again, readable at every width."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
import sys
from itertools import pairwise

import jsonschema
import pytest

from property_tests.report.support import SETTINGS, Page, made
from thmverify import reports
from thmverify.randomised import run
from thmverify.reports import browser, builder, collect, render, schemas
from thmverify.reports.records import Report
from thmverify.theorems.fisher.fisher_optimality import STATEMENT

# --- the page stands alone -----------------------------------------------------------------------------------------


def test_page_asks_for_nothing_and_runs_nothing(page):
    parsed = Page(page)
    names = {tag for tag, _ in parsed.tags}
    assert names.isdisjoint({"script", "iframe", "object", "embed", "img", "form", "base"})
    for tag, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        assert "src" not in attributes
        link = attributes.get("href")
        assert link is None or link.startswith("#") or link == "data:,"
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_page_closes_what_it_opens_and_links_to_what_it_has(page):
    parsed = Page(page)
    assert parsed.open == []
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for _, a in parsed.tags if (a.get("href") or "").startswith("#")}
    described = {part for _, a in parsed.tags for part in (a.get("aria-labelledby") or "").split()}
    assert targets | described <= set(ids)


def test_page_is_accessible(page):
    parsed = Page(page)
    attributes = dict(parsed.tags)
    assert attributes["html"]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert all("scope" in a for tag, a in parsed.tags if tag == "th")
    assert page.count("<table") == page.count("<caption>")
    drawings = [a for tag, a in parsed.tags if tag == "svg"]
    assert all(a.get("role") in ("img", "group") and a.get("aria-labelledby") for a in drawings)
    regions = [a for _, a in parsed.tags if a.get("role") == "region"]
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in regions)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(page, theme):
    palette = dict(re.findall(r"--(\w+): (#\w{6})", re.findall(r":root \{(.*?)\}", page, re.DOTALL)[theme]))
    for background in ("paper", "tint"):
        for text in ("ink", "soft", "link", "good", "bad", "warn"):
            a, b = sorted((luminance(palette[text]), luminance(palette[background])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, (text, background)


# --- everything shown is a record, and the same again --------------------------------------------------------------


def test_page_is_a_function_of_the_json(report, page):
    again = Report.model_validate_json(builder.as_json(report))
    assert render.html(again) == page
    assert render.markdown(again) == render.markdown(report)


def test_only_the_times_differ_between_two_runs(report, page):
    again = made(STATEMENT)
    same = again.model_copy(update={"generated": report.generated})
    assert same == report
    assert render.html(same) == page
    appendix = page.index('<section id="appendix">')
    assert report.generated.at not in page[:appendix]
    assert report.generated.at in page[appendix:]


def test_seed_changes_the_instances(report):
    other = made(STATEMENT, settings=SETTINGS.model_copy(update={"seed": 4}))
    assert other.figures[0].panels[0].points != report.figures[0].panels[0].points


def test_schema_is_published_and_up_to_date():
    assert json.loads(schemas.FILE.read_text(encoding="utf-8")) == json.loads(schemas.text())


def test_json_satisfies_the_published_schema(report):
    published = json.loads(schemas.FILE.read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(builder.as_json(report)), published)
    broken = json.loads(builder.as_json(report))
    broken["statements"][0]["standing"] = "certainly"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, published)


# --- numbers can be computed again ---------------------------------------------------------------------------------


def test_histogram_counts_every_margin():
    bins = collect.histogram([-3.0, -1.0, -1.0, 0.0, -0.25], bins=3)
    assert [b.count for b in bins] == [1, 0, 4]
    assert (bins[0].lower, bins[-1].upper) == ("-3", "0")
    assert collect.histogram([0.0, 0.0]) == ()
    assert collect.histogram([0.0, float("nan")]) == ()
    assert collect.histogram([]) == ()


def test_worst_margin_is_that_of_the_instance_shown(report, tmp_path):
    worst = report.statements[0].verification.worst
    (tmp_path / "worst.json").write_text(render.instance_text(worst.instance), encoding="utf-8")
    command = next(c.line for c in report.statements[0].commands if "worst.json" in c.line)
    arguments = [sys.executable, *shlex.split(command)[1:]]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(done.stdout) == float(worst.value)


def test_verification_in_the_report_is_that_of_the_command(report):
    found = run(STATEMENT, SETTINGS.instances, SETTINGS.seed)
    shown_here = report.statements[0].verification
    assert (shown_here.accepted, shown_here.discarded) == (found.accepted, found.discarded)
    assert shown_here.worst.index == found.worst_index


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.0", "0"), ("-0.00019716934", "−1.97e−4"), ("1e-13", "1.00e−13"), ("123456.0", "1.23e+5"), ("nan", "nan")],
)
def test_short_numbers(value, text):
    assert render.short(value) == text


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("S_F and w_k <b>", "S<sub>F</sub> and w<sub>k</sub> &lt;b&gt;"),
        ("A_inᵀSA_in of MAX_SIZE", "A<sub>in</sub>ᵀSA<sub>in</sub> of MAX_SIZE"),
        ("zᵀA_inᵀμ_k", "zᵀA<sub>in</sub>ᵀμ<sub>k</sub>"),
        ("e^{ℓ_k + q} = e^q", "e<sup>ℓ<sub>k</sub> + q</sup> = e<sup>q</sup>"),
        ("a_file_name and 2_3", "a_file_name and 2_3"),
        ("S_{V,F} of x_{<b>}", "S<sub>V,F</sub> of x<sub>&lt;b&gt;</sub>"),
        ("S_SVD, S_μ", "S<sub>SVD</sub>, S<sub>μ</sub>"),
        ("ᵀA_inA_outᵀ, λ_iq_i", "ᵀA<sub>in</sub>A<sub>out</sub>ᵀ, λ<sub>i</sub>q<sub>i</sub>"),
        ("E_1Σ_1E_1ᵀ, ∂_A L", "E<sub>1</sub>Σ<sub>1</sub>E<sub>1</sub>ᵀ, ∂<sub>A</sub> L"),
        ("Σ_1NΣ_2 = λ_iRq_i", "Σ<sub>1</sub>NΣ<sub>2</sub> = λ<sub>i</sub>Rq<sub>i</sub>"),
        ("bᵀΣ_lb·Q_jk, ½Σ_lbn", "bᵀΣ<sub>l</sub>b·Q<sub>jk</sub>, ½Σ<sub>l</sub>bn"),
        ("W_outμ_{T,k} e_{y_x}ᵀ", "W<sub>out</sub>μ<sub>T,k</sub> e<sub>y<sub>x</sub></sub>ᵀ"),
    ],
)
def test_prose_has_true_subscripts(text, marked):
    assert render.prose(text) == marked


# --- in a browser --------------------------------------------------------------------------------------------------

needs_chromium = pytest.mark.skipif(browser.find_chromium() is None, reason="no Chromium is installed")

MEASURE = """<!DOCTYPE html><meta charset="utf-8"><body>{frames}<script>
addEventListener("load", () => {{
  for (const frame of document.querySelectorAll("iframe")) {{
    const page = frame.contentDocument;
    for (const closed of page.querySelectorAll("details")) closed.open = true;
    const math = [...page.querySelectorAll("math")].filter(m => m.getBoundingClientRect().height < 4).length;
    const svg = [...page.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().height < 30).length;
    const text = page.documentElement.scrollWidth + " " + math + " " + svg + " " + page.images.length;
    frame.parentNode.insertAdjacentHTML("beforeend", "<p class=measured>" + frame.width + " " + text + "</p>");
  }}
}});
</script>"""


@needs_chromium
def test_page_renders_at_both_widths(whole, tmp_path):
    page = render.html(whole)
    frames = "".join(f'<iframe width="{w}" height="900" srcdoc="{html.escape(page)}"></iframe>' for w in (360, 1440))
    (tmp_path / "measure.html").write_text(MEASURE.format(frames=frames), encoding="utf-8")
    done = browser.run_chromium("--dump-dom", (tmp_path / "measure.html").as_uri())
    measured = [tuple(map(int, m.split())) for m in re.findall(r'<p class="measured">([\d ]+)</p>', done.stdout)]
    # Nothing sticks out of the page, no formula or picture is flat, and no image was asked for.
    assert measured == [(360, 360, 0, 0, 0), (1440, 1440, 0, 0, 0)]


@needs_chromium
def test_page_is_printed(page, tmp_path):
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    reports.print_pdf(tmp_path / "index.html", tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "report.pdf"]
