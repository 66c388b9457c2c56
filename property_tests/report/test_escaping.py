"""What comes from data is shown and never executed; formulas are set, or shown as their source."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from property_tests.report.support import SCRIPT, Page, made, shown, with_hypotheses
from thmverify import mathml, theorems
from thmverify.evidence import Counterexample
from thmverify.reports import render
from thmverify.reports.records import Report
from thmverify.theorems import REGISTRY
from thmverify.theorems.fisher.fisher_optimality import STATEMENT
from thmverify.theorems.infonce.infonce_equality_equal_weights import STATEMENT as EQUAL_WEIGHTS
from thmverify.theorems.pca.pca_equality import STATEMENT as REFUTED


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
    report = statement.checked
    if report is not None:
        formulas += [*report.steps, *report.hypotheses, *report.definitions, *report.assumed]
        assert all(mathml.formula(latex, display=True) for latex in (report.latex, report.letters, *report.parts))
    for item in formulas:
        assert mathml.formula(item.latex, display=True).startswith("<math")


def test_injected_proof_is_escaped(report):
    data = report.model_dump(mode="json")
    proof = data["statements"][0]["proof"]
    proof |= {"script": SCRIPT, "reason": SCRIPT, "conclusion": SCRIPT, "classical": [SCRIPT], "cited": [SCRIPT]}
    formula = {"latex": rf"\text{{{SCRIPT}}}", "sympy": "", "kernel": SCRIPT}
    proof |= {"parts": [formula], "letters": formula, "assumed": [{"name": SCRIPT, "formula": formula}]}
    proof["hypotheses"][0] |= {"name": SCRIPT, "formula": formula}
    proof["definitions"][0] |= {"name": SCRIPT, "formula": formula}
    proof["steps"][0] |= {"name": SCRIPT, "sentence": SCRIPT, "premises": [SCRIPT], "rule": SCRIPT, "rules": [SCRIPT]}
    proof["steps"][0]["formula"] = formula
    injected = Report.model_validate(data)
    assert "script" not in {tag for tag, _ in Page(render.html(injected)).tags}
    assert "<script" not in re.sub(r"^(```+).*?^\1$", "", render.markdown(injected), flags=re.DOTALL | re.MULTILINE)


def test_a_long_formula_may_break_within_brackets_and_a_short_one_not():
    short, long = r"f\left(a + b\right)", rf"f\left({' + '.join(['abcdef'] * 12)}\right)"
    assert mathml.formula(short, display=True).count("<math") == 1
    assert mathml.formula(long, display=True).count("<math") == 12
