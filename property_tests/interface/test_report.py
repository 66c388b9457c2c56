"""The report: true to the records, self-contained, safe, reproducible, and whole or not there at all."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
import sympy
from markupsafe import escape

import reports
import theorems
from reports import browser, builder, collect, front, render, schemas, trust
from reports.records import Report, Settings
from theorems import REGISTRY
from theorems.fisher_optimality import STATEMENT
from theorems.infonce_equality_equal_weights import STATEMENT as EQUAL_WEIGHTS
from theorems.pca_equality import STATEMENT as REFUTED
from verify import mathml
from verify.errors import InputError
from verify.evidence import Counterexample, Need
from verify.guarantees import Column, Guarantee
from verify.proofs import Assumed, MatrixIdentity, Proof, Step
from verify.randomised import run
from verify.standing import Standing
from verify.verdicts import Outcome, Status, Verdict
from verify.vocabulary import d

SCRIPT = "<script>alert(1)</script>"
SETTINGS = Settings(quick=True, seed=3, instances=6)


def made(*statements, settings=SETTINGS, **options) -> Report:
    return builder.make(statements, settings, **options)


@pytest.fixture(scope="module")
def report() -> Report:
    return made(STATEMENT)


@pytest.fixture(scope="module")
def page(report) -> str:
    return render.html(report)


class Page(HTMLParser):
    """The tags of a page with their attributes, in order; and which tags are left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"


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


# --- standings are computed ----------------------------------------------------------------------------------------


def shown(statement) -> tuple[Standing, str, str]:
    report = made(statement)
    return report.statements[0].standing, render.html(report), render.markdown(report)


def test_checked_proof_shows_as_proved(report, page):
    (statement,) = report.statements
    assert statement.standing is Standing.PROVED
    assert all(step.passed and not step.assumed for step in statement.proof.steps)
    assert "This statement is not established" not in page
    assert ">✗</span> failed" not in page


def with_step(changed: dict[str, object], index: int = 3) -> Proof:
    steps = list(STATEMENT.proof.steps)
    steps[index] = replace(steps[index], **changed)
    return replace(STATEMENT.proof, steps=tuple(steps))


def test_broken_step_is_shown():
    wrong = sympy.Eq(STATEMENT.proof.steps[3].claim.lhs, 2 * STATEMENT.proof.steps[3].claim.rhs)
    standing, page, text = shown(replace(STATEMENT, proof=with_step({"claim": wrong})))
    assert standing is Standing.FAILED
    assert "This statement is not established" in page
    assert ">✗</span> failed" in page
    assert "✗ failed" in text
    assert "1 check failed" in page


def test_assumed_step_is_shown():
    standing, page, text = shown(replace(STATEMENT, proof=with_step({"check": Assumed()})))
    assert standing is Standing.CONDITIONAL
    assert "◇</span> assumed" in page
    assert "◇ assumed" in text
    assert "proved under assumptions" in text


def test_conclusion_that_does_not_follow_is_shown():
    proof = replace(STATEMENT.proof, conclusion=sympy.Symbol("nothing like it"))
    standing, page, _ = shown(replace(STATEMENT, proof=proof))
    assert standing is Standing.FAILED
    assert "does not follow" in page


def test_proved_without_a_script_is_not_proved():
    standing, page, _ = shown(replace(STATEMENT, proof=None))
    assert standing is Standing.FAILED
    assert "there is no proof script" in page


def test_contradicting_instance_is_shown():
    def refute(_instance):
        return Verdict(STATEMENT.id, Outcome.REFUTED, "it fails here")

    standing, page, _ = shown(replace(STATEMENT, examine=refute))
    assert standing is Standing.FAILED
    assert "not confirmed" in page


def test_violated_margin_is_shown():
    standing, page, _ = shown(replace(STATEMENT, margin=lambda _instance: 0.25))
    assert standing is Standing.FAILED
    assert "0.25" in page


def test_open_statement_stays_open():
    standing, _, text = shown(replace(STATEMENT, status=Status.OPEN, proof=None))
    assert standing is Standing.OPEN
    assert "○ open" in text


def with_hypotheses(*hypotheses):
    return replace(STATEMENT, hypotheses=hypotheses, proof=replace(STATEMENT.proof, hypotheses=hypotheses))


def test_no_accepted_instance_confirms_nothing():
    impossible = replace(
        STATEMENT.hypotheses[0], name="impossible", formula=sympy.Lt(sympy.Symbol("delta", real=True), 0)
    )
    standing, page, text = shown(with_hypotheses(*STATEMENT.hypotheses, impossible))
    assert standing is Standing.FAILED
    assert "6 did not and were discarded" in page
    assert "no random instance satisfied the hypotheses" in text


def test_hypotheses_tell_whether_they_are_needed(report):
    needs = {h.name: (h.need, h.stated) for h in report.statements[0].hypotheses}
    assert needs["covariances-definite"] == (Need.CONSTITUTIVE, True)
    extra = replace(STATEMENT.hypotheses[0], name="more")
    dropped = made(replace(STATEMENT, redundant=(extra,)))
    last = dropped.statements[0].hypotheses[-1]
    assert (last.need, last.stated) == (Need.REDUNDANT, False)
    assert "that every component has mass (in 1 statement)" in dropped.news[2].text
    assert "◌</span> not needed" in render.html(dropped)


def test_news_are_three_sentences_that_follow_the_records(report):
    assert len(report.news) == 3
    assert report.news[0].text.startswith("Of 1 statement 1 is proved by scripts, none is refuted")
    broken = made(replace(STATEMENT, proof=None))
    assert "none is proved by scripts, none is refuted by instances and 1 is not settled" in broken.news[0].text
    refuted = made(REFUTED)
    assert refuted.news[1].text.startswith("1 claim is false as stated")
    assert f">{REFUTED.title}</a>." in render.html(refuted)
    assert refuted.news[1].statements == (REFUTED.id,)


# --- what comes from data is never executed ------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["title", "source", "conclusion", "latex", "hypothesis", "counterexample"])
def test_injected_script_is_escaped(field):
    first, *others = STATEMENT.hypotheses
    counterexample = Counterexample(Path(f"{SCRIPT}.json"), SCRIPT, SCRIPT, SCRIPT)
    injected = {
        "title": replace(STATEMENT, title=SCRIPT),
        "source": replace(STATEMENT, source=replace(STATEMENT.source, note=SCRIPT)),
        "conclusion": replace(STATEMENT, conclusion=replace(STATEMENT.conclusion, sentence=f"S_{SCRIPT}")),
        "latex": replace(STATEMENT, conclusion=replace(STATEMENT.conclusion, latex=rf"\text{{{SCRIPT}}}")),
        "hypothesis": with_hypotheses(replace(first, meaning=SCRIPT), *others),
        "counterexample": replace(STATEMENT, counterexamples=(counterexample,)),
    }
    _, page, text = shown(injected[field])
    assert "script" not in {tag for tag, _ in Page(page).tags}
    assert html.escape(SCRIPT) in page
    outside_fences = re.sub(r"^(```+).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside_fences


@pytest.mark.parametrize(
    "field", ["tempting", "catch", "repaired", "name", "verdict", "file", "certificate", "command"]
)
def test_injected_counterexample_is_escaped(field):
    data = made(REFUTED).model_dump(mode="json")
    data["statements"][0]["counterexamples"][0][field] = SCRIPT
    injected = Report.model_validate(data)
    assert "script" not in {tag for tag, _ in Page(render.html(injected)).tags}
    assert html.escape(SCRIPT) in render.html(injected)
    assert "<script" not in re.sub(r"^(```+).*?^\1$", "", render.markdown(injected), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("place", ["matrix", "graph", "trust"])
def test_injected_front_page_is_escaped(whole, place):
    whole = whole.model_dump(mode="json")
    data = json.loads(json.dumps(whole).replace(STATEMENT.id, f"x{SCRIPT}").replace(REFUTED.id, f"y{SCRIPT}"))
    injected = Report.model_validate({**whole, place: data[place]})
    if place == "trust":
        injected = Report.model_validate({**whole, "trust": {**whole["trust"], "base": [SCRIPT]}})
    assert "script" not in {tag for tag, _ in Page(render.html(injected)).tags}
    assert "<script" not in re.sub(r"^(```+).*?^\1$", "", render.markdown(injected), flags=re.DOTALL | re.MULTILINE)


def test_hunts_show_with_their_statement_and_are_escaped():
    report = made(EQUAL_WEIGHTS, REGISTRY["infonce-equality"])
    hunts, page, text = report.statements[0].hunts, render.html(report), render.markdown(report)
    assert [h.id for h in hunts] == [record.hunt for _, record in EQUAL_WEIGHTS.hunted]
    assert sum(h.evaluations for h in hunts if not h.without) == report.statements[0].evaluations
    for hunt in hunts:
        assert f"<code>{hunt.id}</code>" in page
        assert f">{hunt.evaluations:,}<" in page
    tried = f"open · {EQUAL_WEIGHTS.evaluations:,} evaluations"
    assert f"○ {tried}" in page  # beside the cell of the general claim
    assert tried.capitalize() in text
    assert f"{EQUAL_WEIGHTS.evaluations:,} evaluations" in {n.id: n.note for n in report.graph.nodes}[EQUAL_WEIGHTS.id]
    data = report.model_dump(mode="json")
    data["statements"][0]["hunts"][0] |= {"id": SCRIPT, "without": [SCRIPT], "delta": SCRIPT}
    assert "script" not in {tag for tag, _ in Page(render.html(Report.model_validate(data))).tags}


def test_injected_instance_is_escaped(report):
    data = report.model_dump(mode="json")
    data["statements"][0]["verification"]["worst"]["instance"]["model"] = f"```\n{SCRIPT}"
    injected = Report.model_validate(data)
    assert "script" not in {tag for tag, _ in Page(render.html(injected)).tags}
    assert "<script" not in re.sub(r"^(```+).*?^\1$", "", render.markdown(injected), flags=re.DOTALL | re.MULTILINE)


def test_formula_that_cannot_be_set_is_shown_as_source():
    _, page, _ = shown(replace(STATEMENT, quantity=replace(STATEMENT.quantity, latex=r"\nonsense{<b>}")))
    assert r"<code>\nonsense{&lt;b&gt;}</code> (not typeset)" in page


@pytest.mark.parametrize("id_", theorems.MODULES)
def test_every_formula_of_the_registry_is_set(id_):
    statement = theorems.REGISTRY[id_]
    formulas = [statement.quantity, statement.conclusion, *statement.hypotheses, *statement.redundant]
    for item in [*formulas, *(statement.proof.steps if statement.proof else ())]:
        assert mathml.formula(item.latex, display=True).startswith("<math")


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
    ],
)
def test_prose_has_true_subscripts(text, marked):
    assert render.prose(text) == marked


# --- the front page ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole() -> Report:
    """A proved, a refuted and an open statement, one a special case of another, all about cells of the matrix."""
    cell = (Guarantee("fisher", Column.EQUALITY),)
    general = replace(STATEMENT, id="general", status=Status.OPEN, proof=None, guarantees=cell, evidence=("little",))
    return made(replace(STATEMENT, special_case_of="general"), REFUTED, general)


def test_matrix_shows_the_standings_of_this_run(whole):
    rows = {row.loss: {cell.column: cell for cell in row.cells} for row in whole.matrix.rows}
    assert rows["fisher"][Column.EQUALITY].standing is Standing.OPEN
    assert [case.id for case in rows["fisher"][Column.EQUALITY].special] == [STATEMENT.id]
    assert rows["pca"][REFUTED.guarantees[0].column].standing is Standing.REFUTED
    contradicted = made(replace(STATEMENT, guarantees=rows_of("fisher"), margin=lambda _instance: 1.0))
    assert contradicted.matrix.rows[-1].cells[0].standing is Standing.FAILED


def rows_of(loss):
    return (Guarantee(loss, Column.INCLUSION),)


def test_matrix_links_to_what_the_page_holds(whole):
    text = render.html(whole)
    matrix = text[text.index('<section id="matrix">') : text.index('<section id="graph">')]
    assert 'href="#general"' in matrix
    assert 'href="#special-1"' in matrix
    assert "thmverify verify pca-equality" in matrix


def test_graph_has_the_definitions_and_the_special_case(whole):
    edges = {(edge.source, edge.target): edge.kind for edge in whole.graph.edges}
    assert edges[STATEMENT.id, "general"] == "special case"
    assert edges["definition-3.2", STATEMENT.id] == "defines"
    kinds = {node.id: node.kind for node in whole.graph.nodes}
    assert (kinds["general"], kinds[STATEMENT.id], kinds["definition-4.1"]) == ("conjecture", "theorem", "definition")


def test_definitions_are_read_off_labels_and_hypotheses():
    assert "3.2" in front.definitions_of(STATEMENT)
    bare = replace(STATEMENT, source=replace(STATEMENT.source, label="Lemma 9"), hypotheses=(), proof=None)
    assert front.definitions_of(bare) == ()


def test_boxes_of_the_graph_do_not_overlap(whole):
    drawing = render.drawn_graph(whole)
    boxes = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in drawing.boxes]
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= drawing.width
        assert bottom <= drawing.height
        for l2, t2, r2, b2 in boxes[:i]:
            assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top
    at = {b.node.id: b for b in drawing.boxes}
    assert all(at[a.edge.source].x < at[a.edge.target].x for a in drawing.arrows)


def test_a_circle_of_citations_is_drawn_all_the_same(whole):
    edge = whole.graph.edges[-1]
    back = edge.model_copy(update={"source": edge.target, "target": edge.source})
    circle = whole.graph.model_copy(update={"edges": (*whole.graph.edges, back)})
    assert len(render.drawn_graph(whole.model_copy(update={"graph": circle})).arrows) == len(circle.edges)


# --- counterexamples and evidence ----------------------------------------------------------------------------------


def test_counterexample_is_shown_with_its_certificate_and_picture(whole):
    shown_one = whole.statements[1].counterexamples[0]
    assert shown_one.refutes
    assert json.loads(shown_one.certificate)["claim"] == REFUTED.claim
    text = render.html(whole)
    assert str(escape(shown_one.certificate)) in text
    assert shown_one.command in text
    (scene,) = shown_one.scenes
    assert scene.lines[0].name == "S_F"
    assert len(scene.means) == len(scene.weights)


def test_a_certificate_that_does_not_check_shows():
    wrong = replace(REFUTED.counterexamples[0], evidence=theorems.COUNTEREXAMPLES / "infonce-equality.json")
    standing, page, _ = shown(replace(REFUTED, counterexamples=(wrong,)))
    assert standing is Standing.FAILED
    assert "does not refute" in page


def test_float_quadrature_is_caught_by_the_enclosure(report):
    rows = {int(c.separation): c for c in report.trust.comparisons}
    assert float(rows[1].hermite_error) < 1e-9
    assert max(float(c.hermite_error) for c in rows.values()) > 0.6
    for c in rows.values():
        assert float(c.lower) <= float(c.upper)
        assert float(c.upper) - float(c.lower) <= 1e-8 * float(c.upper)


def test_code_lines_leave_out_comments_and_docstrings():
    text = '"""Doc\nstring."""\n\n# comment\nx = 1  # why\n\ndef f():\n    """Doc."""\n    return "text"\n'
    assert trust.code_lines(text) == {5, 7, 9}


def test_every_forgery_is_refused(whole):
    found = {m.kind: m for m in whole.trust.mutations}
    assert all(m.tried > 0 for m in found.values())
    forged = [m for kind, m in found.items() if "hints" not in kind]
    assert all(m.refused == m.tried for m in forged)


def test_steps_decided_at_random_points_are_named(report):
    assert report.trust.tested == ()
    assert "No step is decided at random points alone" in render.html(report)
    u, v, x = (sympy.MatrixSymbol(name, d, 1) for name in ("u", "v", "x"))
    # uᵀv is a number: it equals its transpose, which normal forms of words do not see.
    claim = sympy.Eq(x * u.T * v, x * v.T * u)
    step = Step("tested", "A number is its transpose.", claim, (), MatrixIdentity())
    tested = replace(STATEMENT, proof=replace(STATEMENT.proof, steps=(*STATEMENT.proof.steps, step)))
    (named,) = trust.tested([tested])
    assert "step tested: polynomial identity testing" in named
    assert "probability ≤" in named


def test_rules_count_every_step(report):
    steps = len(report.statements[0].proof.steps)
    assert sum(rule.steps for rule in report.trust.rules) == steps
    assert all(rule.meaning for rule in report.trust.rules)


# --- writing -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_registry(monkeypatch):
    monkeypatch.setattr(theorems, "REGISTRY", {STATEMENT.id: STATEMENT}, raising=False)
    monkeypatch.setattr(builder, "QUICK_INSTANCES", 4)


@pytest.mark.usefixtures("small_registry")
def test_build_writes_the_three_files_and_tells_its_progress(tmp_path):
    calls = []
    out = tmp_path / "new" / "folder"
    page = reports.build(out, quick=True, progress=lambda *call: calls.append(call))
    assert page == out / "index.html"
    assert sorted(p.name for p in out.iterdir()) == ["index.html", "report.json", "report.md"]
    again = Report.model_validate_json((out / "report.json").read_text(encoding="utf-8"))
    assert render.html(again) == page.read_text(encoding="utf-8")
    fractions = [fraction for _, fraction in calls]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert list(dict(calls)) == [STATEMENT.id, "matrix", "evidence", "figures"]


@pytest.mark.usefixtures("small_registry")
def test_only_some_statements(tmp_path, monkeypatch):
    monkeypatch.setattr(theorems, "REGISTRY", {s.id: s for s in (STATEMENT, REFUTED)}, raising=False)
    page = reports.build(tmp_path, quick=True, only=[REFUTED.id])
    again = Report.model_validate_json((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [s.id for s in again.statements] == [REFUTED.id]
    assert f"--only {REFUTED.id}" in page.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="names no statement"):
        reports.build(tmp_path, quick=True, only=["nothing"])


@pytest.mark.usefixtures("small_registry")
def test_failure_leaves_the_old_report_whole(tmp_path, monkeypatch):
    old = reports.build(tmp_path, quick=True).read_bytes()

    def fail(_report):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(render, "html", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        reports.build(tmp_path, quick=True, seed=1)
    assert (tmp_path / "index.html").read_bytes() == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["index.html", "report.json", "report.md"]


def test_folder_that_cannot_be_made_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "make", lambda *_, **__: pytest.fail("worked first"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="give a folder"):
        reports.build(tmp_path / "file", quick=True)


def test_missing_browser_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(browser.shutil, "which", lambda _name: None)
    (tmp_path / "index.html").write_text("<p>")
    with pytest.raises(InputError, match="install Chromium"):
        reports.print_pdf(tmp_path / "index.html", tmp_path / "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


def test_missing_page_is_named(tmp_path):
    with pytest.raises(InputError, match="build the report first"):
        reports.print_pdf(tmp_path / "index.html", tmp_path / "report.pdf")


# --- in a browser --------------------------------------------------------------------------------------------------

needs_chromium = pytest.mark.skipif(browser.find_chromium() is None, reason="no Chromium is installed")

MEASURE = """<!DOCTYPE html><meta charset="utf-8"><body>{frames}<script>
addEventListener("load", () => {{
  for (const frame of document.querySelectorAll("iframe")) {{
    const page = frame.contentDocument;
    for (const closed of page.querySelectorAll("details")) closed.open = true;
    const math = [...page.querySelectorAll("math")].filter(m => m.getBoundingClientRect().height < 4).length;
    const svg = [...page.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().height < 50).length;
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
