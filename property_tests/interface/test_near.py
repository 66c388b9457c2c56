"""Deciding near an instance, at the command line, and what counterexamples say of the instances near them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from property_tests.kernel.test_regions import inside
from thmverify import theorems
from thmverify.certifying.formulas import name
from thmverify.certifying.writing import instance_fields
from thmverify.cli import main
from thmverify.evidence import Fails, distance
from thmverify.instances import parse_instance
from thmverify.theorems import REGISTRY
from thmverify.theorems.infonce.common import UNCENTRED
from thmverify.theorems.near import proposed, shipped
from thmverify.verdicts import Outcome

INSTANCE = "examples/shared-gmm.json"
ALL = list(shipped())
SHIPPED = {c.name: c for c in ALL if isinstance(c.evidence, Path)}
STATED = [found for found in ALL if found.nearby is not None and isinstance(found.nearby.about, Fails)]
OF = {id(found): statement for statement in REGISTRY.values() for found in statement.counterexamples}


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


def test_every_counterexample_says_whether_it_refutes_an_open_set():
    """A radius above 0 that the kernel verifies, an instance beyond the border where the claim holds, or a reason."""
    near = [found.neighbourhood for found in ALL]
    assert all(x is not None for x in near)
    kinds = [
        "radius" if x.radius else "border" if "the conclusion is proved" in x.reason else "none"
        for x in near
        if x is not None
    ]
    assert all(x.reason.startswith("refuted for every instance within") == bool(x.radius) for x in near)
    assert all(x.reason.startswith("no radius") for x in near if not x.radius)
    assert kinds.count("radius") > 2 * (kinds.count("border") + kinds.count("none"))


def test_every_certificate_about_instances_near_belongs_to_a_counterexample():
    assert {found.nearby.certificate for found in ALL if found.nearby} == {*theorems.NEIGHBOURHOODS.glob("*.json")}


@pytest.mark.parametrize("found", STATED, ids=lambda found: found.near.claim)
def test_formulas_about_instances_near_are_those_that_are_proposed(found):
    assert proposed(found).certificate == found.nearby.certificate.read_bytes()


@pytest.mark.parametrize("found", [x for x in STATED if id(x) in OF], ids=lambda found: found.near.claim)
def test_statements_refute_random_instances_within_the_radius(found):
    """Each statement's own examination, in rational arithmetic, which shares nothing with the balls of the kernel."""
    rng, fields = random.Random(found.near.claim), instance_fields(found.instance)
    decided = 0
    for _ in range(5):
        given = parse_instance(inside(json.loads(json.dumps(fields)), found.neighbourhood.radius, rng))
        verdict = OF[id(found)].examine(given)
        assert verdict.outcome is not Outcome.PROVED
        decided += verdict.outcome is Outcome.REFUTED
    assert decided >= 4  # pca-top-r does not decide all pairs of orders


def test_a_border_is_one_only_if_the_claim_holds_beyond():
    border = UNCENTRED.near
    for beyond in (UNCENTRED.instance, replace(UNCENTRED.instance, rank=1)):
        assert "is not" in replace(border, instance=beyond).found(UNCENTRED.instance).reason
    other = SHIPPED["infonce-equality"].instance
    assert "is not" in replace(border, instance=other).found(UNCENTRED.instance).reason
    assert distance(UNCENTRED.instance, border.instance) == Fraction(1, 1000)


def test_a_formula_that_is_not_the_one_meant_is_said_to_be_another():
    found = STATED[0]
    about = replace(found.nearby.about, formula=found.nearby.about.formula | (name("r") == 1))
    assert replace(found.nearby, about=about).checked(found.instance).radius is None
    assert "something else" in found.nearby.checked(UNCENTRED.instance).reason


def test_a_neighbourhood_of_something_else_is_said_to_be_one(tmp_path):
    found = SHIPPED["infonce-equality"]
    folder = tmp_path / "neighbourhoods"
    folder.mkdir()
    (tmp_path / "counterexamples").mkdir()
    own = tmp_path / "counterexamples" / found.evidence.name
    own.write_bytes(found.evidence.read_bytes())
    other = found.evidence.parent.parent / "neighbourhoods"
    for stem, reason in (("infonce-equality-biased-near", "something else"), ("infonce-equality-near", "refuted for")):
        (folder / "infonce-equality-near.json").write_bytes((other / f"{stem}.json").read_bytes())
        assert reason in replace(found, evidence=own).neighbourhood.reason
    (folder / "infonce-equality-near.json").write_text("{}\n")
    spoilt = replace(found, evidence=own).neighbourhood
    assert spoilt.radius is None
    assert Fraction(str(found.neighbourhood.radius)) < Fraction(1, 10**6)
