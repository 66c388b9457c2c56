"""The README shows what its commands print: they are run and compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thmverify.cli import main
from thmverify.instances import read_instance
from thmverify.losses import LOSSES
from thmverify.minimize import minimise

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


def examples() -> list[tuple[str, str]]:
    """Each command of the console blocks with the output shown below it."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    shown = [part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    return [(command, output) for command, _, output in shown]


def pattern(output: str) -> re.Pattern[str]:
    """What the output must match; a line … stands for any lines."""
    parts = [re.escape(part.strip("\n")) for part in re.split(r"^…$", output, flags=re.MULTILINE)]
    return re.compile(r"\n(?:.*\n)*".join(parts) + r"\n?")


@pytest.mark.parametrize(("command", "output"), examples(), ids=[command for command, _ in examples()])
def test_the_readme_shows_what_is_printed(command, output, monkeypatch, capsys):
    program, *arguments = command.split()
    monkeypatch.chdir(ROOT)
    assert program == "thmverify"
    refuted = "refuted" in output and arguments[0] == "decide"
    assert main(arguments) == (3 if output.startswith("outside") else 1 if refuted else 0)
    printed = capsys.readouterr().out.strip("\n")
    if arguments[0] == "minimize":  # floats: the last digits differ from machine to machine
        output, printed = (" ".join(NUMBER.sub("#", text).split()) for text in (output, printed))
    assert pattern(output).fullmatch(printed + "\n")


def test_the_table_of_losses_is_that_of_the_records():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("| loss | | maps | normalisation |\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert table == [
        f"| `{loss.name}` | {loss.title}, {loss.sense.value} | {loss.map_shape} | {loss.normalisation} |"
        for loss in LOSSES.values()
    ]
    introduction = " ".join(text.partition("## Two commands")[0].split()).lower()
    for loss in LOSSES.values():
        assert all(word in introduction for word in loss.title.lower().replace(",", "").split())


def blocks() -> list[str]:
    """The blocks of Python."""
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("block", blocks(), ids=range(len(blocks())))
def test_every_block_of_python_runs(block, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("thmverify.losses.LOSSES", dict(LOSSES))
    exec(compile(block, "README.md", "exec"), {})


def test_the_loss_of_ones_own_is_registered_and_minimised(monkeypatch):
    (block,) = [block for block in blocks() if "decayed-infonce" in block]
    monkeypatch.setattr("thmverify.losses.LOSSES", dict(LOSSES))
    exec(compile(block, "README.md", "exec"), {})
    instance = read_instance(ROOT / "examples" / "shared-gmm.json")
    plain, own = minimise("infonce", instance), minimise("decayed-infonce", instance)
    assert own.converged
    assert own.value > plain.value
    assert own.maps["M"].trace() < plain.maps["M"].trace()


def test_there_are_examples():
    assert len(examples()) >= 6
