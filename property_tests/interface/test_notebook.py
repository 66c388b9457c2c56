"""What objects show in a notebook: all of it escaped, and a line that renews itself while a hunt runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

import thmverify as tv
from thmverify import notebook
from thmverify.instances import read_instance
from thmverify.theorems import REGISTRY
from thmverify.verdicts import Outcome, Verdict

SCRIPT = "<script>alert(1)</script>"


class Closed(HTMLParser):
    """The text of HTML in which every tag is closed, and none is a script."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag != "script"
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += f" {data}"


def text(shown) -> str:
    return " ".join(Closed(shown._repr_html_()).text.split())


@pytest.mark.parametrize("name", ["shared-gmm", "gmm", "clip-gmm", "quadratic"])
def test_an_instance_shows_its_numbers(name):
    instance = read_instance(name)
    found = text(instance)
    assert instance.kind in found
    assert f"r {instance.rank}" in found
    if name == "shared-gmm":
        assert " ".join(str(x) for x in instance.pairs.mixture.means[0]) in found
        assert f"δ {instance.pairs.bias}" in found


def test_models_show_themselves_and_cut_what_is_long():
    wide = tv.SharedGMM(["1/20"] * 20, [[k] + [0] * 11 for k in range(20)], 2)
    found = text(wide)
    assert found.count("…") >= 3
    assert "diagonal" in found
    long = tv.Record(x="1" * 60 + "/7")
    assert "≈ 1.5873e+58" in text(long)


def test_a_statement_shows_claim_hypotheses_and_status():
    found = text(REGISTRY["infonce-equality"])
    assert "recorded as refuted" in found
    assert "Col(A*) = S F for every minimiser A* of L over R d×r ." in found
    assert "bias-positive" not in found
    assert "always-matched" in found


def test_a_verdict_shows_what_fails_first():
    verdict = tv.decide("infonce-equality", tv.SharedGMM(["1/2", "1/2"], [[1, 0], [0, 1]]), rank=2)
    found = text(verdict)
    assert found.index("applicable") < found.index("verdict") < found.index("reason")


def test_everything_is_escaped():
    named = replace(REGISTRY["temperature"], title=SCRIPT, id=SCRIPT)
    for shown in (named, Verdict(SCRIPT, Outcome.PROVED, SCRIPT, violated=(SCRIPT,))):
        assert "alert(1)" in text(shown)


def test_a_hunt_shows_a_line_that_renews_itself(tmp_path, monkeypatch, asked):
    asked(["thmverify.examples.own_theorem"])
    shown, renewed = [], []

    def display(thing, display_id):
        assert display_id
        shown.append(thing)
        return SimpleNamespace(update=renewed.append)

    fake = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1), display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", fake)
    result = tv.hunt("gd-longer", budget="2000ev", out=tmp_path)
    assert len(shown) == 1
    assert "best margin" in text(shown[0])
    assert all("certified" in text(progress) for progress in renewed)
    assert result.id in text(result)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    notebook.live()("nowhere to show it")


def test_whoever_observes_is_told(tmp_path, asked):
    asked(["thmverify.examples.own_theorem"])
    seen = []
    result = tv.hunt("gd-contracts", budget="300ev", out=tmp_path, observe=seen.append)
    assert seen
    assert seen[-1].done == result.done


@pytest.mark.parametrize("covariances", [[1, 1], [1, [[2, 1], [1, 2]]]])
def test_a_minimiser_is_shown_by_its_numbers_and_the_shapes_of_its_matrices(covariances):
    best = tv.minimise("infonce", tv.GMM(["1/2", "1/2"], [[1, 0], [-1, 0]], covariances), rank=2)
    assert "maps=<M of 2 × 2, A of 2 × 1>" in repr(best)
    assert "array" not in repr(best)
    numbers = (best.value, best.value_error, best.kkt_residual, best.error_bound)
    assert [type(x) for x in (*numbers, best.converged)] == [float] * 4 + [bool]


def test_a_margin_is_printed_in_decimals_that_contain_it():
    margin = (Fraction(-2, 3), Fraction(-2, 3) + Fraction(1, 10**12))
    verdict = tv.Verdict("claim", Outcome.PROVED, "it is", margin)
    assert "between -0.666667 and -0.666666" in verdict._repr_html_()
