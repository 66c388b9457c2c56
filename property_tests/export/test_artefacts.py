"""What Coq has checked: the mark is there while the sources are those that were checked, and not a byte longer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from property_tests.report.support import made
from thmverify.artefacts import current, entries, options, roots, sources
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.guarantees import Column, Guarantee
from thmverify.matrix import Matrix
from thmverify.reports import render
from thmverify.theorems import CHECKED, FORMAL, REGISTRY
from thmverify.theorems.coq import ARTEFACTS, assumptions
from thmverify.theorems.fisher.lemma_4_2 import STATEMENT as LEMMA
from thmverify.theories import Found, Registry, Theory

REFUTED = next(a for a in ARTEFACTS if a.theorem == "infonce_equality_fails")


def test_what_is_on_record_was_checked_on_the_sources_as_they_are():
    assert current(CHECKED) == entries(CHECKED), "python -m thmverify.theorems.coq"


def test_the_record_is_of_the_table():
    assert tuple(replace(a, assumptions=(), checked="") for a in entries(CHECKED)) == ARTEFACTS


def test_the_axioms_on_record_are_those_that_the_pages_name():
    reals = {"ClassicalDedekindReals", "FunctionalExtensionality", "Classical_Prop"}
    found = {name.rpartition(".")[0] for artefact in entries(CHECKED) for name in artefact.assumptions}
    assert found <= reals | {"PrimInt63", "Uint63"}


def test_every_theorem_of_the_table_is_in_its_file_and_printed_with_its_assumptions():
    printing = "\n".join(path.read_text(encoding="utf-8") for path in FORMAL.glob("*/Assumptions.v"))
    for artefact in ARTEFACTS:
        text = (FORMAL / artefact.file).read_text(encoding="utf-8")
        assert re.search(rf"^(Theorem|Lemma|Corollary) {artefact.theorem}\b", text, re.MULTILINE)
        assert f"Print Assumptions {artefact.theorem}." in printing
        assert artefact.statement in REGISTRY
        assert artefact.covers.endswith(".")


def test_the_sources_of_a_theorem_are_all_that_it_requires():
    found = sources(FORMAL, "instance/Refuted.v")
    assert {"instance/Component3.v", "theory/Sums.v", "theory/Refutation.v"} <= {*found}
    assert "theory/Consistency.v" not in found


@pytest.fixture
def copy(tmp_path):
    """The folder with its record, to change, and the certificates beside it."""
    shutil.copytree(FORMAL.parent / "counterexamples", tmp_path / "counterexamples")
    return Path(shutil.copytree(FORMAL, tmp_path / "formal", ignore=shutil.ignore_patterns("*.vo*", "*.glob")))


def marked(folder: Path) -> bool:
    return any(a.theorem == REFUTED.theorem for a in current(folder / CHECKED.name))


@pytest.mark.parametrize(
    "name", ["instance/Refuted.v", "theory/Sums.v", "../counterexamples/infonce-equality.json", "Makefile"]
)
def test_a_changed_file_drops_the_mark(copy, name):
    assert marked(copy)
    text = (copy / name).read_text(encoding="utf-8")
    (copy / name).write_text(text.replace("FLAGS = -q", "FLAGS = -q -type-in-type") + "\n", encoding="utf-8")
    assert not marked(copy)
    (copy / name).unlink()
    if name != "Makefile":
        assert not marked(copy)


def test_a_file_that_the_theorem_does_not_require_is_of_no_consequence(copy):
    (copy / "theory" / "Consistency.v").write_text("")
    assert marked(copy)


def test_statements_lose_the_mark_with_the_record(copy):
    theory = Theory("own", statements=(REGISTRY["infonce-equality"],), formal=copy / CHECKED.name)
    assert Registry([Found(theory, "own.py")]).headlines[0].coq
    assert Registry([Found(theory, "own.py")])["infonce-equality"].coq
    (copy / "theory" / "Sums.v").write_text("")
    assert Registry([Found(theory, "own.py")]).headlines[0].coq == ()
    assert Registry([Found(theory, "own.py")])["infonce-equality"].coq == ()


@pytest.mark.parametrize("text", ["", "[]", '{"format": "thmverify-coq-0"}', '{"format": "thmverify-coq-1"}'])
def test_what_is_no_record_is_said_in_one_line(tmp_path, text):
    (tmp_path / "checked.json").write_text(text)
    with pytest.raises(InputError, match="check it in Coq again"):
        current(tmp_path / "checked.json")


def test_the_list_has_the_mark(capsys):
    assert main(["list"]) == 0
    assert "infonce-equality · Coq\n" in capsys.readouterr().out
    assert main(["list", "--json"]) == 0
    found = {s["id"]: s["coq"] for s in json.loads(capsys.readouterr().out)["statements"]}
    assert REFUTED.theorem in [artefact["theorem"] for artefact in found["infonce-equality"]]
    assert found["lemma-4.2"] == []


def test_a_statement_says_what_is_covered_and_on_which_axioms(capsys):
    assert main(["show", "infonce-equality"]) == 0
    said = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert f"in Coq {REFUTED.theorem} covers {REFUTED.covers} axioms" in said
    assert "Classical_Prop.classic; " in said


def test_the_matrix_and_the_report_have_the_mark():
    lemma = replace(LEMMA, coq=(REFUTED,), guarantees=(Guarantee("infonce", Column.INCLUSION),))
    assert Matrix({lemma.id: lemma}).cell("infonce", Column.INCLUSION).coq
    assert not Matrix({lemma.id: replace(lemma, coq=())}).cell("infonce", Column.INCLUSION).coq
    report = made(lemma)
    assert report.statements[0].coq[0].covers == REFUTED.covers
    assert any(cell.coq for row in report.matrix.rows for cell in row.cells)
    assert f"### In Coq: {REFUTED.theorem.replace('_', chr(92) + '_')}" in render.markdown(report)
    assert f'id="{lemma.id}-coq"' in render.html(report)
    bare = report.statements[0].model_copy(update={"coq": ()})
    assert f'id="{lemma.id}-coq"' not in render.html(report.model_copy(update={"statements": (bare,)}))


def test_assumptions_are_read_as_coq_prints_them():
    printed = "one\n     : forall x, x\nAxioms:\nA.b : Prop\nC.d\n  : nat\n"
    printed += "two\n     : True\nClosed under the global context\nRecord\n  Gaussian : Prop\nRplus\n  x\n"
    assert assumptions(printed) == {"one": ("A.b", "C.d"), "two": ()}
    admitted = "one\n     : forall x, x\nAxioms:\nlemma : True\nA.b : Prop\nclassic'\n  : nat\n"
    assert assumptions(admitted) == {"one": ("A.b", "classic'", "lemma")}
    assert assumptions(admitted + printed.replace("one", "three"))["one"] == ("A.b", "classic'", "lemma")


@pytest.mark.coq
def test_coqdep_finds_the_same_sources():
    if shutil.which("coqdep") is None:
        pytest.skip("needs coqdep")
    names = [path.relative_to(FORMAL).as_posix() for path in FORMAL.glob("*/*.v")]
    named = roots(options(FORMAL, "instance/Refuted.v")) | roots(options(FORMAL, "exact/Fisher.v"))
    flags = [part for name, path in named.items() for part in ("-Q", path, name)]
    command = ["coqdep", *flags, *names]
    said = subprocess.run(command, cwd=FORMAL, capture_output=True, text=True, check=True).stdout
    needs = {}
    for line in said.splitlines():
        targets, _, rest = line.partition(":")
        if targets.split()[0].endswith(".vo"):
            required = {part.removesuffix("o") for part in rest.split() if part.endswith(".vo")}
            needs[targets.split()[0].removesuffix("o")] = {name for name in required if name in names}
    for artefact in ARTEFACTS:
        found, left = set(), {artefact.file}
        while left:
            found |= left
            left = set().union(*(needs[name] for name in left)) - found
        assert sources(FORMAL, artefact.file) == tuple(sorted(found))
