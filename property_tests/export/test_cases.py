"""Certificates that rationals decide, written out for Coq: by value, and a changed digit does not compile."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from property_tests.export.test_coq import LIMIT, RATIONAL
from property_tests.interrupts import SAFETY_NET, at_most
from thmverify.artefacts import entries
from thmverify.certifying import decide
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.export.exact import case_files
from thmverify.export.folder import write_folder
from thmverify.instances import parse_instance
from thmverify.theorems import CHECKED, FORMAL
from thmverify.theorems.coq import assumptions


def matrix(text: str, name: str) -> list[list[Fraction]]:
    (rows,) = re.findall(rf"^Definition {name} : mat := entries \[(.*)\]\.$", text, flags=re.MULTILINE)
    number = r"\((-?\d+(?: / \d+)?)\)|(\d+)"
    return [
        [Fraction((a or b).replace(" ", "")) for a, b in re.findall(number, row)]
        for row in re.findall(r"\[(.*?)\]", rows)
    ]


def columns(rows: list[list[str]]) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in zip(*rows, strict=True)]


@pytest.mark.parametrize("name", ["Pca", "Spectral"])
def test_the_instance_is_the_certificates_by_value(name):
    data = RATIONAL[name].read_bytes()
    given, text = json.loads(data)["instance"], case_files(data)[f"cases/{name}.v"]
    assert matrix(text, "means") == columns(given["means"])
    assert matrix(text, "Sigma") == columns(given["covariance"])
    assert f"Definition columns : nat := {given['rank']}." in text


def test_both_modalities_are_the_certificates_by_value():
    data = RATIONAL["Clip"].read_bytes()
    given, text = json.loads(data)["instance"], case_files(data)["cases/Clip.v"]
    for before, name in (("image_", "vision"), ("text_", "text")):
        assert matrix(text, f"{before}means") == columns(given[name]["means"])
        assert matrix(text, f"{before}Sigma") == columns(given[name]["covariance"])


def decided(claim: str, **fields: object) -> bytes:
    _, data = decide(claim, parse_instance({"bias": "1", **fields}))
    assert data is not None
    return data


def mixture(means, covariance, rank, **fields):
    weights = [str(Fraction(1, len(means)))] * len(means)
    return {"model": "shared-gmm", "weights": weights, "means": means, "covariance": covariance, "rank": rank} | fields


LINE = [["2", "0"], ["-2", "0"]]
REFUSED = {
    "a verdict that is not covered": ("pca-equality", mixture(LINE, [["9", "0"], ["0", "1"]], 1), "verdict"),
    "PCA with more columns": ("pca-equality", mixture(LINE, [["1", "0"], ["0", "9"]], 2), "instance.rank"),
    "PCA undecided": ("pca-equality", mixture(LINE, [["1", "0"], ["0", "5"]], 1), "instance.covariance"),
    "spectral with few columns": (
        "spectral-equality",
        mixture([["2", "0"], ["-1", "1"], ["-1", "-1"]], [["1", "0"], ["0", "1"]], 1),
        "verdict",
    ),
    "many coordinates": (
        "pca-equality",
        mixture([["1", *"00000000"], ["-1", *"00000000"]], [*"123456789"], 1),
        "instance.means",
    ),
}


@pytest.mark.parametrize(("claim", "fields", "field"), REFUSED.values(), ids=REFUSED)
def test_what_the_theorems_are_not_about_is_refused(claim, fields, field):
    with pytest.raises(InputError, match=rf"^{re.escape(field)}: "):
        case_files(decided(claim, **fields))


def test_a_certificate_that_the_kernel_rejects_is_refused():
    with pytest.raises(InputError, match="the kernel rejects it"):
        case_files(RATIONAL["Pca"].read_bytes().replace(b'"9"', b'"8"'))


def test_a_statements_name_is_that_of_its_certificate(tmp_path, capsys):
    assert main(["export", "clip-inclusion-literal", "--format", "coq", "--out", str(tmp_path / "out")]) == 0
    assert "make -C" in capsys.readouterr().out
    assert (tmp_path / "out" / "cases" / "Clip.v").is_file()


# With Coq.


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder that `export` wrote, with the other cases added, compiled; and the axioms that make printed."""
    if shutil.which("coqc") is None:
        pytest.skip("needs coqc")
    folder = tmp_path_factory.mktemp("coq") / "cases"
    write_folder(RATIONAL["Pca"].read_bytes(), FORMAL, folder)
    for path in (FORMAL / "cases").glob("*.v"):
        shutil.copy(path, folder / "cases")
    make = ["nice", "make", f"LIMIT={SAFETY_NET}"]
    made = subprocess.run(make, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    return folder, assumptions(made.stdout)


def compiles(folder: Path, name: str) -> bool:
    flags = ["-q", "-w", "none", "-Q", "theory", "InfoNCE", "-Q", "exact", "Exact", "-Q", "cases", "Cases"]
    command = ["nice", "coqc", *flags, f"cases/{name}.v"]
    done = subprocess.run(command, cwd=folder, capture_output=True, preexec_fn=at_most(cpu=LIMIT), check=False)
    return done.returncode == 0


@pytest.mark.coq
def test_the_cases_compile_and_rest_on_what_is_recorded(compiled):
    recorded = {a.theorem: a.assumptions for a in entries(CHECKED)}
    printed = compiled[1]
    assert {"graph_equivalence", "fisher_optimality", "learns_exactly", "clip_literal_fails"} <= set(printed)
    assert all(recorded[theorem] == axioms for theorem, axioms in printed.items() if theorem in recorded)
    modules = {name.split(".")[0] for axioms in printed.values() for name in axioms}
    assert modules == {"ClassicalDedekindReals", "Classical_Prop", "FunctionalExtensionality"}


CHANGES = {
    "Pca": [
        ("weights : vec := values [(1 / 2)", "weights : vec := values [(1 / 3)"),
        ("means : mat := entries [[2;", "means : mat := entries [[3;"),
        ("Sigma : mat := entries [[1; 0]; [0; 9]]", "Sigma : mat := entries [[1; 0]; [0; 8]]"),
        ("inverse : mat := entries [[1;", "inverse : mat := entries [[2;"),
        ("along : vec := values [2;", "along : vec := values [3;"),
        ("across : vec := values [0; (-2)]", "across : vec := values [1; (-2)]"),
    ],
    "Clip": [
        ("image_means : mat := entries [[1;", "image_means : mat := entries [[2;"),
        ("text_Sigma : mat := entries [[1;", "text_Sigma : mat := entries [[2;"),
        ("normal : vec := values [0; (-1)]", "normal : vec := values [1; (-1)]"),
        ("Definition columns : nat := 2", "Definition columns : nat := 1"),
        ("image_change : mat := entries [[1; (-1)]]", "image_change : mat := entries [[1; 1]]"),
    ],
    "Spectral": [
        ("delta : R := (7 /", "delta : R := (8 /"),
        ("weights : vec := values [(1 / 3)", "weights : vec := values [(1 / 4)"),
        ("means : mat := entries [[2;", "means : mat := entries [[1;"),
        ("Definition columns : nat := 2", "Definition columns : nat := 1"),
        ("scales : vec := values [4;", "scales : vec := values [(-4);"),
        ("X : mat := entries [[(60 /", "X : mat := entries [[(61 /"),
        ("back : mat := entries [[(82 /", "back : mat := entries [[(83 /"),
    ],
}


@pytest.mark.coq
@pytest.mark.parametrize(("name", "old", "new"), [(name, *pair) for name, pairs in CHANGES.items() for pair in pairs])
def test_a_changed_digit_does_not_compile(compiled, name, old, new, tmp_path):
    folder = Path(shutil.copytree(compiled[0], tmp_path / "copy"))
    text = (folder / "cases" / f"{name}.v").read_text(encoding="utf-8")
    assert old in text
    (folder / "cases" / f"{name}.v").write_text(text.replace(old, new, 1), encoding="utf-8")
    assert not compiles(folder, name)


TURNED = mixture([["2", "1"], ["-2", "-1"]], [["1", "0"], ["0", "9"]], 1)  # Σ does not preserve S_F
PLANE = mixture(
    [["1", "0", "0"], ["0", "2", "1"], ["-1", "-2", "-1"]], [["1", "0", "0"], ["0", "1", "0"], ["0", "0", "7"]], 2
)


@pytest.mark.coq
@pytest.mark.parametrize("fields", [TURNED, PLANE], ids=["not invariant", "in space"])
def test_other_instances_of_pca_compile(compiled, fields, tmp_path):
    folder = Path(shutil.copytree(compiled[0], tmp_path / "copy"))
    (folder / "cases" / "Pca.v").write_text(
        case_files(decided("pca-equality", **fields))["cases/Pca.v"], encoding="utf-8"
    )
    assert compiles(folder, "Pca")


@pytest.mark.coq
def test_clip_with_free_texts_compiles(compiled, tmp_path):
    line, plane = (
        {"means": [["1"], ["-1"]], "covariance": [["1"]]},
        {"means": LINE, "covariance": [["1", "0"], ["0", "1"]]},
    )
    fields = {"model": "clip-gmm", "weights": ["1/2", "1/2"], "vision": line, "text": plane, "rank": 2}
    folder = Path(shutil.copytree(compiled[0], tmp_path / "copy"))
    written = case_files(decided("clip-inclusion-literal", **fields))["cases/Clip.v"]
    (folder / "cases" / "Clip.v").write_text(written, encoding="utf-8")
    assert "texts_leave" in written
    assert compiles(folder, "Clip")
