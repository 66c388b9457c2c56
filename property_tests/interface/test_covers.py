"""Covers at the command line, in Python, and as what proves a statement."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

import thmverify as tv
from thmverify.cli import main
from thmverify.covering import Cover, Region, propose
from thmverify.covering.picture import SLICES, draw
from thmverify.errors import InputError
from thmverify.kernel import check
from thmverify.standing import Standing, judge
from thmverify.theorems import REGISTRY

ID = "infonce-equality-three"
NEAR = Region.of(1)


def test_a_cover_is_written_and_checks(tmp_path, capsys):
    assert main(["cover", ID, "--set", "distance=1", "--out", str(tmp_path / "new"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["share"], answer["remaining"]) == ("proved", "1", [])
    assert main(["check", answer["certificate"]]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"VERIFIED {ID}, for means at distances of at most 1")
    assert ElementTree.parse(answer["picture"]).getroot().tag.endswith("svg")


def test_what_is_left_is_listed_and_nothing_is_proved(tmp_path, capsys):
    words = ["--set", "distance=40", "--budget", "1s", "--out", str(tmp_path)]
    assert main(["cover", ID, *words, "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verdict"], answer["certificate"]) == ("undecided", None)
    sizes = [[Fraction(b) - Fraction(a) for a, b in box] for box in answer["remaining"]]
    left = sum(a * b * c for a, b, c in sizes) / (Fraction(1, 2) * (40 - Fraction(3, 5)))
    assert left == 1 - Fraction(answer["share"])
    assert left > 0
    assert not (tmp_path / f"{ID}.json").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["cover", "infonce-inclusion"],
        ["cover", ID, "--set", "distance=0"],
        ["cover", ID, "--set", "distance=far"],
        ["cover", ID, "--set", "distance=101"],
        ["cover", ID, "--set", "weights=equal"],
        ["cover", ID, "--budget", "200ev"],
        ["cover", ID, "--out", "/dev/null/covers"],
    ],
)
def test_bad_input_is_one_line(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("thmverify: ")
    assert captured.err.count("\n") == 1


def test_python():
    found = tv.cover(ID, distance=1)
    assert found.share == 1
    assert found.certificate is not None
    assert tv.check(found.certificate).startswith(f"VERIFIED {ID}")
    assert len(found.settled) == check(found.certificate).settled
    with pytest.raises(InputError, match="is not positive, or more than 100"):
        tv.cover(ID, distance=0)


def test_the_picture_has_every_box_of_its_slices_once():
    found = propose(ID, NEAR)
    root = ElementTree.fromstring(draw(found))
    boxes = [r for r in root if r.tag.endswith("rect") and float(r.get("width")) != 14][1:]
    area = sum(float(r.get("width")) * float(r.get("height")) for r in boxes)
    assert area == pytest.approx(len(SLICES) * 260**2, rel=1e-3)


# ------------------------------------------------------------------------------------------- what proves a statement


def proved_by(tmp_path: Path, region: Region, data: bytes) -> tv.Statement:
    """The statement, with a cover of its own."""
    file = tmp_path / "cover.json"
    file.write_bytes(data)
    return replace(REGISTRY[ID], cover=Cover(file, ID, region))


def test_the_statement_is_proved_by_its_cover():
    statement = REGISTRY[ID]
    assert judge(statement).standing is Standing.PROVED
    assert statement.cover.region == Region.of()
    assert statement.without("bias-positive").cover is None


def test_a_cover_of_another_set_does_not_prove_it(tmp_path):
    data = propose(ID, NEAR).certificate
    assert judge(proved_by(tmp_path, NEAR, data)).standing is Standing.PROVED
    found = judge(proved_by(tmp_path, Region.of(), data))
    assert found.standing is Standing.FAILED
    assert "is about something else" in found.reason


def test_a_cover_that_is_refused_or_missing_does_not_prove_it(tmp_path):
    data = propose(ID, NEAR).certificate
    statement = proved_by(tmp_path, NEAR, data.replace(b'"precision":"64"', b'"precision":"65"'))
    assert "REJECTED the content hash" in judge(statement).reason
    statement.cover.certificate.unlink()
    missing = replace(statement, cover=replace(statement.cover, certificate=tmp_path / "none.json"))
    assert judge(missing).standing is Standing.FAILED
    another = replace(REGISTRY["infonce-equality-two"], cover=REGISTRY[ID].cover, proof=None)
    assert judge(another).standing is Standing.FAILED
