"""What ships with the package is found from any folder, and the archive of the sources holds what the tests need."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import thmverify as tv
from thmverify.cli import main
from thmverify.errors import InputError
from thmverify.instances import example, read_instance

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_found_from_any_folder(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (path.stem, f"examples/{path.name}"):
        assert Path(example(name)).read_bytes() == path.read_bytes()


def test_a_file_of_ones_own_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("deficient", "examples/deficient.json"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("{}", encoding="utf-8")
        assert example(name) == name
        with pytest.raises(InputError):
            read_instance(name)


@pytest.mark.parametrize("name", ["deficient.json", "other/deficient.json", "/deficient", "no-such", "\0", "examples/"])
def test_nothing_else_is_an_example(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert example(name) == name
    with pytest.raises(InputError):
        read_instance(name)


def test_commands_and_python_take_the_names(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["decide", "infonce-equality", "deficient"]) == 1
    assert main(["loss", "infonce", "shared-gmm", "encoder", "--digits", "5"]) == 0
    assert main(["check", "infonce-equality"]) == 0
    assert "VERIFIED infonce-equality: refuted" in capsys.readouterr().out
    assert tv.load("deficient").rank == 3


def test_the_theories_among_the_examples_are_modules(asked):
    asked(["thmverify.examples.own_theorem"])
    assert "gd-contracts" in tv.statements()


def test_the_archive_of_the_sources_is_told_of_everything():
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = setup["package-dir"]
    assert setup["include-package-data"] is False  # else all of it would be installed
    told = re.findall(r"\S+", (ROOT / "MANIFEST.in").read_text(encoding="utf-8"))
    taken = {*folders.values(), *told, "README.md", "LICENSE", "pyproject.toml", "MANIFEST.in"}
    ignored = [*(ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    left = [p.name for p in ROOT.iterdir() if p.name not in taken and not p.name.startswith(".")]
    assert [name for name in left if not any(fnmatch(name, rule.strip("/")) for rule in ignored)] == []
