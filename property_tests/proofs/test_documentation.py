"""What the checker of proofs does is written down: every rule, operation, classical theorem, limit and trusted file."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import thmverify
from thmverify.kernel import answer as answers
from thmverify.kernel.answer import answer
from thmverify.kernel.proofs import calculus, matching, replay, ring, rules, tame, tautology, terms, text

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "verify" / "kernel"
PROOFS = (KERNEL / "proofs" / "PROOFS.md").read_text(encoding="utf-8")
FORMAT = (KERNEL / "FORMAT.md").read_text(encoding="utf-8").split("# Proofs, version 1\n")[1]
MODULES = (answers, terms, text, tame, matching, ring, calculus, tautology, rules, replay)
LIMIT = re.compile(r"^\| `(\w+)\.(\w+)` \| (\d+) \|", re.MULTILINE)


def section(document: str, heading: str) -> str:
    """Return the section that begins with this heading, up to the next of its level."""
    level, _ = heading.split(maxsplit=1)
    return document.split(f"\n{heading}")[1].partition(f"\n{level} ")[0]


def rows(part: str) -> list[list[str]]:
    """Return the cells of each row of the tables, but not the lines of their heads."""
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:2] == "| "]
    return [cells for cells in found if cells[0].startswith("`")]


def names(part: str) -> list[str]:
    return [cells[0].strip("`") for cells in rows(part)]


def spaced(passage: str) -> str:
    return " ".join(passage.split())


def classical_names() -> set[str]:
    """Return the names of classical theorems that rules give: the third argument of their conclusions."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(rules))) if isinstance(node, ast.Call)]
    named = [c.args[2] for c in calls if isinstance(c.func, ast.Name) and c.func.id == "_conclude" and len(c.args) > 2]
    assert named
    assert all(isinstance(name, ast.Constant) and isinstance(name.value, str) for name in named)
    return {name.value for name in named if isinstance(name, ast.Constant) and isinstance(name.value, str)}


def test_every_rule_is_proved_in_the_order_of_the_code() -> None:
    told = section(PROOFS, "## 7.") + section(PROOFS, "## 8.")
    assert re.findall(r"^\*\*(\w+)\*\*", told, re.MULTILINE) == list(rules.RULES)


def test_every_rule_has_its_premises_and_terms_in_the_format() -> None:
    assert names(section(FORMAT, "## Lines")) == ["definition", *rules.RULES]
    assert "rule **definition**" in spaced(section(PROOFS, "## 9."))


def operations() -> set[str]:
    """Return the operations that terms may begin with: the first of each pattern of a sort."""
    patterns = [p for p in ast.walk(ast.parse(inspect.getsource(terms._sort))) if isinstance(p, ast.MatchSequence)]
    assert patterns
    firsts = [q for p in patterns for q in ast.walk(p.patterns[0]) if isinstance(q, ast.MatchValue)]
    return {q.value.value for q in firsts if isinstance(q.value, ast.Constant) and isinstance(q.value.value, str)}


def test_every_operation_is_in_the_format() -> None:
    assert sorted([*names(section(FORMAT, "## Nodes")), "slot"]) == sorted(operations())
    assert "`slot`" in section(FORMAT, "## Nodes")
    assert "*slot*" in section(PROOFS, "## 1.")


def test_binders_are_said_to_bind() -> None:
    told = {cells[0].strip("`") for cells in rows(section(FORMAT, "## Nodes")) if "binds " in cells[-1]}
    assert told == set(terms.BINDERS)


@pytest.mark.parametrize("name", sorted(classical_names()))
def test_every_classical_theorem_is_stated(name: str) -> None:
    assert f"Name: *{name}*" in spaced(section(PROOFS, "## 8."))


def test_rules_of_section_8_are_those_with_a_classical_name() -> None:
    told = spaced(section(PROOFS, "## 8."))
    assert set(re.findall(r"Name: \*(.+?)\*", told)) == classical_names()


def test_every_simplification_is_told() -> None:
    told = section(PROOFS, "## 4.")
    read = [name.removeprefix("_of_") for name in vars(ring.Ring) if name.startswith("_of_")]
    assert [name for name in read if f"`{name}`" not in told and f"`_of_{name}`" not in told] == []


def test_limits_are_as_told() -> None:
    told = LIMIT.findall(section(PROOFS, "## 10."))
    modules = {module.__name__.rsplit(".", 1)[1]: module for module in MODULES}
    assert [(m, n, v) for m, n, v in told if str(getattr(modules[m], n)) != v] == []
    assert {(m, n) for m, n, _ in told} == {found for module in MODULES for found in limits(module)}


def limits(module: ModuleType) -> list[tuple[str, str]]:
    """Return the limits that a module sets itself; the size of a file is the one in `answer`."""
    lines = re.findall(r"^(MAX_.+?) = ", inspect.getsource(module), re.MULTILINE)
    found = [name for line in lines for name in line.split(", ")]
    return [(module.__name__.rsplit(".", 1)[1], name) for name in found if name != "MAX_BYTES"]


def test_the_format_has_a_proof_that_verifies_with_the_answer_shown() -> None:
    example = FORMAT.split("```json\n")[1].split("```")[0].encode()
    assert answer(example)[1] == FORMAT.split("```text\n")[1].split("\n```")[0].splitlines()
    assert names(section(FORMAT, "## Fields")) == list(replay.FIELDS)
    assert f"`{json.loads(example)['content']}`" in FORMAT


def test_reserved_names_are_told() -> None:
    assert [name for name in replay._RESERVED if f"`{name}`" not in section(FORMAT, "## Nodes")] == []


def test_files_on_trust_are_those_that_a_proof_loads(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_bytes(FORMAT.split("```json\n")[1].split("```")[0].encode())
    code = (
        "import sys; from thmverify.kernel.answer import main; failed = main(sys.argv[1:]);"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.partition('.')[0] == 'thmverify')); sys.exit(failed)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "proof.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    package = Path(thmverify.__file__).parent  # in the repository, the folder verify/
    loaded = {"verify" / Path(name).relative_to(package) for name in done.stdout.splitlines()[-1].split()}
    count = re.search(r"wc -l (\S+) verify/kernel/\{(.+?)\}\.py (\S+)", section(PROOFS, "## What is taken on trust"))
    assert count is not None
    counted = {Path(count[1])} | {Path(f"verify/kernel/{name}.py") for name in count[2].split(",")}
    counted |= {path.relative_to(ROOT) for path in ROOT.glob(count[3])}
    assert loaded | {Path("verify/kernel/__main__.py")} == counted
    assert [path for path in counted if f"`{path.name}`" not in section(PROOFS, "## What is taken on trust")] == []


def test_the_functions_that_are_named_exist() -> None:
    source = "".join(inspect.getsource(module) for module in MODULES)
    told = set(re.findall(r"`(?:\w+\.)?(_?[A-Za-z]\w+)`", PROOFS))
    assert [name for name in sorted(told - {"py"}) if not re.search(rf"\b{name}\b", source)] == []
