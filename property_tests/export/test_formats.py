"""Exports: a test that stands alone and can fail, LaTeX and BibTeX in which nothing is left unescaped."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace

import pytest
from sympy import Symbol

import thmverify as tv
from thmverify import theorems
from thmverify.certifying.formulas import certify, from_sympy
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.export import tex
from thmverify.export.bibtex import bibtex
from thmverify.export.latex import latex
from thmverify.export.pytest_file import pytest_file
from thmverify.export.subjects import File, Subject, of_file, of_statement
from thmverify.kernel.strict import canonical
from thmverify.models import Instance, Record
from thmverify.theorems import REGISTRY

CERTIFICATE = theorems.COUNTEREXAMPLES / "pca-equality.json"


@pytest.fixture(scope="module")
def formula() -> Subject:
    x = Symbol("x")
    found = certify("squares", from_sympy(x**2 >= 0), Instance(Record(x="1/3")))
    return Subject("squares", (File.checked("squares", found.data),))


def subject(name: str) -> Subject:
    return of_statement(REGISTRY[name])


def loaded(text: str) -> dict[str, object]:
    scope: dict[str, object] = {}
    exec(compile(text, "test_exported.py", "exec"), scope)
    return {name: value for name, value in scope.items() if name.startswith("test_")}


def imports(text: str) -> set[str]:
    nodes = [*ast.walk(ast.parse(text))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("name", ["simsiam-weight-decay", "temperature"])
def test_a_test_file_stands_alone_and_passes(name):
    text = pytest_file(subject(name))
    assert imports(text) <= {
        *("base64", "zlib", "pytest"),
        *("thmverify.kernel", "thmverify.kernel.answer", "thmverify.kernel.strict"),
    }
    found = loaded(text)
    assert len(found) == {"simsiam-weight-decay": 5}.get(name, 2)  # and of all instances near
    for test in found.values():
        test()


def test_a_cover_with_a_part_left_out_is_refused():
    file = File("cover", (theorems.COVERS / "infonce-equality-three.json").read_bytes(), ("VERIFIED",))
    found = loaded(pytest_file(Subject("cover", (file,))))
    found["test_cover_is_refused_when_it_says_something_else"]()


def test_a_formula_of_ones_own_is_exported(formula):
    for test in loaded(pytest_file(formula)).values():
        test()


def test_a_test_file_fails_where_the_file_says_something_else():
    text = pytest_file(of_file(CERTIFICATE))
    of_answer = text.replace("pca-equality: refuted", "pca-equality: proved")
    assert of_answer != text
    with pytest.raises(AssertionError):
        loaded(of_answer)["test_pca_equality_is_what_the_kernel_verifies"]()
    of_instance = re.sub(r"('rank': )'\d'", r"\1'9'", text)
    assert of_instance != text
    with pytest.raises(AssertionError):
        loaded(of_instance)["test_pca_equality_is_about_this_instance"]()
    same = text.replace('changed(PCA_EQUALITY, verdict="proved")', "changed(PCA_EQUALITY)")
    assert same != text
    with pytest.raises(pytest.fail.Exception):
        loaded(same)["test_pca_equality_is_refused_when_it_says_something_else"]()


def test_a_title_does_not_end_the_docstring():
    named = replace(subject("pca-equality").statement, title='""" + \\x and """')
    text = pytest_file(replace(subject("pca-equality"), statement=named))
    assert (
        len(loaded(text)) == 15
    )  # three for each of three counterexamples, two for each of three sets of instances near


def test_what_the_kernel_does_not_verify_is_not_exported_as_a_test(tmp_path):
    for nothing in (subject("relu-inclusion"), replace(subject("clip-top-r"), files=())):
        with pytest.raises(InputError, match="no certificate, no cover and no proof that a test can hold"):
            pytest_file(nothing)
    forged = tmp_path / "forged.json"
    forged.write_bytes(CERTIFICATE.read_bytes().replace(b'"refuted"', b'"proved"'))
    with pytest.raises(InputError, match="is rejected by the kernel"):
        of_file(forged)


# --- LaTeX and BibTeX ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("50 % of a_file_b & {c} #1", r"50 \% of a\_file\_b \& \{c\} \#1"),
        ("Col(A*) ⊆ S_F, δ ≠ 1", r"Col(A*) $\subseteq$ S$_{F}$, $\delta$ $\neq$ 1"),
        ("Σ̄⁻¹μ_k of R^{d×r}", r"$\bar{\Sigma}^{-1}\mu_{k}$ of R$^{d\times r}$"),
        ("x̂ᵀ e_{y_x}", r"$\hat{x}^{T}$ e$_{y_{x}}$"),
        (r"a\b~c^d", r"a\textbackslash{}b\textasciitilde{}c$^{d}$"),
        ("é and “so”", "é and ``so''"),
    ],
)
def test_sentences_become_latex(sentence, found):
    assert tex.text(sentence) == found


def test_every_statement_has_latex_without_strange_characters():
    for statement in REGISTRY.values():
        text = latex(Subject(statement.id, (), replace(statement, proof=None, cover=None)))
        assert text.isascii(), statement.id
        assert text.count("{") == text.count("}"), statement.id
        assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0, statement.id
        assert re.findall(r"\\begin\{(\w+\*?)\}", text).count("claim") == 1
        assert sorted(re.findall(r"\\begin\{(.*?)\}", text)) == sorted(re.findall(r"\\end\{(.*?)\}", text))


def test_latex_has_the_theorem_the_row_and_the_instance_exactly():
    text = latex(subject("pca-equality"))
    statement = REGISTRY["pca-equality"]
    assert statement.conclusion.latex in text
    assert all(h.latex in text for h in statement.hypotheses)
    assert "& refuted & " in text
    (data,) = {json.loads(CERTIFICATE.read_bytes())["content"]}
    assert data in text.replace(r"\allowbreak ", "")
    means = json.loads(CERTIFICATE.read_bytes())["instance"]["means"]
    assert " ".join(rf"\mu_{{1}} &= {tex.matrix([[x] for x in means[0]])}".split()) in text
    assert text.count("% the instance") == len(statement.counterexamples)


def test_instances_of_every_model_have_latex(formula):
    assert "x &= \\tfrac{1}{3}" in latex(formula)
    assert r"\mu_{V,1}" in latex(subject("clip-inclusion-literal"))
    assert r"\Sigma_{2}" in latex(subject("nonshared-inclusion"))
    assert "w &= \\begin{pmatrix}" in latex(subject("population-graph-as-printed"))


def test_a_file_alone_shows_what_the_kernel_answers(tmp_path):
    text = latex(of_file(theorems.COUNTEREXAMPLES.parent / "neighbourhoods" / "infonce-top-r-near.json"))
    assert r"\item VERIFIED infonce-top-r" in text
    assert "% the instance, 1 of 1" in text
    proof = File.checked("proof", canonical(REGISTRY["temperature"].proof.propose().trace))
    found = latex(Subject("proof", (proof,)))
    assert found.isascii()
    assert r"\item VERIFIED temperature, for every instance" in found
    assert found.count("{") - found.count(r"\{") == found.count("}") - found.count(r"\}")


def test_quantities_of_ones_own_are_set_as_sympy_sets_them():
    data = certify("near", from_sympy(Symbol("mu_1") >= 0), Instance(Record(mu_1="1/3"))).data
    assert r"\mu_{1} &= \tfrac{1}{3}" in latex(Subject("near", (File.checked("near", data),)))


def test_bibtex_cites_the_source_and_the_evidence():
    text = bibtex(subject("pca-equality"))
    keys = re.findall(r"^@misc\{(\S+),$", text, flags=re.MULTILINE)
    assert keys == ["bansal2024", "thmverify:pca-equality", "thmverify"]
    assert "eprint = {2411.03517}" in text
    assert "P. Bansal and A. Kavis and S. Sanghavi" in text
    assert json.loads(CERTIFICATE.read_bytes())["content"] in text
    assert ": refuted}}" in text
    folklore = replace(REGISTRY["pca-equality"], source=replace(REGISTRY["pca-equality"].source, text="folklore, 50 %"))
    assert "note = {folklore, 50 \\%}" in bibtex(Subject("x", (), folklore))


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_writes_text_a_file_or_json(capsys, tmp_path):
    assert main(["export", "pca-equality", "--format", "bibtex"]) == 0
    text = capsys.readouterr().out
    assert text == bibtex(subject("pca-equality"))
    out = tmp_path / "x.bib"
    assert main(["export", "pca-equality", "--format", "bibtex", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"format": "bibtex", "out": str(out), "text": text}
    assert out.read_text(encoding="utf-8") == text
    assert main(["export", str(CERTIFICATE), "--format", "latex"]) == 0
    assert "% the instance, 1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pca-equalit", "--format", "latex"], "did you mean pca-equality"),
        (["nothing.json", "--format", "bibtex"], "no such file"),
        (["relu-inclusion", "--format", "pytest"], "no certificate, no cover and no proof"),
        (["infonce-equality", "--format", "coq"], "--out"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, said):
    assert main(["export", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_a_formula_stands_once_and_says_what_is_asked():
    a, b = Symbol("a"), Symbol("b")
    space = tv.Space("pair", (tv.Variable(a, "one", 1, 2), tv.Variable(b, "another", 1, 2)))
    own = tv.Statement.of("own", "A claim", space, (), a * b <= a**2 + b**2, source="a test")
    claim = latex(of_statement(own)).partition(r"\begin{claim}")[2].partition(r"\end{claim}")[0]
    assert claim.count(r"\leq") == 1
    assert "True" not in latex(subject("infonce-equality-two"))
