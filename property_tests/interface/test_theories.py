"""Theories of one's own: found by every door, shown with their origin, and judged by the kernel like ours."""

from __future__ import annotations

import importlib.metadata
import json
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sympy import Eq, MatrixSymbol, Symbol, exp, sqrt, symbols

import thmverify as tv
from thmverify import theories
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.headlines import OURS, read
from thmverify.standing import Standing, judge
from thmverify.statement import Statement
from thmverify.theorems import HEADLINES, REGISTRY, THEORY
from thmverify.theories import Found, Registry
from thmverify.vocabulary import K

ROOT = Path(__file__).parents[2]
OWN = ROOT / "examples" / "own_theorem.py"
mu, L, s, x = symbols("mu L s x")
SPACE = tv.Space("line", (tv.Variable(mu, "", 1, 4), tv.Variable(L, "", 1, 4), tv.Variable(s, "", 0, 4)))
ORDERED = tv.Hypothesis("ordered", mu < L, "μ is the smaller.")
STEP = tv.Hypothesis("step", Eq(s * L, 1), "The step is 1/L.")


def statement(conclusion=mu * s <= 1, **more) -> Statement:
    return tv.Statement.of("own", "A claim", SPACE, (ORDERED, STEP), conclusion, source="a test", **more)


def written(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.py"
    path.write_text(f"import thmverify as tv\n{text}\n", encoding="utf-8")
    return str(path)


def test_our_theory_comes_in_by_the_door_that_is_open_to_all():
    (entry,) = (e for e in importlib.metadata.entry_points(group=theories.GROUP) if e.dist and e.dist.name == OURS)
    assert entry.load() is THEORY
    assert all(headline.origin == OURS for headline in Registry([Found(THEORY, OURS)]).headlines)


def test_headlines_on_file_are_those_of_the_statements():
    listed = tuple(replace(s.headline, coq=()) for s in REGISTRY.values())
    assert read(HEADLINES) == listed  # `python -m thmverify.theorems.formal`


def test_a_list_imports_no_theorem():
    code = "import sys; from thmverify.cli import main; main(['list']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {
        "sympy",
        "numpy",
        "scipy",
        "cvxpy",
        "thmverify.statement",
        "thmverify.theorems.infonce.infonce_inclusion",
    }


@pytest.mark.parametrize("statement", ["infonce-inclusion", "infonce-equality", "spectral-equality"])
def test_a_decision_loads_no_more_than_it_needs(statement):
    given = str(ROOT / "examples" / "shared-gmm.json")
    code = f"import sys; from thmverify.cli import main; main(['decide', {statement!r}, {given!r}]);"
    code += "print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    parts = {"scipy.linalg", "scipy.special", "scipy.optimize", "scipy.stats", "cvxpy", "latex2mathml"}
    assert not set(done.stderr.split()) & {*parts, "thmverify.proofs.evaluation", "thmverify.minimize.general"}


@pytest.mark.usefixtures("asked")
def test_own_statements_go_through_every_command(tmp_path, capsys):
    own = ["--with", str(OWN)]
    assert main([*own, "list", "--json"]) == 0
    found = {h["id"]: h for h in json.loads(capsys.readouterr().out)["statements"]}
    assert found["gd-longer"]["origin"] == str(OWN)
    assert found["infonce-inclusion"]["origin"] == OURS
    assert main([*own, "show", "gd-contracts", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["origin"], [h["name"] for h in shown["hypotheses"]]) == (str(OWN), ["curved", "short"])
    assert main([*own, "verify", "gd-contracts", "--instances", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["statements"][0]["outcomes"] == {"proved": 5}
    out = str(tmp_path / "hunts")
    assert main([*own, "hunt", "gd-longer", "--budget", "2000ev", "--out", out, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "refuted"
    assert main(["hunts", "--out", out, "--json"]) == 0
    capsys.readouterr()
    done = subprocess.run(
        [sys.executable, "-m", "thmverify.kernel", answer["certificate"]], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].startswith("VERIFIED not-gd-longer: not(")
    instance = tmp_path / "instance.json"
    instance.write_text(json.dumps(answer["instance"]), encoding="utf-8")
    certificate = str(tmp_path / "certificate.json")
    assert main([*own, "decide", "gd-longer", str(instance), "--certificate", certificate]) == 1
    assert main([*own, "decide", "gd-contracts", str(instance), "--json"]) == 3
    assert "short" in json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))["violated"]
    assert main(["check", certificate]) == 0


def test_a_new_project_passes_its_own_tests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my-theory"]) == 0
    assert main(["new", "my-theory"]) == 2
    assert main(["new", "My Theory"]) == 2
    folder = tmp_path / "my-theory"
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert tests.returncode == 0, tests.stdout
    run = [sys.executable, "-m", "thmverify", "verify", "my-theory-contracts", "my-theory-longer", "--instances", "4"]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("confirmed") + done.stdout.count("still open") == 2


BROKEN = {
    "raises": ("1 / 0", "fails with ZeroDivisionError"),
    "no theory": ("X = 1", "is not defined in"),
    "another interface": ("THEORY = tv.Theory('t', interface=99)", "is for interface 99"),
    "a family of nothing": ("THEORY = tv.Theory('t', families={'Of none': ['nothing']})", "THEORY.families"),
    "a finding about nothing": (
        "THEORY = tv.Theory('t', findings=[tv.Finding('f', [tv.Clause(('nothing',), {})])])",
        "THEORY.findings",
    ),
    "a name that is taken": (
        "from thmverify.theorems import REGISTRY\nTHEORY = tv.Theory('t', (REGISTRY['lemma-4.2'],))",
        "names a statement of thmverify",
    ),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_theory_is_refused_in_one_line(text, said, tmp_path, asked, capsys):
    assert main(["--with", written(tmp_path, f"broken_{abs(hash(text))}", text), "list"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert asked


@pytest.mark.parametrize("name", ["nothing.py", "no.such.module", "numbers.py"])
@pytest.mark.usefixtures("asked")
def test_what_is_no_theory_at_all(name, tmp_path, capsys):
    if name == "numbers.py":  # Python has a module of this name
        name = written(tmp_path, "numbers", "THEORY = tv.Theory('t')")
    assert main(["--with", name, "list"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_installed_theory_that_is_broken_leaves_the_rest(monkeypatch, asked, capsys):
    real = importlib.metadata.entry_points(group=theories.GROUP)
    broken = importlib.metadata.EntryPoint("theirs", "no.such.module:THEORY", theories.GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [*real, broken])
    assert asked
    assert main(["list"]) == 0
    captured = capsys.readouterr()
    assert "infonce-inclusion" in captured.out
    assert re.fullmatch(r"thmverify: the theory theirs of .* is left out: .*ModuleNotFoundError.*\n", captured.err)


@pytest.mark.usefixtures("asked")
def test_the_working_folder_may_ask(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "asked_by_folder", "THEORY = tv.Theory('t')")
    (tmp_path / "pyproject.toml").write_text('[tool.thmverify]\nwith = ["./asked_by_folder.py"]\n')
    assert theories.registry().theories[-1].origin == "./asked_by_folder.py"
    for wrong in ('[tool.thmverify]\nwith = "x"\n', "[tool"):
        (tmp_path / "pyproject.toml").write_text(wrong)
        theories.registry.cache_clear()
        assert main(["list"]) == 2
        assert capsys.readouterr().err.startswith("thmverify: pyproject.toml: ")


def test_a_statement_is_what_its_formulas_say():
    own = statement()
    assert own.false_hypotheses(own.witness) == ()
    assert own.conclusion.latex == r"\mu s \leq 1"
    assert own.decided(own.witness)[0].outcome is tv.Outcome.PROVED
    for seed in range(30):
        instance = own.sample(random.Random(seed))
        assert own.false_hypotheses(instance) == ()
        assert own.margin(instance) <= 1e-12
    outside = tv.Instance(tv.Record(mu=3, L=2, s="1/2"))
    verdict, data = own.decided(outside)
    assert (verdict.outcome, verdict.violated) == (tv.Outcome.REFUTED, ("ordered",))
    assert tv.check(data).startswith("VERIFIED not-own: ")
    assert judge(own).standing is Standing.OPEN


def test_a_theorem_about_mixtures_takes_a_conclusion_that_ships(tmp_path):
    four = tv.Hypothesis("four", Eq(K, 4), "There are four components.")
    square = tv.instance(tv.SharedGMM(["1/4"] * 4, [[1, 0], [-1, 0], [0, 1], [0, -1]]), rank=4)
    ours = REGISTRY["infonce-equality"]
    own = ours.variant("own", "Four", (*ours.hypotheses, four), source="a test", witness=square)
    assert judge(own).standing is Standing.OPEN
    assert (own.counterexamples, own.breaks, own.guarantees, own.charts) == ((), (), (), ())
    verdict, data = own.decided(square)
    assert (verdict.outcome, verdict.applicable) == (tv.Outcome.PROVED, True)
    assert tv.check(data) == "VERIFIED infonce-equality: proved for the instance given"
    assert own.decided(ours.witness)[0].violated == ("four",)
    with pytest.raises(InputError, match="violates the hypotheses of own"):
        ours.variant("own", "Four", (four,), source="a test")


def test_maps_are_taken_as_people_have_them():
    mixture = tv.SharedGMM(["1/2", "1/2"], [[1, 0], [-1, 0]])
    assert tv.loss("infonce", mixture, {"A": [[1], ["1/2"]]}) == tv.loss("infonce", mixture, tv.Encoder([[1], ["1/2"]]))
    for wrong, said in (({"A": [[1.5], [0]]}, r"A\[0\]\[0\]: 1.5: "), ({"Q": [[1]]}, "map: ")):
        with pytest.raises(InputError, match=said):
            tv.loss("infonce", mixture, wrong)
    assert tv.Gram(np.eye(2, dtype=int)).M == tv.Encoder([["1", 0], [0, "1.0"]]).M
    assert tv.Factors([[1]], [["1/2"]]).W == tv.Gram([["1/2"]]).M
    for wrong, said in (
        ([[0.5]], r"A\[0\]\[0\]: 0.5: is a float"),
        ([[1], [1, 2]], r"A\[1\]: "),
        ([], "A: "),
        (3, "A: "),
    ):
        with pytest.raises(InputError, match=said):
            tv.Encoder(wrong)
    with pytest.raises(InputError, match="path: null: is no path"):
        tv.load(None)


REFUSED = {
    "a root": (sqrt(mu) <= 2, "has a power that is not an integer"),
    "an unknown symbol": (mu <= Symbol("strange"), "is no quantity of the model"),
    "a term": (mu + L, "is a term, which is neither true nor false"),
    "a matrix for a number": (Eq(MatrixSymbol("mu", 2, 1), MatrixSymbol("mu", 2, 1) * 2), "is no quantity"),
}


@pytest.mark.parametrize(("conclusion", "said"), REFUSED.values(), ids=REFUSED)
def test_a_formula_that_means_nothing_is_refused(conclusion, said):
    with pytest.raises(InputError, match=said):
        statement(conclusion)


def test_hypotheses_that_nothing_satisfies_are_said_to_be_so():
    none = tv.Hypothesis("none", mu > 5, "Never.")
    with pytest.raises(InputError, match="none of 200 instances"):
        tv.Statement.of("own", "A claim", SPACE, (none,), mu <= L, source="a test")


def test_a_certificate_of_another_formula_refutes_nothing(tmp_path):
    """A certificate is evidence for the formula that it carries, whatever it is called."""
    other = statement(mu + L <= 1)
    _, data = other.decided(other.witness)
    assert data is not None
    assert b'"not-own"' in data
    path = tmp_path / "other.json"
    path.write_bytes(data)
    told = tv.Counterexample(path, "", "", "")
    assert (
        "is about a formula of its own, not-own" in statement(status="refuted", counterexamples=(told,)).unsupported()
    )
    assert replace(other, status=tv.Status.REFUTED, counterexamples=(told,)).unsupported() == ""


def test_points_of_a_hunt_satisfy_linear_hypotheses():
    points = np.random.default_rng(0).standard_normal((500, 2))
    batch = SPACE.batch(points, (ORDERED, STEP))
    assert SPACE.size((ORDERED, STEP)) == 2
    assert (batch["mu"] <= batch["L"]).all()
    assert np.allclose(batch["s"] * batch["L"], 1)


def test_what_is_not_rational_is_enclosed():
    own = statement(exp(mu) <= exp(L))
    verdict, data = own.decided(own.witness)
    assert verdict.outcome is tv.Outcome.PROVED
    assert tv.check(data).startswith("VERIFIED own: exp(mu) <= exp(L)")


def test_every_public_name_is_there_and_documented():
    for name in tv.__all__:
        value = getattr(tv, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    with pytest.raises(AttributeError, match="has no attribute"):
        _ = tv.nothing


def test_python_takes_models_as_people_have_them(tmp_path):
    mixture = tv.SharedGMM(["1/2", "1/2"], np.array([[1, 0], [-1, 0]]))
    assert tv.decide("infonce-equality-two", mixture, bias="7/10", rank=2).outcome is tv.Outcome.PROVED
    data = tv.certify("infonce-equality-two", mixture, bias="7/10", rank=2)
    assert data is not None
    path = tmp_path / "certificate.json"
    path.write_bytes(data)
    assert tv.check(path) == tv.check(data) == "VERIFIED infonce-equality: proved for the instance given"
    with pytest.raises(InputError, match="content hash"):
        tv.check(data.replace(b'"7/10"', b'"6/10"'))
    with pytest.raises(InputError, match="names no statement"):
        tv.decide("infonce", mixture)
    with pytest.raises(InputError, match="bias"):
        tv.decide("infonce-equality", tv.AugmentedPairs(mixture, "1/2"), bias=1)
    assert tv.load(ROOT / "examples" / "encoder.json") is not None


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder of packages that pip has installed examples/quadratics into, without the network."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "quadratics"  # a build leaves files beside what it builds
    shutil.copytree(ROOT / "examples" / "quadratics", source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, "--target", folder, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def installed(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "thmverify", *arguments]
    return subprocess.run(command, env=environment, cwd=cwd or site, capture_output=True, text=True, check=False)


def test_an_installed_theory_is_found_with_its_distribution(site):
    listed = json.loads(installed(site, "list", "--json").stdout)["statements"]
    assert {h["id"]: h["origin"] for h in listed if h["id"].startswith("gd-")} == dict.fromkeys(
        ("gd-descent", "gd-rate", "gd-rate-any-step"), "quadratics 0.1"
    )


def test_a_theory_outside_mixtures_is_proved_refuted_and_checked_without_it(site):
    done = installed(site, "verify", "gd-descent", "gd-rate", "gd-rate-any-step", "--instances", "3", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(installed(site, "show", "gd-descent", "--json").stdout)
    assert (shown["proof"]["passed"], shown["proof"]["assumed"], shown["origin"]) == (True, [], "quadratics 0.1")
    kernel = [sys.executable, "-m", "thmverify.kernel", str(site / "quadratics" / "any-step.json")]
    checked = subprocess.run(kernel, capture_output=True, text=True, check=True)
    assert checked.stdout.splitlines()[-1].startswith("VERIFIED not-gd-rate-any-step: not(")


def test_nothing_of_the_users_disturbs_us(site, tmp_path):
    """Folders and packages of the user's that are called like parts of ours."""
    for name in ("theorems", "reports", "verify", "losses"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    done = installed(site, "show", "lemma-4.2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_loss_of_ones_own_is_known_to_the_commands(capsys, asked, monkeypatch):
    from thmverify import losses

    monkeypatch.setattr(losses, "LOSSES", dict(losses.LOSSES))
    assert asked
    own = ["--with", str(ROOT / "examples" / "own_loss.py")]
    files = [str(ROOT / "examples" / name) for name in ("shared-gmm.json", "encoder.json")]
    assert main([*own, "loss", "decayed-infonce", *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reached"]
    assert main([*own, "losses", "--json"]) == 0
    (found,) = [x for x in json.loads(capsys.readouterr().out)["losses"] if x["name"] == "decayed-infonce"]
    assert found["origin"].endswith("own_loss.py")


def test_examples_of_ones_own_are_short():
    for name in ("own_theorem.py", "own_loss.py"):
        assert len((ROOT / "examples" / name).read_text(encoding="utf-8").splitlines()) <= 40
