"""The README and the pages of `docs/` show what their commands print, and run what they show, from top to bottom."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from pathlib import Path

import pytest

import thmverify
from benchmarks import pictures, samples
from property_tests.interrupts import SAFETY_NET
from thmverify.cli import main
from thmverify.covering.maps import Family
from thmverify.instances import parse_instance, read_instance
from thmverify.losses import LOSSES
from thmverify.minimize import minimise
from thmverify.theorems.samples.radius_common import radius

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "pages"
DOCUMENTS = [ROOT / "README.md", *sorted(PAGES.rglob("*.md"))]
MATRIX = PAGES / "matrix.md"
NAMES = {path: path.relative_to(ROOT).as_posix() for path in DOCUMENTS}
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
WORDS = 1200  # of the README


@dataclass(frozen=True)
class Example:
    """A command with the output shown below it, or a block of Python."""

    command: str
    output: str = ""
    python: bool = False


def examples(text: str) -> list[Example]:
    found = []
    for language, block in BLOCK.findall(text):
        if language == "python":
            found.append(Example(block, python=True))
        elif language == "console":
            parts = [part.partition("\n") for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
            found += [Example(command, output) for command, _, output in parts]
    return found


def pattern(output: str) -> re.Pattern[str]:
    """What the output must match; a line … stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^…$", output, flags=re.MULTILINE)]
    return re.compile(r"\n?(?:.*\n)*".join(parts) + r"\n?")


def printed(command: str) -> tuple[int, str]:
    """Run a command, and return its exit code and what it prints; what goes to stderr is part of it."""
    program, *arguments = command.split()
    assert program == "thmverify"
    if "--with" in arguments:  # what it loads stays loaded
        whole = [sys.executable, "-m", "thmverify", *arguments]
        done = subprocess.run(whole, check=False, capture_output=True, text=True, timeout=SAFETY_NET)
        return done.returncode, (done.stdout + done.stderr).strip("\n")
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return code, (out.getvalue() + err.getvalue()).strip("\n")


def allowed(example: Example) -> tuple[int, ...]:
    """The exit codes that go with what is shown."""
    if example.output.startswith("thmverify: "):
        return (2,)
    if example.output.startswith("applicable  no"):
        return (3,)
    return (1,) if "refuted" in example.output and " decide " in example.command else (0,)


def shows_what_is_printed(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run what a document shows, in a folder with the examples."""
    for part in ("examples", "theorems", "reports", "verify"):
        (tmp_path / part).symlink_to(ROOT / part)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("thmverify.losses.LOSSES", dict(LOSSES))
    scope: dict[str, object] = {}
    for example in examples(path.read_text(encoding="utf-8")):
        if example.python:
            with redirect_stdout(StringIO()):
                exec(compile(example.command, path.name, "exec"), scope)
            continue
        code, found = printed(example.command)
        output = example.output
        assert code in allowed(example), found
        if " minimize " in f" {example.command} ":  # floats: the last digits differ from machine to machine
            output, found = (" ".join(NUMBER.sub("#", text).split()) for text in (output, found))
        assert pattern(output).fullmatch(found + "\n"), f"{example.command}\n{found}"


# The page on the matrix is read where every cell has been computed, in test_matrix.py.
@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path != MATRIX], ids=lambda path: NAMES[path])
def test_a_document_shows_what_is_printed(path, monkeypatch, tmp_path):
    shows_what_is_printed(path, monkeypatch, tmp_path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES.values())
def test_files_that_are_shown_are_read(path):
    for language, block in BLOCK.findall(path.read_text(encoding="utf-8")):
        if language == "json" and '"model"' in block:
            fields = json.loads(block)
            (Family.of if "axes" in fields else parse_instance)(fields)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES.values())
def test_links_lead_to_files(path):
    generated = {PAGES / name for name in ("statements.md", "names.md", "api.md")}
    text = BLOCK.sub("", path.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        found = (path.parent / target).resolve()
        assert found.exists() or found in generated, target


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= WORDS


def test_the_table_of_losses_is_that_of_the_records():
    text = (PAGES / "losses.md").read_text(encoding="utf-8")
    table = text.partition("| loss | | maps | normalisation |\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert table == [
        f"| `{loss.name}` | {loss.title}, {loss.sense.value} | {loss.map_shape} | {loss.normalisation} |"
        for loss in LOSSES.values()
    ]


def test_the_loss_of_ones_own_is_registered_and_minimised(monkeypatch):
    text = (PAGES / "tutorials" / "loss.md").read_text(encoding="utf-8")
    (block,) = [e.command for e in examples(text) if e.python and "register(" in e.command]
    monkeypatch.setattr("thmverify.losses.LOSSES", dict(LOSSES))
    exec(compile(block, "loss.md", "exec"), {})
    instance = read_instance(ROOT / "examples" / "shared-gmm.json")
    plain, own = minimise("infonce", instance), minimise("decayed-infonce", instance)
    assert own.converged
    assert own.value > plain.value
    assert own.maps["M"].trace() < plain.maps["M"].trace()


def test_every_public_name_is_documented():
    for module in (thmverify, *(__import__(f"thmverify.{m}", fromlist="_") for m in ("testing", "losses"))):
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing):
                text = thing.__doc__ or ""
                assert text.strip(), name
                assert not text.startswith(f"{name}("), name  # what dataclasses write of themselves


def test_every_command_is_on_the_page_of_commands():
    from thmverify.cli.app import app

    text = (PAGES / "commands.md").read_text(encoding="utf-8").partition("## Exit codes")[0]
    names = [c.name for c in app.registered_commands] + [g.name for g in app.registered_groups]
    assert [name for name in names if f"`{name}" not in text] == []


LOADED = {  # what would be loaded from elsewhere, and what is not
    '<script src="https://a.example/x.js"></script>': True,
    '<link rel="stylesheet" href="//a.example/x.css">': True,
    '<img src="http://a.example/x.png">': True,
    '<link rel="canonical" href="https://a.example/">': False,
    '<a href="https://a.example/">a link</a>': False,
    '<script src="../assets/x.js"></script>': False,
}


@pytest.mark.parametrize("text", LOADED)
def test_a_site_that_loads_from_elsewhere_is_seen(text, tmp_path):
    (tmp_path / "page.html").write_text(f"<html>{text}</html>")
    command = [sys.executable, str(ROOT / "docs" / "offline.py"), str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SAFETY_NET)
    assert (done.returncode != 0) == LOADED[text]
    assert ("a.example" in done.stderr) == LOADED[text]


def test_there_are_examples():
    found = [e for path in DOCUMENTS for e in examples(path.read_text(encoding="utf-8"))]
    assert len([e for e in found if e.python]) >= 8
    assert len([e for e in found if not e.python]) >= 20


def test_the_pictures_of_the_benchmarks_are_those_of_the_record():
    record = json.loads(pictures.RESULTS.read_text(encoding="utf-8"))
    for name, text in pictures.drawings(record).items():
        assert (pictures.FOLDER / name).read_text(encoding="utf-8") == text
    slower = [{**row, "seconds": 2 * row["seconds"]} for row in record["values"]]
    assert pictures.drawings({**record, "values": slower})["values.svg"] != pictures.drawings(record)["values.svg"]


def test_the_list_of_commands_cuts_no_line(capsys):
    assert main(["--help"]) == 0
    commands = capsys.readouterr().out.partition("Commands:")[2].partition("Examples:")[0].strip().splitlines()
    assert len(commands) >= 16
    assert [line for line in commands if line.rstrip().endswith("...")] == []


def test_the_page_on_samples_shows_the_record():
    record = json.loads(samples.RESULTS.read_text(encoding="utf-8"))
    assert samples.PICTURE.read_text(encoding="utf-8") == samples.draw(record)
    page = (PAGES / "samples.md").read_text(encoding="utf-8")
    assert samples.table(record) in page
    assert samples.large(record) in " ".join(page.split())
    moved = {**record, "bounds": {n: str(2 * Fraction(rho)) for n, rho in record["bounds"].items()}}
    assert samples.draw(moved) != samples.draw(record)
    assert samples.table(moved) != samples.table(record)
    assert {n: str(radius(samples.PLANE, int(n), samples.P).rho) for n in record["bounds"]} == record["bounds"]
    assert all(row["rho"] is None and max(row["distances"]) < 1 for row in record["samples"])
