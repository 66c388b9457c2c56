"""`thmverify decide` and `thmverify check`, as a user runs them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from property_tests.kernel.library import DEGENERATE, LEAKING, LINE, PAIRED, SHIPPED
from thmverify.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def write(tmp_path):
    def to_file(data) -> str:
        path = tmp_path / "instance.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return str(path)

    return to_file


@pytest.mark.parametrize(
    ("instance", "code", "verdict", "rank"), [(LINE, 0, "proved", 1), (DEGENERATE, 3, "refuted", 1)]
)
def test_decide_then_check(instance, code, verdict, rank, write, tmp_path, capsys):
    out = str(tmp_path / "certificate.json")
    assert main(["decide", "infonce-equality", write(instance), "--certificate", out, "--json"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert (answer["claim"], answer["verdict"], answer["rank"]) == ("infonce-equality", verdict, rank)
    low, high = map(Fraction, answer["margin"])
    assert low <= high
    assert (high < 0) == (verdict == "proved")
    assert main(["check", out]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"VERIFIED infonce-equality: {verdict} for the instance given"


def test_undecided_writes_no_certificate(write, tmp_path, capsys):
    between = {**LEAKING, "rank": 2, "weight_decay": "1/3"}
    out = tmp_path / "certificate.json"
    assert main(["decide", "simsiam-inclusion", write(between), "--certificate", str(out)]) == 3
    assert not out.exists()
    assert "undecided" in capsys.readouterr().out


def test_check_answers_for_each_file(tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_bytes(SHIPPED[0].read_bytes().replace(b"refuted", b"proved"))
    assert main(["check", str(SHIPPED[0]), str(bad)]) == 1
    answers = [line for line in capsys.readouterr().out.splitlines() if line.split()[0] in ("VERIFIED", "REJECTED")]
    assert [a.split()[0] for a in answers] == ["VERIFIED", "REJECTED"]
    assert main(["check", str(SHIPPED[0]), str(bad), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["certificates"]
    assert [c["answer"] for c in found] == ["VERIFIED", "REJECTED"]
    assert found[0]["verdict"] == "refuted"
    assert found[1]["reason"]


@pytest.mark.parametrize(
    ("claim", "instance", "word"),
    [
        ("infonce", LINE, "did you mean infonce-"),
        ("infonce-equality", PAIRED, "shared-gmm"),
        ("clip-inclusion-literal", LINE, "clip-gmm"),
        ("linear-probe-bound", LINE, "population-graph"),
    ],
)
def test_a_claim_about_another_model_is_bad_input(claim, instance, word, write, capsys):
    assert main(["decide", claim, write(instance)]) == 2
    error = capsys.readouterr().err
    assert word in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", ["decide", "check"])
def test_help_has_examples(command, capsys):
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: thmverify {command}" in text
    assert f"  thmverify {command}" in text


def test_examples_are_decided(capsys):
    assert main(["decide", "infonce-equality", str(EXAMPLES / "shared-gmm.json")]) == 3
    assert capsys.readouterr().out.startswith("applicable  no: ")
    assert main(["decide", "spectral-equality", str(EXAMPLES / "shared-gmm.json")]) == 0
    assert main(["decide", "infonce-equality", str(EXAMPLES / "deficient.json")]) == 1
    assert capsys.readouterr().err == ""


def test_a_statement_that_does_not_apply_says_so(write, capsys):
    """Two means that are not centred refute no theorem about centred ones, whatever becomes of the conclusion."""
    for bias, violated in (("1", ["columns-reach"]), ("0", ["bias-positive", "columns-reach"])):
        plane = {"model": "shared-gmm", "weights": ["1/2", "1/2"], "means": [[1, 0], [0, 1]], "bias": bias, "rank": 1}
        assert main(["decide", "spectral-equality", write(plane), "--json"]) == 3
        answer = json.loads(capsys.readouterr().out)
        assert (answer["verdict"], answer["applicable"], answer["violated"]) == ("refuted", False, violated)
