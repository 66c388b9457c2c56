"""For continuous integration: JUnit XML, the GitHub Action, the hooks of pre-commit, the comparison of two reports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from property_tests.interface.test_published import PAGE
from property_tests.interrupts import SAFETY_NET
from thmverify import theorems
from thmverify.cli import main
from thmverify.cli.junit import Case, write_junit
from thmverify.errors import InputError
from thmverify.reports.difference import compare

ROOT = Path(__file__).parents[2]
CERTIFICATE = theorems.COUNTEREXAMPLES / "pca-equality.json"
FORGED = CERTIFICATE.read_bytes().replace(b'"refuted"', b'"proved"')


def cases(file: Path) -> dict[str, list[str]]:
    """What stands under each case of a JUnit file, by its name; and that the counts are right."""
    (suite,) = ElementTree.parse(file).getroot()
    found = {case.get("name"): [part.tag for part in case] for case in suite}
    for count, tag in (("failures", "failure"), ("skipped", "skipped")):
        assert int(suite.get(count)) == sum(tag in parts for parts in found.values())
    assert int(suite.get("tests")) == len(suite)
    return found


# --- JUnit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [False, True])
def test_check_writes_junit(tmp_path, capsys, as_json):
    forged, out = tmp_path / "forged.json", tmp_path / "check.xml"
    forged.write_bytes(FORGED)
    options = ["--junit", str(out), *(["--json"] if as_json else [])]
    assert main(["check", str(CERTIFICATE), str(forged), *options]) == 1
    assert cases(out) == {str(CERTIFICATE): ["system-out"], str(forged): ["failure", "system-out"]}
    with_junit = capsys.readouterr().out
    assert main(["check", str(CERTIFICATE), str(forged), *options[2:]]) == 1
    assert capsys.readouterr().out == with_junit


def test_verify_writes_junit(tmp_path, capsys):
    out = tmp_path / "verify.xml"
    names = ["pca-equality", "temperature", "relu-inclusion"]
    assert main(["verify", *names, "--instances", "2", "--lines", "0", "--jobs", "1", "--junit", str(out)]) == 0
    found = cases(out)
    assert [*found] == names
    assert found[names[0]] == found[names[1]] == ["system-out"]
    assert found[names[2]] == ["skipped", "system-out"]


def test_junit_is_xml_whatever_is_said(tmp_path):
    out = tmp_path / "x.xml"
    write_junit(out, "s", [Case('a<b>&"\x00', said="]]>\x1b", failure="\ud800")])
    assert cases(out) == {'a<b>&"?': ["failure", "system-out"]}


# --- the action and the hooks --------------------------------------------------------------------------------------


def action() -> dict:
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def step(name: str, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action as GitHub does, with the defaults of its inputs."""
    (found,) = (s for s in action()["runs"]["steps"] if s.get("name") == name)
    defaults = {key: value["default"] for key, value in action()["inputs"].items()}
    values = {**defaults, **inputs}
    env = {key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda m: values[m[1]], v) for key, v in found["env"].items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
        cwd=folder,
        env={**os.environ, **env, "PATH": path},
        capture_output=True,
        text=True,
        timeout=SAFETY_NET,
        check=False,
    )


def test_the_action_checks_what_the_globs_match(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "one.json").write_bytes(CERTIFICATE.read_bytes())
    done = step("Check certificates", tmp_path, certificates="**/*.json")
    assert done.returncode == 0, done.stderr
    assert [*cases(tmp_path / "thmverify-results" / "check.xml")] == ["deep/er/one.json"]
    (tmp_path / "deep" / "forged.json").write_bytes(FORGED)
    assert step("Check certificates", tmp_path, certificates="**/*.json").returncode == 1
    nothing = step("Check certificates", tmp_path, certificates="nowhere/*.json")
    assert (nothing.returncode, nothing.stdout) == (2, "::error::certificates: no file matches nowhere/*.json\n")


def test_the_action_verifies_statements_of_a_theory(tmp_path):
    theory = ROOT / "examples" / "own_theorem.py"
    wanted = {"theories": str(theory), "instances": "3", "results": "out"}
    done = step("Verify statements", tmp_path, statements="gd-contracts", **wanted)
    assert done.returncode == 0, done.stderr
    assert cases(tmp_path / "out" / "verify.xml") == {"gd-contracts": ["skipped", "system-out"]}
    assert step("Verify statements", tmp_path, statements="nothing", **wanted).returncode == 2
    injected = step("Verify statements", tmp_path, statements="$(touch injected) `touch injected`", **wanted)
    assert injected.returncode == 2
    assert not (tmp_path / "injected").exists()


def test_no_script_of_the_action_holds_an_input():
    steps = action()["runs"]["steps"]
    assert all("${{" not in s.get("run", "") for s in steps)
    assert all("shell" in s for s in steps if "run" in s)


def test_the_hooks_are_commands(tmp_path):
    hooks = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    assert {*hooks} == {"thmverify-check", "thmverify-verify"}
    for hook in hooks.values():
        program, *command = hook["entry"].split()
        assert program == "thmverify"
        assert main([*command, "--help"]) == 0
    assert re.search(hooks["thmverify-check"]["files"], "theory/counterexamples/mine.json")


# --- what changed between two reports ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report() -> dict:
    if not PAGE.is_file():
        pytest.skip("no report is published")
    return json.loads(PAGE.read_text(encoding="utf-8"))


@pytest.fixture
def compared(tmp_path, report):
    def of(change):
        new = deepcopy(report)
        change({s["id"]: s for s in new["statements"]}, new)
        for name, data in (("old", report), ("new", new)):
            (tmp_path / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
        return compare(tmp_path / "old.json", tmp_path / "new.json")

    return of


def stand(name, word):
    return lambda statements, _report: statements[name].update(standing=word)


def test_a_report_is_like_itself(compared, report):
    found = compared(lambda *_: None)
    assert (found.statements, found.cells, found.changed, found.alike) == ((), (), (), len(report["statements"]))


@pytest.mark.parametrize(
    ("name", "word", "worse"),
    [
        ("infonce-inclusion", "open", True),
        ("infonce-inclusion", "failed", True),
        ("infonce-inclusion", "refuted", True),
        ("infonce-equality", "open", True),
        ("infonce-equality-equal-weights", "proved", False),
        ("infonce-equality-equal-weights", "refuted", False),
        ("infonce-equality-equal-weights", "failed", True),
        ("sample-radius", "proved", False),
    ],
)
def test_what_is_lost_is_worse_and_what_is_settled_is_better(compared, name, word, worse):
    found = compared(stand(name, word))
    assert [m.name for m in (found.worse if worse else found.better)] == [name]
    assert [m.name for m in (found.better if worse else found.worse)] == []


def test_changes_of_what_is_claimed_and_of_what_it_rests_on(compared):
    def change(statements, new):
        statements["lemma-4.2"]["claim"] = "Something else."
        statements["infonce-equality"]["hypotheses"].pop()
        statements["temperature"]["proof"]["lines"] += 1
        statements["pca-equality"]["counterexamples"][0]["name"] = "another"
        del new["statements"][-1]
        new["matrix"]["rows"][0]["cells"][0]["standing"] = "open"

    found = compared(change)
    said = dict(found.changed)
    assert said["lemma-4.2"] == "it claims something else: Something else."
    assert said["infonce-equality"].startswith("hypotheses: now without ")
    assert "lines → " in said["temperature"]
    assert said["pca-equality"] == "counterexamples: now without pca-equality, with another"
    assert [(m.word, m.text.partition(" → ")[2]) for m in found.worse] == [("gone", "not there")]
    assert [m.text for m in found.cells] == ["proved → open"]


def test_the_command_compares(compared, tmp_path, capsys):
    compared(stand("infonce-inclusion", "open"))
    old, new = str(tmp_path / "old.json"), str(tmp_path / "new.json")
    assert main(["report", "--diff", old, new]) == 1
    assert "worse  infonce-inclusion: proved → open" in capsys.readouterr().out
    assert main(["report", "--diff", new, old, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["better"] == [
        {"name": "infonce-inclusion", "old": "open", "new": "proved"}
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "is not the format of a report"),
        ('{"format": "thmverify-report/99"}', "is not the format of a report"),
        ('{"format": "thmverify-report/4"}', "lacks a record"),
        (
            '{"format": "thmverify-report/4", "statements": [{"id": "x", "standing": "sure"}], "matrix": {"rows": []}}',
            "lacks",
        ),
    ],
)
def test_what_is_no_report_is_refused(tmp_path, text, said):
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        compare(tmp_path / "x.json", tmp_path / "x.json")
    with pytest.raises(InputError, match="no such file"):
        compare(tmp_path / "y.json", tmp_path / "x.json")
