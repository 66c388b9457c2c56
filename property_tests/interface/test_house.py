"""The house rules that nothing else checks: published schemas, floors, lower bounds, the README's commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import thmverify
from property_tests.interrupts import SAFETY_NET
from thmverify.covering.maps import Family
from thmverify.instances import parse_instance, parse_map
from thmverify.schemas import FOLDER, texts

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples").glob("*.json"))


@pytest.mark.parametrize("name", texts())
def test_published_schemas_are_up_to_date(name):
    # Releases of pydantic order the keys of a schema differently; `python -m thmverify.schemas` writes it anew.
    assert json.loads((FOLDER / name).read_text(encoding="utf-8")) == json.loads(texts()[name])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_read(path):
    fields = json.loads(path.read_text(encoding="utf-8"))
    read = Family.of if "axes" in fields else parse_instance if "model" in fields else parse_map
    read(fields)


def test_every_module_has_its_floor():
    (contract,) = PROJECT["tool"]["importlinter"]["contracts"]
    floors = {module.strip() for line in contract["layers"] for module in re.split(r"[|:]", line)}
    package = Path(thmverify.__file__).parent
    modules = {f"thmverify.{p.stem}" for p in package.glob("*.py") if p.stem not in {"__init__", "__main__"}}
    modules |= {f"thmverify.{p.parent.name}" for p in package.glob("*/__init__.py")}
    modules.discard("thmverify.examples")  # files to read, and nothing to import
    assert floors == modules | {"thmverify.theorems", "thmverify.reports"}


def test_one_package_is_installed_and_no_part_of_it_is_forgotten():
    tool = PROJECT["tool"]["setuptools"]
    folders = {folder: f"thmverify.{folder}" for folder in ("theorems", "reports", "examples")} | {
        "verify": "thmverify"
    }
    assert tool["package-dir"] == {name: folder for folder, name in folders.items()}
    parts = set()
    for folder, name in folders.items():
        for path in (ROOT / folder).rglob("__init__.py"):
            if folder == "examples" and path.parent.name != folder:  # a project of its own
                continue
            parts.add(".".join([name, *path.parent.relative_to(ROOT / folder).parts]))
    assert set(tool["packages"]) == parts


def test_lower_bounds_are_the_tested_ones():
    pins = dict(line.split("==") for line in (ROOT / "lowest.txt").read_text().splitlines() if line[0] != "#")
    required = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]
    bounds = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)(?:,<.*)?", line).groups() for line in required)
    assert pins == bounds


def test_the_citation_is_of_this_release():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {PROJECT['project']['version']}\n" in text
    assert f"license: {PROJECT['project']['license']}\n" in text
    assert all(author["name"] in text for author in PROJECT["project"]["authors"])


def commands(script: str) -> list[str]:
    return [line for line in script.splitlines() if line.startswith("python3 -m venv")]


def test_continuous_integration_runs_the_test_command_of_the_readme():
    (ci,) = commands((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert ci in commands(README)
    assert len(commands(README)) == 2


def test_the_command_line_starts_without_the_heavy_modules():
    probe = (
        "import sys; from thmverify.cli import main; main(['--help']);"
        "print(*sorted({'numpy', 'scipy', 'sympy', 'flint', 'cvxpy', 'pydantic'} & set(sys.modules)),"
        "file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=SAFETY_NET)
    assert done.stderr.strip() in ("", "pydantic")  # typer itself imports pydantic
