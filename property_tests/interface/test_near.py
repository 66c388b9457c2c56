"""Deciding near an instance, at the command line, and what counterexamples say of the instances near them."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from thmverify.cli import main
from thmverify.theorems import REGISTRY

INSTANCE = "examples/shared-gmm.json"
NEAR = {  # the others lie on a border, as infonce-equality-uncentred does, or their rules do not take sets
    "infonce-equality",
    "infonce-equality-biased",
    "infonce-equality-equal-weights-biased",
    "infonce-top-r",
    "clip-effective-equality",
    "clip-inclusion-literal",
    "simsiam-inclusion",
}
SHIPPED = {c.name: c for s in REGISTRY.values() for c in s.counterexamples if isinstance(c.evidence, Path)}


def test_a_radius_is_decided_and_its_certificate_checks(tmp_path, capsys):
    file = tmp_path / "near.json"
    assert main(["decide", "infonce-equality", INSTANCE, "--box", "1/1000", "--certificate", str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["radius"]) == ("proved", "1/1000")
    assert main(["check", str(file), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["certificates"][0]
    assert (answer["answer"], answer["shares"]) == ("VERIFIED", {"proved": "1", "refuted": "0"})


def test_a_radius_that_is_too_large_is_undecided(tmp_path, capsys):
    file = tmp_path / "near.json"
    assert main(["decide", "infonce-equality", INSTANCE, "--box", "1/10", "--certificate", str(file)]) == 3
    assert "undecided" in capsys.readouterr().out
    assert not file.exists()


@pytest.mark.parametrize("words", [["--box", "2"], ["--box", "0"], ["--box", "wide"], ["--box", "-1"]])
def test_bad_input_is_one_line(words, capsys):
    assert main(["decide", "infonce-equality", INSTANCE, *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_every_counterexample_that_ships_says_whether_it_refutes_an_open_set():
    assert set(SHIPPED) > NEAR
    for name, found in SHIPPED.items():
        near = found.neighbourhood
        assert (near is not None) == (name in NEAR), name
        if near is not None:
            assert near.radius is not None
            assert near.radius > 0
            assert near.reason.startswith("refuted for every instance within")


def test_a_neighbourhood_of_something_else_is_said_to_be_one(tmp_path):
    found = SHIPPED["infonce-equality"]
    folder = tmp_path / "neighbourhoods"
    folder.mkdir()
    (tmp_path / "counterexamples").mkdir()
    own = tmp_path / "counterexamples" / found.evidence.name
    own.write_bytes(found.evidence.read_bytes())
    other = found.evidence.parent.parent / "neighbourhoods"
    for name, reason in (("infonce-equality-biased-near", "something else"), ("infonce-equality-near", "refuted for")):
        (folder / "infonce-equality-near.json").write_bytes((other / f"{name}.json").read_bytes())
        assert reason in replace(found, evidence=own).neighbourhood.reason
    (folder / "infonce-equality-near.json").write_text("{}\n")
    spoilt = replace(found, evidence=own).neighbourhood
    assert spoilt.radius is None
    assert Fraction(str(found.neighbourhood.radius)) < Fraction(1, 10**6)
